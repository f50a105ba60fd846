package mailsync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"rapport/internal/rescue"
	"rapport/records/message"
)

// errReplan says that the folders to watch are others than before.
var errReplan = errors.New("the folders changed")

// loop is one connection's work: the watch over a folder, or the rounds over
// all the others.
type loop struct {
	wake  chan struct{} // one token: look again now
	done  int           // the last ticket whose pass is complete; guarded by Syncer.mu
	busy  bool          // guarded by Syncer.mu
	rests int           // how often it had nothing left to do; guarded by Syncer.mu
}

// Run syncs and then watches until the context ends. Faults are waited out
// here, since how long is the server's to say; after three refused sign-ins it
// stops trying until Nudge. Otherwise it returns for a panic of our own only,
// as a *rescue.Panic in the error's chain: its caller restarts it.
func (s *Syncer) Run(ctx context.Context) error {
	select {
	case s.one <- struct{}{}:
		defer func() { <-s.one }()
	case <-ctx.Done():
		return ctx.Err()
	}
	defer s.dropBegun()
	s.setRunning(true)
	defer s.setRunning(false)
	defer s.become(message.StateIdle, nil, time.Time{})
	failures, refused := 0, 0
	for {
		s.become(message.StateStarting, nil, time.Time{})
		before, opened, began := s.count(), s.opens(), s.o.Now()
		err := rescue.Do(func() error { return s.generation(ctx) })
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, errReplan) || errors.Is(err, errYield) {
			continue
		}
		if rescue.Of(err) != nil {
			return err
		}
		if s.count() > before || s.o.Now().Sub(began) > 10*time.Minute {
			failures = 0
		}
		if s.opens() > opened {
			refused = 0
		}
		failures++
		var denied *AuthError
		if errors.As(err, &denied) {
			if refused++; denied.Final {
				refused = triesRefused
			}
		}
		if err := s.rest(ctx, err, failures, refused); err != nil {
			return err
		}
		if refused >= triesRefused {
			refused = triesRefused - 1 // each nudge is worth one more try
		}
	}
}

// triesRefused is how many refused sign-ins in a row stop a mailbox.
const triesRefused = 3

// rest waits as long as the fault asks for.
func (s *Syncer) rest(ctx context.Context, err error, failures, refused int) error {
	f := (*Fault)(nil)
	patient := errors.As(err, &f) && f.Wait > 0
	s.mu.Lock()
	s.faults++
	s.patient = patient
	s.mu.Unlock()
	if refused >= triesRefused {
		s.o.Log.Error("sign-in refused; waiting for a hand", "mailbox", s.o.Mailbox.Name, "err", err)
		s.become(message.StateStopped, err, time.Time{})
		s.broadcast()
		s.calm()
		if err := sleep(ctx, nudgeGap, nil); err != nil { // a nudge that comes meanwhile is kept
			return err
		}
		select {
		case <-s.nudge:
		case <-ctx.Done():
		}
		return ctx.Err()
	}
	wait := backoff(failures, err)
	switch kindOf(err) {
	case TooMany:
		if s.o.Gate != nil { // which has heard of it
			break
		}
		s.mu.Lock()
		s.width = max(1, s.width-1)
		s.mu.Unlock()
	case Insecure:
		wait = max(wait, maxBackoff/2)
	case Expired:
		if failures == 1 {
			return ctx.Err() // the next sign-in fetches a fresh token
		}
	}
	if s.passing(err) && s.narrowing() {
		wait = min(wait, time.Second)
	}
	// Failed tells of the fault once; each further try is of interest to few.
	s.o.Log.Debug("mailbox waits", "mailbox", s.o.Mailbox.Name, "wait", wait, "err", err)
	s.become(message.StateWaiting, err, s.o.Now().Add(wait))
	s.broadcast()
	var wake <-chan struct{}
	if !patient { // a wait the server asked for is kept
		wake = s.nudge
	}
	return sleep(ctx, wait, wake)
}

// nudgeGap is how long after a refused sign-in a nudge may bring the next one:
// nudges come for other reasons too, and must not lock the account.
const nudgeGap = 30 * time.Second

// calm forgets a nudge that was meant for work already done.
func (s *Syncer) calm() {
	select {
	case <-s.nudge:
	default: // there was none
	}
}

func (s *Syncer) opens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

// generation plans the connections and runs them until the first of them
// cannot go on by itself.
func (s *Syncer) generation(ctx context.Context) (fault error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	seat, err := s.takeSeat(ctx)
	if err != nil {
		return err
	}
	defer seat.leave()
	defer func() {
		var f *Fault
		switch errors.As(fault, &f); {
		case f == nil:
		case f.Kind == TooMany:
			seat.refused()
		case f.Kind == Throttled && f.Wait > 0:
			seat.pause(f.Wait)
		}
	}()
	sess, err := s.open(ctx)
	if err != nil {
		return err
	}
	s.calm()
	folders, err := s.discover(ctx, sess)
	if err != nil {
		sess.close()
		return err
	}
	s.mu.Lock()
	width := s.width
	s.mu.Unlock()
	width = 1 + seat.extras(width-1)
	watched := watchable(folders)
	watched = watched[:min(len(watched), width)]
	main := s.enter()
	own := ""
	if len(watched) == width { // one of them is watched by the rounds' own connection
		own = watched[width-1].name
		watched = watched[:width-1]
	}
	for _, f := range watched {
		l := s.enter()
		group.Go(func() error {
			defer s.leave(l)
			return rescue.Do(func() error {
				return s.persist(ctx, nil, l, func(ctx context.Context, sess *session) error { return s.watchFor(ctx, sess, f, l) })
			})
		})
	}
	group.Go(func() error { return rescue.Do(func() error { return s.stayAwake(ctx) }) })
	group.Go(func() error {
		defer s.leave(main)
		return rescue.Do(func() error {
			return s.persist(ctx, sess, main, func(ctx context.Context, sess *session) error { return s.rounds(ctx, sess, watched, own, main) })
		})
	})
	return group.Wait()
}

// watchable returns the folders whose mail people wait for, first the most
// important.
func watchable(folders []folder) []folder {
	var out []folder
	for _, r := range []int{0, 1} {
		for _, f := range folders {
			if rank(f.role) == r {
				out = append(out, f)
				break
			}
		}
	}
	return out
}

func (s *Syncer) enter() *loop {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &loop{wake: make(chan struct{}, 1), busy: true}
	s.loops = append(s.loops, l)
	return l
}

func (s *Syncer) leave(l *loop) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loops = slices.DeleteFunc(s.loops, func(o *loop) bool { return o == l })
}

// persist opens a connection, works on it, and opens another when it breaks,
// a few times in a row; what that does not mend ends the generation.
func (s *Syncer) persist(ctx context.Context, sess *session, l *loop, work func(context.Context, *session) error) error {
	for failures := 0; ; {
		before, rests, began := s.count(), s.restsOf(l), s.o.Now()
		var err error
		if sess == nil {
			sess, err = s.open(ctx)
		}
		if err == nil {
			err = rescue.Do(func() error { return work(ctx, sess) })
			sess.close()
		}
		sess = nil
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch kindOf(err) {
		case Lost, Silent, Malformed, Expired:
		default:
			return err
		}
		if s.count() > before || s.restsOf(l) > rests && s.o.Now().Sub(began) >= time.Minute {
			failures = 0
		}
		wait := time.Second
		if !s.narrowing() {
			if failures++; failures > 2 {
				return err
			}
			wait = backoff(failures, err)
		}
		if kindOf(err) == Expired {
			wait = 0
		}
		s.o.Log.Info("connection opened again", "mailbox", s.o.Mailbox.Name, "err", err)
		if err := sleep(ctx, wait, nil); err != nil {
			return err
		}
	}
}

func (s *Syncer) restsOf(l *loop) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return l.rests
}

// rounds looks after every folder nobody watches, does the searches, and
// watches one folder in between where there is a connection to spare.
func (s *Syncer) rounds(ctx context.Context, sess *session, watched []folder, own string, l *loop) error {
	for {
		if s.yields() {
			return errYield
		}
		ticket := s.starts(l)
		folders, err := s.discover(ctx, sess)
		if err != nil {
			return err
		}
		mine, last, err := share(folders, watched, own)
		if err != nil {
			return err
		}
		if err := s.round(ctx, sess, folders, mine); err != nil {
			if err := s.untilTomorrow(ctx, sess, err); err != nil {
				return err
			}
			continue
		}
		if err := s.watch(ctx, sess, last, l, ticket); err != nil {
			return err
		}
	}
}

func (s *Syncer) round(ctx context.Context, sess *session, folders, mine []folder) error {
	pending, err := s.o.Sink.Pending(ctx, s.o.Mailbox.Name)
	if err != nil {
		return ofSink(err, "list the searches of %s", s.o.Mailbox.Name)
	}
	if len(pending) > 0 {
		if err := s.searches(ctx, sess, folders); err != nil {
			return err
		}
		s.wakeWatchers()
	}
	if err := s.statuses(sess, mine); err != nil {
		return err
	}
	for range passesInRow {
		if settled, err := s.passAll(ctx, sess, mine); err != nil || settled {
			return err
		}
	}
	return nil
}

// passesInRow is how often a folder is read again at once because something
// came while it was read, or the sink left something unsettled.
const passesInRow = 4

// statuses asks for the numbers of the folders where LIST did not bring them
// along, so that unchanged ones need not be opened.
func (s *Syncer) statuses(sess *session, folders []folder) error {
	for i := range folders {
		f := &folders[i]
		if f.seen {
			continue
		}
		sel, ok, err := sess.status(f.raw)
		if err != nil && kindOf(err) != Refused {
			return err
		}
		f.now, f.seen = sel, ok && err == nil
	}
	return nil
}

// watchFor watches one folder for ever.
func (s *Syncer) watchFor(ctx context.Context, sess *session, f folder, l *loop) error {
	for {
		if s.yields() {
			return errYield
		}
		if err := s.watch(ctx, sess, &f, l, s.starts(l)); err != nil {
			return err
		}
	}
}

// watch reads a folder and waits for news of it: at most for the poll
// interval, after which everything is looked at afresh whatever IDLE said.
// New mail is fetched at once on this same connection. Without a folder it
// just waits. It returns early when somebody wants another look.
func (s *Syncer) watch(ctx context.Context, sess *session, f *folder, l *loop, ticket int) error {
	if f == nil {
		s.rests(l, ticket)
		until := s.o.Mailbox.Poll
		for until > 0 {
			d := min(until, s.o.Mailbox.Idle)
			start := time.Now()
			why := sess.await(ctx, d, l.wake)
			for why == changes && ctx.Err() == nil { // of a folder that others look after; some servers tell with every NOOP
				why = sess.await(ctx, d-time.Since(start), l.wake)
			}
			if ctx.Err() != nil || why == called {
				return ctx.Err()
			}
			if err := sess.noop(); err != nil { // keeps the connection
				return err
			}
			until -= max(time.Since(start), time.Second)
		}
		return nil
	}
	out, err := s.watched(ctx, sess, *f, nil)
	if err != nil {
		return s.untilTomorrow(ctx, sess, err)
	}
	again := 0
	for end := time.Now().Add(s.o.Mailbox.Poll); time.Now().Before(end); {
		if out != nil && !out.settled && again < passesInRow {
			again++
			if out, err = s.watched(ctx, sess, *f, out); err != nil {
				return s.untilTomorrow(ctx, sess, err)
			}
			continue
		}
		s.rests(l, ticket)
		select {
		case <-sess.w.changed:
		default: // only the count matters
		}
		why := changes
		if out != nil && sess.w.selected().changes == out.sel.changes {
			why, err = sess.idle(ctx, min(s.o.Mailbox.Idle, time.Until(end)), l.wake)
		} else if out == nil { // it could not be read; later perhaps
			why = sess.await(ctx, time.Until(end), l.wake)
		}
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case why == called || out == nil:
			return nil
		case sess.w.selected().changes != out.sel.changes:
			s.starts(l)
			again = 0
			if out, err = s.watched(ctx, sess, *f, out); err != nil {
				return s.untilTomorrow(ctx, sess, err)
			}
		}
	}
	return nil
}

// watched runs a pass over the watched folder. A fault of the folder is
// reported and gives no outcome.
func (s *Syncer) watched(ctx context.Context, sess *session, f folder, last *outcome) (*outcome, error) {
	out, err := s.pass(ctx, sess, f, last)
	for try := 0; errors.Is(err, errRenumbered) && try < 3; try++ {
		out, err = s.pass(ctx, sess, f, nil)
	}
	if err != nil && !sess.dead() && (kindOf(err) == Refused || errors.Is(err, errRenumbered)) {
		s.fail(ctx, f, err)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("folder %s: %w", f.name, err)
	}
	return out, nil
}

// starts notes that a loop begins to work, and returns the ticket its pass
// will answer.
func (s *Syncer) starts(l *loop) int {
	s.mu.Lock()
	l.busy = true
	ticket := s.want
	s.mu.Unlock()
	s.become(message.StateSyncing, nil, time.Time{})
	return ticket
}

// rests notes that a loop has nothing left to do.
func (s *Syncer) rests(l *loop, ticket int) {
	s.mu.Lock()
	l.busy = false
	l.rests++
	l.done = max(l.done, ticket)
	idle := !slices.ContainsFunc(s.loops, func(o *loop) bool { return o.busy })
	if idle {
		s.state.LastPass = s.o.Now()
		s.work = message.Backfill{}
	}
	s.mu.Unlock()
	if idle {
		s.become(message.StateWatching, nil, time.Time{})
	}
	s.broadcast()
}
