package mailsync

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport/internal/mailtest"
)

// recorder keeps every byte that is written to a connection.
type recorder struct {
	net.Conn
	mu   *sync.Mutex
	sent *bytes.Buffer
}

func (r recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	r.sent.Write(p)
	r.mu.Unlock()
	return r.Conn.Write(p)
}

// plainServer answers one connection by a script of lines, and then echoes
// nothing.
func plainServer(t *testing.T, serve func(conn net.Conn, r *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(longEnough))
				serve(conn, bufio.NewReader(conn))
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().String()
}

func TestM16_STARTTLS(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for name, tt := range map[string]struct {
		serve func(conn net.Conn, r *bufio.Reader)
		want  string
	}{
		"stripped": {func(conn net.Conn, r *bufio.Reader) {
			io.WriteString(conn, "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n")
			r.ReadString('\n')
			io.WriteString(conn, "S1 BAD unknown command\r\n")
			io.Copy(io.Discard, r)
		}, "refuses STARTTLS"},
		"PREAUTH": {func(conn net.Conn, r *bufio.Reader) {
			io.WriteString(conn, "* PREAUTH welcome\r\n")
			io.Copy(io.Discard, r)
		}, "PREAUTH"},
		"slipped in": {func(conn net.Conn, r *bufio.Reader) {
			io.WriteString(conn, "* OK ready\r\n")
			r.ReadString('\n')
			io.WriteString(conn, "S1 OK begin\r\n* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] go on in the clear\r\nT1 OK\r\n")
			io.Copy(io.Discard, r)
		}, "TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			try()
			t.Parallel()
			addr := plainServer(t, tt.serve)
			rec := recorder{mu: &sync.Mutex{}, sent: &bytes.Buffer{}}
			o := Options{Sink: newSink(), Mailbox: Mailbox{Name: "ada", Host: addr, TLS: TLSStart, User: "ada", Password: password("geheim")},
				Dial: func(ctx context.Context, a string) (net.Conn, error) {
					conn, err := dialTCP(ctx, a)
					rec.Conn = conn
					return rec, err
				}}
			_, err := syncer(t, o).open(t.Context())
			if kindOf(err) != Insecure || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("open returned %v, want a refusal that says %q", err, tt.want)
			}
			rec.mu.Lock()
			defer rec.mu.Unlock()
			for _, word := range []string{"geheim", "LOGIN", "AUTHENTICATE", "Z2VoZWlt", "AGFkYQ"} {
				if strings.Contains(rec.sent.String(), word) {
					t.Errorf("%s was sent before TLS", word)
				}
			}
		})
	}
}

func TestTLSNoneIsForThisMachine(t *testing.T) {
	t.Parallel()
	o := Options{Sink: newSink(), Mailbox: Mailbox{Name: "ada", Host: "imap.example.org:143", TLS: TLSNone, User: "ada", Password: password("x")},
		Dial: func(context.Context, string) (net.Conn, error) { return nil, errors.New("dialled") }}
	if _, err := syncer(t, o).open(t.Context()); kindOf(err) != Insecure {
		t.Errorf("open returned %v", err)
	}
}

func TestM15_Certificates(t *testing.T) {
	t.Parallel()
	try := counted(t)
	ca, err := mailtest.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for name, tt := range map[string]struct {
		from, to time.Time
		host     string
		trusted  bool
		want     string
	}{
		"expired":      {now.Add(-48 * time.Hour), now.Add(-24 * time.Hour), "127.0.0.1", true, "expired"},
		"wrong host":   {now.Add(-time.Hour), now.Add(time.Hour), "other.example.org", true, "another host"},
		"private CA":   {now.Add(-time.Hour), now.Add(time.Hour), "127.0.0.1", false, "ca_file"},
		"all in order": {now.Add(-time.Hour), now.Add(time.Hour), "127.0.0.1", true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			try()
			t.Parallel()
			certPEM, keyPEM, err := ca.Issue(tt.from, tt.to, tt.host)
			if err != nil {
				t.Fatal(err)
			}
			cert, err := tls.X509KeyPair(certPEM, keyPEM)
			if err != nil {
				t.Fatal(err)
			}
			l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
			if err != nil {
				t.Fatal(err)
			}
			s := &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{inbox(1)}}
			done := make(chan struct{})
			go func() { defer close(done); s.Serve(l) }()
			t.Cleanup(func() { s.Close(); <-done })
			o := Options{Sink: newSink(), Mailbox: Mailbox{Name: "ada", Host: l.Addr().String(), User: "ada", Password: password("x")}}
			if tt.trusted {
				o.Mailbox.TLSConfig = ca.ClientTLS()
			}
			steps := syncer(t, o).Check(t.Context())
			last := steps[len(steps)-1]
			if tt.want == "" {
				if !last.OK || last.Name != "folders" {
					t.Errorf("steps %+v", steps)
				}
				return
			}
			if last.OK || last.Name != "TLS" || !strings.Contains(last.What+last.Fix, tt.want) {
				t.Errorf("last step %+v, want %q", last, tt.want)
			}
			for _, c := range s.Commands() {
				t.Errorf("sent %q", c)
			}
		})
	}
}
