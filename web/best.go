package web

import (
	"cmp"
	"context"
	"slices"

	"rapport/records/timeline"
	"rapport/store"
)

// maxRanked is how many hits are weighed: of more the newest.
const maxRanked = 300

// ranked is a hit with its weight.
type ranked struct {
	Entry
	texts  store.Fields
	weight float64
}

// best lists what a query finds, best first and of equals the newest. What is
// not to be seen weighs nothing.
func (s *Server) best(ctx context.Context, query store.Query, in SliceInput) (Page[Entry], error) {
	if in.Cursor != "" {
		return Page[Entry]{}, invalid("a list with the best first has no further pages: ask without the cursor")
	}
	found, err := paged(ctx, s, func(tx store.Tx) (store.Page[timeline.Entry], error) {
		return tx.Entries().Search(query, store.Slice{Limit: maxRanked})
	}, func(v *views, e timeline.Entry) (ranked, bool, error) {
		view, texts, shown, err := v.found(e)
		return ranked{view, texts, query.Weight(texts)}, shown, err
	})
	if err != nil {
		return Page[Entry]{}, err
	}
	if len(found.Items) == 0 {
		return Page[Entry]{Items: []Entry{}}, s.searchable(ctx, query)
	}
	slices.SortStableFunc(found.Items, func(a, b ranked) int { return cmp.Compare(b.weight, a.weight) })
	page := Page[Entry]{Items: []Entry{}}
	for _, r := range found.Items[:min(len(found.Items), cmp.Or(in.Limit, 100))] {
		r.Entry.pass(query, r.texts)
		page.Items = append(page.Items, r.Entry)
	}
	return page, nil
}
