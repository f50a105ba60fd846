package mailsync

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rapport/internal/mailtest"
	"rapport/records/message"
)

// TestMain serves where it is the child of TestS23_HostileServers, and otherwise
// wants no goroutine left. The proxy of package link leaves some of its
// own where it cut a connection.
func TestMain(m *testing.M) {
	if os.Getenv(hostileChild) != "" {
		if err := serveHostile(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).write"))
}

// dovecot returns a running server with one account and a syncer for it.
func dovecot(t *testing.T, o mailtest.DovecotOptions) (*mailtest.Dovecot, *memSink, *transcript, Options) {
	t.Helper()
	if len(o.Users) == 0 {
		o.Users = []mailtest.User{{Name: "ada@example.org", Password: "geheim"}}
	}
	d := mailtest.StartDovecotWith(t, o)
	sink, sent := newSink(), &transcript{}
	t.Cleanup(func() { sent.harmless(t) })
	return d, sink, sent, Options{
		Mailbox: Mailbox{Name: "ada", Host: d.Addr, TLS: TLSImplicit, TLSConfig: d.CA.ClientTLS(), User: "ada@example.org", Password: password("geheim")},
		Sink:    sink, SpoolDir: t.TempDir(), Transcript: sent.add,
	}
}

// longEnough is for what must come on a machine that is busy with other things;
// nothing waits for it that goes well.
const longEnough = 2 * time.Minute

func deliver(t *testing.T, d *mailtest.Dovecot, folder string, raw []byte) {
	t.Helper()
	if _, err := d.Deliver("ada@example.org", folder, raw, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
}

func syncer(t testing.TB, o Options) *Syncer {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSyncDovecot(t *testing.T) {
	t.Parallel()
	d, sink, sent, o := dovecot(t, mailtest.DovecotOptions{})
	sink.judge = func(_ message.Folder, c message.Copy) message.Decision {
		if strings.HasPrefix(c.Head.Subject, "no") {
			return message.Decision{Action: message.Skip, Reason: message.NoMatch}
		}
		return message.Decision{Action: message.Log}
	}
	want := map[[32]byte]bool{}
	for n := range 600 {
		subject := fmt.Sprintf("yes %d", n)
		if n%3 == 0 {
			subject = fmt.Sprintf("no %d", n)
		}
		raw := mail(n, "bob@customer.example", "ada@example.org", subject, strings.Repeat("hello ", n))
		if n%3 != 0 {
			want[sha256.Sum256(raw)] = true
		}
		deliver(t, d, "INBOX", raw)
	}
	big := mail(1000, "bob@customer.example", "ada@example.org", "yes big", string(bytes.Repeat([]byte("0123456789abcdef0123456789abcdef0123456789abcdef\r\n"), 400_000)))
	middle := mail(1001, "bob@customer.example", "ada@example.org", "yes middle", string(bytes.Repeat([]byte("0123456789abcdef\r\n"), 100_000)))
	want[sha256.Sum256(big)], want[sha256.Sum256(middle)] = true, true
	deliver(t, d, "INBOX", big)
	deliver(t, d, "INBOX", middle)
	deliver(t, d, "Sent", mail(1002, "ada@example.org", "bob@customer.example", "yes sent", "hi"))
	deliver(t, d, "Junk", mail(1003, "spam@example.net", "ada@example.org", "yes spam", "hi"))

	s := syncer(t, o)
	if err := s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := sink.state(t, "INBOX")
	if p.Stored.Len() != 402 || p.Skipped[message.NoMatch].Len() != 200 || !p.Quarantined.Empty() {
		t.Errorf("INBOX: stored %d, skipped %d, quarantined %d (%v)", p.Stored.Len(), p.Skipped[message.NoMatch].Len(), p.Quarantined.Len(), sink.reasons)
	}
	for uid, sum := range sink.digests("INBOX") {
		if !want[sum] {
			t.Errorf("UID %d: the body is none that was delivered", uid)
		}
		delete(want, sum)
	}
	if len(want) != 0 {
		t.Errorf("%d bodies did not arrive", len(want))
	}
	if sink.state(t, "Sent").Stored.Len() != 1 {
		t.Error("Sent was not read")
	}
	for k := range sink.progress {
		if k.name == "Junk" {
			t.Error("Junk was read")
		}
	}
	st := s.Status()
	if st.Error != "" || st.State != message.StateIdle || len(st.Folders) == 0 {
		t.Errorf("status %+v", st)
	}

	before := len(sent.all())
	s = syncer(t, o) // as after a restart
	if err := s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, line := range sent.all()[before:] {
		if strings.Contains(line, "EXAMINE") || strings.Contains(line, "FETCH") {
			t.Errorf("a pass without news sent %q", line)
		}
	}
}

func TestWatchDovecot(t *testing.T) {
	t.Parallel()
	for _, connections := range []int{1, 3} {
		t.Run(fmt.Sprint(connections), func(t *testing.T) {
			t.Parallel()
			d, sink, _, o := dovecot(t, mailtest.DovecotOptions{})
			sink.took = make(chan string, 100)
			o.Mailbox.Connections = connections
			deliver(t, d, "INBOX", mail(1, "bob@customer.example", "ada@example.org", "first", "hi"))
			s := syncer(t, o)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- s.Run(ctx) }()
			expect := func(want string) {
				t.Helper()
				select {
				case got := <-sink.took:
					if got != want {
						t.Errorf("took %q, want %q", got, want)
					}
				case <-time.After(longEnough):
					t.Fatalf("%q did not arrive; status %+v", want, s.Status())
				}
			}
			expect("first")
			if err := s.Sync(ctx); err != nil { // so that everything watches
				t.Fatal(err)
			}
			deliver(t, d, "INBOX", mail(2, "bob@customer.example", "ada@example.org", "second", "hi"))
			expect("second")
			deliver(t, d, "INBOX", mail(3, "bob@customer.example", "ada@example.org", "third", "hi"))
			expect("third")
			deliver(t, d, "Sent", mail(4, "ada@example.org", "bob@customer.example", "fourth", "hi"))
			if connections == 1 {
				s.Nudge()
			}
			expect("fourth")
			if err := s.Sync(ctx); err != nil {
				t.Fatal(err)
			}
			cancel()
			<-done
		})
	}
}
