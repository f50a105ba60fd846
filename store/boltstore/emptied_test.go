package boltstore

import (
	"errors"
	"testing"
	"time"

	"rapport/records/timeline"
	"rapport/store"
)

// A list from its end finds its way over pages that the same transaction has
// emptied, and ends where all are.
func TestListsOverEmptiedPages(t *testing.T) {
	s := openTest(t, Options{NoSync: true, NoMerge: true})
	const n = 2000
	ids := make([]timeline.ID, n)
	err := s.update(t.Context(), func(tx *Tx) (err error) {
		for i := range ids {
			ids[i] = timeline.ID(store.NewID(epoch))
			err = errors.Join(err, tx.Entries().Put(timeline.Entry{ID: ids[i], Time: epoch.Add(time.Duration(i) * time.Minute)}, nil))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	recent := func(tx *Tx, limit int) []timeline.ID {
		page, err := tx.Entries().Recent(store.Slice{Limit: limit})
		if err != nil {
			t.Fatal(err)
		}
		var out []timeline.ID
		for _, e := range page.Items {
			out = append(out, e.ID)
		}
		return out
	}
	err = s.update(t.Context(), func(tx *Tx) (err error) {
		for _, id := range ids[1 : n-1] {
			err = errors.Join(err, tx.Entries().Delete(id))
		}
		if got := recent(tx, 10); len(got) != 2 || got[0] != ids[n-1] || got[1] != ids[0] {
			t.Errorf("the newest and the oldest are left, listed %v", got)
		}
		err = errors.Join(err, tx.Entries().Delete(ids[n-1]))
		if got := recent(tx, 10); len(got) != 1 || got[0] != ids[0] {
			t.Errorf("the oldest is left, listed %v", got)
		}
		err = errors.Join(err, tx.Entries().Delete(ids[0]))
		if got := recent(tx, 10); len(got) != 0 {
			t.Errorf("nothing is left, listed %v", got)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
