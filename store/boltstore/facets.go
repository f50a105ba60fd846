package boltstore

import (
	"bytes"
	"cmp"
	"slices"
	"sort"
	"strings"
	"unicode"

	bolt "go.etcd.io/bbolt"

	"rapport/records/contact"
	"rapport/store"
)

// facets are what a list of contacts or organisations is narrowed by beside
// words. Each that is said has a row, a letter and its value, so that what few
// have is found without reading what the others are.
type facets struct {
	kind  contact.Kind
	stage contact.Stage
	role  string
	owner contact.Address
	tags  []string
}

// rows lists the keys of one record's facets. Who is customer and partner has
// a row for each of the two.
func (f facets) rows(id string, add func(k, v []byte)) {
	row := func(facet string) { add(appendID(facetKey(facet), id), nil) }
	for _, kind := range []contact.Kind{contact.Customer, contact.Partner, contact.Both, contact.Other} {
		if f.kind.Is(kind) {
			row("k" + string(kind))
		}
	}
	if f.stage != "" {
		row("s" + string(f.stage))
	}
	if f.role != "" {
		row("r" + foldCase(f.role))
	}
	if f.owner != "" {
		row("o" + string(f.owner))
	}
	for _, tag := range f.tags {
		row("t" + tag)
	}
}

func facetKey(facet string) []byte { return appendText(nil, shorten(facet)) }

// foldCase gives texts that strings.EqualFold calls equal one form.
func foldCase(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, s)
}

// within returns a set for each facet that a filter asks for: all whose record
// has it, and perhaps others.
func (tx *Tx) within(f store.Filter, index string) []idSet {
	var asked []string
	for letter, value := range map[string]string{"s": string(f.Stage), "r": foldCase(f.Role), "o": string(f.Owner), "t": f.Tag} {
		if value != "" {
			asked = append(asked, letter+value)
		}
	}
	var out []idSet
	for _, facet := range asked {
		var s idSet
		tx.facet(index, facet, func(id []byte) bool { s.add(id); return true })
		s.seal()
		out = append(out, s)
	}
	if f.Kind != "" && !slices.ContainsFunc(out, func(s idSet) bool { return s.size() < fewEnough }) {
		if s, few := tx.ofKind(f.Kind, index); few {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b idSet) int { return cmp.Compare(a.size(), b.size()) })
	return out
}

// facet goes through the ids of those who have a facet, while visit says so.
func (tx *Tx) facet(index, facet string, visit func(id []byte) bool) {
	prefix := facetKey(facet)
	each(tx.index(index), prefix, visit)
}

// each goes through what follows a prefix in the keys of a bucket.
func each(b *bolt.Bucket, prefix []byte, visit func(rest []byte) bool) {
	c := b.Cursor()
	for k, _ := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		if !visit(k[len(prefix):]) {
			return
		}
	}
}

// maxOfKind is how many of a kind are listed before reading records in their
// order finds enough of them soon.
const maxOfKind = 20_000

// fewEnough is how many are read sooner than they are narrowed further.
const fewEnough = 1000

// ofKind lists those of a kind: their own, or that of an organisation of
// theirs. few is false where they are too many to be worth listing.
func (tx *Tx) ofKind(kind contact.Kind, index string) (s idSet, few bool) {
	add := func(id []byte) bool { s.add(id); return s.size() <= maxOfKind }
	tx.facet(index, "k"+string(kind), add)
	if index == indexContactFacet && s.size() <= maxOfKind {
		people := tx.index(indexContactOf)
		tx.facet(indexOrgFacet, "k"+string(kind), func(org []byte) bool {
			each(people, org, func(rest []byte) bool {
				_, id, err := readText(rest)
				return err == nil && add(id)
			})
			return s.size() <= maxOfKind
		})
	}
	if s.size() > maxOfKind {
		return s, false
	}
	s.seal()
	return s, true
}

// idLength is how long the key of an id is that the store made.
const idLength = 16

// idSet is a set of the keys of ids. It is filled with add, then sealed.
type idSet struct {
	flat  []byte // of idLength each
	other map[string]bool
}

func (s *idSet) add(id []byte) {
	if len(id) == idLength {
		s.flat = append(s.flat, id...)
		return
	}
	if s.other == nil {
		s.other = map[string]bool{}
	}
	s.other[string(id)] = true
}

func (s *idSet) size() int { return len(s.flat)/idLength + len(s.other) }

func (s *idSet) at(i int) []byte { return s.flat[i*idLength : (i+1)*idLength] }

// each goes through the ids.
func (s *idSet) each(yield func(id []byte) bool) {
	for i := range len(s.flat) / idLength {
		if !yield(s.at(i)) {
			return
		}
	}
	for id := range s.other {
		if !yield([]byte(id)) {
			return
		}
	}
}

// seal puts what was added in order.
func (s *idSet) seal() {
	if !sort.IsSorted((*byID)(s)) {
		sort.Sort((*byID)(s))
	}
}

func (s *idSet) has(id []byte) bool {
	if len(id) != idLength {
		return s.other[string(id)]
	}
	n := len(s.flat) / idLength
	i := sort.Search(n, func(i int) bool { return bytes.Compare(s.at(i), id) >= 0 })
	return i < n && bytes.Equal(s.at(i), id)
}

// byID sorts the flat part of a set.
type byID idSet

func (s *byID) Len() int           { return len(s.flat) / idLength }
func (s *byID) Less(i, j int) bool { return bytes.Compare((*idSet)(s).at(i), (*idSet)(s).at(j)) < 0 }
func (s *byID) Swap(i, j int) {
	a, b := (*idSet)(s).at(i), (*idSet)(s).at(j)
	for n := range a {
		a[n], b[n] = b[n], a[n]
	}
}
