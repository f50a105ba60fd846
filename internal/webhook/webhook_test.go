package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"rapport/internal/news"
	"rapport/internal/webhook"
	"rapport/records/access"
	"rapport/records/event"
	"rapport/records/hook"
	"rapport/store"
)

// TestTold has a receiver over TLS told of what it wants, in order and signed.
func TestTold(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, (*httptest.Server).StartTLS)
	w.here(r)
	made, secret := w.add("chat", r.URL+"/in?key=x", event.MessageFiled)
	w.hidden["hidden"] = true
	var es []event.Event
	for n := range 70 {
		es = append(es, happened(fmt.Sprint("e", n), event.MessageFiled))
	}
	w.hear(append(es, happened("other", event.FollowUpDue), happened("hidden", event.MessageFiled))...)
	w.run()
	seen := map[string]bool{}
	for n := range 70 {
		c := r.next(t)
		if c.event.ID != fmt.Sprint("e", n) || seen[c.id] || !fits(t, secret, c) {
			t.Fatalf("call %d is %+v: %s", n, c, c.body)
		}
		seen[c.id] = true
	}
	got := w.until(made.ID, "all taken", func(_ hook.Webhook, ds []hook.Dispatch) bool {
		for _, d := range ds {
			if d.Waits() || !d.Taken || d.Status != 200 {
				return false
			}
		}
		return len(ds) == 70 && w.counted("taken") == 70 // an attempt is counted once its end is kept
	})
	if got.Succeeded != noon || !got.Trouble.Empty() || len(r.calls) != 0 {
		t.Errorf("after all were taken: %+v, %d more calls", got, len(r.calls))
	}
	if m, err := w.s.Mark(t.Context()); err != nil || m.Audit != "hidden" {
		t.Errorf("Mark = %+v, %v", m, err)
	}
	w.hear(happened("last", event.MessageFiled))
	if c := r.next(t); c.event.ID != "last" {
		t.Errorf("a later event: %+v", c)
	}
}

// TestSecretIsReplaced has the former secret sign beside the new one for a day.
func TestSecretIsReplaced(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, (*httptest.Server).StartTLS)
	w.here(r)
	made, former := w.add("chat", r.URL)
	_, now, err := w.s.Renew(t.Context(), boss, made.ID)
	if err != nil || now == former {
		t.Fatalf("Renew = %q, %v", now, err)
	}
	try := func() call {
		if d, err := w.s.Try(t.Context(), made.ID); err != nil || !d.Taken {
			t.Fatalf("Try = %+v, %v", d, err)
		}
		return r.next(t)
	}
	if c := try(); !fits(t, former, c) || !fits(t, now, c) || c.event.Type != event.WebhookTest {
		t.Errorf("on the day: %+v", c)
	}
	w.pass(25 * time.Hour)
	if c := try(); fits(t, former, c) || !fits(t, now, c) {
		t.Errorf("a day later: %+v", c)
	}
}

// TestFailsAndRecovers holds up what fails, tries it again with the same id,
// and lets nothing go twice that was taken.
func TestFailsAndRecovers(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, (*httptest.Server).Start)
	w.here(r)
	made, _ := w.add("chat", r.URL)
	r.answers(status(http.StatusServiceUnavailable))
	w.run()
	w.hear(happened("a", event.ContactChanged), happened("b", event.ContactChanged))
	first := r.next(t)
	w.until(made.ID, "held", func(v hook.Webhook, _ []hook.Dispatch) bool { return v.Failures == 1 && v.Held.After(noon) })
	if len(r.calls) != 0 {
		t.Error("the receiver was not left alone")
	}
	w.pass(7 * time.Second)
	second := r.next(t) // the other one: it is due first
	w.until(made.ID, "held again", func(v hook.Webhook, _ []hook.Dispatch) bool { return v.Failures == 2 })
	r.answers(nil)
	w.pass(time.Minute)
	third, fourth := r.next(t), r.next(t)
	if first.id != third.id || second.id != fourth.id || first.event.ID != "a" || second.event.ID != "b" {
		t.Errorf("calls: %s %s %s %s", first.id, second.id, third.id, fourth.id)
	}
	got := w.until(made.ID, "well", func(v hook.Webhook, ds []hook.Dispatch) bool { return v.Failures == 0 && ds[0].Taken && ds[1].Taken })
	if !got.Failing.IsZero() || !got.Trouble.Empty() || got.Missed || len(r.calls) != 0 {
		t.Errorf("after it recovered: %+v, %d more calls", got, len(r.calls))
	}
}

// TestGivenUp has a receiver fail for three days, and then hear that it has
// missed something.
func TestGivenUp(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, (*httptest.Server).Start)
	w.here(r)
	made, _ := w.add("chat", r.URL)
	r.answers(status(http.StatusInternalServerError))
	w.run()
	w.hear(happened("a", event.ContactChanged))
	attempts := 0
	for given := false; !given; attempts++ {
		r.next(t)
		v := w.until(made.ID, "tried", func(v hook.Webhook, _ []hook.Dispatch) bool { return v.Failures == attempts+1 })
		given = v.Disabled != ""
		if !given {
			w.hear(happened(fmt.Sprint("later ", attempts), event.ContactChanged))
			w.pass(v.Held.Sub(w.now()))
		}
	}
	if v := w.webhook(made.ID); v.Disabled != hook.Failing || v.Trouble.String() != "it answered 500" || w.now().Sub(noon) < hook.GiveUp {
		t.Errorf("given up after %s: %+v", w.now().Sub(noon), v)
	}
	for _, d := range w.dispatches(made.ID) {
		if d.Waits() {
			t.Errorf("something waits for one that was given up: %+v", d)
		}
	}
	w.hear(happened("unheard", event.ContactChanged))
	r.answers(nil)
	if _, err := w.s.Change(t.Context(), boss, made.ID, hook.Change{Paused: new(false)}); err != nil {
		t.Fatal(err)
	}
	if c := r.next(t); c.event.Type != event.Missed {
		t.Errorf("first it is told %+v", c.event)
	}
	w.hear(happened("again", event.ContactChanged))
	if c := r.next(t); c.event.ID != "again" {
		t.Errorf("then %+v", c.event)
	}
}

// TestGone gives up at once whoever says that it is no more.
func TestGone(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, (*httptest.Server).Start)
	w.here(r)
	made, _ := w.add("chat", r.URL)
	r.answers(status(http.StatusGone))
	w.run()
	w.hear(happened("a", event.ContactChanged), happened("b", event.ContactChanged))
	r.next(t)
	w.until(made.ID, "gone", func(v hook.Webhook, ds []hook.Dispatch) bool { return v.Disabled == hook.Gone && len(ds) == 0 })
}

// TestOneEventIsRefused has a single event be refused again and again, which
// holds the others up for moments only.
func TestOneEventIsRefused(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, (*httptest.Server).Start)
	w.here(r)
	made, _ := w.add("chat", r.URL)
	r.answers(func(rw http.ResponseWriter, q *http.Request) {
		if poisoned(q) {
			rw.WriteHeader(http.StatusBadRequest)
		}
	})
	w.run()
	poison := happened("a", event.SuggestionMade)
	poison.Suggestion = "carl@press.example"
	w.hear(poison, happened("b", event.ContactChanged), happened("c", event.ContactChanged))
	r.next(t)
	w.until(made.ID, "held", func(v hook.Webhook, _ []hook.Dispatch) bool { return v.Failures == 1 })
	w.pass(7 * time.Second)
	w.until(made.ID, "the others taken", func(v hook.Webhook, ds []hook.Dispatch) bool {
		return len(ds) == 3 && ds[0].Taken && ds[1].Taken
	})
}

// TestForgottenMeanwhile takes an event away while the one before it is on its
// way: it is not sent, and comes back from nowhere.
func TestForgottenMeanwhile(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, (*httptest.Server).Start)
	w.here(r)
	made, _ := w.add("chat", r.URL)
	w.hear(happened("first", event.ContactChanged), happened("second", event.ContactChanged), happened("third", event.ContactChanged))
	r.answers(func(http.ResponseWriter, *http.Request) {
		r.answers(nil)
		waiting := w.dispatches(made.ID)
		err := w.store.Update(t.Context(), func(tx store.Tx) error {
			for _, d := range waiting {
				if d.Event.ID != "third" {
					if err := tx.Dispatches().Delete(d.Webhook, d.ID); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	w.run()
	if first, then := r.next(t), r.next(t); first.event.ID != "first" || then.event.ID != "third" {
		t.Errorf("told %s, then %s", first.event.ID, then.event.ID)
	}
	w.until(made.ID, "told", func(_ hook.Webhook, ds []hook.Dispatch) bool { return len(ds) == 1 && ds[0].Taken })
}

// poisoned reports whether a request is longer than those of plain changes:
// the event of a suggestion names its path.
func poisoned(q *http.Request) bool { return q.ContentLength > 100 }

// TestOverflow bounds what waits, and tells what that has cost.
func TestOverflow(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, (*httptest.Server).Start)
	w.here(r)
	made, _ := w.add("chat", r.URL)
	var es []event.Event
	for n := range 5500 {
		es = append(es, happened(fmt.Sprint("e", n), event.ContactChanged))
	}
	w.hear(es...)
	w.hear(happened("more", event.ContactChanged))
	if v := w.webhook(made.ID); !v.Missed {
		t.Errorf("after too many: %+v", v)
	}
	w.run()
	kinds := map[event.Type]int{}
	for kinds[event.Missed] == 0 || kinds[event.ContactChanged] < 5000 {
		kinds[r.next(t).event.Type]++
	}
	w.until(made.ID, "told", func(v hook.Webhook, ds []hook.Dispatch) bool { return !v.Missed && len(ds) <= 100 && !ds[0].Waits() })
	if kinds[event.ContactChanged] != 5000 || kinds[event.Missed] != 1 || len(r.calls) != 0 {
		t.Errorf("told %v, and %d more", kinds, len(r.calls))
	}
}

// TestOwner stops telling whoever may not any more, and what may not be known
// any more.
func TestOwner(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, (*httptest.Server).Start)
	w.here(r)
	ada := access.Principal{Kind: access.User, ID: "ADA", Name: "Ada", Role: access.Administrator}
	made, _, err := w.s.Add(t.Context(), ada, hook.Webhook{Name: "hers", URL: r.URL})
	if err != nil || made.Owner != "ADA" {
		t.Fatalf("Add = %+v, %v", made, err)
	}
	w.hear(happened("withdrawn", event.ContactChanged), happened("b", event.ContactChanged))
	w.hidden["withdrawn"] = true // since
	w.run()
	if c := r.next(t); c.event.ID != "b" {
		t.Errorf("told of %s", c.event.ID)
	}
	w.until(made.ID, "without a trace", func(_ hook.Webhook, ds []hook.Dispatch) bool { return len(ds) == 1 && ds[0].Taken })
	w.mu.Lock()
	w.owners["ADA"] = true
	w.mu.Unlock()
	w.hear(happened("c", event.ContactChanged))
	if v := w.webhook(made.ID); v.Disabled != hook.Ownerless {
		t.Errorf("of whoever may not: %+v", v)
	}
	if v, err := w.s.Change(t.Context(), boss, made.ID, hook.Change{Paused: new(false)}); err != nil || v.Owner != "" || v.Disabled != "" {
		t.Errorf("taken over: %+v, %v", v, err)
	}
	if c := r.next(t); c.event.Type != event.Missed {
		t.Errorf("told %+v", c.event)
	}
}

// TestMark keeps how far the webhooks were told while there are any.
func TestMark(t *testing.T) {
	w := newWorld(t)
	mark := func() news.Mark {
		m, err := w.s.Mark(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	w.hear(happened("a", event.ContactChanged))
	if m := mark(); m != (news.Mark{}) {
		t.Errorf("without a webhook the mark is %+v", m)
	}
	made, _ := w.add("chat", "https://a.example")
	if m := mark(); m == (news.Mark{}) {
		t.Error("with a webhook there is no mark: what happens before the first look would be lost in a crash")
	}
	w.hear(happened("b", event.ContactChanged))
	if err := w.s.Remove(t.Context(), boss, made.ID); err != nil {
		t.Fatal(err)
	}
	w.hear(happened("c", event.ContactChanged))
	if m := mark(); m != (news.Mark{}) || len(w.dispatches(made.ID)) != 0 {
		t.Errorf("after the last is removed: %+v, %v", m, w.dispatches(made.ID))
	}
}

// TestKilled goes on after a process that was killed between the sending and
// the writing down: the same event comes again under the same id.
func TestKilled(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, (*httptest.Server).Start)
	w.here(r)
	w.add("chat", r.URL)
	w.hear(happened("a", event.ContactChanged))
	dying := webhook.New(webhook.Options{Store: &failing{Store: w.store}, Key: make([]byte, 32), Version: "1.2.3", Now: w.now,
		Shown: func(store.Tx, string, event.Event) (bool, error) { return true, nil }})
	live := w.s
	w.s = dying
	w.here(r)
	if err := dying.Run(t.Context()); !errors.Is(err, errKilled) {
		t.Fatalf("Run = %v", err)
	}
	w.s = live
	w.run()
	if a, b := r.next(t), r.next(t); a.id != b.id || a.event.ID != "a" || string(a.body) != string(b.body) {
		t.Errorf("before %+v, after %+v", a, b)
	}
}

var errKilled = errors.New("killed")

// failing is a store that is written to no more.
type failing struct{ store.Store }

func (f *failing) Update(context.Context, func(store.Tx) error) error { return errKilled }
