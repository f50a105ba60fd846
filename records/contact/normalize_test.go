package contact_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/records/contact"
)

func TestNormalizeContact(t *testing.T) {
	t.Parallel()
	c := contact.Contact{
		Name:         " Ada Byron ",
		Addresses:    []contact.Address{" ADA@acme.example", "ada@acme.example", "", "x@bücher.example"},
		Affiliations: []contact.Affiliation{{Organisation: "o1", Title: " CTO "}, {Organisation: "o1", Role: "decides"}},
		Kind:         "Customer", Stage: " ACTIVE ", Owner: "Me <ME@example.com>",
		Tags: []string{"vip", " VIP ", "", "north"}, Phones: []string{"+49 30 1", "+49 30 1"},
		Language: "pt_br", TimeZone: "America/Argentina/Buenos_Aires",
		Custom:   map[string]string{" size ": " 38 ", "empty": "  "},
		Consents: []contact.Consent{{Purpose: " newsletter ", State: "Given"}, {Purpose: "newsletter", State: "given"}},
		Note:     "a\r\nb\rc ",
	}
	want := contact.Contact{
		Name: "Ada Byron", Addresses: []contact.Address{"ada@acme.example", "x@xn--bcher-kva.example"},
		Affiliations: []contact.Affiliation{{Organisation: "o1", Title: "CTO", Role: "decides"}},
		Kind:         contact.Customer, Stage: contact.Active, Owner: "me@example.com",
		Tags: []string{"vip", "north"}, Phones: []string{"+49 30 1"}, Language: "pt-BR", TimeZone: "America/Argentina/Buenos_Aires",
		Custom: map[string]string{"size": "38"}, Consents: []contact.Consent{{Purpose: "newsletter", State: "given"}}, Note: "a\nb\nc",
	}
	for range 2 {
		if err := c.Normalize(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, c); diff != "" {
			t.Fatalf("Normalize differs (-want +got):\n%s", diff)
		}
	}
}

func TestNormalizeSaysEverything(t *testing.T) {
	t.Parallel()
	c := contact.Contact{
		Name:         "Ada\r\nBcc: x@y.example",
		Addresses:    []contact.Address{"ada"},
		Affiliations: []contact.Affiliation{{Title: "CTO"}},
		Kind:         "custmer", Stage: "old", Owner: "me", Role: "a\x00b", Tags: []string{"a;b", "c,d"}, Phones: []string{strings.Repeat("1", 501)},
		Language: "xx-invalid-language", TimeZone: "../etc/passwd", Custom: map[string]string{"a": "x", " a": "y", "": "z", "b\nc": "v"},
		Consents: []contact.Consent{{}, {Purpose: "n", State: "maybe"}, {Purpose: "a=b", State: "given"}}, Note: "bell\a",
	}
	err := c.Normalize()
	if err == nil {
		t.Fatal("Normalize accepts it")
	}
	for _, want := range []string{
		"name holds a control", "no @", "affiliation names no organisation", "did you mean customer?", `stage "old"`, "owner:", "role holds a control",
		`tag "a;b"`, `tag "c,d"`, "phone is longer than 500", "language", "timezone", "two custom fields", "custom field has no name", "name of a custom field",
		"names no purpose", `"maybe"`, `purpose "a=b"`, "note holds a control",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	if strings.ContainsAny(err.Error(), "\r\x00") {
		t.Errorf("the error holds control characters: %q", err)
	}
	if err := (&contact.Contact{}).Normalize(); err == nil || !strings.Contains(err.Error(), "needs a name") {
		t.Errorf("Normalize of nobody = %v", err)
	}
	if err := (&contact.Contact{Name: "a\xff"}).Normalize(); err == nil || !strings.Contains(err.Error(), "UTF-8") {
		t.Errorf("Normalize of invalid UTF-8 = %v", err)
	}
}

func TestNormalizeOrganisation(t *testing.T) {
	t.Parallel()
	o := contact.Organisation{Domains: []contact.Domain{{Name: "@Acme.Example."}, {Name: "acme.example", Shared: true}, {Name: " "}}, Kind: "BOTH"}
	if err := o.Normalize(); err != nil {
		t.Fatal(err)
	}
	want := contact.Organisation{Name: "acme.example", Domains: []contact.Domain{{Name: "acme.example", Shared: true}}, Kind: contact.Both}
	if diff := cmp.Diff(want, o); diff != "" {
		t.Errorf("Normalize differs (-want +got):\n%s", diff)
	}
	for domain, want := range map[string]string{
		"gmail.com": "anybody can have a mailbox", "co.uk": "public suffix", "com": "no dot", "localhost": "no dot", "a b": "space", "a@b.example": "'@'",
	} {
		o := contact.Organisation{Name: "X", Domains: []contact.Domain{{Name: domain}}}
		if err := o.Normalize(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Normalize with the domain %q = %v; want %q", domain, err, want)
		}
	}
	if err := (&contact.Organisation{}).Normalize(); err == nil {
		t.Error("Normalize accepts an organisation without name and domain")
	}
}

// TestNormalizeSharesNothing: the value a record was copied from stays as it is.
func TestNormalizeSharesNothing(t *testing.T) {
	t.Parallel()
	before := contact.Contact{Name: "A", Tags: []string{" x ", "X"}, Addresses: []contact.Address{"A@acme.example"}, Custom: map[string]string{"k": " v "}}
	c := before
	if err := c.Normalize(); err != nil {
		t.Fatal(err)
	}
	want := contact.Contact{Name: "A", Tags: []string{" x ", "X"}, Addresses: []contact.Address{"A@acme.example"}, Custom: map[string]string{"k": " v "}}
	if diff := cmp.Diff(want, before); diff != "" {
		t.Errorf("Normalize changed another value (-want +got):\n%s", diff)
	}
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestMergeContacts(t *testing.T) {
	t.Parallel()
	given := contact.Consent{Purpose: "newsletter", State: contact.Given, At: noon.Add(-2 * time.Hour)}
	gone := contact.Consent{Purpose: "newsletter", State: contact.Withdrawn, At: noon.Add(-time.Hour)}
	keep := contact.Contact{
		ID: "1", Name: "Ada", Addresses: []contact.Address{"ada@acme.example"}, Affiliations: []contact.Affiliation{{Organisation: "acme", Title: "CTO"}},
		Kind: contact.Customer, Tags: []string{"vip"}, Custom: map[string]string{"size": "38"}, Consents: []contact.Consent{gone}, Note: "tea", Created: noon, Updated: noon,
	}
	lose := contact.Contact{
		ID: "2", Name: "A. Byron", Addresses: []contact.Address{"ada@home.example", "ada@acme.example"},
		Affiliations: []contact.Affiliation{{Organisation: "acme", Title: "Boss", Role: "decides"}, {Organisation: "beta"}},
		Kind:         contact.Partner, Stage: contact.Active, Owner: "me@example.com", Tags: []string{"VIP", "north"}, Phones: []string{"1"},
		Language: "de", TimeZone: "Europe/Berlin", Custom: map[string]string{"size": "40", "shoe": "red"}, Consents: []contact.Consent{given, gone}, Note: "coffee",
		Created: noon.Add(-time.Hour),
	}
	want := contact.Contact{
		ID: "1", Name: "Ada", Addresses: []contact.Address{"ada@acme.example", "ada@home.example"},
		Affiliations: []contact.Affiliation{{Organisation: "acme", Title: "CTO", Role: "decides"}, {Organisation: "beta"}},
		Kind:         contact.Both, Stage: contact.Active, Owner: "me@example.com", Tags: []string{"vip", "north"}, Phones: []string{"1"},
		Language: "de", TimeZone: "Europe/Berlin", Custom: map[string]string{"size": "38", "shoe": "red"}, Consents: []contact.Consent{given, gone}, Note: "tea\n\ncoffee",
		Created: noon.Add(-time.Hour), Updated: noon.Add(time.Minute),
	}
	keepBefore, loseBefore := keep, lose
	got := contact.MergeContacts(keep, lose, noon.Add(time.Minute))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("MergeContacts differs (-want +got):\n%s", diff)
	}
	if again := contact.MergeContacts(got, lose, got.Updated); !cmp.Equal(again, got) {
		t.Errorf("merging twice differs:\n%s", cmp.Diff(got, again))
	}
	got.Custom["size"], got.Affiliations[0].Title, got.Tags[0] = "x", "x", "x"
	if !cmp.Equal(keepBefore, keep) || !cmp.Equal(loseBefore, lose) || keep.Tags[0] != "vip" || keep.Custom["size"] != "38" || keep.Affiliations[0].Title != "CTO" {
		t.Error("MergeContacts changed its arguments, or its result shares with them")
	}
}

func TestMergeOrganisations(t *testing.T) {
	t.Parallel()
	keep := contact.Organisation{ID: "1", Name: "Acme", Domains: []contact.Domain{{Name: "acme.example"}}, Note: "tea", Created: noon}
	lose := contact.Organisation{ID: "2", Name: "ACME", Domains: []contact.Domain{{Name: "acme.example", Shared: true}, {Name: "acme.test"}}, Kind: contact.Partner, Note: "tea"}
	want := contact.Organisation{
		ID: "1", Name: "Acme", Domains: []contact.Domain{{Name: "acme.example", Shared: true}, {Name: "acme.test"}},
		Kind: contact.Partner, Note: "tea", Created: noon, Updated: noon,
	}
	if diff := cmp.Diff(want, contact.MergeOrganisations(keep, lose, noon)); diff != "" {
		t.Errorf("MergeOrganisations differs (-want +got):\n%s", diff)
	}
	if keep.Domains[0].Shared {
		t.Error("MergeOrganisations changed its argument")
	}
}

func TestAffiliated(t *testing.T) {
	t.Parallel()
	c, changed := contact.Contact{}.Affiliated(contact.Affiliation{Organisation: "o", Title: "CTO"})
	if !changed || len(c.Affiliations) != 1 {
		t.Errorf("Affiliated = %+v, %v", c.Affiliations, changed)
	}
	if _, changed := c.Affiliated(contact.Affiliation{Organisation: "o"}); changed {
		t.Error("a place known already changes something")
	}
	if d, changed := c.Affiliated(contact.Affiliation{Organisation: "o", Title: "CEO"}); !changed || d.Affiliations[0].Title != "CEO" || c.Affiliations[0].Title != "CTO" {
		t.Errorf("a new title gives %+v and leaves %+v", d.Affiliations, c.Affiliations)
	}
}

func TestAddressDigest(t *testing.T) {
	t.Parallel()
	key := []byte("key")
	a := contact.AddressDigest(key, "ada@acme.example")
	if a != contact.AddressDigest(key, "ada+x@acme.example") {
		t.Error("a plus-tag changes the digest")
	}
	if a == contact.AddressDigest(key, "bo@acme.example") || a == contact.AddressDigest([]byte("other"), "ada@acme.example") {
		t.Error("another address or key gives the same digest")
	}
}

func TestKindIs(t *testing.T) {
	t.Parallel()
	if !contact.Both.Is(contact.Customer) || !contact.Both.Is(contact.Partner) || contact.Both.Is(contact.Other) || contact.Customer.Is(contact.Both) || !contact.Other.Is(contact.Other) {
		t.Error("Both holds for Customer and Partner, and for nothing else")
	}
}
