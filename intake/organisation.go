package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rapport/records/contact"
	"rapport/records/phrase"
	"rapport/records/timeline"
	"rapport/store"
)

// EraseOrganisation removes an organisation: the record, what was merged into
// it, notes about it alone, and mail that only its domains filed. Its people
// stay, without their place in it; each is erased by Erase. It is no person, so
// no tombstone stays, and adding it again brings its mail back.
func (i *Intake) EraseOrganisation(ctx context.Context, actor string, id contact.OrganisationID) (Erased, error) {
	var out Erased
	err := i.store.Update(ctx, func(tx store.Tx) error {
		out = Erased{}
		firms, err := organisationWithMerged(tx, id)
		if err != nil {
			return err
		}
		for _, o := range firms {
			n, err := i.eraseOrganisation(tx, o)
			if err != nil {
				return fmt.Errorf("erase organisation %s: %w", o.ID, err)
			}
			out.Entries += n
		}
		if err := i.requeueOrganisations(tx, firms...); err != nil {
			return err
		}
		return i.audit(tx, actor, "organisation.erase", string(id), phrase.Phrase{}, nil)
	})
	if err != nil {
		return out, err
	}
	ch, err := i.settleJobs(ctx, nil)
	out.Messages, out.Shared = ch.removed, ch.messages-ch.removed
	i.wake("")
	return out, err
}

// organisationWithMerged lists an organisation and all merged into it.
func organisationWithMerged(tx store.Tx, id contact.OrganisationID) ([]contact.Organisation, error) {
	o, err := tx.Organisations().Get(id)
	if err != nil {
		return nil, fmt.Errorf("read organisation %s: %w", id, err)
	}
	merged, err := store.Where(
		func(s store.Slice) (store.Page[contact.Organisation], error) {
			return tx.Organisations().List(store.Filter{Merged: true}, s)
		},
		func(m contact.Organisation) (bool, error) {
			if m.MergedInto == "" {
				return false, nil
			}
			into, err := liveOrganisation(tx, m.ID)
			return err == nil && into.ID == o.ID, nil
		})
	if err != nil {
		return nil, fmt.Errorf("list merged organisations: %w", err)
	}
	return append([]contact.Organisation{o}, merged...), nil
}

// eraseOrganisation removes one record and what people wrote about it alone.
func (i *Intake) eraseOrganisation(tx store.Tx, o contact.Organisation) (int, error) {
	removed := 0
	who := store.Subject{Organisation: o.ID}
	if err := i.forgetSales(tx, who); err != nil {
		return 0, err
	}
	entries, err := moveEntries(tx, who, func(e *timeline.Entry) {
		e.Organisations = slices.DeleteFunc(e.Organisations, func(id contact.OrganisationID) bool { return id == o.ID })
	})
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if len(e.Contacts) > 0 || len(e.Organisations) > 1 {
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
	if err := i.leaveOrganisation(tx, o.ID); err != nil {
		return 0, err
	}
	if err := tx.Organisations().Delete(o.ID); err != nil {
		return 0, err
	}
	return removed, tx.Audit().Redact(string(o.ID))
}

// leaveOrganisation takes its people out of an organisation.
func (i *Intake) leaveOrganisation(tx store.Tx, id contact.OrganisationID) error {
	for {
		page, err := tx.Contacts().Of(id, store.Slice{Limit: 1000})
		if err != nil {
			return fmt.Errorf("list contacts of %s: %w", id, err)
		}
		if len(page.Items) == 0 {
			return nil
		}
		for _, c := range page.Items {
			c.Affiliations = slices.DeleteFunc(slices.Clone(c.Affiliations), func(a contact.Affiliation) bool { return a.Organisation == id })
			c.Updated = later(i.now(), c.Updated)
			if err := tx.Contacts().Put(c); err != nil {
				return fmt.Errorf("take contact %s out: %w", c.ID, err)
			}
		}
	}
}
