package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/store"
)

func (s *Server) describeOrganisations(api huma.API) {
	const tag = "organisations"
	describe(s, api, operation{id: "list-organisations", pattern: "GET /organisations", tag: tag, need: access.Read,
		summary: "List organisations by name"}, s.listOrganisations)
	describe(s, api, operation{id: "add-organisation", pattern: "POST /organisations", tag: tag, need: access.Write,
		summary: "Create an organisation"}, s.addOrganisation)
	describe(s, api, operation{id: "get-organisation", pattern: "GET /organisations/{who}", tag: tag, need: access.Read,
		summary: "Read an organisation, with its people"}, s.showOrganisation)
	describe(s, api, operation{id: "edit-organisation", pattern: "PATCH /organisations/{who}", tag: tag, need: access.Write,
		summary: "Change fields of an organisation"}, s.editOrganisation)
	describe(s, api, operation{id: "erase-organisation", pattern: "DELETE /organisations/{who}", tag: tag, need: access.Manage, long: true,
		summary: "Erase an organisation, and the mail that only its domains filed; its people stay"}, s.eraseOrganisation)
	describe(s, api, operation{id: "merge-organisations", pattern: "POST /organisations/{who}/merge", tag: tag, need: access.Write,
		summary: "Make another organisation part of this one"}, s.mergeOrganisations)
	describeDownload(s, api, operation{id: "export-organisation", pattern: "GET /organisations/{who}/export", tag: tag, need: access.Read, long: true,
		summary: "Export everything of an organisation", detail: aboutExports}, tarType, s.exportOrganisation)
}

func (s *Server) listOrganisations(ctx context.Context, in *filtered) (Page[Organisation], error) {
	filter, slice, err := s.listing(ctx, *in)
	if err != nil {
		return Page[Organisation]{}, err
	}
	return paged(ctx, s, func(tx store.Tx) (store.Page[contact.Organisation], error) {
		return tx.Organisations().List(filter, slice)
	}, func(v *views, o contact.Organisation) (Organisation, bool, error) {
		out := organisation(o)
		var err error
		out.Relation, err = standingOf(v.tx, store.Subject{Organisation: o.ID}, s.now())
		return out, true, err
	})
}

// namedOrganisation finds the organisation the request's path names.
func (s *Server) namedOrganisation(ctx context.Context, who string) (o contact.Organisation, err error) {
	err = s.view(ctx, func(tx store.Tx) error {
		o, err = resolveOrganisation(tx, who)
		return err
	})
	return o, err
}

func (s *Server) showOrganisation(ctx context.Context, in *WhoInput) (Organisation, error) {
	o, err := s.namedOrganisation(ctx, in.Who)
	if err != nil {
		return Organisation{}, err
	}
	return s.organisationView(ctx, o.ID)
}

// organisationView reads an organisation and its people.
func (s *Server) organisationView(ctx context.Context, id contact.OrganisationID) (view Organisation, err error) {
	err = s.view(ctx, func(tx store.Tx) error {
		o, err := tx.Organisations().Get(id)
		if err != nil {
			return err
		}
		view = organisation(o)
		people, err := tx.Contacts().Of(id, store.Slice{})
		if err != nil {
			return err
		}
		for _, c := range people.Items {
			view.Contacts = append(view.Contacts, Named{ID: string(c.ID), Name: c.Name})
		}
		return nil
	})
	return view, err
}

func (s *Server) addOrganisation(ctx context.Context, in *struct{ Body OrganisationInput }) (none Organisation, err error) {
	o, err := s.newOrganisation(ctx, in.Body)
	if err != nil {
		return none, err
	}
	if err := sound(o.Normalize(), o.TimeZone); err != nil {
		return none, err
	}
	if o, err = s.records.AddOrganisation(ctx, actor(ctx), o); err != nil {
		return none, refused(err)
	}
	return s.organisationView(ctx, o.ID)
}

// newOrganisation makes a record of what a person wrote.
func (s *Server) newOrganisation(ctx context.Context, in OrganisationInput) (none contact.Organisation, err error) {
	ds, err := domains(in.Domains, in.Shared)
	if err != nil {
		return none, err
	}
	owner, err := s.owner(ctx, in.Owner)
	if err != nil {
		return none, err
	}
	kind, stage, err := kindAndStage(in.Kind, in.Stage)
	if err != nil {
		return none, err
	}
	if in.Name == "" {
		return none, invalid("an organisation needs a name")
	}
	return contact.Organisation{
		Name: in.Name, Domains: ds, Kind: kind, Stage: stage, Role: in.Role, Owner: owner, Tags: in.Tags,
		Phones: in.Phones, Language: in.Language, TimeZone: in.TimeZone, Note: in.Note, Custom: in.Custom,
	}, nil
}

func (s *Server) editOrganisation(ctx context.Context, in *edited) (none Organisation, err error) {
	o, err := s.namedOrganisation(ctx, in.Who)
	if err != nil {
		return none, err
	}
	if err := in.holds(revisionOf(o)); err != nil {
		return none, err
	}
	if o, err = s.applyToOrganisation(ctx, o, in.Body); err != nil {
		return none, err
	}
	if err := sound(o.Normalize(), in.Body.Set["timezone"]); err != nil {
		return none, err
	}
	if o, err = s.records.EditOrganisation(ctx, actor(ctx), o); err != nil {
		return none, refused(err)
	}
	return s.organisationView(ctx, o.ID)
}

func (s *Server) eraseOrganisation(ctx context.Context, in *erasure) (none EraseResult, err error) {
	o, err := s.namedOrganisation(ctx, in.Who)
	if err != nil {
		return none, err
	}
	if err := in.holds(revisionOf(o)); err != nil {
		return none, err
	}
	result, err := s.records.EraseOrganisation(ctx, actor(ctx), o.ID)
	if err != nil {
		return none, refused(err)
	}
	return s.erased(ctx, in.Now, result)
}

func (s *Server) mergeOrganisations(ctx context.Context, in *merge) (none Audited, err error) {
	keep, err := s.namedOrganisation(ctx, in.Who)
	if err != nil {
		return none, err
	}
	lose, err := s.namedOrganisation(ctx, in.Body.Lose)
	if err != nil {
		return none, err
	}
	if keep.ID == lose.ID {
		return none, invalid("both names mean the same organisation, {id}", "id", keep.ID)
	}
	audit, err := s.records.MergeOrganisations(ctx, actor(ctx), keep.ID, lose.ID)
	return Audited{Audit: audit}, refused(err)
}

func (s *Server) exportOrganisation(ctx context.Context, in *WhoInput, w http.ResponseWriter, r *http.Request) error {
	o, err := s.namedOrganisation(ctx, in.Who)
	if err != nil {
		return err
	}
	return s.export(w, r, selection{
		contacts: func(tx store.Tx, sl store.Slice) (store.Page[contact.Contact], error) {
			return tx.Contacts().Of(o.ID, sl)
		},
		organisations: func(tx store.Tx, _ store.Slice) (store.Page[contact.Organisation], error) {
			o, err := tx.Organisations().Get(o.ID)
			return store.Page[contact.Organisation]{Items: []contact.Organisation{o}}, err
		},
		subject: store.Subject{Organisation: o.ID},
		objects: []string{string(o.ID)},
	})
}
