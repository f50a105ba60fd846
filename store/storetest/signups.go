package storetest

import (
	"testing"

	"rapport/store"
)

func testSignUps(t *testing.T, s store.Store) {
	a := store.SignUp{Digest: store.Digest{1}, Address: "ada@example.com", Name: "Ada", Language: "de", Purposes: []string{"newsletter", "tutorial"}, Asked: at(1), How: "form"}
	b := store.SignUp{Digest: store.Digest{2}, Address: "bob@example.com", Purposes: []string{"newsletter"}, Asked: at(2), How: "preferences", Confirmed: at(3)}
	get := func(d store.Digest) store.SignUp {
		return view(t, s, func(tx store.Tx) (store.SignUp, error) { return tx.SignUps().Get(d) })
	}
	for range 2 { // the second takes the place of the first
		update(t, s, func(tx store.Tx) error {
			if err := tx.SignUps().Put(b); err != nil {
				return err
			}
			return tx.SignUps().Put(a)
		})
	}
	equal(t, "Get", get(a.Digest), a)
	equal(t, "List", view(t, s, func(tx store.Tx) (store.Page[store.SignUp], error) { return tx.SignUps().List(store.Slice{}) }).Items, []store.SignUp{a, b})
	update(t, s, func(tx store.Tx) error { return tx.SignUps().Delete(a.Digest) })
	update(t, s, func(tx store.Tx) error { return tx.SignUps().Delete(a.Digest) })
	missing(t, s, "Get after Delete", func(tx store.Tx) (store.SignUp, error) { return tx.SignUps().Get(a.Digest) })
}
