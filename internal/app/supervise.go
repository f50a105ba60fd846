package app

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"rapport/internal/rescue"
)

// How engines are restarted: the wait doubles from the first to the last,
// and a run of at least healthyRun starts it over.
const (
	firstWait  = time.Second
	lastWait   = 5 * time.Minute
	healthyRun = 5 * time.Minute
)

// phase is what a supervisor is doing.
type phase int

const (
	running phase = iota
	waiting       // until the next try
)

// errAnew ends a run that is to begin again at once: something was changed
// that may have cured its trouble.
var errAnew = errors.New("begin anew")

// supervisor keeps one engine running: it starts it again after every
// trouble, with growing waits, and catches its panics, so that one engine's
// trouble is nobody else's.
type supervisor struct {
	name  string
	run   func(context.Context) error
	log   *slog.Logger
	count func(panicked bool) // hears of every restart; may be nil
	ended func(error)         // hears of every run's trouble; may be nil

	wake chan struct{} // one place: ends a wait early

	mu      sync.Mutex // guards what follows
	phase   phase
	err     error // of the last run
	since   time.Time
	nextTry time.Time
	abandon context.CancelCauseFunc // ends the current run
}

func newSupervisor(name string, log *slog.Logger, run func(context.Context) error) *supervisor {
	return &supervisor{name: name, run: run, log: log, wake: make(chan struct{}, 1), since: time.Now()}
}

// standing is a supervisor's state at one moment.
type standing struct {
	phase   phase
	err     error
	since   time.Time
	nextTry time.Time
}

func (s *supervisor) standing() standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return standing{s.phase, s.err, s.since, s.nextTry}
}

// hurry ends a wait: something changed, so the next try may succeed.
func (s *supervisor) hurry() {
	select {
	case s.wake <- struct{}{}:
	default: // a wake-up is waiting already, and one is enough
	}
}

// restart ends the current run, so that the next one starts from scratch.
func (s *supervisor) restart(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.abandon != nil {
		s.abandon(why)
	}
}

// supervise blocks until ctx ends and the engine has returned.
func (s *supervisor) supervise(ctx context.Context) {
	wait := firstWait
	for ctx.Err() == nil {
		started := time.Now()
		err := s.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errAnew) {
			wait = firstWait
			continue
		}
		if time.Since(started) >= healthyRun {
			wait = firstWait
		}
		p := rescue.Of(err)
		if p != nil {
			s.log.Error("engine panicked", "engine", s.name, "err", err, "stack", string(p.Stack))
		}
		if s.count != nil {
			s.count(p != nil)
		}
		if s.ended != nil {
			s.ended(err)
		}
		pause := jitter(wait)
		s.enter(waiting, err, time.Now().Add(pause))
		timer := time.NewTimer(pause)
		if s.pause(ctx, timer.C) {
			wait = firstWait
		} else {
			wait = min(2*wait, lastWait)
		}
		timer.Stop()
	}
}

// keep runs one of the daemon's own parts until ctx ends or it returns. A panic
// in it is a fault, and it begins again after a pause.
func keep(ctx context.Context, f *faults, name string, run func(context.Context)) {
	for ctx.Err() == nil {
		err := rescue.Do(func() error { run(ctx); return nil })
		if err == nil || ctx.Err() != nil {
			return
		}
		f.report(name, err)
		f.log.Error("panic", "in", name, "err", err, "stack", string(rescue.Of(err).Stack))
		timer := time.NewTimer(recoverAgain)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// once runs the engine one time and returns its trouble, panics included.
func (s *supervisor) once(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.mu.Lock()
	s.phase, s.since, s.nextTry, s.abandon = running, time.Now(), time.Time{}, cancel
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.abandon = nil
		s.mu.Unlock()
		if why := context.Cause(ctx); why != nil && errors.Is(err, context.Canceled) {
			err = why
		}
	}()
	return rescue.Do(func() error { return s.run(ctx) })
}

// enter records a wait.
func (s *supervisor) enter(p phase, err error, nextTry time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phase, s.err, s.since, s.nextTry = p, err, time.Now(), nextTry
}

// pause waits for a wake-up, which it reports, or for the timer or the end.
func (s *supervisor) pause(ctx context.Context, timer <-chan time.Time) (woken bool) {
	select {
	case <-ctx.Done():
	case <-timer:
	case <-s.wake:
		return true
	}
	return false
}

// jitter shortens a wait by up to a quarter, so that mailboxes that lost the
// same server do not come back at the same moment.
func jitter(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d)/4+1))
}
