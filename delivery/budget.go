package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"rapport/store"
)

// A sender's day is counted in slots, so that what is kept of it stays small: a
// mail counts until its whole slot is a day old.
const (
	slotLength = 5 * time.Minute
	day        = 24 * time.Hour
)

// spent is what went through a sender: its mails by slot, oldest first, and when
// the last one was.
type spent struct {
	Slots []slot    `json:"slots"`
	Last  time.Time `json:"last"`
}

type slot struct {
	Begin int64 `json:"t"` // Unix seconds
	Mails int   `json:"n"`
}

// overLimit says that a sender's day is used up.
type overLimit struct {
	limit int
	until time.Time
}

func (o *overLimit) Error() string {
	return fmt.Sprintf("the limit of %d mails a day is reached; it goes on at %s", o.limit, o.until.UTC().Format(time.RFC3339))
}

// spent reads what went through the line.
func (l *line) spent(tx store.Tx) (s spent, err error) {
	raw, err := tx.State().Get("sent." + l.Name)
	if err != nil || len(raw) == 0 {
		return s, err
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, fmt.Errorf("read what sender %s has sent: %w", l.Name, err)
	}
	// What lies ahead was written by a clock that was: it counts as of now.
	now := l.c.o.Now()
	if s.Last.After(now) {
		s.Last = now
	}
	for n := range s.Slots {
		s.Slots[n].Begin = min(s.Slots[n].Begin, now.Truncate(slotLength).Unix())
	}
	return s, nil
}

// spend counts one mail of the line inside the transaction of its intent, or
// says that there is none left for the day.
func (l *line) spend(tx store.Tx, now time.Time) error {
	if l.Limits.PerDay <= 0 && l.Limits.PerMinute <= 0 {
		return nil
	}
	s, err := l.spent(tx)
	if err != nil {
		return err
	}
	s.Last = now
	if limit := l.Limits.PerDay; limit > 0 {
		s.Slots = slices.DeleteFunc(s.Slots, func(o slot) bool { return !now.Before(o.end()) })
		total := 0
		for _, o := range s.Slots {
			total += o.Mails
		}
		if total >= limit {
			return &overLimit{limit, s.Slots[0].end()}
		}
		begin := now.Truncate(slotLength).Unix()
		if n := len(s.Slots); n == 0 || s.Slots[n-1].Begin < begin {
			s.Slots = append(s.Slots, slot{Begin: begin})
		}
		s.Slots[len(s.Slots)-1].Mails++
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return tx.State().Put("sent."+l.Name, raw)
}

// end is when a slot's mails count no more.
func (s slot) end() time.Time { return time.Unix(s.Begin, 0).Add(slotLength + day) }

// interval is the least time between two mails of the line.
func (l *line) interval() time.Duration {
	if l.Limits.PerMinute <= 0 {
		return 0
	}
	return time.Minute / time.Duration(l.Limits.PerMinute)
}

// resume goes on where the process before ended.
func (l *line) resume(ctx context.Context) error {
	return l.c.o.Store.View(ctx, func(tx store.Tx) error {
		s, err := l.spent(tx)
		if !s.Last.IsZero() {
			l.slot = s.Last.Add(l.interval())
		}
		return err
	})
}
