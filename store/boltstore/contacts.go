package boltstore

import (
	"fmt"
	"slices"
	"strings"

	"rapport/records/contact"
	"rapport/store"
)

var contacts = &table[contact.Contact]{
	name: tableContact, what: "contact", counted: true,
	key: func(c *contact.Contact) []byte { return appendID(nil, string(c.ID)) },
	indexes: []index[contact.Contact]{
		{indexContactAddress, func(c *contact.Contact, add func(k, v []byte)) {
			for _, a := range c.Addresses {
				if c.MergedInto == "" {
					add(appendID(appendText(nil, string(a)), string(c.ID)), nil)
				}
			}
		}},
		{indexContactFolded, func(c *contact.Contact, add func(k, v []byte)) {
			for _, a := range c.Addresses {
				if c.MergedInto == "" {
					add(appendID(appendText(nil, string(a.Folded())), string(c.ID)), nil)
				}
			}
		}},
		{indexContactOf, func(c *contact.Contact, add func(k, v []byte)) {
			for _, a := range c.Affiliations {
				if c.MergedInto == "" {
					add(appendID(appendText(appendID(nil, string(a.Organisation)), shorten(nameKey(c.Name))), string(c.ID)), nil)
				}
			}
		}},
		{indexContactName, func(c *contact.Contact, add func(k, v []byte)) {
			add(appendID(appendText(nil, shorten(nameKey(c.Name))), string(c.ID)), nil)
		}},
		{indexContactWord, func(c *contact.Contact, add func(k, v []byte)) {
			if c.MergedInto == "" {
				wordRows(c.Name, string(c.ID), textsOfContact(c), add)
			}
		}},
		{indexContactFacet, func(c *contact.Contact, add func(k, v []byte)) {
			if c.MergedInto == "" {
				facets{c.Kind, c.Stage, c.Role, c.Owner, c.Tags}.rows(string(c.ID), add)
			}
		}},
	},
}

var organisations = &table[contact.Organisation]{
	name: tableOrganisation, what: "organisation", counted: true,
	key: func(o *contact.Organisation) []byte { return appendID(nil, string(o.ID)) },
	indexes: []index[contact.Organisation]{
		{indexOrgDomain, func(o *contact.Organisation, add func(k, v []byte)) {
			for _, d := range o.Domains {
				if o.MergedInto == "" {
					add(appendID(appendText(nil, shorten(d.Name)), string(o.ID)), nil)
				}
			}
		}},
		{indexOrgName, func(o *contact.Organisation, add func(k, v []byte)) {
			add(appendID(appendText(nil, shorten(nameKey(o.Name))), string(o.ID)), nil)
		}},
		{indexOrgWord, func(o *contact.Organisation, add func(k, v []byte)) {
			if o.MergedInto == "" {
				wordRows(o.Name, string(o.ID), textsOfOrganisation(o), add)
			}
		}},
		{indexOrgFacet, func(o *contact.Organisation, add func(k, v []byte)) {
			// What was merged into another keeps its rows: people may be in it still.
			facets{o.Kind, o.Stage, o.Role, o.Owner, o.Tags}.rows(string(o.ID), add)
		}},
	},
}

var members = &table[contact.Member]{
	name: tableMember, what: "member",
	key: func(m *contact.Member) []byte { return appendText(nil, string(m.Addresses[0])) },
}

// nameKey is the form of a name under which names are the same and sorted.
func nameKey(s string) string { return strings.Join(strings.Fields(strings.ToLower(s)), " ") }

// shorten keeps text of any length fit for a key.
func shorten(s string) string {
	if len(s) <= 512 {
		return s
	}
	return s[:shortened] + string(digest(s))
}

// shortened is how much of a long text stays in its key.
const shortened = 496

type contactsOf struct{ tx *Tx }

func (c contactsOf) Get(id contact.ID) (contact.Contact, error) {
	return contacts.must(c.tx, appendID(nil, string(id)), string(id))
}

func (c contactsOf) ByAddress(a contact.Address) ([]contact.Contact, error) {
	return load(c.tx, contacts, indexContactAddress, appendText(nil, string(a)))
}

func (c contactsOf) ByFolded(a contact.Address) ([]contact.Contact, error) {
	return load(c.tx, contacts, indexContactFolded, appendText(nil, string(a.Folded())))
}

func (c contactsOf) ByName(name string) ([]contact.Contact, error) {
	var out []contact.Contact
	for _, r := range c.tx.ixFirst(indexContactName, appendText(nil, shorten(nameKey(name))), mostRead) {
		v, ok, err := contacts.get(c.tx, r.key)
		if err != nil {
			return nil, err
		}
		if ok && v.MergedInto == "" {
			out = append(out, v)
		}
		if len(out) == mostNamed {
			break
		}
	}
	return out, nil
}

// How many of one name are handed out, and read where some were merged.
const (
	mostNamed = 100
	mostRead  = 1000
)

func (c contactsOf) Of(id contact.OrganisationID, s store.Slice) (store.Page[contact.Contact], error) {
	return pageOf(c.tx, c.tx.listing(indexContactOf, appendID(nil, string(id))), s, func(rest, _ []byte) (contact.Contact, bool, error) {
		return named(c.tx, contacts, rest)
	})
}

func (c contactsOf) List(f store.Filter, s store.Slice) (store.Page[contact.Contact], error) {
	words := filterWords(f.Text)
	var at *glance
	if !f.Merged { // who was merged into another has no words in the index
		var err error
		if at, err = c.tx.glanceAt(f, words, indexContactWord, indexContactFacet, c.tx.counted(tableContact)); err != nil {
			return store.Page[contact.Contact]{}, fmt.Errorf("list contacts: %w", err)
		}
	}
	return listed(c.tx, lister[contact.Contact]{table: contacts, of: store.OfContacts, names: indexContactName, glance: at}, f, s, func(v contact.Contact) (bool, error) {
		judged := v
		if f.Kind != "" && v.Kind == "" {
			var err error
			if judged.Kind, err = c.kindOf(v); err != nil {
				return false, err
			}
		}
		return contactFits(&judged, f, words), nil
	})
}

// kindOf returns the kind a contact without one of its own has from its first
// organisation that has one.
func (c contactsOf) kindOf(v contact.Contact) (contact.Kind, error) {
	for _, a := range v.Affiliations {
		o, ok, err := organisations.get(c.tx, appendID(nil, string(a.Organisation)))
		if err != nil || ok && o.Kind != "" {
			return o.Kind, err
		}
	}
	return "", nil
}

func contactFits(c *contact.Contact, f store.Filter, words []string) bool {
	switch {
	case c.MergedInto != "" && !f.Merged,
		f.Kind != "" && !c.Kind.Is(f.Kind),
		f.Stage != "" && c.Stage != f.Stage,
		f.Role != "" && !strings.EqualFold(c.Role, f.Role),
		f.Owner != "" && c.Owner != f.Owner,
		f.Tag != "" && !slices.Contains(c.Tags, f.Tag):
		return false
	}
	return begins(textsOfContact(c), words)
}

// textsOfContact are the texts by whose words a contact is found.
func textsOfContact(c *contact.Contact) []string {
	texts := []string{c.Name}
	for _, a := range c.Addresses {
		texts = append(texts, string(a))
	}
	return texts
}

func (c contactsOf) Put(v contact.Contact) error {
	if v.ID == "" {
		return fmt.Errorf("write contact %q: it has no id", v.Name)
	}
	return contacts.put(c.tx, &v)
}

func (c contactsOf) Delete(id contact.ID) error { return contacts.del(c.tx, appendID(nil, string(id))) }

type organisationsOf struct{ tx *Tx }

func (o organisationsOf) Get(id contact.OrganisationID) (contact.Organisation, error) {
	return organisations.must(o.tx, appendID(nil, string(id)), string(id))
}

func (o organisationsOf) ByDomain(d string) ([]contact.Organisation, error) {
	return load(o.tx, organisations, indexOrgDomain, appendText(nil, shorten(d)))
}

func (o organisationsOf) ByName(name string) ([]contact.Organisation, error) {
	all, err := load(o.tx, organisations, indexOrgName, appendText(nil, shorten(nameKey(name))))
	return slices.DeleteFunc(all, func(v contact.Organisation) bool { return v.MergedInto != "" }), err
}

func (o organisationsOf) List(f store.Filter, s store.Slice) (store.Page[contact.Organisation], error) {
	words := filterWords(f.Text)
	var at *glance
	if !f.Merged {
		var err error
		if at, err = o.tx.glanceAt(f, words, indexOrgWord, indexOrgFacet, o.tx.counted(tableOrganisation)); err != nil {
			return store.Page[contact.Organisation]{}, fmt.Errorf("list organisations: %w", err)
		}
	}
	return listed(o.tx, lister[contact.Organisation]{table: organisations, of: store.OfOrganisations, names: indexOrgName, glance: at}, f, s, func(v contact.Organisation) (bool, error) {
		return organisationFits(&v, f, words), nil
	})
}

func organisationFits(o *contact.Organisation, f store.Filter, words []string) bool {
	switch {
	case o.MergedInto != "" && !f.Merged,
		f.Kind != "" && !o.Kind.Is(f.Kind),
		f.Stage != "" && o.Stage != f.Stage,
		f.Role != "" && !strings.EqualFold(o.Role, f.Role),
		f.Owner != "" && o.Owner != f.Owner,
		f.Tag != "" && !slices.Contains(o.Tags, f.Tag):
		return false
	}
	return begins(textsOfOrganisation(o), words)
}

// textsOfOrganisation are the texts by whose words an organisation is found.
func textsOfOrganisation(o *contact.Organisation) []string {
	texts := []string{o.Name}
	for _, d := range o.Domains {
		texts = append(texts, d.Name)
	}
	return texts
}

func (o organisationsOf) Put(v contact.Organisation) error {
	if v.ID == "" {
		return fmt.Errorf("write organisation %q: it has no id", v.Name)
	}
	return organisations.put(o.tx, &v)
}

func (o organisationsOf) Delete(id contact.OrganisationID) error {
	return organisations.del(o.tx, appendID(nil, string(id)))
}

// begins reports whether every word is the beginning of a word of some text.
// A word begins after anything that is no letter or digit, so that part of an
// address is found as well as all of it.
func begins(texts, words []string) bool {
	for _, w := range words {
		if !slices.ContainsFunc(texts, func(t string) bool { return beginsIn(foldAll(t), w) }) {
			return false
		}
	}
	return true
}

func foldAll(t string) string {
	fs := strings.Fields(t)
	for i := range fs {
		fs[i] = store.Fold(fs[i])
	}
	return strings.Join(fs, " ")
}

func beginsIn(t, w string) bool {
	for from := 0; ; {
		i := strings.Index(t[from:], w)
		if i < 0 {
			return false
		}
		i += from
		if i == 0 || strings.IndexByte(betweenWords, t[i-1]) >= 0 {
			return true
		}
		from = i + 1
	}
}

type membersOf struct{ tx *Tx }

// Get finds a member by any address; the first one names the record.
func (m membersOf) Get(a contact.Address) (contact.Member, error) {
	if v, ok, err := members.get(m.tx, appendText(nil, string(a))); ok || err != nil {
		return v, err
	}
	all, err := m.List()
	for _, v := range all {
		if slices.Contains(v.Addresses, a) {
			return v, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("member %q: %w", a, store.ErrNotFound)
	}
	return contact.Member{}, err
}

func (m membersOf) List() ([]contact.Member, error) { return all(m.tx, members, nil) }

func (m membersOf) Put(v contact.Member) error {
	if len(v.Addresses) == 0 {
		return fmt.Errorf("write member %q: there is no address", v.Name)
	}
	return members.put(m.tx, &v)
}

// listing is all rows of an index that begin with prefix, first to last.
func (tx *Tx) listing(name string, prefix []byte) listing {
	return listing{bucket: tx.index(name), prefix: prefix}
}

// named reads the record whose id ends an index row after a name.
func named[T any](tx *Tx, t *table[T], rest []byte) (T, bool, error) {
	_, id, err := readText(rest)
	if err != nil {
		var v T
		return v, false, fmt.Errorf("read index of %s: %w", t.what, err)
	}
	return t.get(tx, id)
}

// load reads the records whose ids end the index rows that begin with prefix.
func load[T any](tx *Tx, t *table[T], name string, prefix []byte) ([]T, error) {
	var out []T
	for _, r := range tx.ixPrefix(name, prefix) {
		v, ok, err := t.get(tx, r.key)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, v)
		}
	}
	return out, nil
}

// all reads every record of a table whose key begins with prefix.
func all[T any](tx *Tx, t *table[T], prefix []byte) ([]T, error) {
	var out []T
	c := tx.data(t.name).Cursor()
	for k, raw := c.Seek(prefix); k != nil && strings.HasPrefix(string(k), string(prefix)); k, raw = c.Next() {
		var v T
		if err := decode(k, raw, &v); err != nil {
			return nil, fmt.Errorf("read %s %x: %w", t.what, k, err)
		}
		out = append(out, v)
	}
	return out, nil
}

// records pages through a table in the order of its keys.
func records[T any](tx *Tx, t *table[T], s store.Slice) (store.Page[T], error) {
	return pageOf(tx, listing{bucket: tx.data(t.name)}, s, func(k, raw []byte) (T, bool, error) {
		var v T
		if err := decode(k, raw, &v); err != nil {
			return v, false, fmt.Errorf("read %s %x: %w", t.what, k, err)
		}
		return v, true, nil
	})
}
