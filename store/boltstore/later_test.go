package boltstore

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"rapport/records/timeline"
	"rapport/store"
)

// putLate files entries whose terms are made later, each with a word of its own.
func putLate(t *testing.T, s *Store, from, n int) {
	t.Helper()
	err := s.update(t.Context(), func(tx *Tx) error {
		for i := from; i < from+n; i++ {
			e := timeline.Entry{ID: timeline.ID(store.NewID(epoch)), Time: epoch}
			f := store.Fields{Text: fmt.Sprintf("all have this, one has odd%dword", i)}
			if err := tx.Entries().Put(e, store.LaterDocument(f)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func waits(t *testing.T, s *Store) (n, segs int) {
	t.Helper()
	err := s.view(t.Context(), func(tx *Tx) error {
		docs, _, err := tx.waiting(0, 0)
		list, more := segments(tx.indexBucket(indexSegment))
		n, segs = len(docs), len(list)
		return errors.Join(err, more)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n, segs
}

func finds(t *testing.T, s *Store, word string) int {
	t.Helper()
	q, err := store.ParseQuery(word)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = s.view(t.Context(), func(tx *Tx) error {
		page, err := tx.Entries().Search(q, store.Slice{Limit: 1000})
		n = len(page.Items)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// What waits for its terms is found as what has them, before, between and
// after; the check is content with either.
func TestLater(t *testing.T) {
	s := openTest(t, Options{NoSync: true, NoMerge: true})
	const n = laterDocs + 500
	putLate(t, s, 0, n)
	looks := func(when string, waiting int) {
		t.Helper()
		if got, _ := waits(t, s); got != waiting {
			t.Errorf("%s: %d documents wait, want %d", when, got, waiting)
		}
		if got := finds(t, s, fmt.Sprintf("odd%dword", n-1)); got != 1 {
			t.Errorf("%s: the last is found %d times", when, got)
		}
		if got := finds(t, s, "odd1*"); got < 100 {
			t.Errorf("%s: %d are found by a beginning", when, got)
		}
		if got := finds(t, s, "odd1word -this"); got != 0 {
			t.Errorf("%s: %d are found that should not", when, got)
		}
		if faults, err := s.Check(t.Context()); err != nil || len(faults) > 0 {
			t.Errorf("%s: %v %q", when, err, faults)
		}
	}
	looks("filed", n)
	if more, err := s.indexSome(t.Context()); err != nil || !more {
		t.Fatalf("index some: more %v, %v", more, err)
	}
	looks("half indexed", n-laterDocs)
	ended, end := context.WithCancel(t.Context())
	end()
	if err := s.Index(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("index with an ended context: %v", err)
	}
	if err := s.Index(t.Context()); err != nil {
		t.Fatal(err)
	}
	looks("indexed", 0)
	putLate(t, s, n, 5)
	if err := s.Reindex(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	looks("made anew", 0)
}

// What goes, or gets another text, before its terms were made leaves nothing
// to be made.
func TestLaterGone(t *testing.T) {
	s := openTest(t, Options{NoSync: true, NoMerge: true})
	putLate(t, s, 0, 3)
	err := s.update(t.Context(), func(tx *Tx) error {
		page, err := tx.Entries().Recent(store.Slice{})
		if err != nil {
			return err
		}
		return errors.Join(tx.Entries().Delete(page.Items[0].ID),
			tx.Entries().Put(page.Items[1], store.NewDocument(store.Fields{Text: "at once"})),
			tx.Entries().Put(page.Items[2], store.LaterDocument(store.Fields{Text: "anew"})))
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, segs := waits(t, s); n != 1 || segs != 1 {
		t.Errorf("%d documents wait, %d segments, want one each", n, segs)
	}
	for range 2 {
		if a, b, c := finds(t, s, "once"), finds(t, s, "anew"), finds(t, s, "this"); a != 1 || b != 1 || c != 0 {
			t.Errorf("found at once %d, anew %d, the texts of before %d", a, b, c)
		}
		if err := s.Index(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// A text that cannot be read is not found, and keeps none else from being.
func TestLaterDamaged(t *testing.T) {
	s := openTest(t, Options{NoSync: true, NoMerge: true})
	putLate(t, s, 0, 3)
	err := s.update(t.Context(), func(tx *Tx) error {
		k, _ := tx.data(bucketText).Cursor().First()
		return tx.data(bucketText).Put(k, []byte{formatZstd, 1, 2, 3})
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := finds(t, s, "this"); got != 2 {
			t.Errorf("found %d, want 2", got)
		}
		if err := s.Index(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// The store indexes by itself once it has come to rest, and while it is busy
// only what many wait.
func TestLaterAtRest(t *testing.T) {
	before := openTest(t, Options{NoSync: true, NoMerge: true}) // makes what all stores share, outside of the bubble
	putLate(t, before, 0, 1)
	if err := before.Index(t.Context()); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.TempDir()+"/data", Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		putLate(t, s, 0, 10)
		synctest.Wait()
		if n, _ := waits(t, s); n != 10 {
			t.Errorf("%d wait right after they were filed", n)
		}
		s.late.Store(maxWaiting)
		putLate(t, s, 10, 1)
		synctest.Wait()
		if n, _ := waits(t, s); n != 0 {
			t.Errorf("%d wait though there were many", n)
		}
		putLate(t, s, 11, 10)
		synctest.Wait()
		if n, _ := waits(t, s); n != 10 {
			t.Errorf("%d wait, the store has not come to rest", n)
		}
		time.Sleep(2 * quietFor) // the clock of the test
		synctest.Wait()
		if n, _ := waits(t, s); n != 0 {
			t.Errorf("%d wait at rest", n)
		}
	})
}
