package mailsync

import (
	"context"
	"fmt"
	"slices"

	"rapport/records/message"
)

// wakeWatchers makes every loop look again.
func (s *Syncer) wakeWatchers() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, l := range s.loops {
		if i == 0 && len(s.loops) > 1 { // the rounds themselves, who called
			continue
		}
		select {
		case l.wake <- struct{}{}:
		default: // it is to wake already
		}
	}
}

// broadcast wakes whoever waits for a pass to complete.
func (s *Syncer) broadcast() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.bump)
	s.bump = make(chan struct{})
}

func (s *Syncer) setRunning(running bool) {
	s.mu.Lock()
	s.running = running
	s.mu.Unlock()
	s.broadcast()
}

// askRun has Run make a pass and waits for it. It returns false where Run is
// not at work.
func (s *Syncer) askRun(ctx context.Context) (bool, error) {
	for round := 0; round < 4; round++ {
		running, err := s.passed(ctx)
		if !running || err != nil {
			return running, err
		}
		pending, err := s.o.Sink.Pending(ctx, s.o.Mailbox.Name)
		if err != nil {
			return true, ofSink(err, "list the searches of %s", s.o.Mailbox.Name)
		}
		if len(pending) == 0 && s.unsynced() == nil {
			return true, nil
		}
	}
	return true, s.unsynced()
}

// passed waits until every loop has completed a pass that began after now.
func (s *Syncer) passed(ctx context.Context) (running bool, err error) {
	s.mu.Lock()
	s.want++
	ticket, faults := s.want, s.faults
	s.mu.Unlock()
	s.Nudge()
	for {
		s.mu.Lock()
		running, bump, state := s.running, s.bump, s.state
		done := len(s.loops) > 0 && !slices.ContainsFunc(s.loops, func(l *loop) bool { return l.done < ticket })
		waits := state.State == message.StateStopped || state.State == message.StateWaiting
		waits = waits && (s.faults > faults || s.patient || state.State == message.StateStopped)
		s.mu.Unlock()
		switch {
		case !running:
			return false, nil
		case done:
			return true, nil
		case waits:
			return true, fmt.Errorf("mailbox %s: %s", s.o.Mailbox.Name, state.Error)
		}
		select {
		case <-bump:
		case <-ctx.Done():
			return true, ctx.Err()
		}
	}
}
