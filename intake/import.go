package intake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rapport/records/contact"
	"rapport/records/phrase"
	"rapport/records/timeline"
	"rapport/store"
)

// errNotStored rolls an import back that is only tried, or has errors.
var errNotStored = errors.New("not stored")

// maxImportErrors bounds what is reported at once.
const maxImportErrors = 100

// Import stores rows all or nothing: where any line is wrong nothing is stored
// and the result lists what is. A row whose address, domain or name is known
// updates that record. dry stores nothing and says what it would do.
func (i *Intake) Import(ctx context.Context, actor string, rows []contact.Row, dry bool) (contact.ImportResult, error) {
	var out contact.ImportResult
	err := i.change(ctx, func(tx store.Tx) error {
		im := importing{Intake: i, tx: tx, actor: actor, dry: dry}
		for _, row := range rows {
			if err := im.row(row); err != nil {
				return fmt.Errorf("import line %d: %w", row.Line, err)
			}
			if len(im.out.Errors) >= maxImportErrors {
				break
			}
		}
		out = im.out
		out.Dry = dry
		if dry || len(out.Errors) > 0 {
			return errNotStored
		}
		detail := phrase.New("{added} added, {updated} updated", "added", out.Added, "updated", out.Updated)
		if err := i.audit(tx, actor, "contact.import", "", detail, nil); err != nil {
			return err
		}
		return i.follow(tx, im.then)
	})
	if errors.Is(err, errNotStored) {
		err = nil
	}
	if len(out.Errors) > 0 {
		out.Added, out.Updated, out.Unchanged, out.NoKind, out.Rows = 0, 0, 0, 0, nil
	}
	return out, err
}

// importing is one import in its transaction.
type importing struct {
	*Intake
	tx    store.Tx
	actor string
	dry   bool
	out   contact.ImportResult
	then  followUp
	// kindless are the records so far that have no kind.
	kindless map[store.Subject]bool
}

// fault notes what is wrong with a line. Anything but a conflict of records is
// the store's trouble and ends the import.
func (im *importing) fault(line int, err error) error {
	if !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrExists) && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	what := err.Error()
	for _, prefix := range []error{store.ErrConflict, store.ErrExists, store.ErrNotFound} {
		what = strings.TrimPrefix(what, prefix.Error()+": ")
	}
	im.out.Errors = append(im.out.Errors, contact.RowError{Line: line, What: what})
	return nil
}

func (im *importing) row(r contact.Row) error {
	var org contact.OrganisationID
	if r.Organisation != nil {
		id, changed, added, err := im.organisation(r)
		if err != nil {
			return im.fault(r.Line, err)
		}
		org = id
		if r.Contact == nil {
			if err := im.counted(r, store.Subject{Organisation: org}, changed, added); err != nil {
				return err
			}
			return im.note(store.Subject{Organisation: org}, r, added)
		}
	}
	id, changed, added, err := im.contact(r, org)
	if err != nil {
		return im.fault(r.Line, err)
	}
	if err := im.counted(r, store.Subject{Contact: id}, changed, added); err != nil {
		return err
	}
	return im.note(store.Subject{Contact: id}, r, added)
}

// counted notes what became of a row.
func (im *importing) counted(r contact.Row, who store.Subject, changed, added bool) error {
	does := "leave"
	switch {
	case added:
		im.out.Added++
		does = "add"
	case changed:
		im.out.Updated++
		does = "update"
	default:
		im.out.Unchanged++
	}
	name, kind, err := im.called(who)
	if err != nil {
		return err
	}
	if kind == "" && !im.kindless[who] {
		if im.kindless == nil {
			im.kindless = make(map[store.Subject]bool)
		}
		im.kindless[who] = true
		im.out.NoKind++
	} else if kind != "" && im.kindless[who] { // a later row gave it one
		delete(im.kindless, who)
		im.out.NoKind--
	}
	if im.dry && len(im.out.Rows) < contact.MaxImportRows {
		im.out.Rows = append(im.out.Rows, contact.ImportRow{Line: r.Line, Does: does, Name: name})
	}
	return nil
}

// called returns a record's name and its kind, which somebody without one has
// from an organisation.
func (im *importing) called(who store.Subject) (string, contact.Kind, error) {
	if who.Contact == "" {
		o, err := im.tx.Organisations().Get(who.Organisation)
		if err != nil {
			return "", "", fmt.Errorf("read organisation %s: %w", who.Organisation, err)
		}
		return o.Name, o.Kind, nil
	}
	c, err := im.tx.Contacts().Get(who.Contact)
	if err != nil {
		return "", "", fmt.Errorf("read contact %s: %w", who.Contact, err)
	}
	name, kind := cmp.Or(c.Name, string(c.Primary())), c.Kind
	for _, a := range c.Affiliations {
		if kind != "" {
			break
		}
		o, err := im.tx.Organisations().Get(a.Organisation)
		if err != nil {
			return "", "", fmt.Errorf("read organisation %s: %w", a.Organisation, err)
		}
		kind = o.Kind
	}
	return name, kind, nil
}

// organisation finds or makes the organisation a row names.
func (im *importing) organisation(r contact.Row) (id contact.OrganisationID, changed, added bool, err error) {
	old, err := im.findOrganisation(*r.Organisation)
	if err != nil {
		return "", false, false, err
	}
	o, changed := r.ApplyOrganisation(old, im.now())
	switch {
	case old == nil:
		o, err = im.addOrganisation(im.tx, im.actor, o, &im.then)
		return o.ID, true, true, err
	case !changed:
		return old.ID, false, false, nil
	}
	o, err = im.editOrganisation(im.tx, im.actor, *old, o, &im.then)
	return o.ID, true, false, err
}

// findOrganisation goes by domain, then by name.
func (im *importing) findOrganisation(o contact.Organisation) (*contact.Organisation, error) {
	for _, d := range o.Domains {
		found, err := im.tx.Organisations().ByDomain(d.Name)
		if err != nil {
			return nil, fmt.Errorf("find domain %s: %w", d.Name, err)
		}
		if len(found) == 1 && !d.Shared {
			return &found[0], nil
		}
	}
	if o.Name == "" {
		return nil, nil
	}
	found, err := im.tx.Organisations().ByName(o.Name)
	if err != nil {
		return nil, fmt.Errorf("find organisation %q: %w", o.Name, err)
	}
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return &found[0], nil
	}
	return nil, fmt.Errorf("%w: %d organisations are named %q; give its domain", store.ErrConflict, len(found), o.Name)
}

// contact finds or makes the person a row is about.
func (im *importing) contact(r contact.Row, org contact.OrganisationID) (id contact.ID, changed, added bool, err error) {
	old, err := im.findContact(*r.Contact, org)
	if err != nil {
		return "", false, false, err
	}
	c, changed := r.ApplyContact(old, im.now())
	if org != "" {
		var moved bool
		c, moved = c.Affiliated(contact.Affiliation{Organisation: org, Title: r.Title, Role: r.DecisionRole})
		changed = changed || moved
	}
	switch {
	case old == nil:
		c, err = im.addContact(im.tx, im.actor, c, &im.then)
		return c.ID, true, true, err
	case !changed:
		return old.ID, false, false, nil
	}
	c, err = im.editContact(im.tx, im.actor, *old, c, &im.then)
	return c.ID, true, false, err
}

// findContact goes by address; somebody without one by name, within the same
// organisation.
func (im *importing) findContact(c contact.Contact, org contact.OrganisationID) (*contact.Contact, error) {
	var found *contact.Contact
	for _, a := range c.Addresses {
		cs, err := im.tx.Contacts().ByAddress(a)
		if err != nil {
			return nil, fmt.Errorf("find address %s: %w", a, err)
		}
		for _, other := range cs {
			if found != nil && found.ID != other.ID {
				return nil, fmt.Errorf("%w: its addresses belong to two contacts, %s (%s) and %s (%s); merge them first",
					store.ErrConflict, found.Name, found.ID, other.Name, other.ID)
			}
			found = &other
		}
	}
	if found != nil || len(c.Addresses) > 0 {
		return found, nil
	}
	named, err := im.tx.Contacts().ByName(c.Name)
	if err != nil {
		return nil, fmt.Errorf("find contact %q: %w", c.Name, err)
	}
	for _, other := range named {
		in := slices.ContainsFunc(other.Affiliations, func(a contact.Affiliation) bool { return a.Organisation == org })
		if org == "" || in {
			return &other, nil
		}
	}
	return nil, nil
}

// note puts a row's note on the timeline, unless it is there already.
func (im *importing) note(who store.Subject, r contact.Row, added bool) error {
	if r.Note == "" || who == (store.Subject{}) {
		return nil
	}
	if !added {
		page, err := im.tx.Entries().Of(who, store.Slice{Limit: 1000})
		if err != nil {
			return fmt.Errorf("read timeline: %w", err)
		}
		if slices.ContainsFunc(page.Items, func(e timeline.Entry) bool { return e.Kind == timeline.Note && e.Text == r.Note }) {
			return nil
		}
	}
	e, doc, err := noteEntry(im.actor, timeline.Note, r.Note, im.now())
	if err != nil {
		return err
	}
	return im.addEntry(im.tx, im.actor, who, &e, doc)
}
