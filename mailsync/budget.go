package mailsync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rapport/records/message"
)

// spend counts the bytes received against the day's budget.
func (s *Syncer) spend(ctx context.Context, sess *session) error {
	s.mu.Lock()
	total := sess.w.received.Load()
	n := total - sess.counted
	sess.counted = total
	day := s.o.Now().Format(time.DateOnly)
	if s.day != day {
		s.day, s.spent = day, 0
	}
	s.spent += n
	spent := s.spent
	s.mu.Unlock()
	if s.o.Mailbox.DailyBytes <= 0 {
		return nil
	}
	if s.o.Budget != nil {
		err := s.o.Budget.Spend(ctx, s.o.Mailbox.Name, day, n)
		if err == nil {
			spent, err = s.o.Budget.Spent(ctx, s.o.Mailbox.Name, day)
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			return ofSink(err, "count bytes of %s", day)
		}
	}
	if spent < s.o.Mailbox.DailyBytes {
		return nil
	}
	now := s.o.Now()
	tomorrow := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 30, 0, now.Location())
	return &Fault{Kind: Spent, Text: fmt.Sprintf("the day's budget of %d MB is used up; it goes on tomorrow", s.o.Mailbox.DailyBytes>>20), Wait: tomorrow.Sub(now)}
}

// untilTomorrow waits on the connection as it stands where the day's budget is
// used up, since that is nothing to part for, and says so in the status. Any
// other fault comes back.
func (s *Syncer) untilTomorrow(ctx context.Context, sess *session, err error) error {
	var f *Fault
	if !errors.As(err, &f) || f.Kind != Spent {
		return err
	}
	tomorrow := s.o.Now().Add(f.Wait)
	s.mu.Lock()
	s.patient = true
	s.mu.Unlock()
	for {
		left := tomorrow.Sub(s.o.Now())
		if left <= 0 {
			return nil
		}
		s.become(message.StateWaiting, err, tomorrow)
		s.broadcast()
		if _, err := sess.idle(ctx, min(left, s.o.Mailbox.Idle), nil); err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
	}
}
