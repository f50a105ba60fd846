package web

import (
	"context"
	"net/http"

	"rapport/records/contact"
	"rapport/store"
)

func (s *Server) organisationRoutes() []route {
	return []route{
		{pattern: "GET /organisations", serve: s.listOrganisations},
		{pattern: "POST /organisations", serve: s.addOrganisation},
		{pattern: "GET /organisations/{who}", serve: s.showOrganisation},
		{pattern: "PATCH /organisations/{who}", serve: s.editOrganisation},
		{pattern: "DELETE /organisations/{who}", serve: s.eraseOrganisation, long: true},
		{pattern: "POST /organisations/{who}/merge", serve: s.mergeOrganisations},
		{pattern: "GET /organisations/{who}/export", serve: s.exportOrganisation, long: true},
	}
}

func (s *Server) listOrganisations(w http.ResponseWriter, r *http.Request) error {
	filter, slice, err := s.listing(r)
	if err != nil {
		return err
	}
	var page Page[Organisation]
	err = s.view(r.Context(), func(tx store.Tx) error {
		found, err := tx.Organisations().List(filter, slice)
		if err != nil {
			return err
		}
		page = Page[Organisation]{Items: []Organisation{}, Next: string(found.Next)}
		for _, o := range found.Items {
			page.Items = append(page.Items, Organisation{Organisation: o})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return reply(w, page)
}

// namedOrganisation finds the organisation the request's path names.
func (s *Server) namedOrganisation(ctx context.Context, who string) (o contact.Organisation, err error) {
	err = s.view(ctx, func(tx store.Tx) error {
		o, err = resolveOrganisation(tx, who)
		return err
	})
	return o, err
}

func (s *Server) showOrganisation(w http.ResponseWriter, r *http.Request) error {
	o, err := s.namedOrganisation(r.Context(), r.PathValue("who"))
	if err != nil {
		return err
	}
	return s.replyOrganisation(w, r, o.ID)
}

// replyOrganisation answers with an organisation and its people.
func (s *Server) replyOrganisation(w http.ResponseWriter, r *http.Request, id contact.OrganisationID) error {
	var view Organisation
	err := s.view(r.Context(), func(tx store.Tx) error {
		o, err := tx.Organisations().Get(id)
		if err != nil {
			return err
		}
		view = Organisation{Organisation: o}
		people, err := tx.Contacts().Of(id, store.Slice{})
		if err != nil {
			return err
		}
		for _, c := range people.Items {
			view.Contacts = append(view.Contacts, Named{ID: string(c.ID), Name: c.Name})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return reply(w, view)
}

func (s *Server) addOrganisation(w http.ResponseWriter, r *http.Request) error {
	var in OrganisationInput
	if err := decode(r, &in); err != nil {
		return err
	}
	ds, err := domains(in.Domains, in.Shared)
	if err != nil {
		return err
	}
	owner, err := s.owner(r.Context(), in.Owner)
	if err != nil {
		return err
	}
	kind, stage, err := kindAndStage(in.Kind, in.Stage)
	if err != nil {
		return err
	}
	if in.Name == "" {
		return invalid("an organisation needs a name")
	}
	o := contact.Organisation{
		Name: in.Name, Domains: ds, Kind: kind, Stage: stage, Role: in.Role, Owner: owner, Tags: in.Tags,
		Phones: in.Phones, Language: in.Language, TimeZone: in.TimeZone, Note: in.Note, Custom: in.Custom,
	}
	if err := sound(o.Normalize(), o.TimeZone); err != nil {
		return err
	}
	if o, err = s.records.AddOrganisation(r.Context(), s.actor(r), o); err != nil {
		return refused(err)
	}
	return s.replyOrganisation(w, r, o.ID)
}

func (s *Server) editOrganisation(w http.ResponseWriter, r *http.Request) error {
	var e Edit
	if err := decode(r, &e); err != nil {
		return err
	}
	o, err := s.namedOrganisation(r.Context(), r.PathValue("who"))
	if err != nil {
		return err
	}
	if o, err = s.applyToOrganisation(r.Context(), o, e); err != nil {
		return err
	}
	if err := sound(o.Normalize(), e.Set["timezone"]); err != nil {
		return err
	}
	if o, err = s.records.EditOrganisation(r.Context(), s.actor(r), o); err != nil {
		return refused(err)
	}
	return s.replyOrganisation(w, r, o.ID)
}

func (s *Server) eraseOrganisation(w http.ResponseWriter, r *http.Request) error {
	o, err := s.namedOrganisation(r.Context(), r.PathValue("who"))
	if err != nil {
		return err
	}
	result, err := s.records.EraseOrganisation(r.Context(), s.actor(r), o.ID)
	if err != nil {
		return refused(err)
	}
	return s.erased(w, r, result)
}

func (s *Server) mergeOrganisations(w http.ResponseWriter, r *http.Request) error {
	var in mergeRequest
	if err := decode(r, &in); err != nil {
		return err
	}
	keep, err := s.namedOrganisation(r.Context(), r.PathValue("who"))
	if err != nil {
		return err
	}
	lose, err := s.namedOrganisation(r.Context(), in.Lose)
	if err != nil {
		return err
	}
	if keep.ID == lose.ID {
		return invalid("both names mean the same organisation, %s", keep.ID)
	}
	audit, err := s.records.MergeOrganisations(r.Context(), s.actor(r), keep.ID, lose.ID)
	if err != nil {
		return refused(err)
	}
	return reply(w, Audited{Audit: audit})
}
