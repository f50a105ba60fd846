package mailtest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

var ada = User{Name: "ada@example.com", Password: "pass: wörd", Folders: []string{"Kunden & Süd/Nord"}}

func dialTLS(t *testing.T, addr string, ca *CA, u User, opts *imapclient.Options) *imapclient.Client {
	t.Helper()
	if opts == nil {
		opts = &imapclient.Options{}
	}
	opts.TLSConfig = ca.ClientTLS()
	c, err := imapclient.DialTLS(addr, opts)
	if err != nil {
		t.Fatalf("DialTLS: %v", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Login(u.Name, u.Password).Wait(); err != nil {
		t.Fatalf("Login: %v", err)
	}
	return c
}

func TestDovecot(t *testing.T) {
	t.Parallel()
	began := time.Now()
	d := StartDovecot(t, ada)
	t.Logf("started in %v", time.Since(began))
	at := time.Date(2024, 3, 1, 9, 0, 0, 0, time.UTC)
	raw := []byte("Message-ID: <1@x>\r\nSubject: one\r\n\r\nbody\r\n")
	if _, err := d.Deliver(ada.Name, "Kunden & Süd/Nord", raw, at, imapFlagSeen, "$Private"); err != nil {
		t.Fatal(err)
	}
	first, err := d.Deliver(ada.Name, "INBOX", raw, at)
	if err != nil {
		t.Fatal(err)
	}
	c := dialTLS(t, d.Addr, d.CA, ada, nil)
	list, err := c.List("", "*", &imap.ListOptions{ReturnSpecialUse: true}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range list {
		names = append(names, fmt.Sprint(l.Mailbox, l.Attrs))
	}
	for _, want := range []string{"INBOX", "Kunden & Süd/Nord", `Sent[\Sent]`} {
		if !strings.Contains(strings.Join(names, "|"), want) {
			t.Errorf("LIST = %q, want %s", names, want)
		}
	}
	sel, err := c.Select("Kunden & Süd/Nord", &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil || sel.NumMessages != 1 {
		t.Fatalf("EXAMINE = %+v, %v; want one message", sel, err)
	}
	got, err := c.Fetch(imap.SeqSetNum(1), &imap.FetchOptions{Flags: true, InternalDate: true, UID: true}).Collect()
	if err != nil || len(got) != 1 || !got[0].InternalDate.Equal(at) || fmt.Sprint(got[0].Flags) != `[\Seen \Recent $Private]` {
		t.Fatalf("FETCH = %+v, %v; want INTERNALDATE %v, seen and private", got[0], err, at)
	}
	if err := d.ResetUIDValidity(ada.Name, "Kunden & Süd/Nord"); err != nil {
		t.Fatal(err)
	}
	again, err := dialTLS(t, d.Addr, d.CA, ada, nil).Select("Kunden & Süd/Nord", nil).Wait()
	if err != nil || again.UIDValidity == sel.UIDValidity || again.NumMessages != 1 {
		t.Fatalf("after reset: %+v, %v; want another UIDVALIDITY than %d and one message", again, err, sel.UIDValidity)
	}
	if err := d.Rename(ada.Name, "Kunden & Süd/Nord", "Nord"); err != nil {
		t.Fatal(err)
	}
	if err := d.Move(ada.Name, "Nord", "Archive", "ALL"); err != nil {
		t.Fatal(err)
	}
	if err := d.Expunge(ada.Name, "Archive", "ALL"); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove(first); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"INBOX", "Archive", "Nord"} {
		s, err := dialTLS(t, d.Addr, d.CA, ada, nil).Select(f, nil).Wait()
		if err != nil || s.NumMessages != 0 {
			t.Errorf("%s holds %+v, %v; want nothing", f, s, err)
		}
	}
	sessions, err := d.Rawlog(ada.Name)
	if err != nil || len(sessions) == 0 || !strings.Contains(strings.Join(sessions, ""), "EXAMINE") {
		t.Errorf("Rawlog = %q, %v; want EXAMINE", sessions, err)
	}
}

const imapFlagSeen = `\Seen`

func TestDovecotTellsIdleClients(t *testing.T) {
	t.Parallel()
	d := StartDovecot(t, ada)
	exists := make(chan uint32, 10)
	c := dialTLS(t, d.Addr, d.CA, ada, &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(m *imapclient.UnilateralDataMailbox) {
			if m.NumMessages != nil && *m.NumMessages > 0 {
				exists <- *m.NumMessages
			}
		},
	}})
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	idle, err := c.Idle()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Deliver(ada.Name, "INBOX", []byte("Subject: x\r\n\r\n"), time.Now()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-exists:
	case <-time.After(patience):
		t.Fatal("no EXISTS")
	}
	if err := idle.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDovecotStartTLSRestartAndLimit(t *testing.T) {
	t.Parallel()
	d := StartDovecotWith(t, DovecotOptions{Users: []User{ada}, MaxConnections: 1, Capability: "IMAP4rev1 UIDPLUS"})
	c, err := imapclient.DialStartTLS(d.PlainAddr, &imapclient.Options{TLSConfig: d.CA.ClientTLS()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Login(ada.Name, "wrong").Wait(); err == nil {
		t.Error("a wrong password signs in")
	}
	if err := c.Login(ada.Name, ada.Password).Wait(); err != nil {
		t.Fatal(err)
	}
	if c.Caps().Has(imap.CapIdle) {
		t.Error("IDLE is offered, want the capabilities given")
	}
	second, err := imapclient.DialStartTLS(d.PlainAddr, &imapclient.Options{TLSConfig: d.CA.ClientTLS()})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if err := second.Login(ada.Name, ada.Password).Wait(); err == nil {
		t.Error("a second connection signs in, want a limit of one")
	}
	if err := d.Restart(); err != nil {
		t.Fatal(err)
	}
	dialTLS(t, d.Addr, d.CA, ada, nil)
}
