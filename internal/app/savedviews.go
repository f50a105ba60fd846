package app

import (
	"context"
	"fmt"

	"rapport/store"
)

// SaveView implements web.Records.
func (r records) SaveView(ctx context.Context, v store.SavedView) (store.SavedView, error) {
	v.ID, v.Created = store.NewID(r.now()), r.now().UTC()
	saved := v
	err := r.store.Update(ctx, func(tx store.Tx) error {
		saved = v
		all, err := tx.Views().List()
		if err != nil {
			return err
		}
		for _, old := range all {
			if old.Owner == v.Owner && old.List == v.List && old.Name == v.Name {
				saved.ID, saved.Created = old.ID, old.Created
			}
		}
		return tx.Views().Put(saved)
	})
	if err != nil {
		return saved, fmt.Errorf("save view %q: %w", v.Name, err)
	}
	return saved, nil
}

// DeleteView implements web.Records.
func (r records) DeleteView(ctx context.Context, id string) error {
	return r.store.Update(ctx, func(tx store.Tx) error { return tx.Views().Delete(id) })
}
