package web

import (
	"net/http"

	"rapport/store"
)

func (s *Server) suggestionRoutes() []route {
	return []route{
		{pattern: "GET /suggestions", serve: s.listSuggestions},
		{pattern: "POST /suggestions/accept", serve: s.acceptSuggestion, long: true},
		{pattern: "POST /suggestions/ignore", serve: s.ignoreSuggestion},
	}
}

// Accept names a suggestion, or with a leading @ those of a whole domain.
type Accept struct {
	Who  string `json:"who"`
	Kind string `json:"kind,omitempty"` // of what is created; empty: customer
}

func (s *Server) listSuggestions(w http.ResponseWriter, r *http.Request) error {
	slice, err := sliceOf(r)
	if err != nil {
		return err
	}
	page := Page[Suggestion]{}
	err = s.view(r.Context(), func(tx store.Tx) error {
		found, err := tx.Suggestions().List(slice)
		if err != nil {
			return err
		}
		page = Page[Suggestion]{Items: []Suggestion{}, Next: string(found.Next)}
		for _, sg := range found.Items {
			page.Items = append(page.Items, suggestion(sg))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return reply(w, page)
}

func (s *Server) acceptSuggestion(w http.ResponseWriter, r *http.Request) error {
	in := Accept{Kind: "customer"}
	if err := decode(r, &in); err != nil {
		return err
	}
	if in.Who == "" {
		return invalid("which suggestion? Give an address, or @ and a domain")
	}
	kind, _, err := kindAndStage(in.Kind, "")
	if err != nil {
		return err
	}
	added, err := s.records.Accept(r.Context(), s.actor(r), in.Who, kind)
	if err != nil {
		return refused(err)
	}
	page := Page[Contact]{}
	err = s.view(r.Context(), func(tx store.Tx) error {
		page = Page[Contact]{Items: []Contact{}}
		v := newViews(tx)
		for _, c := range added {
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

func (s *Server) ignoreSuggestion(w http.ResponseWriter, r *http.Request) error {
	var in whoRequest
	if err := decode(r, &in); err != nil {
		return err
	}
	if in.Who == "" {
		return invalid("which suggestion? Give an address, or @ and a domain")
	}
	n, err := s.records.Ignore(r.Context(), s.actor(r), in.Who)
	if err != nil {
		return refused(err)
	}
	return reply(w, Ignored{Ignored: n})
}
