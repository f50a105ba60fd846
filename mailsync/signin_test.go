package mailsync

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/message"
	"rapport/records/phrase"
)

// TestRevokedToken stops at once, since asking again changes nothing, and says
// what to do; a nudge is worth one more try.
func TestRevokedToken(t *testing.T) {
	t.Parallel()
	faulty(t, 1, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		s.Capabilities = "IMAP4rev1 AUTH=XOAUTH2"
		tokens := 0
		o.Mailbox.Password = nil
		o.Mailbox.Token = func(context.Context) (string, error) {
			tokens++
			return "", fmt.Errorf("renew: %w", &AuthError{Login: "ada", Server: phrase.Verbatim("AADSTS50173"), Fix: phrase.Verbatim("run: rapport auth login ada"), Final: true})
		}
		notices := 0
		o.Failed = func(string, error) { notices++ }
		y := syncer(t, o)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- y.Run(ctx) }()
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if tokens != 1 || notices != 1 || y.Status().State != message.StateStopped || !strings.Contains(y.Status().Error, "rapport auth login ada") {
			t.Errorf("%d tokens asked for, %d notices, status %+v", tokens, notices, y.Status())
		}
		y.Nudge()
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if tokens != 2 || notices != 1 || y.Status().State != message.StateStopped {
			t.Errorf("after a nudge: %d tokens asked for, %d notices, status %+v", tokens, notices, y.Status())
		}
		cancel()
		<-done
	})
}

// TestStaleToken has a server take the first token for a while only: the next
// one is asked for at once, and nobody hears of it. A server that takes none
// is left alone after three tries.
func TestStaleToken(t *testing.T) {
	t.Parallel()
	for _, takes := range []string{"two", "none"} {
		t.Run(takes, func(t *testing.T) {
			t.Parallel()
			faulty(t, 1, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
				s.Capabilities = "IMAP4rev1 IDLE SASL-IR AUTH=OAUTHBEARER"
				current, signIns := "one", 0
				s.Hook = func(c *mailtest.ScriptConn, said string) bool {
					words, ok := strings.CutPrefix(said, "AUTHENTICATE OAUTHBEARER ")
					if !ok {
						return false
					}
					signIns++
					if user, token, ok := mailtest.Bearer(words); !ok || user != o.Mailbox.User || token != takes {
						c.No("[AUTHENTICATIONFAILED] AUTHENTICATE failed for " + words)
						return true
					}
					return false
				}
				o.Mailbox.Password = nil
				o.Mailbox.Token = func(context.Context) (string, error) { return current, nil }
				o.Mailbox.Stale = func(token string) bool {
					if token != "one" {
						return false
					}
					current = "two"
					return true
				}
				var notices []error
				o.Failed = func(_ string, err error) { notices = append(notices, err) }
				y := runs(t, o)
				time.Sleep(24 * time.Hour)
				synctest.Wait()
				if takes == "two" {
					if len(notices) != 0 || y.Status().State != message.StateWatching {
						t.Errorf("%v, status %+v", notices, y.Status())
					}
				} else if len(notices) != 1 || signIns != 4 || y.Status().State != message.StateStopped || strings.Contains(notices[0].Error(), "bj1") {
					t.Errorf("%d sign-ins, %v, status %+v", signIns, notices, y.Status())
				}
				y.stop()
			})
		})
	}
}

// TestOffersAfterSignIn opens connections to a server that offers more to whom
// it knows: what it offers to strangers is never taken for that.
func TestOffersAfterSignIn(t *testing.T) {
	t.Parallel()
	faulty(t, 1, func(t *testing.T, s *mailtest.ScriptIMAP, _ *mailtest.ScriptFolder, _ *memSink, o Options) {
		var mu sync.Mutex
		known := map[int]bool{}
		s.Hook = func(c *mailtest.ScriptConn, command string) bool {
			mu.Lock()
			defer mu.Unlock()
			switch {
			case strings.HasPrefix(command, "AUTHENTICATE"):
				known[c.N] = true
			case command == "CAPABILITY" && known[c.N]:
				c.Send("* CAPABILITY IMAP4rev1 IDLE X-GM-EXT-1 AUTH=PLAIN SASL-IR\r\n")
				c.OK()
				return true
			case command == "CAPABILITY":
				c.Send("* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n")
				c.OK()
				return true
			}
			return false
		}
		var strangers atomic.Int32
		var wg sync.WaitGroup
		for range 3 { // as many connections as the line bears
			wg.Go(func() {
				for range 200 {
					sess, err := open(t.Context(), o, nil)
					if err != nil {
						t.Error(err)
						return
					}
					if !sess.caps.Has("X-GM-EXT-1") {
						strangers.Add(1)
					}
					sess.close()
				}
			})
		}
		wg.Wait()
		if n := strangers.Load(); n > 0 {
			t.Errorf("%d of 600 connections know only what strangers are offered", n)
		}
	})
}
