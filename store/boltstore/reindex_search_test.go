package boltstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"rapport/records/timeline"
	"rapport/store"
)

// TestReindexSearch makes the search index anew while others write: places come
// to what had none, what is damaged is whole again, what waits goes on waiting,
// and nothing is found twice or no more.
func TestReindexSearch(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true, NoMerge: true})
	n := laterDocs + 200
	putLate(t, s, 0, n)
	must(t, s.Index(t.Context()))
	putLate(t, s, n, 5)
	must(t, s.update(t.Context(), func(tx *Tx) error {
		b := tx.indexBucket(indexSegment)
		c := b.Cursor()
		k, _ := c.Seek([]byte{rowBlock})
		return errors.Join(deletePrefix(b, []byte{rowPlaces}), b.Delete(k))
	}))
	if faults, err := s.Check(t.Context()); err != nil || len(faults) == 0 {
		t.Fatalf("Check of a damaged index: %q, %v", faults, err)
	}
	var writing sync.WaitGroup
	first := true
	must(t, s.ReindexSearch(t.Context(), func(done, total int) {
		if done > total {
			t.Errorf("%d of %d", done, total)
		}
		if !first {
			return
		}
		first = false // writers do not wait for it
		writing.Go(func() { must(t, s.Index(t.Context())) })
		writing.Wait()
		putLate(t, s, n+5, 5)
		must(t, s.update(t.Context(), func(tx *Tx) error {
			page, err := tx.Entries().Recent(store.Slice{Limit: 400})
			if err != nil {
				return err
			}
			return errors.Join(tx.Entries().Delete(page.Items[350].ID),
				tx.Entries().Put(page.Items[351], store.NewDocument(store.Fields{Text: "another text"})),
				tx.Entries().Put(timeline.Entry{ID: timeline.ID(store.NewID(epoch)), Time: epoch}, store.NewDocument(store.Fields{Text: "newcomer text"})))
		}))
	}))
	for q, want := range map[string]int{"newcomer": 1, `"newcomer text"`: 1, `"another text"`: 1} {
		if got := finds(t, s, q); got != want {
			t.Errorf("%s is found %d times, want %d", q, got, want)
		}
	}
	all := 0
	for digit := range 10 {
		all += finds(t, s, fmt.Sprintf("odd%d*", digit))
	}
	if all != n+10-2 {
		t.Errorf("%d are found, want %d", all, n+10-2)
	}
	if got, _ := waits(t, s); got != 5 {
		t.Errorf("%d documents wait, want 5", got)
	}
	if left := unnamed(t, s); left > 0 {
		t.Errorf("%d rows are left that no segment names", left)
	}
	noFaults(t, s)
	must(t, s.Index(t.Context()))
	if _, err := s.mergeTier(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	noFaults(t, s)
}

// TestReindexSearchInterrupted ends it at each commit: the index stays as it
// was, and the next one leaves nothing of it.
func TestReindexSearchInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stop := 0
	s := openTest(t, Options{NoSync: true, NoMerge: true, Step: func(name string) {
		if stop--; name == "committed" && stop <= 0 {
			cancel()
		}
	}})
	stop = 1 << 30
	putLate(t, s, 0, 300)
	must(t, s.Index(t.Context()))
	for n := 1; ; n++ {
		stop = 2 * n
		err := s.ReindexSearch(ctx, nil)
		stop = 1 << 30
		if got := finds(t, s, "odd*"); got != 300 {
			t.Fatalf("after %d steps (%v) %d are found", n, err, got)
		}
		noFaults(t, s)
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) || n > 20 {
			t.Fatal(fmt.Errorf("after %d steps: %w", n, err))
		}
		ctx, cancel = context.WithCancel(t.Context())
		defer cancel()
	}
	if left := unnamed(t, s); left > 0 {
		t.Errorf("%d rows are left that no segment names", left)
	}
}
