// Package delivery hands mail to SMTP servers.
//
// Today it is a plain sender for alerts: one message to one recipient, and an
// answer whether a server took it.
package delivery

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// The patience with a server: for the dialogue, and for the reply after the
// final dot, for which RFC 5321 allows ten minutes.
const (
	dialTime  = 30 * time.Second
	replyTime = 10 * time.Minute
)

// TLSMode says how a connection is secured.
type TLSMode string

// The TLS modes. TLSNone is for loopback hosts only.
const (
	TLSImplicit TLSMode = "implicit"
	TLSStart    TLSMode = "starttls"
	TLSNone     TLSMode = "none"
)

// Sender is an SMTP server that takes our mail. It may be used concurrently.
type Sender struct {
	Host      string // host:port
	TLS       TLSMode
	TLSConfig *tls.Config // roots; ServerName is set from Host; nil: the system's
	User      string      // who signs in; empty: nobody does
	Password  func(context.Context) (string, error)
	// Token, in the place of Password, returns the OAuth access token by which
	// User's mailbox sends. Stale, when not nil, hears of one that the server
	// did not take, and reports whether Token may bring another.
	Token func(context.Context) (string, error)
	Stale func(token string) bool
	From  string // author, with a display name or without
	// Dial replaces the TCP dial, for tests; nil: net.Dialer.
	Dial func(ctx context.Context, address string) (net.Conn, error)
}

// Mail is one plain message. It says of itself that it is automatic, so that
// no vacation notice answers it.
type Mail struct {
	To        string
	Subject   string
	Text      string
	MessageID string // without angle brackets; empty: one is made
	Date      time.Time
}

// Send transmits one message. A nil error means that the server has taken
// responsibility for it; with any other the mail may be sent again, though a
// server that vanished after the final dot may have taken it.
func (s Sender) Send(ctx context.Context, m Mail) error {
	msg, err := s.compose(m)
	if err != nil {
		return fmt.Errorf("compose mail to %s: %w", m.To, err)
	}
	client, conn, err := s.connect(ctx, replyTime)
	if err != nil {
		return fmt.Errorf("send through %s: %w", s.Host, err)
	}
	err = client.SendWithSMTPClient(conn, msg)
	_ = client.CloseWithSMTPClient(conn) // QUIT is a courtesy: what counts is the reply before it
	if msg.IsDelivered() {
		return nil
	}
	if err == nil {
		err = errors.New("the server did not take it")
	}
	return fmt.Errorf("send through %s: %w", s.Host, err)
}

// Check connects and signs in, and sends nothing.
func (s Sender) Check(ctx context.Context) error {
	client, conn, err := s.connect(ctx, dialTime)
	if err != nil {
		return fmt.Errorf("check %s: %w", s.Host, err)
	}
	_ = client.CloseWithSMTPClient(conn)
	return nil
}

// connect dials and signs in; a token that the server does not take any more
// is replaced once.
func (s Sender) connect(ctx context.Context, patience time.Duration) (*mail.Client, *smtp.Client, error) {
	for again := false; ; again = true {
		client, token, err := s.client(ctx, patience)
		if err != nil {
			return nil, nil, err
		}
		conn, err := client.DialToSMTPClientWithContext(ctx)
		if err == nil || token == "" {
			return client, conn, err
		}
		err = bearer{s.User, token}.explain(err)
		var refused *AuthError
		if again || s.Stale == nil || !errors.As(err, &refused) || !s.Stale(token) {
			return nil, nil, err
		}
	}
}

func (s Sender) compose(m Mail) (*mail.Msg, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.From(s.From); err != nil {
		return nil, err
	}
	if err := msg.To(m.To); err != nil {
		return nil, err
	}
	msg.Subject(m.Subject)
	msg.SetDateWithValue(m.Date)
	if m.MessageID != "" {
		msg.SetMessageIDWithValue(m.MessageID)
	} else {
		msg.SetMessageID()
	}
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	return msg, nil
}

// client prepares the library's client; token is what it signs in with, empty
// where that is a password or nothing.
func (s Sender) client(ctx context.Context, patience time.Duration) (_ *mail.Client, token string, err error) {
	host, portText, err := net.SplitHostPort(s.Host)
	if err != nil {
		return nil, "", err
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, "", fmt.Errorf("read port %q: %w", portText, err)
	}
	opts := []mail.Option{
		mail.WithPort(port), mail.WithTimeout(patience),
		// A connection lost in RSET would turn a success into an error.
		mail.WithoutRset(), mail.WithoutNoop(), mail.WithoutSMTPUTF8(),
		mail.WithDialContextFunc(s.dial(ctx, host)),
	}
	switch s.TLS {
	case TLSImplicit:
		opts = append(opts, mail.WithSSL())
	case TLSStart:
		opts = append(opts, mail.WithTLSPolicy(mail.TLSMandatory), mail.WithTLSConfig(s.tlsConfig(host)))
	case TLSNone:
		opts = append(opts, mail.WithTLSPolicy(mail.NoTLS))
	default:
		return nil, "", fmt.Errorf("secure connection: unknown mode %q", s.TLS)
	}
	switch {
	case s.User == "":
	case s.Token != nil:
		if token, err = s.Token(ctx); err == nil {
			opts = append(opts, mail.WithSMTPAuthCustom(bearer{s.User, token}))
		}
	case s.Password != nil:
		var auth []mail.Option
		auth, err = s.byPassword(ctx)
		opts = append(opts, auth...)
	}
	if err != nil {
		return nil, "", err
	}
	client, err := mail.NewClient(host, opts...)
	return client, token, err
}

func (s Sender) byPassword(ctx context.Context) ([]mail.Option, error) {
	password, err := s.Password(ctx)
	if err != nil {
		return nil, err
	}
	auth := mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover)
	if s.TLS != TLSStart {
		// The library cannot see our implicit TLS, and no TLS is for
		// loopback only: either way the password may be said.
		auth = mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlainNoEnc, mail.SMTPAuthLoginNoEnc)
	}
	return []mail.Option{auth, mail.WithUsername(s.User), mail.WithPassword(password)}, nil
}

// dial connects, secures the connection where TLS is implicit, and ends it
// when ctx does: the library itself waits for its timeout.
func (s Sender) dial(ctx context.Context, host string) mail.DialContextFunc {
	return func(dialCtx context.Context, network, address string) (net.Conn, error) {
		dialCtx, cancel := context.WithTimeout(dialCtx, dialTime)
		defer cancel()
		var conn net.Conn
		var err error
		if s.Dial != nil {
			conn, err = s.Dial(dialCtx, address)
		} else {
			conn, err = new(net.Dialer).DialContext(dialCtx, network, address)
		}
		if err != nil {
			return nil, err
		}
		if s.TLS == TLSImplicit {
			secured := tls.Client(conn, s.tlsConfig(host))
			if err := secured.HandshakeContext(dialCtx); err != nil {
				conn.Close()
				return nil, err
			}
			conn = secured
		}
		context.AfterFunc(ctx, func() { conn.Close() })
		return conn, nil
	}
}

func (s Sender) tlsConfig(host string) *tls.Config {
	c := &tls.Config{}
	if s.TLSConfig != nil {
		c = s.TLSConfig.Clone()
	}
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	c.ServerName = host
	return c
}
