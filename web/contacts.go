package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/store"
)

func (s *Server) describeContacts(api huma.API) {
	const tag = "contacts"
	describe(s, api, operation{id: "list-contacts", pattern: "GET /contacts", tag: tag, need: access.Read,
		summary: "List contacts by name"}, s.listContacts)
	describe(s, api, operation{id: "add-contact", pattern: "POST /contacts", tag: tag, need: access.Write,
		summary: "Create a contact"}, s.addContact)
	describe(s, api, operation{id: "get-contact", pattern: "GET /contacts/{who}", tag: tag, need: access.Read,
		summary: "Read a contact"}, s.showContact)
	describe(s, api, operation{id: "edit-contact", pattern: "PATCH /contacts/{who}", tag: tag, need: access.Write,
		summary: "Change fields of a contact"}, s.editContact)
	describe(s, api, operation{id: "erase-contact", pattern: "DELETE /contacts/{who}", tag: tag, need: access.Manage, long: true,
		summary: "Erase a person, and all mail that concerns nobody else"}, s.eraseContact)
	describe(s, api, operation{id: "merge-contacts", pattern: "POST /contacts/{who}/merge", tag: tag, need: access.Write,
		summary: "Make another contact part of this one"}, s.mergeContacts)
	describeDownload(s, api, operation{id: "export-contact", pattern: "GET /contacts/{who}/export", tag: tag, need: access.Read, long: true,
		summary: "Export everything of a contact", detail: aboutExports}, tarType, s.exportContact)
}

// WhoInput is the input of operations on one record.
type WhoInput struct {
	Who string `path:"who" example:"carl@press.example" doc:"An id, an address, a domain (bare or with @), or a name or its beginning. Where several fit, the answer is 409 with the candidates."`
}

func (s *Server) listContacts(ctx context.Context, in *filtered) (Page[Contact], error) {
	filter, slice, err := s.listing(ctx, *in)
	if err != nil {
		return Page[Contact]{}, err
	}
	return paged(ctx, s, func(tx store.Tx) (store.Page[contact.Contact], error) {
		return tx.Contacts().List(filter, slice)
	}, func(v *views, c contact.Contact) (Contact, bool, error) {
		view, err := v.contact(c)
		if err == nil {
			view.Relation, err = standingOf(v.tx, store.Subject{Contact: c.ID}, s.now())
		}
		return view, true, err
	})
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

func (s *Server) showContact(ctx context.Context, in *WhoInput) (Contact, error) {
	c, err := s.namedContact(ctx, in.Who)
	if err != nil {
		return Contact{}, err
	}
	return s.contactView(ctx, c.ID)
}

func (s *Server) addContact(ctx context.Context, in *struct{ Body ContactInput }) (none Contact, err error) {
	c, err := s.newContact(ctx, in.Body)
	if err != nil {
		return none, err
	}
	if err := sound(c.Normalize(), c.TimeZone); err != nil {
		return none, err
	}
	added, err := s.records.AddContact(ctx, actor(ctx), c)
	if err != nil {
		return none, refused(err)
	}
	return s.contactView(ctx, added.ID)
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

// edited is the input of a change of a record.
type edited struct {
	WhoInput
	MatchInput
	Body Edit
}

func (s *Server) editContact(ctx context.Context, in *edited) (none Contact, err error) {
	c, err := s.namedContact(ctx, in.Who)
	if err != nil {
		return none, err
	}
	if err := in.holds(revisionOf(c)); err != nil {
		return none, err
	}
	if c, err = s.applyToContact(ctx, c, in.Body); err != nil {
		return none, err
	}
	if err := sound(c.Normalize(), in.Body.Set["timezone"]); err != nil {
		return none, err
	}
	if c, err = s.records.EditContact(ctx, actor(ctx), c); err != nil {
		return none, refused(err)
	}
	return s.contactView(ctx, c.ID)
}

// erasure is the input of the removal of a record.
type erasure struct {
	WhoInput
	MatchInput
	Now bool `query:"now" doc:"Take the bytes off the disk at once; the store is made small for it, which may take minutes."`
}

func (s *Server) eraseContact(ctx context.Context, in *erasure) (none EraseResult, err error) {
	c, err := s.namedContact(ctx, in.Who)
	if err != nil {
		return none, err
	}
	if err := in.holds(revisionOf(c)); err != nil {
		return none, err
	}
	result, err := s.records.Erase(ctx, actor(ctx), c.ID)
	if err != nil {
		return none, refused(err)
	}
	return s.erased(ctx, in.Now, result)
}

// erased answers an erasure, after compacting where that was asked for.
func (s *Server) erased(ctx context.Context, now bool, result EraseResult) (EraseResult, error) {
	if err := s.forgetAnswers(ctx); err != nil {
		return result, err
	}
	if now {
		if _, _, err := s.daemon.Compact(ctx); err != nil {
			return result, err
		}
		result.Physical = "now"
	}
	return result, nil
}

// mergeRequest names who becomes part of the record in the path.
type mergeRequest struct {
	Lose string `json:"lose" doc:"Who becomes part of the record in the path: an id, address, domain or name."`
}

// merge is the input of a merge.
type merge struct {
	WhoInput
	Body mergeRequest
}

func (s *Server) mergeContacts(ctx context.Context, in *merge) (none Audited, err error) {
	keep, err := s.namedContact(ctx, in.Who)
	if err != nil {
		return none, err
	}
	lose, err := s.namedContact(ctx, in.Body.Lose)
	if err != nil {
		return none, err
	}
	if keep.ID == lose.ID {
		return none, invalid("both names mean the same contact, {id}", "id", keep.ID)
	}
	audit, err := s.records.MergeContacts(ctx, actor(ctx), keep.ID, lose.ID)
	return Audited{Audit: audit}, refused(err)
}

func (s *Server) exportContact(ctx context.Context, in *WhoInput, w http.ResponseWriter, r *http.Request) error {
	c, err := s.namedContact(ctx, in.Who)
	if err != nil {
		return err
	}
	return s.export(w, r, selection{
		contacts: func(tx store.Tx, _ store.Slice) (store.Page[contact.Contact], error) {
			c, err := tx.Contacts().Get(c.ID)
			return store.Page[contact.Contact]{Items: []contact.Contact{c}}, err
		},
		subject: store.Subject{Contact: c.ID},
		objects: []string{string(c.ID)},
	})
}
