package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/phrase"
	"rapport/store"
)

// OIDC is an issuer that signs people in for us.
type OIDC struct {
	Name     string // on the button
	Issuer   string
	ClientID string
	Secret   func(context.Context) (string, error) // nil: a public client
	// Tenants are the directories that may sign in where Microsoft's issuer is
	// that of several.
	Tenants []string
	// Domains and Addresses may sign in without an invitation; nobody where
	// both are empty.
	Domains   []string
	Addresses []contact.Address
	// Administrators sign in as such, Role is everybody else's.
	Administrators []contact.Address
	Role           access.Role
	Sees           access.Tier
	// Client replaces how the issuer is reached, for tests.
	Client *http.Client
}

// issuerTime bounds each request to the issuer, issuerBytes its answers.
const (
	issuerTime  = 15 * time.Second
	issuerBytes = 1 << 20
)

// microsoft is what Microsoft's issuers begin with. There a mail address is
// whatever a foreign administrator typed, and an account is known by its
// directory and object alone.
const microsoft = "https://login.microsoftonline.com/"

// shared reports whether the issuer is Microsoft's for several directories.
func (o *OIDC) shared() bool {
	tenant, ok := strings.CutPrefix(o.Issuer, microsoft)
	tenant, _, _ = strings.Cut(tenant, "/")
	return ok && slices.Contains([]string{"common", "organizations", "consumers"}, tenant)
}

// issuerCache keeps what the issuer says of itself; where that failed it is
// asked again at the next sign-in.
type issuerCache struct {
	mu   sync.Mutex // guards what follows
	of   *OIDC
	meta *oidc.Provider
}

// reach returns a context whose requests are bounded.
func (o *OIDC) reach(ctx context.Context) context.Context {
	client := o.Client
	if client == nil {
		client = http.DefaultClient
	}
	transport := client.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	return oidc.ClientContext(ctx, &http.Client{Timeout: issuerTime, Transport: boundedAnswers{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("the issuer answers with a redirect") }})
}

// boundedAnswers cuts answers off that are larger than any issuer's.
type boundedAnswers struct{ next http.RoundTripper }

func (t boundedAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, issuerBytes), resp.Body}
	}
	return resp, err
}

// provider asks the issuer where its doors are.
func (s *Service) provider(o *OIDC) (*oidc.Provider, error) {
	s.issuer.mu.Lock()
	defer s.issuer.mu.Unlock()
	if s.issuer.of == o {
		return s.issuer.meta, nil
	}
	// The provider keeps its context for later requests of keys, so it is not
	// that of the browser's request.
	ctx := o.reach(context.Background())
	if o.shared() {
		ctx = oidc.InsecureIssuerURLContext(ctx, o.Issuer) // the document names {tenantid}; claims are checked against Tenants
	}
	meta, err := oidc.NewProvider(ctx, o.Issuer)
	if err != nil {
		return nil, fmt.Errorf("ask the issuer %s: %w", o.Issuer, err)
	}
	s.issuer.of, s.issuer.meta = o, meta
	return meta, nil
}

// journey is a browser that was sent to the issuer.
type journey struct {
	by       *OIDC
	state    string
	nonce    string
	verifier string
	redirect string
	link     newcomer // with a one-time link
	back     string   // where to go afterwards
}

const callbackPath = "/auth/oidc/callback"

func (s *Service) oauth(ctx context.Context, o *OIDC, meta *oidc.Provider, redirect string) (*oauth2.Config, error) {
	c := &oauth2.Config{
		ClientID: o.ClientID, Endpoint: meta.Endpoint(), RedirectURL: redirect,
		Scopes: []string{oidc.ScopeOpenID, "email", "profile"},
	}
	if o.Secret != nil {
		secret, err := o.Secret(ctx)
		if err != nil {
			return nil, fmt.Errorf("read web.oidc.client_secret_file: %w", err)
		}
		c.ClientSecret = secret
	}
	return c, nil
}

// depart returns where the browser is to go, and what it is to hold meanwhile.
func (s *Service) depart(ctx context.Context, v visit, link newcomer, back string) (to, held string, err error) {
	set := s.settings.Load()
	if set.OIDC == nil {
		return "", "", ErrAbsent
	}
	meta, err := s.provider(set.OIDC)
	if err != nil {
		return "", "", err
	}
	scheme := "http://"
	if v.secure {
		scheme = "https://"
	}
	redirect := scheme + v.host + callbackPath
	if set.URL != nil {
		redirect = set.base() + callbackPath
	}
	config, err := s.oauth(ctx, set.OIDC, meta, redirect)
	if err != nil {
		return "", "", err
	}
	j := journey{by: set.OIDC, verifier: oauth2.GenerateVerifier(), redirect: redirect, link: link, back: back}
	j.state, _ = newSecret()
	j.nonce, _ = newSecret()
	to = config.AuthCodeURL(j.state, oidc.Nonce(j.nonce), oauth2.S256ChallengeOption(j.verifier), oauth2.SetAuthURLParam("prompt", "select_account"))
	return to, s.journeys.put(j, s.now()), nil
}

// claims are what an ID token says of somebody.
type claims struct {
	Subject  string `json:"sub"`
	Email    string `json:"email"`
	Verified any    `json:"email_verified"`
	Name     string `json:"name"`
	Hosted   string `json:"hd"`       // Google: the organisation's domain
	Tenant   string `json:"tid"`      // Microsoft: the directory
	Object   string `json:"oid"`      // Microsoft: the account
	Owned    any    `json:"xms_edov"` // Microsoft: the address's domain is proven
	Party    string `json:"azp"`
}

// arrive signs somebody in who comes back from the issuer.
func (s *Service) arrive(ctx context.Context, v visit, held string, q url.Values) (secret, back string, err error) {
	j, ok := s.journeys.take(held, s.now())
	if !ok {
		return "", "", ErrExpired
	}
	link, c, err := s.vouched(ctx, j, q)
	if err == nil {
		secret, err = s.admit(ctx, v, j, link, c)
	}
	if err != nil {
		s.noteFailure(ctx, c.Email, phrase.Of(err), v)
	}
	return secret, j.back, err
}

// vouched exchanges the code and checks everything the issuer must have said.
func (s *Service) vouched(ctx context.Context, j journey, q url.Values) (access.Linked, claims, error) {
	var c claims
	if subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(j.state)) != 1 {
		return access.Linked{}, c, errors.New("the answer belongs to another sign-in")
	}
	if iss, given := q["iss"]; given && !j.by.speaks(iss[0], "") { // RFC 9207: an answer mixed up with another issuer's
		return access.Linked{}, c, errors.New("the answer comes from another issuer")
	}
	if e := q.Get("error"); e != "" {
		return access.Linked{}, c, fmt.Errorf("the issuer says: %s", clip(e, 100))
	}
	meta, err := s.provider(j.by)
	if err != nil {
		return access.Linked{}, c, err
	}
	ctx = j.by.reach(ctx)
	config, err := s.oauth(ctx, j.by, meta, j.redirect)
	if err != nil {
		return access.Linked{}, c, err
	}
	answer, err := config.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(j.verifier))
	if err != nil {
		return access.Linked{}, c, fmt.Errorf("exchange the issuer's code: %w", err)
	}
	raw, _ := answer.Extra("id_token").(string)
	token, err := meta.Verifier(&oidc.Config{ClientID: j.by.ClientID, Now: s.now, SkipIssuerCheck: j.by.shared()}).Verify(ctx, raw)
	if err != nil {
		return access.Linked{}, c, fmt.Errorf("check what the issuer says: %w", err)
	}
	if err := token.Claims(&c); err != nil {
		return access.Linked{}, c, fmt.Errorf("read what the issuer says: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(j.nonce)) != 1 {
		return access.Linked{}, c, errors.New("check what the issuer says: it was said for another sign-in")
	}
	if len(token.Audience) > 1 && c.Party != j.by.ClientID || c.Party != "" && c.Party != j.by.ClientID {
		return access.Linked{}, c, errors.New("check what the issuer says: it was said to another program")
	}
	return j.by.account(token.Issuer, c)
}

// speaks reports whether an issuer is the configured one; of Microsoft's
// shared ones, whether it is that of an allowed directory.
func (o *OIDC) speaks(issuer, tenant string) bool {
	if !o.shared() {
		return issuer == o.Issuer
	}
	of, ok := strings.CutPrefix(issuer, microsoft)
	of, version, _ := strings.Cut(of, "/")
	return ok && version == "v2.0" && slices.Contains(o.Tenants, of) && (tenant == "" || tenant == of)
}

// account names the issuer's account for good.
func (o *OIDC) account(issuer string, c claims) (access.Linked, claims, error) {
	if !o.speaks(issuer, c.Tenant) {
		return access.Linked{}, c, errors.New("check what the issuer says: it comes from another issuer or directory")
	}
	l := access.Linked{Issuer: issuer, Subject: c.Subject}
	if strings.HasPrefix(issuer, microsoft) {
		if c.Tenant == "" || c.Object == "" {
			return l, c, errors.New("check what the issuer says: it names no directory and account (the scope profile gives them)")
		}
		l.Subject = c.Tenant + "/" + c.Object
	}
	if l.Subject == "" {
		return l, c, errors.New("check what the issuer says: it names no account")
	}
	return l, c, nil
}

// proven returns the address an account certainly has, "" where none is
// certain. An address that somebody merely typed at the issuer is none.
func (o *OIDC) proven(c claims) contact.Address {
	a, err := contact.ParseAddress(c.Email)
	if err != nil {
		return ""
	}
	sure := truth(c.Verified)
	switch {
	case strings.HasPrefix(o.Issuer, microsoft):
		sure = truth(c.Owned)
	case o.Issuer == "https://accounts.google.com":
		// An address elsewhere was Google's to verify once, and may since have
		// become somebody else's.
		sure = sure && (a.Domain() == "gmail.com" || c.Hosted != "" && strings.EqualFold(c.Hosted, a.Domain()))
	}
	if !sure {
		return ""
	}
	return a
}

// truth reads a claim that issuers write as a boolean, a text or a number.
func truth(v any) bool { return v == true || v == "true" || v == "1" || v == float64(1) }

// welcomes reports whether an address may sign in without an invitation.
func (o *OIDC) welcomes(a contact.Address) bool {
	return slices.Contains(o.Addresses, a) || slices.Contains(o.Administrators, a) || slices.Contains(o.Domains, a.Domain())
}

// admit finds or makes the user of an issuer's account.
func (s *Service) admit(ctx context.Context, v visit, j journey, l access.Linked, c claims) (secret string, err error) {
	if j.link.link != "" {
		n := j.link
		if n.name == "" {
			n.name, _ = access.CleanName(c.Name)
		}
		if n.address == "" {
			n.address = string(j.by.proven(c))
		}
		user, err := s.received(ctx, n)
		if err != nil {
			return "", err
		}
		return s.welcome(ctx, v, n, user.ID, "openid", func(cr *access.Credentials) { cr.Linked = []access.Linked{l} })
	}
	err = s.update(ctx, func(tx store.Tx) error {
		user, err := s.linked(tx, j.by, l, c)
		if err != nil {
			return err
		}
		secret, err = s.begin(tx, &user, v, "openid")
		return err
	})
	return secret, err
}

func (s *Service) linked(tx store.Tx, o *OIDC, l access.Linked, c claims) (access.Account, error) {
	all, err := tx.Accounts().List()
	if err != nil {
		return access.Account{}, err
	}
	for _, u := range all {
		if u.LinkedTo(l) {
			return u, nil
		}
	}
	address := o.proven(c)
	if address == "" || !o.welcomes(address) {
		return access.Account{}, ErrAbsent
	}
	user, err := byAddress(tx, string(address))
	switch {
	case errors.Is(err, store.ErrNotFound):
		user = o.newUser(address, c, s.now())
	case err != nil:
		return user, err
	}
	user.Invitation = nil
	user.Credentials.Linked = append(user.Credentials.Linked, l)
	return user, s.audit(tx, user.Name, "user.link", string(user.Address), phrase.New("as {role} by {issuer}", "role", wordOf(string(user.Role)), "issuer", l.Issuer))
}

func (o *OIDC) newUser(address contact.Address, c claims, now time.Time) access.Account {
	name, err := access.CleanName(c.Name)
	if err != nil {
		name = address.Local()
	}
	u := access.Account{ID: store.NewID(now), Name: name, Address: address, Role: o.Role, Sees: o.Sees, Created: now}
	if slices.Contains(o.Administrators, address) {
		u.Role = access.Administrator
	}
	return u
}
