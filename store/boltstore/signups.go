package boltstore

import "rapport/store"

var signUps = &table[store.SignUp]{
	name: tableSignUp, what: "sign-up",
	key: func(s *store.SignUp) []byte { return s.Digest[:] },
}

type signUpsOf struct{ tx *Tx }

// SignUps implements store.Tx.
func (tx *Tx) SignUps() store.SignUps { return signUpsOf{tx} }

func (s signUpsOf) Get(d store.Digest) (store.SignUp, error) {
	return signUps.must(s.tx, d[:], "of this address")
}

func (s signUpsOf) Put(v store.SignUp) error { return signUps.put(s.tx, &v) }

func (s signUpsOf) Delete(d store.Digest) error { return signUps.del(s.tx, d[:]) }

func (s signUpsOf) List(at store.Slice) (store.Page[store.SignUp], error) {
	return records(s.tx, signUps, at)
}
