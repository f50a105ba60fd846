package boltstore

import (
	"fmt"

	"rapport/store"
)

var savedViews = &table[store.SavedView]{
	name: tableView, what: "saved view",
	key: func(v *store.SavedView) []byte { return appendID(nil, v.ID) },
}

type viewsOf struct{ tx *Tx }

// Views implements store.Tx.
func (tx *Tx) Views() store.SavedViews { return viewsOf{tx} }

func (v viewsOf) Get(id string) (store.SavedView, error) {
	return savedViews.must(v.tx, appendID(nil, id), id)
}

func (v viewsOf) List() ([]store.SavedView, error) { return all(v.tx, savedViews, nil) }

func (v viewsOf) Put(s store.SavedView) error {
	if s.ID == "" {
		return fmt.Errorf("write saved view %q: it has no id", s.Name)
	}
	return savedViews.put(v.tx, &s)
}

func (v viewsOf) Delete(id string) error { return savedViews.del(v.tx, appendID(nil, id)) }
