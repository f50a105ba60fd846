package storetest

import (
	"testing"

	"rapport/store"
)

func testAnswers(t *testing.T, s store.Store) {
	answer := func(key string, minute, status int) store.Answer {
		a := store.Answer{Key: key, Request: "r" + key, At: at(minute), Status: status}
		if status != 0 {
			a.Kind, a.Body = "application/json", []byte(`{"audit":"x"}`)
		}
		return a
	}
	old, young := answer("old", 0, 0), answer("young", 5, 200)
	update(t, s, func(tx store.Tx) error { return tx.Answers().Put(old) })
	update(t, s, func(tx store.Tx) error { return tx.Answers().Put(young) })
	get := func(key string) store.Answer {
		return view(t, s, func(tx store.Tx) (store.Answer, error) { return tx.Answers().Get(key) })
	}
	equal(t, "Get of what was begun", get("old"), old)
	equal(t, "Get", get("young"), young)
	missing(t, s, "Get", func(tx store.Tx) (store.Answer, error) { return tx.Answers().Get("other") })
	n := 0
	expire := func(minute int) func(store.Tx) error {
		return func(tx store.Tx) (err error) { n, err = tx.Answers().Expire(at(minute)); return err }
	}
	update(t, s, expire(0))
	equal(t, "Expire of none", n, 0)
	update(t, s, expire(5))
	equal(t, "Expire", n, 1)
	missing(t, s, "Get after Expire", func(tx store.Tx) (store.Answer, error) { return tx.Answers().Get("old") })
	update(t, s, func(tx store.Tx) error { return tx.Answers().Delete("young") })
	update(t, s, func(tx store.Tx) error { return tx.Answers().Delete("young") })
	missing(t, s, "Get after Delete", func(tx store.Tx) (store.Answer, error) { return tx.Answers().Get("young") })
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Answers().Put(store.Answer{Request: "x"}) }); err == nil {
		t.Error("an answer without a key was written")
	}
}
