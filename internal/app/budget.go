package app

import (
	"context"
	"sync"
	"time"

	"rapport/store"
)

// stateBudget is where the store keeps what a mailbox gave on a day, by its name.
const stateBudget = "budget "

// How much of what was received a crash may make forgotten: keeping it costs a
// commit.
const (
	budgetBytes = 32 << 20
	budgetEvery = time.Minute
)

// budget implements mailsync.Budget on the store. Its methods may be called
// concurrently.
type budget struct {
	store store.Store

	mu    sync.Mutex // guards boxes
	boxes map[string]*spent
}

// spent is what one mailbox gave.
type spent struct {
	Day   string `json:"day"` // 2006-01-02
	Bytes int64  `json:"bytes"`

	kept   int64 // of Bytes
	keptAt time.Time
}

func newBudget(s store.Store) *budget { return &budget{store: s, boxes: map[string]*spent{}} }

// Spent implements mailsync.Budget.
func (b *budget) Spent(ctx context.Context, mailbox, day string) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, err := b.on(ctx, mailbox, day)
	if err != nil {
		return 0, err
	}
	return s.Bytes, nil
}

// Spend implements mailsync.Budget.
func (b *budget) Spend(ctx context.Context, mailbox, day string, n int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, err := b.on(ctx, mailbox, day)
	if err != nil {
		return err
	}
	if s.Bytes += n; s.Bytes-s.kept < budgetBytes && time.Since(s.keptAt) < budgetEvery || s.Bytes == s.kept {
		return nil
	}
	if err := keepBook(ctx, b.store, stateBudget+mailbox, s); err != nil {
		return err
	}
	s.kept, s.keptAt = s.Bytes, time.Now()
	return nil
}

// on returns what a mailbox gave on a day. A clock that is set back across
// midnight brings no second budget; one that was ahead for longer than that
// does not spend what is to come. The caller holds mu.
func (b *budget) on(ctx context.Context, mailbox, day string) (*spent, error) {
	s := b.boxes[mailbox]
	if s == nil {
		book, err := upkeepBook[spent](ctx, b.store, stateBudget+mailbox)
		if err != nil {
			return nil, err
		}
		book.kept, book.keptAt = book.Bytes, time.Now()
		s = &book
		b.boxes[mailbox] = s
	}
	if s.Day == day || s.Day == dayAfter(day) {
		return s, nil
	}
	*s = spent{Day: day, keptAt: s.keptAt}
	return s, nil
}

func dayAfter(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return ""
	}
	return t.AddDate(0, 0, 1).Format(time.DateOnly)
}
