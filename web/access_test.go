package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/pquerna/otp/totp"

	"rapport/records/access"
	"rapport/store"
)

// ada is a user who signs in by an issuer, with one session.
var ada = access.Account{ID: "01ADA", Name: "Ada Byron", Address: "ada@example.com", Role: access.Administrator, Created: noon,
	Credentials: access.Credentials{Linked: []access.Linked{{Issuer: "https://issuer.example", Subject: "1"}}}}

func (w *world) put(users ...access.Account) {
	w.t.Helper()
	err := w.store.Update(w.t.Context(), func(tx store.Tx) (err error) {
		for _, u := range users {
			err = errors.Join(err, tx.Accounts().Put(u), tx.Sessions().Put(access.Session{ID: "s" + u.ID, Digest: make([]byte, 32), User: u.ID, Created: noon, Used: noon, From: "192.0.2.1", How: "openid"}))
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// as returns the API's client of a signed-in user, and the context to ask in.
func (w *world) as(u access.Account) (context.Context, *Client) {
	return WithPrincipal(w.t.Context(), u.Principal("s"+u.ID)), NewHandlerClient(w.handler)
}

// accessCalls calls every operation about signing in.
func accessCalls(w *world) map[string]func() (any, error) {
	w.put(ada)
	ctx, c := w.as(ada)
	bob := func() (string, error) {
		i, err := c.InviteUser(ctx, Invite{Address: "bob@example.com"})
		return i.User.ID, err
	}
	token := func(name string) (TokenMade, error) { return c.CreateToken(ctx, NewToken{Name: name}) }
	code := func(e access.Enrolment) string {
		code, err := totp.GenerateCode(e.Secret, noon)
		if err != nil {
			w.t.Fatal(err)
		}
		return code
	}
	return map[string]func() (any, error){
		"GET /me":             func() (any, error) { return c.Self(ctx) },
		"GET /sign-in":        func() (any, error) { return c.Ways(ctx) },
		"POST /sign-in/offer": func() (any, error) { return offerOfBob(w, ctx, c) },
		"GET /users":          func() (any, error) { return c.Users(ctx) },
		"POST /users":         func() (any, error) { return bob() },
		"PATCH /users/{who}": func() (any, error) {
			role := access.Reader
			bob()
			return c.ChangeUser(ctx, "bob@example.com", UserChange{Role: &role})
		},
		"DELETE /users/{who}":               func() (any, error) { who, err := bob(); return nil, errors.Join(err, c.RemoveUser(ctx, who)) },
		"GET /users/{who}/sessions":         func() (any, error) { return c.UserSessions(ctx, "ada@example.com") },
		"DELETE /users/{who}/sessions/{id}": func() (any, error) { w.put(ada); return nil, c.EndUserSession(ctx, ada.ID, "s01ADA") },
		"GET /tokens":                       func() (any, error) { return c.Tokens(ctx) },
		"POST /tokens":                      func() (any, error) { return token("reports") },
		"DELETE /tokens/{id}": func() (any, error) {
			t, err := token("passing")
			return nil, errors.Join(err, c.RevokeToken(ctx, t.Token.ID))
		},
		"GET /me/sessions":         func() (any, error) { return c.Sessions(ctx) },
		"DELETE /me/sessions/{id}": func() (any, error) { w.put(ada); return nil, c.EndSession(ctx, "s01ADA") },
		"POST /me/enrolment":       func() (any, error) { return c.NewEnrolment(ctx) },
		"PUT /me/password": func() (any, error) {
			w.put(ada)
			e, err := c.NewEnrolment(ctx)
			return nil, errors.Join(err, c.SetPassword(ctx, PasswordChange{New: "four words of mine", Secret: e.Secret, Code: code(e)}))
		},
		"PUT /me/app": func() (any, error) {
			w.put(ada)
			e, err := c.NewEnrolment(ctx)
			return nil, errors.Join(err, c.SetApp(ctx, AppChange{Secret: e.Secret, Code: code(e)}))
		},
		"POST /me/recovery-codes": func() (any, error) {
			w.put(ada)
			e, err := c.NewEnrolment(ctx)
			if err := errors.Join(err, c.SetApp(ctx, AppChange{Secret: e.Secret, Code: code(e)})); err != nil {
				return nil, err
			}
			return c.NewRecoveryCodes(ctx, "")
		},
		"POST /me/passkeys/{id}/remove": func() (any, error) {
			with := ada
			with.Credentials.Passkeys = []access.Passkey{{ID: []byte{0xab, 0xcd}, Name: "phone"}}
			w.put(with)
			return nil, c.RemovePasskey(ctx, "abcd", "")
		},
	}
}

func offerOfBob(w *world, ctx context.Context, c *Client) (access.Offer, error) {
	i, err := c.InviteUser(ctx, Invite{Address: "bob@example.com"})
	if err != nil {
		return access.Offer{}, err
	}
	_, secret, _ := strings.Cut(i.Link, "token=")
	return c.Offer(WithPrincipal(w.t.Context(), access.Principal{}), secret)
}

// TestAccessIsOnesOwn asks for other people's tokens, sessions and accounts as
// everybody who may not have them.
func TestAccessIsOnesOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := access.Account{ID: "01BOB", Name: "Bob Boole", Address: "bob@example.com", Role: access.Member, Credentials: ada.Credentials}
	w.put(ada, bob)
	adas, c := w.as(ada)
	bobs, _ := w.as(bob)
	hers, err := c.CreateToken(adas, NewToken{Name: "hers", Scope: "manage"})
	if err != nil {
		t.Fatal(err)
	}
	program := WithPrincipal(t.Context(), access.Principal{Kind: access.Token, ID: "T", Name: "a program", Role: access.Administrator, Scopes: []access.Need{access.Manage}})
	nobody := WithPrincipal(t.Context(), access.Principal{})
	for what, tt := range map[string]struct {
		status int
		err    error
	}{
		"revoking her token":              {http.StatusNotFound, c.RevokeToken(bobs, hers.Token.ID)},
		"ending her session":              {http.StatusNotFound, c.EndSession(bobs, "s01ADA")},
		"managing users as a member":      {http.StatusForbidden, c.RemoveUser(bobs, ada.ID)},
		"a token above one's own rights":  {http.StatusUnprocessableEntity, second(c.CreateToken(bobs, NewToken{Name: "x", Scope: "manage"}))},
		"a token for her":                 {http.StatusForbidden, second(c.CreateToken(bobs, NewToken{Name: "x", User: "ada@example.com"}))},
		"a token by a token":              {http.StatusForbidden, second(c.CreateToken(program, NewToken{Name: "x", User: "ada@example.com"}))},
		"a password by a token":           {http.StatusForbidden, c.SetPassword(program, PasswordChange{New: "four words of mine"})},
		"sessions by nobody":              {http.StatusUnauthorized, second(c.Sessions(nobody))},
		"users by nobody":                 {http.StatusUnauthorized, second(c.Users(nobody))},
		"an offer for a link of nobody's": {http.StatusUnprocessableEntity, second(c.Offer(nobody, "x"))},
		"removing the last administrator": {http.StatusUnprocessableEntity, c.RemoveUser(adas, ada.ID)},
	} {
		var p *Problem
		if !errors.As(tt.err, &p) || p.Status != tt.status {
			t.Errorf("%s = %v, want status %d", what, tt.err, tt.status)
		}
	}
	page, err := c.Tokens(bobs)
	if err != nil || len(page.Items) != 0 {
		t.Errorf("Bob sees the tokens %+v, %v; want none", page.Items, err)
	}
	if page, err = c.Tokens(adas); err != nil || len(page.Items) != 1 || page.Items[0].User != "ada@example.com" {
		t.Errorf("Ada sees the tokens %+v, %v; want her own", page.Items, err)
	}
}

func second[T any](_ T, err error) error { return err }

// TestAnswersHoldNoSecret looks for what is kept of passwords, apps, tokens
// and passkeys in every answer about users.
func TestAnswersHoldNoSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	with := ada
	with.Credentials = access.Credentials{Password: "$argon2id$S3CRET", TOTP: []byte("S3CRET"), Recovery: [][]byte{[]byte("S3CRET")},
		Passkeys: []access.Passkey{{ID: []byte{1}, Name: "phone", Credential: []byte("S3CRET")}}}
	with.Invitation = &access.Invitation{Digest: []byte("S3CRET"), Expires: noon.AddDate(0, 0, 1)}
	w.put(with)
	for _, path := range []string{"/users", "/users/ada@example.com/sessions", "/tokens", "/me", "/sign-in", "/audit"} {
		resp, body := w.request("GET", path, "", "")
		for _, secret := range []string{"S3CRET", "UzNDUkVU", "argon2id"} { // the second is the first in base64
			if resp.StatusCode != http.StatusOK || strings.Contains(body, secret) {
				t.Errorf("GET %s = %d %s", path, resp.StatusCode, body)
			}
		}
	}
}
