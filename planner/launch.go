package planner

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/outbox"
	"rapport/store"
)

// atOnce is how many deliveries one transaction writes.
const atOnce = 100

// lifetime is for how long a mail of a newsletter may be put off after its
// first attempt.
const lifetime = 24 * time.Hour

// ErrRefused is what a deed ends in that the state of things does not allow.
// Its text is fit to show.
var ErrRefused = errors.New("not possible now")

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, args...))
}

// Launch plans a campaign, writes every mail of it, seals how many there are and
// lets them go. Nothing leaves before all stand; what fails or crashes on the
// way is cancelled whole. hash is of the plan that was read; "" launches
// whatever the plan is now. Again has it go also to those who had it already.
func (p *Planner) Launch(ctx context.Context, actor, name, hash string, again bool) (campaign.Run, error) {
	var run campaign.Run
	src, err := p.o.Campaign(name)
	if err != nil {
		return run, err
	}
	plan, all, err := p.plan(ctx, src, again)
	switch {
	case err != nil:
		return run, err
	case len(plan.Faults) > 0:
		return run, refused("campaign %s has faults:\n%s", name, strings.Join(plan.Faults, "\n"))
	case hash != "" && hash != plan.Hash:
		return run, refused("the plan is another by now (%s instead of %s): read it again", plan.Hash, hash)
	}
	if run, err = p.begin(ctx, actor, src, plan); err != nil {
		return run, err
	}
	defer p.launched(run.ID)
	n := 0
	if src.Rhythm == nil {
		n, err = p.freezeAll(ctx, run, src, all)
	}
	if err == nil {
		run, err = p.seal(ctx, actor, run, n)
	}
	if err != nil {
		_, undo := p.end(context.WithoutCancel(ctx), run.ID, campaign.Cancelled, "its mails could not be written: "+err.Error())
		return run, errors.Join(fmt.Errorf("launch campaign %s: %w", name, err), undo)
	}
	p.o.Wake()
	return run, nil
}

// begin writes the run. There is one at a time of a campaign.
func (p *Planner) begin(ctx context.Context, actor string, src Source, plan campaign.Plan) (campaign.Run, error) {
	now := p.o.Now().UTC().Truncate(time.Microsecond)
	run := campaign.Run{
		ID: campaign.RunID(store.NewID(now)), Campaign: src.Name, Purpose: src.Purpose, Basis: src.Basis, Sender: src.Sender,
		State: campaign.Preparing, By: contact.Address(actor), Plan: plan.Hash, Created: now, Changed: now, Window: src.Window,
		Questions: src.Questions, Seed: src.Seed,
	}
	if src.Rhythm != nil {
		run.Rhythm, run.Since = src.Rhythm, now
	}
	p.mu.Lock()
	if p.launching == nil {
		p.launching = map[campaign.RunID]bool{}
	}
	p.launching[run.ID] = true
	p.mu.Unlock()
	err := p.o.Store.Update(ctx, func(tx store.Tx) error {
		last, err := tx.Runs().List(src.Name, store.Slice{Limit: 1})
		if err != nil {
			return err
		}
		for _, r := range last.Items {
			if r.State == campaign.Preparing || r.State == campaign.Running || r.State == campaign.Paused {
				return refused("campaign %s is %s already, since %s", src.Name, r.State, r.Changed.Format(time.RFC3339))
			}
		}
		return tx.Runs().Put(run)
	})
	if err != nil {
		p.launched(run.ID)
	}
	return run, err
}

// launches reports whether this process is launching a run right now.
func (p *Planner) launches(id campaign.RunID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.launching[id]
}

// launched says that the launch of a run has ended, as it may.
func (p *Planner) launched(id campaign.RunID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.launching, id)
}

// freezeAll writes the deliveries of a run, and the bytes of those that are to
// be sent. It returns how many there are.
func (p *Planner) freezeAll(ctx context.Context, run campaign.Run, src Source, all []chosen) (int, error) {
	sender, from, err := p.sender(src.Sender)
	if err != nil {
		return 0, err
	}
	written, sown := 0, 0
	seen := map[contact.Address]bool{}
	for len(all) > 0 {
		var batch []frozen
		for len(all) > 0 && len(batch) < atOnce {
			c := all[0]
			all = all[1:]
			if c.Address == "" || outbox.CheckAddress(string(c.Address)) != nil || seen[c.Address.Folded()] {
				continue // the plan names them; there is nothing that could be sent
			}
			seen[c.Address.Folded()] = true
			f, err := p.freeze(run, src, sender, from, c)
			if err != nil {
				return 0, fmt.Errorf("write the mail for %s: %w", cmp.Or(c.Name, string(c.Address)), err)
			}
			sown = sow(run, &f, sown)
			batch = append(batch, f)
		}
		if err := p.o.Store.Update(ctx, func(tx store.Tx) error { return put(tx, batch) }); err != nil {
			return 0, err
		}
		written += len(batch)
	}
	return written, nil
}

// frozen is a delivery on its way into the store.
type frozen struct {
	d    outbox.Delivery
	raw  []byte // nil where it is not to be sent
	hold campaign.Hold
}

// freeze makes one delivery. Who is held back gets one that says so.
func (p *Planner) freeze(run campaign.Run, src Source, sender Sender, from contact.Address, c chosen) (frozen, error) {
	now := p.o.Now().UTC().Truncate(time.Microsecond)
	f := frozen{hold: c.hold, d: outbox.Delivery{
		ID: outbox.ID(store.NewID(now)), Run: run.ID, Contact: c.Contact, Address: c.Address, Sender: sender.Name, From: from,
		State: outbox.Planned, Changed: now, Lifetime: outbox.Lifetime(lifetime),
	}}
	if run.Rhythm != nil {
		f.d.Written = now
	}
	if c.hold.Why != "" && !c.hold.MayWait(began(run, f.d)) {
		return f, nil
	}
	m, err := p.signed(src, sender, from, c, f.d.ID, outbox.ForReply)
	if err != nil {
		return f, err
	}
	f.raw = m.raw
	f.d.State, f.d.Due = outbox.Frozen, src.Schedule
	if c.hold.Until.After(f.d.Due) {
		f.d.Due, f.d.Reason = c.hold.Until, waitsFor(c.hold)
	}
	if later := src.Window.Next(later(now, f.d.Due), p.zoneOf(c.candidate.Contact)); later.After(now) && later.After(f.d.Due) {
		f.d.Due, f.d.Reason = later, outsideWindow
	}
	f.d.Subject, f.d.MessageID = m.subject, m.messageID
	f.d.Sum, f.d.Size = message.Sum(sha256.Sum256(m.raw)), int64(len(m.raw))
	return f, nil
}

// outsideWindow is why a mail waits for the hours of its campaign.
const outsideWindow = "outside the window of its campaign"

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// put writes deliveries with their bytes.
func put(tx store.Tx, batch []frozen) error {
	for _, f := range batch {
		if err := tx.Outbox().Add(f.d); err != nil {
			return err
		}
		if f.raw != nil {
			if err := tx.Outbox().Freeze(f.d.ID, f.raw); err != nil {
				return err
			}
			continue
		}
		held, err := f.d.Apply(heldBy(f.hold), f.d.Changed)
		if err != nil {
			return err
		}
		if err := tx.Outbox().Put(held); err != nil {
			return err
		}
	}
	return nil
}

// waitsFor says what a mail waits for.
func waitsFor(h campaign.Hold) string {
	return h.String() + " before " + h.Until.UTC().Format(time.DateOnly)
}

// heldBy is what happens to a delivery that is held.
func heldBy(h campaign.Hold) outbox.Event {
	e := outbox.Event{What: outbox.Skip, Reason: h.String(), Why: h.Why}
	if h.Why == campaign.Stopped {
		e.What = outbox.Suppress
	}
	return e
}

// seal counts the recipients of a run and lets it begin.
func (p *Planner) seal(ctx context.Context, actor string, run campaign.Run, n int) (campaign.Run, error) {
	err := p.o.Store.Update(ctx, func(tx store.Tx) error {
		r, err := tx.Runs().Get(run.ID)
		if err != nil {
			return err
		}
		if r, err = r.Become(campaign.Running, "", p.o.Now()); err != nil {
			return err
		}
		r.Recipients = n
		run = r
		if err := tx.Runs().Put(r); err != nil {
			return err
		}
		return p.note(tx, actor, "campaign.launch", r.Campaign, fmt.Sprintf("run %s, %d recipients, plan %s", r.ID, n, r.Plan))
	})
	return run, err
}

// last returns the last run of a campaign.
func last(tx store.Tx, name string) (campaign.Run, error) {
	page, err := tx.Runs().List(name, store.Slice{Limit: 1})
	if err != nil {
		return campaign.Run{}, err
	}
	if len(page.Items) == 0 {
		return campaign.Run{}, fmt.Errorf("campaign %s was never launched: %w", name, store.ErrNotFound)
	}
	return page.Items[0], nil
}

// Pause stops the last run of a campaign: nothing of it leaves until Resume.
func (p *Planner) Pause(ctx context.Context, actor, name string) (campaign.Run, error) {
	return p.steer(ctx, actor, name, campaign.Paused)
}

// Resume lets a paused run go on.
func (p *Planner) Resume(ctx context.Context, actor, name string) (campaign.Run, error) {
	run, err := p.steer(ctx, actor, name, campaign.Running)
	p.o.Wake()
	return run, err
}

// Cancel ends the last run of a campaign: what has not left stays here.
func (p *Planner) Cancel(ctx context.Context, actor, name string) (campaign.Run, error) {
	run, err := p.steer(ctx, actor, name, campaign.Cancelled)
	if err != nil {
		return run, err
	}
	return p.end(ctx, run.ID, campaign.Cancelled, run.Reason)
}

// deeds are the actions of the trail.
var deeds = map[campaign.RunState]string{campaign.Paused: "campaign.pause", campaign.Running: "campaign.resume", campaign.Cancelled: "campaign.cancel"}

func (p *Planner) steer(ctx context.Context, actor, name string, to campaign.RunState) (run campaign.Run, err error) {
	err = p.o.Store.Update(ctx, func(tx store.Tx) error {
		r, err := last(tx, name)
		if err != nil {
			return err
		}
		reason := ""
		if to != campaign.Running {
			reason = string(to) + " by " + actor
		}
		if to == campaign.Running && r.State != campaign.Paused {
			return refused("campaign %s is %s, not paused", name, r.State)
		}
		changed, err := r.Become(to, reason, p.o.Now())
		if err != nil {
			return refused("campaign %s is %s", name, r.State)
		}
		if to == campaign.Running && changed.Seed > 0 && r.Halted {
			changed.Seeded = p.o.Now() // whoever resumes it has seen what came back
		}
		run = changed
		if err := tx.Runs().Put(changed); err != nil {
			return err
		}
		return p.note(tx, actor, deeds[to], name, "run "+string(r.ID))
	})
	return run, err
}

// end brings a run to its end and cancels what of it waits, a part at a time.
func (p *Planner) end(ctx context.Context, id campaign.RunID, state campaign.RunState, reason string) (run campaign.Run, err error) {
	for more := true; more && err == nil; {
		err = p.o.Store.Update(ctx, func(tx store.Tx) error {
			r, err := tx.Runs().Get(id)
			if err != nil {
				return err
			}
			if run, err = r.Become(state, reason, p.o.Now()); err != nil {
				return err
			}
			if err := tx.Runs().Put(run); err != nil {
				return err
			}
			more, err = p.cancelSome(tx, run)
			return err
		})
	}
	return run, err
}

// cancelSome cancels some of the deliveries of a run that wait; more tells
// whether others do.
func (p *Planner) cancelSome(tx store.Tx, run campaign.Run) (more bool, err error) {
	for _, state := range []outbox.State{outbox.Planned, outbox.Frozen, outbox.Deferred} {
		page, err := tx.Outbox().List(store.OutboxFilter{Run: run.ID, State: state}, store.Slice{Limit: 500})
		if err != nil {
			return false, err
		}
		for _, d := range page.Items {
			if d, err = d.Apply(outbox.Event{What: outbox.Cancel, Reason: run.Reason}, p.o.Now()); err != nil {
				return false, err
			}
			if err := errors.Join(tx.Outbox().Put(d), tx.Outbox().Drop(d.ID)); err != nil {
				return false, err
			}
		}
		more = more || page.Next != ""
	}
	return more, nil
}
