package web

import (
	"context"
	"net/http"

	"rapport/records/contact"
	"rapport/store"
)

func (s *Server) contactRoutes() []route {
	return []route{
		{pattern: "GET /contacts", serve: s.listContacts},
		{pattern: "POST /contacts", serve: s.addContact},
		{pattern: "GET /contacts/{who}", serve: s.showContact},
		{pattern: "PATCH /contacts/{who}", serve: s.editContact},
		{pattern: "DELETE /contacts/{who}", serve: s.eraseContact, long: true},
		{pattern: "POST /contacts/{who}/merge", serve: s.mergeContacts},
		{pattern: "GET /contacts/{who}/export", serve: s.exportContact, long: true},
		{pattern: "POST /import", serve: s.importRecords, long: true},
	}
}

func (s *Server) listContacts(w http.ResponseWriter, r *http.Request) error {
	filter, slice, err := s.listing(r)
	if err != nil {
		return err
	}
	var page Page[Contact]
	err = s.view(r.Context(), func(tx store.Tx) error {
		found, err := tx.Contacts().List(filter, slice)
		if err != nil {
			return err
		}
		v := newViews(tx)
		page = Page[Contact]{Items: []Contact{}, Next: string(found.Next)}
		for _, c := range found.Items {
			view, err := v.contact(c)
			if err != nil {
				return err
			}
			page.Items = append(page.Items, view)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return reply(w, page)
}

// contactView reads one contact with the organisations' names.
func (s *Server) contactView(ctx context.Context, id contact.ID) (view Contact, err error) {
	err = s.view(ctx, func(tx store.Tx) error {
		c, err := tx.Contacts().Get(id)
		if err != nil {
			return err
		}
		view, err = newViews(tx).contact(c)
		return err
	})
	return view, err
}

// namedContact finds the contact the request's path names.
func (s *Server) namedContact(ctx context.Context, who string) (c contact.Contact, err error) {
	err = s.view(ctx, func(tx store.Tx) error {
		c, err = resolveContact(tx, who)
		return err
	})
	return c, err
}

func (s *Server) showContact(w http.ResponseWriter, r *http.Request) error {
	c, err := s.namedContact(r.Context(), r.PathValue("who"))
	if err != nil {
		return err
	}
	return s.replyContact(w, r, c.ID)
}

func (s *Server) replyContact(w http.ResponseWriter, r *http.Request, id contact.ID) error {
	view, err := s.contactView(r.Context(), id)
	if err != nil {
		return err
	}
	return reply(w, view)
}

func (s *Server) addContact(w http.ResponseWriter, r *http.Request) error {
	var in ContactInput
	if err := decode(r, &in); err != nil {
		return err
	}
	c, err := s.newContact(r.Context(), in)
	if err != nil {
		return err
	}
	if err := sound(c.Normalize(), c.TimeZone); err != nil {
		return err
	}
	added, err := s.records.AddContact(r.Context(), s.actor(r), c)
	if err != nil {
		return refused(err)
	}
	return s.replyContact(w, r, added.ID)
}

// newContact makes a record of what a person wrote.
func (s *Server) newContact(ctx context.Context, in ContactInput) (contact.Contact, error) {
	addrs, err := addresses(in.Emails)
	if err != nil {
		return contact.Contact{}, err
	}
	owner, err := s.owner(ctx, in.Owner)
	if err != nil {
		return contact.Contact{}, err
	}
	kind, stage, err := kindAndStage(in.Kind, in.Stage)
	if err != nil {
		return contact.Contact{}, err
	}
	c := contact.Contact{
		Name: in.Name, Addresses: addrs, Kind: kind, Stage: stage, Role: in.Role, Owner: owner, Tags: in.Tags,
		Phones: in.Phones, Language: in.Language, TimeZone: in.TimeZone, Note: in.Note, Custom: in.Custom,
	}
	if c.Name == "" && len(addrs) == 0 {
		return contact.Contact{}, invalid("a contact needs a name or an address")
	}
	if in.Organisation == "" {
		return c, nil
	}
	err = s.view(ctx, func(tx store.Tx) error {
		o, err := resolveOrganisation(tx, in.Organisation)
		if err != nil {
			return err
		}
		c.Affiliations = []contact.Affiliation{{Organisation: o.ID, Title: in.Title, Role: in.DecisionRole}}
		return nil
	})
	return c, err
}

func (s *Server) editContact(w http.ResponseWriter, r *http.Request) error {
	var e Edit
	if err := decode(r, &e); err != nil {
		return err
	}
	c, err := s.namedContact(r.Context(), r.PathValue("who"))
	if err != nil {
		return err
	}
	if c, err = s.applyToContact(r.Context(), c, e); err != nil {
		return err
	}
	if err := sound(c.Normalize(), e.Set["timezone"]); err != nil {
		return err
	}
	if c, err = s.records.EditContact(r.Context(), s.actor(r), c); err != nil {
		return refused(err)
	}
	return s.replyContact(w, r, c.ID)
}

func (s *Server) eraseContact(w http.ResponseWriter, r *http.Request) error {
	c, err := s.namedContact(r.Context(), r.PathValue("who"))
	if err != nil {
		return err
	}
	result, err := s.records.Erase(r.Context(), s.actor(r), c.ID)
	if err != nil {
		return refused(err)
	}
	return s.erased(w, r, result)
}

// erased answers an erasure, after compacting where that was asked for.
func (s *Server) erased(w http.ResponseWriter, r *http.Request, result EraseResult) error {
	if r.URL.Query().Get("now") == "true" {
		if _, _, err := s.daemon.Compact(r.Context()); err != nil {
			return err
		}
		result.Physical = "now"
	}
	return reply(w, result)
}

// mergeRequest names who becomes part of the record in the path.
type mergeRequest struct {
	Lose string `json:"lose"`
}

func (s *Server) mergeContacts(w http.ResponseWriter, r *http.Request) error {
	var in mergeRequest
	if err := decode(r, &in); err != nil {
		return err
	}
	keep, err := s.namedContact(r.Context(), r.PathValue("who"))
	if err != nil {
		return err
	}
	lose, err := s.namedContact(r.Context(), in.Lose)
	if err != nil {
		return err
	}
	if keep.ID == lose.ID {
		return invalid("both names mean the same contact, %s", keep.ID)
	}
	audit, err := s.records.MergeContacts(r.Context(), s.actor(r), keep.ID, lose.ID)
	if err != nil {
		return refused(err)
	}
	return reply(w, Audited{Audit: audit})
}
