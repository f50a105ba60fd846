package storetest

import (
	"errors"
	"testing"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/store"
)

func testAccess(t *testing.T, s store.Store) {
	user := func(id, address string) access.Account {
		return access.Account{ID: id, Name: id, Address: contact.Address(address), Role: access.Member, Created: at(1),
			Credentials: access.Credentials{TOTP: []byte{0, 255}, Recovery: [][]byte{{1}, {2}}, Linked: []access.Linked{{Issuer: "i", Subject: "s"}}}}
	}
	ada, bob := user("A", "z@example.com"), user("B", "b@example.com")
	session := func(id, of string, used int) access.Session {
		return access.Session{ID: id, Digest: []byte(id), User: of, Created: at(0), Used: at(used), How: "password"}
	}
	token := func(id, of, name string) access.APIToken {
		return access.APIToken{ID: id, Digest: []byte(id), User: of, Name: name, Scope: access.Write, Created: at(0)}
	}
	update(t, s, func(tx store.Tx) error {
		return errors.Join(tx.Accounts().Put(ada), tx.Accounts().Put(bob),
			tx.Sessions().Put(session("1", "A", 1)), tx.Sessions().Put(session("2", "A", 9)), tx.Sessions().Put(session("3", "B", 5)),
			tx.APITokens().Put(token("1", "A", "zeta")), tx.APITokens().Put(token("2", "A", "alpha")), tx.APITokens().Put(token("3", "B", "beta")))
	})
	equal(t, "Accounts.List", view(t, s, func(tx store.Tx) ([]access.Account, error) { return tx.Accounts().List() }), []access.Account{bob, ada})
	equal(t, "Accounts.Get", view(t, s, func(tx store.Tx) (access.Account, error) { return tx.Accounts().Get("A") }), ada)
	err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Accounts().Put(user("C", "b@example.com")) })
	if !errors.Is(err, store.ErrExists) {
		t.Errorf("a second user with an address = %v, want ErrExists", err)
	}
	ofSessions := func(user string) []access.Session {
		return view(t, s, func(tx store.Tx) ([]access.Session, error) { return tx.Sessions().List(user) })
	}
	equal(t, "Sessions.List of one", ofSessions("A"), []access.Session{session("2", "A", 9), session("1", "A", 1)})
	equal(t, "Sessions.List of all", len(ofSessions("")), 3)
	ofTokens := func(user string) []access.APIToken {
		return view(t, s, func(tx store.Tx) ([]access.APIToken, error) { return tx.APITokens().List(user) })
	}
	equal(t, "APITokens.List of one", ofTokens("A"), []access.APIToken{token("2", "A", "alpha"), token("1", "A", "zeta")})
	equal(t, "APITokens.List of all", len(ofTokens("")), 3)
	for range 2 { // deleting what is not there is no error
		update(t, s, func(tx store.Tx) error {
			return errors.Join(tx.Accounts().Delete("B"), tx.Sessions().Delete("2"), tx.APITokens().Delete("2"))
		})
	}
	for what, get := range map[string]func(store.Tx) error{
		"user":    func(tx store.Tx) error { _, err := tx.Accounts().Get("B"); return err },
		"session": func(tx store.Tx) error { _, err := tx.Sessions().Get("2"); return err },
		"token":   func(tx store.Tx) error { _, err := tx.APITokens().Get("2"); return err },
	} {
		if err := s.View(t.Context(), get); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a deleted %s = %v, want ErrNotFound", what, err)
		}
	}
	equal(t, "the other sessions", ofSessions("A"), []access.Session{session("1", "A", 1)})
}
