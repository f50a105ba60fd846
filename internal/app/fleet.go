package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"rapport/internal/config"
	"rapport/internal/rescue"
	"rapport/records/message"
	"rapport/records/phrase"
	"rapport/store"
	"rapport/web"
)

// fleet is the mailboxes, each with its engine and supervisor. Their troubles
// are their own: no mailbox waits for another.
type fleet struct {
	build   func(config.Mailbox, func(error)) (engine, error) // reports faults, nil when they end
	log     *slog.Logger
	faults  *faults
	metrics *metrics
	explain func(error) error // says of a full disk where that is
	changed func()            // a mailbox's fault began or ended
	// remember keeps a watched mailbox's fault, or its end, for later processes.
	remember func(ctx context.Context, mailbox string, err error)

	mu    sync.Mutex // guards what follows
	boxes []*box     // in the order of the configuration
	// holding says that none may begin yet.
	holding bool
	ctx     context.Context
	wg      sync.WaitGroup
}

// box is one mailbox.
type box struct {
	cfg    config.Mailbox
	engine engine
	cancel context.CancelFunc // ends the supervisor; nil while nobody watches
	done   chan struct{}      // closed when it has ended

	mu   sync.Mutex // guards what follows
	over bool       // another has taken its place
	// leaving is the supervisor's context, kept to tell a fault's end from the
	// engine's own.
	leaving context.Context
	sup     *supervisor
	err     error     // the fault it has
	since   time.Time // when that began
	passed  time.Time // when a pass outside of the supervisor last succeeded
	seen    progressMark
	seenAt  time.Time
}

// progressMark is what moves while a mailbox works.
type progressMark struct {
	state    message.State
	lastPass time.Time
	folder   string
	done     int
}

// outfit is a fleet's next line-up, built and not yet in force.
type outfit struct {
	boxes []*box
	fresh []*box
}

// prepare builds the engines of what is new or changed and keeps the others.
// Nothing is in force before adopt.
func (f *fleet) prepare(boxes []config.Mailbox) (outfit, error) {
	f.mu.Lock()
	old := slices.Clone(f.boxes)
	f.mu.Unlock()
	var out outfit
	var faults []error
	for _, cfg := range boxes {
		i := slices.IndexFunc(old, func(b *box) bool { return b.cfg.Name == cfg.Name })
		if i >= 0 && reflect.DeepEqual(old[i].cfg, cfg) {
			out.boxes = append(out.boxes, old[i])
			continue
		}
		b := &box{cfg: cfg}
		e, err := f.build(cfg, func(err error) { f.failed(b, err) })
		if err != nil {
			faults = append(faults, fmt.Errorf("mailbox %s: %w", cfg.Name, err))
			continue
		}
		b.engine = e
		out.boxes = append(out.boxes, b)
		out.fresh = append(out.fresh, b)
	}
	return out, errors.Join(faults...)
}

// adopt puts a line-up in force: it stops what is gone or replaced and starts
// what is new, and does not wait for either.
func (f *fleet) adopt(o outfit) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.boxes
	f.boxes = o.boxes
	for _, b := range o.boxes { // so that the series are there from the start
		f.metrics.panics.WithLabelValues(b.cfg.Name)
		f.metrics.restarts.WithLabelValues(b.cfg.Name)
	}
	for _, b := range old {
		if slices.Contains(o.boxes, b) {
			continue
		}
		b.mu.Lock()
		b.over = true
		b.mu.Unlock()
		if b.cancel != nil {
			b.cancel()
		}
		if !slices.ContainsFunc(o.boxes, func(n *box) bool { return n.cfg.Name == b.cfg.Name }) {
			f.faults.forget("mailbox " + b.cfg.Name)
			f.metrics.forget(b.cfg.Name)
		}
	}
	if f.ctx == nil || f.ctx.Err() != nil {
		return
	}
	for _, b := range o.fresh {
		i := slices.IndexFunc(old, func(p *box) bool { return p.cfg.Name == b.cfg.Name })
		if i >= 0 {
			f.start(b, old[i].done)
		} else {
			f.start(b, nil)
		}
	}
}

// watch starts a supervisor for every mailbox, and for those adopted later,
// until ctx ends; wait then waits for them.
func (f *fleet) watch(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	f.ctx = ctx
	for _, b := range f.boxes {
		if f.remember != nil { // from now on what it meets itself counts
			f.remember(ctx, b.cfg.Name, nil)
		}
		f.start(b, nil)
	}
}

// wait waits for all supervisors; the context they watch by has ended.
func (f *fleet) wait() {
	f.mu.Lock() // whoever adopts from now on starts nothing
	started := f.ctx != nil
	f.mu.Unlock()
	if started {
		f.wg.Wait()
	}
}

// start runs a mailbox's supervisor once its predecessor, if any, has ended:
// two must never read one mailbox. The caller holds mu.
func (f *fleet) start(b *box, predecessor <-chan struct{}) {
	ctx, cancel := context.WithCancel(f.ctx)
	b.cancel, b.done = cancel, make(chan struct{})
	sup := newSupervisor("mailbox "+b.cfg.Name, f.log, b.engine.Run)
	sup.ended = func(err error) {
		if err != nil {
			f.failed(b, err)
		}
	}
	sup.count = func(panicked bool) {
		f.metrics.restarts.WithLabelValues(b.cfg.Name).Inc()
		if panicked {
			f.metrics.panics.WithLabelValues(b.cfg.Name).Inc()
		}
	}
	b.mu.Lock()
	b.sup, b.leaving = sup, ctx
	b.mu.Unlock()
	f.wg.Go(func() {
		defer close(b.done)
		defer cancel()
		keep(ctx, f.faults, "supervisor of "+b.cfg.Name, func(ctx context.Context) {
			if predecessor != nil {
				<-predecessor
			}
			sup.supervise(ctx)
		})
	})
}

// failed records and logs a mailbox's fault; nil ends it. That an engine is
// stopped ends no fault.
func (f *fleet) failed(b *box, err error) {
	if f.explain != nil {
		err = f.explain(err)
	}
	b.mu.Lock()
	if b.over || (b.leaving != nil && b.leaving.Err() != nil) {
		b.mu.Unlock()
		return
	}
	began := (b.err == nil) != (err == nil)
	switch {
	case err == nil:
		b.since = time.Time{}
	case b.err == nil:
		b.since = time.Now()
	}
	b.err = err
	watched := b.sup != nil
	b.mu.Unlock()
	if watched && f.remember != nil {
		f.remember(context.Background(), b.cfg.Name, err)
	}
	f.faults.report("mailbox "+b.cfg.Name, err)
	if began && f.changed != nil {
		f.changed()
	}
}

// passed hears that a mailbox made a complete pass, outside of its supervisor:
// what the latter waits for is over.
func (f *fleet) passed(b *box) {
	f.failed(b, nil)
	b.mu.Lock()
	b.passed = time.Now()
	b.mu.Unlock()
	if sup := b.supervisor(); sup != nil && sup.standing().phase == waiting {
		sup.hurry()
	}
}

// all returns the mailboxes in order, or those named.
func (f *fleet) all(names ...string) ([]*box, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(names) == 0 {
		return slices.Clone(f.boxes), nil
	}
	var out []*box
	for _, name := range names {
		i := slices.IndexFunc(f.boxes, func(b *box) bool { return b.cfg.Name == name })
		if i < 0 {
			return nil, f.noBox(name)
		}
		if !slices.Contains(out, f.boxes[i]) {
			out = append(out, f.boxes[i])
		}
	}
	return out, nil
}

// noBox says that a name means no mailbox, and which names do. The caller
// holds mu.
func (f *fleet) noBox(name string) error {
	var known []string
	for _, b := range f.boxes {
		known = append(known, b.cfg.Name)
	}
	if len(known) == 0 {
		return web.Invalid(fmt.Errorf("find mailbox %q: the configuration has no mailboxes", name))
	}
	return web.Invalid(fmt.Errorf("find mailbox %q: the configuration has none of that name; there are %s", name, strings.Join(known, ", ")))
}

// nudge tells a mailbox that there is work; "" means every one. One whose
// sign-in was refused is left alone: work is no reason to try that again.
func (f *fleet) nudge(name string) {
	boxes, _ := f.all()
	for _, b := range boxes {
		if (name == "" || b.cfg.Name == name) && b.engine.Status().State != message.StateStopped {
			b.engine.Nudge()
		}
	}
}

// retry lets mailboxes in trouble begin anew: something was changed.
func (f *fleet) retry() {
	boxes, _ := f.all()
	for _, b := range boxes {
		b.retry()
	}
}

func (b *box) retry() {
	sup := b.supervisor()
	if sup == nil {
		return
	}
	sup.hurry()
	if s := b.engine.Status().State; s == message.StateStopped || s == message.StateWaiting {
		sup.restart(errAnew)
	}
}

// restart has a mailbox begin anew, whatever it does.
func (b *box) restart() {
	if sup := b.supervisor(); sup != nil {
		sup.hurry()
		sup.restart(errAnew)
	}
}

// held says of every mailbox what keeps it from beginning, or that nothing does.
func (f *fleet) held(err error) {
	f.mu.Lock()
	f.holding = err != nil
	f.mu.Unlock()
	boxes, _ := f.all()
	for _, b := range boxes {
		f.failed(b, err)
	}
}

// isHeld reports whether held said so last.
func (f *fleet) isHeld() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.holding
}

// resume lets the mailboxes that found the disk full go on.
func (f *fleet) resume() {
	boxes, _ := f.all()
	for _, b := range boxes {
		b.mu.Lock()
		full := store.Full(b.err)
		b.mu.Unlock()
		if full {
			b.retry()
		}
	}
}

// supervisor returns who keeps the mailbox going, nil where nobody does.
func (b *box) supervisor() *supervisor {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sup
}

// status returns what one mailbox does, without its folders.
func (b *box) status() message.MailboxStatus {
	s := b.engine.Status()
	s.Name = b.cfg.Name
	sup := b.supervisor()
	if sup == nil {
		if s.State != message.StateSyncing {
			s.State = message.StateIdle
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		s.Error, s.Said = inWords(s, b.err)
		return s
	}
	b.mu.Lock()
	if s.Error != "" && store.Full(b.err) {
		s.Error, s.Said = inWords(s, b.err)
	}
	passed := b.passed
	b.mu.Unlock()
	if at := sup.standing(); at.phase == waiting && !at.since.Before(passed) {
		s.State, s.Since, s.NextTry = message.StateWaiting, at.since, at.nextTry
		s.Error, s.Said = inWords(s, at.err)
	}
	return s
}

// inWords is what a mailbox's fault is in words: err's, or without one what its
// status says already.
func inWords(s message.MailboxStatus, err error) (string, phrase.Phrase) {
	switch {
	case err == nil:
		return s.Error, s.Said
	case store.Full(err):
		return escape(err.Error()), phrase.New("there is no space left on the disk; it goes on by itself when there is")
	}
	return escape(err.Error()), phrase.Of(err).Map(escape)
}

// trouble returns how the mailbox is, and what a person must hear of it.
func (b *box) trouble() trouble {
	s := b.status()
	b.mu.Lock()
	defer b.mu.Unlock()
	t := trouble{Object: "mailbox " + b.cfg.Name, state: well}
	switch {
	case b.err != nil:
		t.state, t.Text, t.Since = wrong, b.err.Error(), b.since
		t.Urgent, t.full = s.State == message.StateStopped || rescue.Of(b.err) != nil, store.Full(b.err)
	case s.LastPass.IsZero():
		t.state = unsure
	}
	return t
}

// The patience with a mailbox that says it works: after stuckAfter without
// any progress its run is ended, and one that does not even end then makes
// the whole daemon count as stuck.
const (
	stuckAfter = 30 * time.Minute
	deadAfter  = 5 * time.Minute
)

var errStuck = errors.New("no progress for 30 minutes, starting over")

// stuck looks after one mailbox's progress; an error says that not even
// ending its run helped.
func (b *box) stuck(now time.Time) error {
	sup := b.supervisor()
	if sup == nil || sup.standing().phase != running {
		return nil
	}
	s := b.engine.Status()
	works := s.State == message.StateSyncing || s.State == message.StateStarting
	mark := progressMark{state: s.State, lastPass: s.LastPass}
	if s.Backfill != nil {
		mark.folder, mark.done = s.Backfill.Folder, s.Backfill.Done
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if mark != b.seen || b.seenAt.IsZero() || !works {
		b.seen, b.seenAt = mark, now
		return nil
	}
	switch idle := now.Sub(b.seenAt); {
	case idle >= stuckAfter+deadAfter:
		return fmt.Errorf("mailbox %s: its engine neither works nor stops", b.cfg.Name)
	case idle >= stuckAfter:
		sup.restart(errStuck)
	}
	return nil
}
