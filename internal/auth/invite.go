package auth

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/phrase"
	"rapport/store"
)

// inviteFor is how long a one-time link works.
const inviteFor = 24 * time.Hour

// firstLink makes the first administrator. It is of this process alone: a
// start makes another.
type firstLink struct {
	mu      sync.Mutex // guards what follows
	digest  []byte
	expires time.Time
}

// FirstLink returns a new one-time link that makes the first administrator,
// "" where some administrator can sign in already.
func (s *Service) FirstLink(ctx context.Context) (string, error) {
	var have bool
	err := s.view(ctx, func(tx store.Tx) (err error) {
		have, err = administrated(tx)
		return err
	})
	if err != nil || have {
		return "", err
	}
	secret, digest := newSecret()
	s.first.mu.Lock()
	defer s.first.mu.Unlock()
	s.first.digest, s.first.expires = digest, s.now().Add(inviteFor)
	return s.link(secret), nil
}

func (s *Service) link(secret string) string {
	return s.settings.Load().base() + "/setup?token=" + url.QueryEscape(secret)
}

func (f *firstLink) fits(digest []byte, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return sameDigest(digest, f.digest) && now.Before(f.expires)
}

func (f *firstLink) use() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.digest = nil
}

// invited finds whom a one-time link lets in: the invited user, or a new
// first administrator without an address. [ErrExpired] where nobody.
func (s *Service) invited(tx store.Tx, link string) (access.Account, error) {
	digest, now := digestOf(link), s.now()
	if s.first.fits(digest, now) {
		have, err := administrated(tx)
		if err == nil && have {
			err = ErrExpired
		}
		return access.Account{ID: store.NewID(now), Role: access.Administrator, Created: now}, err
	}
	all, err := tx.Accounts().List()
	if err != nil {
		return access.Account{}, err
	}
	for _, a := range all {
		if a.Invitation.Open(now) && sameDigest(digest, a.Invitation.Digest) {
			return a, nil
		}
	}
	return access.Account{}, ErrExpired
}

// Offer says what a one-time link offers; nothing is used up.
func (s *Service) Offer(ctx context.Context, link string) (access.Offer, error) {
	var user access.Account
	err := s.view(ctx, func(tx store.Tx) (err error) {
		user, err = s.invited(tx, link)
		return err
	})
	if err != nil {
		return access.Offer{}, err
	}
	o := access.Offer{First: user.Address == "", Name: user.Name, Address: user.Address, Role: user.Role}
	label := string(user.Address)
	if o.First {
		label = "administrator"
	}
	o.Enrolment, err = s.enrolment(s.totpOf(link), label)
	return o, err
}

// newcomer is what the holder of a one-time link says.
type newcomer struct {
	link     string
	name     string
	address  string // of the first administrator
	password string
	code     string
}

// accept makes the holder of a one-time link a user with a password and an
// app, in a session of their own. What could sign in as that user before no
// longer can.
func (s *Service) accept(ctx context.Context, v visit, n newcomer) (secret string, err error) {
	if !s.limits.begin(v.address, s.now()) {
		return "", ErrTooMany
	}
	user, err := s.received(ctx, n)
	if err != nil {
		return "", err
	}
	if err := access.CheckPassword(n.password, &user); err != nil {
		return "", fmt.Errorf("%w: %w", errWeak, err)
	}
	if err := s.enrol(&user, s.totpOf(n.link), n.code); err != nil {
		return "", err
	}
	digest, err := s.hash(ctx, n.password)
	if err != nil {
		return "", err
	}
	s.limits.fine(v.address)
	given := user.Credentials
	return s.welcome(ctx, v, n, user.ID, "password", func(c *access.Credentials) {
		c.Password, c.TOTP, c.TOTPStep = digest, given.TOTP, given.TOTPStep
	})
}

// received reads whom a link lets in, with what its holder says of themselves.
func (s *Service) received(ctx context.Context, n newcomer) (user access.Account, err error) {
	err = s.view(ctx, func(tx store.Tx) error {
		user, err = s.introduced(tx, n)
		return err
	})
	return user, err
}

func (s *Service) introduced(tx store.Tx, n newcomer) (access.Account, error) {
	user, err := s.invited(tx, n.link)
	if err != nil {
		return user, err
	}
	if user.Address == "" {
		if user.Address, err = contact.ParseAddress(strings.TrimSpace(n.address)); err != nil {
			return user, fmt.Errorf("%w: %w", errUnnamed, err)
		}
		old, err := byAddress(tx, string(user.Address))
		switch {
		case err == nil: // invited before, or no administrator so far
			old.Role, user = access.Administrator, old
		case !errors.Is(err, store.ErrNotFound):
			return user, err
		}
	}
	if n.name != "" || user.Name == "" {
		if user.Name, err = access.CleanName(n.name); err != nil {
			return user, fmt.Errorf("%w: %w", errUnnamed, err)
		}
	}
	return user, nil
}

// welcome uses a one-time link up: the user signs in with what set gives, and
// with nothing else. id is what a new user's secrets were sealed and made for.
func (s *Service) welcome(ctx context.Context, v visit, n newcomer, id, how string, set func(*access.Credentials)) (secret string, err error) {
	err = s.update(ctx, func(tx store.Tx) error {
		user, err := s.introduced(tx, n) // once more: of two who hold the link one comes first
		if err != nil {
			return err
		}
		switch _, err := tx.Accounts().Get(user.ID); {
		case errors.Is(err, store.ErrNotFound):
			user.ID = id
		case err != nil:
			return err
		case user.ID != id:
			return store.ErrConflict
		}
		user.Credentials = access.Credentials{}
		set(&user.Credentials)
		user.Invitation = nil
		if err := errors.Join(endAll(tx, &user), endTokens(tx, user.ID)); err != nil {
			return err
		}
		if err := s.audit(tx, user.Name, "user.accept", string(user.Address), phrase.New("as {role}", "role", wordOf(string(user.Role)))); err != nil {
			return err
		}
		secret, err = s.begin(tx, &user, v, how)
		return err
	})
	if err != nil {
		return "", err
	}
	if s.first.fits(digestOf(n.link), s.now()) {
		s.first.use()
	}
	return secret, nil
}

// Invite adds a user, or lets an existing one set up how they sign in anew,
// and returns the one-time link. Until it is used, what an existing user
// signs in with stays as it is.
func (s *Service) Invite(ctx context.Context, by access.Principal, a access.Account) (user access.Account, link string, err error) {
	if a.Address, err = contact.ParseAddress(string(a.Address)); err != nil {
		return user, "", err
	}
	if a.Name == "" {
		a.Name = a.Address.Local()
	}
	if a.Name, err = access.CleanName(a.Name); err != nil {
		return user, "", err
	}
	secret, digest := newSecret()
	err = s.store.Update(ctx, func(tx store.Tx) error {
		user, err = byAddress(tx, string(a.Address))
		switch {
		case errors.Is(err, store.ErrNotFound):
			user = access.Account{ID: store.NewID(s.now()), Name: a.Name, Address: a.Address, Role: a.Role, Sees: a.Sees, Created: s.now()}
		case err != nil:
			return err
		}
		user.Invitation = &access.Invitation{Digest: digest, Expires: s.now().Add(inviteFor)}
		if err := tx.Accounts().Put(user); err != nil {
			return err
		}
		return s.audit(tx, actor(by), "user.invite", string(user.Address), phrase.New("as {role}", "role", wordOf(string(user.Role))))
	})
	if err != nil {
		return user, "", fmt.Errorf("invite %s: %w", a.Address, err)
	}
	return user, s.link(secret), nil
}

// actor names who asks, for the trail.
func actor(p access.Principal) string {
	if p.Name != "" {
		return p.Name
	}
	return string(p.Kind)
}
