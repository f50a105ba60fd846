package storetest

import (
	"testing"

	"rapport/store"
)

func testViews(t *testing.T, s store.Store) {
	var all []store.SavedView
	update(t, s, func(tx store.Tx) error {
		all = nil
		for i, name := range []string{"vip", "späte", "ধীর"} {
			v := store.SavedView{ID: store.NewID(at(i)), List: "contacts", Name: name, Query: "tag=" + name, Owner: "u", Shared: i == 1, Created: at(i)}
			all = append(all, v)
			if err := tx.Views().Put(v); err != nil {
				return err
			}
		}
		return nil
	})
	list := func() []store.SavedView {
		return view(t, s, func(tx store.Tx) ([]store.SavedView, error) { return tx.Views().List() })
	}
	equal(t, "List", list(), all)
	update(t, s, func(tx store.Tx) error { return tx.Views().Delete(all[1].ID) })
	update(t, s, func(tx store.Tx) error { return tx.Views().Delete(all[1].ID) })
	equal(t, "List after Delete", list(), []store.SavedView{all[0], all[2]})
	missing(t, s, "Get", func(tx store.Tx) (store.SavedView, error) { return tx.Views().Get(all[1].ID) })
	equal(t, "Get", view(t, s, func(tx store.Tx) (store.SavedView, error) { return tx.Views().Get(all[2].ID) }), all[2])
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Views().Put(store.SavedView{Name: "x"}) }); err == nil {
		t.Error("a view without an id was written")
	}
}
