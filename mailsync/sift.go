package mailsync

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"

	"rapport/internal/rescue"
	"rapport/records/message"
)

// maxPoison is how many messages in a row are set aside for a panic. More than
// that are not to blame: the fault is elsewhere, and the mailbox waits until
// one goes well.
const maxPoison = 3

// sifter is a sink that a single message cannot bring down: what panics over a
// batch is found by halving it and quarantined, and the rest is taken.
type sifter struct {
	Sink
	mailbox string
	log     *slog.Logger
	heard   func(error) // of every message set aside; may be nil

	mu  sync.Mutex // guards row
	row int        // messages set aside since anything went well
}

// Wanted implements Sink. A header that cannot be judged is inspected: Take
// then says what becomes of the message.
func (s *sifter) Wanted(ctx context.Context, f message.Folder, copies []message.Copy) ([]message.Wish, error) {
	var wishes []message.Wish
	err := sift(copies, func(some []message.Copy) error {
		got, err := s.Sink.Wanted(ctx, f, some)
		wishes = append(wishes, got...)
		return err
	}, func(c message.Copy, p *rescue.Panic) error {
		s.log.Warn("header could not be judged", "mailbox", s.mailbox, "folder", f.Name, "uid", c.UID, "err", p)
		wishes = append(wishes, message.Wish{UID: c.UID, Decision: message.Decision{Action: message.Inspect}})
		return nil
	})
	return wishes, err
}

// Take implements Sink.
func (s *sifter) Take(ctx context.Context, b message.Batch) error {
	if len(b.Items) == 0 {
		return rescue.Do(func() error { return s.Sink.Take(ctx, b) })
	}
	return sift(b.Items, func(some []message.Item) error {
		part := b
		part.Items = some
		err := s.Sink.Take(ctx, part)
		if err == nil {
			s.count(false)
		}
		return err
	}, func(it message.Item, p *rescue.Panic) error {
		if !s.count(true) {
			return fmt.Errorf("take UID %d: %w", it.UID, p)
		}
		s.log.Error("message quarantined for a panic", "mailbox", s.mailbox, "folder", b.Folder.Name, "uid", it.UID, "err", p, "stack", string(p.Stack))
		if s.heard != nil {
			s.heard(p)
		}
		alone := message.Item{Copy: message.Copy{UID: it.UID}, Wish: message.Wish{UID: it.UID}, Quarantine: "Rapport has a bug that this message brings out: " + p.Error()}
		return rescue.Do(func() error { return s.Sink.Take(ctx, message.Batch{Folder: b.Folder, Items: []message.Item{alone}}) })
	})
}

// count notes a message taken or to be set aside, and tells whether it may be.
func (s *sifter) count(poison bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !poison {
		s.row = 0
		return true
	}
	if s.row >= maxPoison {
		return false
	}
	s.row++
	return true
}

// sift does work on items in order. Where that panics they are halved until
// the culprit stands alone, which aside then gets. One that aside refuses keeps
// none of the others waiting.
func sift[T any](items []T, work func([]T) error, aside func(T, *rescue.Panic) error) error {
	err := rescue.Do(func() error { return work(items) })
	p := rescue.Of(err)
	switch {
	case p == nil:
		return err
	case len(items) == 1:
		return aside(items[0], p)
	}
	half := len(items) / 2
	err = sift(items[:half], work, aside)
	if err != nil && rescue.Of(err) == nil {
		return err
	}
	rest := sift(items[half:], work, aside)
	return cmp.Or(err, rest)
}
