package intake

import (
	"context"
	"errors"
	"fmt"

	"rapport/records/contact"
	"rapport/records/phrase"
	"rapport/store"
)

// Members lists our own people: the configuration's, with who is away or has
// left.
func (i *Intake) Members(ctx context.Context) ([]contact.Member, error) {
	var out []contact.Member
	err := i.store.View(ctx, func(tx store.Tx) error {
		var list []contact.Member
		for _, m := range i.setup.Load().team.Members {
			kept, err := tx.Members().Get(m.Primary())
			if ignoreNotFound(err) != nil {
				return fmt.Errorf("read member %s: %w", m.Primary(), err)
			}
			m.Away, m.LeftTo = kept.Away, kept.LeftTo
			if m.Away != nil && i.now().After(m.Away.Until) {
				m.Away = nil
			}
			list = append(list, m)
		}
		out = list
		return nil
	})
	return out, err
}

// member finds one of ours by any address.
func (i *Intake) member(a contact.Address) (contact.Member, error) {
	m, ok := i.setup.Load().team.Member(a)
	if !ok {
		return m, fmt.Errorf("find member %s: %w: members are listed under team.members in the configuration", a, store.ErrNotFound)
	}
	return m, nil
}

// Away records a member's absence and, where there is one, the deputy; nil
// ends it.
func (i *Intake) Away(ctx context.Context, actor string, member contact.Address, away *contact.Away) error {
	m, err := i.member(member)
	if err != nil {
		return err
	}
	if away != nil {
		if away, err = i.absence(m, *away); err != nil {
			return err
		}
	}
	return i.store.Update(ctx, func(tx store.Tx) error {
		kept, err := tx.Members().Get(m.Primary())
		if ignoreNotFound(err) != nil {
			return fmt.Errorf("read member: %w", err)
		}
		kept.Name, kept.Addresses, kept.Away = m.Name, m.Addresses, away
		if err := tx.Members().Put(kept); err != nil {
			return fmt.Errorf("set %s away: %w", m.Primary(), err)
		}
		return i.audit(tx, actor, "member.away", string(m.Primary()), phrase.Phrase{}, nil)
	})
}

// absence checks an absence and names the deputy by the primary address.
func (i *Intake) absence(m contact.Member, away contact.Away) (*contact.Away, error) {
	if !away.Until.After(i.now()) {
		return nil, fmt.Errorf("set %s away until %s: that day is over", m.Primary(), away.Until.Format("2006-01-02"))
	}
	if away.Deputy == "" {
		return &away, nil
	}
	deputy, err := i.member(away.Deputy)
	if err != nil {
		return nil, err
	}
	if deputy.Primary() == m.Primary() {
		return nil, fmt.Errorf("set %s away: %w: nobody is their own deputy", m.Primary(), store.ErrConflict)
	}
	away.Deputy = deputy.Primary()
	return &away, nil
}

// Leave records that a member has left and hands their contacts and
// organisations over.
func (i *Intake) Leave(ctx context.Context, actor string, member, to contact.Address) error {
	m, err := i.member(member)
	if err != nil {
		return err
	}
	heir, err := i.member(to)
	if err != nil {
		return err
	}
	if heir.Primary() == m.Primary() {
		return fmt.Errorf("hand over from %s: %w: that is the same member", m.Primary(), store.ErrConflict)
	}
	return i.store.Update(ctx, func(tx store.Tx) error {
		if err := errors.Join(i.handOver(tx, m.Primary(), heir.Primary()), i.handFollowUpsOver(tx, m.Primary(), heir.Primary())); err != nil {
			return err
		}
		m.LeftTo, m.Away = heir.Primary(), nil
		if err := tx.Members().Put(m); err != nil {
			return fmt.Errorf("record that %s left: %w", m.Primary(), err)
		}
		return i.audit(tx, actor, "member.leave", string(m.Primary()), phrase.New("to {member}", "member", heir.Primary()), nil)
	})
}

func (i *Intake) handOver(tx store.Tx, from, to contact.Address) error {
	for {
		page, err := tx.Contacts().List(store.Filter{Owner: from, Merged: true}, store.Slice{Limit: 1000})
		if err != nil {
			return fmt.Errorf("list contacts of %s: %w", from, err)
		}
		if len(page.Items) == 0 {
			break
		}
		for _, c := range page.Items {
			c.Owner, c.Updated = to, later(i.now(), c.Updated)
			if err := tx.Contacts().Put(c); err != nil {
				return fmt.Errorf("hand over contact %s: %w", c.ID, err)
			}
		}
	}
	for {
		page, err := tx.Organisations().List(store.Filter{Owner: from, Merged: true}, store.Slice{Limit: 1000})
		if err != nil {
			return fmt.Errorf("list organisations of %s: %w", from, err)
		}
		if len(page.Items) == 0 {
			return nil
		}
		for _, o := range page.Items {
			o.Owner, o.Updated = to, later(i.now(), o.Updated)
			if err := tx.Organisations().Put(o); err != nil {
				return fmt.Errorf("hand over organisation %s: %w", o.ID, err)
			}
		}
	}
}

// Subscriber adds a contact who signed up, inside a transaction of whoever keeps
// that. What it has to be filed again for waits for [Intake.Finish].
func (i *Intake) Subscriber(tx store.Tx, c contact.Contact) (contact.Contact, error) {
	if err := c.Normalize(); err != nil {
		return c, err
	}
	var f followUp
	c, err := i.addContact(tx, "sign-up", c, &f)
	if err != nil {
		return c, err
	}
	return c, i.follow(tx, f)
}
