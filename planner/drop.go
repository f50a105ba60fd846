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

// Drop lets go of the mails of runs that ended long ago, a part at a time. What
// is still unknown of such a run can be resolved as sent only.
func (p *Planner) Drop(ctx context.Context) error {
	if err := p.forgetSignUps(ctx); err != nil {
		return fmt.Errorf("forget who never confirmed: %w", err)
	}
	before := p.o.Now().Add(-keptFor)
	var old []campaign.RunID
	err := p.o.Store.View(ctx, func(tx store.Tx) error {
		old = nil
		_, err := store.Where(func(s store.Slice) (store.Page[campaign.Run], error) { return tx.Runs().List("", s) }, func(r campaign.Run) (bool, error) {
			ended := r.State == campaign.Finished || r.State == campaign.Cancelled
			if ended && r.Changed.Before(before) && r.Dropped.IsZero() {
				old = append(old, r.ID)
			}
			return false, nil
		})
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range old {
		if err := p.dropRun(ctx, id); err != nil {
			return fmt.Errorf("let go of the mails of run %s: %w", id, err)
		}
	}
	return nil
}

// dropRun lets go of the mails of one run. A run that goes on meanwhile, by
// hand, keeps what waits.
func (p *Planner) dropRun(ctx context.Context, id campaign.RunID) error {
	for s := (store.Slice{Limit: 500}); ; {
		var page store.Page[outbox.Delivery]
		err := p.o.Store.Update(ctx, func(tx store.Tx) (err error) {
			if page, err = tx.Outbox().List(store.OutboxFilter{Run: id}, s); err != nil {
				return err
			}
			for _, d := range page.Items {
				if !d.State.Final() {
					continue
				}
				if err := tx.Outbox().Drop(d.ID); err != nil {
					return err
				}
			}
			if page.Next != "" {
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
