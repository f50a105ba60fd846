package mailsync

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/contact"
	"rapport/records/message"
)

func TestM12_OneConnection(t *testing.T) {
	t.Parallel()
	try := counted(t)
	d, sink, _, o := dovecot(t, mailtest.DovecotOptions{MaxConnections: 1})
	try()
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
		case <-time.After(longEnough):
			t.Fatalf("not all arrived: %+v", y.Status())
		}
	}
	if err := y.Sync(ctx); err != nil {
		t.Error(err)
	}
	cancel()
	<-done
}

func TestM20_DovecotRenumbers(t *testing.T) {
	t.Parallel()
	try := counted(t)
	d, sink, _, o := dovecot(t, mailtest.DovecotOptions{})
	try()
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
	try := counted(t)
	d, sink, _, o := dovecot(t, mailtest.DovecotOptions{Users: []mailtest.User{{Name: "ada@example.org", Password: "geheim", Folders: []string{"Kunden", "Alt"}}}})
	try()
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
	try := counted(t)
	d, _, _, o := dovecot(t, mailtest.DovecotOptions{})
	try()
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
