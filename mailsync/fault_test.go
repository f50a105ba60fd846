package mailsync

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/message"
)

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
		oracle(t, sink, f)
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
		oracle(t, sink, f)
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
