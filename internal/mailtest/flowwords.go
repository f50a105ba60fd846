package mailtest

import (
	"math/rand/v2"
	"strings"
)

// sound is what the invented words of a language are made of.
type sound struct {
	heads, cores, tails []string
	spaceless           bool
}

// sounds are the languages of a [Flow]: the proportions a European team meets,
// and a script without spaces.
var sounds = []sound{
	{strings.Fields("b br c ch d f g h l m n p pr s st t tr v w th"), strings.Fields("a e i o u ea ou ai"), strings.Fields("t n r ng s ll d rk st nd ed er ing"), false},
	{strings.Fields("b sch d f g h k l m n p r s st t v w z"), strings.Fields("a e i o u ä ö ü ei au"), strings.Fields("t n r ng ß cht l d rk st en er ung"), false},
	{strings.Fields("b c d f g j l m n p qu r s t v ch"), strings.Fields("a e é è i o u ou ai eau"), strings.Fields("r s t n l que tion ment"), false},
	{strings.Fields("б в г д ж з к л м н п р с т ф х ч ш"), strings.Fields("а е и о у ы ю я"), strings.Fields("т н р л с й м ть ние"), false},
	{strings.Fields("ক খ গ চ জ ট ড ত দ ন প ব ম য র ল শ স হ"), strings.Fields("া ি ী ু ে ো"), strings.Fields("র ন ত ল ক্ষ ন্ত"), false},
	{nil, nil, nil, true},
}

// vocabulary is the words of a language, the most frequent first, and a table
// in which each stands as often as it is written.
type vocabulary struct {
	words []string
	often []uint16
	sound
}

func newVocabulary(r *rand.Rand, s sound) vocabulary {
	v := vocabulary{sound: s}
	known := map[string]bool{}
	for len(v.words) < flowWords {
		w := s.word(r, len(v.words))
		if !known[w] {
			known[w] = true
			v.words = append(v.words, w)
		}
	}
	zipf := rand.NewZipf(r, 1.05, 2.7, flowWords-1)
	for range flowTable {
		v.often = append(v.often, uint16(zipf.Uint64()))
	}
	return v
}

// word invents a word; frequent ones are short.
func (s sound) word(r *rand.Rand, rank int) string {
	if s.spaceless { // two of 2,000 characters
		return string([]rune{0x4E00 + rune(r.IntN(2000)), 0x4E00 + rune(r.IntN(2000))})
	}
	var b strings.Builder
	for range 1 + min(rank/40, 1) + r.IntN(2) {
		b.WriteString(pick(r, s.heads) + pick(r, s.cores))
	}
	if r.IntN(3) > 0 {
		b.WriteString(pick(r, s.tails))
	}
	return b.String()
}

// sentence writes n words and ends the line.
func (v *vocabulary) sentence(r *rand.Rand, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 && !v.spaceless {
			b.WriteByte(' ')
		}
		b.WriteString(v.words[v.often[r.IntN(flowTable)]])
	}
	if v.spaceless {
		b.WriteString("。\r\n")
	} else {
		b.WriteString(".\r\n")
	}
	return b.String()
}
