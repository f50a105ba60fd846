package webhook

import (
	"context"
	"errors"
	"time"

	"rapport/internal/rescue"
	"rapport/records/hook"
	"rapport/store"
)

// The bounds of sending.
const (
	atOnce    = 8   // webhooks sent to at the same time; each is sent to in order
	batch     = 32  // dispatches between two transactions
	keptEnded = 100 // dispatches of a webhook that ended and can be looked at
	lookAgain = time.Minute
)

// ended is what became of one webhook's turn.
type ended struct {
	webhook string
	err     error
}

// Run sends what is due until ctx ends; an error is the store's, and Run may
// be called again.
func (s *Service) Run(ctx context.Context) (err error) {
	work, cancel := context.WithCancel(ctx)
	busy, back := map[string]bool{}, make(chan ended, atOnce)
	defer func() {
		cancel()
		for range busy {
			<-back
		}
		if ctx.Err() != nil {
			err = nil
		}
	}()
	for {
		ready, wait, err := s.due(ctx, busy)
		if err != nil {
			return err
		}
		for _, id := range ready {
			if len(busy) == atOnce {
				break
			}
			busy[id] = true
			go func() { back <- ended{id, rescue.Do(func() error { return s.turn(work, id) })} }()
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-timer.C:
		case e := <-back:
			delete(busy, e.webhook)
			err = e.err
		}
		timer.Stop()
		if err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// due lists the webhooks with something due that are not busy, and says how
// long to wait for the next.
func (s *Service) due(ctx context.Context, busy map[string]bool) (ready []string, wait time.Duration, err error) {
	now := s.o.Now()
	err = s.o.Store.View(ctx, func(tx store.Tx) error {
		ready, wait = nil, lookAgain
		all, err := tx.Webhooks().List()
		if err != nil {
			return err
		}
		for _, w := range all {
			if busy[w.ID] || w.Disabled != "" {
				continue
			}
			first, err := tx.Dispatches().Due(w.ID, time.Time{}, 1)
			if err != nil {
				return err
			}
			if len(first) == 0 {
				continue
			}
			in := max(first[0].Due.Sub(now), w.Held.Sub(now))
			if in <= 0 {
				ready = append(ready, w.ID)
				continue
			}
			wait = min(wait, in)
		}
		return nil
	})
	return ready, wait, err
}

// tried is a dispatch and how its attempt went.
type tried struct {
	dispatch hook.Dispatch
	outcome  hook.Outcome
	hidden   bool // its webhook's owner may not know of it any more: it was not sent
	at       time.Time
}

// turn sends what is due to one webhook, until something is not taken, and
// writes down how that went.
func (s *Service) turn(ctx context.Context, id string) error {
	var w hook.Webhook
	var due []hook.Dispatch
	err := s.o.Store.View(ctx, func(tx store.Tx) (err error) {
		if w, err = tx.Webhooks().Get(id); err != nil {
			return err
		}
		due, err = tx.Dispatches().Due(id, s.o.Now(), batch)
		return err
	})
	if err != nil {
		return noNotFound(err) // removed
	}
	var all []tried
	for _, d := range due {
		t := tried{}
		if t.dispatch, t.hidden, err = s.asItIs(ctx, w, d); err == nil && !t.hidden {
			t.outcome, err = s.attempt(ctx, w, t.dispatch)
		}
		if err != nil {
			break
		}
		t.at = s.o.Now().UTC()
		all = append(all, t)
		if !t.hidden && !t.outcome.Taken() {
			break
		}
	}
	if errors.Is(err, ErrOwner) {
		err = s.disown(ctx, id)
	}
	if len(all) > 0 {
		err = errors.Join(err, s.record(context.WithoutCancel(ctx), w, all))
	}
	return err
}

// asItIs reads a dispatch again right before it is sent, and asks once more who
// may know of it: it may have waited, also for the one before it. One that is
// gone is hidden.
func (s *Service) asItIs(ctx context.Context, w hook.Webhook, d hook.Dispatch) (_ hook.Dispatch, hidden bool, err error) {
	err = s.o.Store.View(ctx, func(tx store.Tx) error {
		now, err := tx.Dispatches().Get(w.ID, d.ID)
		if errors.Is(err, store.ErrNotFound) {
			hidden = true
			return nil
		}
		if err != nil {
			return err
		}
		shown, err := s.o.Shown(tx, w.Owner, now.Event)
		d, hidden = now, !shown
		return err
	})
	return d, hidden, err
}

// disown disables a webhook whose owner may not have one any more.
func (s *Service) disown(ctx context.Context, id string) error {
	return s.o.Store.Update(ctx, func(tx store.Tx) error {
		w, err := tx.Webhooks().Get(id)
		if err != nil || w.Disabled != "" {
			return noNotFound(err)
		}
		return s.disable(tx, w, hook.Ownerless)
	})
}

// record writes down how attempts went, where their webhook is still as it was.
func (s *Service) record(ctx context.Context, sent hook.Webhook, all []tried) error {
	disabled := hook.Reason("")
	err := s.o.Store.Update(ctx, func(tx store.Tx) error {
		disabled = ""
		w, err := tx.Webhooks().Get(sent.ID)
		if err != nil {
			return noNotFound(err)
		}
		for _, t := range all {
			if err := s.settle(tx, t); err != nil {
				return err
			}
			if !t.hidden && w.URL == sent.URL && w.Disabled == "" {
				w = w.Apply(t.outcome, t.at)
			}
		}
		if disabled = w.Disabled; disabled != "" {
			return s.disable(tx, w, disabled)
		}
		if w, err = s.catchUp(tx, w); err != nil {
			return err
		}
		_, err = tx.Dispatches().Trim(w.ID, keptEnded, 2*batch)
		return errors.Join(err, tx.Webhooks().Put(w))
	})
	if err != nil {
		return err
	}
	for _, t := range all {
		switch d := t.dispatch.Apply(t.outcome, t.at); {
		case t.hidden:
		case t.outcome.Taken():
			s.o.Count("taken")
		case d.Waits():
			s.o.Count("failed")
		default:
			s.o.Count("given_up")
		}
	}
	return nil
}

// settle writes down what became of a dispatch, unless it was dropped
// meanwhile. One that is not shown any more goes without a trace.
func (s *Service) settle(tx store.Tx, t tried) error {
	d, err := tx.Dispatches().Get(t.dispatch.Webhook, t.dispatch.ID)
	if err != nil {
		return noNotFound(err)
	}
	if t.hidden {
		return tx.Dispatches().Delete(d.Webhook, d.ID)
	}
	return tx.Dispatches().Put(d.Apply(t.outcome, t.at))
}

func noNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
