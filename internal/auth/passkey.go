package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"rapport/records/access"
	"rapport/records/phrase"
	"rapport/store"
)

// maxPasskeys bounds the passkeys of one user.
const maxPasskeys = 20

// ceremony is a use of a passkey that was begun: its challenge, and for whom.
type ceremony struct {
	data    webauthn.SessionData
	user    string   // who adds a passkey; "" of a sign-in
	session string   // in which
	guest   newcomer // or who sets up by a one-time link
	account access.Account
}

// holder is a user as the library wants one.
type holder struct{ *access.Account }

func (h holder) WebAuthnID() []byte          { return []byte(h.ID) }
func (h holder) WebAuthnName() string        { return string(h.Address) }
func (h holder) WebAuthnDisplayName() string { return h.Name }

func (h holder) WebAuthnCredentials() (all []webauthn.Credential) {
	for _, p := range h.Credentials.Passkeys {
		var c webauthn.Credential
		if json.Unmarshal(p.Credential, &c) == nil {
			all = append(all, c)
		}
	}
	return all
}

var errNoName = errors.New("passkeys need a name in the address bar, not a number: come by http://localhost, or set web.url")

// relying returns the library for the address a request came by.
func (s *Service) relying(o origin) (*webauthn.WebAuthn, error) {
	set := s.settings.Load()
	host, scheme := o.host, "http"
	if o.secure {
		scheme = "https"
	}
	if set.URL != nil {
		host, scheme = set.URL.Host, set.URL.Scheme
	}
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil || name == "" {
		return nil, errNoName
	}
	label := set.Team
	if label == "" {
		label = "Rapport"
	}
	return webauthn.New(&webauthn.Config{
		RPID: name, RPDisplayName: label, RPOrigins: []string{scheme + "://" + host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
	})
}

// begun is what a browser needs to go on with.
type begun struct {
	Ceremony string `json:"ceremony"`
	Options  any    `json:"options"`
}

// beginPasskey offers to add a passkey, for whoever is signed in or holds a
// one-time link.
func (s *Service) beginPasskey(ctx context.Context, v visit, p access.Principal, n newcomer) (begun, error) {
	c := ceremony{user: p.ID, session: p.Session, guest: n}
	var err error
	switch {
	case n.link != "":
		if c.account, err = s.received(ctx, n); err != nil {
			return begun{}, err
		}
		c.user = ""
	case p.Kind == access.User:
		if c.account, err = s.User(ctx, p.ID); err != nil {
			return begun{}, err
		}
	default:
		return begun{}, errSession
	}
	if len(c.account.Credentials.Passkeys) >= maxPasskeys {
		return begun{}, fmt.Errorf("%d passkeys are enough; remove one first", maxPasskeys)
	}
	lib, err := s.relying(v.origin)
	if err != nil {
		return begun{}, err
	}
	user := holder{&c.account}
	creation, data, err := lib.BeginRegistration(user, webauthn.WithExclusions(webauthn.Credentials(user.WebAuthnCredentials()).CredentialDescriptors()))
	if err != nil {
		return begun{}, fmt.Errorf("offer a passkey: %w", err)
	}
	c.data = *data
	return begun{s.ceremonies.put(c, s.now()), creation}, nil
}

// addPasskey takes the passkey a browser made. Whoever used a one-time link
// for it is signed in, with the secret it returns.
func (s *Service) addPasskey(ctx context.Context, v visit, p access.Principal, id, name string, answer []byte) (secret string, err error) {
	c, ok := s.ceremonies.take(id, s.now())
	if !ok || c.guest.link == "" && (p.Kind != access.User || c.user != p.ID || c.session != p.Session) {
		return "", ErrExpired
	}
	if name, err = access.CleanName(name); err != nil {
		return "", err
	}
	lib, err := s.relying(v.origin)
	if err != nil {
		return "", err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return "", refusedKey(err)
	}
	made, err := lib.CreateCredential(holder{&c.account}, c.data, parsed)
	if err != nil {
		return "", refusedKey(err)
	}
	raw, err := json.Marshal(made)
	if err != nil {
		return "", err
	}
	key := access.Passkey{ID: made.ID, Name: name, Created: s.now(), Credential: raw}
	if c.guest.link != "" {
		return s.welcome(ctx, v, c.guest, c.account.ID, "passkey", func(cr *access.Credentials) {
			cr.Passkeys = []access.Passkey{key}
		})
	}
	return "", s.update(ctx, func(tx store.Tx) error {
		u, err := tx.Accounts().Get(p.ID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(u.Credentials.Passkeys, func(k access.Passkey) bool { return bytes.Equal(k.ID, key.ID) }) {
			return errors.New("this passkey is yours already")
		}
		u.Credentials.Passkeys = append(u.Credentials.Passkeys, key)
		if err := tx.Accounts().Put(u); err != nil {
			return err
		}
		return s.audit(tx, u.Name, "user.passkey", string(u.Address), phrase.New("added {name}", "name", name))
	})
}

// refusedKey is what a person reads of a passkey that does not hold; what
// exactly was wrong with it is for the log.
func refusedKey(err error) error {
	return fmt.Errorf("the passkey was not accepted; try again (%w)", err)
}

// beginSignIn offers to sign in with any passkey.
func (s *Service) beginSignIn(v visit) (begun, error) {
	lib, err := s.relying(v.origin)
	if err != nil {
		return begun{}, err
	}
	assertion, data, err := lib.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return begun{}, fmt.Errorf("offer to sign in with a passkey: %w", err)
	}
	return begun{s.ceremonies.put(ceremony{data: *data}, s.now()), assertion}, nil
}

// passkeySignIn lets somebody in by a passkey.
func (s *Service) passkeySignIn(ctx context.Context, v visit, id string, answer []byte) (secret string, err error) {
	if !s.limits.begin(v.address, s.now()) {
		s.noteFailure(ctx, "passkey", phrase.New("too many attempts"), v)
		return "", ErrTooMany
	}
	secret, err = s.tryPasskey(ctx, v, id, answer)
	if err != nil {
		s.noteFailure(ctx, "passkey", phrase.Of(err), v)
		return "", err
	}
	s.limits.fine(v.address)
	return secret, nil
}

func (s *Service) tryPasskey(ctx context.Context, v visit, id string, answer []byte) (secret string, err error) {
	c, ok := s.ceremonies.take(id, s.now())
	if !ok || c.user != "" || c.guest.link != "" {
		return "", ErrExpired
	}
	lib, err := s.relying(v.origin)
	if err != nil {
		return "", err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return "", refusedKey(err)
	}
	var user access.Account
	used, err := lib.ValidateDiscoverableLogin(func(_, handle []byte) (webauthn.User, error) {
		user, err = s.User(ctx, string(handle))
		return holder{&user}, err
	}, c.data, parsed)
	if err != nil {
		return "", refusedKey(err)
	}
	if used.Authenticator.CloneWarning {
		return "", refusedKey(errors.New("its counter ran backwards, as that of a copy does"))
	}
	raw, err := json.Marshal(used)
	if err != nil {
		return "", err
	}
	err = s.store.Update(ctx, func(tx store.Tx) error {
		u, err := tx.Accounts().Get(user.ID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(u.Credentials.Passkeys, func(k access.Passkey) bool { return bytes.Equal(k.ID, used.ID) })
		if i < 0 {
			return ErrWrong // removed meanwhile
		}
		u.Credentials.Passkeys[i].Credential, u.Credentials.Passkeys[i].Used = raw, s.now()
		secret, err = s.begin(tx, &u, v, "passkey")
		return err
	})
	return secret, err
}

var errOnlyWay = errors.New("this is the only way you sign in; add another first")

// RemovePasskey removes a passkey of the user who asks and ends all sessions:
// those begun with it among them.
func (s *Service) RemovePasskey(ctx context.Context, by access.Principal, p access.Proof, id string) error {
	return s.self(ctx, by, p, "user.passkey", func(tx store.Tx, u *access.Account) error {
		n := len(u.Credentials.Passkeys)
		u.Credentials.Passkeys = slices.DeleteFunc(u.Credentials.Passkeys, func(k access.Passkey) bool { return k.Ref() == id })
		if len(u.Credentials.Passkeys) == n {
			return fmt.Errorf("passkey %q: %w", id, store.ErrNotFound)
		}
		if !u.CanSignIn() {
			return errOnlyWay
		}
		return endAll(tx, u)
	})
}
