package boltstore

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"rapport/records/timeline"
	"rapport/store"
)

// unnamed counts the rows of segments that no manifest row names.
func unnamed(t *testing.T, s *Store) (n int) {
	t.Helper()
	must(t, s.view(t.Context(), func(tx *Tx) error {
		b := tx.indexBucket(indexSegment)
		c := b.Cursor()
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			if k[0] != rowManifest && b.Get(manifestKey(binary.BigEndian.Uint32(k[1:]))) == nil {
				n++
			}
		}
		return nil
	}))
	return n
}

// wordy puts entries whose words fill very many blocks of the index, each entry
// in a segment of its own.
func wordy(t *testing.T, s *Store, entries, words int) (ids []timeline.ID) {
	t.Helper()
	for n := range entries {
		var text strings.Builder
		for w := range words {
			sum := sha256.Sum256([]byte{byte(n), byte(w), byte(w >> 8)})
			fmt.Fprintf(&text, "w%x ", sum[:20])
		}
		id := timeline.ID(store.NewID(epoch))
		must(t, s.update(t.Context(), func(tx *Tx) error {
			return tx.Entries().Put(timeline.Entry{ID: id, Time: epoch}, store.NewDocument(store.Fields{Text: text.String()}))
		}))
		ids = append(ids, id)
	}
	return ids
}

// TestCompactLeavesNoOldWords deletes an entry of a store whose index has more
// blocks than are swept up at a time: after a compaction none of the blocks that
// held its words may be left, and no merge may be at work while they are removed,
// whose blocks are not named yet either.
func TestCompactLeavesNoOldWords(t *testing.T) {
	t.Parallel()
	var s *Store
	copied := false
	s = openTest(t, Options{NoSync: true, NoMerge: true, Step: func(name string) {
		if name != "compact.copied" {
			return
		}
		if copied = true; s.oneMerge.TryLock() {
			s.oneMerge.Unlock()
			t.Error("a merge may write while a compaction removes what no segment names")
		}
	}})
	ids := wordy(t, s, 4, 16_000)
	must(t, s.update(t.Context(), func(tx *Tx) error { return tx.Entries().Delete(ids[0]) }))
	if _, err := s.mergeTier(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if left := unnamed(t, s); left <= sweepRows {
		t.Fatalf("a merge leaves %d rows: too few to tell", left)
	}
	_, _, err := s.Compact(t.Context())
	must(t, err)
	if left := unnamed(t, s); left > 0 || !copied {
		t.Errorf("after a compaction %d rows of the index are left that no segment names", left)
	}
	noFaults(t, s)
}

// TestIndexIsSweptAtRest merges in the background as a daemon does: when there
// is nothing left to merge, nothing that was merged is left either.
func TestIndexIsSweptAtRest(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true, NoMerge: true})
	wordy(t, s, 4, 16_000)
	if _, err := s.mergeTier(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if left := unnamed(t, s); left <= sweepRows {
		t.Fatalf("a merge leaves %d rows: too few to tell", left)
	}
	if err := s.mergeAll(t.Context()); err != nil && !errors.Is(err, errNothing) {
		t.Fatal(err)
	}
	if left := unnamed(t, s); left > 0 {
		t.Errorf("at rest %d rows of the index are left that no segment names", left)
	}
	noFaults(t, s)
}
