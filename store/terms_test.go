package store

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func byText(t Term, text string) int { return strings.Compare(t.Text, text) }

// standsIn reports whether the terms of a lookup stand where it says.
func standsIn(terms []Term, l Lookup) bool {
	if len(l.At) == 0 {
		return true
	}
	var from map[int]bool
	for k, text := range l.All {
		i, ok := slices.BinarySearchFunc(terms, text, byText)
		if !ok {
			return false
		}
		if len(terms[i].At) == 0 {
			continue // only the text can tell
		}
		places, rest, ok := Places(nil, terms[i].At)
		if !ok || len(rest) > 0 || SkipPlaces(terms[i].At) != len(terms[i].At) {
			return false
		}
		here := map[int]bool{}
		for _, p := range places {
			if at := int(p) - l.At[k]; from == nil || from[at] {
				here[at] = true
			}
		}
		from = here
	}
	return from == nil || len(from) > 0
}

// TestPlaces looks for phrases of texts in many scripts at the places that the
// terms of these texts keep: whatever holds must be found there, and words that
// nowhere follow each other must not.
func TestPlaces(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(8, 9))
	words := []string{"press", "Straße", "example.org", "the", "offer", "東京都", "日", "চিঠি", "don't", "Müller", "สวัสดี", "x", "the", strings.Repeat("long", 40)}
	apart := 0
	for range 400 {
		var text []string
		for range 1 + rnd.IntN(200) {
			text = append(text, words[rnd.IntN(len(words))])
		}
		f := Fields{Subject: words[rnd.IntN(len(words))], Text: strings.Join(text, " ")}
		terms := f.Terms()
		for range 20 {
			n := rnd.IntN(len(text))
			phrase := text[n:min(len(text), n+2+rnd.IntN(3))]
			if rnd.IntN(2) == 0 {
				phrase = []string{words[rnd.IntN(len(words))], words[rnd.IntN(len(words))], words[rnd.IntN(len(words))]}
			}
			q, err := ParseQuery(`"` + strings.Join(phrase, " ") + `"`)
			if err != nil || len(q.Root.Tokens) == 0 {
				t.Fatal(err)
			}
			switch holds, stands := q.Root.Holds(f), standsIn(terms, q.Root.Lookup()); {
			case holds && !stands:
				t.Fatalf("%s holds for %q and is not found at the places of its terms", q, f.Text)
			case !holds && !stands:
				apart++
			}
		}
	}
	if apart < 1000 {
		t.Errorf("places kept %d texts from being read, too few", apart)
	}
}

// TestPlacesAreBounded demands that damaged places end, and large ones return.
func TestPlacesAreBounded(t *testing.T) {
	t.Parallel()
	var packed []byte
	want := []uint32{0, 1, 63, 64, 127, 128, 8191, 8192, 1 << 20, 1<<32 - 1}
	var before uint32
	for i, p := range want {
		if i > 0 {
			packed[len(packed)-1] &^= lastPlace
		}
		packed, before = appendPlace(packed, p-before), p
	}
	if got, rest, ok := Places(nil, append(packed, 7)); !ok || !slices.Equal(got, want) || len(rest) != 1 {
		t.Errorf("Places = %v, %v, %v; want %v", got, rest, ok, want)
	}
	for n := range len(packed) {
		if _, _, ok := Places(nil, packed[:n]); ok || SkipPlaces(packed[:n]) != 0 {
			t.Errorf("places cut after %d bytes are read", n)
		}
	}
	if _, _, ok := Places(nil, slices.Repeat([]byte{moreBytes}, 9)); ok {
		t.Error("a place without end is read")
	}
}

// TestSpottedAsTokens demands that what is marked in a text is what is found in
// it: the same words, where they stand.
func TestSpottedAsTokens(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(10, 11))
	pieces := []string{"press", " ", " ", "Straße", "example.org", ", ", "\n", "東京都", "চিঠি", "don't", "_", "é", "(x)", "\xff", "1,000", "A", "-", "สวัสดี", "\u00ad"}
	for range 3000 {
		var b strings.Builder
		for range rnd.IntN(12) {
			b.WriteString(pieces[rnd.IntN(len(pieces))])
		}
		var got, want []string
		for _, s := range spotted(b.String()) {
			if s.word == "" {
				continue
			}
			if s.from >= s.to || Fold(b.String()[s.from:s.to]) != s.word {
				t.Fatalf("%q: %q is said to stand at %d to %d", b.String(), s.word, s.from, s.to)
			}
			got = append(got, s.word)
		}
		for _, token := range Tokens(b.String()) {
			want = append(want, token.Text)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q: marked are %q, found %q", b.String(), got, want)
		}
	}
}
