package contact_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rapport/records/contact"
)

func TestApplyContact(t *testing.T) {
	t.Parallel()
	rows := readCSV(t, "name,email,kind,phone,tags,language,size,consent\n"+
		"Ada Byron,ada@acme.example;ada@home.example,,+49 30 2,north,,40,newsletter\n")
	fresh, changed := rows[0].ApplyContact(nil, noon)
	if !changed || !fresh.Created.Equal(noon) || fresh.Consents[0].At != noon || fresh.Consents[0].Source != "import" {
		t.Errorf("a new contact is %+v, %v", fresh, changed)
	}
	old := contact.Contact{
		ID: "1", Name: "Ada", Addresses: []contact.Address{"ada@acme.example"}, Kind: contact.Customer, Phones: []string{"+49 30 1"},
		Tags: []string{"vip"}, Language: "de", Custom: map[string]string{"size": "38", "shoe": "red"}, Created: noon, Updated: noon,
	}
	later := noon.AddDate(0, 0, 1)
	want := contact.Contact{
		ID: "1", Name: "Ada Byron", Addresses: []contact.Address{"ada@acme.example", "ada@home.example"}, Kind: contact.Customer, Phones: []string{"+49 30 1", "+49 30 2"},
		Tags: []string{"vip", "north"}, Language: "de", Custom: map[string]string{"size": "40", "shoe": "red"},
		Consents: []contact.Consent{{Purpose: "newsletter", State: "given", Source: "import", At: later}}, Created: noon, Updated: later,
	}
	got, changed := rows[0].ApplyContact(&old, later)
	if diff := cmp.Diff(want, got); diff != "" || !changed {
		t.Errorf("ApplyContact = %v (-want +got):\n%s", changed, diff)
	}
	if old.Custom["size"] != "38" || len(old.Tags) != 1 {
		t.Errorf("ApplyContact changed its argument: %+v", old)
	}
	again, changed := rows[0].ApplyContact(&got, later.AddDate(0, 0, 1))
	if diff := cmp.Diff(got, again); diff != "" || changed {
		t.Errorf("applying a row twice changes something: %v\n%s", changed, diff)
	}
}

// TestConsentIsNotRevived: somebody who objected after an import stays so when
// a file says again what it said, but a file that says the opposite counts.
func TestConsentIsNotRevived(t *testing.T) {
	t.Parallel()
	old := contact.Contact{Name: "Ada", Consents: []contact.Consent{
		{Purpose: "newsletter", State: contact.Withdrawn, At: noon}, {Purpose: "newsletter", State: contact.Given, At: noon.AddDate(0, 0, -9)},
	}}
	for cell, want := range map[string]bool{"newsletter=withdrawn": false, "survey": true} {
		row := readCSV(t, "name,consent\nAda,"+cell+"\n")[0]
		if _, changed := row.ApplyContact(&old, noon.AddDate(0, 0, 1)); changed != want {
			t.Errorf("the consent %q changes something: %v; want %v", cell, changed, want)
		}
	}
	for cell, want := range map[string]bool{"newsletter": false, "newsletter@2026-01-01": false, "newsletter@2026-04-01": true} {
		row := readCSV(t, "name,consent\nAda,"+cell+"\n")[0]
		if _, changed := row.ApplyContact(&old, noon.AddDate(0, 0, 1)); changed != want {
			t.Errorf("the consent %q overrules an objection: %v; want %v", cell, changed, want)
		}
	}
}

func TestApplyOrganisation(t *testing.T) {
	t.Parallel()
	old := contact.Organisation{ID: "1", Name: "Acme", Domains: []contact.Domain{{Name: "acme.example"}}, Kind: contact.Partner, Tags: []string{"x"}, Created: noon, Updated: noon}
	row := readCSV(t, "organisation,domain,kind,tags\nAcme GmbH,acme.example;acme.test,customer,y\n")[0]
	want := contact.Organisation{
		ID: "1", Name: "Acme GmbH", Domains: []contact.Domain{{Name: "acme.example"}, {Name: "acme.test"}},
		Kind: contact.Customer, Tags: []string{"x", "y"}, Created: noon, Updated: noon.AddDate(0, 0, 1),
	}
	got, changed := row.ApplyOrganisation(&old, noon.AddDate(0, 0, 1))
	if diff := cmp.Diff(want, got); diff != "" || !changed {
		t.Errorf("ApplyOrganisation = %v (-want +got):\n%s", changed, diff)
	}
	if again, changed := row.ApplyOrganisation(&got, noon); changed || !cmp.Equal(got, again) {
		t.Error("applying a row twice changes something")
	}
	mention := readCSV(t, "name,organisation,domain,kind\nAda,ACME,acme.example,customer\n")[0]
	if got, changed := mention.ApplyOrganisation(&old, noon); changed || got.Name != "Acme" || got.Kind != contact.Partner {
		t.Errorf("a mention beside a person changes it to %+v", got)
	}
	bare := readCSV(t, "organisation,domain\n,acme.example\n")[0]
	if got, changed := bare.ApplyOrganisation(&old, noon); changed {
		t.Errorf("a domain alone changes it to %+v", got)
	}
	if fresh, changed := row.ApplyOrganisation(nil, noon); !changed || !fresh.Created.Equal(noon) {
		t.Errorf("a new organisation is %+v", fresh)
	}
}

// cards are of several versions and writers.
var cards = strings.ReplaceAll(`BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Gro=C3=9F;J=C3=BCrgen;;Dr.
ORG;ENCODING=QUOTED-PRINTABLE;CHARSET=windows-1252:B=FCcher=
 Haus;Dept
EMAIL;INTERNET:work@acme.example
EMAIL;PREF;INTERNET:Juergen@Acme.example
TEL;CELL;VOICE:+49 170 2
PHOTO;JPEG;ENCODING=BASE64:
 AAAA
 BBBB

NOTE;ENCODING=QUOTED-PRINTABLE:one=0D=0Atwo
END:VCARD
BEGIN:VCARD
VERSION:3.0
PRODID:-//Apple Inc.//EN
N:Byron;Ada;;;
FN:Ada Byron
ORG:Acme\, Inc.\; Sons;Engineering
item1.EMAIL;type=INTERNET:ada@home.example
EMAIL;type=INTERNET;type=WORK;type=pref:ada@acme.example
TITLE:CTO
CATEGORIES:vip,north
NOTE:a long line that is fol
 ded here\nand goes on
X-ABLabel:ignored
END:VCARD
BEGIN:VCARD
VERSION:4.0
FN:Group
KIND:group
END:VCARD
BEGIN:VCARD
VERSION:4.0
KIND:org
FN:Beta Ltd
TEL;VALUE=uri:tel:+44-20-1;ext=5
LANG:en
TZ:Europe/London
END:VCARD
`, "\n", "\r\n")

func TestReadVCard(t *testing.T) {
	t.Parallel()
	rows, errs := contact.ReadVCard(strings.NewReader(cards), contact.ImportOptions{})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	want := []contact.Row{
		{
			Line: 1, Note: "one\ntwo", Organisation: &contact.Organisation{Name: "Bücher Haus"},
			Contact: &contact.Contact{Name: "Jürgen Groß", Addresses: []contact.Address{"juergen@acme.example", "work@acme.example"}, Phones: []string{"+49 170 2"}},
		},
		{
			Line: 15, Note: "a long line that is folded here\nand goes on", Title: "CTO", Organisation: &contact.Organisation{Name: "Acme, Inc.; Sons"},
			Contact: &contact.Contact{Name: "Ada Byron", Addresses: []contact.Address{"ada@acme.example", "ada@home.example"}, Tags: []string{"vip", "north"}},
		},
		{Line: 34, Organisation: &contact.Organisation{Name: "Beta Ltd", Phones: []string{"+44-20-1 ext=5"}, Language: "en", TimeZone: "Europe/London"}},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("ReadVCard differs (-want +got):\n%s", diff)
	}
	for in, want := range map[string]string{
		"":                    "no BEGIN:VCARD",
		"BEGIN:VCARD\nFN:A\n": "1: the card has no END",
		"\nBEGIN:VCARD\nBEGIN:VCARD\nFN:A\nEND:VCARD": "2: the card has no END:VCARD before",
		"BEGIN:VCARD\nEMAIL:bad\nEND:VCARD":           "1: email:",
		"BEGIN:VCARD\nNOTE:x\nEND:VCARD":              "1: the line has neither",
	} {
		_, errs := contact.ReadVCard(strings.NewReader(in), contact.ImportOptions{})
		if all := sayErrors(errs); !strings.Contains(all, want) {
			t.Errorf("ReadVCard(%q) says %q; want %q", in, all, want)
		}
	}
}

func TestReadJSONLines(t *testing.T) {
	t.Parallel()
	text := `{"contact":{"id":"x","name":"Ada","addresses":["Ada@acme.example"],"affiliations":[{"organisation":"o"}],"created":"2026-01-01T00:00:00Z","updated":"2026-01-01T00:00:00Z"},"organisation":{"id":"o","name":"Acme"},"title":"CTO"}

{"name":"Bo","addresses":["bo@acme.example"]}
{"name":"Beta","domains":[{"name":"beta.example","shared":true}]}
`
	rows, errs := contact.ReadJSONLines(strings.NewReader(text), contact.ImportOptions{})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	want := []contact.Row{
		{Line: 1, Contact: &contact.Contact{Name: "Ada", Addresses: []contact.Address{"ada@acme.example"}}, Organisation: &contact.Organisation{Name: "Acme"}, Title: "CTO"},
		{Line: 3, Contact: &contact.Contact{Name: "Bo", Addresses: []contact.Address{"bo@acme.example"}}},
		{Line: 4, Organisation: &contact.Organisation{Name: "Beta", Domains: []contact.Domain{{Name: "beta.example", Shared: true}}}},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("ReadJSONLines differs (-want +got):\n%s", diff)
	}
	for in, want := range map[string]string{
		"":                                     "1: the file is empty",
		`{"name":"A"}` + "\n{":                 "2: the line is no JSON object",
		`{"contact":{"nmae":"A"}}`:             `the field "nmae" is unknown (did you mean name?)`,
		`{"name":"A","adresses":[]}`:           "did you mean addresses?",
		`{"contact":{"name":["A"]}}`:           "write a text",
		`{"contact":{"name":"A","tags":"x"}}`:  "write a list",
		`[1]`:                                  "not an object",
		`{}`:                                   "neither a contact nor an organisation",
		`{"title":"x"}`:                        "neither a contact nor an organisation",
		`{"contact":{"name":"A","kind":"cu"}}`: "kind \"cu\"",
	} {
		_, errs := contact.ReadJSONLines(strings.NewReader(in), contact.ImportOptions{})
		if all := sayErrors(errs); !strings.Contains(all, want) {
			t.Errorf("ReadJSONLines(%q) says %q; want %q", in, all, want)
		}
	}
}

func FuzzImport(f *testing.F) {
	f.Add("name,email\nAda,ada@acme.example\n")
	f.Add("BEGIN:VCARD\nN;ENCODING=QUOTED-PRINTABLE:=C3=\n x\nEND:VCARD")
	f.Add(`{"contact":{"name":"A"}}`)
	f.Fuzz(func(t *testing.T, s string) {
		for _, read := range []func() ([]contact.Row, []contact.RowError){
			func() ([]contact.Row, []contact.RowError) {
				return contact.ReadCSV(strings.NewReader(s), contact.ImportOptions{})
			},
			func() ([]contact.Row, []contact.RowError) {
				return contact.ReadVCard(strings.NewReader(s), contact.ImportOptions{})
			},
			func() ([]contact.Row, []contact.RowError) {
				return contact.ReadJSONLines(strings.NewReader(s), contact.ImportOptions{})
			},
		} {
			rows, errs := read()
			if len(rows) > 0 && len(errs) > 0 || len(errs) > 100 {
				t.Fatalf("%d rows with %d errors", len(rows), len(errs))
			}
			for _, r := range rows {
				for _, err := range contact.NormalizeRow(&r) {
					t.Errorf("a row that was read is not normal: %v", err)
				}
			}
		}
	})
}
