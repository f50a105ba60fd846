package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"rapport/store"
)

// stateClock is where the store keeps what the clock showed last.
const stateClock = "clock"

// When a clock is doubted: it leapt by more than a day and a change of zone,
// or, between two processes, further ahead than a machine is mostly off. Then
// nothing is removed for its age before it has run on for a day, in which
// somebody may set it right. Neither a new battery nor a wrong time server is
// a reason to forget what a team has kept.
const (
	clockLeap  = 26 * time.Hour
	clockGap   = 7 * 24 * time.Hour
	clockTrial = 24 * time.Hour
	clockNote  = time.Hour // within which what another process noted last serves
)

// clockBook is what is known of the clock.
type clockBook struct {
	Last time.Time     `json:"last"`
	Leap time.Time     `json:"leap,omitzero"` // what it showed after the leap for which it is doubted
	Was  time.Time     `json:"was,omitzero"`  // what it would show now without the leap
	Held time.Duration `json:"held,omitzero"` // how long it has run on since
}

// doubted reports whether nothing may be removed for its age.
func (b clockBook) doubted() bool { return !b.Leap.IsZero() }

// look notes what the clock shows. elapsed is how long the last look is ago by
// another measure; where there is none, since that was in another process, it
// is 0 and first is true: then a machine may have been off for as long as the
// clock says, if that is no more than [clockGap].
func (b *clockBook) look(now time.Time, elapsed time.Duration, first bool) {
	now = now.UTC().Round(0)
	last := b.Last
	b.Last = now
	if last.IsZero() {
		return
	}
	if off := now.Sub(last); first && off > 0 && off <= clockGap {
		elapsed = off
	}
	if b.doubted() {
		b.Was, b.Held = b.Was.Add(elapsed), b.Held+elapsed
	}
	ahead := clockLeap
	if first {
		ahead = clockGap
	}
	if leap := now.Sub(last.Add(elapsed)); leap > ahead || leap < -clockLeap {
		if !b.doubted() {
			b.Was = last.Add(elapsed)
		}
		b.Leap, b.Held = now, 0
	}
	if b.doubted() && (now.Sub(b.Was).Abs() <= clockLeap || b.Held >= clockTrial) {
		*b = clockBook{Last: now}
	}
}

// err says in words why the clock is doubted, nil where it is not.
func (b clockBook) err() error {
	if !b.doubted() {
		return nil
	}
	return fmt.Errorf("the clock of this machine leapt to %s, where %s was to be expected; nothing is removed for its age until it has run on for a day (set it right where it is wrong)",
		b.Leap.Format(time.RFC1123), b.Was.Add(-b.Held).Format(time.RFC1123))
}

// wallClock tells at any moment whether the clock on the wall is doubted: by the
// housekeeper's last look at it, and by a leap since. Its methods may be called
// concurrently.
type wallClock struct {
	now func() time.Time

	mu    sync.Mutex // guards what follows
	at    time.Time  // of the last look, by the clock that nobody sets; zero: there was none
	shown time.Time  // what the clock on the wall showed then
	bad   bool       // it was doubted then
}

// doubted reports whether nothing may be judged by age now.
func (c *wallClock) doubted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		return false
	}
	return c.bad || c.now().Round(0).Sub(c.shown.Add(time.Since(c.at))).Abs() > clockLeap
}

// elapsed returns how long the last look is ago, and whether there was none.
func (c *wallClock) elapsed() (d time.Duration, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		return 0, true
	}
	return time.Since(c.at), false
}

func (c *wallClock) looked(shown time.Time, bad bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.shown, c.bad = time.Now(), shown.Round(0), bad
}

// look keeps the book of the clock and returns what is known of it now. A
// process that looks for the first time writes nothing where the last note is
// recent and says the same: a command that finds no news leaves the disk alone.
func (c *wallClock) look(ctx context.Context, s store.Store) (clockBook, error) {
	book, err := upkeepBook[clockBook](ctx, s, stateClock)
	if err != nil {
		return book, err
	}
	kept, shown := book, c.now()
	elapsed, first := c.elapsed()
	book.look(shown, elapsed, first)
	c.looked(shown, book.doubted())
	if ago := book.Last.Sub(kept.Last); first && !kept.doubted() && !book.doubted() && ago >= 0 && ago < clockNote {
		return book, nil
	}
	return book, keepBook(ctx, s, stateClock, book)
}

// lookAtClock reports whether the clock is doubted.
func (h *housekeeper) lookAtClock(ctx context.Context) (bool, error) {
	book, err := h.clock.look(ctx, h.store)
	h.faults.report("clock", book.err())
	return err != nil || book.doubted(), err
}

// clockTrouble says that the clock needs a hand.
func clockTrouble(ctx context.Context, s store.Store) trouble {
	t := trouble{Object: "clock", state: well}
	book, err := upkeepBook[clockBook](ctx, s, stateClock)
	switch {
	case err != nil:
		t.state = unsure
	case book.doubted():
		t.state, t.Urgent, t.Since, t.Text = wrong, true, book.Leap, book.err().Error()
	}
	return t
}
