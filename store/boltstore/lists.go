package boltstore

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"rapport/store"
)

// lister is a table as its lists need it.
type lister[T any] struct {
	table  *table[T]
	of     store.Kind
	names  string // the index by name
	glance *glance
}

// afterContact begins the cursors in the part of a list that holds those with
// whom there never was any contact.
const afterContact = "n."

// listed pages through a table in the order a filter asks for. fits decides
// all that does not follow from contact.
func listed[T any](tx *Tx, l lister[T], f store.Filter, s store.Slice, fits func(T) (bool, error)) (store.Page[T], error) {
	if err := l.readFew(tx); err != nil {
		return store.Page[T]{}, err
	}
	if l.glance.nobody() {
		return store.Page[T]{}, nil
	}
	order := f.Order
	switch {
	case order == store.ByName && f.Waiting != 0:
		order = store.ByWaiting
	case order == store.ByName && !f.QuietSince.IsZero():
		order = store.ByQuiet
	}
	switch order {
	case store.ByWaiting:
		if f.Waiting == 0 {
			return store.Page[T]{}, fmt.Errorf("list each %s by how long it waits: for whose answer is not said", l.table.what)
		}
		return l.byWaiting(tx, f, s, fits)
	case store.ByContact, store.ByQuiet:
		return l.byContact(tx, f, order, s, fits)
	}
	return l.byName(tx, s, func(_ []byte, v T) (bool, error) { return fits(v) })
}

func (l lister[T]) byName(tx *Tx, s store.Slice, fits func(id []byte, v T) (bool, error)) (store.Page[T], error) {
	take := func(name, _ []byte) (T, bool, error) {
		id, err := idBehind(name)
		if err != nil || !l.glance.fits(id) {
			var none T
			return none, false, err
		}
		return l.take(tx, id, func(v T) (bool, error) { return fits(id, v) })
	}
	if l.glance != nil && l.glance.few {
		start, err := placeOf(s.Cursor)
		if err != nil {
			return store.Page[T]{}, err
		}
		return paged(tx, behind(l.glance.named, start, false), limit(s), take)
	}
	return pageOf(tx, tx.listing(l.names, nil), s, take)
}

// readFew names those of a set that is small enough to be read.
func (l lister[T]) readFew(tx *Tx) error {
	g := l.glance
	if g == nil || g.few || len(g.within) == 0 || g.within[0].size() >= fewEnough {
		return nil
	}
	at := slices.IndexFunc(l.table.indexes, func(ix index[T]) bool { return ix.name == l.names })
	for id := range g.within[0].each {
		if !g.inside(id) {
			continue
		}
		v, ok, err := l.table.get(tx, id)
		if err != nil {
			return err
		}
		if ok {
			l.table.indexes[at].rows(&v, func(k, _ []byte) { g.named = append(g.named, k) })
		}
	}
	g.order()
	return nil
}

// take reads a record and asks whether it fits.
func (l lister[T]) take(tx *Tx, id []byte, fits func(T) (bool, error)) (T, bool, error) {
	v, ok, err := l.table.get(tx, id)
	if err == nil && ok {
		ok, err = fits(v)
	}
	return v, ok, err
}

// byWaiting goes by the conversation of each in which the wait is longest.
func (l lister[T]) byWaiting(tx *Tx, f store.Filter, s store.Slice, fits func(T) (bool, error)) (store.Page[T], error) {
	rows := tx.listing(indexRelationWait, []byte{byte(f.Waiting), byte(l.of)})
	return pageOf(tx, rows, startAt(s, f.WaitingFrom), func(rest, _ []byte) (T, bool, error) {
		var none T
		w, key, err := readWait(l.of, f.Waiting, rest)
		if err != nil || !l.glance.fits(key[1:]) {
			return none, false, err
		}
		first, err := relationsOf{tx}.Open(w.Who, f.Waiting, f.WaitingFrom, 1)
		if err != nil || len(first) == 0 || first[0].Thread != w.Thread || !first[0].Since.Equal(w.Since) {
			return none, false, err
		}
		if ok, err := quietSince(tx, key, f); err != nil || !ok {
			return none, false, err
		}
		return l.take(tx, key[1:], fits)
	})
}

// quietSince reports whether there was no contact from the time on that a
// filter names, where it does.
func quietSince(tx *Tx, key []byte, f store.Filter) (bool, error) {
	if f.QuietSince.IsZero() {
		return true, nil
	}
	r, err := relationAt(tx, key)
	return err == nil && r.Last().Before(f.QuietSince), err
}

// byContact goes by the last contact, and then, unless the filter is about
// contact, through those with whom there never was any.
func (l lister[T]) byContact(tx *Tx, f store.Filter, order store.Order, s store.Slice, fits func(T) (bool, error)) (store.Page[T], error) {
	var page store.Page[T]
	if rest, after := strings.CutPrefix(string(s.Cursor), afterContact); !after {
		var err error
		if page, err = l.inContact(tx, f, order, s, fits); err != nil || page.Next != "" || f.Waiting != 0 || !f.QuietSince.IsZero() {
			return page, err
		}
		s.Cursor = ""
	} else {
		s.Cursor = store.Cursor(rest)
	}
	room := limit(s) - len(page.Items)
	s.Limit = max(room, 1) // one more tells whether there is more
	others, err := l.byName(tx, s, func(id []byte, v T) (bool, error) {
		if tx.ixGet(indexRelation, append([]byte{byte(l.of)}, id...)) != nil {
			return false, nil
		}
		return fits(v)
	})
	switch {
	case err != nil:
		return store.Page[T]{}, err
	case room == 0 && len(others.Items) > 0:
		page.Next = afterContact
		return page, nil
	case others.Next != "":
		page.Next = afterContact + others.Next
	}
	page.Items = append(page.Items, others.Items...)
	return page, nil
}

// inContact goes by the last contact.
func (l lister[T]) inContact(tx *Tx, f store.Filter, order store.Order, s store.Slice, fits func(T) (bool, error)) (store.Page[T], error) {
	rows := tx.listing(indexRelationLast, []byte{byte(l.of)})
	rows.newest = order == store.ByContact
	if !f.QuietSince.IsZero() {
		rows.until = appendTime([]byte{byte(l.of)}, f.QuietSince)
	}
	take := func(rest, _ []byte) (T, bool, error) {
		var none T
		_, id, err := readTime(rest)
		if err != nil || !l.glance.fits(id) {
			return none, false, err
		}
		if f.Waiting != 0 {
			who, _, err := readSubject(append([]byte{byte(l.of)}, id...))
			if err != nil {
				return none, false, err
			}
			open, err := relationsOf{tx}.Open(who, f.Waiting, f.WaitingFrom, 1)
			if err != nil || len(open) == 0 {
				return none, false, err
			}
		}
		return l.take(tx, id, fits)
	}
	if l.glance == nil || !l.glance.few || len(l.glance.named) > tx.bounds().dated {
		return pageOf(tx, rows, s, take)
	}
	start, err := placeOf(s.Cursor)
	if err != nil {
		return store.Page[T]{}, err
	}
	dated, err := l.dated(tx, rows)
	if err != nil {
		return store.Page[T]{}, err
	}
	return paged(tx, behind(dated, start, rows.newest), limit(s), take)
}

// dated returns what a listing by the last contact holds of the few who may
// fit, in its order, without its prefix.
func (l lister[T]) dated(tx *Tx, rows listing) ([][]byte, error) {
	var out [][]byte
	for _, name := range l.glance.named {
		id, err := idBehind(name)
		if err != nil {
			return nil, err
		}
		r, err := relationAt(tx, slices.Concat(rows.prefix, id))
		if err != nil {
			return nil, err
		}
		if key := slices.Concat(rows.prefix, appendTime(nil, r.Last()), id); !r.Empty() && rows.holds(key) {
			out = append(out, key[len(rows.prefix):])
		}
	}
	slices.SortFunc(out, bytes.Compare)
	return out, nil
}
