package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"rapport/records/message"
	"rapport/store"
)

// Tx is one transaction; see [store.Tx].
type Tx struct {
	ctx     context.Context
	s       *Store
	bolt    *bolt.Tx
	live    string // the bucket of the index in use
	buckets map[string]*bolt.Bucket
	pending map[string]*pending // what was changed of each index and not written yet
	counts  map[string]int64
	terms   *segmentBuilder
	dropped map[message.Sum]struct{} // files to delete once this is committed
	named   map[message.Sum]int      // packed files this transaction names
	failed  error                    // of a write that could not say so
	grown   bool                     // a segment was written
	related *relating                // what relations have to follow; nil where nothing
	late    int64                    // documents put without their terms
}

func (s *Store) tx(ctx context.Context, b *bolt.Tx) *Tx {
	return &Tx{ctx: ctx, s: s, bolt: b, buckets: map[string]*bolt.Bucket{}, live: string(b.Bucket(bucketMeta).Get(keyLive))}
}

// writable refuses to write in a View.
func (tx *Tx) writable() error {
	if !tx.bolt.Writable() {
		return fmt.Errorf("write inside a view: %w", store.ErrReadOnly)
	}
	return nil
}

// data returns a bucket of records.
func (tx *Tx) data(name string) *bolt.Bucket {
	b := tx.buckets[name]
	if b == nil {
		b = tx.bolt.Bucket([]byte(name))
		b.FillPercent = fill(name)
		tx.buckets[name] = b
	}
	return b
}

// index returns a bucket of derived rows with everything written to it so far.
func (tx *Tx) index(name string) *bolt.Bucket {
	tx.flushIndex(name)
	return tx.indexBucket(name)
}

func (tx *Tx) indexBucket(name string) *bolt.Bucket {
	key := "/" + name
	b := tx.buckets[key]
	if b == nil {
		b = tx.bolt.Bucket([]byte(tx.live)).Bucket([]byte(name))
		b.FillPercent = fill(name)
		tx.buckets[key] = b
	}
	return b
}

// fill is how full pages are left: buckets that only grow at their end are
// packed, the others keep room.
func fill(name string) float64 {
	switch name {
	case tableMessage, tableEntry, tableAudit, bucketText, indexTime, indexDoc, indexSegment, indexHolding:
		return 0.9
	}
	return bolt.DefaultFillPercent
}

// ixPut and ixDelete change an index. The rows are kept back and written at the
// end in the order of their keys: the engine keeps what a transaction writes in
// memory anyway, and random puts would touch a page each.
func (tx *Tx) ixPut(name, key string, val []byte) { tx.keep(name, key, val) }

// ixDelete removes a row if it still is the one of its record.
func (tx *Tx) ixDelete(name, key string, val []byte) {
	if bytes.Equal(tx.ixGet(name, []byte(key)), val) {
		tx.keep(name, key, nil)
	}
}

func (tx *Tx) keep(name, key string, val []byte) {
	p := tx.pending[name]
	if p == nil {
		if tx.pending == nil {
			tx.pending = map[string]*pending{}
		}
		p = &pending{}
		tx.pending[name] = p
	}
	p.set(key, val)
}

// ixGet reads one row of an index, nil when there is none.
func (tx *Tx) ixGet(name string, key []byte) []byte {
	if v, ok := tx.pending[name].get(string(key)); ok {
		return v
	}
	return tx.indexBucket(name).Get(key)
}

// ixPrefix reads the few rows that begin with prefix, in order.
func (tx *Tx) ixPrefix(name string, prefix []byte) []row {
	return tx.ixFirst(name, prefix, math.MaxInt)
}

// ixFirst reads the first rows that begin with prefix, in order, so many at
// most.
func (tx *Tx) ixFirst(name string, prefix []byte, most int) []row {
	var out []row
	changed := tx.pending[name]
	c := tx.indexBucket(name).Cursor()
	for k, v := c.Seek(prefix); k != nil && len(out) < most && bytes.HasPrefix(k, prefix); k, v = c.Next() {
		if _, is := changed.get(string(k)); !is {
			out = append(out, row{bytes.Clone(k[len(prefix):]), bytes.Clone(v)})
		}
	}
	written := len(out)
	for c := range changed.from(string(prefix)) {
		if len(out)-written == most || !strings.HasPrefix(c.key, string(prefix)) {
			break
		}
		if c.val != nil {
			out = append(out, row{[]byte(c.key[len(prefix):]), c.val})
		}
	}
	if written > 0 && len(out) > written {
		slices.SortFunc(out, func(a, b row) int { return bytes.Compare(a.key, b.key) })
	}
	return out[:min(len(out), most)]
}

// flushIndex writes the rows kept back of one index. An error of bbolt here
// means a key that is empty or too long; it is kept for the commit.
func (tx *Tx) flushIndex(name string) {
	changed := tx.pending[name]
	if changed == nil {
		return
	}
	b := tx.indexBucket(name)
	for c := range changed.from("") {
		var err error
		if c.val == nil {
			err = b.Delete([]byte(c.key))
		} else {
			err = b.Put([]byte(c.key), c.val)
		}
		if err != nil && tx.failed == nil {
			tx.failed = fmt.Errorf("write index %s: %w", name, err)
		}
	}
	delete(tx.pending, name)
}

func (tx *Tx) flushAll() error {
	names := make([]string, 0, len(tx.pending))
	for n := range tx.pending {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		tx.flushIndex(n)
	}
	return tx.failed
}

// count changes how many records a table is known to have.
func (tx *Tx) count(table string, by int64) {
	if tx.counts == nil {
		tx.counts = map[string]int64{}
	}
	tx.counts[table] += by
}

// counted returns how many records a table has.
func (tx *Tx) counted(table string) int {
	n := tx.counts[table]
	if v := tx.data(tableCount).Get([]byte(table)); len(v) == 8 {
		n += int64(binary.BigEndian.Uint64(v))
	}
	return int(n)
}

// finish writes what was kept back, before the commit.
func (tx *Tx) finish() error {
	if err := tx.flushTerms(); err != nil {
		return err
	}
	if err := tx.bringRelations(); err != nil {
		return err
	}
	if err := tx.flushAll(); err != nil {
		return err
	}
	for name, by := range tx.counts {
		if by == 0 {
			continue
		}
		n := int64(tx.counted(name))
		tx.counts[name] -= by
		if err := tx.data(tableCount).Put([]byte(name), binary.BigEndian.AppendUint64(nil, uint64(n))); err != nil {
			return err
		}
	}
	return tx.failed
}
