package boltstore

import (
	"bytes"
	"math"
	"slices"
	"strings"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
)

// in finds the documents of messages with a copy in a mailbox or folder of
// this name; case does not count. Where there are more than most, it leaves the
// part unbound: entries are then looked at one by one.
func (s *searching) in(p *part, most int) error {
	ids, err := s.heldIn(p.Value, most)
	if err != nil || len(ids) > most {
		return err
	}
	slices.SortFunc(ids, bytes.Compare)
	ids = slices.CompactFunc(ids, bytes.Equal)
	b := s.tx.index(indexOfMessage).Cursor()
	for _, id := range ids {
		for k, v := b.Seek(id); k != nil && bytes.HasPrefix(k, id); k, v = b.Next() {
			doc, _, err := readUint32(v)
			if err != nil {
				return err
			}
			p.docs.add([]uint32{doc})
		}
	}
	p.docs.seal()
	p.bound, p.exact = true, s.sight == nil
	return nil
}

// heldIn returns the keys of messages with a copy in a mailbox or folder of a
// name, more than most only to show that there are more.
func (s *searching) heldIn(name string, most int) (ids [][]byte, err error) {
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
			if ids = append(ids, v); len(ids) > most {
				return ids, nil
			}
		}
	}
	return ids, nil
}

// inNow decides in: for one entry by its message.
func (s *searching) inNow(p *part, h *hit) (bool, error) {
	if p.looked++; p.looked > s.bounds.looked {
		if err := s.in(p, math.MaxInt-1); err != nil {
			return false, err
		}
		return p.docs.has(h.doc), nil
	}
	// Of both records only what is asked for is read: there may be many.
	var id string
	var copies []message.Holding
	if ok, err := s.tx.peek(tableEntry, h.key, "message", &id); err != nil || !ok || id == "" {
		return false, err
	}
	if ok, err := s.tx.peek(tableMessage, appendID(nil, id), "holdings", &copies); err != nil || !ok {
		return false, err
	}
	return p.names(copies), nil
}

// names reports whether one of some copies lies in a place called by the part.
func (p *part) names(copies []message.Holding) bool {
	return slices.ContainsFunc(copies, func(h message.Holding) bool {
		return sameFolder(h.Mailbox, p.Value) || sameFolder(h.Folder, p.Value)
	})
}

// sameFolder compares a name with what was typed: whole, or its last part.
func sameFolder(name, typed string) bool {
	if strings.EqualFold(name, typed) {
		return true
	}
	i := strings.LastIndexAny(name, "/.")
	return i >= 0 && strings.EqualFold(name[i+1:], typed)
}

// with finds the documents in the histories of whoever is meant. One history
// that is long is left to be gone through from its end instead.
func (s *searching) with(p *part) error {
	subjects, err := s.subjects(p.Value)
	if err != nil {
		return err
	}
	b := s.tx.index(indexSubject).Cursor()
	for _, sub := range subjects {
		prefix := subjectPrefix(sub)
		for k, v := b.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = b.Next() {
			doc, _, err := readUint32(v)
			if err != nil {
				return err
			}
			p.docs.add([]uint32{doc})
			if len(subjects) == 1 && len(p.docs.list) > s.bounds.fetched {
				p.subject, p.docs = prefix, docSet{}
				return nil
			}
		}
	}
	p.docs.seal()
	p.bound, p.exact = true, true
	return nil
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
