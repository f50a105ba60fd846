package contact_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/text/encoding/charmap"
	"pgregory.net/rapid"

	"rapport/internal/mailtest"
	"rapport/records/contact"
)

func readCSV(t testing.TB, text string) []contact.Row {
	t.Helper()
	rows, errs := contact.ReadCSV(strings.NewReader(text), contact.ImportOptions{})
	if len(errs) > 0 {
		t.Fatalf("ReadCSV(%q) = %v", text, errs)
	}
	return rows
}

var full = []contact.Row{
	{
		Line: 2,
		Contact: &contact.Contact{
			Name: "Ada Byron", Addresses: []contact.Address{"ada@acme.example", "ada@home.example"}, Kind: contact.Customer, Stage: contact.Active,
			Role: "reseller", Owner: "me@example.com", Tags: []string{"vip", "north"}, Phones: []string{"+49 30 123"}, Language: "de", TimeZone: "Europe/Berlin",
			Custom: map[string]string{"Shoe Size": "38"}, Consents: []contact.Consent{{Purpose: "newsletter", State: "given"}},
		},
		Organisation: &contact.Organisation{Name: "Acme GmbH", Domains: []contact.Domain{{Name: "acme.example"}}, Kind: contact.Customer},
		Title:        "CTO", Note: "met at the fair\nlikes tea",
	},
	{
		Line:         4,
		Organisation: &contact.Organisation{Name: "Beta", Domains: []contact.Domain{{Name: "beta.example"}, {Name: "hub.example", Shared: true}}, Kind: contact.Partner, Custom: map[string]string{"Shoe Size": "none"}},
	},
}

func TestReadCSV(t *testing.T) {
	t.Parallel()
	text := "email,name,Organisation,domain,KIND,stage,role,title,phone,language,timezone,owner,tags,consent,note,Shoe Size\n" +
		"Ada@Acme.example; ada@home.example,Ada Byron,Acme GmbH,acme.example,Customer,active,reseller,CTO,'+49 30 123,de,Europe/Berlin,me@example.com,\"vip, north\",newsletter,\"met at the fair\nlikes tea\",38\n" +
		",,Beta,https://www.beta.example/;hub.example!,partner,,,,,,,,,,,none\n" +
		",,,,,,,,,,,,,,,\n"
	for name, in := range map[string]string{
		"comma":        text,
		"mark":         "\uFEFF" + text,
		"CRLF":         strings.ReplaceAll(text, "\n", "\r\n"),
		"other order":  text,
		"UTF-16 LE":    utf16Text(text, true, true),
		"UTF-16 BE":    utf16Text(text, false, true),
		"UTF-16 bare":  utf16Text(text, true, false),
		"Windows-1252": text,
	} {
		if diff := cmp.Diff(full, readCSV(t, in)); diff != "" {
			t.Errorf("ReadCSV, %s, differs (-want +got):\n%s", name, diff)
		}
	}
	semi := "name;email;note\nAda, Countess;ada@acme.example;x\n"
	if got := readCSV(t, semi); got[0].Contact.Name != "Ada, Countess" {
		t.Errorf("with semicolons the name is %q", got[0].Contact.Name)
	}
	if got := readCSV(t, "sep=\t\nname\temail\nAda\tada@acme.example\n"); got[0].Contact.Name != "Ada" || got[0].Line != 3 {
		t.Errorf("with tabs and sep= got %+v", got[0])
	}
	old := "name;email\rAda;ada@acme.example\rBo;bo@acme.example\r"
	if got := readCSV(t, old); len(got) != 2 {
		t.Errorf("with CR alone got %d rows", len(got))
	}
	latin, err := charmap.Windows1252.NewEncoder().String("name,email\nJürgen – Groß,j@acme.example\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := readCSV(t, latin); got[0].Contact.Name != "Jürgen – Groß" {
		t.Errorf("in Windows-1252 the name is %q", got[0].Contact.Name)
	}
}

func utf16Text(s string, little, mark bool) string {
	units := utf16.Encode([]rune(s))
	if mark {
		units = append([]uint16{0xFEFF}, units...)
	}
	var b strings.Builder
	for _, u := range units {
		if little {
			b.WriteByte(byte(u))
			b.WriteByte(byte(u >> 8))
		} else {
			b.WriteByte(byte(u >> 8))
			b.WriteByte(byte(u))
		}
	}
	return b.String()
}

func TestReadCSVLayouts(t *testing.T) {
	t.Parallel()
	want := []contact.Row{{
		Line: 2,
		Contact: &contact.Contact{
			Name: "Ada King Byron", Addresses: []contact.Address{"ada@acme.example", "ada@home.example"},
			Tags: []string{"VIP", "North"}, Phones: []string{"+49 30 1", "+49 170 2"},
		},
		Organisation: &contact.Organisation{Name: "Acme GmbH"}, Title: "CTO", Note: "tea",
	}}
	for name, text := range map[string]string{
		"Outlook": "Title,First Name,Middle Name,Last Name,Suffix,Company,Department,Job Title,Business Phone,Mobile Phone,Categories,E-mail Address,E-mail Type,E-mail Display Name,E-mail 2 Address,E-mail 3 Address,Gender,Notes,Priority,Private,Sensitivity\r\n" +
			"Dr.,Ada,King,Byron,,Acme GmbH,,CTO,+49 30 1,+49 170 2,VIP;North,ada@acme.example,SMTP,Ada (ada@acme.example),ada@home.example,/o=ExchangeLabs/ou=x/cn=Recipients/cn=ada,Unspecified,tea,Normal,False,Normal\r\n",
		"Outlook, German": "Anrede;Vorname;Weitere Vornamen;Nachname;Suffix;Firma;Position;Telefon geschäftlich;Mobiltelefon;E-Mail-Adresse;E-Mail-Typ;E-Mail: Angezeigter Name;E-Mail 2: Adresse;E-Mail 2: Typ;Kategorien;Notizen;Geschlecht\r\n" +
			"Frau;Ada;King;Byron;;Acme GmbH;CTO;+49 30 1;+49 170 2;ada@acme.example;SMTP;Ada;ada@home.example;SMTP;VIP;tea;Keine Angabe\r\n",
		"Outlook, French": "Titre,Prénom,Deuxième prénom,Nom,Suffixe,Société,Fonction,Téléphone (bureau),Tél. mobile,Adresse de messagerie,Type de messagerie,Nom complet de l’adresse de messagerie,Adresse de messagerie 2,Catégories,Notes,Sexe\r\n" +
			"Mme,Ada,King,Byron,,Acme GmbH,CTO,+49 30 1,+49 170 2,ada@acme.example,SMTP,Ada,ada@home.example,VIP;North,tea,Non précisé\r\n",
		"Google, old": "Name,Given Name,Additional Name,Family Name,Gender,Notes,Group Membership,E-mail 1 - Type,E-mail 1 - Value,E-mail 2 - Type,E-mail 2 - Value,Phone 1 - Type,Phone 1 - Value,Phone 2 - Type,Phone 2 - Value,Organization 1 - Type,Organization 1 - Name,Organization 1 - Title\n" +
			"Ada King Byron,Ada,King,Byron,,tea,* myContacts ::: VIP ::: North,* Work,ada@acme.example,Home,ada@home.example,Work,+49 30 1,Mobile,+49 170 2,,Acme GmbH,CTO\n",
		"Google, new": "First Name,Middle Name,Last Name,Phonetic First Name,File As,Organization Name,Organization Title,Birthday,Notes,Photo,Labels,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value\n" +
			"Ada,King,Byron,,,Acme GmbH,CTO,,tea,https://photo.example/x,VIP ::: North ::: * myContacts,* ,ada@acme.example ::: ada@home.example,Work,+49 30 1 ::: +49 170 2\n",
	} {
		got := readCSV(t, text)
		if name == "Outlook, German" {
			got[0].Contact.Tags = append(got[0].Contact.Tags, "North")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ReadCSV of an export of %s differs (-want +got):\n%s", name, diff)
		}
	}
}

func TestReadCSVErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "1: the file is empty"},
		{"no headings", "Ada,ada@acme.example\n", "1: no column is called"},
		{"a heading mistyped", "nmae,e-mial\nAda,x\n", `is "nmae" meant as name?`},
		{"twice a column", "name,name\nAda,B\n", "1: the column \"name\" says the same"},
		{"twice a custom column", "name,x,x\nAda,B,C\n", "1: two columns are called \"x\""},
		{"no heading", "name,\nAda,B\n", "2: cell 2 has no heading"},
		{"too many cells", "name,email\nAda,a@b.example,x\n", "2: there are 3 cells but only 2 columns"},
		{"a bad address", "name,email\nA,a@b.example\nAda,ada at home\n", "3: email: read address \"ada at home\""},
		{"line after several lines", "name,note\nA,\"x\ny\nz\"\nB,\"x\ny\"\nC,\"\x01\"\n", "7: note holds a control character"},
		{"after blank lines", "name,kind\n\n\nA,custmer\n", "4: kind \"custmer\" is none of customer, partner, both, other (did you mean customer?)"},
		{"a bad language", "name,language\nA,german!\n", "2: language \"german!\" is no language tag"},
		{"a bad zone", "name,timezone\nA,CET +1\n", "2: timezone \"CET +1\" is no zone name"},
		{"a bad owner", "name,owner\nA,me\n", "2: owner: read address \"me\""},
		{"freemail as domain", "organisation,domain\nX,gmail.com\n", "2: domain gmail.com: anybody"},
		{"suffix as domain", "organisation,domain\nX,co.uk\n", "2: domain co.uk: it is a public suffix"},
		{"no domain", "organisation,domain\nX,x y z\n", "2: domain"},
		{"consent without purpose", "name,consent\nA,yes\n", "2: the consent \"yes\" names no purpose"},
		{"consent of a firm", "name,organisation,consent\n,X,newsletter\n", "2: a consent is a person's"},
		{"consent with a bad date", "name,consent\nA,newsletter@soon\n", "no date like"},
		{"title of a firm", "name,organisation,title\n,X,CEO\n", "2: a job title is a person's"},
		{"nobody", "name,tags\n,x\n", "2: the line has neither"},
		{"quote within", "name,email\nAda \"C\" B,a@b.example\nB,bad\n", "2: a quote stands inside"},
		{"quote open", "name,email\n\"Ada,a@b.example\nB,b@b.example\n", "2: the quote that opens"},
		{"tag", "name,tags\nA,\"x\x02y\"\n", "2: tag holds a control"},
	} {
		rows, errs := contact.ReadCSV(strings.NewReader(tt.text), contact.ImportOptions{})
		if len(errs) == 0 || rows != nil {
			t.Errorf("%s: ReadCSV(%q) = %v, %v; want errors alone", tt.name, tt.text, rows, errs)
			continue
		}
		if all := sayErrors(errs); !strings.Contains(all, tt.want) {
			t.Errorf("%s: ReadCSV says\n%s\nwant %q", tt.name, all, tt.want)
		}
	}
	_, errs := contact.ReadCSV(strings.NewReader("name,kind\n"+strings.Repeat("A,x\n", 500)), contact.ImportOptions{})
	if len(errs) != 100 || !strings.Contains(errs[99].What, "more errors") {
		t.Errorf("500 bad lines give %d errors", len(errs))
	}
	if _, errs := contact.ReadCSV(strings.NewReader("name\nAda\n"), contact.ImportOptions{MaxBytes: 4}); len(errs) != 1 {
		t.Errorf("a file too large gives %v", errs)
	}
}

func sayErrors(errs []contact.RowError) string {
	var out []string
	for _, e := range errs {
		out = append(out, fmt.Sprintf("%d: %s", e.Line, e.What))
	}
	return strings.Join(out, "\n")
}

func TestImportOptions(t *testing.T) {
	t.Parallel()
	o := contact.ImportOptions{Kind: contact.Partner, Owner: "me@example.com", Tags: []string{"fair"}}
	rows, errs := contact.ReadCSV(strings.NewReader("name,kind,tags\nAda,,x\nBo,customer,\n"), o)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	want := []contact.Row{
		{Line: 2, Contact: &contact.Contact{Name: "Ada", Kind: "partner", Owner: "me@example.com", Tags: []string{"x", "fair"}}},
		{Line: 3, Contact: &contact.Contact{Name: "Bo", Kind: "customer", Owner: "me@example.com", Tags: []string{"fair"}}},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows differ (-want +got):\n%s", diff)
	}
}

// randomRow draws a normalised row from characters that break naive formats.
// The host keeps its addresses its own: rows that share one are one person.
func randomRow(t *rapid.T, host string) contact.Row {
	bits := []string{"a", "Ä", " ", `"`, "'", "=", "+", "-", "@", ",", ";", "\\", "|", "1", ":", "\t", ":::", "* ", "\uE001", "𝒳", "\n", "<b>", "!"}
	line := func(label string) string {
		s := strings.Join(rapid.SliceOfN(rapid.SampledFrom(bits), 0, 6).Draw(t, label), "")
		return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\t' }), "")
	}
	text := func(label string) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(bits), 0, 6).Draw(t, label), "")
	}
	word := func(label string) string {
		return strings.NewReplacer(";", "", ",", "", "=", "", "@", "").Replace(line(label))
	}
	custom := map[string]string{}
	for range rapid.IntRange(0, 3).Draw(t, "customs") {
		if k := strings.TrimSpace(line("key")); k != "" {
			custom[k] = text("value")
		}
	}
	firm := &contact.Organisation{
		Name:    "F" + line("firm"),
		Domains: []contact.Domain{{Name: "acme.example", Shared: rapid.Bool().Draw(t, "shared")}, {Name: "xn--bcher-kva.example"}},
	}
	note, pinned := text("note"), text("pinned")
	if rapid.Bool().Draw(t, "organisation row") {
		firm.Kind, firm.Custom, firm.Note, firm.Tags = contact.Both, custom, pinned, []string{word("tag")}
		return contact.Row{Organisation: firm, Note: note}
	}
	c := &contact.Contact{
		Name: line("name"), Addresses: []contact.Address{contact.Address("ada+x@" + host), contact.Address(`"a\"b;c,d"@` + host), "o'brien@home." + contact.Address(host)},
		Kind: contact.Customer, Stage: contact.Former, Role: line("role"), Owner: "me@example.com", Tags: []string{word("tag"), word("tag")},
		Phones: []string{strings.ReplaceAll(line("phone"), ";", "")}, Language: "pt-BR", TimeZone: "America/Sao_Paulo", Custom: custom, Note: pinned,
	}
	if p := strings.TrimSpace(word("purpose")); p != "" {
		c.Consents = []contact.Consent{{Purpose: "p" + p, State: contact.Withdrawn, At: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)}}
	}
	firm.Kind = c.Kind
	return contact.Row{Contact: c, Organisation: firm, Title: line("title"), DecisionRole: line("decision"), Note: note}
}

// TestS15_RoundTrip proves for each format that reading what was written gives the
// same rows, whatever stands in them, and that no cell is a formula.
func TestS15_RoundTrip(t *testing.T) {
	t.Parallel()
	t.Attr("tries", strconv.Itoa(3*100)) // rapid.Check makes a hundred
	formats := map[string]struct {
		write func(*bytes.Buffer, []contact.Row) error
		read  func(*bytes.Buffer) ([]contact.Row, []contact.RowError)
	}{
		"CSV": {
			func(b *bytes.Buffer, r []contact.Row) error { return contact.WriteCSV(b, r) },
			func(b *bytes.Buffer) ([]contact.Row, []contact.RowError) {
				return contact.ReadCSV(b, contact.ImportOptions{})
			},
		},
		"vCard": {
			func(b *bytes.Buffer, r []contact.Row) error { return contact.WriteVCard(b, r) },
			func(b *bytes.Buffer) ([]contact.Row, []contact.RowError) {
				return contact.ReadVCard(b, contact.ImportOptions{})
			},
		},
		"JSON Lines": {
			func(b *bytes.Buffer, r []contact.Row) error { return contact.WriteJSONLines(b, r) },
			func(b *bytes.Buffer) ([]contact.Row, []contact.RowError) {
				return contact.ReadJSONLines(b, contact.ImportOptions{})
			},
		},
	}
	for name, f := range formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				want := []contact.Row{randomRow(rt, "acme.example"), randomRow(rt, "other.example")}
				for i := range want {
					for _, err := range contact.NormalizeRow(&want[i]) {
						rt.Fatal(err)
					}
					if c := want[i].Contact; name == "vCard" && c != nil && c.Name == "" {
						c.Name = string(c.Primary()) // a card cannot be without a name
					}
				}
				var b bytes.Buffer
				if err := f.write(&b, want); err != nil {
					rt.Fatal(err)
				}
				text := b.String()
				got, errs := f.read(&b)
				if len(errs) > 0 {
					rt.Fatalf("reading\n%s\nfails: %v", text, errs)
				}
				if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(contact.Row{}, "Line"), cmpopts.EquateEmpty()); diff != "" {
					rt.Fatalf("%s\ndiffers (-written +read):\n%s", text, diff)
				}
				if name == "CSV" {
					noFormula(rt, text)
				}
			})
		})
	}
}

// noFormula reads the file as a spreadsheet does.
func noFormula(t *rapid.T, text string) {
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	number := regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)
	for _, cell := range slices.Concat(all...) {
		if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) && !number.MatchString(cell) {
			t.Errorf("the cell %q is a formula", cell)
		}
	}
}

// TestHostileFiles: what grows with the square of a file would hang on these.
func TestHostileFiles(t *testing.T) { // alone: it measures
	const n = 40_000
	many := func(format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"addresses":    "name,email\nA," + many("a%d@x.example;"),
		"domains":      "organisation,domain\nA," + many("a%d.example;"),
		"tags":         "name,tags\nA," + many("t%d;"),
		"consents":     "name,consent\nA," + many("p%d;"),
		"columns":      "name," + many("c%d,") + "x\nA\n",
		"brackets":     "name,email\nA," + strings.Repeat("(", n),
		"one cell":     "name,note\nA," + strings.Repeat("x", n),
		"vCard params": "BEGIN:VCARD\nFN:A\nTEL" + many(";X%d") + ":1\nEMAIL:" + strings.Repeat("(", n) + "\nEND:VCARD\n",
		"vCard folds":  "BEGIN:VCARD\nFN:A" + strings.Repeat("\n a", n) + "\nEND:VCARD\n",
		"JSON":         `{"contact":{"name":"A","tags":[` + strings.Repeat(`"x",`, n) + `"x"]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			read := contact.ReadCSV
			switch text[0] {
			case 'B':
				read = contact.ReadVCard
			case '{':
				read = contact.ReadJSONLines
			}
			start := mailtest.CPUTime() // a busy machine costs no reader anything
			_, errs := read(strings.NewReader(text), contact.ImportOptions{})
			if took := mailtest.CPUTime() - start; took > 10*time.Second {
				t.Errorf("%d bytes take %s", len(text), took)
			}
			for _, e := range errs {
				if len(e.What) > 1000 {
					t.Errorf("an error of %d bytes", len(e.What))
				}
			}
		})
	}
}

// TestReadOnePersonTwoNames refuses a file that gives one address to two
// people, in whatever rows the two meet.
func TestReadOnePersonTwoNames(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rows string
		want []contact.RowError
	}{
		"same name":      {"ada@x.example,Ada Byron\nada@x.example,ada  byron\n", nil},
		"one has none":   {"ada@x.example,\nada@x.example,Ada Byron\n", nil},
		"other adresses": {"ada@x.example,Ada Byron\nbob@x.example,Bob Byron\n", nil},
		"two names": {"ada@x.example,Ada Byron\nADA@X.example,Bob Byron\n", []contact.RowError{
			{Line: 3, What: `"Bob Byron" has an address that line 2 gives to "Ada Byron"; make the names the same, or remove it from one of the two`}}},
		"second address": {"ada@x.example;a@y.example,Ada\nb@y.example;a@y.example,Bob\n", []contact.RowError{
			{Line: 3, What: `"Bob" has an address that line 2 gives to "Ada"; make the names the same, or remove it from one of the two`}}},
		"through one without": {"ada@x.example,Ada\nada@x.example;bob@x.example,\nbob@x.example,Bob\n", []contact.RowError{
			{Line: 4, What: `"Bob" has an address that line 2 gives to "Ada"; make the names the same, or remove it from one of the two`}}},
		"through one without before": {"ada@x.example;bob@x.example,\nada@x.example,Ada\nbob@x.example,Bob\n", []contact.RowError{
			{Line: 4, What: `"Bob" has an address that line 3 gives to "Ada"; make the names the same, or remove it from one of the two`}}},
	} {
		rows, errs := contact.ReadCSV(strings.NewReader("email,name\n"+tt.rows), contact.ImportOptions{})
		if diff := cmp.Diff(tt.want, errs); diff != "" {
			t.Errorf("%s: errors (-want +got):\n%s", name, diff)
		}
		if (rows == nil) != (tt.want != nil) {
			t.Errorf("%s: %d rows with %d errors; want all or nothing", name, len(rows), len(errs))
		}
	}
}

// TestReadEmptyDates leaves out the dates Outlook writes where it has none.
func TestReadEmptyDates(t *testing.T) {
	t.Parallel()
	head := "First Name,Last Name,E-mail Address,Birthday,Anniversary\n"
	for _, empty := range []string{"0/0/00", "0/0/0000", "00.00.0000", "0.0.00", "0000-00-00", "00/00/00"} {
		row := readCSV(t, head+"Ada,Byron,ada@x.example,"+empty+",12/10/1815\n")[0]
		if diff := cmp.Diff(map[string]string{"Anniversary": "12/10/1815"}, row.Contact.Custom); diff != "" {
			t.Errorf("%s: custom fields (-want +got):\n%s", empty, diff)
		}
	}
	if got := readCSV(t, "name,Number\nAda,0\n")[0].Contact.Custom["Number"]; got != "0" {
		t.Errorf("a number that is 0 reads as %q, want it kept", got)
	}
}
