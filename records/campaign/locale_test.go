package campaign

import (
	"strings"
	"testing"
)

// fill is what a template becomes for the recipient of the tests.
func fill(t *testing.T, language, source string) (string, error) {
	t.Helper()
	tpl, err := ParseTemplate("x.md", source, language)
	if err != nil {
		t.Fatal(err)
	}
	f := someFields()
	f.Contact.Custom = map[string]Text{"due": "2026-03-01", "sum": "1234567.5", "cups": "3", "word": "soon", "none": ""}
	got, err := tpl.Execute(f)
	return plain(got), err
}

// TestLocales writes days, numbers, sums and words as each language does.
func TestLocales(t *testing.T) {
	const source = `{{.Contact.Custom.due | date}}; {{weekday .Contact.Custom.due}}; {{number .Contact.Custom.sum}}; {{money "EUR" .Contact.Custom.sum}}; {{money "CHF" "-1000"}}; {{money "JPY" 980}}; {{number "12"}}`
	for language, want := range map[string]string{
		"":      "1 March 2026; Sunday; 1,234,567.5; €1,234,567.50; -CHF 1,000.00; ¥980; 12",
		"en-US": "March 1, 2026; Sunday; 1,234,567.5; €1,234,567.50; -CHF 1,000.00; ¥980; 12",
		"de-AT": "1. März 2026; Sonntag; 1.234.567,5; 1.234.567,50 €; -1.000,00 CHF; 980 ¥; 12",
		"fr":    "1er mars 2026; dimanche; 1 234 567,5; 1 234 567,50 €; -1 000,00 CHF; 980 ¥; 12",
		"es":    "1 de marzo de 2026; domingo; 1.234.567,5; 1.234.567,50 €; -1000,00 CHF; 980 ¥; 12",
		"nl":    "1 maart 2026; zondag; 1.234.567,5; € 1.234.567,50; -CHF 1.000,00; ¥ 980; 12",
		"bn":    "১ মার্চ, ২০২৬; রবিবার; ১২,৩৪,৫৬৭.৫; ১২,৩৪,৫৬৭.৫০€; -১,০০০.০০ CHF; ৯৮০¥; ১২",
		"ar":    "1 مارس 2026; الأحد; 1,234,567.5; 1,234,567.50 €; -1,000.00 CHF; 980 ¥; 12",
	} {
		got, err := fill(t, language, source)
		if got = strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(got); err != nil || got != want {
			t.Errorf("%q: %s, %v\nwant %s", language, got, err, want)
		}
	}
	if got, err := fill(t, "fi", "{{date .Contact.Custom.due}} {{money \"EUR\" 5}}"); err != nil || got != "2026-03-01 €5.00" {
		t.Errorf("a language without its own: %q, %v", got, err)
	}
}

func TestPlurals(t *testing.T) {
	arabic := `{{plural %s "zero=لا شيء" "one=واحد" "two=اثنان" "few=# قليل" "many=# كثير" "#"}}`
	for _, tt := range []struct{ language, source, want string }{
		{"en", `{{plural 1 "one cup" "# cups"}} {{plural 1200 "one cup" "# cups"}} {{plural .Contact.Custom.cups "a" "b"}} {{plural "1.0" "a" "b"}}`, "one cup 1,200 cups b b"},
		{"fr", `{{plural 0 "tasse" "tasses"}} {{plural 2 "tasse" "tasses"}}`, "tasse tasses"},
		{"pl", `{{plural 1 "one=kubek" "few=# kubki" "many=# kubków" "# kubka"}}, {{plural 3 "one=kubek" "few=# kubki" "many=# kubków" "# kubka"}}, {{plural 25 "one=kubek" "few=# kubki" "many=# kubków" "other=# kubka"}}`, "kubek, 3 kubki, 25 kubków"},
		{"ar", strings.ReplaceAll(arabic, "%s", "0"), "لا شيء"}, {"ar", strings.ReplaceAll(arabic, "%s", "2"), "اثنان"},
		{"ar", strings.ReplaceAll(arabic, "%s", "5"), "5 قليل"}, {"ar", strings.ReplaceAll(arabic, "%s", "11"), "11 كثير"},
		{"bn", `{{plural 5 "# কাপ" "# কাপ"}}`, "৫ কাপ"},
	} {
		if got, err := fill(t, tt.language, tt.source); err != nil || got != tt.want {
			t.Errorf("%s %s: %q, %v; want %q", tt.language, tt.source, got, err, tt.want)
		}
	}
}

// TestWrongValues names the place of a value that is no day, number or currency.
func TestWrongValues(t *testing.T) {
	for source, want := range map[string]string{
		"a\n{{date .Contact.Custom.word}}":   `x.md:2:2: executing "x.md" at <date .Contact.Custom.word>: error calling date: "soon" is not a day: write it as 2026-03-01`,
		"{{.Contact.Custom.none | date}}":    "is not a day",
		`{{money "EUR" "1,50"}}`:             `"1,50" is not a number: write it as 1234.50`,
		`{{money "Euro" 1}}`:                 "is no currency",
		`{{number "1e9"}}`:                   "is not a number",
		`{{weekday "2026-13-01"}}`:           "is not a day",
		`{{plural 1}}`:                       "needs its forms",
		`{{plural 1 "a" "b" "c"}}`:           "does not say which form",
		`{{plural "x" "a" "b"}}`:             "is not a number",
		"{{.Contact.Custom.missing | date}}": `map has no entry for key "missing"`,
	} {
		if got, err := fill(t, "en", source); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v; want %q", source, got, err, want)
		}
	}
}
