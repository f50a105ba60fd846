package planner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"rapport/records/campaign"
	"rapport/records/outbox"
	"rapport/store"
)

var errKilled = errors.New("killed")

// mortal is a store of a process that ends at one of its commits, shortly before
// it or shortly after; from then on nothing works.
type mortal struct {
	store.Store
	left  int // commits until then
	after bool
	dead  bool
}

func (m *mortal) Update(ctx context.Context, fn func(store.Tx) error) error {
	if m.left--; m.left == 0 {
		m.dead = true
		if m.after {
			return errors.Join(m.Store.Update(ctx, fn), errKilled)
		}
		return m.Store.Update(ctx, func(tx store.Tx) error { return errors.Join(fn(tx), errKilled) })
	}
	if m.dead {
		return errKilled
	}
	return m.Store.Update(ctx, fn)
}

func (m *mortal) View(ctx context.Context, fn func(store.Tx) error) error {
	if m.dead {
		return errKilled
	}
	return m.Store.View(ctx, fn)
}

// dies has the planner of an office end at a commit; restarts begins another.
func (o *office) dies(at int, after bool) *mortal {
	m := &mortal{Store: o.store, left: at, after: after}
	options := o.Planner.o
	options.Store = m
	o.Planner = New(options)
	return m
}

func (o *office) restarts() {
	o.t.Helper()
	options := o.Planner.o
	options.Store = o.store
	o.Planner = New(options)
	if err := o.Recover(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
}

// TestSeriesKilled ends the process before and after each commit of a series
// of two steps to three people, and puts the clock back or ahead meanwhile:
// everybody gets each step once, in their order.
func TestSeriesKilled(t *testing.T) {
	start := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	kills := 0
	for n := 0; n < 500; n++ {
		o := newOffice(t, agreed("Carl", start.Add(time.Hour)), agreed("Dora", start.Add(time.Hour)), agreed("Eve", start.Add(2*day)))
		o.series(campaign.OnConsent, 0, 3)
		m := o.dies(n/2+1, n%2 == 1)
		killed := func(err error) bool {
			if err != nil && !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			if !m.dead {
				return false
			}
			kills++
			m.dead, m.left = false, -1
			o.restarts()
			return true
		}
		if _, err := o.Launch(t.Context(), "ada", "spring", "", false); killed(err) {
			// Whoever launched it does so again, unless it went on its way.
			if _, err := o.Launch(t.Context(), "ada", "spring", "", false); err != nil && !errors.Is(err, ErrRefused) {
				t.Fatal(err)
			}
		}
		for range 7 {
			o.now = o.now.Add(day)
			if killed(o.Tend(t.Context())) {
				jump := []time.Duration{0, -2 * time.Hour, 3 * time.Hour}[n%3]
				o.later(jump)
				o.now = o.now.Add(-jump)
			}
			o.now = o.now.Add(reachEvery)
			o.later(0)
			o.send()
		}
		got := map[string][]string{}
		for _, d := range o.deliveries(outbox.Accepted) {
			got[d.Address.Local()] = append(got[d.Address.Local()], strings.TrimPrefix(d.Subject, "Step "))
		}
		if want := "map[carl:[s0 s3] dora:[s0 s3] eve:[s0 s3]]"; fmt.Sprint(got) != want {
			t.Fatalf("killed at commit %d (after it: %v): %v, want %s", n/2+1, n%2 == 1, got, want)
		}
		if m.left > 0 {
			break // the story had fewer commits
		}
	}
	if kills < 10 {
		t.Errorf("only %d kills", kills)
	}
	t.Logf("%d kills", kills)
}

// TestSeriesInACopy goes on in a store restored from a copy with what is due
// from then on, and writes nothing that may have left since the copy was made.
func TestSeriesInACopy(t *testing.T) {
	start := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	o := newOffice(t, agreed("Carl", start.Add(time.Hour)))
	o.series(campaign.OnConsent, 0, 3, 10)
	o.launch()
	o.later(day)
	o.send()
	o.now = o.now.Add(4 * day) // the copy knows nothing of these, in which the second was sent
	o.restarts()
	if err := o.Restored(t.Context(), "copy"); err != nil {
		t.Fatal(err)
	}
	o.later(time.Hour)
	if _, err := o.Resume(t.Context(), "ada", "spring"); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		o.later(day)
		o.send()
	}
	if got := o.steps(); got != "carl 0 s0, carl 2 s10" {
		t.Errorf("in the copy: %s", got)
	}
}
