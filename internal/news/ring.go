// Package news tells what happens in the store: it looks what is new whenever
// something was committed, and keeps the last of it for whoever watches. The
// transactions that make the news neither wait for it nor know of it.
package news

import (
	"slices"
	"sync"

	"rapport/records/event"
)

// kept is how many events are kept for those who come back after a pause.
const kept = 4096

// ring holds the last events. Positions count every event there ever was.
type ring struct {
	mu     sync.Mutex // guards what follows
	events []event.Event
	gone   int           // events before the first one kept
	more   chan struct{} // closed with the next event
}

func newRing() *ring { return &ring{more: make(chan struct{})} }

func (r *ring) add(es []event.Event) {
	if len(es) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, es...)
	if over := len(r.events) - kept; over > 0 {
		r.events, r.gone = slices.Clone(r.events[over:]), r.gone+over
	}
	close(r.more)
	r.more = make(chan struct{})
}

// Behind returns the position behind an event; "" is the last one. Known is
// false where the event is not kept any more, or never was, so that what
// happened since cannot be told: the position is then that of the last one.
func (r *ring) Behind(id string) (position int, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.gone + len(r.events)
	if id == "" {
		return last, true
	}
	at := slices.IndexFunc(r.events, func(e event.Event) bool { return e.ID == id })
	if at < 0 {
		return last, false
	}
	return r.gone + at + 1, true
}

// Since returns the events from a position on, the position behind them, and
// what is closed with the next one. Whole is false where some of them are not
// kept any more.
func (r *ring) Since(position int) (es []event.Event, next int, whole bool, more <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	from := max(position-r.gone, 0)
	return slices.Clone(r.events[min(from, len(r.events)):]), r.gone + len(r.events), position >= r.gone, r.more
}
