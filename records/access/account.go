package access

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rapport/records/contact"
)

// Account is a user: a person who may sign in, or is invited to.
type Account struct {
	ID      string          `json:"id"`
	Name    string          `json:"name"`
	Address contact.Address `json:"address"` // one user has it; of a member, the primary one
	Role    Role            `json:"role"`
	Sees    Tier            `json:"sees,omitempty"` // at most this much of other people's mail; "" is everything a mailbox allows
	Created time.Time       `json:"created"`
	// SignedIn is the last time, zero where there was none.
	SignedIn time.Time `json:"signed_in,omitzero"`
	// Epoch counts what ended all sessions at once, so that one begun under an
	// earlier one is never believed, whatever became of its record.
	Epoch       int         `json:"epoch"`
	Credentials Credentials `json:"credentials"`
	Invitation  *Invitation `json:"invitation,omitempty"` // open
}

// Credentials are the ways a user signs in. Nothing in them lets anybody in
// who reads the store without its key.
type Credentials struct {
	Password string    `json:"password,omitempty"`  // an argon2id digest
	TOTP     []byte    `json:"totp,omitempty"`      // the shared secret, sealed
	TOTPStep int64     `json:"totp_step,omitempty"` // of the last code used: it and earlier ones are used up
	Recovery [][]byte  `json:"recovery,omitempty"`  // digests of the recovery codes left
	Passkeys []Passkey `json:"passkeys,omitempty"`
	Linked   []Linked  `json:"linked,omitempty"`
}

// Passkey is a key pair of an authenticator; we keep the public half.
type Passkey struct {
	ID         []byte    `json:"id"`
	Name       string    `json:"name"`
	Created    time.Time `json:"created"`
	Used       time.Time `json:"used,omitzero"`
	Credential []byte    `json:"credential"` // as the WebAuthn library keeps it
}

// Ref names a passkey in lists.
func (p *Passkey) Ref() string { return hex.EncodeToString(p.ID[:min(len(p.ID), 16)]) }

// Linked is an account at an OpenID Connect issuer.
type Linked struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"` // at Microsoft tenant and object id
}

// Invitation is an open one-time link.
type Invitation struct {
	Digest  []byte    `json:"digest"`
	Expires time.Time `json:"expires"`
}

// Open reports whether the link still works.
func (i *Invitation) Open(now time.Time) bool { return i != nil && now.Before(i.Expires) }

// CanSignIn reports whether the user has any way to.
func (u *Account) CanSignIn() bool {
	c := &u.Credentials
	return c.Password != "" || len(c.Passkeys) > 0 || len(c.Linked) > 0
}

// LinkedTo reports whether an issuer's account is the user's.
func (u *Account) LinkedTo(l Linked) bool { return slices.Contains(u.Credentials.Linked, l) }

// Principal returns the user as who asks, in a session.
func (u *Account) Principal(session string) Principal {
	return Principal{Kind: User, ID: u.ID, Name: u.Name, Address: u.Address, Role: u.Role, Sees: u.Sees, Session: session}
}

// The bounds of what people type about a user.
const (
	maxName     = 200 // bytes
	minPassword = 12  // characters
	maxPassword = 1024
)

// CleanName brings the name of a user, token or passkey into the form it is
// kept in, and refuses what would not show as one line.
func CleanName(name string) (string, error) {
	name = strings.Join(strings.Fields(name), " ")
	switch {
	case name == "":
		return "", errors.New("a name is missing")
	case len(name) > maxName:
		return "", fmt.Errorf("the name is longer than %d bytes", maxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unsafeRune):
		return "", errors.New("the name holds characters that do not show")
	}
	return name, nil
}

func unsafeRune(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0xFFFD
}

// CheckPassword refuses what is too short to withstand guessing; it asks for
// no kinds of characters (NIST SP 800-63B).
func CheckPassword(password string, u *Account) error {
	lower := strings.ToLower(password)
	switch {
	case !utf8.ValidString(password):
		return errors.New("the password is no text")
	case utf8.RuneCountInString(password) < minPassword:
		return fmt.Errorf("the password needs at least %d characters; several words are easy to remember", minPassword)
	case len(password) > maxPassword:
		return fmt.Errorf("the password is longer than %d bytes", maxPassword)
	case lower == string(u.Address) || lower == strings.ToLower(u.Name):
		return errors.New("the password is your own name or address")
	case strings.Count(password, password[:1]) == len(password):
		return errors.New("the password is one character many times")
	}
	return nil
}

// ParseRole reads a role as people type one.
func ParseRole(text string) (Role, error) {
	r := Role(strings.ToLower(strings.TrimSpace(text)))
	if !slices.Contains(Roles(), r) {
		return "", fmt.Errorf("%q is no role; there are administrator, member, reader and own", text)
	}
	return r, nil
}

// ParseTier reads a tier as people type one; the empty text is everything.
func ParseTier(text string) (Tier, error) {
	t := Tier(strings.ToLower(strings.TrimSpace(text)))
	if t != "" && !slices.Contains(tiers, t) {
		return "", fmt.Errorf("%q is no tier; there are full, subject, metadata and private", text)
	}
	return t, nil
}
