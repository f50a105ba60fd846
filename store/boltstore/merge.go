package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"rapport/internal/rescue"
)

const (
	// fanIn is how many segments of a level are merged into one of the next.
	fanIn = 8
	// mergeBytes bounds what one transaction of a merge writes.
	mergeBytes = 1 << 20
)

func (s *Store) wantMerge() {
	select {
	case s.merge <- struct{}{}:
	default: // a look is due already
	}
}

// mergeLoop merges segments whenever a transaction left one, until the store
// is closed. What fails is tried again after the next commit.
func (s *Store) mergeLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.merge:
		}
		if s.opt.NoMerge {
			continue
		}
		err := rescue.Do(func() error { return s.mergeAll(ctx) })
		if err != nil && ctx.Err() == nil {
			s.log.Warn("merging the search index was put off", "err", err)
		}
	}
}

// mergeAll merges as long as a level has enough segments, and then sweeps up.
func (s *Store) mergeAll(ctx context.Context) error {
	for more := true; more; {
		var err error
		if more, err = s.mergeTier(ctx, false); err != nil {
			return err
		}
	}
	s.oneMerge.Lock()
	defer s.oneMerge.Unlock()
	return s.sweepAll(ctx)
}

// sweepAll deletes every block that no segment names, in bounded transactions.
// The caller holds oneMerge: a merge names its blocks only at its end.
func (s *Store) sweepAll(ctx context.Context) error {
	for more := true; more; {
		err := s.update(ctx, func(tx *Tx) error {
			b := tx.indexBucket(indexSegment)
			found, err := segments(b)
			if err == nil {
				more, err = sweep(b, found)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("sweep up the search index: %w", err)
		}
	}
	return nil
}

// mergeTier merges the lowest level that has enough segments, or all segments
// into one, and reports whether there may be more to do.
//
// Readers see the old segments until one transaction puts the new one in their
// place. It is written before under a number that no manifest row names, in
// bounded transactions: what an interrupted merge leaves is swept up by the
// next.
func (s *Store) mergeTier(ctx context.Context, everything bool) (bool, error) {
	s.oneMerge.Lock()
	defer s.oneMerge.Unlock()
	return s.mergeHeld(ctx, everything)
}

// mergeHeld is mergeTier for whoever holds oneMerge.
func (s *Store) mergeHeld(ctx context.Context, everything bool) (bool, error) {
	var chosen []segmentInfo
	var id uint32
	err := s.update(ctx, func(tx *Tx) error {
		b := tx.indexBucket(indexSegment)
		found, err := segments(b)
		if err != nil {
			return err
		}
		if chosen = choose(found, everything); chosen == nil {
			return errNothing
		}
		if _, err := sweep(b, found); err != nil {
			return err
		}
		id, err = tx.next(keySegment)
		return err
	})
	if errors.Is(err, errNothing) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	info := segmentInfo{id: id}
	for _, c := range chosen {
		info.docs += c.docs
		info.level = max(info.level, c.level)
	}
	info.level++
	m := &merger{s: s, id: id, from: chosen}
	if err := m.run(ctx); err != nil {
		return false, err
	}
	err = s.update(ctx, func(tx *Tx) error {
		b := tx.indexBucket(indexSegment)
		for _, c := range chosen {
			if b.Get(manifestKey(c.id)) == nil {
				return errors.New("the index was rebuilt meanwhile")
			}
			if err := b.Delete(manifestKey(c.id)); err != nil {
				return err
			}
		}
		return b.Put(manifestKey(id), info.value())
	})
	if err == nil {
		s.step("merged")
	}
	return true, err
}

var errNothing = errors.New("nothing to merge")

// choose returns the oldest segments of the lowest full level.
func choose(all []segmentInfo, everything bool) []segmentInfo {
	if everything {
		if len(all) == 0 {
			return nil
		}
		return all
	}
	byLevel := map[byte][]segmentInfo{}
	var levels []byte
	for _, i := range all {
		if byLevel[i.level] == nil {
			levels = append(levels, i.level)
		}
		byLevel[i.level] = append(byLevel[i.level], i)
	}
	slices.Sort(levels)
	for _, l := range levels {
		if len(byLevel[l]) >= fanIn {
			return byLevel[l][:min(len(byLevel[l]), 4*fanIn)]
		}
	}
	return nil
}

// sweepRows bounds how many blocks one sweep deletes; the next goes on.
const sweepRows = 500

// sweep deletes blocks of segments that no manifest row names, and reports
// whether there may be more of them.
func sweep(b *bolt.Bucket, live []segmentInfo) (more bool, err error) {
	named := map[uint32]bool{}
	for _, i := range live {
		named[i.id] = true
	}
	var gone [][]byte
	c := b.Cursor()
	for _, kind := range []byte{rowBlock, rowPlaces} {
		for k, _ := c.Seek([]byte{kind}); k != nil && k[0] == kind && len(k) >= 5 && len(gone) < sweepRows; {
			if named[binary.BigEndian.Uint32(k[1:])] {
				k, _ = c.Seek(successor(k[:5]))
				continue
			}
			gone = append(gone, bytes.Clone(k))
			k, _ = c.Next()
		}
	}
	return len(gone) == sweepRows, deleteKeys(b, gone)
}

// merger reads segments side by side and writes one.
type merger struct {
	s    *Store
	id   uint32
	from []segmentInfo
	at   []byte // the last term written; nil before the first
	done bool
}

func (m *merger) run(ctx context.Context) error {
	for !m.done {
		if err := m.s.update(ctx, m.part); err != nil {
			return fmt.Errorf("merge %d segments: %w", len(m.from), err)
		}
	}
	return nil
}

// source is one segment on its way through a merge.
type source struct {
	c      *bolt.Cursor
	prefix []byte
	block  *blockReader
	places placeReader
	at     []byte // places of the term the block is at
}

// part writes the next terms, up to mergeBytes.
func (m *merger) part(tx *Tx) error {
	b := tx.indexBucket(indexSegment)
	var open []*source
	for _, seg := range m.from {
		src := &source{c: b.Cursor(), prefix: blockKey(seg.id, nil)}
		more, err := src.start(m.at)
		if err != nil {
			return err
		}
		if more {
			open = append(open, src)
		}
	}
	// Puts would disturb the cursors, so blocks wait until the end.
	var blocks []row
	w := blockWriter{id: m.id, put: func(k, v []byte) error {
		blocks = append(blocks, row{k, v})
		return nil
	}}
	live := liveDocs{b: tx.index(indexDoc), known: map[uint32]bool{}}
	at := bytes.Clone(m.at)
	for len(open) > 0 && w.written < mergeBytes {
		var err error
		if open, at, err = mergeTerm(open, &w, &live); err != nil {
			return err
		}
	}
	if err := w.close(); err != nil {
		return err
	}
	for _, r := range blocks {
		if err := b.Put(r.key, r.val); err != nil {
			return err
		}
	}
	m.at, m.done = at, len(open) == 0
	return nil
}

// mergeTerm writes the least term of all sources and moves those on that had it.
func mergeTerm(open []*source, w *blockWriter, live *liveDocs) ([]*source, []byte, error) {
	least := open[0].block.term
	for _, s := range open[1:] {
		if bytes.Compare(s.block.term, least) < 0 {
			least = s.block.term
		}
	}
	term := bytes.Clone(least)
	var p postings
	rest := open[:0]
	for _, s := range open {
		if !bytes.Equal(s.block.term, term) {
			rest = append(rest, s)
			continue
		}
		for w := (walker{s.block.docs, s.at}); len(w.docs) > 0; {
			if d := w.docs[0]; live.has(d) {
				p.add(d, w.places())
			}
			if err := w.step(); err != nil {
				return nil, nil, err
			}
		}
		more, err := s.next()
		if err != nil {
			return nil, nil, err
		}
		if more {
			rest = append(rest, s)
		}
	}
	return rest, term, w.add(term, p.sorted())
}

// liveDocs remembers which documents still are.
type liveDocs struct {
	b     *bolt.Bucket
	known map[uint32]bool
}

func (l *liveDocs) has(d uint32) bool {
	is, ok := l.known[d]
	if !ok {
		is = l.b.Get(appendUint32(nil, d)) != nil
		l.known[d] = is
	}
	return is
}

func everyTerm([]byte) bool { return true }

// start moves a source to its first term after at.
func (s *source) start(at []byte) (bool, error) {
	k, v := blockOf(s.c, s.prefix, at)
	if k == nil || !bytes.HasPrefix(k, s.prefix) {
		return false, nil
	}
	if err := s.open(k, v); err != nil {
		return false, err
	}
	for {
		more, err := s.next()
		if err != nil || !more || at == nil || bytes.Compare(s.block.term, at) > 0 {
			return more, err
		}
	}
}

// next moves to the next term, over blocks.
func (s *source) next() (bool, error) {
	for {
		more, err := s.block.next(everyTerm)
		if err == nil && more {
			s.at, err = s.places.next()
		}
		if err != nil || more {
			return more, err
		}
		k, v := s.c.Next()
		if k == nil || !bytes.HasPrefix(k, s.prefix) {
			return false, nil
		}
		if err := s.open(k, v); err != nil {
			return false, err
		}
	}
}

// open begins with a block.
func (s *source) open(k, v []byte) (err error) {
	if s.block, err = newBlockReader(v); err == nil {
		s.places, err = placesOf(s.c.Bucket(), k)
	}
	return err
}
