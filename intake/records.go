package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/phrase"
	"rapport/records/timeline"
	"rapport/store"
)

// AddContact adds a person. Mail we hold that concerns them is filed, and the
// servers are searched for mail that earlier passes did not keep.
func (i *Intake) AddContact(ctx context.Context, actor string, c contact.Contact) (contact.Contact, error) {
	if err := c.Normalize(); err != nil {
		return c, err
	}
	out := c
	err := i.change(ctx, func(tx store.Tx) error {
		var f followUp
		var err error
		if out, err = i.addContact(tx, actor, c, &f); err != nil {
			return err
		}
		return i.follow(tx, f)
	})
	return out, err
}

// change runs an update of records, then files what it concerns.
func (i *Intake) change(ctx context.Context, fn func(tx store.Tx) error) error {
	if err := i.store.Update(ctx, fn); err != nil {
		return err
	}
	// What is committed is finished, whoever waits for it.
	_, err := i.settleJobs(context.WithoutCancel(ctx), nil)
	i.wake("")
	return err
}

func (i *Intake) addContact(tx store.Tx, actor string, c contact.Contact, f *followUp) (contact.Contact, error) {
	if err := i.addressesFree(tx, c); err != nil {
		return c, err
	}
	if err := affiliationsExist(tx, c); err != nil {
		return c, err
	}
	now := i.now()
	c.ID = contact.ID(store.NewID(now))
	c.Created, c.Updated, c.MergedInto = now, now, ""
	if err := tx.Contacts().Put(c); err != nil {
		return c, fmt.Errorf("add contact: %w", err)
	}
	if err := i.audit(tx, actor, "contact.add", string(c.ID), phrase.Verbatim(c.Name), nil); err != nil {
		return c, err
	}
	return c, i.nowKnown(tx, f, c.ID, nil, c.Addresses)
}

// addressesFree refuses addresses that are ours or somebody else's.
func (i *Intake) addressesFree(tx store.Tx, c contact.Contact) error {
	team := i.setup.Load().team
	for _, a := range c.Addresses {
		if team.Has(a) {
			return fmt.Errorf("%w: %s belongs to our own team, which is not a contact", store.ErrConflict, a)
		}
		others, err := tx.Contacts().ByAddress(a)
		if err != nil {
			return fmt.Errorf("find address %s: %w", a, err)
		}
		for _, o := range others {
			if o.ID != c.ID {
				return fmt.Errorf("%w: %s belongs to %s (%s); edit or merge that contact", store.ErrExists, a, o.Name, o.ID)
			}
		}
	}
	return nil
}

func affiliationsExist(tx store.Tx, c contact.Contact) error {
	for _, a := range c.Affiliations {
		if _, err := tx.Organisations().Get(a.Organisation); err != nil {
			return fmt.Errorf("find organisation %s: %w", a.Organisation, err)
		}
	}
	return nil
}

// followUp collects what has to be done after records have changed.
type followUp struct {
	job
	addresses []contact.Address // to search the servers for
	domains   []string
}

// follow queues it, in the transaction of the change.
func (i *Intake) follow(tx store.Tx, f followUp) error {
	for _, list := range []*[]contact.Address{&f.Addresses, &f.addresses} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	for _, list := range []*[]string{&f.Domains, &f.domains} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	if err := i.queue(tx, f.job); err != nil {
		return err
	}
	return i.search(tx, f.addresses, f.domains)
}

// nowKnown follows up addresses that a contact has gained and lost.
func (i *Intake) nowKnown(tx store.Tx, f *followUp, id contact.ID, before, after []contact.Address) error {
	for _, a := range before {
		if !slices.Contains(after, a) {
			f.addresses = append(f.addresses, a) // what was taken away by hand may be others'
		}
	}
	for _, a := range after {
		if slices.Contains(before, a) {
			continue
		}
		f.addresses = append(f.addresses, a)
		if err := ignoreNotFound(tx.Suggestions().Delete(a)); err != nil {
			return fmt.Errorf("delete suggestion: %w", err)
		}
		// Whoever is added by hand again after an erasure is wanted again.
		if err := ignoreNotFound(tx.Tombstones().Delete(tombstone(i.opts.Key, a.Folded()))); err != nil {
			return fmt.Errorf("lift tombstone: %w", err)
		}
	}
	f.Addresses = append(append(f.Addresses, before...), after...)
	f.Subjects = append(f.Subjects, store.Subject{Contact: id})
	threads, err := decidedThreads(tx, store.Subject{Contact: id})
	f.Threads = append(f.Threads, threads...)
	return err
}

// addressesPerSearch keeps one request to a server short.
const addressesPerSearch = 50

// search asks the servers for mail of these addresses and domains. Where no
// folder was ever read there is nothing that could have been skipped.
func (i *Intake) search(tx store.Tx, addresses []contact.Address, domains []string) error {
	if len(addresses) == 0 && len(domains) == 0 {
		return nil
	}
	seen, err := tx.Folders().List("")
	if err != nil {
		return fmt.Errorf("list folders: %w", err)
	}
	if len(seen) == 0 {
		return nil
	}
	// Reports and forwards name whom they concern inside, where a server's
	// search of headers does not look.
	if _, err := reopenSkipped(tx, message.NotOurs); err != nil {
		return err
	}
	now := i.now()
	for len(addresses) > 0 || len(domains) > 0 {
		a := min(len(addresses), addressesPerSearch)
		d := min(len(domains), addressesPerSearch)
		s := message.Search{ID: store.NewID(now), Addresses: addresses[:a], Domains: domains[:d], Since: now}
		if err := tx.Searches().Put(s); err != nil {
			return fmt.Errorf("queue search: %w", err)
		}
		addresses, domains = addresses[a:], domains[d:]
	}
	return nil
}

// EditContact replaces a contact; store.ErrConflict where somebody else
// changed it since c was read.
func (i *Intake) EditContact(ctx context.Context, actor string, c contact.Contact) (contact.Contact, error) {
	if err := c.Normalize(); err != nil {
		return c, err
	}
	out := c
	err := i.change(ctx, func(tx store.Tx) error {
		old, err := tx.Contacts().Get(c.ID)
		if err != nil {
			return fmt.Errorf("read contact %s: %w", c.ID, err)
		}
		if !old.Updated.Equal(c.Updated) {
			return fmt.Errorf("edit contact %s: %w: it was changed in the meantime; read it again", c.ID, store.ErrConflict)
		}
		var f followUp
		if out, err = i.editContact(tx, actor, old, c, &f); err != nil {
			return err
		}
		return i.follow(tx, f)
	})
	return out, err
}

func (i *Intake) editContact(tx store.Tx, actor string, old, c contact.Contact, f *followUp) (contact.Contact, error) {
	if err := i.addressesFree(tx, c); err != nil {
		return c, err
	}
	if err := affiliationsExist(tx, c); err != nil {
		return c, err
	}
	c.Created, c.MergedInto = old.Created, old.MergedInto
	c.Updated = later(i.now(), old.Updated)
	if err := tx.Contacts().Put(c); err != nil {
		return c, fmt.Errorf("edit contact %s: %w", c.ID, err)
	}
	u := &undo{Contacts: []contact.Contact{old}}
	u.stamp(string(c.ID), c.Updated)
	if err := i.audit(tx, actor, "contact.edit", string(c.ID), changedFields(old, c), u); err != nil {
		return c, err
	}
	if slices.Equal(old.Addresses, c.Addresses) && slices.Equal(old.Affiliations, c.Affiliations) {
		return c, nil
	}
	return c, i.nowKnown(tx, f, c.ID, old.Addresses, c.Addresses)
}

// later keeps Updated a proof of change even where the clock stands still.
func later(now, last time.Time) time.Time {
	now = now.UTC().Truncate(time.Microsecond)
	if now.After(last) {
		return now
	}
	return last.Add(time.Microsecond)
}

// changedFields names what differs between two values of one struct type.
func changedFields(a, b any) phrase.Phrase {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	var names []phrase.Phrase
	for n := range x.NumField() {
		name := x.Type().Field(n).Name
		if name != "Updated" && !reflect.DeepEqual(x.Field(n).Interface(), y.Field(n).Interface()) {
			names = append(names, wordOf(strings.ToLower(name)))
		}
	}
	if len(names) == 0 {
		return phrase.Phrase{}
	}
	return phrase.List(names...)
}

// auditWords are the words of the trail's details that every language has.
var auditWords = map[string]phrase.Form{
	"name": "name", "addresses": "addresses", "affiliations": "organisations", "owner": "owner", "kind": "kind", "stage": "stage", "role": "role",
	"tags": "tags", "phones": "phones", "language": "language", "timezone": "time zone", "note": "note", "custom": "own fields", "domains": "domains",
	"call": "call", "meeting": "meeting", "protected": "protected",
}

// wordOf is a word of the program; one that no language has stays as it is.
func wordOf(word string) phrase.Phrase {
	if form, ok := auditWords[word]; ok {
		return phrase.New(form)
	}
	return phrase.Verbatim(word)
}

// AddOrganisation adds a company or institution.
func (i *Intake) AddOrganisation(ctx context.Context, actor string, o contact.Organisation) (contact.Organisation, error) {
	if err := o.Normalize(); err != nil {
		return o, err
	}
	out := o
	err := i.change(ctx, func(tx store.Tx) error {
		var f followUp
		var err error
		if out, err = i.addOrganisation(tx, actor, o, &f); err != nil {
			return err
		}
		return i.follow(tx, f)
	})
	return out, err
}

func (i *Intake) addOrganisation(tx store.Tx, actor string, o contact.Organisation, f *followUp) (contact.Organisation, error) {
	if err := i.domainsFree(tx, o); err != nil {
		return o, err
	}
	now := i.now()
	o.ID = contact.OrganisationID(store.NewID(now))
	o.Created, o.Updated, o.MergedInto = now, now, ""
	if err := tx.Organisations().Put(o); err != nil {
		return o, fmt.Errorf("add organisation: %w", err)
	}
	if err := i.audit(tx, actor, "organisation.add", string(o.ID), phrase.Verbatim(o.Name), nil); err != nil {
		return o, err
	}
	i.nowKnownDomains(f, o.ID, nil, domainNames(o))
	return o, nil
}

func domainNames(o contact.Organisation) []string {
	var out []string
	for _, d := range o.Domains {
		out = append(out, d.Name)
	}
	return out
}

// domainsFree refuses our own domains and freemail, and somebody else's domain
// unless both say that they share it.
func (i *Intake) domainsFree(tx store.Tx, o contact.Organisation) error {
	team := i.setup.Load().team
	for _, d := range o.Domains {
		if contact.Freemail(d.Name) {
			return fmt.Errorf("%w: %s is a freemail domain and names no organisation; add the people instead", store.ErrConflict, d.Name)
		}
		if team.Has(contact.Address("anybody@" + d.Name)) {
			return fmt.Errorf("%w: %s is a domain of our own team", store.ErrConflict, d.Name)
		}
		others, err := tx.Organisations().ByDomain(d.Name)
		if err != nil {
			return fmt.Errorf("find domain %s: %w", d.Name, err)
		}
		for _, other := range others {
			if other.ID != o.ID && !d.Shared {
				return fmt.Errorf("%w: %s is a domain of %s (%s); say shared where several organisations use it, or merge them",
					store.ErrExists, d.Name, other.Name, other.ID)
			}
		}
	}
	return nil
}

func (i *Intake) nowKnownDomains(f *followUp, id contact.OrganisationID, before, after []string) {
	for _, d := range after {
		if !slices.Contains(before, d) {
			f.domains = append(f.domains, d)
		}
	}
	for _, d := range before {
		if !slices.Contains(after, d) {
			f.domains = append(f.domains, d)
		}
	}
	f.Domains = append(append(f.Domains, before...), after...)
	f.Subjects = append(f.Subjects, store.Subject{Organisation: id})
}

// EditOrganisation replaces an organisation, like EditContact.
func (i *Intake) EditOrganisation(ctx context.Context, actor string, o contact.Organisation) (contact.Organisation, error) {
	if err := o.Normalize(); err != nil {
		return o, err
	}
	out := o
	err := i.change(ctx, func(tx store.Tx) error {
		old, err := tx.Organisations().Get(o.ID)
		if err != nil {
			return fmt.Errorf("read organisation %s: %w", o.ID, err)
		}
		if !old.Updated.Equal(o.Updated) {
			return fmt.Errorf("edit organisation %s: %w: it was changed in the meantime; read it again", o.ID, store.ErrConflict)
		}
		var f followUp
		if out, err = i.editOrganisation(tx, actor, old, o, &f); err != nil {
			return err
		}
		return i.follow(tx, f)
	})
	return out, err
}

func (i *Intake) editOrganisation(tx store.Tx, actor string, old, o contact.Organisation, f *followUp) (contact.Organisation, error) {
	if err := i.domainsFree(tx, o); err != nil {
		return o, err
	}
	o.Created, o.MergedInto = old.Created, old.MergedInto
	o.Updated = later(i.now(), old.Updated)
	if err := tx.Organisations().Put(o); err != nil {
		return o, fmt.Errorf("edit organisation %s: %w", o.ID, err)
	}
	u := &undo{Organisations: []contact.Organisation{old}}
	u.stamp(string(o.ID), o.Updated)
	if err := i.audit(tx, actor, "organisation.edit", string(o.ID), changedFields(old, o), u); err != nil {
		return o, err
	}
	if slices.Equal(old.Domains, o.Domains) {
		return o, nil
	}
	i.nowKnownDomains(f, o.ID, domainNames(old), domainNames(o))
	return o, nil
}

// Note adds a note or call by hand; at zero means now.
func (i *Intake) Note(ctx context.Context, actor string, who store.Subject, kind timeline.Kind, text string, at time.Time) (timeline.Entry, error) {
	if at.IsZero() {
		at = i.now()
	}
	e, doc, err := noteEntry(actor, kind, text, at)
	if err != nil {
		return e, err
	}
	err = i.store.Update(ctx, func(tx store.Tx) error { return i.addEntry(tx, actor, who, &e, doc) })
	return e, err
}

// noteEntry is the line of a note or call, not yet on anybody's timeline.
func noteEntry(actor string, kind timeline.Kind, text string, at time.Time) (timeline.Entry, *store.Document, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return timeline.Entry{}, nil, errors.New("add a note: it has no text")
	}
	if kind != timeline.Note && kind != timeline.Call && kind != timeline.Meeting {
		return timeline.Entry{}, nil, fmt.Errorf("add %s by hand: only notes, calls and meetings can be", kind)
	}
	text = clip(strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "�"), maxIndexedText)
	subject, _, _ := strings.Cut(text, "\n")
	e := timeline.Entry{
		Time: at.UTC().Truncate(time.Microsecond), Kind: kind,
		Subject: firstWords(subject, 80), Snippet: firstWords(text, 200), Text: text,
		By: contact.Address(actor),
	}
	return e, store.NewDocument(store.Fields{Text: text}), nil
}

// addEntry puts an entry by hand on a timeline.
func (i *Intake) addEntry(tx store.Tx, actor string, who store.Subject, e *timeline.Entry, doc *store.Document) error {
	e.ID = timeline.ID(store.NewID(i.now()))
	var err error
	if e.Contacts, e.Organisations, err = concerned(tx, who); err != nil {
		return err
	}
	if err := tx.Entries().Put(*e, doc); err != nil {
		return fmt.Errorf("add %s: %w", e.Kind, err)
	}
	return i.audit(tx, actor, "entry.add", string(e.ID), wordOf(string(e.Kind)), nil)
}

// concerned resolves a subject, and a contact's organisation with it.
func concerned(tx store.Tx, who store.Subject) ([]contact.ID, []contact.OrganisationID, error) {
	if who.Contact != "" {
		c, err := liveContact(tx, who.Contact)
		if err != nil {
			return nil, nil, err
		}
		var orgs []contact.OrganisationID
		if len(c.Affiliations) > 0 {
			orgs = append(orgs, c.Affiliations[0].Organisation)
		}
		return []contact.ID{c.ID}, orgs, nil
	}
	o, err := liveOrganisation(tx, who.Organisation)
	if err != nil {
		return nil, nil, err
	}
	return nil, []contact.OrganisationID{o.ID}, nil
}

// audit adds a line to the trail, with what undoes it where u is not nil.
func (i *Intake) audit(tx store.Tx, actor, action, object string, detail phrase.Phrase, u *undo) error {
	_, err := i.auditID(tx, actor, action, object, detail, u)
	return err
}

func (i *Intake) auditID(tx store.Tx, actor, action, object string, detail phrase.Phrase, u *undo) (string, error) {
	r := store.AuditRecord{
		ID: store.NewID(i.now()), At: i.now(), Actor: actor, Action: action, Object: object, Detail: detail.String(), Said: detail.Translated(),
	}
	if u != nil {
		var err error
		if r.Before, err = json.Marshal(u); err != nil {
			return "", fmt.Errorf("keep what undoes %s: %w", action, err)
		}
	}
	if err := tx.Audit().Add(r); err != nil {
		return "", fmt.Errorf("audit %s: %w", action, err)
	}
	return r.ID, nil
}
