package store

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestTokensAreUnicodeWords compares the words found piece by piece with those
// that the segmentation of Unicode finds in the whole text.
func TestTokensAreUnicodeWords(t *testing.T) {
	t.Parallel()
	pieces := []string{" ", " ", " ", "\t", "\r\n", "\n", "\v", "\f", "\x00", "\x7f", "a", "b", "Word", "WORD", "x1", "42", "3.14", "1,000", "don't", "e.g.", "_", "a_b", "'", "\"", ".", ",", ":", ";", "-", "(", ")", "/", "@", "#", "&", "+",
		"é", "e\u0301", "\u0301", "ß", "Müller", "\u00ad", "\u200d", "\u200b", "\u2060", "’", "–", "…", "•", "\u00a0", "\u3000", "東京", "東", "かな", "カタカナ", "ー", "ﾞ", "ﾟ", "상담", "สวัสดี", "দাম", "শর্মি", "א״ב", "א'", "مرحبا", "नमस्ते", "ＡＢＣ", "😀", "👩\u200d👧", "🇩🇪", "\xff", "\xc3"}
	rnd := rand.New(rand.NewPCG(9, 9))
	for range 30_000 {
		var b strings.Builder
		for range rnd.IntN(12) {
			b.WriteString(pieces[rnd.IntN(len(pieces))])
		}
		sameTokens(t, b.String())
	}
}

func FuzzTokens(f *testing.F) {
	f.Add("Das Angebot (Nr. 4711) für foo_bar's Größe, siehe https://example.org/a?b=c — 東京 tower")
	f.Fuzz(sameTokens)
}

func sameTokens(t *testing.T, text string) {
	t.Helper()
	got, want := Tokens(text), segment(nil, text)
	if !slices.Equal(got, want) {
		t.Fatalf("Tokens(%q) = %v, want %v", text, got, want)
	}
}

func BenchmarkTokens(b *testing.B) {
	for name, text := range map[string]string{
		"english": strings.Repeat("Could you send us the drawings before Friday? The second pallet (no. 4711) arrived with a dented corner.\r\n", 20),
		"german":  strings.Repeat("Könnten Sie uns die Zeichnungen bis Freitag schicken? Die Maße stimmen leider nicht überein.\r\n", 20),
		"bengali": strings.Repeat("আমরা কি শুক্রবারের আগে নকশা পেতে পারি? দ্বিতীয় চালানটি আজ সকালে পৌঁছেছে।\r\n", 20),
	} {
		for way, tokens := range map[string]func(string) []Token{"pieces": Tokens, "whole": func(s string) []Token { return segment(nil, s) }} {
			b.Run(name+"/"+way, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					tokens(text)
				}
			})
		}
	}
}
