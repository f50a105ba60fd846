package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rapport/records/contact"
	"rapport/records/hook"
	"rapport/records/message"
	"rapport/records/outbox"
	"rapport/records/phrase"
	"rapport/records/timeline"
	"rapport/store"
)

// Erased is what an erasure removed.
type Erased struct {
	Messages int // removed whole
	Shared   int // kept, as it concerns others too
	Entries  int // notes and calls removed
}

// Erase removes a person: the record, what was merged into it, and all mail
// that concerns nobody else. Keyed digests of the addresses stay, so that
// neither the mailboxes nor a restored backup bring anything back.
func (i *Intake) Erase(ctx context.Context, actor string, id contact.ID) (Erased, error) {
	var out Erased
	people, err := i.withMerged(ctx, id)
	if err != nil {
		return out, err
	}
	digests := i.tombstones(people)
	if i.opts.Erased != nil {
		// Before the commit: a journal that knows too much is harmless, one
		// that knows too little lets somebody return.
		if err := i.opts.Erased(digests); err != nil {
			return out, fmt.Errorf("write journal of erasures: %w", err)
		}
	}
	err = i.store.Update(ctx, func(tx store.Tx) error {
		out = Erased{}
		for _, d := range digests {
			if err := tx.Tombstones().Put(d, i.now()); err != nil {
				return fmt.Errorf("put tombstone: %w", err)
			}
		}
		// Before the decisions go that name them.
		if err := i.requeueContacts(tx, people...); err != nil {
			return err
		}
		for _, c := range people {
			n, err := i.erase(tx, c)
			if err != nil {
				return fmt.Errorf("erase contact %s: %w", c.ID, err)
			}
			out.Entries += n
		}
		if err := errors.Join(i.forgetDispatches(tx, digests, people...), i.forgetDeliveries(tx, people, digests)); err != nil {
			return err
		}
		return i.audit(tx, actor, "contact.erase", string(id), phrase.Phrase{}, nil)
	})
	if err != nil {
		return out, err
	}
	ch, err := i.settleJobs(context.WithoutCancel(ctx), nil)
	out.Messages = ch.removed
	out.Shared = ch.shrunk
	i.wake("")
	return out, err
}

// withMerged lists a contact and everybody merged into it.
func (i *Intake) withMerged(ctx context.Context, id contact.ID) ([]contact.Contact, error) {
	var people []contact.Contact
	err := i.store.View(ctx, func(tx store.Tx) error {
		c, err := tx.Contacts().Get(id)
		if err != nil {
			return fmt.Errorf("read contact %s: %w", id, err)
		}
		out := []contact.Contact{c}
		all, err := mergedContacts(tx)
		if err != nil {
			return err
		}
		for n := 0; n < len(out); n++ {
			for _, m := range all {
				if m.MergedInto == out[n].ID && !slices.ContainsFunc(out, func(o contact.Contact) bool { return o.ID == m.ID }) {
					out = append(out, m)
				}
			}
		}
		people = out
		return nil
	})
	return people, err
}

func mergedContacts(tx store.Tx) ([]contact.Contact, error) {
	out, err := store.Where(allContacts(tx, true), func(c contact.Contact) (bool, error) { return c.MergedInto != "", nil })
	if err != nil {
		return nil, fmt.Errorf("list merged contacts: %w", err)
	}
	return out, nil
}

// allContacts is the listing of all contacts.
func allContacts(tx store.Tx, merged bool) func(store.Slice) (store.Page[contact.Contact], error) {
	return func(s store.Slice) (store.Page[contact.Contact], error) {
		return tx.Contacts().List(store.Filter{Merged: merged}, s)
	}
}

func (i *Intake) tombstones(people []contact.Contact) []store.Digest {
	var out []store.Digest
	for _, c := range people {
		for _, a := range c.Addresses {
			if d := tombstone(i.opts.Key, a.Folded()); !slices.Contains(out, d) {
				out = append(out, d)
			}
		}
	}
	return out
}

// among tells whether an address is one of the erased.
func (i *Intake) among(erased []store.Digest) func(contact.Address) bool {
	return func(a contact.Address) bool { return slices.Contains(erased, tombstone(i.opts.Key, a.Folded())) }
}

// forgetDispatches removes from what webhooks are told, and were, whatever
// names an erased address, and from what they are still to be told the erased
// people: what concerns nobody else goes, and the rest goes out without them.
func (i *Intake) forgetDispatches(tx store.Tx, digests []store.Digest, people ...contact.Contact) error {
	erased := i.among(digests)
	hooks, err := tx.Webhooks().List()
	if err != nil {
		return fmt.Errorf("list webhooks: %w", err)
	}
	for _, h := range hooks {
		told := func(s store.Slice) (store.Page[hook.Dispatch], error) { return tx.Dispatches().Of(h.ID, s) }
		about, err := store.Where(told, func(d hook.Dispatch) (bool, error) {
			return d.Event.Suggestion != "" && erased(d.Event.Suggestion) || d.Waits() && names(d, people), nil
		})
		if err != nil {
			return fmt.Errorf("list what webhook %s is told: %w", h.ID, err)
		}
		for _, d := range about {
			if err := forgetDispatch(tx, d, people); err != nil {
				return fmt.Errorf("forget who is erased in dispatch %s: %w", d.ID, err)
			}
		}
	}
	return nil
}

// names reports whether what a webhook is told concerns any of some people.
func names(d hook.Dispatch, people []contact.Contact) bool {
	return slices.ContainsFunc(people, func(c contact.Contact) bool { return slices.Contains(d.Event.Contacts, c.ID) })
}

func forgetDispatch(tx store.Tx, d hook.Dispatch, people []contact.Contact) error {
	d.Event.Contacts = slices.DeleteFunc(d.Event.Contacts, func(id contact.ID) bool {
		return slices.ContainsFunc(people, func(c contact.Contact) bool { return c.ID == id })
	})
	if len(d.Event.Contacts)+len(d.Event.Organisations) == 0 {
		return tx.Dispatches().Delete(d.Webhook, d.ID)
	}
	return tx.Dispatches().Put(d)
}

// forgetDeliveries removes erased people from what campaigns sent them, and
// cancels what was to be sent. That they are not to be written to stays, as a
// digest.
func (i *Intake) forgetDeliveries(tx store.Tx, people []contact.Contact, digests []store.Digest) error {
	erased := i.among(digests)
	theirs, err := store.Where(func(s store.Slice) (store.Page[outbox.Delivery], error) {
		return tx.Outbox().List(store.OutboxFilter{}, s)
	}, func(d outbox.Delivery) (bool, error) {
		return erased(d.Address) || slices.ContainsFunc(people, func(c contact.Contact) bool { return c.ID == d.Contact }), nil
	})
	if err != nil {
		return fmt.Errorf("list deliveries: %w", err)
	}
	for _, d := range theirs {
		if d.State.Waiting() || d.State == outbox.Planned {
			if d, err = d.Apply(outbox.Event{What: outbox.Cancel}, i.now()); err == nil {
				err = tx.Outbox().Put(d)
			}
		}
		if err := errors.Join(err, tx.Outbox().Erase(d.ID), tx.Surveys().Delete(string(d.ID))); err != nil {
			return fmt.Errorf("forget delivery %s: %w", d.ID, err)
		}
	}
	for _, digest := range digests {
		stops, err := tx.Suppressions().Of(digest)
		if err != nil {
			return fmt.Errorf("read suppressions: %w", err)
		}
		for _, s := range stops {
			s.Address = ""
			if err := tx.Suppressions().Put(s); err != nil {
				return fmt.Errorf("forget suppression: %w", err)
			}
		}
		if err := tx.SignUps().Delete(digest); err != nil {
			return fmt.Errorf("forget sign-up: %w", err)
		}
	}
	return nil
}

// erase removes one record and what people wrote about it alone.
func (i *Intake) erase(tx store.Tx, c contact.Contact) (int, error) {
	removed := 0
	who := store.Subject{Contact: c.ID}
	if err := i.forgetSales(tx, who); err != nil {
		return 0, err
	}
	entries, err := moveEntries(tx, who, func(e *timeline.Entry) {
		e.Contacts = slices.DeleteFunc(e.Contacts, func(id contact.ID) bool { return id == c.ID })
	})
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if len(e.Contacts) > 1 {
			continue
		}
		if err := tx.Entries().Delete(e.ID); err != nil {
			return 0, fmt.Errorf("delete entry %s: %w", e.ID, err)
		}
		removed++
	}
	if err := errors.Join(forgetDecisions(tx, who), forgetFollowUps(tx, store.FollowUpFilter{Who: who})); err != nil {
		return 0, err
	}
	if err := tx.Contacts().Delete(c.ID); err != nil {
		return 0, err
	}
	return removed, i.forget(tx, c)
}

// forgetDecisions removes decisions that name an erased person.
func forgetDecisions(tx store.Tx, who store.Subject) error {
	gone, err := store.Where(tx.Decisions().List, func(d store.Decision) (bool, error) { return d.Who == who, nil })
	if err != nil {
		return fmt.Errorf("list decisions: %w", err)
	}
	if slices.ContainsFunc(gone, func(d store.Decision) bool { return d.Kind == decideUnfile && d.Undone.IsZero() }) {
		// Whatever was taken from the person by hand may be others'.
		if _, err := reopenSkipped(tx, message.NoMatch); err != nil {
			return err
		}
	}
	for _, d := range gone {
		if err := tx.Decisions().Delete(d.ID); err != nil {
			return fmt.Errorf("delete decision %s: %w", d.ID, err)
		}
	}
	return nil
}

// Reapply erases again whoever a journal names: after an older backup was
// restored, the erased are back in it. It returns how many were.
func (i *Intake) Reapply(ctx context.Context, digests []store.Digest) (int, error) {
	if len(digests) == 0 {
		return 0, nil
	}
	var back []contact.Contact
	erased := i.among(digests)
	err := i.store.View(ctx, func(tx store.Tx) error {
		found, err := store.Where(allContacts(tx, false), func(c contact.Contact) (bool, error) {
			return slices.ContainsFunc(c.Addresses, erased), nil
		})
		if err != nil {
			return fmt.Errorf("list contacts: %w", err)
		}
		back = found
		return nil
	})
	if err != nil {
		return 0, err
	}
	err = i.store.Update(ctx, func(tx store.Tx) error {
		for _, d := range digests {
			if err := tx.Tombstones().Put(d, i.now()); err != nil {
				return fmt.Errorf("put tombstone: %w", err)
			}
		}
		if err := errors.Join(i.forgetSuggestions(tx), i.forgetDispatches(tx, digests), i.forgetDeliveries(tx, nil, digests)); err != nil {
			return err
		}
		return i.queue(tx, job{All: true}) // in mail of others, they may be named
	})
	if err != nil {
		return 0, err
	}
	for _, c := range back {
		if _, err := i.Erase(ctx, "journal", c.ID); err != nil {
			return 0, err
		}
	}
	_, err = i.settleJobs(ctx, nil)
	return len(back), err
}
