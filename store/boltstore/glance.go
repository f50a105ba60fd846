package boltstore

import (
	"bytes"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"rapport/store"
)

// maxGlanced is how many words of a filter are looked for in keys; whoever
// has these is read, and the others decided then.
const maxGlanced = 64

// glance tells from keys alone which records may fit a filter, so that a list
// of thousands reads only those. A word of its text stands in the name or in
// what another index has of the record: addresses, or domains.
type glance struct {
	words  []string
	found  map[string]uint64 // which of the words the other index has, by the id's key
	within []idSet           // those who have what else the filter asks for
}

// glanceAt prepares a glance; nil where there is nothing to look for.
func (tx *Tx) glanceAt(f store.Filter, words []string, other, facet string) (*glance, error) {
	g := &glance{words: words[:min(len(words), maxGlanced)], found: map[string]uint64{}}
	if g.within = tx.within(f, facet); len(words) == 0 && len(g.within) == 0 {
		return nil, nil
	}
	if slices.ContainsFunc(g.within, func(s idSet) bool { return s.size() < fewEnough }) {
		g.words = nil // so few are read sooner than all keys
	}
	if len(g.words) == 0 {
		return g, nil
	}
	return g, g.read(tx.index(other))
}

func (g *glance) read(b *bolt.Bucket) error {
	c := b.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		has, id, err := g.in(k)
		if err != nil {
			return err
		}
		if has != 0 {
			g.found[string(id)] |= has
		}
	}
	return nil
}

// in returns which words begin in the text that a key begins with, and the id
// behind it. Most texts hold none of them, which shows without reading them.
func (g *glance) in(k []byte) (has uint64, id []byte, err error) {
	if end := bytes.IndexByte(k, 0); end >= 0 && end < shortened && plainKey(k[:end]) {
		if !slices.ContainsFunc(g.words, func(w string) bool { return contains(k[:end], w) }) {
			return 0, k[end+1:], nil
		}
	}
	text, id, err := readText(k)
	if err != nil {
		return 0, nil, err
	}
	text = foldKey(text)
	for i, w := range g.words {
		if len(text) >= shortened || beginsIn(text, w) {
			has |= 1 << i
		}
	}
	return has, id, nil
}

// fits reports whether the record of a row of a name index may fit.
func (g *glance) fits(rest []byte) (bool, error) {
	if g == nil {
		return true, nil
	}
	if end := bytes.IndexByte(rest, 0); end >= 0 && !g.inside(rest[end+1:]) {
		return false, nil
	}
	if len(g.words) == 0 {
		return true, nil
	}
	has, id, err := g.in(rest)
	return err == nil && has|g.found[string(id)] == 1<<len(g.words)-1, err
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

// nobody reports whether the sets alone leave nobody.
func (g *glance) nobody() bool {
	return g != nil && slices.ContainsFunc(g.within, func(s idSet) bool { return s.size() == 0 })
}

// plainKey reports whether a text stands in a key as it is, all in small ASCII
// letters.
func plainKey(k []byte) bool {
	for _, c := range k {
		if c >= 0x80 || c <= 1 || c >= 'A' && c <= 'Z' {
			return false
		}
	}
	return true
}

// contains is strings.Contains of bytes, without a copy.
func contains(k []byte, w string) bool {
	if w == "" {
		return true
	}
	for {
		i := bytes.IndexByte(k, w[0])
		if i < 0 || len(k)-i < len(w) {
			return false
		}
		if string(k[i:i+len(w)]) == w {
			return true
		}
		k = k[i+1:]
	}
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
