package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/message"
	"rapport/records/phrase"
	"rapport/records/timeline"
	"rapport/store"
)

// undo holds the records as they were before a change, and what the change
// decided. Undoing puts them back.
type undo struct {
	Contacts      []contact.Contact      `json:"contacts,omitempty"`
	Organisations []contact.Organisation `json:"organisations,omitempty"`
	Entries       []timeline.Entry       `json:"entries,omitempty"`
	FollowUps     []followup.FollowUp    `json:"follow_ups,omitempty"`
	Sales         []saleWas              `json:"sales,omitempty"`
	Decision      string                 `json:"decision,omitempty"`
	// Suggestions are rows as they were, and what their acceptance made.
	Suggestions      []store.Suggestion     `json:"suggestions,omitempty"`
	MadeContact      contact.ID             `json:"made_contact,omitempty"`
	MadeOrganisation contact.OrganisationID `json:"made_organisation,omitempty"`
	// Stamps are the Updated times the change gave the records: where one has
	// changed since, undoing would lose that later change and is refused.
	Stamps map[string]time.Time `json:"stamps,omitempty"`
}

func (u *undo) stamp(id string, at time.Time) {
	if u.Stamps == nil {
		u.Stamps = map[string]time.Time{}
	}
	u.Stamps[id] = at
}

// MergeContacts makes lose part of keep. Undo with the returned audit id puts
// both back as they were.
func (i *Intake) MergeContacts(ctx context.Context, actor string, keep, lose contact.ID) (string, error) {
	var id string
	err := i.change(ctx, func(tx store.Tx) error {
		a, err := tx.Contacts().Get(keep)
		if err != nil {
			return fmt.Errorf("read contact %s: %w", keep, err)
		}
		b, err := tx.Contacts().Get(lose)
		if err != nil {
			return fmt.Errorf("read contact %s: %w", lose, err)
		}
		if a.ID == b.ID || a.MergedInto != "" || b.MergedInto != "" {
			return fmt.Errorf("merge %s and %s: %w: they are the same, or merged already", keep, lose, store.ErrConflict)
		}
		id, err = i.mergeContacts(tx, actor, a, b)
		return err
	})
	return id, err
}

func (i *Intake) mergeContacts(tx store.Tx, actor string, a, b contact.Contact) (string, error) {
	u := &undo{Contacts: []contact.Contact{a, b}}
	kept := contact.MergeContacts(a, b, i.now())
	kept.ID, kept.Updated = a.ID, later(i.now(), a.Updated)
	lost := b
	lost.MergedInto, lost.Updated = a.ID, later(i.now(), b.Updated)
	u.stamp(string(kept.ID), kept.Updated)
	u.stamp(string(lost.ID), lost.Updated)
	for _, c := range []contact.Contact{kept, lost} {
		if err := tx.Contacts().Put(c); err != nil {
			return "", fmt.Errorf("merge contacts: %w", err)
		}
	}
	moved, err := moveEntries(tx, store.Subject{Contact: b.ID}, func(e *timeline.Entry) {
		e.Contacts = replaced(e.Contacts, b.ID, a.ID)
	})
	if err != nil {
		return "", err
	}
	u.Entries = moved
	if u.FollowUps, err = i.moveFollowUps(tx, store.Subject{Contact: b.ID}, store.Subject{Contact: a.ID}); err != nil {
		return "", err
	}
	if u.Sales, err = i.moveSales(tx, store.Subject{Contact: b.ID}, store.Subject{Contact: a.ID}); err != nil {
		return "", err
	}
	id, err := i.auditID(tx, actor, "contact.merge", string(a.ID), phrase.New("{name} ({id}) became part of it", "name", b.Name, "id", b.ID), u)
	if err != nil {
		return "", err
	}
	return id, i.requeueContacts(tx, a, b, kept)
}

// requeueContacts files again whatever concerns one of these contacts.
func (i *Intake) requeueContacts(tx store.Tx, cs ...contact.Contact) error {
	var j job
	for _, c := range cs {
		j.Subjects = append(j.Subjects, store.Subject{Contact: c.ID})
		j.Addresses = append(j.Addresses, c.Addresses...)
		threads, err := decidedThreads(tx, store.Subject{Contact: c.ID})
		if err != nil {
			return err
		}
		j.Threads = append(j.Threads, threads...)
	}
	return i.queue(tx, j)
}

// replaced returns ids with one exchanged for another, without doubles.
func replaced[T comparable](ids []T, old, now T) []T {
	out := make([]T, 0, len(ids))
	for _, id := range ids {
		if id == old {
			id = now
		}
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// moveEntries changes the entries by hand of one history and returns them as
// they were. Messages' entries follow their matches instead.
func moveEntries(tx store.Tx, who store.Subject, move func(*timeline.Entry)) ([]timeline.Entry, error) {
	found, err := store.Where(func(s store.Slice) (store.Page[timeline.Entry], error) { return tx.Entries().Of(who, s) },
		func(e timeline.Entry) (bool, error) { return !e.OfMail(), nil })
	if err != nil {
		return nil, fmt.Errorf("list entries: %w", err)
	}
	for _, e := range found {
		e.Contacts, e.Organisations = slices.Clone(e.Contacts), slices.Clone(e.Organisations)
		move(&e)
		if err := tx.Entries().Put(e, nil); err != nil {
			return nil, fmt.Errorf("move entry %s: %w", e.ID, err)
		}
	}
	return found, nil
}

// MergeOrganisations makes lose part of keep, its people included.
func (i *Intake) MergeOrganisations(ctx context.Context, actor string, keep, lose contact.OrganisationID) (string, error) {
	var id string
	err := i.change(ctx, func(tx store.Tx) error {
		a, err := tx.Organisations().Get(keep)
		if err != nil {
			return fmt.Errorf("read organisation %s: %w", keep, err)
		}
		b, err := tx.Organisations().Get(lose)
		if err != nil {
			return fmt.Errorf("read organisation %s: %w", lose, err)
		}
		if a.ID == b.ID || a.MergedInto != "" || b.MergedInto != "" {
			return fmt.Errorf("merge %s and %s: %w: they are the same, or merged already", keep, lose, store.ErrConflict)
		}
		id, err = i.mergeOrganisations(tx, actor, a, b)
		return err
	})
	return id, err
}

func (i *Intake) mergeOrganisations(tx store.Tx, actor string, a, b contact.Organisation) (string, error) {
	u := &undo{Organisations: []contact.Organisation{a, b}}
	kept := contact.MergeOrganisations(a, b, i.now())
	kept.ID, kept.Updated = a.ID, later(i.now(), a.Updated)
	lost := b
	lost.MergedInto, lost.Updated = a.ID, later(i.now(), b.Updated)
	u.stamp(string(kept.ID), kept.Updated)
	u.stamp(string(lost.ID), lost.Updated)
	for _, o := range []contact.Organisation{kept, lost} {
		if err := tx.Organisations().Put(o); err != nil {
			return "", fmt.Errorf("merge organisations: %w", err)
		}
	}
	people, err := i.movePeople(tx, b.ID, a.ID, u)
	if err != nil {
		return "", err
	}
	moved, err := moveEntries(tx, store.Subject{Organisation: b.ID}, func(e *timeline.Entry) {
		e.Organisations = replaced(e.Organisations, b.ID, a.ID)
	})
	if err != nil {
		return "", err
	}
	u.Entries = moved
	if u.FollowUps, err = i.moveFollowUps(tx, store.Subject{Organisation: b.ID}, store.Subject{Organisation: a.ID}); err != nil {
		return "", err
	}
	if u.Sales, err = i.moveSales(tx, store.Subject{Organisation: b.ID}, store.Subject{Organisation: a.ID}); err != nil {
		return "", err
	}
	id, err := i.auditID(tx, actor, "organisation.merge", string(a.ID), phrase.New("{name} ({id}) became part of it", "name", b.Name, "id", b.ID), u)
	if err != nil {
		return "", err
	}
	if err := i.requeueContacts(tx, people...); err != nil {
		return "", err
	}
	return id, i.requeueOrganisations(tx, a, b)
}

func (i *Intake) requeueOrganisations(tx store.Tx, os ...contact.Organisation) error {
	var j job
	for _, o := range os {
		j.Subjects = append(j.Subjects, store.Subject{Organisation: o.ID})
		j.Domains = append(j.Domains, domainNames(o)...)
	}
	return i.queue(tx, j)
}

// movePeople changes the affiliations of an organisation's contacts.
func (i *Intake) movePeople(tx store.Tx, from, to contact.OrganisationID, u *undo) ([]contact.Contact, error) {
	var people []contact.Contact
	for {
		page, err := tx.Contacts().Of(from, store.Slice{Limit: 1000})
		if err != nil {
			return nil, fmt.Errorf("list contacts of %s: %w", from, err)
		}
		if len(page.Items) == 0 {
			return people, nil
		}
		for _, c := range page.Items {
			u.Contacts = append(u.Contacts, c)
			c.Affiliations = slices.Clone(c.Affiliations)
			for n := range c.Affiliations {
				if c.Affiliations[n].Organisation == from {
					c.Affiliations[n].Organisation = to
				}
			}
			c.Updated = later(i.now(), c.Updated)
			u.stamp(string(c.ID), c.Updated)
			if err := tx.Contacts().Put(c); err != nil {
				return nil, fmt.Errorf("move contact %s: %w", c.ID, err)
			}
			people = append(people, c)
		}
	}
}

// Undo takes back a change of records or a decision by hand by its audit id.
func (i *Intake) Undo(ctx context.Context, actor, auditID string) error {
	return i.change(ctx, func(tx store.Tx) error {
		r, err := tx.Audit().Get(auditID)
		if err != nil {
			return fmt.Errorf("read audit line %s: %w", auditID, err)
		}
		if err := undoable(tx, r); err != nil {
			return err
		}
		var u undo
		if err := json.Unmarshal(r.Before, &u); err != nil {
			return fmt.Errorf("read what undoes %s: %w", auditID, err)
		}
		if err := i.undo(tx, u); err != nil {
			return fmt.Errorf("undo %s of %s: %w", r.Action, r.Object, err)
		}
		return i.audit(tx, actor, store.ActionUndo, r.Object, phrase.Verbatim(auditID), nil)
	})
}

// undoable refuses, in words for who asked, what cannot be taken back.
func undoable(tx store.Tx, r store.AuditRecord) error {
	switch {
	case r.Action == store.ActionUndo:
		return sentence{"this line of the trail takes another back, and cannot be undone itself; do again what it took back", store.ErrConflict}
	case len(r.Before) == 0:
		return sentence{fmt.Sprintf("what %s did cannot be undone", r.Action), store.ErrConflict}
	}
	undone, err := store.Undone(tx, r.Object)
	if err == nil && undone[r.ID] {
		return sentence{fmt.Sprintf("%s was undone already", r.Action), store.ErrConflict}
	}
	return err
}

// sentence is an error whose text says everything by itself.
type sentence struct {
	text string
	is   error
}

func (s sentence) Error() string { return s.text }
func (s sentence) Unwrap() error { return s.is }

func (i *Intake) undo(tx store.Tx, u undo) error {
	if u.Decision != "" {
		return i.undoDecision(tx, u.Decision)
	}
	if len(u.Suggestions) > 0 {
		return i.suggestAgain(tx, u)
	}
	var f followUp
	for _, o := range u.Organisations {
		if err := i.restoreOrganisation(tx, o, u.Stamps, &f); err != nil {
			return err
		}
	}
	for _, c := range u.Contacts {
		if err := i.restoreContact(tx, c, u.Stamps, &f); err != nil {
			return err
		}
	}
	if err := errors.Join(i.follow(tx, f), i.restoreFollowUps(tx, u.FollowUps), i.restoreSales(tx, u.Sales)); err != nil {
		return err
	}
	for _, e := range u.Entries {
		if _, err := tx.Entries().Get(e.ID); errors.Is(err, store.ErrNotFound) {
			continue
		} else if err != nil {
			return fmt.Errorf("read entry %s: %w", e.ID, err)
		}
		if err := tx.Entries().Put(e, nil); err != nil {
			return fmt.Errorf("put entry %s back: %w", e.ID, err)
		}
	}
	return nil
}

var errChanged = fmt.Errorf("%w: it has been changed since, which undoing would lose", store.ErrConflict)

// restoreContact puts a contact back as it was, unless that would take from
// somebody what they have been given since.
func (i *Intake) restoreContact(tx store.Tx, c contact.Contact, stamps map[string]time.Time, f *followUp) error {
	is, err := tx.Contacts().Get(c.ID)
	if err != nil {
		return fmt.Errorf("read contact %s: %w", c.ID, err)
	}
	if at, ok := stamps[string(c.ID)]; ok && !at.Equal(is.Updated) {
		return fmt.Errorf("put contact %s back: %w", c.ID, errChanged)
	}
	if c.MergedInto == "" {
		if err := i.addressesFree(tx, c); err != nil {
			return fmt.Errorf("put contact %s back: %w", c.ID, err)
		}
	}
	if c.Affiliations, err = livePlaces(tx, c.Affiliations); err != nil {
		return fmt.Errorf("put contact %s back: %w", c.ID, err)
	}
	c.Updated = later(i.now(), is.Updated)
	if err := tx.Contacts().Put(c); err != nil {
		return fmt.Errorf("put contact %s back: %w", c.ID, err)
	}
	if is.MergedInto != c.MergedInto { // what was taken from the other by hand is asked for again
		f.addresses = append(f.addresses, c.Addresses...)
		is.Addresses = c.Addresses
	}
	return i.nowKnown(tx, f, c.ID, is.Addresses, c.Addresses)
}

// livePlaces names in affiliations the organisations that stand for those
// merged since.
func livePlaces(tx store.Tx, places []contact.Affiliation) ([]contact.Affiliation, error) {
	places = slices.Clone(places)
	for n := range places {
		o, err := liveOrganisation(tx, places[n].Organisation)
		if err != nil {
			return nil, err
		}
		places[n].Organisation = o.ID
	}
	return places, nil
}

func (i *Intake) restoreOrganisation(tx store.Tx, o contact.Organisation, stamps map[string]time.Time, f *followUp) error {
	is, err := tx.Organisations().Get(o.ID)
	if err != nil {
		return fmt.Errorf("read organisation %s: %w", o.ID, err)
	}
	if at, ok := stamps[string(o.ID)]; ok && !at.Equal(is.Updated) {
		return fmt.Errorf("put organisation %s back: %w", o.ID, errChanged)
	}
	if o.MergedInto == "" {
		if err := i.domainsFree(tx, o); err != nil {
			return fmt.Errorf("put organisation %s back: %w", o.ID, err)
		}
	}
	o.Updated = later(i.now(), is.Updated)
	if err := tx.Organisations().Put(o); err != nil {
		return fmt.Errorf("put organisation %s back: %w", o.ID, err)
	}
	if is.MergedInto != o.MergedInto {
		f.domains = append(f.domains, domainNames(o)...)
		is.Domains = o.Domains
	}
	i.nowKnownDomains(f, o.ID, domainNames(is), domainNames(o))
	return nil
}

// undoDecision lifts a decision by hand and files its messages again. What it
// kept out is asked for again: the copies' UIDs become unsettled.
func (i *Intake) undoDecision(tx store.Tx, id string) error {
	d, err := tx.Decisions().Get(id)
	if err != nil {
		return fmt.Errorf("read decision %s: %w", id, err)
	}
	if !d.Undone.IsZero() {
		return fmt.Errorf("%w: it is undone already", store.ErrConflict)
	}
	d.Undone = i.now()
	if err := tx.Decisions().Put(d); err != nil {
		return fmt.Errorf("lift decision %s: %w", id, err)
	}
	if err := bump(tx); err != nil {
		return err
	}
	if _, err := i.refileDecided(tx, d); err != nil {
		return err
	}
	switch d.Kind {
	case decideWithdraw:
		_, err = reopenSkipped(tx, message.Withdrawn)
	case decideUnfile:
		_, err = reopenSkipped(tx, message.NoMatch, message.NotOurs, message.Erased) // as which it was skipped, beside others by now
	}
	return err
}
