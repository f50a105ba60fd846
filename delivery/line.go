package delivery

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"rapport/records/campaign"
	"rapport/records/outbox"
	"rapport/store"
)

// The waits after trouble with a sender.
const (
	shortPause = 10 * time.Second // doubled each time, up to longPause
	longPause  = 5 * time.Minute
	fixPause   = 15 * time.Minute // somebody has to change something
	quotaPause = time.Hour        // the server's own window has to move
	widenAfter = time.Hour        // one more connection is tried than the server bore
	benchTime  = time.Minute      // until a connection too many looks whether it still is one
)

// pageOfDue is how many deliveries are looked up at a time.
const pageOfDue = 200

// line hands the work of a sender to its connections, within its limits.
type line struct {
	Line
	c *Courier

	mu       sync.Mutex // guards what follows
	leased   map[outbox.ID]bool
	found    []outbox.ID // due, and in nobody's hands
	slot     time.Time   // the next mail leaves no sooner
	paused   time.Time   // nothing leaves sooner
	why      string      // of the pause
	troubles int         // in a row
	open     int         // connections
	width    int         // how many of them the server was found to bear, at most Limits.Connections
	narrowed time.Time
	woken    chan struct{}
}

func newLine(c *Courier, l Line) *line {
	return &line{Line: l, c: c, leased: map[outbox.ID]bool{}, width: l.Limits.Connections, woken: make(chan struct{})}
}

// wake has those who wait for work look again.
func (l *line) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.woken)
	l.woken = make(chan struct{})
}

// lease waits at most patience for a delivery that is due and for its turn. It
// returns "" where there is none, and holds what it returns until release.
func (l *line) lease(ctx context.Context, patience time.Duration) (outbox.ID, error) {
	deadline := l.c.o.Now().Add(patience)
	for {
		id, until, woken, err := l.take(ctx)
		if err != nil {
			return "", err
		}
		now := l.c.o.Now()
		if id != "" {
			if err := pass(ctx, until.Sub(now), nil); err != nil {
				l.release(id)
				return "", err
			}
			return id, nil
		}
		if !now.Before(deadline) {
			return "", nil
		}
		if err := pass(ctx, min(until.Sub(now), deadline.Sub(now)), woken); err != nil {
			return "", err
		}
	}
}

// pass lets time go by, or less where woken closes.
func pass(ctx context.Context, d time.Duration, woken <-chan struct{}) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-woken:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// take leases a delivery and says when its turn is; without one, when to look
// again.
func (l *line) take(ctx context.Context) (id outbox.ID, until time.Time, woken <-chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.c.o.Now()
	if now.Before(l.paused) {
		return "", l.paused, l.woken, nil
	}
	if len(l.found) == 0 {
		next, err := l.look(ctx, now)
		if err != nil {
			return "", time.Time{}, nil, err
		}
		if len(l.found) == 0 {
			return "", next, l.woken, nil
		}
	}
	id, l.found = l.found[0], l.found[1:]
	l.leased[id] = true
	at := now
	if l.slot.After(at) {
		at = l.slot
	}
	l.slot = at.Add(l.interval())
	return id, at, nil, nil
}

// look finds what is due of the runs that go through this sender, in turns, and
// says when to look again.
func (l *line) look(ctx context.Context, now time.Time) (next time.Time, err error) {
	var queues [][]outbox.ID
	err = l.c.o.Store.View(ctx, func(tx store.Tx) error {
		queues, next = nil, now.Add(time.Minute)
		running, err := tx.Runs().In(campaign.Running, store.Slice{Limit: 1000})
		if err != nil {
			return err
		}
		for _, r := range running.Items {
			if r.Sender != l.Name {
				continue
			}
			page, err := tx.Outbox().Due(r.ID, now, store.Slice{Limit: pageOfDue + len(l.leased)})
			if err != nil {
				return err
			}
			var queue []outbox.ID
			for _, d := range page.Items {
				if !l.leased[d.ID] {
					queue = append(queue, d.ID)
				}
			}
			queues = append(queues, queue)
			due, waits, err := tx.Outbox().NextDue(r.ID)
			if err != nil {
				return err
			}
			if waits && due.After(now) && due.Before(next) {
				next = due
			}
		}
		return nil
	})
	if err != nil {
		return next, fmt.Errorf("look for work of sender %s: %w", l.Name, err)
	}
	for n := 0; len(queues) > 0; {
		if len(queues[n]) == 0 {
			queues = append(queues[:n], queues[n+1:]...)
		} else {
			l.found = append(l.found, queues[n][0])
			queues[n] = queues[n][1:]
			n++
		}
		if n >= len(queues) {
			n = 0
		}
	}
	return next, nil
}

// release lets go of a delivery: what became of it is on its way to the store.
func (l *line) release(id outbox.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.leased, id)
}

// pause stops the line for a while. The found deliveries are looked up again.
func (l *line) pause(d time.Duration, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	until := l.c.o.Now().Add(d)
	if until.After(l.paused) {
		if l.why != why {
			l.c.o.Log.Warn("sender pauses", "sender", l.Name, "for", d.Round(time.Second).String(), "why", why)
		}
		l.paused, l.why = until, why
	}
	l.found = nil
}

// trouble pauses the line, longer each time.
func (l *line) trouble(why string) {
	l.mu.Lock()
	d := min(shortPause<<min(l.troubles, 10), longPause)
	l.troubles++
	l.mu.Unlock()
	l.pause(d, why)
}

// fine says that a server took a mail, or refused it for what it is.
func (l *line) fine() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.troubles, l.why = 0, ""
}

// narrow hears that the server bears no more connections than there are but for
// the one it refused, which is 1 of them or 0.
func (l *line) narrow(refused int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.width, l.narrowed = max(1, min(l.width, l.open-refused)), l.c.o.Now()
}

// benched reports whether a connection, counted from 0, is one too many for the
// server. Every so often one more is tried.
func (l *line) benched(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := l.c.o.Now(); l.width < l.Limits.Connections && now.Sub(l.narrowed) > widenAfter {
		l.width, l.narrowed = l.width+1, now
	}
	return n >= l.width
}

// work serves one connection, the n-th from 0, until ctx ends; a mail under way
// then goes on as long as sessions does.
func (l *line) work(ctx, sessions context.Context, n int) {
	w := &worker{line: l, sessions: sessions}
	defer w.hangUp()
	for ctx.Err() == nil {
		if l.benched(n) {
			w.hangUp()
			_ = pass(ctx, benchTime, nil) // the loop looks at ctx
			continue
		}
		id, err := l.lease(ctx, idleTime)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil: // the store
			l.trouble(err.Error())
			l.c.o.Log.Error("outbox not read", "sender", l.Name, "err", err)
		case id == "":
			w.hangUp()
		default:
			if !w.send(id) {
				l.release(id)
			}
		}
	}
}

func (l *line) connected(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open += n
}

// worker is one connection of a line.
type worker struct {
	line     *line
	sessions context.Context
	session  *Session
}

func (w *worker) hangUp() {
	if w.session != nil {
		w.session.Close()
		w.session = nil
		w.line.connected(-1)
	}
}

// connect sees to a session.
func (w *worker) connect() error {
	if w.session != nil && w.session.Usable() {
		return nil
	}
	w.hangUp()
	s, err := w.line.Sender.Open(w.sessions)
	if err != nil {
		return err
	}
	w.session = s
	w.line.connected(1)
	return nil
}

// send brings one delivery to the server. It reports whether what became of it
// is on its way to the store; if not, nothing did.
func (w *worker) send(id outbox.ID) (settled bool) {
	l := w.line
	var d outbox.Delivery
	var data []byte
	err := l.c.o.Store.View(w.sessions, func(tx store.Tx) (err error) {
		if d, err = tx.Outbox().Get(id); err != nil || !d.State.Waiting() {
			return err
		}
		data, err = tx.Outbox().Bytes(id)
		return err
	})
	if err != nil {
		l.trouble(err.Error())
		l.c.o.Log.Error("delivery not read", "delivery", string(id), "err", err)
		return false
	}
	if !d.State.Waiting() { // changed since it was found
		return false
	}
	for first := true; ; first = false {
		used := w.session != nil && w.session.Mails > 0
		if err := w.connect(); err != nil {
			l.unreachable(err)
			return false
		}
		granted, err := w.transmit(d, data)
		if first && used && !granted && closedMeanwhile(err) {
			continue // the server was tired of a connection that lay idle
		}
		return w.settle(d, granted, err)
	}
}

// closedMeanwhile reports whether a session turned out to be over when its next
// mail began.
func closedMeanwhile(err error) bool {
	var lost *Lost
	var refused *Refusal
	return errors.As(err, &lost) && lost.Stage == outbox.StageMail ||
		errors.As(err, &refused) && refused.Reply.Code == 421 && refused.Reply.Stage == outbox.StageMail
}

// transmit sends a delivery; granted tells whether its intent is committed. A
// nil error is committed on the way.
func (w *worker) transmit(d outbox.Delivery, data []byte) (granted bool, err error) {
	intent := w.line.c.intent(w.line, d.ID)
	asked := false
	queueID, err := w.session.Transmit(w.sessions, string(d.From), string(d.Address), data, func() <-chan error {
		asked = true
		w.line.c.commit.in <- intent
		return intent.answer
	})
	var withheld *Withheld
	granted = asked && intent.err == nil && !errors.As(err, &withheld)
	if err == nil {
		w.line.c.result(w.line, d.ID, outbox.Event{What: outbox.Accept, QueueID: queueID})
	}
	return granted, err
}

// settle says what an answer, or the lack of one, means for the delivery and
// for the line. It reports as send does.
func (w *worker) settle(d outbox.Delivery, granted bool, err error) (settled bool) {
	l := w.line
	var refused *Refusal
	var lost *Lost
	var withheld *Withheld
	var over *overLimit
	var e outbox.Event
	switch {
	case err == nil:
		l.fine()
		return true
	case errors.As(err, &over):
		l.pause(over.until.Sub(l.c.o.Now()), over.Error())
		return false
	case errors.As(err, &withheld): // by the gate, which has written why, or by the store
		if !errors.Is(err, errHeld) {
			l.trouble(err.Error())
		}
		return false
	case errors.As(err, &refused):
		return w.refused(d, granted, refused.Reply)
	case errors.As(err, &lost) && lost.Dotted:
		l.trouble(err.Error())
		e = outbox.Event{What: outbox.Lose, Reason: err.Error()}
	case errors.As(err, &lost):
		l.trouble(err.Error())
		e = outbox.Event{What: outbox.Defer, Class: outbox.ClassTransient, Until: d.Retry(l.c.o.Now()), Reason: err.Error()}
	default: // nothing was said to the server: the mail or its address is at fault
		e = outbox.Event{What: outbox.Reject, Class: outbox.ClassContent, Reason: err.Error()}
	}
	l.c.result(l, d.ID, e)
	return true
}

// refused settles an answer that was no.
func (w *worker) refused(d outbox.Delivery, granted bool, r outbox.Reply) (settled bool) {
	l, j := w.line, r.Judge()
	e := outbox.Event{What: j.What, Reply: &r, Class: j.Class, Reason: r.Text}
	switch j.What {
	case outbox.Return:
		l.stopped(j.Class, r, 1)
		if !granted {
			return false
		}
	case outbox.Defer:
		e.Until = d.Retry(l.c.o.Now())
		fallthrough
	default:
		l.fine()
	}
	l.c.result(l, d.ID, e)
	return true
}

// stopped pauses the line for an answer that is about its sender, given to so
// many, 0 or 1, of the connections there are.
func (l *line) stopped(class outbox.Class, r outbox.Reply, refused int) {
	why := (&Refusal{r}).Error()
	switch class {
	case outbox.ClassCrowded:
		l.narrow(refused)
		l.trouble(why)
	case outbox.ClassQuota, outbox.ClassOwnFull:
		l.pause(quotaPause, why)
	case outbox.ClassConfig, outbox.ClassPolicy:
		l.pause(fixPause, why)
	default:
		l.trouble(why)
	}
}

// unreachable pauses the line for a connection that could not be made.
func (l *line) unreachable(err error) {
	var refused *Refusal
	if errors.As(err, &refused) {
		l.stopped(refused.Reply.Judge().Class, refused.Reply, 0)
		return
	}
	l.trouble(err.Error())
}
