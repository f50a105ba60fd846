package mailsync

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/message"
)

// scripted serves a scripted server in memory and returns what a syncer for
// it needs. It is to be called inside a bubble.
func scripted(t *testing.T, s *mailtest.ScriptIMAP) (*memSink, *transcript, Options) {
	t.Helper()
	l := mailtest.NewPipeListener()
	go s.Serve(l)
	sink, sent := newSink(), &transcript{}
	t.Cleanup(func() {
		s.Close()
		sent.harmless(t)
	})
	return sink, sent, Options{
		Mailbox: Mailbox{Name: "ada", Host: "127.0.0.1:143", TLS: TLSNone, User: "ada@example.org", Password: password("geheim")},
		Sink:    sink, SpoolDir: t.TempDir(), Transcript: sent.add,
		Dial: func(ctx context.Context, _ string) (net.Conn, error) { return l.Dial(ctx) },
	}
}

// inbox returns a folder of n messages.
func inbox(n int) *mailtest.ScriptFolder {
	f := &mailtest.ScriptFolder{Name: "INBOX", UIDValidity: 7}
	for i := 1; i <= n; i++ {
		f.Messages = append(f.Messages, letter(uint32(i)))
	}
	return f
}

func letter(uid uint32) mailtest.ScriptMessage {
	raw := mail(int(uid), "bob@customer.example", "ada@example.org", fmt.Sprintf("mail %d", uid), fmt.Sprintf("body of %d", uid))
	return mailtest.ScriptMessage{UID: uid, Raw: raw, Received: time.Date(2026, 1, 1, 0, 0, int(uid), 0, time.UTC)}
}

// complete is the oracle: every UID the folder has is in exactly one state,
// and what is stored is stored with its own bytes.
func complete(t *testing.T, sink *memSink, f *mailtest.ScriptFolder) {
	t.Helper()
	p := sink.state(t, f.Name)
	sums := sink.digests(f.Name)
	for _, m := range f.Messages {
		n := 0
		for _, set := range append(slices.Collect(mapValues(p.Skipped)), p.Stored, p.Quarantined) {
			if set.Has(m.UID) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("UID %d is in %d states", m.UID, n)
		}
		if p.Stored.Has(m.UID) && sums[m.UID] != sha256.Sum256(m.Raw) {
			t.Errorf("UID %d is stored with bytes not its own: %q", m.UID, sink.text(f.Name, m.UID))
		}
	}
}

func mapValues(m map[message.Reason]message.UIDSet) func(func(message.UIDSet) bool) {
	return func(yield func(message.UIDSet) bool) {
		for _, s := range m {
			if !yield(s) {
				return
			}
		}
	}
}

// faulty runs a test in a bubble against a scripted server with one folder.
func faulty(t *testing.T, messages int, run func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := inbox(messages)
		s := &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{f}}
		sink, _, o := scripted(t, s)
		run(t, s, f, sink, o)
	})
}

func TestM1_SilentServer(t *testing.T) {
	t.Parallel()
	faulty(t, 10, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		s.Hook = func(c *mailtest.ScriptConn, command string) bool {
			return c.N == 1 && strings.HasPrefix(command, "UID FETCH") // no answer, no end
		}
		start := time.Now()
		if err := syncer(t, o).Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < silence || took > silence+10*time.Second {
			t.Errorf("took %s, want a minute and a new connection", took)
		}
		complete(t, sink, f)
	})
}

func TestM2_NoGreeting(t *testing.T) {
	t.Parallel()
	faulty(t, 1, func(t *testing.T, s *mailtest.ScriptIMAP, _ *mailtest.ScriptFolder, _ *memSink, o Options) {
		s.Greeting = "none"
		start := time.Now()
		_, err := syncer(t, o).open(t.Context())
		if kindOf(err) != Silent || time.Since(start) > greetingLimit {
			t.Errorf("got %v after %s", err, time.Since(start))
		}
	})
}

// cutConn ends after so many bytes were read from it.
type cutConn struct {
	net.Conn
	left int
}

func (c *cutConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		c.Close()
		return 0, errors.New("connection reset by peer")
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

func TestM3_CutAtEveryOffset(t *testing.T) {
	t.Parallel()
	for k := 1; k < 9000; k += 97 {
		faulty(t, 12, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
			dial, cut := o.Dial, false
			o.Dial = func(ctx context.Context, a string) (net.Conn, error) {
				conn, err := dial(ctx, a)
				if err == nil && !cut {
					cut = true
					return &cutConn{conn, k}, nil
				}
				return conn, err
			}
			if err := syncer(t, o).Sync(t.Context()); err != nil {
				t.Fatalf("cut after %d bytes: %v", k, err)
			}
			complete(t, sink, f)
			if p := sink.state(t, "INBOX"); p.Stored.Len() != 12 {
				t.Errorf("cut after %d bytes: stored %s, quarantined %s", k, p.Stored, p.Quarantined)
			}
		})
	}
}

// slowConn gives one byte a second.
type slowConn struct{ net.Conn }

func (c slowConn) Read(p []byte) (int, error) {
	time.Sleep(time.Second)
	return c.Conn.Read(p[:1])
}

func TestM4_Trickle(t *testing.T) {
	t.Parallel()
	faulty(t, 40, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		dial, slow := o.Dial, 0
		o.Dial = func(ctx context.Context, a string) (net.Conn, error) {
			conn, err := dial(ctx, a)
			if slow++; slow == 1 {
				return slowConn{conn}, err
			}
			return conn, err
		}
		start := time.Now()
		if err := syncer(t, o).Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > 30*time.Minute {
			t.Errorf("took %s", took)
		}
		complete(t, sink, f)
	})
}

func TestM6_TokenExpires(t *testing.T) {
	t.Parallel()
	faulty(t, 600, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		s.Capabilities = "IMAP4rev1 IDLE AUTH=XOAUTH2 SASL-IR"
		fetches, tokens := 0, 0
		s.Hook = func(c *mailtest.ScriptConn, command string) bool {
			if strings.HasPrefix(command, "UID FETCH") && c.N == 1 {
				if fetches++; fetches == 4 {
					c.Send("* BYE Session invalidated - AccessTokenExpired\r\n")
					c.Close()
					return true
				}
			}
			return false
		}
		o.Mailbox.Password = nil
		o.Mailbox.Token = func(context.Context) (string, error) { tokens++; return "t", nil }
		o.Failed = func(_ string, err error) {
			if err != nil {
				t.Errorf("shown to the user: %v", err)
			}
		}
		sink.took = make(chan string, 1000)
		y := syncer(t, o)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- y.Run(ctx) }()
		for range 600 {
			<-sink.took
		}
		synctest.Wait()
		if tokens < 2 || y.Status().Error != "" {
			t.Errorf("%d tokens asked for, status %+v", tokens, y.Status())
		}
		cancel()
		<-done
		complete(t, sink, f)
	})
}

func TestM9_AskedForPatience(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		said string
		wait time.Duration
		kind Kind
	}{
		{"Request is throttled. Suggested Backoff Time: 299961 milliseconds", 299961 * time.Millisecond, Throttled},
		{"[OVERQUOTA] Account exceeded command or bandwidth limits", overQuotaWait, Throttled},
		{"[THROTTLED] slow down", throttledWait, Throttled},
		{"Too many simultaneous connections. (Failure)", throttledWait, TooMany},
		{"[LIMIT] connection limit reached", throttledWait, TooMany},
		{"Server Unavailable. 15", throttledWait, Throttled},
		{"User is authenticated but not connected.", 0, Throttled},
		{"Session invalidated - AccessTokenExpired", 0, Expired},
		{"no such mailbox", 0, Refused},
		{"Suggested Backoff Time: 99999999999999 milliseconds", maxSuggested, Throttled},
	} {
		f := classify(tt.said, errors.New(tt.said))
		if f.Kind != tt.kind || f.Wait != tt.wait {
			t.Errorf("classify(%q) = %s %s, want %s %s", tt.said, f.Kind, f.Wait, tt.kind, tt.wait)
		}
		if d := backoff(1, f); d < tt.wait || d > tt.wait+tt.wait/8+2*time.Second {
			t.Errorf("backoff after %q is %s, want about %s", tt.said, d, tt.wait)
		}
	}
	faulty(t, 3, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		s.Hook = func(c *mailtest.ScriptConn, command string) bool {
			if c.N <= 2 && strings.HasPrefix(command, "AUTHENTICATE") {
				c.No("Request is throttled. Suggested Backoff Time: 299961 milliseconds")
				return true
			}
			return false
		}
		sink.took = make(chan string, 10)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		start := time.Now()
		y := syncer(t, o)
		go func() { done <- y.Run(ctx) }()
		time.Sleep(time.Minute)
		y.Nudge() // does not shorten what the server asked for
		<-sink.took
		if took := time.Since(start); took < 2*299961*time.Millisecond || took > 15*time.Minute {
			t.Errorf("came back after %s", took)
		}
		cancel()
		<-done
	})
}

func TestM10_NotConnected(t *testing.T) {
	t.Parallel()
	faulty(t, 3, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		s.Hook = func(c *mailtest.ScriptConn, command string) bool {
			if c.N == 1 && strings.HasPrefix(command, "LIST") {
				c.Send(c.Tag + " BAD User is authenticated but not connected.\r\n")
				return true
			}
			return false
		}
		if err := syncer(t, o).Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		complete(t, sink, f)
	})
}

func TestM11_WrongPassword(t *testing.T) {
	t.Parallel()
	faulty(t, 1, func(t *testing.T, s *mailtest.ScriptIMAP, _ *mailtest.ScriptFolder, _ *memSink, o Options) {
		s.Hook = func(c *mailtest.ScriptConn, command string) bool {
			if strings.HasPrefix(command, "AUTHENTICATE") {
				c.No("[AUTHENTICATIONFAILED] Invalid credentials, please try again")
				return true
			}
			return false
		}
		y := syncer(t, o)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- y.Run(ctx) }()
		time.Sleep(48 * time.Hour)
		if n := s.Opened(); n != 3 {
			t.Errorf("%d sign-ins in two days, want 3", n)
		}
		if st := y.Status(); st.State != message.StateStopped || !strings.Contains(st.Error, "check user name and password") {
			t.Errorf("status %+v", st)
		}
		y.Nudge()
		time.Sleep(time.Hour)
		if n := s.Opened(); n != 4 {
			t.Errorf("%d sign-ins after a nudge, want 4", n)
		}
		cancel()
		<-done
		var denied *AuthError
		if err := y.Sync(t.Context()); !errors.As(err, &denied) {
			t.Errorf("Sync returned %v", err)
		}
	})
}
