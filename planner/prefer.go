package planner

import (
	"context"
	"fmt"
	"slices"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/outbox"
	"rapport/store"
)

// Choice is a topic and whether an address gets it.
type Choice struct {
	Topic
	On bool
}

// Preferences returns what whoever got a delivery gets, as far as they have a say;
// the error wraps store.ErrNotFound where the delivery is not known any more.
func (p *Planner) Preferences(ctx context.Context, id outbox.ID) (out []Choice, err error) {
	err = p.o.Store.View(ctx, func(tx store.Tx) error {
		d, err := tx.Outbox().Get(id)
		if err != nil {
			return err
		}
		out, err = p.choices(tx, d.Address)
		return err
	})
	return out, err
}

func (p *Planner) choices(tx store.Tx, a contact.Address) (out []Choice, err error) {
	stops, err := tx.Suppressions().Of(p.digest(a))
	if err != nil {
		return nil, fmt.Errorf("read what %s has said: %w", a, err)
	}
	people, err := tx.Contacts().ByFolded(a)
	if err != nil {
		return nil, err
	}
	for _, t := range p.o.Settings().Topics {
		off := slices.ContainsFunc(stops, func(s store.Suppression) bool { return s.Scope == "" || s.Scope == t.Purpose })
		for _, c := range people {
			last, said := c.Consent(t.Purpose)
			off = off || said && last.State == contact.Withdrawn
		}
		out = append(out, Choice{t, !off})
	}
	return out, nil
}

// Prefer keeps what whoever got a delivery wants to get from now on. What they
// want no more holds once it returns; for what they want again a mail asks
// whether they meant it, since a mail can be forwarded. It reports whether one
// does.
func (p *Planner) Prefer(ctx context.Context, id outbox.ID, want []string, language, agent string) (asks bool, err error) {
	var again []string
	var to contact.Address
	sender := ""
	err = p.o.Store.Update(ctx, func(tx store.Tx) error {
		again = nil
		return p.tell(tx, id, func(d *outbox.Delivery, _ campaign.Run) error {
			to, sender = d.Address, d.Sender
			have, err := p.choices(tx, d.Address)
			if err != nil {
				return err
			}
			for _, c := range have {
				wanted := slices.Contains(want, c.Purpose)
				switch {
				case wanted && !c.On:
					again = append(again, c.Purpose)
				case !wanted && c.On:
					if err := p.unsubscribed(tx, d, c.Purpose, "preferences", string(id)); err != nil {
						return err
					}
				}
			}
			return nil
		})
	})
	if err != nil || len(again) == 0 {
		return false, err
	}
	err = p.SignUp(ctx, Asked{Address: to, Language: language, Purposes: again, How: "preferences", Agent: agent, Sender: sender, Theirs: true})
	return err == nil, err
}
