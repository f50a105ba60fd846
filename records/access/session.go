package access

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Session is a browser somebody signed in with. What the browser holds is
// random; the session knows its digest only.
type Session struct {
	ID      string    `json:"id"` // the first half of the digest
	Digest  []byte    `json:"digest"`
	User    string    `json:"user"`
	Epoch   int       `json:"epoch"` // of the user, when it began
	Created time.Time `json:"created"`
	Used    time.Time `json:"used"` // at most a few minutes behind
	From    string    `json:"from"` // network address
	Agent   string    `json:"agent,omitempty"`
	How     string    `json:"how"` // password | passkey | openid
}

// Spans bound how long a session lasts.
type Spans struct {
	Idle     time.Duration // unused
	Absolute time.Duration // in all
}

// Live reports whether a session of u still holds. A clock that was set back
// ends what begins in its future.
func (s *Session) Live(u *Account, now time.Time, spans Spans) bool {
	const skew = 5 * time.Minute
	return s.User == u.ID && s.Epoch == u.Epoch &&
		now.Before(s.Used.Add(spans.Idle)) && now.Before(s.Created.Add(spans.Absolute)) &&
		!s.Created.After(now.Add(skew)) && !s.Used.After(now.Add(skew))
}

// APIToken lets a program in on behalf of a user.
type APIToken struct {
	ID      string    `json:"id"` // the first half of the digest
	Digest  []byte    `json:"digest"`
	Name    string    `json:"name"`
	User    string    `json:"user"` // whose rights it has at most
	Scope   Need      `json:"scope"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"` // zero: never
	Used    time.Time `json:"used,omitzero"`
	From    string    `json:"from,omitempty"` // where it was last used from
}

// Live reports whether a token still holds.
func (t *APIToken) Live(now time.Time) bool { return t.Expires.IsZero() || now.Before(t.Expires) }

// Principal returns the token as who asks.
func (t *APIToken) Principal(u *Account) Principal {
	return Principal{
		Kind: Token, ID: t.ID, Name: u.Name + " (" + t.Name + ")", Address: u.Address,
		Role: u.Role, Scopes: []Need{t.Scope}, Sees: u.Sees,
	}
}

// scopes are what a token may be good for.
var scopes = []Need{Read, Write, Manage}

// ParseScope reads what a token is to be good for: read, write (which
// includes reading) or manage (which includes both).
func ParseScope(text string) (Need, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	i := slices.IndexFunc(scopes, func(n Need) bool { return n.String() == text })
	if i < 0 {
		return 0, fmt.Errorf("%q is no scope; there are read, write and manage", text)
	}
	return scopes[i], nil
}
