package mailsync_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/intake"
	"rapport/internal/mailtest"
	"rapport/mailsync"
	"rapport/matcher"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
	"rapport/store/boltstore"
)

// filing is a mailbox read all the way into a store: what the log shows.
type filing struct {
	t     *testing.T
	in    *intake.Intake
	store store.Store
	box   mailsync.Options
	sent  map[[32]byte]bool // digests of all mail there ever was
	cleo  contact.Contact
}

const account = "ada@ours.example"

func newFiling(t *testing.T, o mailsync.Options) *filing {
	t.Helper()
	s, err := boltstore.Open(t.TempDir(), boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	in, err := intake.New(intake.Options{
		Store: s, Key: []byte("0123456789abcdef0123456789abcdef"), Mailboxes: []intake.Mailbox{{Name: "ada"}},
		Rules: matcher.Rules{Team: contact.Team{Domains: []string{"ours.example"}, Members: []contact.Member{{Name: "Ada", Addresses: []contact.Address{account}}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := in.AddContact(t.Context(), "test", contact.Contact{Name: "Cleo", Addresses: []contact.Address{"cleo@client.example"}, Kind: contact.Customer})
	if err != nil {
		t.Fatal(err)
	}
	o.Sink, o.SpoolDir = in, t.TempDir()
	return &filing{t: t, in: in, store: s, box: o, sent: map[[32]byte]bool{}, cleo: c}
}

// onDovecot is a filing of a mailbox on a real server.
func onDovecot(t *testing.T, folders ...string) (*filing, *mailtest.Dovecot) {
	t.Helper()
	d := mailtest.StartDovecotWith(t, mailtest.DovecotOptions{Users: []mailtest.User{{Name: account, Password: "geheim", Folders: folders}}})
	return newFiling(t, mailsync.Options{Mailbox: mailsync.Mailbox{
		Name: "ada", Host: d.Addr, TLS: mailsync.TLSImplicit, TLSConfig: d.CA.ClientTLS(), User: account,
		Password: func(context.Context) (string, error) { return "geheim", nil },
	}}), d
}

// onScript is a filing of a mailbox on a scripted server.
func onScript(t *testing.T, s *mailtest.ScriptIMAP) *filing {
	t.Helper()
	l := mailtest.NewPipeListener()
	served := make(chan struct{})
	go func() { defer close(served); s.Serve(l) }()
	t.Cleanup(func() { l.Close(); s.Close(); <-served })
	return newFiling(t, mailsync.Options{
		Dial: func(ctx context.Context, _ string) (net.Conn, error) { return l.Dial(ctx) },
		Mailbox: mailsync.Mailbox{Name: "ada", Host: "127.0.0.1:143", TLS: mailsync.TLSNone, User: account,
			Password: func(context.Context) (string, error) { return "geheim", nil }},
	})
}

// raw is a mail; to is Cleo where from is ours, and Ada otherwise.
func raw(id, from, subject, text string, more ...string) []byte {
	to := account
	if from == account {
		to = "cleo@client.example"
	}
	head := "From: " + from + "\r\nTo: " + to + "\r\nSubject: " + subject + "\r\nDate: Thu, 05 Feb 2026 10:00:00 +0000\r\n"
	if id != "" {
		head += "Message-ID: <" + id + "@mail.example>\r\n"
	}
	return []byte(head + strings.Join(more, "") + "\r\n" + text + "\r\n")
}

func (f *filing) knows(b []byte) []byte {
	f.sent[sha256.Sum256(b)] = true
	return b
}

// syncs reads the mailbox and judges the invariants of the log: every folder
// in sync, no copy held twice, every message with the bytes of a mail that was
// sent, and one entry for it.
func (f *filing) syncs() {
	f.t.Helper()
	y, err := mailsync.New(f.box)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := y.Sync(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	for _, st := range y.Status().Folders {
		if !st.InSync {
			f.t.Errorf("folder %s is not in sync: %+v", st.Name, st)
		}
	}
	held := map[message.Holding]message.ID{}
	for _, m := range f.messages() {
		if !f.sent[m.Raw] {
			f.t.Errorf("%q is kept with bytes nobody sent", m.Head.Subject)
		}
		for _, h := range m.Holdings {
			h.Size, h.Variant = 0, 0
			if other, twice := held[h]; twice && h.UID != 0 {
				f.t.Errorf("%+v is held by %s and %s", h, other, m.ID)
			}
			held[h] = m.ID
		}
	}
	shown := map[message.ID]bool{}
	for _, e := range f.entries() {
		if shown[e.Message] {
			f.t.Errorf("%q is shown twice", e.Subject)
		}
		shown[e.Message] = true
	}
}

func (f *filing) view(fn func(store.Tx) error) {
	f.t.Helper()
	if err := f.store.View(f.t.Context(), fn); err != nil {
		f.t.Fatal(err)
	}
}

// entries is Cleo's timeline.
func (f *filing) entries() (out []timeline.Entry) {
	f.t.Helper()
	f.view(func(tx store.Tx) error {
		page, err := tx.Entries().Of(store.Subject{Contact: f.cleo.ID}, store.Slice{Limit: 1000})
		out = page.Items
		return err
	})
	return out
}

func (f *filing) messages() (out []message.Message) {
	f.t.Helper()
	f.view(func(tx store.Tx) error {
		out = nil
		page, err := tx.Messages().List(store.Slice{Limit: 1000})
		for _, id := range page.Items {
			m, err := tx.Messages().Get(id)
			if err != nil {
				return err
			}
			out = append(out, m)
		}
		return err
	})
	return out
}

// shows wants so many entries and messages.
func (f *filing) shows(when string, n int) {
	f.t.Helper()
	if e, m := f.entries(), f.messages(); len(e) != n || len(m) != n {
		f.t.Errorf("%s: %d entries of %d messages, want %d", when, len(e), len(m), n)
	}
}

// at lists the folders in which the server has a copy now.
func (f *filing) at(id message.ID) (folders []string) {
	for _, m := range f.messages() {
		if m.ID != id {
			continue
		}
		for _, h := range m.Holdings {
			folders = append(folders, h.Folder)
		}
	}
	return folders
}

func deliver(t *testing.T, d *mailtest.Dovecot, folder string, raw []byte) {
	t.Helper()
	if _, err := d.Deliver(account, folder, raw, time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestM34_MovedAbout moves mail from the Inbox to the Archive and back, synced
// in between or not: one entry each.
func TestM34_MovedAbout(t *testing.T) {
	t.Parallel()
	f, d := onDovecot(t)
	for n := range 10 {
		deliver(t, d, "INBOX", f.knows(raw(fmt.Sprint("m", n), "cleo@client.example", fmt.Sprint("mail ", n), "hello")))
	}
	f.syncs()
	f.shows("before", 10)
	tries := 0
	for _, between := range []bool{true, false} {
		for range 2 {
			for _, way := range [][2]string{{"INBOX", "Archive"}, {"Archive", "INBOX"}} {
				must(t, d.Move(account, way[0], way[1], "ALL"))
				tries += 10
				if between {
					f.syncs()
					f.shows("moved to "+way[1], 10)
				}
			}
		}
		f.syncs()
		f.shows("moved about", 10)
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestM35_SeveralLabels has the same mail under several labels that are read
// as folders: one entry, held at each; a flag in one folder is of that copy.
func TestM35_SeveralLabels(t *testing.T) {
	t.Parallel()
	folder := func(name, attributes string, flags string) *mailtest.ScriptFolder {
		out := &mailtest.ScriptFolder{Name: name, Attributes: attributes, UIDValidity: 5}
		for n := range 20 {
			m := mailtest.ScriptMessage{UID: uint32(n + 1), Received: time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC), Flags: flags,
				Raw: raw(fmt.Sprint("m", n), "cleo@client.example", fmt.Sprint("mail ", n), "hello")}
			out.Messages = append(out.Messages, m)
		}
		return out
	}
	s := &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{
		folder("INBOX", "", `\Seen`), folder("Customers", "", ""), folder("Projects", "", `\Flagged`), folder("Notes", "", "$Private"),
		folder("[Gmail]/All Mail", `\All`, ""),
	}}
	f := onScript(t, s)
	for _, m := range s.Folders[0].Messages {
		f.knows(m.Raw)
	}
	for range 2 {
		f.syncs()
		f.shows("under labels", 20)
		for _, m := range f.messages() {
			if got := strings.Join(f.at(m.ID), " "); len(m.Holdings) != 3 || strings.Contains(got, "Notes") {
				t.Errorf("%q is held at %s, want the three labels that do not hide it", m.Head.Subject, got)
			}
		}
	}
	t.Attr("tries", "100")
}

// TestM35_GmailLabels reads All Mail of a Gmail-like server: drafts and what is
// labelled Private are not filed, and what gets that label later disappears.
func TestM35_GmailLabels(t *testing.T) {
	t.Parallel()
	p := mailtest.NewProvider(mailtest.StyleGmail)
	a := p.Account(account)
	all, private := a.Folder("[Gmail]/All Mail"), a.Folder("Private")
	var own []mailtest.ScriptMessage
	for n, labels := range []string{`\Inbox`, `\Inbox \Important Customers`, `\Sent`, `\Draft`, `\Inbox Private`, ``, `Private`, `"Private/Family"`} {
		m := mailtest.ScriptMessage{UID: uint32(n + 1), Labels: labels, Thread: uint64(n), Received: time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC),
			Raw: raw(fmt.Sprint("m", n), "cleo@client.example", fmt.Sprint("mail ", n), "hello")}
		all.Messages = append(all.Messages, m)
		own = append(own, m)
	}
	f := onScript(t, &p.ScriptIMAP)
	for _, m := range own {
		f.knows(m.Raw)
	}
	for range 2 {
		f.syncs()
		f.shows("beside drafts and private mail", 4)
	}
	private.Messages = append(private.Messages, own[1])
	f.syncs()
	f.shows("after one was labelled Private", 3)
	t.Attr("tries", "9")
}

// TestM39_SentAndBcc has what we sent both in Sent and, by a blind copy to
// ourselves, in the Inbox: one entry that went out.
func TestM39_SentAndBcc(t *testing.T) {
	t.Parallel()
	tries := 0
	for _, order := range [][]string{{"Sent", "INBOX"}, {"INBOX", "Sent"}, {"both"}} {
		f, d := onDovecot(t)
		for n := range 5 {
			id, subject := fmt.Sprint("s", n), fmt.Sprint("offer ", n)
			copies := map[string][]byte{
				"Sent":  f.knows(raw(id, account, subject, "our offer", "Bcc: "+account+"\r\n")),
				"INBOX": f.knows(append([]byte("Return-Path: <"+account+">\r\nReceived: from a by b; Thu, 05 Feb 2026 10:00:01 +0000\r\n"), raw(id, account, subject, "our offer")...)),
			}
			for _, where := range order {
				tries++
				if where == "both" {
					deliver(t, d, "Sent", copies["Sent"])
					deliver(t, d, "INBOX", copies["INBOX"])
					continue
				}
				deliver(t, d, where, copies[where])
				if n == 0 {
					f.syncs()
				}
			}
		}
		f.syncs()
		f.shows(strings.Join(order, ", then "), 5)
		for _, e := range f.entries() {
			if e.Direction != message.Out || len(f.at(e.Message)) != 2 {
				t.Errorf("%v: %q went %s and is held at %v; want out, at both", order, e.Subject, e.Direction, f.at(e.Message))
			}
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}
