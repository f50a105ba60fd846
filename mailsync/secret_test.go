package mailsync

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/internal/mailtest"
)

// TestS19_ServerEchoesThePassword has servers that quote what they were sent:
// the password shows in no error, status, step or log.
func TestS19_ServerEchoesThePassword(t *testing.T) {
	t.Parallel()
	const secret = `S3CRET"xyz\9`
	plain := base64.StdEncoding.EncodeToString([]byte("\x00ada@example.org\x00" + secret))
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(secret)
	said := []string{secret, quoted, plain, base64.StdEncoding.EncodeToString([]byte(secret))}
	tries := 0
	for _, how := range []string{"NO [AUTHENTICATIONFAILED] not with %s", "BAD unknown command: %s", "NO [UNAVAILABLE] try %s again later", "BYE %s is no good"} {
		for _, echo := range said {
			tries++
			faulty(t, 1, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
				var log bytes.Buffer
				o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				o.Mailbox.Password = password(secret)
				s.Hook = func(c *mailtest.ScriptConn, command string) bool {
					if !strings.HasPrefix(command, "AUTHENTICATE") && !strings.HasPrefix(command, "LOGIN") {
						return false
					}
					if answer := fmt.Sprintf(how, echo); strings.HasPrefix(how, "BYE") {
						c.Send("* " + answer + "\r\n")
						c.Close()
					} else {
						c.Send(c.Tag + " " + answer + "\r\n")
					}
					return true
				}
				y := syncer(t, o)
				err := y.Sync(t.Context())
				if err == nil {
					t.Fatalf("%s: signed in", how)
				}
				all := fmt.Sprintf("%v %+v %+v %s %v", err, y.Status(), y.Check(t.Context()), log.String(), sink.reports)
				for _, word := range said {
					if strings.Contains(all, word) {
						t.Errorf("%s with %q: %q shows in %s", how, echo, word, all)
					}
				}
			})
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestS2_Versions speaks TLS with servers of every version: below 1.2 nothing
// is said to them, and the name they are asked for is the configured one.
func TestS2_Versions(t *testing.T) {
	t.Parallel()
	ca, err := mailtest.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	certPEM, keyPEM, err := ca.Issue(time.Now().Add(-time.Hour), time.Now().Add(time.Hour), "imap.example.org")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	tries := 0
	for _, mode := range []TLSMode{TLSImplicit, TLSStart} {
		for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13} {
			tries++
			var asked string
			conf := &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version, Certificates: []tls.Certificate{cert},
				GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) { asked = h.ServerName; return nil, nil }}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			heard := make(chan string, 1)
			go func() { heard <- overTLS(l, conf, mode) }()
			o := Options{Sink: newSink(), Mailbox: Mailbox{Name: "ada", Host: "imap.example.org:993", TLS: mode, TLSConfig: ca.ClientTLS(), User: "ada", Password: password("geheim")},
				Dial: func(ctx context.Context, _ string) (net.Conn, error) { return dialTCP(ctx, l.Addr().String()) }}
			sess, err := syncer(t, o).open(t.Context())
			if sess != nil {
				sess.close()
			}
			got := <-heard
			l.Close()
			if asked != "imap.example.org" {
				t.Errorf("%s %s: asked for %q", mode, tls.VersionName(version), asked)
			}
			if old := version < tls.VersionTLS12; old && (kindOf(err) != Insecure || got != "" || !strings.Contains(err.Error(), "TLS 1.2")) || !old && got == "" {
				t.Errorf("%s %s: %v, and the server heard %q", mode, tls.VersionName(version), err, got)
			}
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// overTLS serves one connection up to what is said under TLS first.
func overTLS(l net.Listener, conf *tls.Config, mode TLSMode) string {
	conn, err := l.Accept()
	if err != nil {
		return ""
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(longEnough))
	line := make([]byte, 200)
	if mode == TLSStart {
		io.WriteString(conn, "* OK ready\r\n")
		conn.Read(line)
		io.WriteString(conn, "S1 OK begin\r\n")
	}
	secured := tls.Server(conn, conf)
	if mode == TLSImplicit {
		io.WriteString(secured, "* OK ready\r\n")
	}
	n, _ := secured.Read(line) // nothing where the handshake fails
	return string(line[:n])
}
