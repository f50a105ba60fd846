package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
	"rapport/store"
)

// maxSavedViews is how many one user keeps.
const maxSavedViews = 100

// SavedView is a list with filters, kept under a name.
type SavedView struct {
	ID      string    `json:"id"`
	List    string    `json:"list" enum:"contacts,organisations"`
	Name    string    `json:"name"`
	Query   string    `json:"query"`  // the filters, as the query of an address
	Shared  bool      `json:"shared"` // everybody has it in their list
	Own     bool      `json:"own"`    // whoever asks may delete it
	Created time.Time `json:"created"`
}

// SavedViewInput is a view as a person saves it. Where one's own view of the
// list has the name already, it is replaced.
type SavedViewInput struct {
	List   string `json:"list" enum:"contacts,organisations"`
	Name   string `json:"name" minLength:"1" maxLength:"100"`
	Query  string `json:"query" maxLength:"2000" doc:"the filters, as the query of an address: kind=customer&tag=vip"`
	Shared bool   `json:"shared,omitempty" doc:"show it to everybody"`
}

func (s *Server) describeSavedViews(api huma.API) {
	const tag = "views"
	describe(s, api, operation{id: "list-views", pattern: "GET /views", tag: tag, need: access.Read,
		summary: "List the saved views of whoever asks, and the shared ones"}, s.listSavedViews)
	describe(s, api, operation{id: "save-view", pattern: "POST /views", tag: tag, need: access.Write,
		summary: "Keep a list's filters under a name"}, s.saveView)
	describe(s, api, operation{id: "delete-view", pattern: "DELETE /views/{id}", tag: tag, need: access.Write,
		summary: "Delete a saved view of one's own; administrators delete shared ones too"}, s.deleteView)
}

type savedViewList struct {
	List string `query:"list" enum:"contacts,organisations" doc:"only those of this list"`
}

func (s *Server) listSavedViews(ctx context.Context, in *savedViewList) (Page[SavedView], error) {
	page := Page[SavedView]{Items: []SavedView{}}
	err := s.view(ctx, func(tx store.Tx) error {
		all, err := tx.Views().List()
		page.Items = []SavedView{}
		for _, v := range all {
			if (in.List == "" || in.List == v.List) && (v.Shared || v.Owner == ownerOf(principal(ctx))) {
				page.Items = append(page.Items, savedView(v, principal(ctx)))
			}
		}
		return err
	})
	slices.SortStableFunc(page.Items, func(a, b SavedView) int { return strings.Compare(foldName(a.Name), foldName(b.Name)) })
	return page, err
}

func (s *Server) saveView(ctx context.Context, in *struct{ Body SavedViewInput }) (SavedView, error) {
	v := store.SavedView{List: in.Body.List, Name: strings.Join(strings.Fields(oneLine(in.Body.Name)), " "),
		Owner: ownerOf(principal(ctx)), Shared: in.Body.Shared}
	filters, err := url.ParseQuery(in.Body.Query)
	if err != nil || v.Name == "" {
		return SavedView{}, invalid("a view needs a name and the query of an address")
	}
	for _, gone := range []string{"cursor", "limit"} { // a place in a list is none of its filters
		filters.Del(gone)
	}
	v.Query = filters.Encode()
	if err := s.roomForView(ctx, v); err != nil {
		return SavedView{}, err
	}
	saved, err := s.records.SaveView(ctx, v)
	return savedView(saved, principal(ctx)), err
}

// roomForView refuses more views than anybody finds their way in.
func (s *Server) roomForView(ctx context.Context, v store.SavedView) error {
	own := 0
	err := s.view(ctx, func(tx store.Tx) error {
		all, err := tx.Views().List()
		own = 0
		for _, have := range all {
			if have.Owner == v.Owner && (have.List != v.List || have.Name != v.Name) {
				own++
			}
		}
		return err
	})
	if err == nil && own >= maxSavedViews {
		err = invalid("there are {n} saved views already; delete one first", "n", own)
	}
	return err
}

func (s *Server) deleteView(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (none struct{}, err error) {
	var v store.SavedView
	err = s.view(ctx, func(tx store.Tx) error {
		v, err = tx.Views().Get(in.ID)
		return err
	})
	switch {
	case err != nil:
		return none, err
	case !mayDelete(v, principal(ctx)) && v.Shared:
		return none, told(http.StatusForbidden, codeForbidden, "only whoever shared the view, or an administrator, deletes it")
	case !mayDelete(v, principal(ctx)): // it is not to be told from one that is not there
		return none, noView(in.ID)
	}
	return none, s.records.DeleteView(ctx, v.ID)
}

func noView(id string) error {
	return &Problem{Status: http.StatusNotFound, Code: codeNotFound, Detail: "no saved view " + oneLine(id)}
}

// ownerOf is under whom a principal's views are kept. Whoever needs no sign-in
// has them together.
func ownerOf(p access.Principal) string {
	if p.Kind == access.User || p.Kind == access.Token {
		return p.ID
	}
	return ""
}

func mayDelete(v store.SavedView, p access.Principal) bool {
	return v.Owner == ownerOf(p) || v.Shared && p.May(access.Manage) == nil
}

func savedView(v store.SavedView, p access.Principal) SavedView {
	return SavedView{ID: v.ID, List: v.List, Name: v.Name, Query: v.Query, Shared: v.Shared, Own: mayDelete(v, p), Created: v.Created.UTC()}
}

// SavedViews lists the saved views of a list, "" for all lists.
func (c *Client) SavedViews(ctx context.Context, list string) (Page[SavedView], error) {
	q := url.Values{}
	if list != "" {
		q.Set("list", list)
	}
	return call[Page[SavedView]](ctx, c, http.MethodGet, "/views", q, nil)
}

// SaveView keeps a list's filters under a name.
func (c *Client) SaveView(ctx context.Context, in SavedViewInput) (SavedView, error) {
	return call[SavedView](ctx, c, http.MethodPost, "/views", nil, in)
}

// DeleteView deletes a saved view.
func (c *Client) DeleteView(ctx context.Context, id string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, at("/views/%s", id), nil, nil)
	return err
}
