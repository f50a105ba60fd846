package intake

import (
	"context"
	"fmt"
	"io"
	"slices"

	"rapport/matcher"
	"rapport/records/message"
	"rapport/store"
)

// adjust makes a stored message agree with its verdict.
func (t *taking) adjust(m message.Message, v matcher.Verdict) (changes, error) {
	ch := changes{messages: 1}
	if v.Action != message.Log {
		reason := v.Reason
		if reason == "" {
			reason = message.NoMatch
		}
		ch.lost, ch.removed = len(m.Matches), 1
		return ch, t.drop(m, reason)
	}
	was := m
	apply(&m, v)
	ch.gained, ch.lost = countMatches(was.Matches, m.Matches)
	if ch.gained > 0 && ch.lost > 0 {
		ch.moved = 1
	}
	if ch.lost > 0 {
		ch.shrunk = 1
	}
	if was.Hidden != m.Hidden {
		ch.hidden = 1
	}
	if len(was.Matches) == 0 && ch.gained > 0 {
		ch.found = 1
	}
	if err := t.review(m.ID, v); err != nil {
		return ch, err
	}
	if sameMatches(was.Matches, m.Matches) && was.Hidden == m.Hidden &&
		was.Protected == m.Protected && was.Direction == m.Direction {
		return ch, t.show(m, nil)
	}
	if err := t.tx.Messages().Put(m, nil); err != nil {
		return ch, fmt.Errorf("file message %s: %w", m.ID, err)
	}
	if err := t.show(m, nil); err != nil {
		return ch, err
	}
	if ch.gained > 0 {
		return ch, t.reopenHinted(m.Head.ThreadIDs())
	}
	return ch, nil
}

// sameMatches compares matches as sets.
func sameMatches(a, b []message.Match) bool {
	gained, lost := countMatches(a, b)
	return gained == 0 && lost == 0
}

func countMatches(was, is []message.Match) (gained, lost int) {
	for _, m := range is {
		if !slices.Contains(was, m) {
			gained++
		}
	}
	for _, m := range was {
		if !slices.Contains(is, m) {
			lost++
		}
	}
	return gained, lost
}

// storedSource reads a stored message's original bytes.
type storedSource struct {
	ctx   context.Context // of the one call it serves
	store store.Store
	sum   message.Sum
	size  int64
}

// Open implements message.Source.
func (s storedSource) Open() (io.ReadCloser, error) {
	var r io.ReadCloser
	err := s.store.View(s.ctx, func(tx store.Tx) error {
		var err error
		r, err = tx.Blobs().Open(s.sum)
		return err
	})
	return r, err
}

// Size implements message.Source.
func (s storedSource) Size() int64 { return s.size }
