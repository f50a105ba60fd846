package planner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/outbox"
	"rapport/store"
)

// Status says how the last run of a campaign stands.
func (p *Planner) Status(ctx context.Context, name string) (out campaign.Progress, err error) {
	err = p.o.Store.View(ctx, func(tx store.Tx) error {
		r, err := last(tx, name)
		if err == nil {
			out, err = progressOf(tx, r)
		}
		return err
	})
	return out, err
}

// progressOf counts what became of the deliveries of a run.
func progressOf(tx store.Tx, r campaign.Run) (campaign.Progress, error) {
	out := campaign.Progress{Name: r.Campaign, Run: r.ID, State: r.State, Reason: r.Reason, By: string(r.By), Created: r.Created, Reasons: map[string]int{},
		Window: r.Window.String(), Writes: r.Rhythm.Writes(), Seed: r.Seed, Seeded: r.Seeded}
	count := map[outbox.State]*int{
		outbox.Planned: &out.Pending, outbox.Frozen: &out.Pending, outbox.Intent: &out.Pending, outbox.Deferred: &out.Deferred,
		outbox.Ambiguous: &out.Ambiguous, outbox.Accepted: &out.Accepted, outbox.Rejected: &out.Rejected, outbox.Unknown: &out.Unknown,
		outbox.Cancelled: &out.Cancelled, outbox.Suppressed: &out.Suppressed, outbox.Skipped: &out.Skipped, outbox.Expired: &out.Expired,
	}
	_, err := store.Where(func(s store.Slice) (store.Page[outbox.Delivery], error) {
		return tx.Outbox().List(store.OutboxFilter{Run: r.ID}, s)
	}, func(d outbox.Delivery) (bool, error) {
		out.Recipients++
		if out.Writes != nil && d.Step < len(out.Writes.Steps) {
			stepCount(&out.Writes.Steps[d.Step], d.State)
		}
		*count[d.State]++
		if d.Why != "" {
			out.Reasons[string(d.Why)]++
		}
		for _, e := range []struct {
			at time.Time
			n  *int
		}{
			{d.Evidence.Bounced, &out.Bounced}, {d.Evidence.Replied, &out.Replied}, {d.Evidence.Unsubscribed, &out.Unsubs},
			{d.Evidence.Complained, &out.Complained}, {d.Evidence.Answered, &out.Answers},
		} {
			if !e.at.IsZero() {
				*e.n++
			}
		}
		return false, nil
	})
	if err != nil {
		return out, fmt.Errorf("count the deliveries of run %s: %w", r.ID, err)
	}
	return out, nil
}

// stepCount counts a delivery in a state.
func stepCount(s *campaign.Step, state outbox.State) {
	s.Recipients++
	switch {
	case !state.Final():
		s.Pending++
	case state == outbox.Accepted:
		s.Accepted++
	case state != outbox.Rejected && state != outbox.Unknown:
		s.Held++
	}
}

// Deliveries lists deliveries, of one campaign's last run where it is named.
func (p *Planner) Deliveries(ctx context.Context, name string, f store.OutboxFilter, s store.Slice) (out store.Page[outbox.Delivery], err error) {
	err = p.o.Store.View(ctx, func(tx store.Tx) error {
		if name != "" {
			r, err := last(tx, name)
			if err != nil {
				return err
			}
			f.Run = r.ID
		}
		out, err = tx.Outbox().List(f, s)
		return err
	})
	return out, err
}

// Delivery returns one delivery.
func (p *Planner) Delivery(ctx context.Context, id outbox.ID) (d outbox.Delivery, err error) {
	err = p.o.Store.View(ctx, func(tx store.Tx) error {
		d, err = tx.Outbox().Get(id)
		return err
	})
	return d, err
}

// Retry has a delivery that waits for its next attempt tried now.
func (p *Planner) Retry(ctx context.Context, actor string, id outbox.ID) (outbox.Delivery, error) {
	return p.byHand(ctx, actor, id, "outbox.retry", func(d outbox.Delivery) (outbox.Delivery, error) {
		if d.State != outbox.Deferred {
			return d, refused("it is %s, and only what was put off can be tried sooner", d.State)
		}
		d.Due = time.Time{}
		return d, nil
	})
}

// Resolve decides by hand what nobody else can: whether a delivery whose answer
// was lost was sent. One that was not is sent again with the same bytes.
func (p *Planner) Resolve(ctx context.Context, actor string, id outbox.ID, sent bool) (outbox.Delivery, error) {
	e := outbox.Event{What: outbox.Find, Reason: "sent, says " + actor}
	if !sent {
		e = outbox.Event{What: outbox.Miss, Reason: "not sent, says " + actor}
	}
	return p.byHand(ctx, actor, id, "outbox.resolve", func(d outbox.Delivery) (outbox.Delivery, error) {
		if d.State != outbox.Ambiguous && d.State != outbox.Unknown {
			return d, refused("it is %s: there is no doubt to resolve", d.State)
		}
		return d.Apply(e, p.o.Now())
	})
}

// byHand changes a delivery for somebody. A run that had ended goes on.
func (p *Planner) byHand(ctx context.Context, actor string, id outbox.ID, action string, change func(outbox.Delivery) (outbox.Delivery, error)) (out outbox.Delivery, err error) {
	err = p.o.Store.Update(ctx, func(tx store.Tx) error {
		before, err := tx.Outbox().Get(id)
		if err != nil {
			return err
		}
		if out, err = change(before); err != nil {
			return err
		}
		if out.State.Waiting() {
			if _, err := tx.Outbox().Bytes(id); errors.Is(err, store.ErrNotFound) {
				return refused("its mail is not kept any more")
			} else if err != nil {
				return err
			}
		}
		if err := errors.Join(tx.Outbox().Put(out), p.Changed(tx, before, out)); err != nil {
			return err
		}
		r, err := tx.Runs().Get(out.Run)
		if err != nil {
			return err
		}
		if out.State.Waiting() && r.State == campaign.Finished {
			if r, err = r.Become(campaign.Running, "", p.o.Now()); err != nil {
				return err
			}
			if err := tx.Runs().Put(r); err != nil {
				return err
			}
		}
		return p.note(tx, actor, action, string(id), string(out.State))
	})
	if err == nil {
		p.o.Wake()
	}
	return out, err
}

// Suppress has an address not be written to for a purpose, "" for all of them.
func (p *Planner) Suppress(ctx context.Context, actor string, a contact.Address, scope string) (out store.Suppression, err error) {
	out = store.Suppression{Digest: p.digest(a), Scope: scope, Why: "objection", At: p.moment(), By: actor, Address: string(a)}
	err = p.o.Store.Update(ctx, func(tx store.Tx) error {
		if err := tx.Suppressions().Put(out); err != nil {
			return err
		}
		if err := p.holdBack(tx, a, scope, out.Why); err != nil {
			return err
		}
		return p.note(tx, actor, "address.suppress", string(a), scope)
	})
	return out, err
}

// Unsuppress takes suppressions of an address back: that of one purpose, or
// with "" all of them.
func (p *Planner) Unsuppress(ctx context.Context, actor string, a contact.Address, scope string) (n int, err error) {
	err = p.o.Store.Update(ctx, func(tx store.Tx) error {
		n = 0
		all, err := tx.Suppressions().Of(p.digest(a))
		if err != nil {
			return err
		}
		for _, o := range all {
			if scope != "" && o.Scope != scope {
				continue
			}
			if err := tx.Suppressions().Delete(o.Digest, o.Scope); err != nil {
				return err
			}
			n++
		}
		if n == 0 {
			return fmt.Errorf("%s is not suppressed: %w", a, store.ErrNotFound)
		}
		return p.note(tx, actor, "address.unsuppress", string(a), scope)
	})
	return n, err
}

// Suppressions lists the addresses that are not written to.
func (p *Planner) Suppressions(ctx context.Context, s store.Slice) (out store.Page[store.Suppression], err error) {
	err = p.o.Store.View(ctx, func(tx store.Tx) error {
		out, err = tx.Suppressions().List(s)
		return err
	})
	return out, err
}

// Why explains what an address did and did not get, newest first, and, where
// now asks for it, by campaign what holds it back now; the zero Hold: nothing
// does.
func (p *Planner) Why(ctx context.Context, a contact.Address, now bool) (stops []store.Suppression, got []campaign.Receipt, holds map[string]campaign.Hold, err error) {
	var sources []Source
	if now {
		if sources, err = p.o.Campaigns(); err != nil {
			return nil, nil, nil, err
		}
	}
	err = p.o.Store.View(ctx, func(tx store.Tx) error {
		got, holds = nil, map[string]campaign.Hold{}
		if stops, err = tx.Suppressions().Of(p.digest(a)); err != nil {
			return err
		}
		_, err := store.Where(func(s store.Slice) (store.Page[outbox.Delivery], error) {
			return tx.Outbox().List(store.OutboxFilter{Address: a}, s)
		}, func(d outbox.Delivery) (bool, error) {
			r, err := tx.Runs().Get(d.Run)
			got = append(got, campaign.Receipt{Campaign: r.Campaign, Run: d.Run, Delivery: string(d.ID), Subject: d.Subject, State: string(d.State),
				Reason: d.Reason, Changed: d.Changed, Replied: !d.Evidence.Replied.IsZero(), Bounced: !d.Evidence.Bounced.IsZero()})
			return false, err
		})
		if err != nil {
			return err
		}
		return p.holds(tx, a, sources, holds)
	})
	slices.Reverse(got)
	return stops, got, holds, err
}

// holds says of every campaign what would hold it back from an address now.
func (p *Planner) holds(tx store.Tx, a contact.Address, sources []Source, out map[string]campaign.Hold) error {
	people, err := tx.Contacts().ByFolded(a)
	if err != nil {
		return err
	}
	now := p.o.Now()
	for _, src := range sources {
		if len(src.Faults) > 0 {
			continue
		}
		out[src.Name] = campaign.Hold{Why: campaign.NotSelected}
		for _, c := range people {
			one, in, err := p.ask(tx, src, p.o.Settings().terms(src.Purpose, src.Basis), c, src.Name, now)
			if err != nil {
				return err
			}
			if in && one.Address.Folded() == a.Folded() {
				out[src.Name] = one.hold
				break
			}
		}
	}
	return nil
}
