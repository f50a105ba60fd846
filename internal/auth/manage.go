package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rapport/records/access"
	"rapport/records/phrase"
	"rapport/store"
)

// Ways says how people may sign in.
func (s *Service) Ways(ctx context.Context) (access.Ways, error) {
	set := s.settings.Load()
	w := access.Ways{Password: true, Open: set.Listen != "" && !s.peopled.Load() && set.mayBeOpen()}
	if set.OIDC != nil {
		w.Issuer = set.OIDC.Name
	}
	err := s.view(ctx, func(tx store.Tx) error {
		all, err := tx.Accounts().List()
		w.Passkeys = slices.ContainsFunc(all, func(a access.Account) bool { return len(a.Credentials.Passkeys) > 0 })
		return err
	})
	return w, err
}

// Users lists the people who sign in, by address.
func (s *Service) Users(ctx context.Context) (all []access.Account, err error) {
	err = s.view(ctx, func(tx store.Tx) error {
		all, err = tx.Accounts().List()
		return err
	})
	return all, err
}

// User finds a user by id or address.
func (s *Service) User(ctx context.Context, who string) (user access.Account, err error) {
	err = s.view(ctx, func(tx store.Tx) error {
		user, err = find(tx, who)
		return err
	})
	return user, err
}

func find(tx store.Tx, who string) (access.Account, error) {
	if u, err := tx.Accounts().Get(who); !errors.Is(err, store.ErrNotFound) {
		return u, err
	}
	return byAddress(tx, addressForm(who))
}

var errLast = errors.New("this is the last administrator who can sign in; make somebody else one first")

// keepsAdministrator refuses what would leave nobody to manage users.
func keepsAdministrator(tx store.Tx, u access.Account) error {
	all, err := tx.Accounts().List()
	if err != nil {
		return err
	}
	isOne := func(a access.Account) bool { return a.Role == access.Administrator && a.CanSignIn() }
	if isOne(u) && !slices.ContainsFunc(all, func(a access.Account) bool { return a.ID != u.ID && isOne(a) }) {
		return errLast
	}
	return nil
}

// ChangeUser changes a user's name, role or tier. Another role or tier ends
// the user's sessions.
func (s *Service) ChangeUser(ctx context.Context, by access.Principal, who string, c access.Change) (user access.Account, err error) {
	err = s.update(ctx, func(tx store.Tx) error {
		if user, err = find(tx, who); err != nil {
			return err
		}
		var said []phrase.Phrase
		if c.Name != nil {
			if user.Name, err = access.CleanName(*c.Name); err != nil {
				return err
			}
			said = append(said, phrase.New("name"))
		}
		if c.Role != nil && *c.Role != user.Role {
			if *c.Role != access.Administrator {
				if err := keepsAdministrator(tx, user); err != nil {
					return err
				}
			}
			user.Role = *c.Role
			said = append(said, phrase.New("role {role}", "role", wordOf(string(user.Role))))
		}
		if c.Sees != nil && *c.Sees != user.Sees {
			user.Sees = *c.Sees
			said = append(said, phrase.New("sees {what}", "what", wordOf(string(user.Sees))))
		}
		if len(said) == 0 {
			return nil
		}
		if len(said) > 1 || said[0].Form != "name" {
			if err := endAll(tx, &user); err != nil {
				return err
			}
		}
		if err := tx.Accounts().Put(user); err != nil {
			return err
		}
		return s.audit(tx, actor(by), "user.change", string(user.Address), phrase.List(said...))
	})
	return user, err
}

// RemoveUser removes a user with all sessions and tokens.
func (s *Service) RemoveUser(ctx context.Context, by access.Principal, who string) error {
	return s.update(ctx, func(tx store.Tx) error {
		user, err := find(tx, who)
		if err != nil {
			return err
		}
		if err := keepsAdministrator(tx, user); err != nil {
			return err
		}
		err = errors.Join(endTokens(tx, user.ID), endAll(tx, &user), tx.Accounts().Delete(user.ID))
		if err != nil {
			return fmt.Errorf("remove user %s: %w", user.Address, err)
		}
		return s.audit(tx, actor(by), "user.remove", string(user.Address), phrase.Phrase{})
	})
}

// Sessions lists the live sessions of a user, latest used first.
func (s *Service) Sessions(ctx context.Context, user string) (live []access.Session, err error) {
	now, spans := s.now(), s.settings.Load().Spans
	err = s.view(ctx, func(tx store.Tx) error {
		u, err := find(tx, user)
		if err != nil {
			return err
		}
		all, err := tx.Sessions().List(u.ID)
		live = slices.DeleteFunc(all, func(v access.Session) bool { return !v.Live(&u, now, spans) })
		return err
	})
	return live, err
}

// EndSession ends one session of a user.
func (s *Service) EndSession(ctx context.Context, by access.Principal, user, id string) error {
	return s.store.Update(ctx, func(tx store.Tx) error {
		u, err := find(tx, user)
		if err != nil {
			return err
		}
		v, err := tx.Sessions().Get(id)
		if err == nil && v.User != u.ID {
			err = fmt.Errorf("session %q of %s: %w", id, u.Address, store.ErrNotFound)
		}
		if err != nil {
			return err
		}
		if err := tx.Sessions().Delete(id); err != nil {
			return err
		}
		return s.audit(tx, actor(by), "session.end", string(u.Address), phrase.Verbatim(v.Agent))
	})
}

// Tokens lists the tokens of a user, "" of all, by name.
func (s *Service) Tokens(ctx context.Context, user string) (all []access.APIToken, err error) {
	err = s.view(ctx, func(tx store.Tx) error {
		if user != "" {
			u, err := find(tx, user)
			if err != nil {
				return err
			}
			user = u.ID
		}
		all, err = tx.APITokens().List(user)
		return err
	})
	return all, err
}

// maxTokens bounds the tokens of one user.
const maxTokens = 100

// tokenPrefix is how people and scanners of source code know a token.
const tokenPrefix = "rapport_"

// MakeToken makes a token of a user, named by id or address; secret is shown
// this once. Its scope may not exceed the rights of who makes it.
func (s *Service) MakeToken(ctx context.Context, by access.Principal, t access.APIToken) (_ access.APIToken, secret string, err error) {
	if t.Name, err = access.CleanName(t.Name); err != nil {
		return t, "", err
	}
	if err := by.May(t.Scope); err != nil {
		return t, "", err
	}
	now := s.now()
	if !t.Expires.IsZero() && !t.Expires.After(now) {
		return t, "", errors.New("the token would have expired already")
	}
	secret, _ = newSecret()
	secret = tokenPrefix + secret
	t.Digest, t.Created = digestOf(secret), now
	t.ID = idOf(t.Digest)
	err = s.store.Update(ctx, func(tx store.Tx) error {
		u, err := find(tx, t.User)
		if err != nil {
			return err
		}
		t.User = u.ID
		all, err := tx.APITokens().List(u.ID)
		if err != nil {
			return err
		}
		if len(all) >= maxTokens {
			return fmt.Errorf("%s has %d tokens; revoke one first", u.Address, len(all))
		}
		if slices.ContainsFunc(all, func(o access.APIToken) bool { return o.Name == t.Name }) {
			return fmt.Errorf("%s has a token called %q already", u.Address, t.Name)
		}
		if err := tx.APITokens().Put(t); err != nil {
			return err
		}
		return s.audit(tx, actor(by), "token.create", string(u.Address), phrase.New("{name}, to {scope}", "name", t.Name, "scope", wordOf(t.Scope.String())))
	})
	return t, secret, err
}

// EndToken revokes a token of a user, "" of any, named by its id.
func (s *Service) EndToken(ctx context.Context, by access.Principal, user, id string) error {
	return s.store.Update(ctx, func(tx store.Tx) error {
		t, err := tx.APITokens().Get(id)
		if err == nil && user != "" && t.User != user {
			err = fmt.Errorf("token %q: %w", id, store.ErrNotFound)
		}
		if err != nil {
			return err
		}
		if err := tx.APITokens().Delete(id); err != nil {
			return err
		}
		owner := t.User
		if u, err := tx.Accounts().Get(t.User); err == nil {
			owner = string(u.Address)
		}
		return s.audit(tx, actor(by), "token.revoke", owner, phrase.Verbatim(t.Name))
	})
}

// endTokens revokes every token of a user.
func endTokens(tx store.Tx, user string) error {
	all, err := tx.APITokens().List(user)
	for _, t := range all {
		err = errors.Join(err, tx.APITokens().Delete(t.ID))
	}
	return err
}

// self changes the user who asks, once the proof holds.
func (s *Service) self(ctx context.Context, by access.Principal, p access.Proof, action string, change func(store.Tx, *access.Account) error) error {
	user, err := s.User(ctx, by.ID)
	if err != nil {
		return err
	}
	if err := s.proven(ctx, &user, p); err != nil {
		return err
	}
	return s.update(ctx, func(tx store.Tx) error {
		u, err := tx.Accounts().Get(by.ID)
		if err != nil {
			return err
		}
		if u.Credentials.Password != user.Credentials.Password {
			return fmt.Errorf("change user %s: %w", u.Address, store.ErrConflict)
		}
		if err := change(tx, &u); err != nil {
			return err
		}
		if err := tx.Accounts().Put(u); err != nil {
			return err
		}
		return s.audit(tx, u.Name, action, string(u.Address), phrase.Phrase{})
	})
}

// NewEnrolment offers the user who asks a secret for an app; nothing is kept.
func (s *Service) NewEnrolment(by access.Principal) (access.Enrolment, error) {
	return s.enrolment(newTOTP(), string(by.Address))
}

// SetPassword sets the password of the user who asks, and ends all sessions.
func (s *Service) SetPassword(ctx context.Context, by access.Principal, n access.NewPassword) error {
	if err := access.CheckPassword(n.New, &access.Account{Name: by.Name, Address: by.Address}); err != nil {
		return err
	}
	digest, err := s.hash(ctx, n.New)
	if err != nil {
		return err
	}
	return s.self(ctx, by, n.Proof, "user.password", func(tx store.Tx, u *access.Account) error {
		if n.Secret != "" {
			if err := s.enrol(u, n.Secret, n.Code); err != nil {
				return err
			}
		}
		if len(u.Credentials.TOTP) == 0 {
			return errors.New("a password needs an authenticator app beside it; set that up too")
		}
		u.Credentials.Password = digest
		return endAll(tx, u)
	})
}

// SetApp gives the user who asks another authenticator app, and ends all sessions.
func (s *Service) SetApp(ctx context.Context, by access.Principal, p access.Proof, secret, code string) error {
	return s.self(ctx, by, p, "user.app", func(tx store.Tx, u *access.Account) error {
		if err := s.enrol(u, secret, code); err != nil {
			return err
		}
		u.Credentials.Recovery = nil
		return endAll(tx, u)
	})
}

// NewRecoveryCodes gives the user who asks new recovery codes, shown this
// once, in place of earlier ones.
func (s *Service) NewRecoveryCodes(ctx context.Context, by access.Principal, p access.Proof) ([]string, error) {
	codes, digests := newRecovery()
	return codes, s.self(ctx, by, p, "user.recovery", func(_ store.Tx, u *access.Account) error {
		if len(u.Credentials.TOTP) == 0 {
			return errors.New("recovery codes stand in for an authenticator app, and there is none; set one up first")
		}
		u.Credentials.Recovery = digests
		return nil
	})
}
