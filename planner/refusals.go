package planner

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/outbox"
	"rapport/store"
)

// A domain that refuses mail for policy, which is about us and not about whom we
// write to, is left alone for a while: more of the same makes it worse.
const (
	refusalsInRow = 5
	leftAlone     = 12 * time.Hour
	mostRefusing  = 1000 // domains that are kept
)

// stateRefusing is where the store keeps which domains refuse mail for policy.
const stateRefusing = "refusing-domains"

// refusal is how a domain refuses.
type refusal struct {
	InRow int       `json:"in_row"`
	Last  time.Time `json:"last"`
	Text  string    `json:"text"` // the last answer
	Until time.Time `json:"until,omitzero"`
}

// refusing reads all of them, nil where there are none.
func refusing(tx store.Tx) (all map[string]refusal, err error) {
	raw, err := tx.State().Get(stateRefusing)
	if err != nil || len(raw) == 0 {
		return nil, err
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("read which domains refuse mail: %w", err)
	}
	return all, nil
}

func putRefusing(tx store.Tx, all map[string]refusal) error {
	if len(all) == 0 {
		return tx.State().Put(stateRefusing, nil)
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return tx.State().Put(stateRefusing, raw)
}

// refusing puts a delivery off whose domain is left alone.
func (p *Planner) refusing(tx store.Tx, a contact.Address, now time.Time) (outbox.Event, error) {
	all, err := refusing(tx)
	if err != nil {
		return outbox.Event{}, err
	}
	domain := a.Domain()
	r := all[domain]
	if !r.Until.After(now) || r.Until.Sub(now) > leftAlone { // set by a clock that was ahead
		return outbox.Event{}, nil
	}
	return outbox.Event{What: outbox.Return, Until: r.Until, Reason: domain + " refuses our mail: " + r.Text}, nil
}

// refused hears that a server refused a delivery for good. What it says of the
// mail itself stops the run; what it says of us is counted for its domain.
func (p *Planner) refused(tx store.Tx, d outbox.Delivery) error {
	if d.Reply == nil {
		return nil
	}
	now := p.o.Now()
	switch d.Class {
	case outbox.ClassContent:
		return p.haltIn(tx, d.Run, "a server refuses what the mail holds: "+d.Reply.Text)
	case outbox.ClassPolicy:
	default:
		return nil
	}
	all, err := refusing(tx)
	if err != nil {
		return err
	}
	if all == nil {
		all = map[string]refusal{}
	}
	for len(all) >= mostRefusing {
		oldest := slices.MinFunc(slices.Collect(maps.Keys(all)), func(a, b string) int { return all[a].Last.Compare(all[b].Last) })
		delete(all, oldest)
	}
	r := all[d.Address.Domain()]
	r.InRow, r.Last, r.Text = r.InRow+1, now, d.Reply.Text
	if r.InRow >= refusalsInRow {
		r.Until = now.Add(leftAlone)
	}
	all[d.Address.Domain()] = r
	return putRefusing(tx, all)
}

// takes hears that a server took a delivery.
func (p *Planner) takes(tx store.Tx, d outbox.Delivery) error {
	all, err := refusing(tx)
	if err != nil {
		return err
	}
	if _, known := all[d.Address.Domain()]; !known {
		return nil
	}
	delete(all, d.Address.Domain())
	return putRefusing(tx, all)
}

// Trouble is something about campaigns that somebody has to hear of.
type Trouble struct {
	Object string // campaign spring, domain example.org
	Text   string // with what to do about it
	Since  time.Time
}

// Troubles are the runs that the program had to pause, and the domains that
// refuse our mail.
func (p *Planner) Troubles(ctx context.Context) (out []Trouble, err error) {
	now := p.o.Now()
	err = p.o.Store.View(ctx, func(tx store.Tx) error {
		out = nil
		paused, err := tx.Runs().In(campaign.Paused, store.Slice{Limit: 1000})
		if err != nil {
			return err
		}
		for _, r := range paused.Items {
			if r.Halted {
				out = append(out, Trouble{"campaign " + r.Campaign, "It was paused: " + r.Reason, r.Changed})
			}
		}
		all, err := refusing(tx)
		for _, domain := range slices.Sorted(maps.Keys(all)) {
			if r := all[domain]; r.Until.After(now) {
				out = append(out, Trouble{"domain " + domain, fmt.Sprintf("It refused %d mails in a row: %s. Mail to it waits until %s; "+
					"look at SPF, DKIM and DMARC with rapport doctor, and at what the answer names.", r.InRow, r.Text, r.Until.UTC().Format(time.RFC3339)), r.Last})
			}
		}
		return err
	})
	return out, err
}
