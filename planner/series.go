package planner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rapport/records/campaign"
	"rapport/records/followup"
	"rapport/records/outbox"
	"rapport/records/sale"
	"rapport/store"
)

// parts are the mails of a campaign: of a series its steps, each as a campaign
// of its own, else the campaign itself.
func (s Source) parts() []Source {
	if s.Rhythm == nil || len(s.Rhythm.Steps) == 0 {
		return []Source{s}
	}
	var out []Source
	for n, pace := range s.Rhythm.Steps {
		one, rhythm := s, *s.Rhythm
		one.step, rhythm.Days = n, pace.Days
		one.Rhythm, one.Letters = &rhythm, s.Steps[n]
		out = append(out, one)
	}
	return out
}

// mailName names a mail of a campaign for ever: of a series, a step by its own
// name, so that another may be put before it.
func (s Source) mailName(step int) string {
	if s.Rhythm == nil || len(s.Rhythm.Steps) == 0 {
		return s.Name
	}
	return s.Name + "\x00step " + s.Rhythm.Steps[step].Name
}

// enters reports whether somebody gets this step of a series: it is begun from
// its first, also in an earlier run, or is one that may be entered amid. There,
// where the next step is due as well, this one is left out.
func (p *Planner) enters(tx store.Tx, src Source, w waiting, begun time.Time) (bool, error) {
	if r := *src.Rhythm; r.Ahead() && src.step+1 < len(r.Steps) {
		r.Days = r.Steps[src.step+1].Days
		if !r.Due(w.anchor.At, p.zone()).After(p.o.Now()) {
			return false, nil
		}
	}
	if src.step == 0 || src.Rhythm.Begins(w.anchor.At, begun, p.zone()) {
		return true, nil
	}
	return p.judged(tx, src.mailName(0), w)
}

// spaced is when a step of a series may leave at the earliest: as long after the
// one before it as their days say, however late that was.
func (p *Planner) spaced(tx store.Tx, src Source, w waiting) (time.Time, error) {
	if src.step == 0 || src.Rhythm.Ahead() { // its day is the occasion's
		return time.Time{}, nil
	}
	v, err := tx.State().Get(p.marks(src.mailName(src.step-1), w)[0])
	if v == nil || err != nil {
		return time.Time{}, err
	}
	before, err := tx.Outbox().Get(outbox.ID(v))
	if errors.Is(err, store.ErrNotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read the step before: %w", err)
	}
	if before.State.Final() && before.Dots == 0 { // it was held back
		return time.Time{}, nil
	}
	steps := src.Rhythm.Steps
	at := later(before.Written, before.Due)
	return at.In(p.zone()).AddDate(0, 0, steps[src.step].Days-steps[src.step-1].Days), nil
}

// owing finds the sales whose mails about their payment are due.
func (p *Planner) owing(ctx context.Context, r campaign.Rhythm, from, until time.Time) (out []occasion, err error) {
	zone := p.zone()
	last := followup.DayOf(until.In(zone).AddDate(0, 0, -r.Days+1))
	err = p.o.Store.View(ctx, func(tx store.Tx) error {
		out = nil
		all, err := store.Where(func(s store.Slice) (store.Page[sale.Sale], error) {
			return tx.Sales().Owed(sale.Sold, last, s)
		}, func(s sale.Sale) (bool, error) {
			due := r.Due(s.Due.In(zone), zone)
			return s.Amount > 0 && !due.Before(from) && !due.After(until), nil
		})
		if err != nil {
			return err
		}
		out, err = toBuyers(tx, all, campaign.OnDue, func(s sale.Sale) time.Time { return s.Due.In(zone) })
		return err
	})
	return out, err
}

// toBuyers makes each of some sales an occasion of everybody it was made to.
func toBuyers(tx store.Tx, all []sale.Sale, trigger string, at func(sale.Sale) time.Time) (out []occasion, err error) {
	for _, s := range all {
		people, err := buyers(tx, s)
		if err != nil {
			return nil, fmt.Errorf("read who bought %s: %w", s.ID, err)
		}
		for _, c := range people {
			out = append(out, occasion{campaign.Anchor{Contact: c.ID, Name: trigger + " " + string(s.ID), At: at(s), Sale: &s}, c})
		}
	}
	return out, nil
}

// overdue is when both a purchase and mail of somebody are late. Purchases are
// late when three of four times so far the next one had come; mail, when a
// silence is unusual, or, where there was too little mail to tell, when nothing
// was heard of them since the purchase was late.
func (p *Planner) overdue(tx store.Tx, c campaign.Candidate) (campaign.Anchor, bool, error) {
	a := campaign.Anchor{Contact: c.Contact.ID, Sale: c.Sale}
	if c.Sales.Interval == nil {
		return a, false, nil
	}
	zone := p.zone()
	a.At = c.Sales.Last.In(zone).AddDate(0, 0, c.Sales.Interval.High+1)
	a.Name = campaign.OnInterval + " " + string(c.Sales.Last)
	r, err := tx.Relations().Get(store.Subject{Contact: c.Contact.ID})
	if err != nil {
		return a, false, fmt.Errorf("read how things stand with %s: %w", c.Contact.ID, err)
	}
	quiet := r.QuietAt()
	if quiet.IsZero() && r.In.Last.After(a.At) {
		quiet = r.In.Last.AddDate(0, 0, c.Sales.Interval.Median)
	}
	a.At = later(a.At, quiet)
	return a, true, nil
}

// past reports whether what an occasion is about has settled itself: it was
// paid, or somebody who was late bought or wrote.
func (p *Planner) past(tx store.Tx, name string, c campaign.Candidate, at time.Time) (string, bool, error) {
	if id, is := campaign.SaleOf(name); is {
		s, err := tx.Sales().Get(id)
		if errors.Is(err, store.ErrNotFound) {
			return campaign.StopPaid, true, nil
		}
		if err != nil {
			return "", false, fmt.Errorf("read the sale that is due: %w", err)
		}
		return campaign.StopPaid, s.Status != sale.Open || s.Amount <= 0 || s.Due == "", nil
	}
	if day, is := campaign.PurchaseOf(name); is {
		switch {
		case string(c.Sales.Last) != day:
			return campaign.StopBought, true, nil
		case c.LastIn.After(at):
			return campaign.StopReplied, true, nil
		}
	}
	return "", false, nil
}
