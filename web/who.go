package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"rapport/records/contact"
	"rapport/store"
)

// maxCandidates bounds how many an ambiguous name lists.
const maxCandidates = 10

// found collects whom a name may mean.
type found struct {
	tx            store.Tx
	contacts      []contact.Contact
	organisations []contact.Organisation
}

// want narrows whom a name may mean.
type want int

const (
	anybody want = iota
	aContact
	anOrganisation
)

// resolve reads WHO as people type it: an id, an address, a domain (bare or
// with a leading @), or a name. The steps go from the most exact on, and the
// first that finds somebody ends it. Finding several is an error that lists them.
func resolve(tx store.Tx, who string, w want) (store.Subject, error) {
	who = strings.TrimSpace(who)
	if who == "" || len(who) > maxParameter {
		return store.Subject{}, invalid("WHO is empty or too long; give an id, an address, or an organisation's name or domain")
	}
	f := &found{tx: tx}
	for _, step := range []func(string) error{f.byID, f.byAddress, f.byDomain, f.byName, f.byBeginning} {
		if err := step(who); err != nil {
			return store.Subject{}, fmt.Errorf("find %q: %w", who, err)
		}
		f.narrow(w)
		if n := len(f.contacts) + len(f.organisations); n > 0 {
			return f.only(who)
		}
	}
	return store.Subject{}, told(http.StatusNotFound, codeNotFound,
		"nobody is known as \"{who}\"; `rapport search` and `contact list --text` help to find them", "who", who)
}

func resolveContact(tx store.Tx, who string) (contact.Contact, error) {
	s, err := resolve(tx, who, aContact)
	if err != nil {
		return contact.Contact{}, err
	}
	return tx.Contacts().Get(s.Contact)
}

func resolveOrganisation(tx store.Tx, who string) (contact.Organisation, error) {
	s, err := resolve(tx, who, anOrganisation)
	if err != nil {
		return contact.Organisation{}, err
	}
	return tx.Organisations().Get(s.Organisation)
}

func (f *found) narrow(w want) {
	switch w {
	case aContact:
		f.organisations = nil
	case anOrganisation:
		f.contacts = nil
	}
}

// only returns the one that was found, or why there is not one.
func (f *found) only(who string) (store.Subject, error) {
	switch {
	case len(f.contacts) == 1 && len(f.organisations) == 0:
		return store.Subject{Contact: f.contacts[0].ID}, nil
	case len(f.contacts) == 0 && len(f.organisations) == 1:
		return store.Subject{Organisation: f.organisations[0].ID}, nil
	}
	p := told(http.StatusConflict, codeAmbiguous, "\"{who}\" may mean several; name one by its id", "who", who)
	for _, c := range f.contacts {
		hint := ""
		if len(c.Addresses) > 0 {
			hint = string(c.Addresses[0])
		}
		p.Candidates = append(p.Candidates, Candidate{ID: string(c.ID), Kind: "contact", Name: oneLine(c.Name), Hint: hint})
	}
	for _, o := range f.organisations {
		hint := ""
		if len(o.Domains) > 0 {
			hint = o.Domains[0].Name
		}
		p.Candidates = append(p.Candidates, Candidate{ID: string(o.ID), Kind: "organisation", Name: oneLine(o.Name), Hint: hint})
	}
	p.Candidates = p.Candidates[:min(len(p.Candidates), maxCandidates)]
	return store.Subject{}, p
}

// isID reports whether s has the form of an id: 26 characters of Crockford's
// base 32.
func isID(s string) bool {
	if len(s) != 26 {
		return false
	}
	return strings.Trim(strings.ToUpper(s), "0123456789ABCDEFGHJKMNPQRSTVWXYZ") == ""
}

// byID follows merges: an id written down before one still works.
func (f *found) byID(who string) error {
	if !isID(who) {
		return nil
	}
	id := strings.ToUpper(who)
	c, err := f.tx.Contacts().Get(contact.ID(id))
	for range maxCandidates { // a chain of merges, bounded whatever the store says
		if err != nil || c.MergedInto == "" {
			break
		}
		c, err = f.tx.Contacts().Get(c.MergedInto)
	}
	if err == nil {
		f.contacts = []contact.Contact{c}
		return nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	o, err := f.tx.Organisations().Get(contact.OrganisationID(id))
	for range maxCandidates {
		if err != nil || o.MergedInto == "" {
			break
		}
		o, err = f.tx.Organisations().Get(o.MergedInto)
	}
	if err == nil {
		f.organisations = []contact.Organisation{o}
	}
	return missing(err)
}

// missing drops store.ErrNotFound: the next step may find more.
func missing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

func (f *found) byAddress(who string) error {
	if i := strings.LastIndexByte(who, '@'); i <= 0 {
		return nil
	}
	a, err := contact.ParseAddress(who)
	if err != nil {
		return Invalid(err)
	}
	if f.contacts, err = f.tx.Contacts().ByAddress(a); err != nil || len(f.contacts) > 0 {
		return missing(err)
	}
	f.contacts, err = f.tx.Contacts().ByFolded(a)
	return missing(err)
}

func (f *found) byDomain(who string) error {
	d := strings.TrimPrefix(who, "@")
	if !strings.Contains(d, ".") || strings.ContainsAny(d, "@ ") {
		return nil
	}
	d, err := contact.NormalDomain(d)
	if err != nil {
		return nil // a name with a dot in it
	}
	for d != "" && len(f.organisations) == 0 {
		if f.organisations, err = f.tx.Organisations().ByDomain(d); missing(err) != nil {
			return err
		}
		if d == contact.Registrable(d) {
			return nil
		}
		_, d, _ = strings.Cut(d, ".")
	}
	return nil
}

// byName wants the whole name, case and white space aside.
func (f *found) byName(who string) error {
	var err error
	if f.organisations, err = f.tx.Organisations().ByName(who); missing(err) != nil {
		return err
	}
	name := foldName(who)
	err = each(func(c store.Cursor) (store.Page[contact.Contact], error) {
		return f.tx.Contacts().List(store.Filter{Text: who}, store.Slice{Cursor: c})
	}, 10, func(c contact.Contact) {
		if foldName(c.Name) == name {
			f.contacts = append(f.contacts, c)
		}
	})
	return err
}

// byBeginning takes the beginnings of words, as lists do.
func (f *found) byBeginning(who string) error {
	people, err := f.tx.Contacts().List(store.Filter{Text: who}, store.Slice{Limit: maxCandidates})
	if err != nil {
		return err
	}
	firms, err := f.tx.Organisations().List(store.Filter{Text: who}, store.Slice{Limit: maxCandidates})
	if err != nil {
		return err
	}
	f.contacts, f.organisations = people.Items, firms.Items
	return nil
}

// each goes through at most pages pages of a listing.
func each[T any](page func(store.Cursor) (store.Page[T], error), pages int, visit func(T)) error {
	cursor := store.Cursor("")
	for range pages {
		p, err := page(cursor)
		if err != nil {
			return err
		}
		for _, item := range p.Items {
			visit(item)
		}
		if cursor = p.Next; cursor == "" {
			return nil
		}
	}
	return nil
}

func foldName(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
