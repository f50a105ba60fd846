package mailsync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/contact"
	"rapport/records/message"
)

func TestM12_OneConnection(t *testing.T) {
	t.Parallel()
	d, sink, _, o := dovecot(t, mailtest.DovecotOptions{MaxConnections: 1})
	sink.took = make(chan string, 100)
	o.Mailbox.Connections = 3
	deliver(t, d, "INBOX", mail(1, "bob@customer.example", "ada@example.org", "inbox", "hi"))
	deliver(t, d, "Sent", mail(2, "ada@example.org", "bob@customer.example", "sent", "hi"))
	deliver(t, d, "Archive", mail(3, "ada@example.org", "bob@customer.example", "archive", "hi"))
	y := syncer(t, o)
	y.mu.Lock()
	y.width = 1 // what a refusal leads to; waiting for one takes a minute
	y.mu.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- y.Run(ctx) }()
	for range 3 {
		select {
		case <-sink.took:
		case <-time.After(15 * time.Second):
			t.Fatalf("not all arrived: %+v", y.Status())
		}
	}
	if err := y.Sync(ctx); err != nil {
		t.Error(err)
	}
	cancel()
	<-done
}

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
		complete(t, sink, f)
		complete(t, sink, sent)
		cancel()
		<-done
	})
}

func TestM20_DovecotRenumbers(t *testing.T) {
	t.Parallel()
	d, sink, _, o := dovecot(t, mailtest.DovecotOptions{})
	for n := range 20 {
		deliver(t, d, "INBOX", mail(n, "bob@customer.example", "ada@example.org", fmt.Sprint("mail ", n), "hi"))
	}
	if err := syncer(t, o).Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.ResetUIDValidity("ada@example.org", "INBOX"); err != nil {
		t.Fatal(err)
	}
	var before uint32
	for k := range sink.progress {
		if k.name == "INBOX" {
			before = k.validity
		}
	}
	sink.judge = func(f message.Folder, _ message.Copy) message.Decision {
		return message.Decision{Action: message.Hold} // as intake does, by identity
	}
	if err := syncer(t, o).Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	held := 0
	for k, p := range sink.progress {
		if k.name == "INBOX" && k.validity != before {
			held = p.Stored.Len()
		}
	}
	if held != 20 {
		t.Errorf("%d messages held in the new numbering, want 20", held)
	}
}

func TestM33_FoldersChange(t *testing.T) {
	t.Parallel()
	d, sink, _, o := dovecot(t, mailtest.DovecotOptions{Users: []mailtest.User{{Name: "ada@example.org", Password: "geheim", Folders: []string{"Kunden", "Alt"}}}})
	deliver(t, d, "Kunden", mail(1, "bob@customer.example", "ada@example.org", "one", "hi"))
	y := syncer(t, o)
	if err := y.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.Rename("ada@example.org", "Kunden", "Partner"); err != nil {
		t.Fatal(err)
	}
	if err := d.Delete("ada@example.org", "Alt"); err != nil {
		t.Fatal(err)
	}
	if err := y.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	names := strings.Join(sink.listed, " ")
	if !strings.Contains(names, "Partner") || strings.Contains(names, "Kunden") || strings.Contains(names, "Alt") {
		t.Errorf("the sink was told of %s", names)
	}
	for _, st := range y.Status().Folders {
		if st.Name == "Kunden" || st.Name == "Alt" {
			t.Errorf("%s is still in the status", st.Name)
		}
	}
}

func TestM37_NothingIsMarkedRead(t *testing.T) {
	t.Parallel()
	d, _, _, o := dovecot(t, mailtest.DovecotOptions{})
	for n := range 5 {
		deliver(t, d, "INBOX", mail(n, "bob@customer.example", "ada@example.org", "unread", "hi"))
	}
	state := func() string {
		t.Helper()
		out, err := d.Doveadm("fetch", "-u", "ada@example.org", "uid flags modseq", "mailbox", "INBOX")
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	before := state()
	if err := syncer(t, o).Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := state(); after != before {
		t.Errorf("before: %s\nafter: %s", before, after)
	}
}

func TestSearchDovecot(t *testing.T) {
	t.Parallel()
	d, sink, sent, o := dovecot(t, mailtest.DovecotOptions{})
	known := map[string]bool{}
	sink.judge = func(_ message.Folder, c message.Copy) message.Decision {
		for _, p := range append(c.Head.From, c.Head.To...) {
			if known[string(p.Address)] {
				return message.Decision{Action: message.Log}
			}
		}
		return message.Decision{Action: message.Skip, Reason: message.NoMatch}
	}
	for n := range 50 {
		deliver(t, d, "INBOX", mail(n, fmt.Sprintf("u%d@customer%d.example", n, n%5), "ada@example.org", "hello", "hi"))
	}
	y := syncer(t, o)
	if err := y.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	known["u7@customer2.example"], known["u3@customer3.example"], known["u8@customer3.example"] = true, true, true
	sink.pending = []message.Search{
		{ID: "a", Addresses: []contact.Address{"u7@customer2.example"}},
		{ID: "b", Domains: []string{"customer3.example"}},
	}
	before := len(sent.all())
	if err := y.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := sink.state(t, "INBOX")
	if p.Stored.Len() != 3 || p.Skipped[message.NoMatch].Len() != 47 || len(sink.searched) != 2 {
		t.Errorf("stored %s, skipped %d, searched %v", p.Stored, p.Skipped[message.NoMatch].Len(), sink.searched)
	}
	fetched := 0
	for _, line := range sent.all()[before:] {
		if strings.Contains(line, "BODY.PEEK[HEADER]") {
			fetched++
		}
	}
	if fetched == 0 {
		t.Error("nothing was fetched again")
	}
	sink.pending = []message.Search{{ID: "c", All: true}}
	for n := range 50 {
		known[fmt.Sprintf("u%d@customer%d.example", n, n%5)] = true
	}
	if err := y.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p := sink.state(t, "INBOX"); p.Stored.Len() != 50 {
		t.Errorf("after a change of the rules stored %s", p.Stored)
	}
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

func TestHeadsAndReconcileDovecot(t *testing.T) {
	t.Parallel()
	d, sink, _, o := dovecot(t, mailtest.DovecotOptions{})
	for n := range 300 {
		deliver(t, d, "INBOX", mail(n, "bob@customer.example", "ada@example.org", "hello", "hi"))
	}
	deliver(t, d, "Sent", mail(400, "ada@example.org", "bob@customer.example", "sent", "hi"))
	y := syncer(t, o)
	count := map[message.Role]int{}
	err := y.Heads(t.Context(), HeadsOptions{}, func(f message.Folder, copies []message.Copy) error {
		for _, c := range copies {
			if c.Head.Subject == "" || c.Received.IsZero() || c.Size == 0 {
				t.Errorf("copy %+v", c)
			}
		}
		count[f.Role] += len(copies)
		return nil
	})
	if err != nil || count[message.RoleInbox] != 300 || count[message.RoleSent] != 1 {
		t.Errorf("Heads: %v, %v", count, err)
	}
	for k, p := range sink.progress {
		if !p.Settled().Empty() {
			t.Errorf("Heads settled %v", k)
		}
	}
	_, missing, err := y.Reconcile(t.Context())
	if err != nil || len(missing) != 2 || missing[0].UIDs.Len() != 300 {
		t.Errorf("Reconcile before: %v, %v", missing, err)
	}
	if err := y.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	statuses, missing, err := y.Reconcile(t.Context())
	if err != nil || len(missing) != 0 {
		t.Errorf("Reconcile after: %v, %v", missing, err)
	}
	for _, st := range statuses {
		if !st.InSync {
			t.Errorf("%+v", st)
		}
	}
}

func TestCheckDovecot(t *testing.T) {
	t.Parallel()
	_, _, _, o := dovecot(t, mailtest.DovecotOptions{})
	for _, step := range syncer(t, o).Check(t.Context()) {
		if !step.OK {
			t.Errorf("%+v", step)
		}
	}
	o.Mailbox.Password = password("falsch")
	steps := syncer(t, o).Check(t.Context())
	if last := steps[len(steps)-1]; last.OK || last.Name != "sign in" || !strings.Contains(last.Fix, "password") {
		t.Errorf("last step %+v", last)
	}
}

func TestDovecotVariants(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		server mailtest.DovecotOptions
		change func(*mailtest.Dovecot, *Mailbox)
	}{
		"STARTTLS":  {mailtest.DovecotOptions{}, func(d *mailtest.Dovecot, m *Mailbox) { m.Host, m.TLS = d.PlainAddr, TLSStart }},
		"no TLS":    {mailtest.DovecotOptions{}, func(d *mailtest.Dovecot, m *Mailbox) { m.Host, m.TLS = d.PlainAddr, TLSNone }},
		"LOGIN":     {mailtest.DovecotOptions{}, func(_ *mailtest.Dovecot, m *Mailbox) { m.Mechanisms = []string{"LOGIN"} }},
		"bare IMAP": {mailtest.DovecotOptions{Capability: "IMAP4rev1"}, func(*mailtest.Dovecot, *Mailbox) {}},
		"names":     {mailtest.DovecotOptions{NoSpecialUse: true}, func(*mailtest.Dovecot, *Mailbox) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, sink, _, o := dovecot(t, tt.server)
			tt.change(d, &o.Mailbox)
			for n := range 20 {
				deliver(t, d, "INBOX", mail(n, "bob@customer.example", "ada@example.org", "hello", "hi"))
			}
			deliver(t, d, "Junk", mail(99, "bob@customer.example", "ada@example.org", "junk", "hi"))
			if err := syncer(t, o).Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			if p := sink.state(t, "INBOX"); p.Stored.Len() != 20 {
				t.Errorf("stored %s", p.Stored)
			}
			for k := range sink.progress {
				if k.name == "Junk" {
					t.Error("Junk was read")
				}
			}
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
				s.Fetch = func(_ *mailtest.ScriptConn, _ *mailtest.ScriptFolder, m mailtest.ScriptMessage, items, usual string) string {
					if strings.Contains(items, "X-GM-LABELS") {
						return strings.Replace(usual, "(UID", fmt.Sprintf("(X-GM-THRID 1278455344230334865 X-GM-LABELS (\\Inbox \"R&-D\" {7}\r\nbox \"(\" l%d) UID", m.UID), 1)
					}
					return usual
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
						if want := []string{`\Inbox`, "R&D", `box "("`, fmt.Sprint("l", uid)}; strings.Join(c.Labels, "|") != strings.Join(want, "|") {
							t.Errorf("UID %d has labels %q, want %q", uid, c.Labels, want)
						}
					}
				}
			})
		})
	}
}

// TestDailyBudget has the budget run out midway: it goes on the next day.
func TestDailyBudget(t *testing.T) {
	t.Parallel()
	faulty(t, 900, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		o.Mailbox.DailyBytes = 200_000
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		y := syncer(t, o)
		go func() { done <- y.Run(ctx) }()
		time.Sleep(time.Minute)
		synctest.Wait()
		if st := y.Status(); st.State != message.StateWaiting || st.NextTry.Sub(time.Now()) > 25*time.Hour || sink.state(t, "INBOX").Stored.Len() == 900 {
			t.Errorf("after a minute %+v", st)
		}
		time.Sleep(4 * 24 * time.Hour)
		synctest.Wait()
		complete(t, sink, f)
		cancel()
		<-done
	})
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
		complete(t, sink, f)
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
		complete(t, sink, f)
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
		complete(t, sink, f)
	})
}

// TestOrder wants the newest mail first.
func TestOrder(t *testing.T) {
	t.Parallel()
	faulty(t, 600, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		sink.took = make(chan string, 600)
		if err := syncer(t, o).Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if first := <-sink.took; first != "mail 600" {
			t.Errorf("first %q", first)
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
			complete(t, sink, f)
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
