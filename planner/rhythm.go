package planner

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/outbox"
	"rapport/records/sale"
	"rapport/store"
)

// reachEvery is how often it is looked whose occasions have come: it takes a
// look at every contact.
const reachEvery = 5 * time.Minute

// reckonEvery is the same where a look sums up what everybody bought, which takes
// a second for 10,000 people.
const reckonEvery = time.Hour

// reaching remembers when each reminder was last looked after.
type reaching struct {
	sync.Mutex
	at map[campaign.RunID]reach
}

// reach is a look for a run in the state that it had.
type reach struct{ at, changed time.Time }

// due reports whether a run is to be looked after now, and notes that it is.
func (r *reaching) due(run campaign.Run, now time.Time) bool {
	r.Lock()
	defer r.Unlock()
	every := reachEvery
	if run.Rhythm != nil && run.Rhythm.Trigger == campaign.OnInterval {
		every = reckonEvery
	}
	last, known := r.at[run.ID]
	if known && last.changed.Equal(run.Changed) && now.Sub(last.at).Abs() < every {
		return false
	}
	if r.at == nil {
		r.at = map[campaign.RunID]reach{}
	}
	r.at[run.ID] = reach{now, run.Changed}
	return true
}

// zoneOf is the zone of a person's clock: their own where it is known, else
// that of the team.
func (p *Planner) zoneOf(c contact.Contact) *time.Location {
	if loc, err := time.LoadLocation(c.TimeZone); err == nil && c.TimeZone != "" && c.TimeZone != "Local" {
		return loc
	}
	return p.zone()
}

func (p *Planner) zone() *time.Location {
	if z := p.o.Settings().Zone; z != nil {
		return z
	}
	return time.UTC
}

// occasion is an anchor with its person.
type occasion struct {
	campaign.Anchor
	person contact.Contact
}

// occasions finds whose mails are due, from a time until another.
func (p *Planner) occasions(ctx context.Context, src Source, from, until time.Time) ([]occasion, error) {
	r, zone := *src.Rhythm, p.zone()
	switch r.Trigger {
	case campaign.OnSale:
		return p.soldTo(ctx, r, from, until)
	case campaign.OnDue:
		return p.owing(ctx, r, from, until)
	}
	var out []occasion
	for s := (store.Slice{Limit: 500}); ; {
		var found []occasion
		err := p.o.Store.View(ctx, func(tx store.Tx) error {
			found = nil
			list, err := tx.Contacts().List(store.Filter{}, s)
			if err != nil {
				return err
			}
			s.Cursor = list.Next
			for _, c := range list.Items {
				a, has, err := p.anchorOf(tx, c, r.Trigger, src.Purpose, zone)
				if err != nil {
					return err
				}
				if due := r.Due(a.At, zone); has && !due.Before(from) && !due.After(until) {
					found = append(found, occasion{a, c})
				}
			}
			return nil
		})
		if out = append(out, found...); err != nil || s.Cursor == "" {
			return out, err
		}
	}
}

// anchorOf is the occasion that stands in a contact's record, or follows from
// what they bought.
func (p *Planner) anchorOf(tx store.Tx, c contact.Contact, trigger, purpose string, zone *time.Location) (campaign.Anchor, bool, error) {
	a := campaign.Anchor{Contact: c.ID}
	switch trigger {
	case campaign.OnConsent:
		last, said := c.Consent(purpose)
		a.At, a.Name = last.At, trigger+" "+purpose+" "+last.At.UTC().Format(time.RFC3339Nano)
		return a, said && last.State != contact.Withdrawn, nil
	case campaign.OnInterval:
		cand, err := p.candidate(tx, c)
		if err != nil {
			return a, false, err
		}
		return p.overdue(tx, cand)
	}
	value := c.Custom[strings.TrimPrefix(trigger, campaign.OnField)]
	day, err := followup.ParseDay(strings.TrimSpace(value))
	a.At, a.Name = day.In(zone), trigger+" "+string(day)
	return a, err == nil, nil
}

// soldTo finds the sales whose mails are due. A sale to an organisation is an
// occasion of everybody there.
func (p *Planner) soldTo(ctx context.Context, r campaign.Rhythm, from, until time.Time) (out []occasion, err error) {
	zone := p.zone()
	f := store.SaleFilter{Direction: sale.Sold, From: followup.DayOf(from.In(zone).AddDate(0, 0, -r.Days-1)), Until: followup.DayOf(until.In(zone).AddDate(0, 0, -r.Days+1))}
	err = p.o.Store.View(ctx, func(tx store.Tx) error {
		out = nil
		all, err := store.Where(func(s store.Slice) (store.Page[sale.Sale], error) { return tx.Sales().List(f, s) }, func(s sale.Sale) (bool, error) {
			due := r.Due(s.Date.In(zone), zone)
			return s.Counts() && !due.Before(from) && !due.After(until), nil
		})
		if err != nil {
			return err
		}
		out, err = toBuyers(tx, all, campaign.OnSale, func(s sale.Sale) time.Time { return s.Date.In(zone) })
		return err
	})
	return out, err
}

// buyers are the people a sale was made to.
func buyers(tx store.Tx, s sale.Sale) ([]contact.Contact, error) {
	if s.Contact != "" {
		c, err := liveContact(tx, s.Contact)
		if c == nil || err != nil {
			return nil, err
		}
		return []contact.Contact{*c}, nil
	}
	return store.Where(func(sl store.Slice) (store.Page[contact.Contact], error) {
		return tx.Contacts().Of(s.Organisation, sl)
	}, func(c contact.Contact) (bool, error) { return c.MergedInto == "", nil })
}

// reached are those of the audience whose occasions have come and who were not
// judged for them yet. begun is when the run was launched; since is later where
// a copy was restored.
func (p *Planner) reached(ctx context.Context, src Source, begun, since time.Time) (out []waiting, err error) {
	now := p.o.Now()
	from, until := src.Rhythm.Span(since, now)
	all, err := p.occasions(ctx, src, from, until)
	if err != nil {
		return nil, fmt.Errorf("look for occasions: %w", err)
	}
	terms := p.o.Settings().terms(src.Purpose, src.Basis)
	for len(all) > 0 {
		some := all[:min(atOnce, len(all))]
		all = all[len(some):]
		var found []waiting
		err := p.o.Store.View(ctx, func(tx store.Tx) error {
			found = nil
			for _, o := range some {
				w, has, err := p.waits(tx, src, terms, o, begun)
				if err != nil {
					return err
				}
				if has {
					found = append(found, w)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// waits judges one occasion that has come: whether its person is in the
// audience and was not judged for it yet, and what holds the mail back.
func (p *Planner) waits(tx store.Tx, src Source, terms campaign.Terms, o occasion, begun time.Time) (w waiting, has bool, err error) {
	one, in, err := p.ask(tx, src, terms, o.person, "", p.o.Now())
	if err != nil || !in || one.Address == "" || one.hold.Why == campaign.BadAddress {
		return w, false, err
	}
	w = waiting{chosen: one, anchor: o.Anchor, step: src.step}
	if done, err := p.judged(tx, src.mailName(src.step), w); err != nil || done {
		return w, false, err
	}
	if enters, err := p.enters(tx, src, w, begun); err != nil || !enters {
		return w, false, err
	}
	what, stopped, err := p.stopped(tx, *src.Rhythm, o.person, o.Name, o.At)
	if err != nil {
		return w, false, err
	}
	if stopped && w.hold.Why == "" {
		w.hold = campaign.Hold{Why: campaign.Pointless, Detail: what}
	}
	if o.Sale != nil {
		w.candidate.Sale = o.Sale
	}
	if w.after, err = p.spaced(tx, src, w); err != nil {
		return w, false, err
	}
	w.Why, w.Reason = w.hold.Why, w.hold.String()
	return w, true, nil
}

// sampled is how many of an audience are written to on trial, before the
// occasion of anybody has come.
const sampled = 100

// tried are some whose occasions may come, as if they had.
func (p *Planner) tried(ctx context.Context, src Source) (out []chosen, err error) {
	all, _, err := p.choose(ctx, src, true)
	for _, c := range all {
		if c.Why != "" || len(out) == sampled {
			continue
		}
		if src.Rhythm.Trigger == campaign.OnSale && c.candidate.Sale == nil {
			c.candidate.Sale = &sale.Sale{Number: "1", Date: followup.DayOf(p.o.Now()), Currency: "EUR", Items: []sale.Item{{Product: "1"}}}
		}
		out = append(out, c)
	}
	return out, err
}

// waiting is somebody whose occasion has come.
type waiting struct {
	chosen
	anchor campaign.Anchor
	step   int       // of a series
	after  time.Time // not before, as the step before it was late
}

// marks name an occasion of a person and of their address, in the state of the
// store: neither gets a second mail for it, whatever becomes of run and clock.
func (p *Planner) marks(name string, w waiting) [2]string {
	var out [2]string
	for n, whose := range []string{string(w.Contact), string(w.Address.Folded())} {
		out[n] = fmt.Sprintf("occasion %x", contact.AddressDigest(p.o.Key, contact.Address(name+"\x00"+w.anchor.Name+"\x00"+whose)))
	}
	return out
}

// judged reports whether an occasion had its mail, or was held back for good.
func (p *Planner) judged(tx store.Tx, name string, w waiting) (bool, error) {
	for _, m := range p.marks(name, w) {
		if v, err := tx.State().Get(m); v != nil || err != nil {
			return v != nil, err
		}
	}
	return false, nil
}

// stopped reports whether something made a mail for an occasion pointless.
func (p *Planner) stopped(tx store.Tx, r campaign.Rhythm, c contact.Contact, occasion string, anchor time.Time) (string, bool, error) {
	if len(r.Stop) == 0 && r.Trigger != campaign.OnDue && r.Trigger != campaign.OnInterval {
		return "", false, nil
	}
	cand, err := candidate(tx, c)
	if err == nil {
		err = p.bought(tx, &cand)
	}
	if err != nil {
		return "", false, err
	}
	if what, is, err := p.past(tx, occasion, cand, anchor); err != nil || is {
		return what, is, err
	}
	var bought time.Time
	if cand.Sale != nil {
		bought = cand.Sale.Date.In(p.zone())
	}
	what, is := r.Stopped(anchor, cand.LastIn, bought)
	return what, is, nil
}

// reach writes the mails of a reminder that are due. What changed in its files
// but the text and the audience takes a new launch.
func (p *Planner) reach(ctx context.Context, run campaign.Run) error {
	src, err := p.o.Campaign(run.Campaign)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return p.halt(ctx, run.ID, "its file is not there any more: bring it back and resume, or cancel it")
	case err != nil:
		return err
	case len(src.Faults) > 0:
		return p.halt(ctx, run.ID, "its files have faults: "+src.Faults[0])
	case src.Rhythm == nil || !src.Rhythm.Same(*run.Rhythm) || src.Window != run.Window || src.Purpose != run.Purpose || src.Basis != run.Basis || src.Sender != run.Sender || !reflect.DeepEqual(src.Questions, run.Questions):
		return p.halt(ctx, run.ID, "when, why, through which sender it writes, or what it asks was changed: cancel it and launch it again")
	}
	sender, from, err := p.sender(src.Sender)
	if err != nil {
		return err
	}
	// The backfill is of the launch alone: what was due before a copy of the store
	// was restored may have been sent since the copy was made.
	rhythm := *src.Rhythm
	if run.Since.After(run.Created) {
		rhythm.Backfill = 0
	}
	src.Rhythm = &rhythm
	wrote := false
	for _, part := range src.parts() {
		some, err := p.reachStep(ctx, run, part, sender, from)
		if err != nil {
			return err
		}
		wrote = wrote || some
	}
	if wrote {
		p.o.Wake()
	}
	return nil
}

// reachStep writes the mails that are due of one step; wrote tells whether there
// are some.
func (p *Planner) reachStep(ctx context.Context, run campaign.Run, src Source, sender Sender, from contact.Address) (wrote bool, err error) {
	all, err := p.reached(ctx, src, run.Created, run.Since)
	if err != nil {
		return false, err
	}
	for _, w := range all {
		f, err := p.freeze(run, src, sender, from, w.chosen)
		if err != nil {
			return wrote, p.halt(ctx, run.ID, fmt.Sprintf("the mail for %s cannot be written: %s", w.Name, strings.ReplaceAll(err.Error(), "\n", "; ")))
		}
		f.d.Anchor, f.d.Occasion, f.d.Step = w.anchor.At, w.anchor.Name, w.step
		if w.after.After(f.d.Due) && f.raw != nil {
			f.d.Due, f.d.Reason = src.Window.Next(later(p.o.Now(), w.after), p.zoneOf(w.candidate.Contact)), afterLast
		}
		if err := p.file(ctx, run, src, f, w); err != nil {
			return wrote, err
		}
		wrote = wrote || f.raw != nil
	}
	return wrote, nil
}

// afterLast is why a step waits that comes too soon after the one before it.
const afterLast = "the step before it was late"

// file puts the mail for an occasion into the outbox and marks the occasion, in
// one transaction, unless that was done or the run does not run any more.
func (p *Planner) file(ctx context.Context, run campaign.Run, src Source, f frozen, w waiting) error {
	return p.o.Store.Update(ctx, func(tx store.Tx) error {
		r, err := tx.Runs().Get(run.ID)
		if err != nil || r.State != campaign.Running {
			return err
		}
		if done, err := p.judged(tx, src.mailName(src.step), w); err != nil || done {
			return err
		}
		f.d.Epoch = 0
		_, err = store.Where(func(s store.Slice) (store.Page[outbox.Delivery], error) {
			return tx.Outbox().List(store.OutboxFilter{Address: f.d.Address}, s)
		}, func(d outbox.Delivery) (bool, error) {
			if d.Run == run.ID {
				f.d.Epoch = max(f.d.Epoch, d.Epoch+1)
			}
			return false, nil
		})
		if err != nil {
			return err
		}
		for _, m := range p.marks(src.mailName(src.step), w) {
			if err := tx.State().Put(m, []byte(f.d.ID)); err != nil {
				return err
			}
		}
		r.Recipients++
		return errors.Join(put(tx, []frozen{f}), tx.Runs().Put(r))
	})
}

// began is from when on a mail's patience counts: that of its run, or, of a
// reminder, when it was written.
func began(run campaign.Run, d outbox.Delivery) time.Time {
	if run.Rhythm == nil {
		return run.Created
	}
	return d.Written
}
