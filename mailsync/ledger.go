package mailsync

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"rapport/records/phrase"
)

// Limits are what a provider lets one account have in any 24 hours. Zero is
// no limit.
type Limits struct {
	Bytes    int64 // downloaded
	Messages int64 // whose bodies were
}

// Budget remembers across restarts what a [Ledger] holds.
type Budget interface {
	// Load returns what was saved last, nil where nothing was.
	Load(ctx context.Context) ([]byte, error)
	Save(ctx context.Context, book []byte) error
}

// Ledger counts what an account gave and tells what it may still give, over a
// window that moves with the clock: whether a provider counts days of its own
// or any 24 hours, what it allows is not exceeded. All mailboxes that read the
// account share one; its methods may be called concurrently.
//
// A part of the limit is kept for mail that arrives: what lies in the mailbox
// already can wait until tomorrow.
type Ledger struct {
	limits Limits
	now    func() time.Time
	keep   Budget // nil: in memory only

	mu       sync.Mutex // guards what follows
	loaded   bool
	slots    map[int64]usage // by begin, in units of ledgerSlot
	promised usage           // asked for and not counted yet
	kept     usage           // the sum when it was last saved
	keptAt   time.Time
}

// usage is an amount of both.
type usage struct {
	Bytes    int64 `json:"b"`
	Messages int64 `json:"m,omitempty"`
}

func (u usage) plus(o usage) usage { return usage{u.Bytes + o.Bytes, u.Messages + o.Messages} }

const (
	ledgerSlot   = 10 * time.Minute
	ledgerWindow = 24 * time.Hour
	// How much a crash may make forgotten: keeping it costs a commit.
	ledgerBytes = 32 << 20
	ledgerEvery = time.Minute
)

// NewLedger returns the ledger of an account. keep may be nil.
func NewLedger(limits Limits, now func() time.Time, keep Budget) *Ledger {
	return &Ledger{limits: limits, now: now, keep: keep, slots: map[int64]usage{}}
}

// portion returns the part of a limit that this purpose may use: all but a margin
// for what comes unasked, and for old mail also not what new mail may need.
func portion(limit int64, urgent bool) int64 {
	limit -= min(limit/50, 32<<20)
	if !urgent {
		limit -= limit / 10
	}
	return limit
}

// admit promises an amount, or returns a Spent fault that says when there is
// room for it again. What is more than the whole limit is admitted when
// nothing else was used.
func (l *Ledger) admit(ctx context.Context, n usage, urgent bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limits == (Limits{}) {
		return nil
	}
	if err := l.load(ctx); err != nil {
		return err
	}
	used := l.used().plus(l.promised)
	if l.idle(used) || l.fits(used.plus(n), urgent) {
		l.promised = l.promised.plus(n)
		return nil
	}
	wait := time.Minute
	if !l.fits(l.used().plus(n), urgent) { // else what was promised may come to less
		wait = l.free(n, urgent).Sub(l.now())
	}
	text := phrase.New("the provider's {n} MB a day are used up; it goes on as soon as there are more, new mail first", "n", int(l.limits.Bytes/1e6))
	if l.limits.Messages > 0 && used.Messages+n.Messages > portion(l.limits.Messages, urgent) {
		text = phrase.New("the provider's {n} messages a day are used up; it goes on as soon as there are more, new mail first", "n", int(l.limits.Messages))
	}
	return &Fault{Kind: Spent, Text: text, Wait: max(wait, time.Minute)}
}

// idle tells whether next to nothing was used.
func (l *Ledger) idle(used usage) bool {
	return used.Bytes <= l.limits.Bytes/50 && used.Messages <= l.limits.Messages/50
}

// fits tells whether so much may be used in all.
func (l *Ledger) fits(sum usage, urgent bool) bool {
	return (l.limits.Bytes <= 0 || sum.Bytes <= portion(l.limits.Bytes, urgent)) &&
		(l.limits.Messages <= 0 || sum.Messages <= portion(l.limits.Messages, urgent))
}

// took counts what came and ends the promise it was part of.
func (l *Ledger) took(ctx context.Context, promised, came usage) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limits == (Limits{}) {
		return nil
	}
	l.promised = usage{max(0, l.promised.Bytes-promised.Bytes), max(0, l.promised.Messages-promised.Messages)}
	if err := l.load(ctx); err != nil {
		return err
	}
	slot := l.now().UnixNano() / int64(ledgerSlot)
	l.slots[slot] = l.slots[slot].plus(came)
	return l.save(ctx)
}

// used sums the window, and forgets what lies outside it. A clock that was set
// back brings no second budget; what lies more than a day ahead was counted by
// one that was wrong.
func (l *Ledger) used() usage {
	var sum usage
	now := l.now()
	from := now.Add(-ledgerWindow).UnixNano() / int64(ledgerSlot)
	to := now.Add(ledgerWindow).UnixNano() / int64(ledgerSlot)
	for slot, u := range l.slots {
		if slot < from || slot > to {
			delete(l.slots, slot)
			continue
		}
		sum = sum.plus(u)
	}
	return sum
}

// free returns when there is room for an amount: not for a few bytes at a
// time, but for a fiftieth of the limit at least.
func (l *Ledger) free(n usage, urgent bool) time.Time {
	n.Bytes, n.Messages = max(n.Bytes, l.limits.Bytes/50), max(n.Messages, l.limits.Messages/50)
	left := l.used()
	at := l.now()
	for slot := at.Add(-ledgerWindow).UnixNano() / int64(ledgerSlot); ; slot++ {
		if l.idle(left) || l.fits(left.plus(n), urgent) {
			return at
		}
		if end := time.Unix(0, (slot+1)*int64(ledgerSlot)).Add(ledgerWindow); end.After(l.now().Add(2*ledgerWindow + ledgerSlot)) {
			return end
		} else if u, ok := l.slots[slot]; ok {
			left, at = usage{left.Bytes - u.Bytes, left.Messages - u.Messages}, end
		}
	}
}

func (l *Ledger) load(ctx context.Context) error {
	if l.loaded || l.keep == nil {
		return nil
	}
	book, err := l.keep.Load(ctx)
	if err != nil {
		return &sinkError{fmt.Errorf("read what an account gave today: %w", err)}
	}
	l.loaded = true
	slots := map[int64]usage{}
	if len(book) > 0 && json.Unmarshal(book, &slots) == nil { // one of another version begins anew
		for slot, u := range slots {
			l.slots[slot] = l.slots[slot].plus(u)
		}
	}
	l.kept, l.keptAt = l.used(), l.now()
	return nil
}

func (l *Ledger) save(ctx context.Context) error {
	sum := l.used()
	since := l.now().Sub(l.keptAt)
	if l.keep == nil || sum == l.kept || sum.Bytes-l.kept.Bytes < ledgerBytes && since >= 0 && since < ledgerEvery {
		return nil
	}
	book, err := json.Marshal(l.slots)
	if err == nil {
		err = l.keep.Save(ctx, book)
	}
	if err != nil {
		return &sinkError{fmt.Errorf("keep what an account gave today: %w", err)}
	}
	l.kept, l.keptAt = sum, l.now()
	return nil
}

// Close saves what was counted since.
func (l *Ledger) Close(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limits == (Limits{}) || !l.loaded {
		return nil
	}
	l.keptAt = time.Time{}
	return l.save(ctx)
}
