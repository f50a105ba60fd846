package mailsync

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-sasl"

	"rapport/records/phrase"
)

func (m Mailbox) login() string {
	if m.Login != "" {
		return m.Login
	}
	return m.User
}

// xoauth2 is the client's side of XOAUTH2, Google's and Microsoft's own
// mechanism.
type xoauth2 struct{ user, token string }

func (x xoauth2) Start() (string, []byte, error) {
	return "XOAUTH2", []byte("user=" + x.user + "\x01auth=Bearer " + x.token + "\x01\x01"), nil
}

// Next answers the JSON that tells of a fault: an empty line makes the server
// go on to its NO.
func (x xoauth2) Next([]byte) ([]byte, error) { return []byte{}, nil }

// bearer is OAUTHBEARER that answers a fault as RFC 7628, 3.2.3 wants it.
type bearer struct{ sasl.Client }

func (b bearer) Next([]byte) ([]byte, error) { return []byte("\x01"), nil }

// mechanisms returns the ways to sign in that both sides have, best first.
func (s *session) mechanisms(caps imap.CapSet) []string {
	wish := s.box.Mechanisms
	if len(wish) == 0 {
		wish = []string{"PLAIN", "LOGIN"}
		if s.box.Token != nil {
			wish = []string{"XOAUTH2", "OAUTHBEARER"}
		}
	}
	var both []string
	for _, m := range wish {
		m = strings.ToUpper(m)
		if caps.Has(imap.AuthCap(m)) || m == "LOGIN" && !caps.Has(imap.CapLoginDisabled) {
			both = append(both, m)
		}
	}
	return both
}

// hush takes a secret out of what servers say: some quote what they were sent.
// The zero hush takes nothing out.
type hush struct{ *strings.Replacer }

func newHush(secret string, said ...string) hush {
	if secret == "" {
		return hush{}
	}
	var pairs []string
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(secret)
	for _, text := range append([]string{secret, quoted}, said...) {
		pairs = append(pairs, text, redacted, base64.StdEncoding.EncodeToString([]byte(text)), redacted)
	}
	return hush{strings.NewReplacer(pairs...)}
}

const redacted = "[REDACTED]"

func (h hush) of(text string) string {
	if h.Replacer == nil {
		return text
	}
	return h.Replace(text)
}

// signIn proves who we are, by the best mechanism both sides have.
func (s *session) signIn(ctx context.Context) error {
	if s.c.State() == imap.ConnStateAuthenticated { // PREAUTH on a protected or local connection
		return nil
	}
	caps := s.capabilities()
	if caps == nil {
		return s.untold()
	}
	s.caps = caps
	both := s.mechanisms(caps)
	if len(both) == 0 {
		return s.noMechanism()
	}
	secret, err := s.secret(ctx)
	if err != nil {
		return err
	}
	user := s.box.login()
	var client sasl.Client
	switch both[0] {
	case "XOAUTH2":
		client = xoauth2{s.box.User, secret}
	case "OAUTHBEARER":
		client = bearer{sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{Username: s.box.User, Token: secret})}
	case "PLAIN":
		client = sasl.NewPlainClient("", user, secret)
	case "LOGIN":
		if slices.Contains(s.offered(), "LOGIN") {
			client = sasl.NewLoginClient(user, secret)
		}
	default:
		return fmt.Errorf("mechanism %s is not known here", both[0])
	}
	s.hush = hushOf(client, secret)
	if s.box.Token != nil {
		s.token = secret
	}
	err = s.run(silence, 2*silence, "sign in", func() error {
		if client == nil {
			return s.c.Login(user, secret).Wait()
		}
		return s.c.Authenticate(client)
	})
	return s.signInFault(err)
}

// hushOf takes out the secret and, where a mechanism begins with it, the whole
// of what is said first.
func hushOf(client sasl.Client, secret string) hush {
	if client == nil {
		return newHush(secret)
	}
	_, first, err := client.Start()
	if err != nil || !strings.Contains(string(first), secret) {
		return newHush(secret)
	}
	return newHush(secret, string(first))
}

// signInFault says what a failed sign-in means. A token that the server does
// not take is worth another try where there is another token.
func (s *session) signInFault(err error) error {
	var f *Fault
	if !errors.As(err, &f) || f.err == nil {
		return err
	}
	said, ok := strings.CutPrefix(f.err.Error(), "the server says: ")
	if !ok {
		return err
	}
	err = refusal(s.box, said)
	var refused *AuthError
	if errors.As(err, &refused) && s.token != "" && s.box.Stale != nil && s.box.Stale(s.token) {
		return &Fault{Kind: Expired, Text: phrase.New("the server takes the access token no more: {said}", "said", said)}
	}
	return err
}

func (s *session) secret(ctx context.Context) (string, error) {
	ask := s.box.Password
	if s.box.Token != nil {
		ask = s.box.Token
	}
	if ask == nil {
		return "", &AuthError{Login: s.box.login(), Server: phrase.New("nothing was tried"), Fix: phrase.New("set a password or OAuth for this mailbox")}
	}
	secret, err := ask(ctx)
	var final *AuthError
	if errors.As(err, &final) {
		return "", err
	}
	if err != nil {
		return "", fmt.Errorf("get the secret of %s: %w", s.box.login(), err)
	}
	return secret, nil
}

func (s *session) offered() []string {
	return s.capabilities().AuthMechanisms()
}

// noMechanism says what the server wants instead.
func (s *session) noMechanism() error {
	e := &AuthError{Login: s.box.login(), Server: phrase.New("the server offers nothing to sign in"), Fix: phrase.New("allow one of these in mechanisms")}
	if offer := strings.Join(s.offered(), ", "); offer != "" {
		e.Server = phrase.New("the server offers {ways} to sign in", "ways", offer)
	}
	if s.box.Token == nil {
		e.Fix = phrase.New("the server takes no password here: use TLS, or OAuth")
	}
	return e
}
