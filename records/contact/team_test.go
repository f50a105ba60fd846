package contact_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"rapport/records/contact"
)

func TestTeam(t *testing.T) {
	t.Parallel()
	team := contact.Team{
		Domains: []string{"example.com", "xn--bcher-kva.example"},
		Members: []contact.Member{
			{Name: "Ada", Addresses: []contact.Address{"ada@example.com", "a.byron@example.com"}},
			{Name: "Bob", Addresses: []contact.Address{"bob.x@gmail.com"}},
			{Name: "Nobody"},
		},
	}
	for _, tt := range []struct {
		in     contact.Address
		has    bool
		member string
	}{
		{"ada@example.com", true, "Ada"},
		{"a.byron@example.com", true, "Ada"},
		{"ada+crm@example.com", true, "Ada"},
		{"info@example.com", true, ""},
		{"x@mail.example.com", true, ""},
		{"x@xn--bcher-kva.example", true, ""},
		{"x@notexample.com", false, ""},
		{"x@example.com.evil.example", false, ""},
		{"ada@example.org", false, ""},
		{"bobx+a@googlemail.com", true, "Bob"},
		{"bob@gmail.com", false, ""},
		{"", false, ""},
	} {
		if got := team.Has(tt.in); got != tt.has {
			t.Errorf("Has(%q) = %v; want %v", tt.in, got, tt.has)
		}
		if m, ok := team.Member(tt.in); m.Name != tt.member || ok != (tt.member != "") {
			t.Errorf("Member(%q) = %q, %v; want %q", tt.in, m.Name, ok, tt.member)
		}
	}
	if (contact.Team{Domains: []string{""}}).Has("x@example.com") {
		t.Error("a team with an empty domain has everybody")
	}
	if got := (contact.Member{}).Primary() + (contact.Contact{}).Primary(); got != "" {
		t.Errorf("Primary of nobody = %q", got)
	}
}

func TestFreemail(t *testing.T) {
	t.Parallel()
	for _, d := range []string{"gmail.com", "googlemail.com", "yahoo.co.uk", "web.de", "gmx.at", "qq.com", "t-online.de", "laposte.net", "icloud.com"} {
		if !contact.Freemail(d) {
			t.Errorf("Freemail(%q) = false", d)
		}
	}
	for _, d := range []string{"", "example.com", "notgmail.com", "gmail.com.example", "microsoft.com", "#", "orange.com"} {
		if contact.Freemail(d) {
			t.Errorf("Freemail(%q) = true", d)
		}
	}
}

func TestFreemailListIsInOrder(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("freemail.txt")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		if d, err := contact.NormalDomain(line); err != nil || d != line {
			t.Errorf("freemail.txt holds %q, which is no normal domain: %v", line, err)
		}
		list = append(list, line)
	}
	if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
		t.Error("freemail.txt is not sorted, or lists a domain twice")
	}
	if len(list) < 300 {
		t.Errorf("freemail.txt lists %d domains", len(list))
	}
}
