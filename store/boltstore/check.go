package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math/bits"
	"os"
	"path/filepath"
	"slices"

	bolt "go.etcd.io/bbolt"

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
		for _, part := range []func(*Tx){c.seals, c.pairs, c.threads, c.rowsOfUIDs, c.counters} {
			if part(tx); ctx.Err() != nil {
				return ctx.Err()
			}
		}
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

// fault adds a fault to the list, once.
func (c *checking) fault(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); len(c.faults) < maxFaults && !slices.Contains(c.faults, text) {
		c.faults = append(c.faults, text)
	}
}

// pages looks at every page of the file, which stands still only while nobody
// writes. The file is read from end to end before that, with writers at work.
func (c *checking) pages(ctx context.Context) error {
	f, size, err := openFile(filepath.Join(c.s.dir, fileDB))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := readThrough(ctx, f, size); err != nil {
		return err
	}
	if err := c.s.acquire(ctx); err != nil {
		return err
	}
	defer c.s.release()
	err = c.s.view(ctx, func(tx *Tx) error { return c.s.walk(ctx, tx.bolt) })
	if err != nil && ctx.Err() == nil {
		c.fault("file: %v", err)
	}
	return ctx.Err()
}

// walk goes through the file as it is, for whoever holds the writer's token.
func (s *Store) walk(ctx context.Context, b *bolt.Tx) error {
	f, size, err := openFile(filepath.Join(s.dir, fileDB))
	if err != nil {
		return err
	}
	defer f.Close()
	meta, err := metaOf(f, size)
	if err != nil {
		return err
	}
	if uint64(size) < meta.pages*meta.pageSize {
		return fmt.Errorf("it has %d bytes of at least %d", size, meta.pages*meta.pageSize)
	}
	w, done, err := newPageWalk(ctx, f, size, meta)
	if err != nil {
		return err
	}
	defer done()
	if err := w.page(meta.root, nil, nil, 0); err != nil {
		return err
	}
	return w.free(b)
}

// rowSum adds up digests of rows: equal sums, equal rows in whatever order. So
// what records make is compared with what there is in two walks from one end to
// the other, where looking each row up would jump about in the whole file.
type rowSum struct {
	n   int
	sum uint64
}

// rowSeed makes it impossible to choose rows that add up to the same.
var rowSeed = maphash.MakeSeed()

func (s *rowSum) add(key, val []byte) {
	hi, lo := bits.Mul64(maphash.Bytes(rowSeed, key)|1, maphash.Bytes(rowSeed, val)^0x9E3779B97F4A7C15)
	s.n, s.sum = s.n+1, s.sum+(hi^lo)
}

// sumOf adds up the rows of an index.
func (tx *Tx) sumOf(index string) (rowSum, error) {
	var s rowSum
	tx.eachRow(tx.indexBucket(index), s.add)
	return s, tx.ctx.Err()
}

// eachRow visits the rows of a bucket, in order, until the context ends.
func (tx *Tx) eachRow(b *bolt.Bucket, visit func(key, val []byte)) {
	cur, n := b.Cursor(), 0
	for k, v := cur.First(); k != nil; k, v = cur.Next() {
		if n++; n%4096 == 0 && tx.ctx.Err() != nil {
			return
		}
		visit(k, v)
	}
}

// table compares the records of a table with the rows of its indexes, both
// ways: every row that should be is, and there are no more.
func (c *checking) table(tx *Tx, t derived) error {
	sums := map[string]*rowSum{}
	for _, name := range t.indexNames() {
		sums[name] = &rowSum{}
	}
	records := 0
	cur := tx.data(t.bucket()).Cursor()
	for k, raw := cur.First(); k != nil; k, raw = cur.Next() {
		if records++; records%256 == 0 && tx.ctx.Err() != nil {
			return tx.ctx.Err()
		}
		err := t.rowsOfRecord(k, raw, func(index string, key, val []byte) { sums[index].add(key, val) })
		if err != nil {
			c.fault("%s %x: %v", t.bucket(), k, err)
		}
	}
	if got := tx.counted(t.bucket()); t.isCounted() && got != records {
		c.fault("%s: counted as %d, there are %d (run: rapport store reindex)", t.bucket(), got, records)
	}
	for _, name := range t.indexNames() {
		if got, err := tx.sumOf(name); err != nil {
			return err
		} else if got != *sums[name] {
			if err := c.rowsOfIndex(tx, t, name, got.n); err != nil {
				return err
			}
		}
	}
	return nil
}

// rowsOfIndex names what is wrong with an index that has so many rows.
func (c *checking) rowsOfIndex(tx *Tx, t derived, name string, have int) error {
	b := tx.indexBucket(name)
	n, records := 0, 0
	cur := tx.data(t.bucket()).Cursor()
	for k, raw := cur.First(); k != nil; k, raw = cur.Next() {
		if records++; records%256 == 0 && tx.ctx.Err() != nil {
			return tx.ctx.Err()
		}
		// A record that cannot be read was named before.
		_ = t.rowsOfRecord(k, raw, func(index string, key, val []byte) {
			if index != name {
				return
			}
			got := b.Get(key)
			if index == indexHolding && got != nil && !bytes.Equal(got, val) {
				c.fault("index %s: row %x names another message than %x (a UID held twice)", index, key, k)
				return
			}
			if n++; got == nil || !bytes.Equal(got, val) {
				c.fault("index %s: the row of %s %x is missing or wrong (run: rapport store reindex)", index, t.bucket(), k)
			}
		})
	}
	if have != n {
		c.fault("index %s: %d rows where the records make %d (run: rapport store reindex)", name, have, n)
	}
	return nil
}

// termSum adds up digests of a document's terms and of their places: equal
// sums, equal terms.
type termSum struct{ n, sum, placed, places uint64 }

func (t *termSum) add(digest uint64, at []byte) {
	if t.n, t.sum = t.n+1, t.sum+digest; len(at) > 0 {
		hi, lo := bits.Mul64(digest|1, maphash.Bytes(rowSeed, at))
		t.placed, t.places = t.placed+1, t.places+(hi^lo)
	}
}

// same compares what the index has of a document with what its text makes.
func (t termSum) same(want termSum) bool {
	if t.placed == 0 { // indexed before there were places
		want.placed, want.places = 0, 0
	}
	return t == want
}

// terms compares the search index with the terms of the texts.
func (c *checking) terms(tx *Tx) error {
	var got []termSum // by the document's number
	if v := tx.bolt.Bucket(bucketMeta).Get(keyNextDoc); len(v) == 4 {
		got = make([]termSum, int(binary.BigEndian.Uint32(v))+1)
	}
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
		if tx.ctx.Err() != nil {
			return tx.ctx.Err()
		}
	}
	waits := c.laterRows(tx)
	unfielded := tx.bolt.Bucket(bucketMeta).Get(keyUnfielded) != nil // documents of before have no terms of subjects and files
	cur := tx.data(bucketText).Cursor()
	for k, raw := cur.First(); k != nil; k, raw = cur.Next() {
		if tx.ctx.Err() != nil {
			return tx.ctx.Err()
		}
		id, _, _ := readID(k)
		var doc uint32
		if ok, err := tx.peek(tableEntry, k, "doc", &doc); err != nil || !ok {
			c.fault("text %x has no entry", k)
			continue
		}
		f, err := unpackFields(k, raw)
		if err != nil {
			c.fault("text of entry %s: %v", id, err)
			continue
		}
		var want, older, have termSum
		if !waits[doc] {
			for _, t := range f.Terms() {
				digest := maphash.String(rowSeed, t.Text)
				if want.add(digest, t.At); !t.Fielded() {
					older.add(digest, t.At)
				}
			}
		}
		if int(doc) < len(got) {
			have = got[doc]
		}
		if !have.same(want) && !(unfielded && have.same(older)) && (want.n > 0 || waits[doc]) {
			c.fault("search index: the terms of entry %s differ (run: rapport store reindex)", id)
		}
	}
	return nil
}

// segment adds up the terms of a segment's documents.
func (c *checking) segment(tx *Tx, seg segmentInfo, got []termSum) error {
	src := &source{c: tx.indexBucket(indexSegment).Cursor(), prefix: blockKey(seg.id, nil)}
	var before []byte
	more, err := src.start(nil)
	for ; more && err == nil; more, err = src.next() {
		if tx.ctx.Err() != nil {
			return nil // the caller sees why
		}
		if before != nil && bytes.Compare(before, src.block.term) >= 0 {
			return errSegment
		}
		before = append(before[:0], src.block.term...)
		digest := maphash.Bytes(rowSeed, before)
		for w := (walker{src.block.docs, src.at}); len(w.docs) > 0; {
			d := w.docs[0]
			if int(d) >= len(got) {
				return fmt.Errorf("it names document %d, which was never there: %w", d, errSegment)
			}
			got[d].add(digest, w.places())
			if err := w.step(); err != nil {
				return err
			}
		}
	}
	return err
}

// blobs checks that every message has its raw mail, and lists what there is.
func (c *checking) blobs(tx *Tx) []message.Sum {
	bucket := tx.data(tableBlob)
	tx.eachRow(tx.data(tableMessage), func(k, raw []byte) {
		var m storedMessage
		if decode(k, raw, &m) != nil {
			return // reported with its table
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
	})
	var out []message.Sum
	tx.eachRow(bucket, func(k, _ []byte) {
		if len(k) != len(message.Sum{}) {
			c.fault("raw mail %x: damaged key", k)
			return
		}
		out = append(out, message.Sum(k))
	})
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
