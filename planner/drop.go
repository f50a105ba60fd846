package planner

import (
	"context"
	"fmt"
	"time"

	"rapport/records/campaign"
	"rapport/records/outbox"
	"rapport/store"
)

// keptFor is for how long the mails of a run that has ended are kept as they
// were sent; their digests stay.
const keptFor = 30 * 24 * time.Hour

// Drop lets go of the mails of runs that ended long ago, a part at a time, and
// of those mails of runs that write by themselves that ended so long ago. What is
// still unknown of them can be resolved as sent only. That an occasion had its
// mail is kept for ever: another launch asks for it.
func (p *Planner) Drop(ctx context.Context) error {
	if err := p.forgetSignUps(ctx); err != nil {
		return fmt.Errorf("forget who never confirmed: %w", err)
	}
	before := p.o.Now().Add(-keptFor)
	var goOn []campaign.RunID
	var old []campaign.RunID
	err := p.o.Store.View(ctx, func(tx store.Tx) error {
		old, goOn = nil, nil
		_, err := store.Where(func(s store.Slice) (store.Page[campaign.Run], error) { return tx.Runs().List("", s) }, func(r campaign.Run) (bool, error) {
			ended := r.State == campaign.Finished || r.State == campaign.Cancelled
			if ended && r.Changed.Before(before) && r.Dropped.IsZero() {
				old = append(old, r.ID)
			}
			if !ended && r.Rhythm != nil {
				goOn = append(goOn, r.ID)
			}
			return false, nil
		})
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range old {
		if err := p.dropRun(ctx, id, time.Time{}); err != nil {
			return fmt.Errorf("let go of the mails of run %s: %w", id, err)
		}
	}
	for _, id := range goOn {
		if err := p.dropRun(ctx, id, before); err != nil {
			return fmt.Errorf("let go of old mails of run %s: %w", id, err)
		}
	}
	return nil
}

// dropRun lets go of the mails of one run; where before is not zero, of those that
// ended before, and the run goes on. A run that goes on meanwhile, by
// hand, keeps what waits.
func (p *Planner) dropRun(ctx context.Context, id campaign.RunID, before time.Time) error {
	for s := (store.Slice{Limit: 500}); ; {
		var page store.Page[outbox.Delivery]
		err := p.o.Store.Update(ctx, func(tx store.Tx) (err error) {
			if page, err = tx.Outbox().List(store.OutboxFilter{Run: id}, s); err != nil {
				return err
			}
			for _, d := range page.Items {
				if !d.State.Final() || !before.IsZero() && !d.Changed.Before(before) {
					continue
				}
				if err := tx.Outbox().Drop(d.ID); err != nil {
					return err
				}
			}
			if page.Next != "" || !before.IsZero() {
				return nil
			}
			r, err := tx.Runs().Get(id)
			if err != nil {
				return err
			}
			r.Dropped = p.o.Now()
			return tx.Runs().Put(r)
		})
		if err != nil || page.Next == "" {
			return err
		}
		s.Cursor = page.Next
	}
}
