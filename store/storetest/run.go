package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rapport/records/message"
	"rapport/store"
)

// Run tests a store against its contract. open returns a new, empty store and
// sees to closing it.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, tt := range []struct {
		name string
		test func(*testing.T, store.Store)
	}{
		{"Transactions", testTransactions},
		{"Contacts", testContacts},
		{"ContactLists", testContactLists},
		{"Organisations", testOrganisations},
		{"Members", testMembers},
		{"Messages", testMessages},
		{"MessageIndexes", testMessageIndexes},
		{"Threads", testThreads},
		{"Blobs", testBlobs},
		{"Entries", testEntries},
		{"Search", testSearch},
		{"SearchPages", testSearchPages},
		{"Folders", testFolders},
		{"FolderSets", testFolderSets},
		{"Hints", testHints},
		{"Suggestions", testSuggestions},
		{"Reviews", testReviews},
		{"Decisions", testDecisions},
		{"Searches", testSearches},
		{"Tombstones", testTombstones},
		{"Audit", testAudit},
		{"State", testState},
		{"Access", testAccess},
		{"Views", testViews},
		{"Answers", testAnswers},
		{"Webhooks", testWebhooks},
		{"Times", testTimes},
		{"Pages", testPages},
		{"Relations", testRelations},
		{"FollowUps", testFollowUps},
		{"Feeds", testFeeds},
		{"Outbox", testOutbox},
		{"Runs", testRuns},
		{"Suppressions", testSuppressions},
		{"SignUps", testSignUps},
		{"Sales", testSales},
		{"Surveys", testSurveys},
		{"Dump", testDump},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.test(t, open(t))
		})
	}
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }

func newID[T ~string](n int) T { return T(store.NewID(at(n))) }

// update runs fn in an Update that must succeed.
func update(t *testing.T, s store.Store, fn func(store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

// view returns what fn reads in a View that must succeed.
func view[T any](t *testing.T, s store.Store, fn func(store.Tx) (T, error)) T {
	t.Helper()
	var out T
	if err := s.View(t.Context(), func(tx store.Tx) (err error) {
		out, err = fn(tx)
		return err
	}); err != nil {
		t.Fatalf("View: %v", err)
	}
	return out
}

// missing demands ErrNotFound.
func missing[T any](t *testing.T, s store.Store, what string, fn func(store.Tx) (T, error)) {
	t.Helper()
	err := s.View(t.Context(), func(tx store.Tx) error {
		_, err := fn(tx)
		return err
	})
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%s: error %v, want ErrNotFound", what, err)
	}
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.Comparer(message.UIDSet.Equal)); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func testTransactions(t *testing.T, s store.Store) {
	fault := errors.New("changed my mind")
	err := s.Update(t.Context(), func(tx store.Tx) error {
		if err := tx.State().Put("x", []byte("1")); err != nil {
			return err
		}
		return fault
	})
	if !errors.Is(err, fault) {
		t.Errorf("Update returned %v, want the error of fn", err)
	}
	get := func(tx store.Tx) ([]byte, error) { return tx.State().Get("x") }
	if got := view(t, s, get); got != nil {
		t.Errorf("after a rollback State x = %q, want nothing", got)
	}
	err = s.View(t.Context(), func(tx store.Tx) error { return tx.State().Put("x", []byte("1")) })
	if !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("Put inside View: %v, want ErrReadOnly", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Update(ctx, func(store.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Update with an ended context: %v, want context.Canceled", err)
	}
	// Reads inside a transaction see what it wrote.
	update(t, s, func(tx store.Tx) error {
		if err := tx.State().Put("x", []byte("2")); err != nil {
			return err
		}
		got, err := tx.State().Get("x")
		if string(got) != "2" {
			t.Errorf("inside the transaction State x = %q, want 2", got)
		}
		return err
	})
	testConcurrent(t, s)
}

// testConcurrent adds one from many sides: no addition may be lost.
func testConcurrent(t *testing.T, s store.Store) {
	const sides, times = 8, 10
	done := make(chan error, sides)
	for range sides {
		go func() {
			for range times {
				err := s.Update(context.Background(), func(tx store.Tx) error {
					v, err := tx.State().Get("sum")
					if err != nil {
						return err
					}
					return tx.State().Put("sum", append(v, '.'))
				})
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range sides {
		if err := <-done; err != nil {
			t.Fatalf("concurrent Update: %v", err)
		}
	}
	if got := view(t, s, func(tx store.Tx) ([]byte, error) { return tx.State().Get("sum") }); len(got) != sides*times {
		t.Errorf("%d additions arrived, want %d", len(got), sides*times)
	}
}

func testState(t *testing.T, s store.Store) {
	update(t, s, func(tx store.Tx) error { return tx.State().Put("generation", []byte{7}) })
	equal(t, "State", view(t, s, func(tx store.Tx) ([]byte, error) { return tx.State().Get("generation") }), []byte{7})
	update(t, s, func(tx store.Tx) error { return tx.State().Put("generation", nil) })
	if got := view(t, s, func(tx store.Tx) ([]byte, error) { return tx.State().Get("generation") }); got != nil {
		t.Errorf("State after nil = %v, want nil", got)
	}
}

// testPages reads one listing in pages of every size and cuts in between.
func testPages(t *testing.T, s store.Store) {
	const n = 23
	var want []message.ID
	update(t, s, func(tx store.Tx) error {
		want = nil
		for i := range n {
			id := newID[message.ID](i)
			want = append(want, id)
			if err := tx.Messages().Put(message.Message{ID: id, Time: at(i)}, nil); err != nil {
				return err
			}
		}
		return nil
	})
	list := func(c store.Cursor, limit int) store.Page[message.ID] {
		return view(t, s, func(tx store.Tx) (store.Page[message.ID], error) {
			return tx.Messages().List(store.Slice{Cursor: c, Limit: limit})
		})
	}
	for limit := 1; limit <= n+1; limit++ {
		var got []message.ID
		for c := store.Cursor(""); ; {
			p := list(c, limit)
			got = append(got, p.Items...)
			if len(p.Items) > limit {
				t.Fatalf("page of %d items, limit %d", len(p.Items), limit)
			}
			if c = p.Next; c == "" {
				break
			}
		}
		equal(t, fmt.Sprintf("pages of %d", limit), got, want)
	}
	first := list("", 5)
	update(t, s, func(tx store.Tx) error { return tx.Messages().Delete(first.Items[4]) })
	equal(t, "page after its cursor's item went", list(first.Next, 2).Items, want[5:7])
	err := s.View(t.Context(), func(tx store.Tx) error {
		_, err := tx.Messages().List(store.Slice{Cursor: "!"})
		return err
	})
	if err == nil {
		t.Error("a cursor of another make was accepted")
	}
}

func testTimes(t *testing.T, s store.Store) {
	odd := time.Date(2026, 5, 6, 7, 8, 9, 123456789, time.FixedZone("", 3600))
	m := message.Message{ID: newID[message.ID](0), Time: odd, Received: odd, Head: message.Head{Date: odd}, Inner: []message.Head{{Date: odd}}}
	update(t, s, func(tx store.Tx) error { return tx.Messages().Put(m, nil) })
	got := view(t, s, func(tx store.Tx) (message.Message, error) { return tx.Messages().Get(m.ID) })
	want := time.Date(2026, 5, 6, 6, 8, 9, 123456000, time.UTC)
	for _, v := range []time.Time{got.Time, got.Received, got.Head.Date, got.Inner[0].Date} {
		if v != want {
			t.Errorf("time %v, want %v", v, want)
		}
	}
}
