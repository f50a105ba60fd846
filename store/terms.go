package store

import (
	"slices"
	"strings"
)

// Term is what a document is found by: a word, part of one, or a pair of
// characters.
type Term struct {
	Text string
	// At packs the places at which the term stands, see [Places]. It is empty
	// where only the text can tell.
	At []byte
}

// maxPlaces bounds the places of one term that a document keeps: a phrase of
// words that stand at more is looked for in the text.
const maxPlaces = 64

// termSet gathers the terms of a document. Its texts are counted through from
// word to word, with a gap between one text and the next, so that words at
// places that follow each other stand side by side in one text.
type termSet struct {
	terms map[string]int // index into the others
	list  []gathered
	place uint32 // of the next text's first word
}

type gathered struct {
	Term
	last uint32 // place
	n    int    // places; more than maxPlaces: too many
}

// add notes a term without a place.
func (s *termSet) add(term string) int {
	i, ok := s.terms[term]
	if !ok {
		i = len(s.list)
		s.terms[term] = i
		s.list = append(s.list, gathered{Term: Term{Text: term}})
	}
	return i
}

// put notes a term at a place; places come in order.
func (s *termSet) put(term string, place uint32) {
	g := &s.list[s.add(term)]
	if g.n++; g.n > maxPlaces {
		g.At = nil
		return
	}
	if g.n > 1 {
		g.At[len(g.At)-1] &^= lastPlace
	}
	g.At = appendPlace(g.At, place-g.last)
	g.last = place
}

// A place is the difference to the one before in groups of six and then seven
// bits, the lowest first; each byte but the last has its top bit set, and in the
// last byte the bit below says that it is the last place.
const (
	moreBytes = 1 << 7
	lastPlace = 1 << 6
)

func appendPlace(to []byte, by uint32) []byte {
	for ; by >= 1<<6; by >>= 7 {
		to = append(to, byte(by)|moreBytes)
	}
	return append(to, byte(by)|lastPlace)
}

// Places reads packed places from the front of b, adds them to to and returns
// the rest of b; ok is false where b holds none.
func Places(to []uint32, b []byte) (places []uint32, rest []byte, ok bool) {
	at, by, shift := uint32(0), uint32(0), 0
	for i, c := range b {
		if c&moreBytes != 0 {
			by |= uint32(c&^moreBytes) << shift
			if shift += 7; shift > 28 {
				return to, nil, false
			}
			continue
		}
		at += by | uint32(c&(lastPlace-1))<<shift
		to = append(to, at)
		if c&lastPlace != 0 {
			return to, b[i+1:], true
		}
		by, shift = 0, 0
	}
	return to, nil, false
}

// SkipPlaces returns how many bytes packed places take at the front of b; 0
// where b holds none.
func SkipPlaces(b []byte) int {
	for i, c := range b {
		if c&(moreBytes|lastPlace) == lastPlace {
			return i + 1
		}
	}
	return 0
}

// text adds the index terms of a text: words and their parts; of characters
// every pair that stands together, and the last of a run alone, so that one
// character is found as the beginning of a term. With placed they have places.
func (s *termSet) text(prefix string, tokens []Token, placed bool) {
	put := func(term string, i int) {
		if term = prefix + cut(term); placed {
			s.put(term, s.place+uint32(i))
		} else {
			s.add(term)
		}
	}
	for i, t := range tokens {
		switch {
		case !t.Single:
			put(t.Text, i)
			for _, p := range parts(t.Text) { // which no phrase finds
				s.add(prefix + cut(p))
			}
		case i+1 < len(tokens) && tokens[i+1].Joined:
			put(t.Text+tokens[i+1].Text, i)
		default:
			put(t.Text, i)
		}
	}
	if placed {
		s.place += uint32(len(tokens)) + 1
	}
}

// party adds the terms of a name or address; a domain is found by each of its
// parents as well.
func (s *termSet) party(prefix, text string) {
	s.text(prefix, Tokens(text), false)
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return
	}
	s.add(prefix + cut(Fold(strings.TrimSpace(text))))
	domain := Fold(strings.Trim(text[at+1:], " >"))
	for domain != "" {
		s.add(prefix + cut(domain))
		_, domain, _ = strings.Cut(domain, ".")
	}
}

// Fielded reports whether the term is of a subject or of the name of a file,
// which stores of before format 4 have only in the whole.
func (t Term) Fielded() bool {
	return strings.HasPrefix(t.Text, subjectTerm) || strings.HasPrefix(t.Text, fileTerm)
}

// Terms returns the terms of a Document, sorted, each once.
func (f Fields) Terms() []Term {
	s := termSet{terms: make(map[string]int, len(f.Text)/12+16)}
	for _, text := range f.all() {
		s.text("", Tokens(text), true)
	}
	s.text(subjectTerm, Tokens(f.Subject), false)
	for _, name := range f.Attachments {
		s.text(fileTerm, Tokens(name), false)
	}
	for _, text := range f.From {
		s.party(fromTerm, text)
	}
	for _, text := range f.To {
		s.party(toTerm, text)
	}
	out := make([]Term, len(s.list))
	for i := range s.list {
		out[i] = s.list[i].Term
	}
	slices.SortFunc(out, func(a, b Term) int { return strings.Compare(a.Text, b.Text) })
	return out
}
