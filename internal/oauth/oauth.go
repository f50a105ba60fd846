// Package oauth keeps the access tokens by which mailboxes are read and mail is
// sent where a server takes no password (RFC 6749, and what Google and
// Microsoft make of it).
//
// A [Client] says who asks which issuer and how; the [Keeper] has one [Source]
// for each that is different, however many mailboxes and senders use it. A
// source renews its token ahead of expiry, once for all who ask, and is gentle
// with the issuer: a fault is waited out, and what only a person can mend is
// tried again once an hour at most. What must survive a restart, above all the
// refresh token, is sealed and handed to the [Vault] before it is used.
//
// No error, log line or state of this package holds a secret or a token.
package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Method is how an access token comes about.
type Method string

// The methods.
const (
	Device  Method = "device"          // a person types a code on another device (RFC 8628)
	Code    Method = "code"            // a person signs in with a browser (RFC 6749, 4.1, with PKCE)
	App     Method = "app"             // the program signs in as itself (RFC 6749, 4.4)
	Service Method = "service_account" // a signed assertion names the mailbox (RFC 7523)
)

// ByHand reports whether a person has to sign in once.
func (m Method) ByHand() bool { return m == Device || m == Code }

// Issuer is a kind of issuer, which decides addresses, scopes and what its
// error texts mean.
type Issuer string

// The issuers; Other is described by its addresses.
const (
	Google    Issuer = "google"
	Microsoft Issuer = "microsoft"
	Other     Issuer = "other"
)

// Client is one way to one issuer, for one account or, with [App], for all.
type Client struct {
	Name     string // of the mailbox or sender, for advice: rapport auth login NAME
	Issuer   Issuer
	Method   Method
	ClientID string
	Tenant   string // Microsoft: the directory; empty: organizations
	Subject  string // whose mailbox; a hint where a person signs in
	Scopes   []string
	// The issuer's addresses; empty: those of Google or Microsoft.
	AuthURL, TokenURL, DeviceURL string
	// Secret and Key read what proves the client, at each use; nil where it has
	// none. Key returns a PEM file with certificate and private key for App,
	// and Google's JSON file for Service.
	Secret func(context.Context) (string, error)
	Key    func(context.Context) ([]byte, error)
}

// The scopes by which mail is read and sent.
const (
	scopeGoogle    = "https://mail.google.com/"
	scopeIMAP      = "https://outlook.office.com/IMAP.AccessAsUser.All"
	scopeSMTP      = "https://outlook.office.com/SMTP.Send"
	scopeOffline   = "offline_access"
	scopeMicrosoft = "https://outlook.office365.com/.default"
)

// Scopes returns what is asked of an issuer for reading, sending, or both;
// nothing where the issuer is none we know.
func Scopes(i Issuer, m Method, read, send bool) []string {
	switch {
	case i == Google:
		return []string{scopeGoogle}
	case i == Microsoft && m == App:
		return []string{scopeMicrosoft}
	case i == Microsoft:
		var out []string
		if read {
			out = append(out, scopeIMAP)
		}
		if send {
			out = append(out, scopeSMTP)
		}
		return append(out, scopeOffline)
	}
	return nil
}

// withAddresses fills in the addresses of issuers we know.
func (c Client) withAddresses() Client {
	set := func(to *string, address string) {
		if *to == "" {
			*to = address
		}
	}
	switch c.Issuer {
	case Google:
		set(&c.AuthURL, "https://accounts.google.com/o/oauth2/v2/auth")
		set(&c.TokenURL, "https://oauth2.googleapis.com/token")
	case Microsoft:
		tenant := c.Tenant
		if tenant == "" {
			tenant = "organizations"
		}
		base := "https://login.microsoftonline.com/" + tenant + "/oauth2/v2.0/"
		set(&c.AuthURL, base+"authorize")
		set(&c.TokenURL, base+"token")
		set(&c.DeviceURL, base+"devicecode")
	}
	return c
}

// id names what the client gets: the same for everybody who may share it. The
// scopes of a person's sign-in are no part of it: what it covers is kept with
// it, so that a further use asks for another sign-in rather than losing it.
func (c Client) id() string {
	who := strings.ToLower(c.Subject)
	if c.Method == App {
		who = strings.Join(slices.Sorted(slices.Values(c.Scopes)), " ")
	}
	method := c.Method
	if method.ByHand() { // the same grant, however it was given
		method = Code
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s", method, c.TokenURL, c.ClientID, who))
	return hex.EncodeToString(sum[:12])
}
