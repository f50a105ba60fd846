package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"rapport/records/contact"
	"rapport/store"
)

// searchable says of a search that found nothing whether that is because it
// names somebody or a place that is not known.
func (s *Server) searchable(ctx context.Context, q store.Query) error {
	var places []string
	if strings.Contains(q.String(), "in:") {
		st, err := s.statusShown(ctx)
		if err != nil {
			return err
		}
		for _, m := range st.Mailboxes {
			places = append(places, m.Name)
			for _, f := range m.Folders {
				places = append(places, f.Name)
			}
		}
	}
	return s.view(ctx, func(tx store.Tx) error { return knownNames(tx, q.Root, places) })
}

// knownNames looks up the names of a part of a query.
func knownNames(tx store.Tx, n store.Node, places []string) error {
	for _, k := range n.Kids {
		if err := knownNames(tx, k, places); err != nil {
			return err
		}
	}
	switch n.Op {
	case store.OpWith:
		known, err := someone(tx, n.Value)
		if err == nil && !known {
			err = unknownName("with", n.Value, "nobody is known by that name, address or domain; `rapport contact list --text` helps to find them")
		}
		return err
	case store.OpIn:
		known, err := place(tx, n.Value, places)
		if err == nil && !known {
			err = unknownName("in", n.Value, "no mailbox or folder of that name is known; `rapport status` lists them")
		}
		return err
	}
	return nil
}

func unknownName(operator, value, why string) error {
	return &Problem{Status: http.StatusNotFound, Code: codeNotFound, Detail: fmt.Sprintf("%s:%s: %s", operator, oneLine(value), why)}
}

// someone reports whether the search knows whom a name may mean: an id, an
// address, a domain, or the beginnings of a name's words.
func someone(tx store.Tx, who string) (bool, error) {
	_, err := resolve(tx, who, anybody)
	if err == nil {
		return true, nil
	}
	var p *Problem
	if errors.As(err, &p) && p.Code == codeAmbiguous {
		return true, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return false, err
	}
	contacts, err := tx.Contacts().List(store.Filter{Text: who}, store.Slice{Limit: 1})
	if err != nil || len(contacts.Items) > 0 {
		return err == nil, err
	}
	firms, err := tx.Organisations().List(store.Filter{Text: who}, store.Slice{Limit: 1})
	if err != nil || len(firms.Items) > 0 {
		return err == nil, err
	}
	a, err := contact.ParseAddress(who)
	if err != nil {
		return false, nil
	}
	folded, err := tx.Contacts().ByFolded(a)
	return len(folded) > 0, err
}

// place reports whether a mailbox or folder goes by a name: its whole, or the
// last part of its path.
func place(tx store.Tx, name string, places []string) (bool, error) {
	named := func(full string) bool {
		i := strings.LastIndexAny(full, "/.")
		return strings.EqualFold(full, name) || i >= 0 && strings.EqualFold(full[i+1:], name)
	}
	folders, err := tx.Folders().List("")
	if err != nil {
		return false, err
	}
	for _, f := range folders {
		if named(f.Mailbox) || named(f.Name) {
			return true, nil
		}
	}
	return slices.ContainsFunc(places, named), nil
}
