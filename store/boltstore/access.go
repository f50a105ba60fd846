package boltstore

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"rapport/records/access"
	"rapport/store"
)

// Users, sessions and tokens are few, so they are listed whole and have no
// derived rows.
var (
	accounts = &table[access.Account]{
		name: tableAccount, what: "user",
		key: func(a *access.Account) []byte { return appendID(nil, a.ID) },
	}
	sessions = &table[access.Session]{
		name: tableSession, what: "session", plain: true,
		key: func(s *access.Session) []byte { return appendID(nil, s.ID) },
	}
	tokens = &table[access.APIToken]{
		name: tableToken, what: "token", plain: true,
		key: func(t *access.APIToken) []byte { return appendID(nil, t.ID) },
	}
)

type accountsOf struct{ tx *Tx }

func (a accountsOf) Get(id string) (access.Account, error) {
	return accounts.must(a.tx, appendID(nil, id), id)
}

func (a accountsOf) List() ([]access.Account, error) {
	found, err := all(a.tx, accounts, nil)
	slices.SortFunc(found, func(x, y access.Account) int {
		return cmp.Or(cmp.Compare(x.Address, y.Address), cmp.Compare(x.ID, y.ID))
	})
	return found, err
}

func (a accountsOf) Put(v access.Account) error {
	if v.ID == "" || v.Address == "" {
		return errors.New("write user: the id or the address is missing")
	}
	others, err := all(a.tx, accounts, nil)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(others, func(o access.Account) bool { return o.Address == v.Address && o.ID != v.ID }) {
		return fmt.Errorf("write user %s: %w", v.Address, store.ErrExists)
	}
	return accounts.put(a.tx, &v)
}

func (a accountsOf) Delete(id string) error { return accounts.del(a.tx, appendID(nil, id)) }

type sessionsOf struct{ tx *Tx }

func (s sessionsOf) Get(id string) (access.Session, error) {
	return sessions.must(s.tx, appendID(nil, id), id)
}

func (s sessionsOf) List(user string) ([]access.Session, error) {
	found, err := all(s.tx, sessions, nil)
	found = slices.DeleteFunc(found, func(v access.Session) bool { return user != "" && v.User != user })
	slices.SortFunc(found, func(x, y access.Session) int {
		return cmp.Or(y.Used.Compare(x.Used), cmp.Compare(x.ID, y.ID))
	})
	return found, err
}

func (s sessionsOf) Put(v access.Session) error {
	if v.ID == "" || v.User == "" {
		return errors.New("write session: the id or the user is missing")
	}
	return sessions.put(s.tx, &v)
}

func (s sessionsOf) Delete(id string) error { return sessions.del(s.tx, appendID(nil, id)) }

type tokensOf struct{ tx *Tx }

func (t tokensOf) Get(id string) (access.APIToken, error) {
	return tokens.must(t.tx, appendID(nil, id), id)
}

func (t tokensOf) List(user string) ([]access.APIToken, error) {
	found, err := all(t.tx, tokens, nil)
	found = slices.DeleteFunc(found, func(v access.APIToken) bool { return user != "" && v.User != user })
	slices.SortFunc(found, func(x, y access.APIToken) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), bytes.Compare(x.Digest, y.Digest))
	})
	return found, err
}

func (t tokensOf) Put(v access.APIToken) error {
	if v.ID == "" || v.User == "" {
		return errors.New("write token: the id or the user is missing")
	}
	return tokens.put(t.tx, &v)
}

func (t tokensOf) Delete(id string) error { return tokens.del(t.tx, appendID(nil, id)) }
