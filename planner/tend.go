package planner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"rapport/records/campaign"
	"rapport/records/outbox"
	"rapport/store"
)

// statePaused is where the store keeps which restored copy was paused.
const statePaused = "outbox-restored"

// Recover brings to an end what an earlier process left half done: a launch
// whose mails were not all written is cancelled, and so is what waits of
// cancelled runs. It is called once, before the courier begins; what is launched
// meanwhile is none of it.
func (p *Planner) Recover(ctx context.Context) error {
	var left []campaign.Run
	err := p.o.Store.View(ctx, func(tx store.Tx) error {
		left = nil
		for _, state := range []campaign.RunState{campaign.Preparing, campaign.Cancelled} {
			_, err := store.Where(func(s store.Slice) (store.Page[campaign.Run], error) { return tx.Runs().In(state, s) }, func(r campaign.Run) (bool, error) {
				if p.launches(r.ID) {
					return false, nil
				}
				if _, waits, err := tx.Outbox().NextDue(r.ID); err != nil || !waits && state == campaign.Cancelled {
					return false, err
				}
				left = append(left, r)
				return false, nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	for _, r := range left {
		reason := r.Reason
		if r.State == campaign.Preparing {
			reason = "the program ended before all its mails were written; nothing was sent"
		}
		if _, err := p.end(ctx, r.ID, campaign.Cancelled, reason); err != nil {
			return fmt.Errorf("end the run %s of %s: %w", r.ID, r.Campaign, err)
		}
	}
	return err
}

// Restored pauses every run, once for each copy of the store that was restored:
// what the copy has as waiting may have been sent since it was made.
func (p *Planner) Restored(ctx context.Context, copyID string) error {
	return p.o.Store.Update(ctx, func(tx store.Tx) error {
		known, err := tx.State().Get(statePaused)
		if err != nil || string(known) == copyID {
			return err
		}
		running, err := tx.Runs().In(campaign.Running, store.Slice{Limit: 1000})
		if err != nil {
			return err
		}
		for _, r := range running.Items {
			r, err := r.Halt("the store was restored from a copy: what it has as waiting may have been sent since", p.o.Now())
			if err != nil {
				return err
			}
			if err := tx.Runs().Put(r); err != nil {
				return err
			}
		}
		if err := p.restoredPaused(tx); err != nil {
			return err
		}
		return tx.State().Put(statePaused, []byte(copyID))
	})
}

// restoredPaused has reminders that are paused, those just halted included,
// begin anew: what was due until now may have been sent since the copy was made.
func (p *Planner) restoredPaused(tx store.Tx) error {
	paused, err := store.Where(func(s store.Slice) (store.Page[campaign.Run], error) {
		return tx.Runs().In(campaign.Paused, s)
	}, func(r campaign.Run) (bool, error) { return r.Rhythm != nil, nil })
	if err != nil {
		return err
	}
	for _, r := range paused {
		r.Since = p.o.Now()
		if err := tx.Runs().Put(r); err != nil {
			return err
		}
	}
	return nil
}

// Gate decides inside the transaction of its intent whether a delivery may be
// sent; see delivery.CourierOptions.
func (p *Planner) Gate(tx store.Tx, d outbox.Delivery, now time.Time) (outbox.Event, error) {
	run, err := tx.Runs().Get(d.Run)
	if err != nil {
		return outbox.Event{}, err
	}
	if run.Campaign == signUpRun {
		return p.gateSignUp(tx, d, now)
	}
	if run.Campaign == caseRun {
		return p.gateCase(tx, d, now)
	}
	c, err := liveContact(tx, d.Contact)
	if err != nil {
		return outbox.Event{}, err
	}
	if c == nil {
		return outbox.Event{What: outbox.Cancel, Reason: "there is no such contact any more"}, nil
	}
	s, err := p.standing(tx, *c, d.Address, d.Run, "", now)
	if err != nil {
		return outbox.Event{}, err
	}
	h := p.o.Settings().terms(run.Purpose, run.Basis).Judge(s, now)
	switch {
	case h.MayWait(began(run, d)):
		return outbox.Event{What: outbox.Return, Until: h.Until, Reason: waitsFor(h)}, nil
	case h.Why != "":
		return heldBy(h), nil
	}
	if run.Rhythm != nil {
		if what, stopped, err := p.stopped(tx, *run.Rhythm, *c, d.Occasion, d.Anchor); err != nil {
			return outbox.Event{}, err
		} else if stopped {
			return heldBy(campaign.Hold{Why: campaign.Pointless, Detail: what}), nil
		}
	}
	if until, holds := seedHolds(run, d, now); holds {
		return outbox.Event{What: outbox.Return, Until: until, Reason: afterSeed}, nil
	}
	if until := run.Window.Next(now, p.zoneOf(*c)); until.After(now) {
		return outbox.Event{What: outbox.Return, Until: until, Reason: outsideWindow}, nil
	}
	return p.refusing(tx, d.Address, now)
}

// Tend looks after what time brings: runs that have ended, and deliveries whose
// fate nobody knows.
func (p *Planner) Tend(ctx context.Context) error {
	var running []campaign.Run
	err := p.o.Store.View(ctx, func(tx store.Tx) error {
		page, err := tx.Runs().In(campaign.Running, store.Slice{Limit: 1000})
		running = page.Items
		return err
	})
	for _, r := range running {
		if _, ok := p.o.Settings().Senders[r.Sender]; !ok {
			err = errors.Join(err, p.halt(ctx, r.ID, fmt.Sprintf("no sender is called %s any more: add it to senders in the configuration, then resume", r.Sender)))
			continue
		}
		if seeded, err := p.judgeSeed(ctx, r); err != nil {
			return fmt.Errorf("judge the seed wave of %s: %w", r.Campaign, err)
		} else if !seeded {
			continue
		}
		look := p.finish
		if r.Rhythm != nil {
			if !p.reaching.due(r, p.o.Now()) {
				continue
			}
			look = func(ctx context.Context, _ campaign.RunID) error { return p.reach(ctx, r) }
		}
		if err := look(ctx, r.ID); err != nil {
			return fmt.Errorf("look after the run %s of %s: %w", r.ID, r.Campaign, err)
		}
	}
	if err != nil {
		return err
	}
	return p.settle(ctx)
}

// halt pauses a run for what somebody has to mend.
func (p *Planner) halt(ctx context.Context, id campaign.RunID, reason string) error {
	return p.o.Store.Update(ctx, func(tx store.Tx) error { return p.haltIn(tx, id, reason) })
}

func (p *Planner) haltIn(tx store.Tx, id campaign.RunID, reason string) error {
	r, err := tx.Runs().Get(id)
	if err != nil || r.State != campaign.Running {
		return err
	}
	if r, err = r.Halt(reason, p.o.Now()); err != nil {
		return err
	}
	return tx.Runs().Put(r)
}

// finish says that a run has ended where nothing more is to happen to any of
// its deliveries.
func (p *Planner) finish(ctx context.Context, id campaign.RunID) error {
	done := false
	err := p.o.Store.View(ctx, func(tx store.Tx) error {
		_, waits, err := tx.Outbox().NextDue(id)
		if err != nil || waits {
			return err
		}
		count, err := tx.Outbox().Count(id)
		done = ended(count)
		return err
	})
	if err != nil || !done {
		return err
	}
	return p.o.Store.Update(ctx, func(tx store.Tx) error {
		r, err := tx.Runs().Get(id)
		if err != nil || r.State != campaign.Running {
			return err
		}
		count, err := tx.Outbox().Count(id)
		if err != nil || !ended(count) {
			return err
		}
		reason := ""
		if n := count[outbox.Unknown]; n > 0 {
			reason = fmt.Sprintf("of %d nobody knows whether they were sent", n)
		}
		if r, err = r.Become(campaign.Finished, reason, p.o.Now()); err != nil {
			return err
		}
		return tx.Runs().Put(r)
	})
}

// ended reports whether every delivery is in a final state.
func ended(count map[outbox.State]int) bool {
	for state, n := range count {
		if n > 0 && !state.Final() {
			return false
		}
	}
	return true
}

// The patience with evidence.
const (
	settleAfter = 15 * time.Minute // from the dot to the complete look at the Sent folder that proves absence, where a sender does not say
	giveUpAfter = 48 * time.Hour   // without proof either way
	proofAge    = 24 * time.Hour   // from the dot of the newest mail whose copy was seen to one whose absence counts
)

// ToProve returns the mailboxes whose Sent folders are to be looked through
// completely for what is ambiguous, by name, and how long a look holds. Nothing
// changes in such a folder once a run has ended, so that nobody else would look
// for hours.
func (p *Planner) ToProve(ctx context.Context) (map[string]time.Duration, error) {
	now := p.o.Now()
	boxes := map[string]time.Duration{}
	err := p.o.Store.View(ctx, func(tx store.Tx) error {
		clear(boxes)
		looked := map[string]sentProof{}
		_, err := ambiguous(tx, func(d outbox.Delivery) (bool, error) {
			proof, known := looked[d.Sender]
			if !known {
				var err error
				if proof, err = p.sentProof(tx, d.Sender); err != nil {
					return false, err
				}
				looked[d.Sender] = proof
			}
			if proof.waits(d.Dotted, now) {
				boxes[proof.mailbox] = proof.settle
			}
			return false, nil
		})
		return err
	})
	return boxes, err
}

// ambiguous are the deliveries whose fate nobody knows and that pass a filter.
func ambiguous(tx store.Tx, pick func(outbox.Delivery) (bool, error)) ([]outbox.Delivery, error) {
	return store.Where(func(s store.Slice) (store.Page[outbox.Delivery], error) {
		return tx.Outbox().List(store.OutboxFilter{State: outbox.Ambiguous}, s)
	}, pick)
}

// settle decides deliveries that are ambiguous: what a complete look at the
// Sent folder did not show, where that folder is known to show what was sent,
// was not sent. Without such proof it is given up after a while and is never
// sent again.
func (p *Planner) settle(ctx context.Context) error {
	now := p.o.Now()
	some := false
	err := p.o.Store.View(ctx, func(tx store.Tx) error {
		page, err := tx.Outbox().List(store.OutboxFilter{State: outbox.Ambiguous}, store.Slice{Limit: 1})
		some = len(page.Items) > 0
		return err
	})
	if err != nil || !some {
		return err
	}
	return p.o.Store.Update(ctx, func(tx store.Tx) error {
		doubtful, err := ambiguous(tx, func(outbox.Delivery) (bool, error) { return true, nil })
		if err != nil {
			return err
		}
		looked := map[string]sentProof{}
		for _, d := range doubtful {
			proof, known := looked[d.Sender]
			if !known {
				if proof, err = p.sentProof(tx, d.Sender); err != nil {
					return err
				}
				looked[d.Sender] = proof
			}
			var e outbox.Event
			switch {
			case proof.counts(d.Dotted):
				e = outbox.Event{What: outbox.Miss, Reason: "it is not in the Sent folder: the server did not take it"}
			case now.Sub(d.Dotted) > giveUpAfter:
				e = outbox.Event{What: outbox.GiveUp, Reason: "the server's answer was lost, and no evidence has come"}
			default:
				continue
			}
			after, err := d.Apply(e, now)
			if err != nil {
				return err
			}
			if err := tx.Outbox().Put(after); err != nil {
				return err
			}
		}
		return nil
	})
}

// sentProof is what is known of the Sent folder of a sender's mailbox.
type sentProof struct {
	mailbox  string
	settle   time.Duration // from a dot to the look that counts
	complete time.Time     // before it was last listed and read completely; zero: never, or there is none
	kept     time.Time     // the dot of the newest mail whose copy was seen there
}

// counts reports whether the absence of a mail proves that no server took it:
// the folder was read completely long enough after its dot, and the server was
// still seen to keep what is sent at about that time.
func (s sentProof) counts(dotted time.Time) bool {
	return s.complete.After(dotted.Add(s.settle)) && s.keeps(dotted)
}

// keeps reports whether the server was seen to keep what was sent at about a time.
func (s sentProof) keeps(dotted time.Time) bool {
	return !s.kept.IsZero() && !s.kept.Before(dotted.Add(-proofAge))
}

// waits reports whether a complete look at the folder is due: it finds the copy,
// or proves that there is none.
func (s sentProof) waits(dotted, now time.Time) bool {
	due := dotted.Add(s.settle)
	return s.mailbox != "" && now.After(due) && !s.complete.After(due)
}

// sentProof reads what is known of the Sent folder of a sender's mailbox; zero
// where its server has not been seen to keep what goes through this sender.
func (p *Planner) sentProof(tx store.Tx, sender string) (out sentProof, err error) {
	s, ok := p.o.Settings().Senders[sender]
	if !ok || s.Mailbox == "" {
		return out, nil
	}
	out.mailbox, out.settle = s.Mailbox, cmp.Or(s.Settle, settleAfter)
	name, kept, err := sentCopies(tx, sender)
	if err != nil || kept.IsZero() {
		return out, err
	}
	out.kept = kept
	all, err := tx.Folders().Status(s.Mailbox)
	if err != nil {
		return out, err
	}
	for _, f := range all {
		if f.Name == name && f.InSync && f.Error == "" {
			out.complete = f.Looked
		}
	}
	return out, nil
}
