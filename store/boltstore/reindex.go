package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"rapport/store"
)

// reindexRows bounds what one transaction of a reindex handles.
const reindexRows = 1000

// Reindex makes all derived rows and the search index anew from the records,
// beside those in use, and then puts them in their place in one transaction.
// Readers are not disturbed; writers wait. One that is interrupted changes
// nothing. progress may be nil; total counts records.
func (s *Store) Reindex(ctx context.Context, progress func(done, total int)) error {
	if s.opt.ReadOnly {
		return fmt.Errorf("reindex: %w", store.ErrReadOnly)
	}
	s.oneMerge.Lock()
	defer s.oneMerge.Unlock()
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer s.release()
	r := &reindexing{s: s, ctx: ctx, progress: progress, counts: map[string]int64{}}
	if err := r.run(); err != nil {
		return fmt.Errorf("reindex: %w", err)
	}
	s.wantMerge()
	return nil
}

type reindexing struct {
	s           *Store
	ctx         context.Context
	progress    func(done, total int)
	place, old  string
	done, total int
	counts      map[string]int64
}

func (r *reindexing) run() error {
	err := r.s.updateHeld(r.ctx, func(tx *Tx) error {
		r.old, r.place = tx.live, indexA
		if r.old == indexA {
			r.place = indexB
		}
		for _, t := range indexed {
			r.total += tx.counted(t.bucket())
		}
		if err := dropBucket(tx.bolt, r.place); err != nil {
			return err
		}
		return buildIndex(tx.bolt, r.place)
	})
	if err != nil {
		return err
	}
	for _, t := range indexed {
		if err := r.table(t); err != nil {
			return err
		}
	}
	return r.s.updateHeld(r.ctx, func(tx *Tx) error {
		meta := tx.bolt.Bucket(bucketMeta)
		if err := errors.Join(meta.Put(keyLive, []byte(r.place)), meta.Delete(keyUnfielded)); err != nil {
			return err
		}
		for name, n := range r.counts {
			if n == 0 && tx.data(tableCount).Get([]byte(name)) == nil {
				continue // of what there never was any, there is no count
			}
			if err := tx.data(tableCount).Put([]byte(name), binary.BigEndian.AppendUint64(nil, uint64(n))); err != nil {
				return err
			}
		}
		return dropBucket(tx.bolt, r.old)
	})
}

// table derives the rows of one table, a bounded part at a time.
func (r *reindexing) table(t derived) error {
	if len(t.indexNames()) == 0 && !t.isCounted() {
		return nil
	}
	if t.isCounted() {
		r.counts[t.bucket()] = 0
	}
	for at := []byte(nil); ; {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		more := false
		err := r.s.updateHeld(r.ctx, func(tx *Tx) (err error) {
			tx.live = r.place
			at, more, err = r.part(tx, t, at)
			return err
		})
		if err != nil {
			return err
		}
		if r.progress != nil {
			r.progress(r.done, max(r.done, r.total))
		}
		if !more {
			return nil
		}
	}
}

func (r *reindexing) part(tx *Tx, t derived, at []byte) (last []byte, more bool, err error) {
	c := tx.data(t.bucket()).Cursor()
	k, raw := c.First()
	if at != nil {
		if k, raw = c.Seek(at); bytes.Equal(k, at) {
			k, raw = c.Next()
		}
	}
	for n := 0; k != nil; k, raw = c.Next() {
		if n++; n > reindexRows {
			return last, true, nil
		}
		if err := t.rowsOfRecord(k, raw, func(index string, key, val []byte) {
			tx.ixPut(index, string(key), val)
		}); err != nil {
			return nil, false, err
		}
		if t.bucket() == tableEntry {
			if err := tx.entryAgain(k, raw); err != nil {
				return nil, false, err
			}
		}
		last = append(last[:0], k...)
		if t.isCounted() {
			r.counts[t.bucket()]++
		}
		r.done++
	}
	return last, false, nil
}

// entryAgain makes what is derived from many entries at once: relations, and
// the terms of an entry's document from what was put.
func (tx *Tx) entryAgain(key, raw []byte) error {
	var e storedEntry
	if err := decode(key, raw, &e); err != nil {
		return err
	}
	if e.Related {
		if err := tx.relate(nil, &e); err != nil {
			return err
		}
	}
	f, err := entriesOf{tx}.fields(key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read text of entry %x: %w", key, err)
	}
	return tx.addTerms(e.Doc, f.Terms())
}

func dropBucket(b *bolt.Tx, name string) error {
	if b.Bucket([]byte(name)) == nil {
		return nil
	}
	return b.DeleteBucket([]byte(name))
}
