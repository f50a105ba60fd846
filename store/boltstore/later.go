package boltstore

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rapport/internal/rescue"
	"rapport/store"
)

// A document may be put without its terms. A row of indexLater, written in the
// same transaction, says that they are still to be made; Index makes them when
// little else is written, some at a time, and takes the row away in the
// transaction that writes the segment. Searches look through the texts of
// those that wait, so what is stored is found at once, only not as fast.

const (
	// maxWaiting is how many documents may wait before they are indexed
	// although the store is being written to.
	maxWaiting = 16 << 10
	// quietFor is how long nothing must have been put before they are.
	quietFor = 2 * time.Second
	// laterDocs and laterBytes bound the texts that are indexed at a time: the
	// words of a text take many times its room.
	laterDocs  = 1000
	laterBytes = 4 << 20
	// manyWaiting is from how many waiting documents on a search has them
	// indexed at once: the next one is the faster for it.
	manyWaiting = 500
)

// waitingDoc is a document without its terms.
type waitingDoc struct {
	doc    uint32
	entry  []byte // key of its entry
	packed []byte
	terms  []store.Term // sorted; once made
}

// has reports whether a term, or one that begins with it, is among those of
// the document.
func (w *waitingDoc) has(term string, begins bool) bool {
	n, found := slices.BinarySearchFunc(w.terms, term, func(t store.Term, text string) int { return strings.Compare(t.Text, text) })
	return found || begins && n < len(w.terms) && strings.HasPrefix(w.terms[n].Text, term)
}

// putLater notes that the terms of an entry's document are to be made.
func (tx *Tx) putLater(doc uint32, entry []byte) {
	tx.late++
	tx.ixPut(indexLater, string(appendUint32(nil, doc)), entry)
}

// notLater forgets a document that goes.
func (tx *Tx) notLater(doc uint32, entry []byte) {
	tx.ixDelete(indexLater, string(appendUint32(nil, doc)), entry)
}

// waiting lists documents that wait, up to so many and so many bytes of their
// texts, both at least one; 0 is all. Their bytes are those of the transaction.
func (tx *Tx) waiting(docs, size int) (out []waitingDoc, more bool, err error) {
	c := tx.index(indexLater).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if docs > 0 && (len(out) == docs || size <= 0) {
			return out, true, nil
		}
		if len(out)%256 == 255 && tx.ctx.Err() != nil {
			return nil, false, tx.ctx.Err()
		}
		doc, _, err := readUint32(k)
		if err != nil {
			return nil, false, errSegment
		}
		w := waitingDoc{doc: doc, entry: v, packed: tx.data(bucketText).Get(v)}
		size -= textSize(w.packed)
		out = append(out, w)
	}
	return out, false, nil
}

// makeTerms makes the terms of documents on all cores. One that cannot be read
// has none and keeps no other from being found; Check names it.
func (s *Store) makeTerms(ctx context.Context, docs []waitingDoc) error {
	var next atomic.Int64
	var working sync.WaitGroup
	work := func() {
		for n := int(next.Add(1)) - 1; n < len(docs) && ctx.Err() == nil; n = int(next.Add(1)) - 1 {
			if err := rescue.Do(docs[n].makeTerms); err != nil {
				s.log.Warn("an entry cannot be found by its text", "entry", fmt.Sprintf("%x", docs[n].entry), "err", err)
			}
		}
	}
	for range min(runtime.GOMAXPROCS(0), len(docs)) {
		working.Go(func() { _ = rescue.Do(func() error { work(); return nil }) })
	}
	working.Wait()
	return ctx.Err()
}

func (w *waitingDoc) makeTerms() error {
	if w.packed == nil {
		return nil
	}
	f, err := unpackFields(w.entry, w.packed)
	if err == nil {
		w.terms = f.Terms()
	}
	return err
}

// Index makes the terms of all documents that wait for them. What it does not
// get to, because ctx ends, waits on; nothing is lost by it.
func (s *Store) Index(ctx context.Context) error {
	for {
		more, err := s.indexSome(ctx)
		if err != nil {
			return fmt.Errorf("index what was filed: %w", err)
		}
		if !more {
			return nil
		}
	}
}

// indexSome indexes some of the documents that wait, and reports whether there
// are more.
func (s *Store) indexSome(ctx context.Context) (more bool, err error) {
	var docs []waitingDoc
	err = s.view(ctx, func(tx *Tx) (err error) {
		if docs, more, err = tx.waiting(laterDocs, laterBytes); err != nil {
			return err
		}
		for n := range docs {
			docs[n].entry, docs[n].packed = bytes.Clone(docs[n].entry), bytes.Clone(docs[n].packed)
		}
		return nil
	})
	if err != nil || len(docs) == 0 {
		return false, err
	}
	if err := s.makeTerms(ctx, docs); err != nil {
		return false, err
	}
	err = s.update(ctx, func(tx *Tx) error {
		b := tx.indexBucket(indexLater)
		for _, d := range docs {
			// A document never changes, but its entry may have got another,
			// or have gone, and the index may have been made anew.
			key := appendUint32(nil, d.doc)
			if !bytes.Equal(b.Get(key), d.entry) {
				continue
			}
			if err := tx.addTerms(d.doc, d.terms); err != nil {
				return err
			}
			if err := b.Delete(key); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.step("indexed")
	}
	return more, err
}

// indexLoop indexes what waits whenever the store has come to rest, or too
// much waits, until the store is closed.
func (s *Store) indexLoop(ctx context.Context) {
	for s.rest(ctx) {
		if s.opt.NoMerge {
			continue
		}
		s.late.Store(0)
		err := rescue.Do(func() error { return s.Index(ctx) })
		if err != nil && ctx.Err() == nil {
			s.log.Warn("indexing was put off", "err", err)
		}
	}
}

// rest waits until documents wait and it is time to index them; false at the end.
func (s *Store) rest(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-s.toIndex:
	}
	for s.late.Load() < maxWaiting {
		select {
		case <-ctx.Done():
			return false
		case <-s.toIndex: // more have come
		case <-time.After(quietFor):
			return true
		}
	}
	return true
}

// wantIndex tells indexLoop that documents wait.
func (s *Store) wantIndex(n int64) {
	s.late.Add(n)
	select {
	case s.toIndex <- struct{}{}:
	default: // it is told already
	}
}

// unindexed are the documents that wait, with their terms, for one search.
func (s *searching) unindexed() ([]waitingDoc, error) {
	docs, _, err := s.tx.waiting(0, 0)
	if err != nil {
		return nil, err
	}
	if len(docs) > manyWaiting && !s.tx.bolt.Writable() {
		s.tx.s.wantIndex(maxWaiting)
	}
	return docs, s.tx.s.makeTerms(s.tx.ctx, docs)
}

// laterRows checks that each row names an entry and its document, and returns
// the documents that wait.
func (c *checking) laterRows(tx *Tx) map[uint32]bool {
	waits := map[uint32]bool{}
	cur := tx.indexBucket(indexLater).Cursor()
	for k, v := cur.First(); k != nil; k, v = cur.Next() {
		doc, rest, err := readUint32(k)
		e, ok, got := entries.get(tx, v)
		if err != nil || len(rest) > 0 || got != nil || !ok || e.Doc != doc {
			c.fault("search index: the document %x waits for an entry that is not its own (run: rapport store reindex)", k)
			continue
		}
		waits[doc] = true
	}
	return waits
}
