package mailsync

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"rapport/records/phrase"
)

// dialer gives up after half a minute in all. A host with addresses of both
// families is tried by the other one when the first does not answer at once
// (RFC 6555, which net.Dialer follows). A nil resolver is the system's.
func dialer(names *net.Resolver) *net.Dialer {
	return &net.Dialer{Timeout: 30 * time.Second, Resolver: names}
}

func dialTCP(ctx context.Context, address string) (net.Conn, error) {
	return dialer(nil).DialContext(ctx, "tcp", address)
}

// connect opens, secures and greets; signIn follows.
func connect(ctx context.Context, o Options, says func(string)) (*session, error) {
	box := o.Mailbox
	host, _, err := net.SplitHostPort(box.Host)
	if err != nil {
		return nil, &Fault{Kind: Insecure, err: err, Text: phrase.New("host {host} is not host:port", "host", box.Host),
			Fix: phrase.New("write the port, e.g. imap.example.org:993")}
	}
	if box.TLS == TLSNone && !loopback(host) {
		return nil, &Fault{Kind: Insecure, Text: phrase.New("tls: none is for this machine only, not for {host}", "host", host),
			Fix: phrase.New("use tls: implicit or tls: starttls")}
	}
	conn, err := o.Dial(ctx, box.Host)
	if err != nil {
		return nil, dialFault(box.Host, err)
	}
	unwatch := context.AfterFunc(ctx, func() { conn.Close() })
	secured, err := secure(ctx, conn, box, host)
	if err != nil {
		unwatch()
		conn.Close()
		return nil, err
	}
	s := &session{w: newWire(secured, says), stop: unwatch, box: box}
	if box.TLS == TLSStart {
		s.w.out = []byte("* OK secured\r\n") // the greeting came before STARTTLS
		s.w.greeted, s.w.pending = true, 0
	}
	s.c = imapclient.New(s.w, nil)
	if err := s.c.WaitGreeting(); err != nil {
		err = s.w.why(err)
		s.close()
		var said *imap.Error
		if errors.As(err, &said) {
			return nil, farewell(said.Text)
		}
		return nil, fmt.Errorf("greeting of %s: %w", box.Host, err)
	}
	return s, nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// secure brings TLS about before anything else is said.
func secure(ctx context.Context, conn net.Conn, box Mailbox, host string) (net.Conn, error) {
	if box.TLS == TLSNone {
		return conn, nil
	}
	if box.TLS == TLSStart {
		conn.SetDeadline(time.Now().Add(greetingLimit))
		if err := askTLS(conn); err != nil {
			return nil, err
		}
		conn.SetDeadline(time.Time{})
	}
	conf := box.TLSConfig.Clone()
	if conf == nil {
		conf = &tls.Config{}
	}
	conf.ServerName = host
	conf.MinVersion = max(conf.MinVersion, tls.VersionTLS12)
	secured := tls.Client(conn, conf)
	ctx, cancel := context.WithTimeout(ctx, greetingLimit)
	defer cancel()
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, tlsFault(host, err)
	}
	return secured, nil
}

// askTLS speaks the few plain lines before STARTTLS. Nothing but the word
// itself is sent, and nothing the server says after its OK is believed.
func askTLS(conn net.Conn) error {
	greeting, err := plainLine(conn)
	if err != nil {
		return err
	}
	if strings.HasPrefix(strings.ToUpper(greeting), "* PREAUTH") {
		return &Fault{Kind: Insecure, Text: phrase.New("the server signs us in before TLS (PREAUTH), which would leave everything unprotected"),
			Fix: phrase.New("use tls: implicit with port 993")}
	}
	if !strings.HasPrefix(strings.ToUpper(greeting), "* OK") {
		return farewell(string(clean([]byte(greeting), 300)))
	}
	if _, err := io.WriteString(conn, "S1 STARTTLS\r\n"); err != nil {
		return &Fault{Kind: Lost, Text: phrase.New("the connection broke before TLS"), err: err}
	}
	for range 20 {
		line, err := plainLine(conn)
		if err != nil {
			return err
		}
		if strings.HasPrefix(line, "* ") {
			continue
		}
		if words := strings.Fields(strings.ToUpper(line)); len(words) < 2 || words[0] != "S1" || words[1] != "OK" {
			return &Fault{Kind: Insecure, Text: phrase.New("the server refuses STARTTLS: {said}", "said", string(clean([]byte(line), 300))),
				Fix: phrase.New("use tls: implicit with port 993; if the server used to offer STARTTLS, somebody may be listening in")}
		}
		return nil
	}
	return hostile("more than {n} lines instead of an answer to {command}", "n", 20, "command", "STARTTLS")
}

// plainLine reads one line byte by byte, so that nothing that follows it is
// taken from the connection: what a listener slipped in before TLS then
// breaks the handshake instead of being believed.
func plainLine(conn net.Conn) (string, error) {
	var line []byte
	var one [1]byte
	for len(line) < 8<<10 {
		if _, err := conn.Read(one[:]); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return "", &Fault{Kind: Silent, Text: phrase.New("no greeting within {span}", "span", greetingLimit), err: err}
			}
			return "", &Fault{Kind: Lost, Text: phrase.New("the connection broke before TLS"), err: err}
		}
		if one[0] == '\n' {
			return strings.TrimRight(string(line), "\r"), nil
		}
		line = append(line, one[0])
	}
	return "", hostile("a line of more than {n} KB", "n", 8)
}
