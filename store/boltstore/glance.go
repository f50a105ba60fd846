package boltstore

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"rapport/store"
)

// maxGlanced is how many words of a filter are looked for; whoever has these is
// read, and the others decided then.
const maxGlanced = 64

// glance tells from keys alone which records may fit a filter, so that a list
// of thousands reads only those.
type glance struct {
	may    *idBits  // who has the words; nil where the filter has none
	within []idSet  // those who have what else the filter asks for
	named  [][]byte // where few: their keys in the index by name, in order
	few    bool
}

// glanceAt prepares a glance at a table of so many records; nil where there is
// nothing to look for.
func (tx *Tx) glanceAt(f store.Filter, words []string, index, facet string, records int) (*glance, error) {
	g := &glance{within: tx.within(f, facet)}
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return wordKey(w) == "" })
	if len(words) == 0 && len(g.within) == 0 {
		return nil, nil
	}
	if len(words) > maxGlanced {
		words = words[:maxGlanced]
	}
	// The longest first: mostly they are the rarest, or nobody's.
	slices.SortStableFunc(words, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	if slices.ContainsFunc(g.within, func(s idSet) bool { return s.size() < fewEnough }) {
		return g, nil // so few are read sooner than words are looked for
	}
	for n, w := range words {
		if err := g.narrow(tx, index, w, records, n == len(words)-1); err != nil {
			return nil, err
		}
		if g.may.n == 0 {
			break
		}
	}
	return g, nil
}

// narrow leaves those who may have a word that begins like w, and with last
// puts them in order if they are few.
func (g *glance) narrow(tx *Tx, index, w string, records int, last bool) error {
	before, most := g.may, tx.bounds().named
	g.may = newIDBits(records)
	err := tx.eachWith(index, w, func(id, name []byte) {
		if before != nil && !before.has(id) {
			return
		}
		g.may.add(id)
		if last && len(g.named) <= most && g.inside(id) {
			g.named = append(g.named, slices.Concat(name, id))
		}
	})
	if err != nil || len(g.named) > most {
		g.named = nil
		return err
	}
	if last || g.may.n == 0 {
		g.order()
	}
	return nil
}

// order sorts who was named.
func (g *glance) order() {
	slices.SortFunc(g.named, bytes.Compare)
	g.named, g.few = slices.CompactFunc(g.named, bytes.Equal), true
}

// fits reports whether the record of an id may fit.
func (g *glance) fits(id []byte) bool {
	return g == nil || (g.may == nil || g.may.has(id)) && g.inside(id)
}

// inside reports whether an id is in every set.
func (g *glance) inside(id []byte) bool {
	for i := range g.within {
		if !g.within[i].has(id) {
			return false
		}
	}
	return true
}

// nobody reports whether keys alone leave nobody.
func (g *glance) nobody() bool {
	return g != nil && (g.few && len(g.named) == 0 || slices.ContainsFunc(g.within, func(s idSet) bool { return s.size() == 0 }))
}

// idBehind returns the key of the id behind a name in a key.
func idBehind(name []byte) ([]byte, error) {
	end := bytes.IndexByte(name, 0)
	if end < 0 {
		return nil, errKey
	}
	return name[end+1:], nil
}

// filterWords folds the words of a filter's text.
func filterWords(text string) []string {
	var out []string
	for _, w := range strings.Fields(text) {
		out = append(out, store.Fold(w))
	}
	return out
}
