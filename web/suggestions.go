package web

import (
	"context"
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/store"
	"rapport/store/veil"
)

func (s *Server) describeSuggestions(api huma.API) {
	const tag = "suggestions"
	describe(s, api, operation{id: "list-suggestions", pattern: "GET /suggestions", tag: tag, need: access.Read,
		summary: "List correspondents nobody knows, most exchanges first"}, s.listSuggestions)
	describe(s, api, operation{id: "accept-suggestion", pattern: "POST /suggestions/accept", tag: tag, need: access.Write, long: true,
		summary: "Make contacts of a suggestion, or of a whole domain's"}, s.acceptSuggestion)
	describe(s, api, operation{id: "ignore-suggestion", pattern: "POST /suggestions/ignore", tag: tag, need: access.Write,
		summary: "Keep a suggestion, or a whole domain's, from coming back"}, s.ignoreSuggestion)
}

// Accept names a suggestion, or with a leading @ those of a whole domain.
type Accept struct {
	Who  string `json:"who" doc:"An address, or @ and a domain." example:"@press.example"`
	Kind string `json:"kind,omitempty" doc:"Of what is created; empty: customer."`
}

// Accepted is who became a contact, and what undoes it.
type Accepted struct {
	Items  []Contact `json:"items"`
	Next   string    `json:"next"`   // always empty
	Audits []string  `json:"audits"` // one for each, to be given to undo
}

func (s *Server) listSuggestions(ctx context.Context, in *SliceInput) (Page[Suggestion], error) {
	return paged(ctx, s, func(tx store.Tx) (store.Page[store.Suggestion], error) {
		return tx.Suggestions().List(in.slice())
	}, func(_ *views, sg store.Suggestion) (Suggestion, bool, error) { return suggestion(sg), true, nil })
}

func (s *Server) acceptSuggestion(ctx context.Context, in *struct{ Body Accept }) (out Accepted, err error) {
	if in.Body.Who == "" {
		return out, invalid("which suggestion? Give an address, or @ and a domain")
	}
	kind, _, err := kindAndStage(in.Body.Kind, "")
	if err != nil {
		return out, err
	}
	if kind == "" {
		kind = contact.Customer
	}
	if err := s.suggested(ctx, in.Body.Who); err != nil {
		return out, err
	}
	added, audits, err := s.records.Accept(ctx, actor(ctx), in.Body.Who, kind)
	if err != nil {
		return out, refused(err)
	}
	page, err := paged(ctx, s, func(store.Tx) (store.Page[contact.Contact], error) {
		return store.Page[contact.Contact]{Items: added}, nil
	}, func(v *views, c contact.Contact) (Contact, bool, error) {
		view, err := v.contact(c)
		return view, true, err
	})
	return Accepted{Items: page.Items, Audits: list(audits)}, err
}

func (s *Server) ignoreSuggestion(ctx context.Context, in *struct{ Body whoRequest }) (none Ignored, err error) {
	if in.Body.Who == "" {
		return none, invalid("which suggestion? Give an address, or @ and a domain")
	}
	if err := s.suggested(ctx, in.Body.Who); err != nil {
		return none, err
	}
	audits, err := s.records.Ignore(ctx, actor(ctx), in.Body.Who)
	return Ignored{Ignored: len(audits), Audits: list(audits)}, refused(err)
}

// suggested refuses whom whoever asks was not suggested; what the command line
// names is the records' to judge.
func (s *Server) suggested(ctx context.Context, who string) error {
	if veil.Everything(principal(ctx)) {
		return nil
	}
	return s.view(ctx, func(tx store.Tx) error {
		a, err := contact.ParseAddress(who)
		if err == nil {
			_, err = tx.Suggestions().Get(a)
			return err
		}
		page, err := tx.Suggestions().List(store.Slice{Limit: 1})
		if err == nil && len(page.Items) == 0 {
			err = fmt.Errorf("suggestion %q: %w", oneLine(who), store.ErrNotFound)
		}
		return err
	})
}
