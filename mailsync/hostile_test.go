package mailsync

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rapport/internal/mailtest"
)

// floods are the attacks on memory, each said at whatever command: they send
// until the client has had enough, or all of it.
var floods = map[string]func(g garbage, c *mailtest.ScriptConn){
	"atom":  func(_ garbage, c *mailtest.ScriptConn) { pour(c, "* ", strings.Repeat("A", 64<<10), 1<<12) },
	"flags": func(_ garbage, c *mailtest.ScriptConn) { pour(c, "* FLAGS (", strings.Repeat("flag ", 10_000), 1<<12) },
	"parens": func(_ garbage, c *mailtest.ScriptConn) {
		pour(c, "* 1 FETCH (UID 5 FLAGS ", strings.Repeat("(", 60_000), 100)
	},
	"untagged": func(_ garbage, c *mailtest.ScriptConn) {
		pour(c, "", strings.Repeat("* 1 FETCH (FLAGS ())\r\n", 3000), 5000)
	},
	"exists": func(_ garbage, c *mailtest.ScriptConn) {
		pour(c, "", strings.Repeat("* 7 EXISTS\r\n* 1 EXPUNGE\r\n", 3000), 5000)
	},
	"continue": func(_ garbage, c *mailtest.ScriptConn) { pour(c, "", strings.Repeat("+ go on\r\n", 6000), 5000) },
	"bye": func(_ garbage, c *mailtest.ScriptConn) {
		pour(c, "", strings.Repeat("* BYE "+strings.Repeat("b", 500)+"\r\n", 100), 5000)
	},
	"capability": func(_ garbage, c *mailtest.ScriptConn) {
		pour(c, "", "* CAPABILITY IMAP4rev1 "+strings.Repeat("X-A ", 10_000)+"\r\n", 3000)
	},
	"alerts": func(_ garbage, c *mailtest.ScriptConn) {
		pour(c, "", strings.Repeat("* OK [ALERT] "+strings.Repeat("a", 900)+"\r\n", 60), 5000)
	},
	"literal": func(_ garbage, c *mailtest.ScriptConn) {
		pour(c, "* 1 FETCH (UID 5 BODY[HEADER] {9223372036854775807}\r\n", strings.Repeat("x", 64<<10), 4000)
	},
	"body": func(_ garbage, c *mailtest.ScriptConn) {
		pour(c, "* 1 FETCH (UID 5 BODY[] {60000000}\r\n", strings.Repeat("x", 64<<10), 1000)
	},
	"header": func(_ garbage, c *mailtest.ScriptConn) {
		pour(c, "* 1 FETCH (UID 5 BODY[HEADER] {60000000}\r\n", strings.Repeat("x", 64<<10), 1000)
	},
	"late": func(_ garbage, c *mailtest.ScriptConn) {
		pour(c, "", late(), 100)
	},
	"headers": func(_ garbage, c *mailtest.ScriptConn) { perUID(c, bigHeader()) },
	"search":  func(_ garbage, c *mailtest.ScriptConn) { pour(c, "", oddNumbers("* SEARCH", 100_000), 400) },
	"esearch": func(_ garbage, c *mailtest.ScriptConn) {
		pour(c, "", `* ESEARCH (TAG "T1") UID ALL `+strings.ReplaceAll(oddNumbers("", 100_000)[1:], " ", ","), 400)
	},
	"folders": func(g garbage, c *mailtest.ScriptConn) {
		for n := range 200_000 {
			if c.Send(fmt.Sprintf("* LIST () \"/\" \"folder %d %s\"\r\n", n, strings.Repeat("f", 1000))) != nil {
				return
			}
		}
	},
	"attributes": func(_ garbage, c *mailtest.ScriptConn) {
		line := "* LIST (" + strings.Repeat("a ", 10_000) + ") \"/\" folder"
		for n := range 20_000 {
			if c.Send(line+fmt.Sprint(n)+"\r\n") != nil {
				return
			}
		}
	},
	"statuses": func(_ garbage, c *mailtest.ScriptConn) {
		for n := range 20_000 {
			if c.Send(fmt.Sprintf("* STATUS \"%d%s\" (MESSAGES 1)\r\n", n, strings.Repeat("s", 30_000))) != nil {
				return
			}
		}
	},
	"labels":   func(_ garbage, c *mailtest.ScriptConn) { perUID(c, manyLabels()) },
	"words":    func(_ garbage, c *mailtest.ScriptConn) { perUID(c, fullFlags()) },
	"keywords": func(_ garbage, c *mailtest.ScriptConn) { perUID(c, manyFlags()) },
}

// What floods are made of, made once and only where it is said: what the servers
// hold is not to count.
var (
	megabyte   = sync.OnceValue(func() string { return strings.Repeat("x", 1_000_000) })
	bigMail    = sync.OnceValue(func() []byte { return append(letter(8).Raw, make([]byte, rangeBody+5)...) })
	bigHeader  = sync.OnceValue(func() string { return " BODY[HEADER] {1000000}\r\n" + megabyte() })
	late       = sync.OnceValue(func() string { return "* 1 FETCH (BODY[HEADER] {1000000}\r\n" + megabyte() + "\r\n" })
	manyLabels = sync.OnceValue(func() string {
		return " X-GM-LABELS (" + strings.Repeat("{60000}\r\n"+strings.Repeat("l", 60_000)+" ", 30) + ")"
	})
	manyFlags = sync.OnceValue(func() string { return " FLAGS (" + strings.Repeat(strings.Repeat("k", 150)+" ", 3000) + ")" })
	fullFlags = sync.OnceValue(func() string { return " FLAGS (" + strings.Repeat(strings.Repeat("k", 64)+" ", 990) + ")" })
)

// perUID says the same of each message.
func perUID(c *mailtest.ScriptConn, items string) {
	for uid := range 300 {
		c.Send(fmt.Sprintf("* 1 FETCH (UID %d", uid))
		if c.Send(items) != nil || c.Send(")\r\n") != nil {
			return
		}
	}
}

// pour says something and then the same over and over.
func pour(c *mailtest.ScriptConn, first, again string, times int) {
	if c.Send(first) != nil {
		return
	}
	for range times {
		if c.Send(again) != nil {
			return
		}
	}
}

// oddNumbers are numbers of which no two make a range.
func oddNumbers(first string, n int) string {
	var b strings.Builder
	b.WriteString(first)
	for i := range n {
		b.WriteByte(' ')
		b.WriteString(strconv.Itoa(1_000_001 + 2*i))
	}
	return b.String() + "\r\n"
}

// hostileServer answers some commands in good faith and the others with
// garbage, so that each stage of a session meets it.
func hostileServer(g garbage, honest int) *mailtest.ScriptIMAP {
	f := inbox(60)
	if honest == 8 { // one server with a large mail
		f.Messages[7].Raw = bigMail()
	}
	sent := inbox(10)
	sent.Name, sent.Attributes = "Sent", `\Sent`
	s := &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{f, sent}}
	if g.IntN(2) == 0 {
		s.Capabilities = "IMAP4rev1 IDLE LIST-STATUS CONDSTORE X-GM-EXT-1 AUTH=PLAIN"
	}
	var mu sync.Mutex
	attacks := slices.Sorted(mapKeys(floods))
	s.Hook = func(c *mailtest.ScriptConn, command string) bool {
		mu.Lock()
		defer mu.Unlock()
		if g.IntN(10) < honest {
			return false
		}
		switch n := g.IntN(20); {
		case n == 0:
			floods[attacks[g.IntN(len(attacks))]](g, c)
		case n < 9 && len(g.transcripts) > 0:
			c.Send(g.mutated(c.Tag))
		default:
			for range 1 + g.IntN(30) {
				if c.Send(g.response(c.Tag)) != nil {
					break
				}
			}
		}
		if c.OK(); g.IntN(2) == 0 {
			c.Send("* half a li")
		}
		if g.IntN(50) > 0 { // where the client still waits for more, it need not for a whole minute
			time.AfterFunc(300*time.Millisecond, func() { c.Close() })
		}
		return true
	}
	return s
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// inMemory serves a server on pipes for the length of the test.
func inMemory(t *testing.T, s *mailtest.ScriptIMAP) func(context.Context, string) (net.Conn, error) {
	t.Helper()
	l := mailtest.NewPipeListener()
	served := make(chan struct{})
	go func() { defer close(served); s.Serve(l) }()
	t.Cleanup(func() { l.Close(); s.Close(); <-served })
	return func(ctx context.Context, _ string) (net.Conn, error) { return l.Dial(ctx) }
}

// rssAnon is the anonymous memory of this process in bytes.
func rssAnon(t *testing.T) int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skipf("anonymous memory cannot be read here: %v", err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10
		}
	}
	t.Skip("this kernel does not tell anonymous memory apart")
	return 0
}

// watchMemory returns the peak of anonymous memory until stop is called.
func watchMemory(t *testing.T) (stop func() (peak int64)) {
	quit, out := make(chan struct{}), make(chan int64)
	go func() {
		peak := int64(0)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			peak = max(peak, rssAnon(t))
			select {
			case <-tick.C:
			case <-quit:
				out <- peak
				return
			}
		}
	}()
	return func() int64 { close(quit); return <-out }
}

// TestS23_ReplyBeforeItsTurn has a server ask for the next line of a sign-in
// and complete the command without waiting for it: the library would wait for
// ever for a reply to that line.
func TestS23_ReplyBeforeItsTurn(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for _, mechanism := range []string{"AUTH=PLAIN", "AUTH=LOGIN", "IDLE"} {
		for _, reply := range []string{"OK signed in", "NO not you", "BAD what"} {
			for range 50 {
				faulty(t, 1, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
					try()
					s.Capabilities = "IMAP4rev1 " + mechanism
					s.Hook = func(c *mailtest.ScriptConn, command string) bool {
						if c.N > 1 || !strings.HasPrefix(command, "AUTHENTICATE") && !strings.HasPrefix(command, "LOGIN") {
							return false
						}
						c.Send("+ \r\n" + c.Tag + " " + reply + "\r\n+ \r\n")
						return true
					}
					start := time.Now()
					_ = syncer(t, o).Sync(t.Context())
					if took := time.Since(start); took > 3*silence {
						t.Errorf("%s: %s: took %s", mechanism, reply, took)
					}
				})
			}
		}
	}
}

// TestS23_SignInBeforeItsTurn has the reply to an earlier command come only
// after a sign-in was sent, and a server ask for lines of commands that were
// not sent. The library would wait for ever, and the transcript would tell
// the password.
func TestS23_SignInBeforeItsTurn(t *testing.T) {
	t.Parallel()
	try := counted(t)
	secret := base64.StdEncoding.EncodeToString([]byte("\x00ada@example.org\x00geheim"))
	for _, early := range []string{"", "+ \r\n"} {
		for _, reply := range []string{"OK signed in", "NO not you"} {
			for range 20 {
				faulty(t, 1, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
					try()
					s.Capabilities = "IMAP4rev1 AUTH=PLAIN"
					var sent transcript
					o.Transcript = sent.add
					late := ""
					s.Hook = func(c *mailtest.ScriptConn, command string) bool {
						switch {
						case c.N > 1:
							return false
						case strings.HasPrefix(command, "CAPABILITY"):
							late = c.Tag + " OK done\r\n"
							c.Send("* CAPABILITY " + s.Capabilities + "\r\n" + early)
							return true
						case strings.HasPrefix(command, "AUTHENTICATE"):
							c.Send(late + "+ \r\n" + c.Tag + " " + reply + "\r\n+ \r\n")
							return true
						}
						return false
					}
					start := time.Now()
					_ = syncer(t, o).Sync(t.Context())
					if took := time.Since(start); took > 3*silence {
						t.Errorf("%q, %s: took %s", early, reply, took)
					}
					if slices.Contains(sent.all(), secret) {
						t.Error("the transcript tells the password")
					}
				})
			}
		}
	}
}

// TestS23_NoCodeBehindACode has text that looks like a second response code:
// the library reads such a one too, and spins for ever on some.
func TestS23_NoCodeBehindACode(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for _, line := range []string{"T1 OK [] [CAPABILITY (", "T1 NO [X(] [CAPABILITY A (B", "* OK [UIDNEXT 5] [CAPABILITY (x] y", "T1 BAD [ALERT] [[[", "* BYE [] [CAPABILITY ((("} {
		try()
		w := newWire(&memConn{strings.NewReader(line + "\r\n")}, nil)
		if err := w.response(); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		if _, after, _ := strings.Cut(string(w.out), "CAPABILITY"); after != "" && !strings.Contains(string(w.out), " -[") {
			t.Errorf("%q reaches the library as %q", line, w.out)
		}
	}
}

// TestS23_EachFloodBounded lets each flood loose at each command alone.
func TestS23_EachFloodBounded(t *testing.T) {
	if raced {
		t.Skip("memory says nothing under the race detector")
	}
	try := counted(t)
	for i, name := range slices.Sorted(mapKeys(floods)) {
		for n, command := range []string{"BODY.PEEK[HEADER]", "LIST", "UID SEARCH", "BODY.PEEK[]", "CAPABILITY", "EXAMINE", "AUTHENTICATE"} {
			if n > 0 && (n+i)%floodStep != 0 {
				continue
			}
			try()
			debug.FreeOSMemory()
			base, watch := rssAnon(t), watchMemory(t)
			synctest.Test(t, func(t *testing.T) { flooded(t, floods[name], command) })
			if grew := watch() - base; grew > 64<<20 {
				t.Errorf("%s at %s: anonymous memory grew by %d MB", name, command, grew>>20)
			}
		}
	}
}

// flooded calls a server that answers a command with a flood.
func flooded(t *testing.T, flood func(garbage, *mailtest.ScriptConn), command string) {
	s := hostileServer(garbage{Rand: rand.New(rand.NewPCG(1, 2))}, 10)
	s.Capabilities = "IMAP4rev1 IDLE ESEARCH CONDSTORE X-GM-EXT-1 AUTH=PLAIN"
	s.Hook = func(c *mailtest.ScriptConn, said string) bool {
		if strings.Contains(said, command) {
			flood(garbage{}, c)
			c.OK()
			c.Close()
			return true
		}
		return false
	}
	l := mailtest.NewPipeListener()
	served := make(chan struct{})
	go func() { defer close(served); s.Serve(l) }()
	start := time.Now()
	_ = attacked(t.Context(), t, func(ctx context.Context, _ string) (net.Conn, error) { return l.Dial(ctx) })
	if took := time.Since(start); took > 31*time.Second { // the library waits half a minute for capabilities
		t.Errorf("at %s: took %s", command, took)
	}
	l.Close()
	s.Close()
	<-served
}

// attacked makes one connection to a hostile server and returns how it ended.
func attacked(ctx context.Context, t *testing.T, dial func(context.Context, string) (net.Conn, error)) error {
	y, err := New(Options{Sink: newSink(), SpoolDir: t.TempDir(), Dial: dial, Log: slog.New(slog.DiscardHandler),
		Mailbox: Mailbox{Name: "eve", Host: "127.0.0.1:143", TLS: TLSNone, User: "eve", Password: password("x")}})
	if err != nil {
		return err
	}
	return y.syncOnce(ctx)
}
