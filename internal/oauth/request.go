package oauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"rapport/records/phrase"
)

// The patience with an issuer.
const (
	requestTime = 30 * time.Second
	assertFor   = 10 * time.Minute
	maxToken    = 64 << 10
)

// newHTTP makes the client for issuers: it follows no redirect, which would
// take a secret elsewhere.
func newHTTP() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	t.MaxIdleConns, t.IdleConnTimeout = 4, 30*time.Second
	return &http.Client{Transport: t, Timeout: requestTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// granted is what an issuer gave.
type granted struct {
	access, refresh string
	life            time.Duration // of the access token
	scopes          []string      // nil: those that were asked for
	account         string        // who signed in, where it can be told
}

// renew asks for an access token without a person. ahead is how far the
// issuer's clock is known to be ahead of ours.
func (c Client) renew(ctx context.Context, client *http.Client, refresh string, now time.Time, ahead time.Duration) (granted, error) {
	params := url.Values{}
	var err error
	switch {
	case c.Method == Service:
		err = c.assertMailbox(ctx, params, now.Add(ahead))
	case c.Method == App && c.Key != nil:
		params.Set("grant_type", "client_credentials")
		err = c.assertApp(ctx, params, now.Add(ahead))
	case c.Method == App:
		params.Set("grant_type", "client_credentials")
	default:
		params.Set("grant_type", "refresh_token")
		params.Set("refresh_token", refresh)
	}
	if err != nil {
		return granted{}, err
	}
	if c.Method == App {
		params.Set("scope", strings.Join(c.Scopes, " "))
	}
	return c.post(ctx, client, params)
}

// post makes one request for a token.
func (c Client) post(ctx context.Context, client *http.Client, params url.Values) (granted, error) {
	conf := clientcredentials.Config{ClientID: c.ClientID, TokenURL: c.TokenURL, EndpointParams: params, AuthStyle: oauth2.AuthStyleInParams}
	if c.Method == Service {
		conf.ClientID = "" // the assertion says it
	} else if c.Secret != nil {
		var err error
		if conf.ClientSecret, err = c.Secret(ctx); err != nil {
			return granted{}, unreadable("the client secret", err)
		}
	}
	token, err := conf.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
	if err != nil {
		return granted{}, err
	}
	return grantOf(token)
}

func unreadable(what phrase.Form, err error) *Fault {
	return &Fault{Code: "unreadable", Text: phrase.New("read {what}: {why}", "what", what, "why", clean(err.Error())), Fix: phrase.New("check the file that oauth names"), Final: true, err: err}
}

// grantOf reads what an issuer answered, and believes little of it.
func grantOf(token *oauth2.Token) (granted, error) {
	g := granted{access: token.AccessToken, refresh: token.RefreshToken, life: time.Hour}
	if seconds, ok := token.Extra("expires_in").(float64); ok && seconds > 0 {
		g.life = time.Duration(min(seconds, 366*24*3600)) * time.Second
	}
	if scope, ok := token.Extra("scope").(string); ok && scope != "" {
		g.scopes = strings.Fields(scope)
	}
	if !speakable(g.access) || g.refresh != "" && !speakable(g.refresh) {
		return granted{}, &Fault{Text: phrase.New("the issuer's token is none: it is too long, or has characters no token has")}
	}
	id, _ := token.Extra("id_token").(string)
	for _, text := range []string{id, g.access} {
		if g.account == "" {
			g.account = accountOf(text)
		}
	}
	return g, nil
}

// speakable reports whether a token may be said to a server (RFC 6750, 2.1,
// and what RFC 6749, A.12 allows): what separates fields must not be in it.
func speakable(token string) bool {
	return token != "" && len(token) <= maxToken && strings.IndexFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// Claims are what a token says of itself. They are not verified: they serve
// advice only.
type Claims struct {
	UPN      string   `json:"upn"`
	Name     string   `json:"preferred_username"`
	Unique   string   `json:"unique_name"`
	Email    string   `json:"email"`
	Roles    []string `json:"roles"`
	Audience any      `json:"aud"`
}

// ReadClaims reads the claims of a token that is a JWT; false where it is none.
func ReadClaims(token string) (c Claims, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	return c, err == nil && json.Unmarshal(raw, &c) == nil
}

func accountOf(token string) string {
	c, _ := ReadClaims(token)
	for _, name := range []string{c.UPN, c.Name, c.Unique, c.Email} {
		if name != "" {
			return clean(name)
		}
	}
	return ""
}

// assertApp adds the proof of an app with a certificate
// (learn.microsoft.com/entra/identity-platform/certificate-credentials).
func (c Client) assertApp(ctx context.Context, params url.Values, now time.Time) error {
	raw, err := c.Key(ctx)
	if err != nil {
		return unreadable("the certificate", err)
	}
	pair, err := ReadCertificate(raw)
	if err != nil {
		return unreadable("the certificate", err)
	}
	sum := sha256.Sum256(pair.Leaf.Raw)
	signed, err := sign(pair.PrivateKey, jose.PS256, "", map[jose.HeaderKey]any{"x5t#S256": base64.RawURLEncoding.EncodeToString(sum[:])}, map[string]any{
		"aud": c.TokenURL, "iss": c.ClientID, "sub": c.ClientID, "jti": rand.Text(),
		"nbf": now.Unix(), "iat": now.Unix(), "exp": now.Add(assertFor).Unix(),
	})
	if err != nil {
		return unreadable("the certificate", err)
	}
	params.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	params.Set("client_assertion", signed)
	return nil
}

// ReadCertificate reads a PEM file with a certificate and its private key.
func ReadCertificate(raw []byte) (tls.Certificate, error) {
	pair, err := tls.X509KeyPair(raw, raw)
	if err != nil {
		return pair, errors.New("it must hold a certificate and its private key in PEM, one after the other")
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return pair, errors.New("its certificate cannot be read")
		}
	}
	return pair, nil
}

// ServiceKey is what Google's JSON file says of a service account.
type ServiceKey struct {
	Type       string `json:"type"`
	Email      string `json:"client_email"`
	ClientID   string `json:"client_id"`
	PrivateKey string `json:"private_key"`
	KeyID      string `json:"private_key_id"`
	TokenURL   string `json:"token_uri"`
}

// ReadServiceKey reads Google's JSON file of a service account.
func ReadServiceKey(raw []byte) (ServiceKey, any, error) {
	var k ServiceKey
	if json.Unmarshal(raw, &k) != nil || k.Type != "service_account" || k.Email == "" {
		return k, nil, errors.New("it is not the JSON file of a service account's key")
	}
	block, _ := pem.Decode([]byte(k.PrivateKey))
	if block == nil {
		return k, nil, errors.New("it has no private key")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		if key, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
			return k, nil, errors.New("its private key cannot be read")
		}
	}
	return k, key, nil
}

// assertMailbox adds the assertion by which a service account acts for a
// mailbox (developers.google.com/identity/protocols/oauth2/service-account).
func (c Client) assertMailbox(ctx context.Context, params url.Values, now time.Time) error {
	raw, err := c.Key(ctx)
	if err != nil {
		return unreadable("the service account's key", err)
	}
	k, key, err := ReadServiceKey(raw)
	if err != nil {
		return unreadable("the service account's key", err)
	}
	signed, err := sign(key, jose.RS256, k.KeyID, nil, map[string]any{
		"aud": c.TokenURL, "iss": k.Email, "sub": c.Subject, "scope": strings.Join(c.Scopes, " "),
		"iat": now.Unix(), "exp": now.Add(assertFor).Unix(),
	})
	if err != nil {
		return unreadable("the service account's key", err)
	}
	params.Set("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
	params.Set("assertion", signed)
	return nil
}

// sign makes a JWT. rsaBy is the algorithm with an RSA key; a key on the curve
// P-256 signs with ES256.
func sign(key any, rsaBy jose.SignatureAlgorithm, id string, header map[jose.HeaderKey]any, claims map[string]any) (string, error) {
	by := rsaBy
	switch key.(type) {
	case *rsa.PrivateKey:
	case *ecdsa.PrivateKey:
		by = jose.ES256
	default:
		return "", errors.New("its private key must be RSA, or ECDSA on P-256")
	}
	o := (&jose.SignerOptions{ExtraHeaders: header}).WithType("JWT")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: by, Key: jose.JSONWebKey{Key: key, KeyID: id}}, o)
	if err != nil {
		return "", fmt.Errorf("prepare to sign: %w", err)
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return text, nil
}
