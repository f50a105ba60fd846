package store

import (
	"strings"
	"unicode/utf8"
)

// The bounds and measures of a weight.
const (
	maxWeighed  = 8 << 10 // bytes of a text that count
	usualLength = 150     // words of a usual text
	ofSubject   = 3       // what a word in the subject counts for
)

// Weight says how well an entry fits the words of the query: each counts by how
// often it stands there, the more so in the subject and in a short text, and
// once more for every time soon less (BM25, whose measure of how rare a word is
// every hit would share). Of a long text the beginning counts. It is 0 for a
// query without words, and only orders entries that the query finds. What
// attachments are called and say counts like the text, but no word there counts
// for more than one in the text.
func (q Query) Weight(f Fields) (weight float64) {
	wanted := wantedWords(q.Root, nil, OpWord, OpSubject, OpFile)
	if len(wanted) == 0 {
		return 0
	}
	above, below, beside := spotted(f.Subject), spotted(weighed(f.Text)), spotted(strings.Join(f.Attachments, "\n"))
	for _, file := range f.Files {
		if len(beside) < maxWeighed/8 {
			beside = append(beside, spotted(weighed(file.Text))...)
		}
	}
	for _, word := range wanted {
		n := float64(ofSubject*times(above, word) + times(below, word) + min(1, times(beside, word)))
		weight += n * 2.2 / (n + 1.2*(0.25+0.75*float64(len(below))/usualLength))
	}
	return weight
}

// weighed is the beginning of a text that counts.
func weighed(text string) string {
	for len(text) > maxWeighed {
		n := maxWeighed
		for n > 0 && !utf8.RuneStart(text[n]) {
			n--
		}
		text = text[:n]
	}
	return text
}

// times counts where a word or phrase stands.
func times(text []spot, word Node) (n int) {
	for i := 0; i+len(word.Tokens) <= len(text); i++ {
		if standsAt(text[i:], word) {
			n++
		}
	}
	return n
}
