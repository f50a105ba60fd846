package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"rapport/internal/rescue"
	"rapport/records/campaign"
	"rapport/records/outbox"
	"rapport/store"
)

// stopPatience is for how long a stop waits for answers to dots that are
// written. What is not answered by then is ambiguous.
const stopPatience = 25 * time.Second

// idleTime is for how long a connection without work is kept.
const idleTime = 20 * time.Second

// Line is a sender and what it may take.
type Line struct {
	Name   string
	Sender Sender
	Limits Limits
}

// Limits bound what goes through a sender. Zero means no bound, but for
// Connections, where it means one.
type Limits struct {
	Connections int
	PerMinute   int // mails in any 60 s
	PerDay      int // mails in any 24 h, counted in the store
}

// CourierOptions are what a courier is made of.
type CourierOptions struct {
	Store store.Store
	Lines []Line
	// Gate is asked inside the transaction that would write the intent to send a
	// delivery of a running run: the event it returns happens instead, unless its
	// What is empty. nil lets everything through.
	Gate func(store.Tx, outbox.Delivery, time.Time) (outbox.Event, error)
	// Changed is told of each change of a delivery inside the transaction that
	// writes it; nil tells nobody.
	Changed func(tx store.Tx, before, after outbox.Delivery) error
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger
}

// Courier brings what waits in the outbox to its servers. There is one for a
// store: it is what makes leases unnecessary.
type Courier struct {
	o      CourierOptions
	commit *committer
	lines  []*line
}

// NewCourier makes a courier; Run has it work.
func NewCourier(o CourierOptions) *Courier {
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Courier{o: o}
	for _, l := range o.Lines {
		l.Limits.Connections = max(l.Limits.Connections, 1)
		c.lines = append(c.lines, newLine(c, l))
	}
	return c
}

// Run recovers what an earlier process left, then sends what is due until ctx
// ends, or until something goes wrong that is our own fault. It returns once every dot that was written has its answer, or after
// stopPatience, and everything known is in the store.
func (c *Courier) Run(ctx context.Context) error {
	if err := c.recover(ctx); err != nil {
		return fmt.Errorf("recover the outbox: %w", err)
	}
	for _, l := range c.lines {
		if err := l.resume(ctx); err != nil {
			return err
		}
	}
	c.commit = &committer{store: c.o.Store, after: c.o.Changed, in: make(chan *change, 256), fault: func(err error) {
		c.o.Log.Error("outbox not written", "err", err)
	}}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	// Sessions live on after ctx, until the answers are there.
	sessions, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(stopPatience, end) })
	defer stop()

	var committing, working sync.WaitGroup
	committing.Go(func() {
		if err := rescue.Do(func() error { c.commit.run(sessions, stopPatience); return nil }); err != nil {
			fail(fmt.Errorf("write the outbox: %w", err))
		}
	})
	for _, l := range c.lines {
		for n := range l.Limits.Connections {
			working.Go(func() {
				if err := rescue.Do(func() error { l.work(ctx, sessions, n); return nil }); err != nil {
					fail(fmt.Errorf("sender %s: %w", l.Name, err))
				}
			})
		}
	}
	if len(c.lines) == 0 {
		<-ctx.Done() // with nothing to send by, there is nothing to do, and no reason to end
	}
	working.Wait()
	close(c.commit.in)
	committing.Wait()
	return context.Cause(ctx)
}

// Wake has the courier look for work now: a run was launched or resumed.
func (c *Courier) Wake() {
	for _, l := range c.lines {
		l.wake()
	}
}

// recover makes ambiguous what was at its dot when an earlier process ended.
func (c *Courier) recover(ctx context.Context) error {
	for {
		var more bool
		err := c.o.Store.Update(ctx, func(tx store.Tx) error {
			page, err := tx.Outbox().List(store.OutboxFilter{State: outbox.Intent}, store.Slice{})
			if err != nil {
				return err
			}
			more = len(page.Items) > 0
			for _, was := range page.Items {
				now, err := was.Apply(outbox.Event{What: outbox.Lose, Reason: "the program ended before the server's answer was written down"}, c.o.Now())
				if err != nil {
					return err
				}
				if err := tx.Outbox().Put(now); err != nil {
					return err
				}
				if c.o.Changed != nil {
					if err := c.o.Changed(tx, was, now); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil || !more {
			return err
		}
	}
}

// intent returns the change that allows the dot of a delivery.
func (c *Courier) intent(l *line, id outbox.ID) *change {
	return &change{id: id, answer: make(chan error, 1), decide: func(tx store.Tx, d outbox.Delivery) (outbox.Delivery, error) {
		now := c.o.Now()
		event, err := c.gate(tx, d, now)
		if err != nil {
			return d, err
		}
		if event.What == "" {
			if err := l.spend(tx, now); err != nil {
				return d, err
			}
			return d.Apply(outbox.Event{What: outbox.Commit}, now)
		}
		held, err := d.Apply(event, now)
		return held, errors.Join(errHeld, err)
	}}
}

// gate decides whether a delivery may be sent now. An event whose What is
// outbox.Return leaves it as it is.
func (c *Courier) gate(tx store.Tx, d outbox.Delivery, now time.Time) (outbox.Event, error) {
	if !d.State.Waiting() { // its recipient objected meanwhile, or its copy was seen
		return outbox.Event{}, errHeld
	}
	run, err := tx.Runs().Get(d.Run)
	switch {
	case err != nil:
		return outbox.Event{}, err
	case run.State == campaign.Cancelled:
		return outbox.Event{What: outbox.Cancel, Reason: run.Reason}, nil
	case run.State != campaign.Running:
		return outbox.Event{}, errHeld
	case c.o.Gate == nil:
		return outbox.Event{}, nil
	}
	return c.o.Gate(tx, d, now)
}

// result commits what happened to a delivery, with whatever is written next, and
// then lets go of it.
func (c *Courier) result(l *line, id outbox.ID, e outbox.Event) {
	c.commit.in <- &change{id: id, done: func() { l.release(id) }, decide: func(_ store.Tx, d outbox.Delivery) (outbox.Delivery, error) {
		now := c.o.Now()
		d, err := d.Apply(e, now)
		if err == nil && d.State == outbox.Deferred && !d.Expires.IsZero() && d.Due.After(d.Expires) {
			d, err = d.Apply(outbox.Event{What: outbox.Expire, Reason: "put off for too long: " + d.Reason}, now)
		}
		return d, err
	}}
}
