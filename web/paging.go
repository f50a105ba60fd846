package web

import (
	"context"

	"rapport/store"
)

// SliceInput is the input of lists.
type SliceInput struct {
	Cursor string `query:"cursor" doc:"Where the list goes on: next of the answer before. Cursors are opaque and stay valid while records change."`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" doc:"How many at most; a hundred where it is not given."`
}

func (in SliceInput) slice() store.Slice {
	return store.Slice{Cursor: store.Cursor(in.Cursor), Limit: in.Limit}
}

// filtered is the input of lists of contacts and organisations.
type filtered struct {
	SliceInput
	Kind  kindInput  `query:"kind" doc:"Only these."`
	Stage stageInput `query:"stage" doc:"Only these."`
	Role  string     `query:"role" doc:"Only partners of this role, e.g. reseller."`
	Owner string     `query:"owner" doc:"Only those a member looks after: an address, a name, or the beginning of one."`
	Tag   string     `query:"tag" doc:"Only those with this tag."`
	Text  string     `query:"text" doc:"Only those with words that begin with these, in names, addresses and domains."`
	RelationFilter
}

// listing reads the filter and slice of a list.
func (s *Server) listing(ctx context.Context, in filtered) (store.Filter, store.Slice, error) {
	kind, stage, err := kindAndStage(string(in.Kind), string(in.Stage))
	if err != nil {
		return store.Filter{}, store.Slice{}, err
	}
	owner, err := s.owner(ctx, in.Owner)
	f := store.Filter{Kind: kind, Stage: stage, Role: in.Role, Owner: owner, Tag: in.Tag, Text: in.Text}
	if err == nil {
		err = in.into(&f, s.now())
	}
	return f, in.slice(), err
}

// paged reads a part of a list and shows its items, those that are to be seen.
func paged[T, V any](ctx context.Context, s *Server, list func(store.Tx) (store.Page[T], error), show func(*views, T) (V, bool, error)) (page Page[V], err error) {
	err = s.view(ctx, func(tx store.Tx) error {
		found, err := list(tx)
		if err != nil {
			return err
		}
		v := newViews(tx)
		page = Page[V]{Items: make([]V, 0, len(found.Items)), Next: string(found.Next)}
		for _, item := range found.Items {
			view, shown, err := show(v, item)
			if err != nil {
				return err
			}
			if shown {
				page.Items = append(page.Items, view)
			}
		}
		return nil
	})
	return page, err
}
