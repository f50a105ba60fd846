package storetest

import (
	"testing"
	"time"

	"rapport/records/event"
	"rapport/records/hook"
	"rapport/records/phrase"
	"rapport/store"
)

func testWebhooks(t *testing.T, s store.Store) {
	a := hook.Webhook{ID: newID[string](1), Name: "chat", URL: "https://chat.example/in", Types: []event.Type{event.FollowUpDue}, Created: at(1), Secret: []byte{0, 255}}
	b := hook.Webhook{ID: newID[string](2), Name: "কাজ", URL: "https://b.example", Created: at(2), Failing: at(3), Failures: 2, Held: at(4), Trouble: phrase.Verbatim("x"), Disabled: hook.Gone, Missed: true}
	update(t, s, func(tx store.Tx) error { return tx.Webhooks().Put(b) })
	update(t, s, func(tx store.Tx) error { return tx.Webhooks().Put(a) })
	list := func() []hook.Webhook {
		return view(t, s, func(tx store.Tx) ([]hook.Webhook, error) { return tx.Webhooks().List() })
	}
	equal(t, "List", list(), []hook.Webhook{a, b})
	for range 2 {
		update(t, s, func(tx store.Tx) error { return tx.Webhooks().Delete(a.ID) })
	}
	equal(t, "List after Delete", list(), []hook.Webhook{b})
	missing(t, s, "Get", func(tx store.Tx) (hook.Webhook, error) { return tx.Webhooks().Get(a.ID) })
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Webhooks().Put(hook.Webhook{Name: "x"}) }); err == nil {
		t.Error("a webhook without an id was written")
	}
	testDispatches(t, s, a.ID, b.ID)
}

func testDispatches(t *testing.T, s store.Store, a, b string) {
	var of []hook.Dispatch
	for n := range 7 {
		d := hook.Dispatch{ID: newID[string](10 + n), Webhook: a, Event: event.Event{ID: "e", Type: event.ContactChanged, Time: at(n)}, Created: at(10), Due: at(20 - n)}
		if n%2 == 1 { // 1, 3, 5
			d.Ended, d.Taken, d.Status = at(30-n), n == 1, 200
		}
		of = append(of, d)
	}
	other := hook.Dispatch{ID: newID[string](5), Webhook: b, Created: at(5), Due: at(5)}
	update(t, s, func(tx store.Tx) error {
		for _, d := range append(of, other, of[0]) {
			if err := tx.Dispatches().Put(d); err != nil {
				return err
			}
		}
		return nil
	})
	listed := func(limit int) []hook.Dispatch {
		return view(t, s, func(tx store.Tx) ([]hook.Dispatch, error) {
			var out []hook.Dispatch
			for at := (store.Slice{Limit: limit}); ; {
				page, err := tx.Dispatches().Of(a, at)
				out = append(out, page.Items...)
				if at.Cursor = page.Next; err != nil || at.Cursor == "" {
					return out, err
				}
			}
		})
	}
	equal(t, "Of in pages", listed(3), []hook.Dispatch{of[6], of[5], of[4], of[3], of[2], of[1], of[0]})
	due := func(now time.Time, n int) []hook.Dispatch {
		return view(t, s, func(tx store.Tx) ([]hook.Dispatch, error) { return tx.Dispatches().Due(a, now, n) })
	}
	equal(t, "Due", due(at(18), 10), []hook.Dispatch{of[6], of[4], of[2]})
	equal(t, "Due, the first", due(at(18), 2), []hook.Dispatch{of[6], of[4]})
	equal(t, "Due before all", due(at(13), 10), nil)
	equal(t, "Due at any time", due(time.Time{}, 10), []hook.Dispatch{of[6], of[4], of[2], of[0]})
	for most, want := range map[int]int{10: 4, 3: 3} {
		n := view(t, s, func(tx store.Tx) (int, error) { return tx.Dispatches().Waiting(a, most) })
		equal(t, "Waiting", n, want)
	}
	removes := func(what string, want int, fn func(store.Dispatches) (int, error)) {
		t.Helper()
		n := 0
		update(t, s, func(tx store.Tx) (err error) { n, err = fn(tx.Dispatches()); return err })
		equal(t, what, n, want)
	}
	removes("Trim of few", 0, func(d store.Dispatches) (int, error) { return d.Trim(a, 3, 10) })
	removes("Trim, the first ended", 1, func(d store.Dispatches) (int, error) { return d.Trim(a, 1, 1) })
	equal(t, "Of after Trim", listed(9), []hook.Dispatch{of[6], of[4], of[3], of[2], of[1], of[0]})
	missing(t, s, "Get", func(tx store.Tx) (hook.Dispatch, error) { return tx.Dispatches().Get(a, of[5].ID) })
	update(t, s, func(tx store.Tx) error { return tx.Dispatches().Drop(a) })
	equal(t, "Of after Drop", listed(9), []hook.Dispatch{of[3], of[1]})
	equal(t, "Due after Drop", due(time.Time{}, 10), nil)
	for range 2 {
		update(t, s, func(tx store.Tx) error { return tx.Dispatches().Delete(a, of[1].ID) })
	}
	removes("Trim of all", 1, func(d store.Dispatches) (int, error) { return d.Trim(a, 0, 10) })
	equal(t, "Of after all", listed(9), nil)
	equal(t, "the other webhook's", view(t, s, func(tx store.Tx) (hook.Dispatch, error) { return tx.Dispatches().Get(b, other.ID) }), other)
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Dispatches().Put(hook.Dispatch{ID: "x"}) }); err == nil {
		t.Error("a dispatch of no webhook was written")
	}
}
