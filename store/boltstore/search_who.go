package boltstore

import (
	"bytes"
	"slices"
	"strings"

	"rapport/records/contact"
	"rapport/store"
)

// in finds the documents of messages with a copy in a mailbox or folder of
// this name; case does not count.
func (s *searching) in(name string) ([]uint32, error) {
	var ids [][]byte
	c := s.tx.index(indexHolding).Cursor()
	for k, _ := c.First(); k != nil; {
		mailbox, rest, err := readText(k)
		if err != nil {
			return nil, err
		}
		folder, _, err := readText(rest)
		if err != nil {
			return nil, err
		}
		group := appendText(appendText(nil, mailbox), folder)
		if !sameFolder(mailbox, name) && !sameFolder(folder, name) {
			k, _ = c.Seek(successor(group))
			continue
		}
		var v []byte
		for k, v = c.Seek(group); k != nil && bytes.HasPrefix(k, group); k, v = c.Next() {
			ids = append(ids, v)
		}
	}
	slices.SortFunc(ids, bytes.Compare)
	ids = slices.CompactFunc(ids, bytes.Equal)
	var out []uint32
	b := s.tx.index(indexOfMessage).Cursor()
	for _, id := range ids {
		for k, v := b.Seek(id); k != nil && bytes.HasPrefix(k, id); k, v = b.Next() {
			doc, _, err := readUint32(v)
			if err != nil {
				return nil, err
			}
			out = append(out, doc)
		}
	}
	return ascending(out), nil
}

// sameFolder compares a name with what was typed: whole, or its last part.
func sameFolder(name, typed string) bool {
	if strings.EqualFold(name, typed) {
		return true
	}
	i := strings.LastIndexAny(name, "/.")
	return i >= 0 && strings.EqualFold(name[i+1:], typed)
}

// with finds the documents in the histories of whoever is meant.
func (s *searching) with(who string) ([]uint32, error) {
	subjects, err := s.subjects(who)
	if err != nil {
		return nil, err
	}
	var out []uint32
	b := s.tx.index(indexSubject).Cursor()
	for _, sub := range subjects {
		prefix := subjectPrefix(sub)
		for k, v := b.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = b.Next() {
			doc, _, err := readUint32(v)
			if err != nil {
				return nil, err
			}
			out = append(out, doc)
		}
	}
	return ascending(out), nil
}

// subjects finds who is meant by an id, an address, a domain or a name, in
// this order: the first that finds somebody decides.
func (s *searching) subjects(who string) ([]store.Subject, error) {
	if c, ok, err := contacts.get(s.tx, appendID(nil, who)); ok || err != nil {
		return []store.Subject{{Contact: c.ID}}, err
	}
	if o, ok, err := organisations.get(s.tx, appendID(nil, who)); ok || err != nil {
		return []store.Subject{{Organisation: o.ID}}, err
	}
	cs, os := contactsOf{s.tx}, organisationsOf{s.tx}
	var out []store.Subject
	if a, err := contact.ParseAddress(who); err == nil {
		found, err := cs.ByAddress(a)
		if len(found) == 0 && err == nil {
			found, err = cs.ByFolded(a)
		}
		for _, c := range found {
			out = append(out, store.Subject{Contact: c.ID})
		}
		return out, err
	}
	orgs, err := os.ByDomain(strings.ToLower(strings.TrimPrefix(who, "@")))
	if err == nil && len(orgs) == 0 {
		orgs, err = os.ByName(who)
	}
	for _, o := range orgs {
		out = append(out, store.Subject{Organisation: o.ID})
	}
	if len(out) > 0 || err != nil {
		return out, err
	}
	return s.called(who)
}

// called finds everybody whose name has words that begin like those of who.
func (s *searching) called(who string) ([]store.Subject, error) {
	var out []store.Subject
	slice := store.Slice{Limit: 1000}
	for {
		p, err := contactsOf{s.tx}.List(store.Filter{Text: who}, slice)
		if err != nil {
			return nil, err
		}
		for _, c := range p.Items {
			out = append(out, store.Subject{Contact: c.ID})
		}
		if slice.Cursor = p.Next; slice.Cursor == "" {
			break
		}
	}
	for {
		p, err := organisationsOf{s.tx}.List(store.Filter{Text: who}, slice)
		if err != nil {
			return nil, err
		}
		for _, o := range p.Items {
			out = append(out, store.Subject{Organisation: o.ID})
		}
		if slice.Cursor = p.Next; slice.Cursor == "" {
			return out, nil
		}
	}
}
