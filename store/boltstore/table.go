package boltstore

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"iter"
	"slices"

	bolt "go.etcd.io/bbolt"

	"rapport/store"
)

// row is one row of an index.
type row struct{ key, val []byte }

// index derives rows from a record. Its rows are never written but by the
// table, so they can be made again from the records.
type index[T any] struct {
	name string
	rows func(v *T, add func(key, val []byte))
}

// table is a bucket of records with its indexes.
type table[T any] struct {
	name    string
	what    string // as errors name one record
	key     func(v *T) []byte
	indexes []index[T]
	counted bool // how many records there are is kept
	plain   bool // records are written too often to be compressed
}

// get reads one record.
func (t *table[T]) get(tx *Tx, key []byte) (T, bool, error) {
	var v T
	raw := tx.data(t.name).Get(key)
	if raw == nil {
		return v, false, nil
	}
	if err := decode(key, raw, &v); err != nil {
		return v, false, fmt.Errorf("read %s %x: %w", t.what, key, err)
	}
	return v, true, nil
}

// must reads one record that has to be there; name is for the error.
func (t *table[T]) must(tx *Tx, key []byte, name string) (T, error) {
	v, ok, err := t.get(tx, key)
	if err == nil && !ok {
		err = fmt.Errorf("%s %q: %w", t.what, name, store.ErrNotFound)
	}
	return v, err
}

// put writes a record and the difference between its old and new index rows.
func (t *table[T]) put(tx *Tx, v *T) error {
	if err := tx.writable(); err != nil {
		return err
	}
	key := t.key(v)
	var old *T
	if o, ok, err := t.get(tx, key); err != nil {
		return err
	} else if ok {
		old = &o
	}
	raw, err := encode(key, v, !t.plain)
	if err != nil {
		return fmt.Errorf("write %s %x: %w", t.what, key, err)
	}
	if err := tx.data(t.name).Put(key, raw); err != nil {
		return fmt.Errorf("write %s %x: %w", t.what, key, err)
	}
	if old == nil && t.counted {
		tx.count(t.name, 1)
	}
	t.reindex(tx, old, v)
	return nil
}

// del removes a record and its index rows; one that is not there is no error.
func (t *table[T]) del(tx *Tx, key []byte) error {
	if err := tx.writable(); err != nil {
		return err
	}
	old, ok, err := t.get(tx, key)
	if err != nil || !ok {
		return err
	}
	if err := tx.data(t.name).Delete(key); err != nil {
		return fmt.Errorf("delete %s %x: %w", t.what, key, err)
	}
	if t.counted {
		tx.count(t.name, -1)
	}
	t.reindex(tx, &old, nil)
	return nil
}

// reindex moves the index rows from those of old to those of now; either may
// be nil.
func (t *table[T]) reindex(tx *Tx, old, now *T) {
	for _, ix := range t.indexes {
		before, after := rowsOf(ix, old), rowsOf(ix, now)
		for k, v := range before {
			if _, kept := after[k]; !kept {
				tx.ixDelete(ix.name, k, v)
			}
		}
		for k, v := range after {
			if o, had := before[k]; !had || !bytes.Equal(o, v) {
				tx.ixPut(ix.name, k, v)
			}
		}
	}
}

func rowsOf[T any](ix index[T], v *T) map[string][]byte {
	if v == nil {
		return nil
	}
	out := map[string][]byte{}
	ix.rows(v, func(k, val []byte) {
		if val == nil {
			val = []byte{}
		}
		out[string(k)] = val
	})
	return out
}

// limit returns how many items a page holds.
func limit(s store.Slice) int {
	switch {
	case s.Limit <= 0:
		return 100
	case s.Limit > 1000:
		return 1000
	}
	return s.Limit
}

// listing is one ordered range of rows that is handed out in pages.
type listing struct {
	bucket *bolt.Bucket
	prefix []byte
	newest bool   // from the end
	since  []byte // newest: the first key of the range; nil: from where prefix begins
	until  []byte // the first key behind the range; nil: as far as prefix goes
}

// pageOf reads a page of a listing. take makes an item of a row, or says that
// the row does not belong. The cursor is the key of the last item, so that a
// page goes on at the right place whatever was added or deleted in between.
func pageOf[T any](tx *Tx, l listing, s store.Slice, take func(rest, val []byte) (T, bool, error)) (store.Page[T], error) {
	start, err := placeOf(s.Cursor)
	if err != nil {
		return store.Page[T]{}, err
	}
	return paged(tx, l.from(start), limit(s), take)
}

// placeOf reads a cursor.
func placeOf(c store.Cursor) ([]byte, error) {
	start, err := base64.RawURLEncoding.DecodeString(string(c))
	if err != nil {
		return nil, fmt.Errorf("read cursor %q: %w", c, store.ErrCursor)
	}
	return start, nil
}

// paged makes a page of the first n rows that belong.
func paged[T any](tx *Tx, rows iter.Seq2[[]byte, []byte], n int, take func(key, val []byte) (T, bool, error)) (store.Page[T], error) {
	var page store.Page[T]
	var last []byte
	steps := 0
	for k, v := range rows {
		if steps++; steps%1024 == 0 && tx.ctx.Err() != nil {
			return page, tx.ctx.Err()
		}
		item, ok, err := take(k, v)
		if err != nil {
			return page, err
		}
		if ok && len(page.Items) == n {
			page.Next = store.Cursor(base64.RawURLEncoding.EncodeToString(last))
			return page, nil
		}
		if ok {
			page.Items = append(page.Items, item)
			last = append(last[:0], k...)
		}
	}
	return page, nil
}

// from goes through the rows behind start, or all; a key begins behind prefix.
func (l listing) from(start []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		c := l.bucket.Cursor()
		k, v := l.first(c, start)
		for l.holds(k) && yield(k[len(l.prefix):], v) {
			if l.newest {
				k, v = previous(c, k)
			} else {
				k, v = c.Next()
			}
		}
	}
}

// behind goes through keys in order from the first one behind start; newest,
// from the last one before it.
func behind(keys [][]byte, start []byte, newest bool) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		at, found := slices.BinarySearchFunc(keys, start, bytes.Compare)
		if newest {
			if len(start) == 0 {
				at = len(keys)
			}
			for at--; at >= 0 && yield(keys[at], nil); at-- {
			}
			return
		}
		if found {
			at++
		}
		for ; at < len(keys) && yield(keys[at], nil); at++ {
		}
	}
}

// holds reports whether a key is in the range.
func (l listing) holds(k []byte) bool {
	return k != nil && bytes.HasPrefix(k, l.prefix) && bytes.Compare(k, l.since) >= 0 && (l.until == nil || bytes.Compare(k, l.until) < 0)
}

// first finds where a page begins: after start, or at the listing's beginning.
func (l listing) first(c *bolt.Cursor, start []byte) (k, v []byte) {
	at := append(bytes.Clone(l.prefix), start...)
	if !l.newest {
		k, v = c.Seek(at)
		if len(start) > 0 && bytes.Equal(k, at) {
			k, v = c.Next()
		}
		return k, v
	}
	if len(start) == 0 {
		if at = l.until; at == nil {
			at = successor(l.prefix)
		}
		if at == nil {
			return last(c)
		}
	}
	if k, _ = c.Seek(at); k == nil {
		return last(c)
	}
	return previous(c, at)
}

// last moves a cursor to the last row. The engine's own way there does not end
// in a bucket of several pages that this transaction has emptied.
func last(c *bolt.Cursor) (k, v []byte) {
	if k, _ = c.First(); k == nil {
		return nil, nil
	}
	return c.Last()
}

// previous moves a cursor back from the key at. The engine stops before a page
// that this transaction has emptied, though there may be rows beyond.
func previous(c *bolt.Cursor, at []byte) (k, v []byte) {
	if k, v = c.Prev(); k != nil {
		return k, v
	}
	first, _ := c.Bucket().Cursor().First()
	for k == nil && first != nil && bytes.Compare(first, at) < 0 {
		k, v = c.Prev()
	}
	return k, v
}

// successor returns the first key after all keys that begin with prefix, nil
// when there is none.
func successor(prefix []byte) []byte {
	out := bytes.Clone(prefix)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i] < 0xFF {
			out[i]++
			return out[:i+1]
		}
	}
	return nil
}
