package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"rapport/store"
)

// maxAgain bounds the postings a segment of a new search index has: they are in
// memory until it is written.
const maxAgain = 500_000

// ReindexSearch makes the search index anew from the texts of entries, and
// nothing else that is derived. Readers and writers go on meanwhile: what is put
// after it began gets segments of its own, as ever, and those there were stand
// until one transaction puts the new ones in their place. One that is
// interrupted changes nothing. progress may be nil; total counts entries.
func (s *Store) ReindexSearch(ctx context.Context, progress func(done, total int)) error {
	if s.opt.ReadOnly {
		return fmt.Errorf("reindex search: %w", store.ErrReadOnly)
	}
	s.oneMerge.Lock()
	defer s.oneMerge.Unlock()
	a := &searchAgain{s: s, ctx: ctx, progress: progress, waits: docSet{}}
	err := a.begin()
	for more := true; more && err == nil; {
		more, err = a.some()
	}
	if err == nil {
		err = a.end()
	}
	// What it left, or replaced, no segment names.
	if err = errors.Join(err, s.sweepAll(ctx)); err != nil {
		return fmt.Errorf("reindex search: %w", err)
	}
	s.wantMerge()
	return nil
}

// searchAgain is the work of making the search index anew.
type searchAgain struct {
	s           *Store
	ctx         context.Context
	progress    func(done, total int)
	old, made   []segmentInfo
	last        uint32 // document there was at the beginning
	waits       docSet // documents that waited then, and get their terms elsewhere
	at          []byte // key of the entry read last
	built       segmentBuilder
	done, total int
}

// begin notes what there is. Whatever comes later has its own way into the index.
func (a *searchAgain) begin() error {
	return a.s.view(a.ctx, func(tx *Tx) (err error) {
		if a.old, err = segments(tx.indexBucket(indexSegment)); err != nil {
			return err
		}
		if v := tx.bolt.Bucket(bucketMeta).Get(keyNextDoc); len(v) == 4 {
			a.last = binary.BigEndian.Uint32(v)
		}
		tx.eachRow(tx.indexBucket(indexLater), func(k, _ []byte) {
			if doc, _, err := readUint32(k); err == nil {
				a.waits.add([]uint32{doc})
			}
		})
		a.waits.seal()
		a.total = tx.counted(tableEntry)
		return a.ctx.Err()
	})
}

// some makes the terms of some texts on all cores, and reports whether there
// are more.
func (a *searchAgain) some() (more bool, err error) {
	var docs []waitingDoc
	if err = a.s.view(a.ctx, func(tx *Tx) (err error) {
		docs, more, err = a.read(tx)
		return err
	}); err != nil {
		return false, err
	}
	if err := a.s.makeTerms(a.ctx, docs); err != nil {
		return false, err
	}
	for _, d := range docs {
		if a.built.add(d.doc, d.terms); a.built.size > maxAgain {
			if err := a.write(); err != nil {
				return false, err
			}
		}
	}
	if !more {
		err = a.write()
	}
	if a.progress != nil {
		a.progress(a.done, max(a.done, a.total))
	}
	return more, err
}

// read copies the next texts out of the store.
func (a *searchAgain) read(tx *Tx) (docs []waitingDoc, more bool, err error) {
	c := tx.data(bucketText).Cursor()
	k, packed := c.First()
	if a.at != nil {
		if k, packed = c.Seek(a.at); bytes.Equal(k, a.at) {
			k, packed = c.Next()
		}
	}
	for size := 0; k != nil; k, packed = c.Next() {
		if len(docs) == laterDocs || size >= laterBytes {
			return docs, true, nil
		}
		var doc uint32
		found, err := tx.peek(tableEntry, k, "doc", &doc)
		if err != nil {
			return nil, false, err
		}
		a.at = append(a.at[:0], k...)
		if a.done++; !found || doc > a.last || a.waits.has(doc) {
			continue
		}
		docs = append(docs, waitingDoc{doc: doc, entry: bytes.Clone(k), packed: bytes.Clone(packed)})
		size += len(packed)
	}
	return docs, false, nil
}

// write makes a segment of what was gathered, under a number that no manifest
// row names yet.
func (a *searchAgain) write() error {
	if len(a.built.postings) == 0 {
		return nil
	}
	return a.s.update(a.ctx, func(tx *Tx) error {
		info, err := a.built.write(tx)
		if err == nil {
			a.made, a.built = append(a.made, info), segmentBuilder{}
		}
		return err
	})
}

// end puts the new segments in the place of the old ones.
func (a *searchAgain) end() error {
	err := a.s.update(a.ctx, func(tx *Tx) error {
		b := tx.indexBucket(indexSegment)
		for _, old := range a.old {
			if err := b.Delete(manifestKey(old.id)); err != nil {
				return err
			}
		}
		for _, made := range a.made {
			if err := b.Put(manifestKey(made.id), made.value()); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		a.s.step("search made anew")
	}
	return err
}
