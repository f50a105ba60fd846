package store

import "unicode/utf8"

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
// query without words, and only orders entries that the query finds.
func (q Query) Weight(subject, text string) (weight float64) {
	wanted := wantedWords(q.Root, nil)
	if len(wanted) == 0 {
		return 0
	}
	for len(text) > maxWeighed {
		n := maxWeighed
		for n > 0 && !utf8.RuneStart(text[n]) {
			n--
		}
		text = text[:n]
	}
	above, below := spotted(subject), spotted(text)
	for _, word := range wanted {
		n := float64(ofSubject*times(above, word) + times(below, word))
		weight += n * 2.2 / (n + 1.2*(0.25+0.75*float64(len(below))/usualLength))
	}
	return weight
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
