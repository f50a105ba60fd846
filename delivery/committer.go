package delivery

import (
	"context"
	"errors"
	"time"

	"rapport/internal/rescue"
	"rapport/records/outbox"
	"rapport/store"
)

// lull is for how long results wait for company before they are committed.
const lull = 50 * time.Millisecond

// again is the wait before results are committed once more after the store
// could not.
const again = time.Second

// change is one row of a commit: what happens to a delivery, decided inside the
// transaction.
type change struct {
	id     outbox.ID
	decide func(store.Tx, outbox.Delivery) (outbox.Delivery, error)
	answer chan error // of an intent: brings what became of it; nil for a result
	done   func()     // of a result: called once it is written
	err    error      // of this row alone, or why it was not written
}

// errHeld is the answer to an intent whose delivery may not be sent any more.
// What it became is committed.
var errHeld = errors.New("it is not to be sent any more")

// committer writes the changes of all connections, as many as there are in one
// transaction. Intents are answered once they are durable; results wait for
// company, and stay until the store takes them.
type committer struct {
	store store.Store
	after func(store.Tx, outbox.Delivery, outbox.Delivery) error
	in    chan *change
	fault func(error)
}

// run commits until in is closed and everything is written; what the store
// does not take by then is given up after patience.
func (c *committer) run(ctx context.Context, patience time.Duration) {
	var waiting []*change // results the store could not take yet
	for {
		batch, open := c.gather(waiting)
		waiting = nil
		if len(batch) > 0 {
			waiting = c.flush(ctx, batch)
		}
		switch {
		case open && len(waiting) > 0:
			time.Sleep(again)
		case !open && len(waiting) > 0 && patience > 0:
			time.Sleep(again)
			patience -= again
		case !open:
			return
		}
	}
}

// gather waits for something to write and takes everything that is there. A
// batch of results alone waits a little for an intent.
func (c *committer) gather(batch []*change) (out []*change, open bool) {
	var hurry bool
	take := func(ch *change, ok bool) bool {
		if ok {
			batch = append(batch, ch)
			hurry = hurry || ch.answer != nil
		}
		return ok
	}
	if len(batch) == 0 {
		ch, ok := <-c.in
		if !take(ch, ok) {
			return batch, false
		}
	}
	var rest <-chan time.Time
	for {
		select {
		case ch, ok := <-c.in:
			if !take(ch, ok) {
				return batch, false
			}
			continue
		default:
		}
		if hurry {
			return batch, true
		}
		if rest == nil {
			rest = time.After(lull)
		}
		select {
		case ch, ok := <-c.in:
			if !take(ch, ok) {
				return batch, false
			}
		case <-rest:
			return batch, true
		}
	}
}

// flush writes a batch in one transaction, answers its intents, and returns the
// results that could not be written. A panic in it is an error of the batch:
// whoever waits for an answer gets one.
func (c *committer) flush(ctx context.Context, batch []*change) (left []*change) {
	err := rescue.Do(func() error {
		return c.store.Update(context.WithoutCancel(ctx), func(tx store.Tx) error {
			for _, ch := range batch {
				if err := c.apply(tx, ch); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		c.fault(err)
	}
	for _, ch := range batch {
		switch {
		case ch.answer != nil:
			if err != nil {
				ch.err = err
			}
			ch.answer <- ch.err
		case err != nil:
			left = append(left, ch)
		default:
			if ch.err != nil {
				c.fault(ch.err)
			}
			ch.done()
		}
	}
	return left
}

// apply does one row. What is wrong with the row alone is noted in it.
func (c *committer) apply(tx store.Tx, ch *change) error {
	was, err := tx.Outbox().Get(ch.id)
	if errors.Is(err, store.ErrNotFound) {
		ch.err = err
		return nil
	} else if err != nil {
		return err
	}
	var now outbox.Delivery
	err = rescue.Do(func() (err error) { now, err = ch.decide(tx, was); return err })
	ch.err = err
	if err != nil && !errors.Is(err, errHeld) {
		return nil
	}
	if now == was && errors.Is(err, errHeld) {
		return nil
	}
	if err := tx.Outbox().Put(now); err != nil {
		return err
	}
	if c.after == nil {
		return nil
	}
	return c.after(tx, was, now)
}
