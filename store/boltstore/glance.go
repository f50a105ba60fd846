package boltstore

import (
	"strings"

	bolt "go.etcd.io/bbolt"

	"rapport/store"
)

// maxGlanced is how many words of a filter are looked for in keys; whoever
// has these is read, and the others decided then.
const maxGlanced = 64

// glance tells from keys alone which records may fit the words of a filter, so
// that a list of thousands reads only those. A word stands in the name or in
// what another index has of the record: addresses, or domains.
type glance struct {
	words []string
	found map[string]uint64 // which of the words the other index has, by the id's key
}

// glanceAt prepares a glance; nil where there is nothing to look for.
func (tx *Tx) glanceAt(words []string, other string) (*glance, error) {
	if len(words) == 0 {
		return nil, nil
	}
	g := &glance{words: words[:min(len(words), maxGlanced)], found: map[string]uint64{}}
	return g, g.read(tx.index(other))
}

func (g *glance) read(b *bolt.Bucket) error {
	c := b.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		text, id, err := readText(k)
		if err != nil {
			return err
		}
		if has := g.in(text); has != 0 {
			g.found[string(id)] |= has
		}
	}
	return nil
}

// in returns which words begin in a text.
func (g *glance) in(text string) (has uint64) {
	text = foldKey(text)
	for i, w := range g.words {
		if len(text) >= shortened || beginsIn(text, w) {
			has |= 1 << i
		}
	}
	return has
}

// fits reports whether the record of a row of a name index may have them all.
func (g *glance) fits(rest []byte) (bool, error) {
	if g == nil {
		return true, nil
	}
	name, id, err := readText(rest)
	if err != nil {
		return false, err
	}
	return g.in(name)|g.found[string(id)] == 1<<len(g.words)-1, nil
}

// foldKey folds a text out of a key, where most are small letters already.
func foldKey(text string) string {
	if plainLower(text) {
		return text
	}
	return foldAll(text)
}

func plainLower(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 || s[i] >= 'A' && s[i] <= 'Z' {
			return false
		}
	}
	return true
}

// filterWords folds the words of a filter's text.
func filterWords(text string) []string {
	var out []string
	for _, w := range strings.Fields(text) {
		out = append(out, store.Fold(w))
	}
	return out
}
