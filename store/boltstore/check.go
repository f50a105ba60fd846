package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"

	"rapport/records/message"
	"rapport/store"
)

// derived is a table as check and reindex see it.
type derived interface {
	bucket() string
	indexNames() []string
	// rowsOfRecord adds the index rows of one record.
	rowsOfRecord(key, raw []byte, add func(index string, key, val []byte)) error
	isCounted() bool
}

func (t *table[T]) bucket() string  { return t.name }
func (t *table[T]) isCounted() bool { return t.counted }

func (t *table[T]) indexNames() []string {
	var out []string
	for _, ix := range t.indexes {
		out = append(out, ix.name)
	}
	return out
}

func (t *table[T]) rowsOfRecord(key, raw []byte, add func(index string, key, val []byte)) error {
	var v T
	if err := decode(key, raw, &v); err != nil {
		return fmt.Errorf("read %s: %w", t.what, err)
	}
	if !bytes.Equal(t.key(&v), key) {
		return fmt.Errorf("read %s: it stands under another key than its own (restore a backup)", t.what)
	}
	for _, ix := range t.indexes {
		for k, val := range rowsOf(ix, &v) {
			add(ix.name, []byte(k), val)
		}
	}
	return nil
}

// maxFaults bounds how many faults a check lists.
const maxFaults = 200

// Check compares everything the store can know of itself: the pages of the
// file, each record, each derived row, the search index with the texts, and
// each raw mail with its digest. It returns the faults in words, none for a
// sound store; the error says that the check could not be finished. Readers go
// on meanwhile, and writers but for the check of the pages.
func (s *Store) Check(ctx context.Context) ([]string, error) {
	c := &checking{s: s}
	if err := c.pages(ctx); err != nil {
		return nil, fmt.Errorf("check store: %w", err)
	}
	if err := c.records(ctx, true); err != nil {
		return c.faults, fmt.Errorf("check store: %w", err)
	}
	return c.faults, nil
}

// records checks each record, its derived rows, with search the search index,
// and each raw mail.
func (c *checking) records(ctx context.Context, search bool) error {
	var sums []message.Sum
	err := c.s.view(ctx, func(tx *Tx) error {
		for _, t := range indexed {
			if err := c.table(tx, t); err != nil {
				return err
			}
		}
		c.seals(tx)
		c.pairs(tx)
		c.threads(tx)
		c.rowsOfUIDs(tx)
		c.counters(tx)
		if err := c.relations(tx); err != nil {
			return err
		}
		if search {
			if err := c.terms(tx); err != nil {
				return err
			}
		}
		sums = c.blobs(tx)
		return ctx.Err()
	})
	for _, id := range sums {
		if err != nil || ctx.Err() != nil {
			break
		}
		err = c.blob(ctx, id)
	}
	if err == nil {
		err = ctx.Err()
	}
	return err
}

type checking struct {
	s      *Store
	faults []string
}

func (c *checking) fault(format string, args ...any) {
	if len(c.faults) < maxFaults {
		c.faults = append(c.faults, fmt.Sprintf(format, args...))
	}
}

// pages has the engine check its file, which it can only while nobody writes.
func (c *checking) pages(ctx context.Context) error {
	if err := c.s.acquire(ctx); err != nil {
		return err
	}
	defer c.s.release()
	return c.s.view(ctx, func(tx *Tx) error {
		for err := range tx.bolt.Check() {
			c.fault("file: %v", err)
		}
		return nil
	})
}

// table compares the records of a table with the rows of its indexes, both
// ways: every row that should be is, and there are no more.
func (c *checking) table(tx *Tx, t derived) error {
	rows := map[string]int{}
	records := 0
	cur := tx.data(t.bucket()).Cursor()
	for k, raw := cur.First(); k != nil; k, raw = cur.Next() {
		if records++; records%256 == 0 && tx.ctx.Err() != nil {
			return tx.ctx.Err()
		}
		err := t.rowsOfRecord(k, raw, func(index string, key, val []byte) {
			got := tx.indexBucket(index).Get(key)
			if index == indexHolding && got != nil && !bytes.Equal(got, val) {
				c.fault("index %s: row %x names another message than %x (a UID held twice)", index, key, k)
				return
			}
			rows[index]++
			if got == nil || !bytes.Equal(got, val) {
				c.fault("index %s: the row of %s %x is missing or wrong (run: rapport store reindex)", index, t.bucket(), k)
			}
		})
		if err != nil {
			c.fault("%s %x: %v", t.bucket(), k, err)
		}
	}
	for _, name := range t.indexNames() {
		n := 0
		ic := tx.indexBucket(name).Cursor()
		for k, _ := ic.First(); k != nil; k, _ = ic.Next() {
			n++
		}
		if n != rows[name] {
			c.fault("index %s: %d rows where the records make %d (run: rapport store reindex)", name, n, rows[name])
		}
	}
	if got := tx.counted(t.bucket()); t.isCounted() && got != records {
		c.fault("%s: counted as %d, there are %d (run: rapport store reindex)", t.bucket(), got, records)
	}
	return nil
}

// termSum adds up digests of a document's terms: equal sums, equal terms.
type termSum struct{ n, sum uint64 }

func (t *termSum) add(term []byte) {
	h := fnv.New64a()
	h.Write(term)
	t.n, t.sum = t.n+1, t.sum+h.Sum64()
}

// terms compares the search index with the terms of the texts.
func (c *checking) terms(tx *Tx) error {
	got := map[uint32]*termSum{}
	b := tx.indexBucket(indexSegment)
	segs, err := segments(b)
	if err != nil {
		c.fault("%v", err)
		return nil
	}
	for _, seg := range segs {
		if err := c.segment(tx, seg, got); err != nil {
			c.fault("search index: segment %d: %v", seg.id, err)
		}
	}
	waits := c.laterRows(tx)
	cur := tx.data(bucketText).Cursor()
	for k, _ := cur.First(); k != nil; k, _ = cur.Next() {
		if tx.ctx.Err() != nil {
			return tx.ctx.Err()
		}
		e, ok, err := entries.get(tx, k)
		if err != nil || !ok {
			c.fault("text %x has no entry", k)
			continue
		}
		f, err := entriesOf{tx}.fields(k)
		if err != nil {
			c.fault("text of entry %s: %v", e.ID, err)
			continue
		}
		var want termSum
		if !waits[e.Doc] {
			for _, t := range f.Terms() {
				want.add([]byte(t))
			}
		}
		if g := got[e.Doc]; (want.n > 0 || waits[e.Doc] && g != nil) && (g == nil || *g != want) {
			c.fault("search index: the terms of entry %s differ (run: rapport store reindex)", e.ID)
		}
	}
	return nil
}

func (c *checking) segment(tx *Tx, seg segmentInfo, got map[uint32]*termSum) error {
	src := &source{c: tx.indexBucket(indexSegment).Cursor(), prefix: blockKey(seg.id, nil)}
	var before []byte
	more, err := src.start(nil)
	for ; more && err == nil; more, err = src.next() {
		if before != nil && bytes.Compare(before, src.block.term) >= 0 {
			return errSegment
		}
		before = append(before[:0], src.block.term...)
		for _, d := range src.block.docs {
			if got[d] == nil {
				got[d] = &termSum{}
			}
			got[d].add(src.block.term)
		}
	}
	return err
}

// blobs checks that every message has its raw mail, and lists what there is.
func (c *checking) blobs(tx *Tx) []message.Sum {
	bucket := tx.data(tableBlob)
	cur := tx.data(tableMessage).Cursor()
	for k, raw := cur.First(); k != nil; k, raw = cur.Next() {
		var m storedMessage
		if decode(k, raw, &m) != nil {
			continue // reported with its table
		}
		sums := []sum{m.Raw}
		for _, v := range m.Variants {
			sums = append(sums, v.Raw)
		}
		for _, id := range sums {
			if id != (sum{}) && bucket.Get(id[:]) == nil {
				c.fault("message %s: its raw mail %x is missing", m.ID, id[:8])
			}
		}
	}
	var out []message.Sum
	cur = bucket.Cursor()
	for k, _ := cur.First(); k != nil; k, _ = cur.Next() {
		if len(k) != len(message.Sum{}) {
			c.fault("raw mail %x: damaged key", k)
			continue
		}
		out = append(out, message.Sum(k))
	}
	return out
}

// blob reads one raw mail to its end.
func (c *checking) blob(ctx context.Context, id message.Sum) error {
	return c.s.view(ctx, func(tx *Tx) error {
		r, err := blobsOf{tx}.Open(id)
		if errors.Is(err, store.ErrNotFound) {
			return nil // deleted meanwhile
		}
		if errors.Is(err, os.ErrNotExist) {
			c.fault("raw mail %x: its file is missing (restore it from a backup)", id[:8])
			return nil
		}
		if err == nil {
			_, err = io.Copy(io.Discard, &cancelReader{ctx, r})
			r.Close()
		}
		if err != nil && ctx.Err() == nil {
			c.fault("%v", err)
		}
		return ctx.Err()
	})
}
