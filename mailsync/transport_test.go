package mailsync

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rapport/internal/mailtest"
)

// TestM1_SilentServer has the server fall silent after each kind of command,
// and in the middle of its answer, without closing the connection.
func TestM1_SilentServer(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for _, command := range []string{"CAPABILITY", "AUTHENTICATE", "LIST", "EXAMINE", "UID SEARCH", "UID FETCH", "BODY.PEEK[]", "BODY.PEEK[]<", "LOGOUT"} {
		for _, half := range []string{"", "* ", "* 1 FETCH (UID 10 BODY[HEADER] {300}\r\nSubject: half"} {
			t.Run(command+" "+half, func(t *testing.T) {
				t.Parallel()
				faulty(t, 10, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
					try()
					f.Messages[4].Raw = append(f.Messages[4].Raw, bytes.Repeat([]byte("x"), rangeBody)...)
					silent := time.Duration(0)
					start := time.Now()
					s.Hook = func(c *mailtest.ScriptConn, said string) bool {
						if c.N > 1 || !strings.Contains(said, command) {
							return false
						}
						silent = time.Since(start)
						c.Send(half)
						return true
					}
					if err := syncer(t, o).Sync(t.Context()); err != nil {
						t.Fatal(err)
					}
					limit := silence
					if command == "UID SEARCH" { // which large folders need time for
						limit *= 2
					}
					if took := time.Since(start) - silent; took > limit+10*time.Second {
						t.Errorf("went on %s after the server fell silent, want %s and a new connection", took, limit)
					}
					allStored(t, sink, f)
				})
			})
		}
	}
}

// TestM1_SilentIdle has a watched connection go dead: it is renewed within
// nine minutes, and given up a minute later.
func TestM1_SilentIdle(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for _, when := range []string{"IDLE", "DONE", "NOOP"} {
		faulty(t, 3, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
			try()
			if when == "NOOP" {
				s.Capabilities = "IMAP4rev1 AUTH=PLAIN"
			}
			dead := map[int]bool{}
			s.Hook = func(c *mailtest.ScriptConn, command string) bool {
				s.Lock()
				defer s.Unlock()
				dead[c.N] = dead[c.N] || command == when && c.N <= 3
				return dead[c.N]
			}
			o.Mailbox.Connections = 1
			y := runs(t, o)
			time.Sleep(time.Minute / 2)
			s.Lock()
			f.Messages = append(f.Messages, letter(9)) // said to nobody
			s.Unlock()
			time.Sleep(3 * (9*time.Minute + silence + 10*time.Second))
			y.stop()
			allStored(t, sink, f)
		})
	}
}

// TestM2_NoGreeting has a server that lets the connection stand and says
// nothing, or so slowly that it never ends, at every step before sign-in.
func TestM2_NoGreeting(t *testing.T) {
	t.Parallel()
	try := counted(t)
	drip := func(text string) func(net.Conn) {
		return func(conn net.Conn) {
			for i := range text {
				if _, err := io.WriteString(conn, text[i:i+1]); err != nil {
					return
				}
				time.Sleep(20 * time.Second)
			}
		}
	}
	for name, tt := range map[string]struct {
		mode  TLSMode
		serve func(net.Conn)
	}{
		"silent":            {TLSNone, func(net.Conn) {}},
		"dripping":          {TLSNone, drip("* OK welcome to a server that is in no hurry at all\r\n")},
		"TLS silent":        {TLSImplicit, func(net.Conn) {}},
		"TLS dripping":      {TLSImplicit, drip("\x16\x03\x03\x00\x7a\x02\x00\x00\x76")},
		"STARTTLS silent":   {TLSStart, func(net.Conn) {}},
		"STARTTLS dripping": {TLSStart, drip("* OK welcome to a server that is in no hurry at all\r\n")},
		"STARTTLS unanswered": {TLSStart, func(conn net.Conn) {
			io.WriteString(conn, "* OK ready\r\n")
		}},
		"STARTTLS chatty": {TLSStart, func(conn net.Conn) {
			io.WriteString(conn, "* OK ready\r\n")
			drip(strings.Repeat("* OK still thinking\r\n", 100))(conn)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				try()
				client, server := net.Pipe()
				var served sync.WaitGroup
				served.Go(func() { io.Copy(io.Discard, server) })
				served.Go(func() { tt.serve(server) })
				o := Options{Sink: newSink(), Dial: func(context.Context, string) (net.Conn, error) { return client, nil },
					Mailbox: Mailbox{Name: "ada", Host: "127.0.0.1:143", TLS: tt.mode, User: "ada", Password: password("x")}}
				start := time.Now()
				_, err := syncer(t, o).open(t.Context())
				if took := time.Since(start); err == nil || took > greetingLimit {
					t.Errorf("open returned %v after %s, want a fault within %s", err, took, greetingLimit)
				}
				server.Close()
				served.Wait()
			})
		})
	}
}

// cutConn ends after so many bytes were read from it: with the end of the
// stream, or with a reset.
type cutConn struct {
	net.Conn
	left  int
	reset bool
}

func (c *cutConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		c.Close()
		if c.reset {
			return 0, syscall.ECONNRESET
		}
		return 0, io.EOF
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// transcriptOf is a mailbox whose whole reading takes more than cutEvery bytes.
func transcriptOf(f *mailtest.ScriptFolder) {
	for i := range f.Messages {
		f.Messages[i].Raw = append(f.Messages[i].Raw, bytes.Repeat([]byte("line of text\r\n"), 400)...)
	}
}

func TestM3_CutAtEveryOffset(t *testing.T) {
	t.Parallel()
	try := counted(t)
	var offsets []int
	for k := 1; k < cutEvery; k += cutStep {
		offsets = append(offsets, k)
	}
	for range cutRandom {
		offsets = append(offsets, cutEvery+rand.IntN(20<<10))
	}
	const shards = 16
	for n := range shards {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			for i := n; i < len(offsets); i += shards {
				try()
				cutAt(t, offsets[i], i/shards%2 == 0)
			}
		})
	}
}

// cutAt reads a mailbox whose first connection ends after k bytes.
func cutAt(t *testing.T, k int, reset bool) {
	t.Helper()
	faulty(t, 12, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		transcriptOf(f)
		dial, cut := o.Dial, false
		o.Dial = func(ctx context.Context, a string) (net.Conn, error) {
			conn, err := dial(ctx, a)
			if err == nil && !cut {
				cut = true
				return &cutConn{conn, k, reset}, nil
			}
			return conn, err
		}
		if err := syncer(t, o).Sync(t.Context()); err != nil {
			t.Fatalf("cut after %d bytes: %v", k, err)
		}
		allStored(t, sink, f)
		if t.Failed() {
			t.Fatalf("cut after %d bytes", k)
		}
	})
}

// slowConn gives one byte a second.
type slowConn struct{ net.Conn }

func (c slowConn) Read(p []byte) (int, error) {
	time.Sleep(time.Second)
	return c.Conn.Read(p[:1])
}

// TestM4_Trickle has the first connections give a byte a second: each is given
// up after a bounded time, and as soon as one is of use all is there.
func TestM4_Trickle(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for _, bad := range []int32{1, 2, 3} {
		faulty(t, 40, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
			try()
			var slow atomic.Int32
			dial := o.Dial
			o.Dial = func(ctx context.Context, a string) (net.Conn, error) {
				conn, err := dial(ctx, a)
				if slow.Add(1) <= bad {
					return slowConn{conn}, err
				}
				return conn, err
			}
			start := time.Now()
			if err := syncer(t, o).Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took > time.Duration(bad)*30*time.Minute {
				t.Errorf("took %s", took)
			}
			allStored(t, sink, f)
		})
	}
}

// thinConn lets so many bytes a second pass, and ends after a while.
type thinConn struct {
	net.Conn
	rate int
	left *atomic.Int64 // nil: it does not end
}

func (c thinConn) Read(p []byte) (int, error) {
	if c.left != nil && c.left.Load() <= 0 {
		c.Close()
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.Conn.Read(p[:min(len(p), 32<<10)])
	time.Sleep(time.Duration(n) * time.Second / time.Duration(c.rate))
	if c.left != nil {
		c.left.Add(-int64(n))
	}
	return n, err
}

// TestM5_LargeMailOverASlowLine fetches a mail of 100 MB over 1 Mbit/s, with
// others before and after it. Where the line breaks, it goes on behind what came;
// where the line never lasts for one range, the mail is quarantined with its
// size, and the others arrive.
func TestM5_LargeMailOverASlowLine(t *testing.T) {
	t.Parallel()
	try := counted(t)
	const size, rate = 100 << 20, 1_000_000 / 8
	for _, lasts := range []int64{0, 5 << 20, 20 << 20} {
		t.Run(fmt.Sprintf("breaks after %d MB", lasts>>20), func(t *testing.T) {
			faulty(t, 20, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
				try()
				f.Messages[9].Raw = append(f.Messages[9].Raw, bytes.Repeat([]byte("0123456789abcde\n"), size/16)...)
				dial := o.Dial
				o.Dial = func(ctx context.Context, a string) (net.Conn, error) {
					conn, err := dial(ctx, a)
					thin := thinConn{Conn: conn, rate: rate}
					if lasts > 0 {
						thin.left = new(atomic.Int64)
						thin.left.Store(lasts)
					}
					return thin, err
				}
				if err := syncer(t, o).Sync(t.Context()); err != nil {
					t.Fatal(err)
				}
				if lasts == 0 || lasts > rangeBody { // it comes a range further with each connection
					allStored(t, sink, f)
					if n := s.Opened(); n > 12 {
						t.Errorf("%d connections, want one for every 16 MB and a few more", n)
					}
					return
				}
				oracle(t, sink, f)
				p := sink.state(t, "INBOX")
				reason := sink.reasons[folderKey{"ada", "INBOX", 7}][10]
				if p.Stored.Len() != 19 || !p.Quarantined.Has(10) || !strings.Contains(reason, "100 MB") {
					t.Errorf("stored %s, quarantined %s because %q; want UID 10 quarantined with its size, and the others stored", p.Stored, p.Quarantined, reason)
				}
				if n := s.Opened(); n > 6 {
					t.Errorf("%d connections, want three tries and a few more", n)
				}
			})
		})
	}
}
