package delivery

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/textproto"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

// AuthError is a refused sign-in to an SMTP server.
type AuthError struct {
	Server string // what the server said, without secrets
	Fix    string // what to do about it
	err    error
}

func (e *AuthError) Error() string { return "sign-in refused: " + e.Server + " – " + e.Fix }

// Unwrap returns the server's answer, without secrets; nil where it gave none.
func (e *AuthError) Unwrap() error { return e.err }

// bearer signs in with an access token: by XOAUTH2, which Google and Microsoft
// want, else by OAUTHBEARER (RFC 7628). It keeps nothing, so that each
// connection has the token of its day.
type bearer struct{ user, token string }

// Start says the token at once, over TLS or to this machine only: the
// connection was secured before.
func (b bearer) Start(server *smtp.ServerInfo) (string, []byte, error) {
	offers := func(m string) bool {
		return slices.ContainsFunc(server.Auth, func(o string) bool { return strings.EqualFold(o, m) })
	}
	switch {
	case offers("XOAUTH2"):
		return "XOAUTH2", b.first(), nil
	case offers("OAUTHBEARER"):
		return "OAUTHBEARER", b.bearing(), nil
	}
	offer := strings.Join(server.Auth, ", ")
	if offer == "" {
		offer = "nothing"
	}
	return "", nil, &AuthError{Server: "the server offers " + offer + " to sign in", Fix: "use a password here, or another server"}
}

func (b bearer) first() []byte {
	return []byte("user=" + b.user + "\x01auth=Bearer " + b.token + "\x01\x01")
}

func (b bearer) bearing() []byte {
	name := strings.NewReplacer("=", "=3D", ",", "=2C").Replace(b.user) // RFC 5801, 4
	return []byte("n,a=" + name + ",\x01auth=Bearer " + b.token + "\x01\x01")
}

// Next answers the server's account of a refusal, which makes it go on to its
// final reply.
func (b bearer) Next(_ []byte, more bool) ([]byte, error) {
	if more {
		return []byte("\x01"), nil
	}
	return nil, nil
}

// explain says what a refused sign-in means; another error it returns as it is.
func (b bearer) explain(err error) error {
	var said *textproto.Error
	if !errors.As(err, &said) || said.Code < 530 || said.Code > 539 {
		return err
	}
	text := said.Msg
	for _, secret := range []string{string(b.first()), string(b.bearing()), b.token} {
		text = strings.NewReplacer(secret, "[REDACTED]", base64.StdEncoding.EncodeToString([]byte(secret)), "[REDACTED]").Replace(text)
	}
	e := &AuthError{Server: fmt.Sprintf("%d %s", said.Code, text), err: &textproto.Error{Code: said.Code, Msg: text}, Fix: "sign in again to renew the authorisation, and check that it covers sending for this mailbox"}
	switch low := strings.ToLower(text); {
	case strings.Contains(low, "smtpclientauthentication is disabled for the tenant"):
		e.Fix = "switch it on for the mailbox: Set-CASMailbox ADDRESS -SmtpClientAuthenticationDisabled $false"
	case strings.Contains(text, "5.7.139"):
		e.Fix = "allow authenticated SMTP for the mailbox: Microsoft 365 admin centre > Users > the user > Mail > Manage email apps; security defaults forbid it for all"
	case strings.Contains(low, "sendas"):
		e.Fix = "let the account send as the sender's address: Exchange admin centre > Mailboxes > the mailbox > Delegation > Send as"
	}
	return e
}
