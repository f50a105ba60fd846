package mailsync

import (
	"context"
	"errors"

	"rapport/records/message"
)

// headEstimate is what a header is taken to weigh before it came.
const headEstimate = 6 << 10

// admit asks whether so much may be asked for, of messages up to the UID top.
func (p *pass) admit(bytes int64, bodies int, top uint32) (usage, error) {
	n := usage{bytes, int64(bodies)}
	if err := p.s.ledger.admit(p.ctx, n, p.isFresh(top)); err != nil {
		return usage{}, err
	}
	return n, nil
}

// isFresh tells whether a message came since the folder was last read.
func (p *pass) isFresh(uid uint32) bool { return p.prog.Scanned && p.known > 0 && uid > p.known }

// fresh returns the messages that came since the folder was last read.
func (p *pass) fresh(uids message.UIDSet) message.UIDSet {
	if !p.isFresh(uids.Max()) {
		return message.UIDSet{}
	}
	return uids.Minus(message.UIDRanges(message.UIDRange{Lo: 1, Hi: p.known}))
}

// spend counts the bytes received, and the request they were promised to.
func (s *Syncer) spend(ctx context.Context, sess *session, promised usage) error {
	s.mu.Lock()
	total := sess.w.received.Load()
	n := total - sess.counted
	sess.counted = total
	s.mu.Unlock()
	err := s.ledger.took(ctx, promised, usage{n, promised.Messages})
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// untilTomorrow waits on the connection as it stands where the day's budget is
// used up, since that is nothing to part for, and says so in the status. New
// mail ends the wait: a part of the budget is kept for it. Any other fault
// comes back.
func (s *Syncer) untilTomorrow(ctx context.Context, sess *session, err error) error {
	var f *Fault
	if !errors.As(err, &f) || f.Kind != Spent {
		return err
	}
	again := s.o.Now().Add(f.Wait)
	s.mu.Lock()
	s.patient = true
	s.mu.Unlock()
	select {
	case <-sess.w.changed:
	default: // only what comes from now on counts
	}
	for {
		left := again.Sub(s.o.Now())
		if left <= 0 {
			return nil
		}
		s.become(message.StateWaiting, err, again)
		s.broadcast()
		if s.yields() {
			return errYield
		}
		why, err := sess.idle(ctx, min(left, s.o.Mailbox.Idle, s.o.Gate.patience()), nil)
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if why == changes {
			return nil
		}
	}
}
