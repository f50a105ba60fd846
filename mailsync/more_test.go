package mailsync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/contact"
	"rapport/records/message"
)

// TestTooManyConnections has the server refuse a second connection: the
// mailbox is looked after with one.
func TestTooManyConnections(t *testing.T) {
	t.Parallel()
	faulty(t, 3, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		sent := inbox(2)
		sent.Name, sent.Attributes = "Sent", `\Sent`
		s.Folders = append(s.Folders, sent)
		open := 0
		s.Hook = func(c *mailtest.ScriptConn, command string) bool {
			if !strings.HasPrefix(command, "AUTHENTICATE") {
				return false
			}
			s.Lock()
			defer s.Unlock()
			if open++; open == 2 || open == 4 {
				c.No("[LIMIT] Too many simultaneous connections")
				return true
			}
			return false
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		y := syncer(t, o)
		go func() { done <- y.Run(ctx) }()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if st := y.Status(); st.State != message.StateWatching || len(st.Folders) != 2 {
			t.Errorf("status %+v", st)
		}
		oracle(t, sink, f)
		oracle(t, sink, sent)
		cancel()
		<-done
	})
}

// TestSearchThatFindsNothing has a server whose SEARCH by address is useless:
// the skipped headers are read again.
func TestSearchThatFindsNothing(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(c *mailtest.ScriptConn){
		"empty":   func(c *mailtest.ScriptConn) { c.Send("* SEARCH\r\n"); c.OK() },
		"refused": func(c *mailtest.ScriptConn) { c.No("[CANNOT] search is switched off") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faulty(t, 20, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
				s.Hook = func(c *mailtest.ScriptConn, command string) bool {
					if strings.Contains(command, "FROM") {
						answer(c)
						return true
					}
					return false
				}
				sink.judge = func(message.Folder, message.Copy) message.Decision {
					return message.Decision{Action: message.Skip, Reason: message.NoMatch}
				}
				y := syncer(t, o)
				if err := y.Sync(t.Context()); err != nil {
					t.Fatal(err)
				}
				sink.judge = func(message.Folder, message.Copy) message.Decision { return message.Decision{Action: message.Log} }
				sink.pending = []message.Search{{ID: "x", Addresses: []contact.Address{"bob@customer.example"}}}
				if err := y.Sync(t.Context()); err != nil {
					t.Fatal(err)
				}
				if p := sink.state(t, "INBOX"); p.Stored.Len() != 20 {
					t.Errorf("stored %s", p.Stored)
				}
			})
		})
	}
}

// TestMemserver syncs and watches go-imap's own in-memory server in a bubble.
func TestMemserver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := mailtest.NewPipeListener()
		srv, err := mailtest.ServeIMAP(l, mailtest.User{Name: "ada@example.org", Password: "geheim", Folders: []string{"Grüße & mehr"}})
		if err != nil {
			t.Fatal(err)
		}
		sink := newSink()
		sink.took = make(chan string, 100)
		o := Options{Sink: sink, SpoolDir: t.TempDir(), Dial: func(ctx context.Context, _ string) (net.Conn, error) { return l.Dial(ctx) },
			Mailbox: Mailbox{Name: "ada", Host: "localhost:143", TLS: TLSNone, User: "ada@example.org", Password: password("geheim")}}
		put := func(folder, subject string) {
			t.Helper()
			if err := srv.Append("ada@example.org", folder, mail(len(subject), "bob@customer.example", "ada@example.org", subject, "hi"), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		put("INBOX", "one")
		put("Grüße & mehr", "two")
		y := syncer(t, o)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- y.Run(ctx) }()
		<-sink.took
		<-sink.took
		time.Sleep(40 * time.Minute) // of IDLE
		put("INBOX", "three")
		start := time.Now()
		if got := <-sink.took; got != "three" || time.Since(start) > time.Second {
			t.Errorf("took %q after %s", got, time.Since(start))
		}
		cancel()
		<-done
		srv.Close()
		l.Close()
	})
}

// TestThreadIDs has a server that tells of each message which conversation it
// is of, or promises to and refuses.
func TestThreadIDs(t *testing.T) {
	t.Parallel()
	for _, refused := range []bool{false, true} {
		t.Run(fmt.Sprint("refused ", refused), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { threadIDs(t, refused) })
		})
	}
}

func threadIDs(t *testing.T, refused bool) {
	in := inbox(4)
	for i := range in.Messages[1:] {
		in.Messages[i+1].Thread = uint64(70 + i)
	}
	s := &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{in}, Capabilities: "IMAP4rev1 IDLE OBJECTID AUTH=PLAIN"}
	s.Hook = func(c *mailtest.ScriptConn, command string) bool {
		if refused && strings.Contains(command, "THREADID") {
			c.Send(c.Tag + " BAD what thread?\r\n")
			return true
		}
		return false
	}
	sink, _, o := scripted(t, s)
	if err := syncer(t, o).Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := sink.state(t, "INBOX").Stored.Len(); got != 4 {
		t.Errorf("%d messages are stored, want 4", got)
	}
	for _, copies := range sink.copies {
		for uid, c := range copies {
			want := fmt.Sprint("T", 68+uid)
			if uid == 1 || refused {
				want = ""
			}
			if c.Thread != want {
				t.Errorf("UID %d is of thread %q, want %q", uid, c.Thread, want)
			}
		}
	}
}

// TestGmail has a server with labels: All Mail is read once, with them.
func TestGmail(t *testing.T) {
	t.Parallel()
	for _, labels := range []bool{true, false} {
		t.Run(fmt.Sprint("labels ", labels), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				all, in := inbox(5), inbox(3)
				all.Name, all.Attributes = "[Gmail]/All Mail", `\All`
				s := &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{in, all}, Capabilities: "IMAP4rev1 IDLE X-GM-EXT-1 AUTH=PLAIN"}
				s.Hook = func(c *mailtest.ScriptConn, command string) bool {
					if !labels && strings.Contains(command, "X-GM-LABELS") {
						c.Send(c.Tag + " BAD what labels?\r\n")
						return true
					}
					return false
				}
				for i, m := range all.Messages {
					all.Messages[i].Thread, all.Messages[i].Labels = 1278455344230334865, fmt.Sprintf("\\Inbox \"R&-D\" {7}\r\nbox \"(\" l%d", m.UID)
				}
				sink, _, o := scripted(t, s)
				o.Mailbox.Exclude = []string{"l2"}
				if err := syncer(t, o).Sync(t.Context()); err != nil {
					t.Fatal(err)
				}
				if !labels {
					if sink.state(t, "INBOX").Stored.Len() != 3 {
						t.Error("labels were not read as folders")
					}
					return
				}
				p := sink.state(t, "[Gmail]/All Mail")
				if p.Stored.Len() != 4 || !p.Skipped[message.Excluded].Equal(message.UIDs(2)) {
					t.Errorf("stored %s, excluded %s", p.Stored, p.Skipped[message.Excluded])
				}
				for _, copies := range sink.copies {
					for uid, c := range copies {
						if c.Thread != "1278455344230334865" {
							t.Errorf("UID %d is of thread %q", uid, c.Thread)
						}
						if want := []string{`\Inbox`, "R&D", `box "("`, fmt.Sprint("l", uid)}; strings.Join(c.Labels, "|") != strings.Join(want, "|") {
							t.Errorf("UID %d has labels %q, want %q", uid, c.Labels, want)
						}
					}
				}
			})
		})
	}
}

// TestM9_DailyBudget has the budget run out midway: what lies there goes on as
// room comes, on the connections there are, and mail that arrives is read
// meanwhile.
func TestM9_DailyBudget(t *testing.T) {
	t.Parallel()
	faulty(t, 900, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		for i := range f.Messages { // 30 MB
			f.Messages[i].Raw = append(f.Messages[i].Raw, bytes.Repeat([]byte("0123456789abcdef"), 2<<10)...)
		}
		o.Ledger = NewLedger(Limits{Bytes: 10e6}, time.Now, nil)
		o.Failed = func(_ string, err error) {
			if err != nil {
				t.Errorf("shown as a fault: %v", err)
			}
		}
		y := runs(t, o)
		time.Sleep(time.Minute)
		synctest.Wait()
		if st := y.Status(); st.State != message.StateWaiting || time.Until(st.NextTry) > 25*time.Hour || sink.state(t, "INBOX").Stored.Len() == 900 {
			t.Errorf("after a minute %+v", st)
		}
		fresh := f.Messages[0]
		fresh.UID, fresh.Raw = 5000, mail(5000, "cleo@client.example", "ada@example.org", "today", "hello")
		s.Add(f, fresh)
		time.Sleep(time.Minute)
		synctest.Wait()
		if p := sink.state(t, "INBOX"); !p.Stored.Has(5000) || p.Stored.Len() == 901 {
			t.Errorf("a minute after a mail came, stored are %s", p.Stored)
		}
		time.Sleep(5 * 24 * time.Hour)
		synctest.Wait()
		oracle(t, sink, f)
		if n := s.Opened(); n != 2 { // the watch and the rounds
			t.Errorf("%d connections in six days, want the two to wait", n)
		}
		y.stop()
	})
	t.Attr("tries", "2")
}

// TestBigAmongSmall has mails larger than a batch, and than all that may be
// under way, among small ones, with a sink that is slow: nothing waits for
// itself.
func TestBigAmongSmall(t *testing.T) {
	t.Parallel()
	faulty(t, 60, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		sizes := map[int]int{7: 40 << 20, 8: 3 << 20, 20: 900 << 10, 21: 900 << 10, 22: 8 << 20, 23: 8<<20 + 1, 24: 16 << 20}
		for i, size := range sizes {
			raw := append(bytes.Clone(f.Messages[i].Raw), bytes.Repeat([]byte("x"), size)...)
			f.Messages[i].Raw = raw[:max(size, 1000)]
		}
		for i := 30; i < 55; i++ {
			f.Messages[i].Raw = append(f.Messages[i].Raw, bytes.Repeat([]byte("y"), 1<<20-5000)...)
		}
		sink.slow = func() { time.Sleep(300 * time.Millisecond) }
		if err := syncer(t, o).Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		oracle(t, sink, f)
		if p := sink.state(t, "INBOX"); p.Stored.Len() != 60 {
			t.Errorf("stored %s, %v", p.Stored, sink.reasons)
		}
	})
}

// TestSinkFails has the store refuse a batch: nothing is lost, and no message
// is blamed.
func TestSinkFails(t *testing.T) {
	t.Parallel()
	faulty(t, 600, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		full := errors.New("no space left")
		sink.takeErr = full
		y := syncer(t, o)
		if err := y.Sync(t.Context()); !errors.Is(err, full) {
			t.Errorf("Sync returned %v", err)
		}
		sink.takeErr = nil
		if err := y.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		oracle(t, sink, f)
		if p := sink.state(t, "INBOX"); p.Stored.Len() != 600 {
			t.Errorf("stored %s", p.Stored)
		}
	})
}

// TestNewMailDuringBackfill wants what arrives while a pass runs settled by
// that pass.
func TestNewMailDuringBackfill(t *testing.T) {
	t.Parallel()
	faulty(t, 1000, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		s.Hook = func(c *mailtest.ScriptConn, command string) bool {
			s.Lock()
			n := len(f.Messages)
			if strings.HasPrefix(command, "UID FETCH") && n < 1003 {
				f.Messages = append(f.Messages, letter(uint32(n+1)))
				s.Unlock()
				c.Sendf("* %d EXISTS\r\n", n+1)
				return false
			}
			s.Unlock()
			return false
		}
		if err := syncer(t, o).Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		oracle(t, sink, f)
	})
}

// TestGoodbyes has the server end each IDLE after a while: nobody is told of
// a fault, and mail arrives.
func TestGoodbyes(t *testing.T) {
	t.Parallel()
	faulty(t, 1, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		s.Hook = func(c *mailtest.ScriptConn, command string) bool {
			if command == "IDLE" {
				c.Send("+ idling\r\n")
				time.Sleep(5 * time.Minute)
				c.Send("* BYE Autologout; idle for too long\r\n")
				c.Close()
				return true
			}
			return false
		}
		o.Failed = func(_ string, err error) {
			if err != nil {
				t.Errorf("shown to the user: %v", err)
			}
		}
		y := syncer(t, o)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- y.Run(ctx) }()
		time.Sleep(3 * time.Hour)
		s.Add(f, letter(77))
		time.Sleep(16 * time.Minute)
		synctest.Wait()
		oracle(t, sink, f)
		if n := s.Opened(); n > 60 {
			t.Errorf("%d connections in three hours", n)
		}
		cancel()
		<-done
	})
}

// TestSyncWakesRun has a Sync end a wait that the server did not ask for.
func TestSyncWakesRun(t *testing.T) {
	t.Parallel()
	faulty(t, 5, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		dial, down := o.Dial, true
		o.Dial = func(ctx context.Context, a string) (net.Conn, error) {
			if down {
				return nil, errors.New("connection refused")
			}
			return dial(ctx, a)
		}
		y := syncer(t, o)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- y.Run(ctx) }()
		time.Sleep(time.Hour)
		synctest.Wait()
		if err := y.Sync(ctx); err == nil || !strings.Contains(err.Error(), "refuses the connection") {
			t.Errorf("while the server is down Sync returned %v", err)
		}
		down = false
		start := time.Now()
		if err := y.Sync(ctx); err != nil || time.Since(start) > time.Second {
			t.Errorf("Sync returned %v after %s", err, time.Since(start))
		}
		oracle(t, sink, f)
		cancel()
		<-done
	})
}

// TestOrder wants the newest mail first, give or take a batch.
func TestOrder(t *testing.T) {
	t.Parallel()
	faulty(t, 600, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		sink.took = make(chan string, 600)
		if err := syncer(t, o).Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		first := <-sink.took
		if n, err := strconv.Atoi(strings.TrimPrefix(first, "mail ")); err != nil || n <= 600-batchItems {
			t.Errorf("the first of 600 taken is %q", first)
		}
	})
}

func TestSinceMovesBack(t *testing.T) {
	t.Parallel()
	faulty(t, 10, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		for i := range f.Messages {
			f.Messages[i].Received = time.Date(2026, 1, 1+10*i, 0, 0, 0, 0, time.UTC)
		}
		for _, tt := range []struct {
			since  time.Time
			stored int
		}{{f.Messages[8].Received, 2}, {f.Messages[4].Received, 6}, {time.Time{}, 10}} {
			o.Mailbox.Since = tt.since
			if err := syncer(t, o).Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			oracle(t, sink, f)
			if p := sink.state(t, "INBOX"); p.Stored.Len() != tt.stored {
				t.Errorf("since %s stored %s, want %d", tt.since, p.Stored, tt.stored)
			}
		}
	})
}

func TestDigestIgnoresServersFields(t *testing.T) {
	t.Parallel()
	y := &Syncer{}
	a := y.digest([]byte("Message-ID: <a@b>\r\nSubject: x\r\n y\r\n\r\n"))
	if b := y.digest([]byte("X-New: 1\r\n more\r\nMessage-ID: <a@b>\r\nSubject: x\r\n y\r\n\r\n")); a != b {
		t.Error("a new field changes the fingerprint")
	}
	if b := y.digest([]byte("Message-ID: <a@c>\r\nSubject: x\r\n y\r\n\r\n")); a == b {
		t.Error("another message has the same fingerprint")
	}
}

// TestFlagsAreNoNews has somebody read a mail, which moves HIGHESTMODSEQ and
// nothing else: the folder is not opened for that.
func TestFlagsAreNoNews(t *testing.T) {
	t.Parallel()
	faulty(t, 5, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		s.Capabilities = "IMAP4rev1 IDLE ESEARCH CONDSTORE LIST-EXTENDED LIST-STATUS AUTH=PLAIN"
		s.Hook = func(c *mailtest.ScriptConn, command string) bool {
			if !strings.HasPrefix(command, "LIST ") {
				return false
			}
			c.Sendf("* LIST () \"/\" INBOX\r\n* STATUS INBOX (MESSAGES %d UIDNEXT %d UIDVALIDITY %d)\r\n", len(f.Messages), len(f.Messages)+1, f.UIDValidity)
			c.OK()
			return true
		}
		f.ModSeq = 5
		if err := syncer(t, o).Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		oracle(t, sink, f)
		before := len(s.Commands())
		f.ModSeq = 9
		if err := syncer(t, o).Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, command := range s.Commands()[before:] {
			if strings.Contains(command, "EXAMINE") || strings.Contains(command, "HIGHESTMODSEQ") {
				t.Errorf("a pass without news sent %q", command)
			}
		}
		if st := sink.state(t, "INBOX"); st.Mark.ModSeq != 5 {
			t.Errorf("the mark is %+v: the test tests nothing", st.Mark)
		}
	})
}
