package mailsync

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"rapport/internal/mailtest"
)

// TestReportsWhenItLooked reads a folder whose mails take an hour to be taken.
// What comes meanwhile may be missing from what was listed, so that the report
// says when the server was asked, not when the pass was done: absence from it
// is taken for proof, and a newsletter would be sent twice.
func TestReportsWhenItLooked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := mailtest.NewPipeListener()
		srv, err := mailtest.ServeIMAP(l, mailtest.User{Name: "ada@example.org", Password: "geheim"})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		defer srv.Close()
		if err := srv.Append("ada@example.org", "INBOX", mail(1, "bob@customer.example", "ada@example.org", "one", "hi"), time.Now()); err != nil {
			t.Fatal(err)
		}
		sink := newSink()
		sink.slow = func() { time.Sleep(time.Hour) }
		o := Options{Sink: sink, SpoolDir: t.TempDir(), Dial: func(ctx context.Context, _ string) (net.Conn, error) { return l.Dial(ctx) },
			Mailbox: Mailbox{Name: "ada", Host: "localhost:143", TLS: TLSNone, User: "ada@example.org", Password: password("geheim")}}
		y, began := syncer(t, o), time.Now()
		if err := y.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		sink.slow = nil
		if _, _, err := y.Reconcile(t.Context()); err != nil {
			t.Fatal(err)
		}
		looked := 0
		for _, r := range sink.reports {
			if r.Looked.After(r.At) || r.Looked.Before(began) {
				t.Errorf("%s was looked at %v, reported %v", r.Folder.Name, r.Looked, r.At)
			}
			if r.Folder.Name == "INBOX" && looked == 0 && r.At.Sub(r.Looked) < time.Hour {
				t.Errorf("INBOX, listed before an hour's work, was looked at %v and reported %v", r.Looked, r.At)
			}
			if r.Folder.Name == "INBOX" {
				looked++
			}
		}
		if looked < 2 {
			t.Errorf("%d reports on INBOX, want one of the pass and one of reconciling", looked)
		}
	})
}
