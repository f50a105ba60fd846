package store

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"Müller": "muller", "STRASSE": "strasse", "Straße": "strasse", "ẞ": "ss", "résumé": "resume", "Ångström": "angstrom",
		"ΟΔΟΣ": "οδοσ", "οδός": "οδοσ", "Ёлка": "елка", "ﬁnance": "finance", "ＡＢＣ": "abc", "smørrebrød": "smorrebrod",
		"দামের": "দামের", "가나": "가나", "が": "が", "ｶﾞ": "ガ", "नमस्ते": "नमस्ते", "İstanbul": "istanbul", "4711": "4711", "": "",
	} {
		if got := Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
		if again := Fold(Fold(in)); again != Fold(in) {
			t.Errorf("Fold(Fold(%q)) = %q, want %q", in, again, Fold(in))
		}
	}
}

func TestTokens(t *testing.T) {
	for in, want := range map[string][]string{
		"":                              nil,
		" - ... !":                      nil,
		"Don't panic, ada@example.org!": {"don't", "panic", "ada", "example.org"},
		"東京の会議":                         {"東", "京", "の", "会", "議"},
		"Order東京":                       {"order", "東", "京"},
		"দামের তালিকা":                  {"দামের", "তালিকা"},
		"a\u00adb soft\u00adhyphen":     {"ab", "softhyphen"},
	} {
		var got []string
		for _, tok := range Tokens(in) {
			got = append(got, tok.Text)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("Tokens(%q) (-want +got):\n%s", in, d)
		}
	}
}

func TestParseQueryErrors(t *testing.T) {
	for in, want := range map[string]string{
		"before:yesterday":              "before:yesterday is no date",
		"after:2026-13":                 "after:2026-13 is no date",
		"after:20":                      "after:20 is no date",
		"has:money":                     "has:money is not known",
		"from:":                         "from: has no value",
		"from:...":                      "from:... holds no word",
		`"open`:                         "no closing",
		"OR a":                          "OR stands between",
		"a OR":                          "OR stands between",
		"a OR OR b":                     "OR stands between",
		"(a":                            "( has no )",
		"a)":                            ") has no (",
		"-(a":                           "( has no )",
		strings.Repeat("(", 100):        "levels",
		strings.Repeat("-(", 100):       "levels",
		strings.Repeat("w ", 100):       "words",
		strings.Repeat("w", maxQuery+1): "longer",
	} {
		if _, err := ParseQuery(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseQuery(%.20q): %v, want an error with %q", in, err, want)
		}
	}
}

func TestParseQueryDates(t *testing.T) {
	for in, want := range map[string]time.Time{
		"after:2026":        time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		"before:2026-10":    time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC),
		"BEFORE:2026-10-07": time.Date(2026, 10, 7, 0, 0, 0, 0, time.UTC),
	} {
		if q, err := ParseQuery(in); err != nil || !q.Root.Time.Equal(want) {
			t.Errorf("ParseQuery(%q) = %v, %v; want %v", in, q.Root.Time, err, want)
		}
	}
	for in, want := range map[string]string{
		"on:2026":       "after:2026 before:2027-01-01",
		"on:2026-12":    "after:2026-12 before:2027-01-01",
		"on:2024-02-29": "after:2024-02-29 before:2024-03-01",
	} {
		q, err := ParseQuery(in)
		same, wrong := ParseQuery(want)
		if d := cmp.Diff(same, q); err != nil || wrong != nil || d != "" {
			t.Errorf("ParseQuery(%q): %v, unlike %q: %v (-want +got):\n%s", in, err, want, wrong, d)
		}
	}
}

// FuzzParseQuery demands that what is read can be written and read again, and
// that a document of the query's own words is found where nothing forbids it.
// The fold by the table is the fold by normalisation, for each letter and for
// words of several.
func TestKnownFolds(t *testing.T) {
	var letters []rune
	for r, folded := range knownFolds() {
		if folded == "" {
			continue
		}
		letters = append(letters, rune(r))
		if want := foldWide(string(rune(r))); folded != want {
			t.Errorf("knownFolds[%U] = %q, want %q", r, folded, want)
		}
	}
	if len(letters) < 1000 {
		t.Fatalf("the fold of %d letters is known, want most of %d", len(letters), maxKnown)
	}
	for r := rune(maxKnown); r < 0x10000; r++ {
		if folded := foldWide(string(r)); foldsToItself(r) && folded != string(r) {
			t.Errorf("%U folds to %q, want itself", r, folded)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		word := make([]rune, 1+r.IntN(8))
		for i := range word {
			word[i] = letters[r.IntN(len(letters))]
		}
		if got, ok := foldKnown(string(word)); !ok || got != foldWide(string(word)) {
			t.Fatalf("foldKnown(%q) = %q, %v, want %q", string(word), got, ok, foldWide(string(word)))
		}
	}
	for _, word := range []string{"e\u0301", "soft\u00adhyphen", "a\u0338", "日本", "a\xff"} {
		if got, ok := foldKnown(word); ok {
			t.Errorf("foldKnown(%q) = %q, want it left to normalisation", word, got)
		}
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{"a b", `subject:"a b" -file:x*`, "on:2026-02", `from:"Ada B" -c OR (d e*)`, "日本語*", `"a b"* in:x`, "-", "--a", "OR", `a"b"`, "(", "http://x -1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		q, err := ParseQuery(in)
		if err != nil {
			return
		}
		if _, err := ParseQuery(q.String()); err != nil && len(q.String()) <= maxQuery && !strings.Contains(in, `"`) {
			t.Fatalf("ParseQuery(%q) wrote %q: %v", in, q.String(), err)
		}
		d := NewDocument(Fields{Text: in})
		n := q.Root
		own, asksWords := map[Op]Fields{
			OpWord: {Text: n.Value}, OpSubject: {Subject: n.Value}, OpFile: {Attachments: []string{n.Value}},
			OpFrom: {From: []string{n.Value}}, OpTo: {To: []string{n.Value}},
		}[n.Op]
		if asksWords && !(n.ofParty() && strings.Contains(n.Value, "@")) {
			if !n.Holds(own) {
				t.Fatalf("%q does not hold for itself", n.Value)
			}
			found := NewDocument(own)
			l := n.Lookup()
			if !standsIn(found.Terms, l) {
				t.Fatalf("%q does not stand in itself: %+v, %+v", n.Value, l, found.Terms)
			}
			for _, term := range l.All {
				if _, ok := slices.BinarySearchFunc(found.Terms, term, byText); !ok {
					t.Fatalf("term %q of %q is not among its own %q", term, n.Value, found.Terms)
				}
			}
			for _, begin := range l.Begins {
				if !slices.ContainsFunc(found.Terms, func(s Term) bool { return strings.HasPrefix(s.Text, begin) }) {
					t.Fatalf("no term of %q begins with %q: %q", n.Value, begin, found.Terms)
				}
			}
		}
		for i, term := range d.Terms {
			if i > 0 && d.Terms[i-1].Text >= term.Text {
				t.Fatalf("terms of %q are not sorted and single", in)
			}
		}
	})
}

func TestNewID(t *testing.T) {
	before := NewID(time.Time{})
	for range 1000 {
		id := NewID(time.UnixMilli(5))
		if len(id) != 26 || id <= before {
			t.Fatalf("NewID = %q after %q", id, before)
		}
		before = id
	}
}

func BenchmarkNewDocument(b *testing.B) {
	text := strings.Repeat("Dear Ms Müller, thank you for your order of 12 chairs; the invoice is attached. ", 25)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		NewDocument(Fields{Text: text, From: []string{"ada@example.org"}})
	}
}
