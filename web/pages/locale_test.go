package pages

import (
	"encoding/json"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/text/feature/plural"
)

var embedded = []string{"en", "de", "bn"}

func TestEveryLanguageHasEverySentence(t *testing.T) {
	t.Parallel()
	all, err := embeddedLanguages()
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range embedded {
		for _, key := range slices.Sorted(maps.Keys(all["en"])) {
			have, ok := all[lang][key]
			if !ok || have.other == "" {
				t.Errorf("%s: %s is missing", lang, key)
				continue
			}
			want := all["en"][key]
			if a, b := holes(want.other), holes(have.other); !slices.Equal(a, b) {
				t.Errorf("%s: %s has %v, English %v", lang, key, b, a)
			}
		}
		said := saidFile(t, lang)
		for key := range all[lang] {
			if _, ok := all["en"][key]; !ok && !said[key] {
				t.Errorf("%s: %s is in no other language", lang, key)
			}
		}
	}
}

// saidFile lists what a language's catalogue of phrases holds: its keys are
// the English, and package phrase has the test that all are there.
func saidFile(t *testing.T, lang string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	if lang == "en" {
		return out
	}
	raw, err := fs.ReadFile(localeFiles, "locale/"+lang+".said.json")
	var sentences map[string]text
	if err == nil {
		err = json.Unmarshal(raw, &sentences)
	}
	if err != nil {
		t.Fatal(err)
	}
	for key := range sentences {
		out[key] = true
	}
	return out
}

// holes lists what a sentence is filled in with. The number of one thing may
// go without saying.
func holes(s string) []string {
	found := regexp.MustCompile(`\{[a-z_]+\}`).FindAllString(s, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

func TestSentencesAskedForAreThere(t *testing.T) {
	t.Parallel()
	all, err := embeddedLanguages()
	if err != nil {
		t.Fatal(err)
	}
	asked := regexp.MustCompile(`\.T \(?"([^"]+)"|\bT\("([^"]+)"|done\([^"\n]*"([a-z_]+\.[^"]+)"|Done\([^"\n]*"([a-z_]+\.[^"]+)"|Key: "([^"]+)"`)
	seen := 0
	each(t, func(name, content string) {
		for _, m := range asked.FindAllStringSubmatch(content, -1) {
			key := strings.Join(m[1:], "")
			if strings.HasSuffix(key, ".") || !strings.Contains(key, ".") {
				continue // the beginning of one
			}
			seen++
			if _, ok := all["en"][key]; !ok {
				t.Errorf("%s asks for %s, which no catalogue has", name, key)
			}
		}
	})
	if seen < 20 {
		t.Errorf("only %d sentences asked for were found: the test looks in the wrong place", seen)
	}
}

// each reads every template and function of the package.
func each(t *testing.T, look func(name, content string)) {
	t.Helper()
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(templateFiles, name)
		if err != nil {
			t.Fatal(err)
		}
		look(name, string(raw))
	}
	sources, err := readSources()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range sources {
		look(name, content)
	}
}

// TestTemplatesHoldNoText: every word a person reads comes from a catalogue.
func TestTemplatesHoldNoText(t *testing.T) {
	t.Parallel()
	actions := regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	tags := regexp.MustCompile(`(?s)<!doctype[^>]*>|<[^<>]*>`)
	spoken := regexp.MustCompile(`(?:title|alt|placeholder|aria-label|aria-description)="([^"]*)"`)
	untranslated := regexp.MustCompile(`(?s)<[a-z]+[^<>]*translate="no"[^<>]*>.*?</`)
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(templateFiles, name)
		if err != nil {
			t.Fatal(err)
		}
		plain := actions.ReplaceAllString(string(raw), "")
		for _, m := range spoken.FindAllStringSubmatch(plain, -1) {
			if strings.ContainsFunc(m[1], unicode.IsLetter) {
				t.Errorf("%s: an attribute says %q", name, m[1])
			}
		}
		words := tags.ReplaceAllString(untranslated.ReplaceAllString(plain, "</"), "")
		words = strings.ReplaceAll(words, "· Rapport", "")
		for line := range strings.Lines(words) {
			if line = strings.TrimSpace(line); strings.ContainsFunc(line, unicode.IsLetter) {
				t.Errorf("%s: bare text %q", name, line)
			}
		}
	}
}

func TestLanguagesCount(t *testing.T) {
	t.Parallel()
	l, err := readLanguages(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		lang, key string
		n         int
		want      string
	}{
		{"en", "ago.hour", 1, "1 hour ago"}, {"en", "ago.hour", 2, "2 hours ago"}, {"en", "ago.year", 1234, "1,234 years ago"},
		{"de", "ago.hour", 1, "vor 1 Stunde"}, {"de", "ago.hour", 0, "vor 0 Stunden"}, {"de", "ago.year", 1234, "vor 1.234 Jahren"},
		{"bn", "ago.hour", 12, "১২ ঘণ্টা আগে"},
	} {
		if got := l.of(tt.lang, "").T(tt.key, "n", tt.n); got != tt.want {
			t.Errorf("%s %s of %d = %q, want %q", tt.lang, tt.key, tt.n, got, tt.want)
		}
	}
	c := &catalogue{texts: map[string]text{"a": {other: "{x} and {y}", forms: map[plural.Form]string{}}}}
	if got := c.T("a", "x", "{y}", "y", "2"); got != "{y} and 2" {
		t.Errorf("a value is filled in again: %q", got)
	}
}

func TestDatesAreTheReaders(t *testing.T) {
	t.Parallel()
	l, err := readLanguages(nil)
	if err != nil {
		t.Fatal(err)
	}
	dhaka, err := time.LoadLocation("Asia/Dhaka")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 3, 20, 5, 0, 0, time.UTC)
	for _, tt := range []struct {
		lang string
		zone *time.Location
		want string
	}{
		{"en", time.UTC, "3 March 2026, 20:05 | Tuesday, 3 March 2026 | 3 Mar | 2 days ago"},
		{"de", time.UTC, "3. März 2026, 20:05 Uhr | Dienstag, 3. März 2026 | 3. März | vor 2 Tagen"},
		{"bn", dhaka, "৪ মার্চ ২০২৬, ০২:০৫ | বুধবার, ৪ মার্চ ২০২৬ | ৪ মার্চ | ২ দিন আগে"},
	} {
		v := &visit{catalogue: l.of(tt.lang, ""), Zone: tt.zone, Now: at.Add(50 * time.Hour)}
		if got := strings.Join([]string{v.DateTime(at), v.Weekday(at), v.ShortDate(at), v.Ago(at)}, " | "); got != tt.want {
			t.Errorf("%s: %s\nwant %s", tt.lang, got, tt.want)
		}
	}
}
