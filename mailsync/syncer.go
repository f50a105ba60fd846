package mailsync

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"rapport/internal/rescue"
	"rapport/records/message"
	"rapport/records/phrase"
)

// Syncer looks after one mailbox. Its methods may be called concurrently;
// Run only once at a time.
type Syncer struct {
	o      Options
	dialed bool          // by Options.Dial, which resolves names itself
	limit  *rate.Limiter // of SEARCH commands
	ledger *Ledger
	nudge  chan struct{} // one token: look again now
	one    chan struct{} // held by whoever makes passes outside Run

	mu           sync.Mutex // guards what follows
	state        message.MailboxStatus
	folders      map[string]message.FolderStatus
	said         map[string]phrase.Phrase
	lists        map[string]time.Time // when each folder was last listed in full
	troubles     map[string]*trouble
	begun        *begun
	work         message.Backfill
	began        time.Time
	settledCount int
	seat         *seat // of Run, at the gate
	noLabels     bool  // Gmail's labels were promised and refused
	noThreads    bool  // so were ids of threads
	width        int   // connections the server bears, as far as known
	running      bool
	loops        []*loop       // of Run, the rounds first
	want         int           // the last ticket given to a Sync that waits for Run
	bump         chan struct{} // closed when a pass completes or a fault begins
	faults       int           // times Run had to wait
	patient      bool          // the wait is one that the server asked for
	opened       int           // connections that were signed in
}

// New returns a supervisor for one mailbox. It does nothing until it is run.
func New(o Options) (*Syncer, error) {
	if o.Sink == nil {
		return nil, errors.New("mailsync needs a sink")
	}
	dialed := o.Dial != nil
	o = o.withDefaults()
	if o.Mailbox.Name == "" || o.Mailbox.Host == "" {
		return nil, errors.New("mailbox without a name or a host")
	}
	if (o.Mailbox.Password == nil) == (o.Mailbox.Token == nil) {
		return nil, fmt.Errorf("mailbox %s needs either a password or a token", o.Mailbox.Name)
	}
	o.Sink = &sifter{Sink: o.Sink, mailbox: o.Mailbox.Name, log: o.Log, heard: o.Panicked}
	s := &Syncer{
		o: o, dialed: dialed, limit: rate.NewLimiter(rate.Every(100*time.Millisecond), 10),
		nudge: make(chan struct{}, 1), one: make(chan struct{}, 1),
		folders: map[string]message.FolderStatus{}, said: map[string]phrase.Phrase{}, lists: map[string]time.Time{},
		troubles: map[string]*trouble{}, bump: make(chan struct{}), width: o.Mailbox.Connections,
	}
	if s.ledger = o.Ledger; s.ledger == nil {
		s.ledger = NewLedger(Limits{}, o.Now, nil)
	}
	s.state = message.MailboxStatus{Name: o.Mailbox.Name, State: message.StateIdle, Since: o.Now()}
	return s, nil
}

// Nudge makes the supervisor look again now: a search was queued, UIDs were
// reopened, or a refused sign-in is worth another try.
func (s *Syncer) Nudge() {
	s.look()
	select {
	case s.nudge <- struct{}{}:
	default: // it is to look already
	}
}

// look wakes the loops that rest.
func (s *Syncer) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.loops {
		select {
		case l.wake <- struct{}{}:
		default: // it is to wake already
		}
	}
}

// open returns a signed-in connection.
func (s *Syncer) open(ctx context.Context) (*session, error) {
	sess, err := open(ctx, s.o, s.o.Transcript)
	if err == nil {
		s.mu.Lock()
		s.opened++
		s.mu.Unlock()
	}
	return sess, err
}

// discover lists the folders to read and tells the sink which there are.
func (s *Syncer) discover(ctx context.Context, sess *session) ([]folder, error) {
	lists, err := sess.list()
	if err != nil {
		return nil, err
	}
	if len(lists) == 0 {
		return nil, &Fault{Kind: Refused, Text: phrase.New("the server lists no folder at all")}
	}
	s.mu.Lock()
	labels := sess.caps.Has("X-GM-EXT-1") && !s.noLabels
	extra := ""
	if labels {
		extra = askLabels
	} else if sess.caps.Has("OBJECTID") && !s.noThreads {
		extra = askThread
	}
	s.mu.Unlock()
	read, all := policy{include: s.o.Mailbox.Include, exclude: s.o.Mailbox.Exclude, labels: labels, exchange: s.o.Mailbox.Provider == "outlook"}.choose(lists)
	if err := s.o.Sink.Listed(ctx, s.o.Mailbox.Name, all); err != nil {
		return nil, ofSink(err, "note the folders of %s", s.o.Mailbox.Name)
	}
	sess.w.mu.Lock()
	sess.w.extra = extra
	for i := range read {
		read[i].now, read[i].seen = sess.w.statuses[read[i].raw]
	}
	sess.w.mu.Unlock()
	s.forgetOthers(read)
	return read, nil
}

// forgetOthers drops the status of folders that are no longer read.
func (s *Syncer) forgetOthers(read []folder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keep := map[string]bool{}
	for _, f := range read {
		keep[f.name] = true
	}
	for name := range s.folders {
		if !keep[name] {
			delete(s.folders, name)
		}
	}
}

// passAll reads the folders one after the other. A fault of one folder is
// reported with that folder and does not keep the others waiting. It returns
// whether everything was settled.
func (s *Syncer) passAll(ctx context.Context, sess *session, folders []folder) (bool, error) {
	settled := true
	for _, f := range folders {
		done, err := s.passOne(ctx, sess, f)
		if err != nil {
			return false, err
		}
		settled = settled && done
	}
	return settled, nil
}

// passOne reads one folder, without opening it where its numbers say that
// nothing is new.
func (s *Syncer) passOne(ctx context.Context, sess *session, f folder) (bool, error) {
	if f.seen && f.now.uidNext != 0 && f.now.uidValidity != 0 {
		mf := message.Folder{Mailbox: s.o.Mailbox.Name, Name: f.name, UIDValidity: f.now.uidValidity, Role: f.role}
		prog, err := s.o.Sink.Resume(ctx, mf)
		if err != nil {
			return false, ofSink(err, "resume %s", f.name)
		}
		p := &pass{s: s, f: f, mf: mf, sel: f.now, prog: prog}
		p.sel.modSeq = prog.Mark.ModSeq // which only opening tells
		if p.unchanged(nil) != nil {
			return true, nil
		}
	}
	out, err := s.pass(ctx, sess, f, nil)
	for try := 0; errors.Is(err, errRenumbered) && try < 3; try++ {
		out, err = s.pass(ctx, sess, f, nil)
	}
	if err == nil {
		return out.settled, nil
	}
	if kindOf(err) == Refused && !sess.dead() || errors.Is(err, errRenumbered) {
		s.fail(ctx, f, err)
		return false, nil
	}
	return false, fmt.Errorf("folder %s: %w", f.name, err)
}

// fail reports a folder that could not be read.
func (s *Syncer) fail(ctx context.Context, f folder, cause error) {
	s.o.Log.Warn("folder not read", "mailbox", s.o.Mailbox.Name, "folder", f.name, "err", cause)
	mf := message.Folder{Mailbox: s.o.Mailbox.Name, Name: f.name, UIDValidity: f.now.uidValidity, Role: f.role}
	st, err := s.o.Sink.Report(ctx, message.Report{Folder: mf, At: s.o.Now(), Err: cause.Error(), Said: phrase.Of(cause)})
	if err != nil {
		s.o.Log.Warn("folder status not kept", "mailbox", s.o.Mailbox.Name, "folder", f.name, "err", err)
	}
	st.Name, st.Error, st.Said, st.InSync = f.name, cause.Error(), phrase.Of(cause), false
	s.mu.Lock()
	s.folders[f.name] = st
	s.mu.Unlock()
}

// Sync makes complete passes until nothing is unsettled: no UID that the
// server lists, none that was reopened, and no search. It returns an error
// that names what is not in sync. While Run is at work it is Run that makes
// the pass, so that the server sees no more connections than allowed.
func (s *Syncer) Sync(ctx context.Context) error {
	if running, err := s.askRun(ctx); running {
		return err
	}
	select {
	case s.one <- struct{}{}:
		defer func() { <-s.one }()
	case <-ctx.Done():
		return ctx.Err()
	}
	defer s.dropBegun()
	s.become(message.StateSyncing, nil, time.Time{})
	err := s.syncTries(ctx)
	s.rested()
	s.become(message.StateIdle, err, time.Time{})
	if err != nil {
		return fmt.Errorf("mailbox %s: %w", s.o.Mailbox.Name, err)
	}
	return nil
}

// syncTries tries again after faults that pass by themselves, a few times.
func (s *Syncer) syncTries(ctx context.Context) error {
	for failures := 0; ; {
		before := s.count()
		err := rescue.Do(func() error { return s.syncOnce(ctx) })
		if err == nil || ctx.Err() != nil || !s.passing(err) {
			return err
		}
		if s.count() > before {
			failures = 0
		}
		wait := time.Second
		if !s.narrowing() {
			failures++
			wait = backoff(failures, err)
		}
		if failures > 3 || wait > time.Minute {
			return err
		}
		s.become(message.StateWaiting, err, s.o.Now().Add(wait))
		if err := sleep(ctx, wait, nil); err != nil {
			return err
		}
		s.become(message.StateSyncing, nil, time.Time{})
	}
}

func (s *Syncer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settledCount
}

// passing tells whether a fault may pass by itself.
func (s *Syncer) passing(err error) bool {
	switch kindOf(err) {
	case Lost, Silent, Malformed, Hostile, Throttled, TooMany, Expired:
		return true
	}
	return false
}

// sleep waits, or returns early when wake is received from or the context ends.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// syncOnce makes passes on one connection until all is settled or no pass
// brings anything further.
func (s *Syncer) syncOnce(ctx context.Context) error {
	seat, err := s.o.Gate.enter(ctx, nil)
	if err != nil {
		return err
	}
	defer seat.leave()
	sess, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if sess.dead() {
			sess.close()
			return
		}
		sess.logout()
	}()
	for round := 0; ; round++ {
		before := s.count()
		folders, err := s.discover(ctx, sess)
		if err != nil {
			return err
		}
		settled, err := s.wholePass(ctx, sess, folders)
		if err != nil {
			return err
		}
		pending, err := s.o.Sink.Pending(ctx, s.o.Mailbox.Name)
		if err != nil {
			return ofSink(err, "list the searches of %s", s.o.Mailbox.Name)
		}
		if settled && len(pending) == 0 {
			return s.unsynced()
		}
		if round > 0 && s.count() == before && len(pending) == 0 || round > 20 {
			return s.unsynced()
		}
	}
}

// wholePass does the searches and reads all the folders.
func (s *Syncer) wholePass(ctx context.Context, sess *session, folders []folder) (bool, error) {
	if err := s.searches(ctx, sess, folders); err != nil {
		return false, err
	}
	settled, err := s.passAll(ctx, sess, folders)
	if err == nil {
		s.mu.Lock()
		s.state.LastPass = s.o.Now()
		s.mu.Unlock()
	}
	return settled, err
}
