package mailsync

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rapport/internal/mailtest"
)

// injected is a word that only somebody on the line says: nothing of it may
// show anywhere.
const injected = "X-INJECTED"

// onTheLine are what somebody on the line says before TLS, beside the server,
// as "NO STARTTLS" (USENIX Security 2021) gathers it.
var onTheLine = map[string]string{
	"capabilities":   "* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=LOGIN LIST-STATUS X-GM-EXT-1 " + injected + "\r\n",
	"PREAUTH":        "* PREAUTH [CAPABILITY IMAP4rev1 " + injected + "] signed in\r\n",
	"BYE":            "* BYE " + injected + " go away\r\n",
	"ALERT":          "* OK [ALERT] " + injected + " call this number\r\n",
	"folders":        "* LIST () \"/\" " + injected + "\r\n* STATUS INBOX (MESSAGES 9 UIDNEXT 99 UIDVALIDITY 9)\r\n",
	"mail":           "* 9 EXISTS\r\n* 1 FETCH (UID 1 FLAGS () BODY[] \"" + injected + "\")\r\n",
	"referral":       "* NO [REFERRAL imap://evil.example/" + injected + "] elsewhere\r\n",
	"numbers":        "* OK [UIDVALIDITY 99] " + injected + "\r\n* OK [UIDNEXT 1] " + injected + "\r\n",
	"continuation":   "+ " + injected + "\r\n",
	"replies before": "T1 OK [CAPABILITY IMAP4rev1 AUTH=PLAIN " + injected + "] done\r\nT2 OK done\r\n",
}

// tapped dials and keeps what is sent.
func tapped(o *Options) (sent func() string, dials *atomic.Int32) {
	rec := recorder{mu: &sync.Mutex{}, sent: &bytes.Buffer{}}
	dials = new(atomic.Int32)
	o.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
		dials.Add(1)
		conn, err := dialTCP(ctx, addr)
		return recorder{conn, rec.mu, rec.sent}, err
	}
	return func() string {
		rec.mu.Lock()
		defer rec.mu.Unlock()
		return rec.sent.String()
	}, dials
}

// inTheClear is all that may be sent on a line that shows it: the wish for TLS,
// and TLS.
var inTheClear = regexp.MustCompile(`(?s)^(S1 STARTTLS\r\n)?(\x15\x03.*|\x16\x03.*)?$`)

func kept(t *testing.T, sent string) {
	t.Helper()
	if !inTheClear.MatchString(sent) {
		t.Errorf("sent in the clear: %q", sent)
	}
	for _, word := range []string{"geheim", "LOGIN", "AUTHENTICATE", "CAPABILITY", "Z2VoZWlt", "AGFkYQ"} {
		if strings.Contains(sent, word) {
			t.Errorf("%s was sent in the clear", word)
		}
	}
}

// says writes lines in one piece or each alone.
func says(conn io.Writer, text string, together bool) {
	if together {
		io.WriteString(conn, text)
		return
	}
	for line := range strings.SplitAfterSeq(text, "\n") {
		io.WriteString(conn, line)
	}
}

// TestS1_Stripped has servers, or who sits before them, do without TLS in every
// way there is: nothing is signed in to, and no other way is tried.
func TestS1_Stripped(t *testing.T) {
	t.Parallel()
	try := counted(t)
	type refusal struct {
		mode            TLSMode
		greeting, reply string
	}
	const ready = "* OK ready\r\n"
	refusals := map[string]refusal{
		"not offered, BAD":     {TLSStart, "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n", "S1 BAD unknown command\r\n"},
		"not offered, NO":      {TLSStart, "* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] ready\r\n", "S1 NO not here\r\n"},
		"NO with capabilities": {TLSStart, ready, "S1 NO [CAPABILITY IMAP4rev1 AUTH=PLAIN] go on\r\n"},
		"NO with referral":     {TLSStart, ready, "S1 NO [REFERRAL imap://evil.example/] elsewhere\r\n"},
		"BAD and BYE":          {TLSStart, ready, "S1 BAD what?\r\n* BYE see you\r\n"},
		"another command's OK": {TLSStart, ready, "T1 OK signed in\r\n"},
		"no tag":               {TLSStart, ready, "OK begin\r\n"},
		"longer tag":           {TLSStart, ready, "S11 OK begin\r\n"},
		"PREAUTH reply":        {TLSStart, ready, "S1 PREAUTH welcome\r\n"},
		"OK without a word":    {TLSStart, ready, "S1 OKAY begin\r\n"},
		"continuation":         {TLSStart, ready, "+ begin\r\n"},
		"PREAUTH":              {TLSStart, "* PREAUTH welcome\r\n", "S1 OK begin\r\n"},
		"preauth":              {TLSStart, "* preauth [CAPABILITY IMAP4rev1] welcome\r\n", "S1 OK begin\r\n"},
		"BYE":                  {TLSStart, "* BYE not today\r\n", "S1 OK begin\r\n"},
		"tagged greeting":      {TLSStart, "S1 OK begin\r\n", "S1 OK begin\r\n"},
		"only untagged":        {TLSStart, ready, strings.Repeat("* OK still thinking\r\n", 100)},
		"plain OK":             {TLSImplicit, "* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN] ready\r\n", ""},
		"plain PREAUTH":        {TLSImplicit, "* PREAUTH welcome\r\n", ""},
		"plain BYE":            {TLSImplicit, "* BYE use port 143\r\n", ""},
	}
	for name, text := range onTheLine {
		refusals["behind OK: "+name] = refusal{TLSStart, ready, "S1 OK begin\r\n" + text}
		refusals["instead of TLS: "+name] = refusal{TLSImplicit, text, ""}
	}
	for name, tt := range refusals {
		for _, together := range []bool{true, false} {
			t.Run(fmt.Sprint(name, together), func(t *testing.T) {
				t.Parallel()
				try()
				addr := plainServer(t, func(conn net.Conn, r *bufio.Reader) {
					says(conn, tt.greeting, together)
					if tt.mode == TLSStart {
						r.ReadString('\n')
						says(conn, tt.reply, together)
					}
					io.Copy(io.Discard, r)
				})
				o := Options{Sink: newSink(), Mailbox: Mailbox{Name: "ada", Host: addr, TLS: tt.mode, User: "ada", Password: password("geheim")}}
				sent, dials := tapped(&o)
				sess, err := syncer(t, o).open(t.Context())
				if err == nil {
					sess.close()
					t.Fatal("signed in")
				}
				if strings.Contains(err.Error(), injected) {
					t.Errorf("what was said on the line is shown: %v", err)
				}
				if dials.Load() != 1 {
					t.Errorf("%d connections, want one and no other way tried", dials.Load())
				}
				kept(t, sent())
			})
		}
	}
}

// upgrading is a listener of connections that speak plain IMAP up to STARTTLS,
// with what somebody on the line says in between.
type upgrading struct {
	net.Listener
	greeting, between string
	together          bool
	conf              *tls.Config
}

func (l upgrading) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	says(conn, l.greeting, l.together)
	var one [1]byte
	for one[0] != '\n' { // byte by byte: TLS follows at once
		if _, err := conn.Read(one[:]); err != nil {
			break
		}
	}
	says(conn, l.between+"S1 OK begin\r\n", l.together)
	return tls.Server(conn, l.conf), nil
}

// certified is the TLS of a server on this machine, and of who trusts it.
func certified(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	ca, err := mailtest.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	certPEM, keyPEM, err := ca.Issue(time.Now().Add(-time.Hour), time.Now().Add(time.Hour), "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}}, ca.ClientTLS()
}

// TestS1_SaidBeforeTLS has somebody say things before TLS begins in earnest:
// what the server says under TLS alone counts.
func TestS1_SaidBeforeTLS(t *testing.T) {
	t.Parallel()
	try := counted(t)
	serverTLS, clientTLS := certified(t)
	for name, text := range onTheLine {
		if !strings.HasPrefix(text, "* ") {
			continue // refused: TestS1_Stripped
		}
		for _, together := range []bool{true, false} {
			for _, greeting := range []string{"* OK ready\r\n", "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN LIST-STATUS " + injected + "] ready\r\n", "* OK [ALERT] " + injected + "\r\n"} {
				for _, disabled := range []bool{true, false} {
					t.Run(fmt.Sprint(name, together, disabled, len(greeting)), func(t *testing.T) {
						t.Parallel()
						try()
						l, err := net.Listen("tcp", "127.0.0.1:0")
						if err != nil {
							t.Fatal(err)
						}
						f := inbox(3)
						s := &mailtest.ScriptIMAP{Greeting: "none", Capabilities: "IMAP4rev1 AUTH=PLAIN", Folders: []*mailtest.ScriptFolder{f}}
						if disabled {
							s.Capabilities = "IMAP4rev1 LOGINDISABLED AUTH=GSSAPI"
						}
						served := make(chan struct{})
						go func() {
							defer close(served)
							s.Serve(upgrading{l, greeting, text, together, serverTLS})
						}()
						t.Cleanup(func() { s.Close(); <-served })
						believesTLS(t, s, f, disabled, Mailbox{Name: "ada", Host: l.Addr().String(), TLS: TLSStart, TLSConfig: clientTLS, User: "ada", Password: password("geheim")})
					})
				}
			}
		}
	}
}

func believesTLS(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, disabled bool, box Mailbox) {
	sink := newSink()
	o := Options{Sink: sink, SpoolDir: t.TempDir(), Mailbox: box}
	sent, _ := tapped(&o)
	sess, err := syncer(t, o).open(t.Context())
	if disabled {
		var denied *AuthError
		if !errors.As(err, &denied) {
			t.Errorf("open returned %v, want that the server takes no password", err)
		}
	} else if err != nil {
		t.Fatal(err)
	}
	if sess != nil {
		if sess.caps.Has(injected) || len(sess.w.alerts) > 0 || sess.w.bye != "" || sess.w.selected() != (selection{}) || len(sess.w.lists)+len(sess.w.statuses) > 0 {
			t.Errorf("believed from before TLS: capabilities %v, alerts %q, BYE %q, %+v, folders %v", sess.caps, sess.w.alerts, sess.w.bye, sess.w.selected(), sess.w.lists)
		}
		sess.logout()
		if err := syncer(t, o).Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		allStored(t, sink, f)
		if len(sink.listed) != 1 || sink.listed[0] != "INBOX" {
			t.Errorf("folders %q, want INBOX alone", sink.listed)
		}
	}
	commands := s.Commands()
	if len(commands) == 0 || commands[0] != "CAPABILITY" {
		t.Errorf("under TLS the client began with %q, want CAPABILITY", commands)
	}
	for _, c := range commands {
		if disabled && (strings.HasPrefix(c, "AUTH") || strings.HasPrefix(c, "LOGIN")) || strings.Contains(c, "RETURN (STATUS") || strings.Contains(c, "X-GM") {
			t.Errorf("sent %q, which only somebody on the line asked for", c)
		}
	}
	kept(t, firstOf(sent()))
}

// firstOf is what was sent on the first of several connections.
func firstOf(sent string) string {
	if at := strings.LastIndex(sent, "S1 STARTTLS\r\n"); at > 0 {
		return sent[:at]
	}
	return sent
}

// TestS1_SaidBesideTLS has somebody say things in the clear while TLS is under
// way: the connection ends, and nothing of it is believed.
func TestS1_SaidBesideTLS(t *testing.T) {
	t.Parallel()
	try := counted(t)
	serverTLS, clientTLS := certified(t)
	for name, text := range onTheLine {
		for _, mode := range []TLSMode{TLSStart, TLSImplicit} {
			for after := range 3 { // commands that are answered first
				t.Run(fmt.Sprint(name, mode, after), func(t *testing.T) {
					t.Parallel()
					try()
					addr := plainServer(t, func(conn net.Conn, r *bufio.Reader) {
						if mode == TLSStart {
							io.WriteString(conn, "* OK ready\r\n")
							r.ReadString('\n')
							io.WriteString(conn, "S1 OK begin\r\n")
						}
						besides(conn, serverTLS, mode, after, text)
					})
					o := Options{Sink: newSink(), Mailbox: Mailbox{Name: "ada", Host: addr, TLS: mode, TLSConfig: clientTLS, User: "ada", Password: password("geheim")}}
					sent, _ := tapped(&o)
					y := syncer(t, o)
					err := y.syncOnce(t.Context())
					if err == nil || strings.Contains(err.Error(), injected) {
						t.Errorf("Sync returned %v, want an end that says nothing of what was slipped in", err)
					}
					if st := y.Status(); len(st.Folders) > 0 {
						t.Errorf("status %+v", st)
					}
					kept(t, sent())
				})
			}
		}
	}
}

// besides speaks TLS, answers some commands, and then says something beside it.
func besides(conn net.Conn, conf *tls.Config, mode TLSMode, after int, text string) {
	secured := tls.Server(conn, conf)
	if mode == TLSImplicit {
		io.WriteString(secured, "* OK ready\r\n")
	}
	r := bufio.NewReader(secured)
	for range after {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		tag, _, _ := strings.Cut(line, " ")
		fmt.Fprintf(secured, "* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n%s OK done\r\n", tag)
	}
	if after == 0 && secured.Handshake() != nil {
		return
	}
	io.WriteString(conn, text)
	io.Copy(io.Discard, conn)
}
