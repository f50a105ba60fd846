package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"rapport/delivery"
	"rapport/store"
)

// When alerts are sent.
const (
	darkAfter   = time.Hour // of a mailbox that cannot be reached
	alertEvery  = 5 * time.Second
	alertRetry  = 5 * time.Minute // after mail could not be sent
	weeklyAfter = 7 * 24 * time.Hour
)

// stateAlerts is where the store keeps what was told, so that a restart tells
// nothing twice.
const stateAlerts = "alerts"

// trouble is something a person must hear of: it has begun and not ended.
type trouble struct {
	Object string    `json:"object"` // mailbox ada, store
	Text   string    `json:"text"`   // what is wrong, in words, with the fix
	Since  time.Time `json:"since"`
	Urgent bool      `json:"urgent,omitempty"` // tell at once: it does not pass by itself
	Told   time.Time `json:"told,omitzero"`

	state health
	full  bool // the store has no space: everybody's trouble, not this object's
}

// health is how an object is at the moment.
type health int

const (
	wrong  health = iota
	unsure        // it has just begun and proved nothing yet: what was told still holds
	well
)

// alertBook is what was seen and told; it lives in the store.
type alertBook struct {
	Open   map[string]trouble `json:"open"`
	Weekly time.Time          `json:"weekly,omitzero"` // when the last one was sent
}

// alertRoute says how alerts go out. The zero route sends none.
type alertRoute struct {
	to     []string
	weekly bool
	team   string
	send   func(context.Context, delivery.Mail) error
}

// alerter tells people by mail when something begins and ends that needs a hand.
type alerter struct {
	store   store.Store
	now     func() time.Time
	log     *slog.Logger
	faults  *faults
	count   func(result string)
	current func() []trouble // how every object is at the moment
	summary func() string    // of the weekly mail
	poke    chan struct{}    // one place: look now

	book  *alertBook // as last judged; what could not be saved stays true here
	dirty bool       // book is to be saved

	mu    sync.Mutex // guards route
	route alertRoute
}

func (a *alerter) use(r alertRoute) {
	a.mu.Lock()
	a.route = r
	a.mu.Unlock()
	a.look()
}

// look makes the alerter look now rather than at its next turn.
func (a *alerter) look() {
	select {
	case a.poke <- struct{}{}:
	default: // it is to look already
	}
}

// run blocks until ctx ends.
func (a *alerter) run(ctx context.Context) {
	var notBefore time.Time
	for {
		wait := alertEvery
		if d := time.Until(notBefore); d > 0 {
			wait = d
		} else if err := a.turn(ctx); ctx.Err() == nil {
			a.faults.report("alerts", err)
			if err != nil {
				notBefore = time.Now().Add(alertRetry)
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-a.poke:
			timer.Stop()
		}
	}
}

// turn compares what is wrong with what was told, and tells the difference.
// What was told is remembered even where the store is full and cannot be:
// that very trouble must not be told over and over.
func (a *alerter) turn(ctx context.Context) error {
	a.mu.Lock()
	route := a.route
	a.mu.Unlock()
	if a.book == nil {
		book, err := a.load(ctx)
		if err != nil {
			return err
		}
		a.book = &book
	}
	now := a.now()
	begun, ended, changed := a.book.judge(a.current(), now)
	a.dirty = a.dirty || changed
	if route.send == nil || len(route.to) == 0 {
		return a.save(ctx)
	}
	if len(begun)+len(ended) > 0 {
		if err := a.tell(ctx, route, now, begun, ended); err != nil {
			return errors.Join(err, a.save(ctx))
		}
		a.book.told(begun, ended, now)
		a.dirty = true
	}
	if route.weekly {
		if err := a.weekly(ctx, route, now); err != nil {
			return errors.Join(err, a.save(ctx))
		}
	}
	return a.save(ctx)
}

// judge brings the book up to date and says what is to be told. It forgets
// what ended untold and what is no longer looked after; what ended and was
// told stays until that is told, too.
func (b *alertBook) judge(current []trouble, now time.Time) (begun, ended []trouble, changed bool) {
	state := map[string]health{}
	for _, t := range current {
		state[t.Object] = t.state
		if t.state != wrong {
			continue
		}
		was, open := b.Open[t.Object]
		t.Since = t.Since.UTC().Round(time.Microsecond)
		if t.Since.After(now) { // the clock was set back: its hour begins anew
			t.Since = now.UTC().Round(time.Microsecond)
		}
		if open && !was.Since.After(t.Since) {
			t.Since = was.Since
		}
		t.Told, t.full = was.Told, false
		if was != t {
			b.Open[t.Object] = t
			changed = true
		}
		if t.Told.IsZero() && (t.Urgent || now.Sub(t.Since) >= darkAfter) {
			begun = append(begun, t)
		}
	}
	for _, object := range slices.Sorted(maps.Keys(b.Open)) {
		t := b.Open[object]
		switch is, known := state[object]; {
		case known && is != well:
		case known && !t.Told.IsZero():
			ended = append(ended, t)
		default:
			delete(b.Open, object)
			changed = true
		}
	}
	return begun, ended, changed
}

func (b *alertBook) told(begun, ended []trouble, now time.Time) {
	for _, t := range begun {
		t.Told = now
		b.Open[t.Object] = t
	}
	for _, t := range ended {
		delete(b.Open, t.Object)
	}
}

// weekly says that all is well, or what is not, once a week. The first week
// begins with the first look, and anew where the clock was ahead.
func (a *alerter) weekly(ctx context.Context, route alertRoute, now time.Time) error {
	since := now.Sub(a.book.Weekly)
	if a.book.Weekly.IsZero() || since < 0 {
		a.book.Weekly, a.dirty = now, true
		return nil
	}
	if since < weeklyAfter {
		return nil
	}
	subject := "all is well"
	text := "Every mailbox is read and the store is sound.\n\n" + a.summary()
	if n := len(a.book.Open); n > 0 {
		subject = fmt.Sprintf("open faults: %d", n)
		text = describeTroubles(slices.Collect(maps.Values(a.book.Open)), now) + a.summary()
	}
	if err := a.post(ctx, route, now, subject, text); err != nil {
		return err
	}
	a.book.Weekly, a.dirty = now, true
	return nil
}

func (a *alerter) tell(ctx context.Context, route alertRoute, now time.Time, begun, ended []trouble) error {
	var text strings.Builder
	if len(begun) > 0 {
		text.WriteString(describeTroubles(begun, now))
	}
	for _, t := range ended {
		fmt.Fprintf(&text, "%s is well again; it was not since %s.\n", t.Object, t.Since.UTC().Format(time.RFC1123))
	}
	var subject string
	switch {
	case len(begun) == 1 && len(ended) == 0:
		subject = begun[0].Object + " needs a hand"
	case len(begun) == 0 && len(ended) == 1:
		subject = ended[0].Object + " is well again"
	case len(begun) == 0:
		subject = fmt.Sprintf("%d things are well again", len(ended))
	default:
		subject = fmt.Sprintf("%d things need a hand", len(begun))
	}
	return a.post(ctx, route, now, subject, text.String())
}

func describeTroubles(ts []trouble, now time.Time) string {
	slices.SortFunc(ts, func(a, b trouble) int { return strings.Compare(a.Object, b.Object) })
	var b strings.Builder
	for _, t := range ts {
		fmt.Fprintf(&b, "%s, since %s (%s):\n    %s\n\n", t.Object,
			t.Since.UTC().Format(time.RFC1123), now.Sub(t.Since).Round(time.Minute), escape(t.Text))
	}
	return b.String()
}

// post sends one mail to everybody. One recipient's refusal must not cost the
// others their mail, nor make them get it again: it counts as sent when
// somebody got it.
func (a *alerter) post(ctx context.Context, route alertRoute, now time.Time, subject, text string) error {
	if route.team != "" {
		subject += " (" + route.team + ")"
	}
	sent := 0
	var failed error
	for _, to := range route.to {
		err := route.send(ctx, delivery.Mail{
			To: to, Date: now, Subject: "Rapport: " + oneLine(subject),
			Text: text + "\n-- \nRapport tells this once when it begins and once when it ends.\n",
		})
		if err != nil {
			a.count("failed")
			failed = errors.Join(failed, fmt.Errorf("tell by mail: %w", err))
			continue
		}
		sent++
		a.count("sent")
	}
	if sent == 0 {
		return failed
	}
	if failed != nil {
		a.log.Warn("alert not taken for every recipient", "err", failed)
	}
	return nil
}

func (a *alerter) load(ctx context.Context) (alertBook, error) {
	var raw []byte
	err := a.store.View(ctx, func(tx store.Tx) (err error) {
		raw, err = tx.State().Get(stateAlerts)
		return err
	})
	book := alertBook{}
	if err != nil {
		return book, fmt.Errorf("read what was told: %w", err)
	}
	if raw != nil {
		if err := json.Unmarshal(raw, &book); err != nil {
			a.log.Warn("what was told is unreadable, starting over", "err", err)
			book = alertBook{}
		}
	}
	if book.Open == nil {
		book.Open = map[string]trouble{}
	}
	return book, nil
}

func (a *alerter) save(ctx context.Context) error {
	if !a.dirty {
		return nil
	}
	raw, err := json.Marshal(a.book)
	if err != nil {
		return fmt.Errorf("write what was told: %w", err)
	}
	err = a.store.Update(ctx, func(tx store.Tx) error { return tx.State().Put(stateAlerts, raw) })
	if err != nil {
		return fmt.Errorf("write what was told: %w", err)
	}
	a.dirty = false
	return nil
}
