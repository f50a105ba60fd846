package mailsync

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/message"
	"rapport/records/phrase"
)

// TestM6_TokenExpires has the access token run out at every kind of command,
// said in the ways servers say it: the token is asked for once more, everything
// arrives, and nobody hears of it.
func TestM6_TokenExpires(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for _, command := range []string{"LIST", "EXAMINE", "UID SEARCH", "BODY.PEEK[HEADER]", "BODY.PEEK[]", "IDLE"} {
		for name, say := range map[string]func(c *mailtest.ScriptConn){
			"BYE": func(c *mailtest.ScriptConn) {
				c.Send("* BYE Session invalidated - AccessTokenExpired\r\n")
				c.Close()
			},
			"NO": func(c *mailtest.ScriptConn) { c.No("Session invalidated - AccessTokenExpired") },
			"BAD and BYE": func(c *mailtest.ScriptConn) {
				c.Send(c.Tag + " BAD AccessTokenExpired\r\n* BYE closing\r\n")
				c.Close()
			},
		} {
			t.Run(command+" "+name, func(t *testing.T) {
				t.Parallel()
				faulty(t, 600, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
					try()
					expires(t, s, f, sink, o, command, say)
				})
			})
		}
	}
}

func expires(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options, command string, say func(*mailtest.ScriptConn)) {
	s.Capabilities = "IMAP4rev1 IDLE AUTH=XOAUTH2 SASL-IR"
	times, tokens := 0, 0
	s.Hook = func(c *mailtest.ScriptConn, said string) bool {
		if c.N > 1 || !strings.Contains(said, command) {
			return false
		}
		if times++; times == 2 || command == "IDLE" || command == "LIST" || command == "EXAMINE" || command == "UID SEARCH" {
			say(c)
			return true
		}
		return false
	}
	o.Mailbox.Password = nil
	o.Mailbox.Connections = 1
	o.Mailbox.Token = func(context.Context) (string, error) { tokens++; return "t", nil }
	o.Failed = func(_ string, err error) {
		if err != nil {
			t.Errorf("shown to the user: %v", err)
		}
	}
	y := runs(t, o)
	time.Sleep(time.Minute)
	synctest.Wait()
	if st := y.Status(); tokens != 2 || st.Error != "" || st.State != message.StateWatching {
		t.Errorf("%d tokens asked for, status %+v; want one refresh and nothing to see", tokens, st)
	}
	y.stop()
	allStored(t, sink, f)
}

func TestM9_AskedForPatience(t *testing.T) {
	t.Parallel()
	try := counted(t)
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
		try()
		f := classify(tt.said, phrase.Verbatim(tt.said))
		if f.Kind != tt.kind || f.Wait != tt.wait {
			t.Errorf("classify(%q) = %s %s, want %s %s", tt.said, f.Kind, f.Wait, tt.kind, tt.wait)
		}
		if d := backoff(1, f); d < tt.wait || d > tt.wait+tt.wait/8+2*time.Second {
			t.Errorf("backoff after %q is %s, want about %s", tt.said, d, tt.wait)
		}
	}
}

// TestM9_WaitsAsLongAsAsked has a server ask for patience at each kind of
// command, twice: the mailbox comes back no sooner than asked, whoever nudges.
func TestM9_WaitsAsLongAsAsked(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for _, command := range []string{"AUTHENTICATE", "LIST", "EXAMINE", "UID SEARCH", "UID FETCH"} {
		for said, wait := range map[string]time.Duration{
			"Request is throttled. Suggested Backoff Time: 299961 milliseconds": 299961 * time.Millisecond,
			"[OVERQUOTA] Account exceeded command or bandwidth limits":          overQuotaWait,
			"[THROTTLED] slow down":                        throttledWait,
			"Too many simultaneous connections. (Failure)": throttledWait,
			"Server Unavailable. 15":                       throttledWait,
		} {
			for _, bye := range []bool{false, true} {
				faulty(t, 3, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
					try()
					asked := patience(s, command, said, bye)
					dials := []time.Time{}
					dial := o.Dial
					o.Dial = func(ctx context.Context, a string) (net.Conn, error) {
						dials = append(dials, time.Now())
						return dial(ctx, a)
					}
					o.Mailbox.Connections = 1
					y := runs(t, o)
					for range 120 {
						time.Sleep(30 * time.Second)
						y.Nudge() // does not shorten what the server asked for
					}
					y.stop()
					allStored(t, sink, f)
					if len(dials) != 3 {
						t.Errorf("%s: %q: %d connections, want 3", command, said, len(dials))
					}
					for i, at := range *asked {
						if gap := dials[min(i+1, len(dials)-1)].Sub(at); gap < wait || gap > wait+wait/8+3*time.Second {
							t.Errorf("%s: %q: came back after %s, want %s", command, said, gap, wait)
						}
					}
				})
			}
		}
	}
}

// patience has the first two connections be told to wait at a command, and
// notes when.
func patience(s *mailtest.ScriptIMAP, command, said string, bye bool) *[]time.Time {
	var asked []time.Time
	s.Hook = func(c *mailtest.ScriptConn, line string) bool {
		if c.N > 2 || !strings.HasPrefix(line, command) {
			return false
		}
		asked = append(asked, time.Now())
		if bye {
			c.Send("* BYE " + said + "\r\n")
			c.Close()
		} else {
			c.No(said)
		}
		return true
	}
	return &asked
}

// TestM10_NotConnected has a server lose its back end at each kind of command.
func TestM10_NotConnected(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for _, command := range []string{"AUTHENTICATE", "LIST", "EXAMINE", "UID SEARCH", "BODY.PEEK[HEADER]", "BODY.PEEK[]"} {
		for _, kind := range []string{"BAD", "NO"} {
			faulty(t, 3, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
				try()
				s.Hook = func(c *mailtest.ScriptConn, said string) bool {
					if c.N == 1 && strings.Contains(said, command) {
						c.Send(c.Tag + " " + kind + " User is authenticated but not connected.\r\n")
						return true
					}
					return false
				}
				if err := syncer(t, o).Sync(t.Context()); err != nil {
					t.Errorf("%s at %s: %v", kind, command, err)
				}
				if n := s.Opened(); n != 2 {
					t.Errorf("%s at %s: %d connections, want a second one", kind, command, n)
				}
				allStored(t, sink, f)
			})
		}
	}
}

func TestM11_WrongPassword(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for _, said := range []string{
		"[AUTHENTICATIONFAILED] Invalid credentials, please try again", "[AUTHENTICATIONFAILED] Authentication failed.", "LOGIN failed.",
		"Incorrect username or password", "[AUTHORIZATIONFAILED] not for you", "[ALERT] Application-specific password required",
	} {
		faulty(t, 1, func(t *testing.T, s *mailtest.ScriptIMAP, _ *mailtest.ScriptFolder, _ *memSink, o Options) {
			try()
			s.Hook = func(c *mailtest.ScriptConn, command string) bool {
				if strings.HasPrefix(command, "AUTHENTICATE") {
					c.No(said)
					return true
				}
				return false
			}
			y := runs(t, o)
			time.Sleep(48 * time.Hour)
			if n := s.Opened(); n != 3 {
				t.Errorf("%q: %d sign-ins in two days, want 3", said, n)
			}
			if st := y.Status(); st.State != message.StateStopped || !strings.Contains(st.Error, "password") {
				t.Errorf("%q: status %+v", said, st)
			}
			y.Nudge()
			time.Sleep(time.Hour)
			if n := s.Opened(); n != 4 {
				t.Errorf("%q: %d sign-ins after a nudge, want 4", said, n)
			}
			y.stop()
			var denied *AuthError
			if err := y.Sync(t.Context()); !errors.As(err, &denied) {
				t.Errorf("%q: Sync returned %v", said, err)
			}
		})
	}
}

// TestRefusalsNameThePage wants of every refusal of the two providers where in
// their pages it is mended.
func TestRefusalsNameThePage(t *testing.T) {
	t.Parallel()
	token := func(context.Context) (string, error) { return "token", nil }
	for _, tt := range []struct {
		box        Mailbox
		said, want string
	}{
		{Mailbox{Provider: "gmail"}, "[AUTHENTICATIONFAILED] Invalid credentials (Failure)", "https://myaccount.google.com/apppasswords"},
		{Mailbox{Provider: "gmail"}, "[ALERT] Application-specific password required (Failure)", "https://myaccount.google.com/apppasswords"},
		{Mailbox{Host: "imap.gmail.com:993", Token: token}, "[AUTHENTICATIONFAILED] Invalid credentials (Failure)", "https://admin.google.com, "},
		{Mailbox{Provider: "gmail", Token: token}, "[ALERT] IMAP access is disabled for your domain. (Failure)", "https://admin.google.com, "},
		{Mailbox{Provider: "gmail"}, "[WEBALERT https://accounts.google.com/signin/continue] Web login required.", "https://accounts.google.com/"},
		{Mailbox{Provider: "outlook"}, "LOGIN failed.", "https://entra.microsoft.com, "},
		{Mailbox{Provider: "outlook", Token: token}, "AUTHENTICATE failed.", "https://admin.exchange.microsoft.com, "},
		{Mailbox{Host: "imap.example.com:993", Token: token}, "AUTHENTICATE failed.", "for this mailbox"},
	} {
		if got := refusal(tt.box, tt.said).Error(); !strings.Contains(got, tt.want) {
			t.Errorf("refusal(%s, %q) = %q; want %q in it", tt.box.Provider, tt.said, got, tt.want)
		}
	}
}
