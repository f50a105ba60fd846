package campaign

import (
	"strings"
	"testing"
	"time"

	"rapport/records/contact"
	"rapport/records/sale"
)

func TestAudience(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	vip := Candidate{
		Contact: contact.Contact{Name: "Grace", Addresses: []contact.Address{"grace@example.org"}, Tags: []string{"vip"}, Language: "en",
			Custom: map[string]string{"city": "Lagos"}, Consents: []contact.Consent{{Purpose: "newsletter", State: contact.Given}}},
		Organisation: contact.Organisation{Name: "Harbour", Kind: contact.Both, Stage: contact.Active},
		LastIn:       now.AddDate(0, 0, -10), LastOut: now.AddDate(0, 0, -40),
		Segment: sale.Best, Sales: sale.Figures{Count: 3, First: "2025-01-02", Last: "2026-02-20", Late: 1,
			Total: []sale.Sum{{Currency: "EUR", Amount: 120_5000}, {Currency: "USD", Amount: 80_0000}}, Products: []sale.ProductCount{{Product: "tea"}, {Product: "cups"}}},
	}
	for _, tt := range []struct {
		rule string
		want bool
	}{
		{`kind == "customer"`, true},
		{`kind == "partner"`, true},
		{`kind != "customer"`, false},
		{`kind == "other"`, false},
		{`kind == organisation.kind`, true},
		{`"vip" in tags and language == "en"`, true},
		{`"vip" in tags and not ("newsletter" in consent)`, false},
		{`custom.city == "Lagos" && custom.street == ""`, true},
		{`last_contact > now - days(14)`, true},
		{`last_out > now - days(14)`, false},
		{`any(tags, # startsWith "v")`, true},
		{`stage == "active"`, true},
		{`email endsWith "@example.org"`, true},
		{`sales.count > 2 and sales.total == 120.5`, true},
		{`sales.in["USD"] >= 80 and not (sales.in["GBP"] > 0)`, true},
		{`sales.last > now - days(14) and sales.first < now - days(365)`, true},
		{`"tea" in sales.products and sales.segment == "best" and sales.overdue > 0`, true},
		{`sales.count == 0`, false},
		{`true`, true},
	} {
		a, err := ParseAudience(tt.rule)
		if err != nil {
			t.Errorf("%s: %v", tt.rule, err)
			continue
		}
		if got, err := a.Includes(vip, now); err != nil || got != tt.want {
			t.Errorf("%s: %v, %v; want %v", tt.rule, got, err, tt.want)
		}
	}
}

// TestAudienceFaults names what is wrong and where, and refuses what could cost
// without bound or read a clock.
func TestAudienceFaults(t *testing.T) {
	for _, tt := range []struct{ rule, want string }{
		{"kind == \"customer\" and\n tgas == 3", "2:2: there is no field tgas"},
		{`kind ==`, "1:7: "},
		{`1 + 1`, "expected bool"},
		{`kind`, "expected bool"},
		{`tags == "vip"`, "1:6: "},
		{`now() == now`, "1:1: "},
		{`repeat("x", 1000000) == ""`, "1:1: "},
		{strings.Repeat("true and ", 400) + "true", ""},
		{strings.Repeat(" ", 5000), "bytes"},
	} {
		_, err := ParseAudience(tt.rule)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.60q: %v; want %q", tt.rule, err, tt.want)
		}
	}
	a, err := ParseAudience(`len(1..100000000) > 3`)
	if err == nil {
		_, err = a.Includes(Candidate{}, time.Time{})
	}
	if err == nil {
		t.Error("a rule fills the memory")
	}
}

func TestStanding(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return now.AddDate(0, 0, -n) }
	agreed := contact.Contact{Consents: []contact.Consent{{Purpose: "newsletter", State: contact.Given, At: day(90)}}}
	refused := agreed
	refused.Consents = append(refused.Consents[:1:1], contact.Consent{Purpose: "newsletter", State: contact.Withdrawn, At: day(3)})
	terms := Terms{Purpose: "newsletter", PerWeek: 2, PerMonth: 4}
	for _, tt := range []struct {
		name  string
		s     Standing
		basis string
		want  Why
	}{
		{"agreed", Standing{Contact: agreed}, "", ""},
		{"nothing said", Standing{}, "", NoConsent},
		{"nothing said, another basis", Standing{}, "customers", ""},
		{"taken back, another basis", Standing{Contact: refused}, "customers", Withdrawn},
		{"stopped for all", Standing{Contact: agreed, Stops: []Stop{{Why: "complaint"}}}, "", Stopped},
		{"stopped for this", Standing{Contact: agreed, Stops: []Stop{{Scope: "newsletter", Why: "unsubscribe"}}}, "", Stopped},
		{"stopped for another", Standing{Contact: agreed, Stops: []Stop{{Scope: "survey", Why: "unsubscribe"}}}, "", ""},
		{"excluded", Standing{Contact: agreed, Excluded: true}, "", Excluded},
		{"had it", Standing{Contact: agreed, Had: day(1)}, "", HadIt},
		{"two in a week", Standing{Contact: agreed, Sent: []time.Time{day(1), day(6)}}, "", TooMuch},
		{"one in a week", Standing{Contact: agreed, Sent: []time.Time{day(1), day(8), day(9)}}, "", ""},
		{"four in a month", Standing{Contact: agreed, Sent: []time.Time{day(8), day(9), day(10), day(29)}}, "", TooMuch},
	} {
		terms.Basis = tt.basis
		got := terms.Judge(tt.s, now)
		if got.Why != tt.want || (got.String() == "") != (tt.want == "") {
			t.Errorf("%s: %q (%s), want %q", tt.name, got.Why, got, tt.want)
		}
	}
}

func TestLetterOfLanguage(t *testing.T) {
	d := Definition{Letters: map[string]Letter{"": {Language: "en"}, "de": {Language: "de"}, "pt-br": {Language: "pt-BR"}}}
	for tag, want := range map[string]string{"": "en", "de": "de", "de-AT": "de", "pt-BR": "pt-BR", "pt": "en", "bn": "en", "DE": "de"} {
		if got := d.Letter(tag).Language; got != want {
			t.Errorf("the letter for %q is in %s, want %s", tag, got, want)
		}
	}
}
