package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"rapport/internal/app"
	"rapport/internal/mailtest"
	"rapport/records/contact"
	"rapport/store"
	"rapport/web"
)

var kills = flag.Int("kills", defaultKills, "how often the first sync is killed")

// small is a world for what is done several times over.
func small(seed uint64) *mailtest.World {
	return mailtest.NewWorld(mailtest.Options{Seed: seed, Messages: 300, Scale: 0.2})
}

// TestOrderDoesNotMatter files the same mail in parts: oldest part first, newest
// part first, and one mailbox after the other.
func TestOrderDoesNotMatter(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector is on; it runs once more without")
	}
	t.Parallel()
	for _, tt := range []struct {
		name string
		part func(parts int, i, n int, m mailtest.Mail, w *mailtest.World) int
	}{
		{"oldest first", func(parts, i, n int, _ mailtest.Mail, _ *mailtest.World) int { return i * parts / n }},
		{"newest first", func(parts, i, n int, _ mailtest.Mail, _ *mailtest.World) int { return parts - 1 - i*parts/n }},
		{"mailbox by mailbox", func(parts, _, _ int, m mailtest.Mail, w *mailtest.World) int {
			return slices.IndexFunc(w.Members, func(x mailtest.Member) bool { return x.Mailbox == m.Mailbox }) % parts
		}},
		{"mailboxes the other way", func(parts, _, _ int, m mailtest.Mail, w *mailtest.World) int {
			return parts - 1 - slices.IndexFunc(w.Members, func(x mailtest.Member) bool { return x.Mailbox == m.Mailbox })%parts
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const parts = 4
			w := small(21)
			d := mailtest.StartDovecotWith(t, mailtest.DovecotOptions{Users: w.Accounts()})
			s := newSite(t, w, d)
			s.know(w)
			for now := range parts {
				var mails []mailtest.Mail
				for i, m := range w.Mails {
					part := tt.part(parts, i, len(w.Mails), m, w)
					if m.InternalDate.Before(w.Since) {
						part = 0 // since bounds the first look only: what comes later is new, whatever its date
					}
					if part == now {
						mails = append(mails, m)
					}
				}
				if err := d.DeliverAll(mails); err != nil {
					t.Fatal(err)
				}
				s.run("sync")
			}
			if faults := mailtest.Check(w, s.snapshot(nil)); len(faults) > 0 {
				t.Error(mailtest.Explain(faults))
			}
		})
	}
}

// TestKilledAndResumed kills the first sync at random moments, up to three times
// in a row, and then lets it end: what is held is what an undisturbed run holds.
func TestKilledAndResumed(t *testing.T) {
	t.Parallel()
	w := small(22)
	d := mailtest.StartDovecotWith(t, mailtest.DovecotOptions{Users: w.Accounts()})
	if err := w.DeliverTo(d); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, w, d)
	s.know(w)
	began := time.Now()
	s.run("sync")
	whole := time.Since(began)
	if faults := mailtest.Check(w, s.snapshot(nil)); len(faults) > 0 {
		t.Error(mailtest.Explain(faults))
	}
	want := withoutSuggestions(s.dump())
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 22))
	cut := 0
	for cut < *kills {
		if err := os.RemoveAll(s.dataDir); err != nil {
			t.Fatal(err)
		}
		s.know(w)
		for range 1 + r.IntN(3) {
			if s.killed(t, time.Duration(r.Int64N(int64(whole)))) {
				cut++
			}
		}
		s.run("sync")
		if got := withoutSuggestions(s.dump()); got != want {
			t.Errorf("after kill %d:\n%s", cut, firstDifference(want, got))
		}
	}
	t.Logf("killed %d times within %v", cut, whole)
	s.run("store", "check")
}

// killed starts a sync and kills it after some time; it reports whether the
// sync was still at work.
func (s *site) killed(t *testing.T, after time.Duration) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), after)
	defer cancel()
	err := exec.CommandContext(ctx, s.bin, "sync", "-c", s.config).Run() // ends with SIGKILL
	return err != nil && ctx.Err() != nil
}

// TestDiscoverFindsCustomers starts from nothing: who was written with often is
// proposed and created, and nobody else.
func TestDiscoverFindsCustomers(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector is on; it runs once more without")
	}
	t.Parallel()
	w := mailtest.NewWorld(mailtest.Options{Seed: 23, Messages: *worldSize, Scale: 0.1})
	d := mailtest.StartDovecotWith(t, mailtest.DovecotOptions{Users: w.Accounts()})
	if err := w.DeliverTo(d); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, w, d)
	s.run("discover", "--accept", "exchanges >= 3")
	created := map[string]bool{}
	s.view(func(tx store.Tx) error {
		slice := store.Slice{Limit: 1000}
		page, err := tx.Contacts().List(store.Filter{}, slice)
		for _, c := range page.Items {
			for _, a := range c.Addresses {
				created[string(a)] = true
			}
		}
		return err
	})
	for a := range created {
		if !w.Knows(a) {
			t.Errorf("discover created %s, who is a stranger, a list or a colleague", a)
		}
	}
	often, found := 0, 0
	for _, c := range w.Contacts {
		for _, a := range c.Addresses {
			if w.Exchanges()[a] < 3 {
				continue
			}
			often++
			if created[a] || created[string(contact.Address(a).Folded())] {
				found++
			} else {
				t.Logf("%s with %d exchanges was not created", a, w.Exchanges()[a])
			}
		}
	}
	t.Logf("found %d of %d, created %d", found, often, len(created))
	if often == 0 || found*100 < often*95 {
		t.Errorf("discover found %d of %d customers with three exchanges, want 95 in 100", found, often)
	}
}

// TestNewMailIsFiledAtOnce compares the daemon with a bare client that idles on
// the same folder: how much later is a new mail on its timeline?
func TestNewMailIsFiledAtOnce(t *testing.T) {
	w := small(24)
	d := mailtest.StartDovecotWith(t, mailtest.DovecotOptions{Users: w.Accounts()})
	s := newSite(t, w, d)
	s.know(w)
	s.run("sync")
	client := s.daemon(t)
	user := w.Accounts()[0]
	heard := idler(t, d, user)
	base := heard.base
	who := w.Contacts[0].Addresses[0]
	awaitWatching(t, client)
	var after, before []time.Duration
	for i := range 9 {
		raw := fmt.Appendf(nil, "From: %s\r\nTo: %s\r\nSubject: number %d\r\nDate: %s\r\nMessage-ID: <new-%d@x.example>\r\n\r\nHello.\r\n",
			who, user.Name, i, time.Now().Format(time.RFC1123Z), i)
		delivered := time.Now()
		if _, err := d.Deliver(user.Name, "INBOX", raw, time.Now()); err != nil {
			t.Fatal(err)
		}
		filed := awaitEntries(t, client, who, i+1)
		told := heard.at(t, base+uint32(i)+1)
		after, before = append(after, filed.Sub(told)), append(before, told.Sub(delivered))
	}
	t.Logf("a bare client hears of new mail after %v, the timeline has it %v later (medians; all: %v)", median(before), median(after), after)
	if limit := 50 * time.Millisecond; median(after) > limit {
		t.Errorf("new mail is filed %v after a bare client hears of it, want %v", median(after), limit)
	}
}

// daemon runs rapport for the length of the test and returns its client.
func (s *site) daemon(t *testing.T) *web.Client {
	t.Helper()
	client, _ := s.daemonProcess(t)
	return client
}

// daemonProcess is daemon, with the process itself.
func (s *site) daemonProcess(t *testing.T) (*web.Client, *os.Process) {
	t.Helper()
	cmd := s.command("run")
	out, err := os.Create(filepath.Join(s.dir, "daemon.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		if b, err := os.ReadFile(out.Name()); err == nil && t.Failed() {
			t.Logf("the daemon's log:\n%s", b)
		}
	})
	path, err := app.SocketPath(s.dataDir)
	if err != nil {
		t.Fatal(err)
	}
	client := web.NewSocketClient(path, "test")
	t.Cleanup(client.Close)
	return client, cmd.Process
}

// await asks until ok says yes, with patience.
func await(t *testing.T, what string, ok func(context.Context) bool) time.Time {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !ok(ctx) {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: never", what)
		case <-time.After(2 * time.Millisecond):
		}
	}
	return time.Now()
}

func awaitWatching(t *testing.T, client *web.Client) {
	await(t, "every mailbox watches", func(ctx context.Context) bool {
		st, err := client.Status(ctx)
		if err != nil || len(st.Mailboxes) == 0 {
			return false
		}
		for _, m := range st.Mailboxes {
			if m.State != "watching" {
				return false
			}
		}
		return true
	})
}

func awaitEntries(t *testing.T, client *web.Client, who string, n int) time.Time {
	return await(t, fmt.Sprintf("%d entries of %s", n, who), func(ctx context.Context) bool {
		page, err := client.Timeline(ctx, who, web.Slice{})
		return err == nil && len(page.Items) >= n
	})
}

func median(all []time.Duration) time.Duration {
	all = slices.Clone(all)
	slices.Sort(all)
	return all[len(all)/2]
}

// ear is a bare client that idles and notes when the server announced how many
// messages there are.
type ear struct {
	base uint32 // how many there were before

	mu   sync.Mutex // guards when
	when map[uint32]time.Time
}

// at returns when the server announced the n-th message.
func (e *ear) at(t *testing.T, n uint32) time.Time {
	t.Helper()
	var at time.Time
	await(t, fmt.Sprintf("the server announces message %d", n), func(context.Context) bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		at = e.when[n]
		return !at.IsZero()
	})
	return at
}

func idler(t *testing.T, d *mailtest.Dovecot, u mailtest.User) *ear {
	t.Helper()
	e := &ear{when: map[uint32]time.Time{}}
	c, err := imapclient.DialTLS(d.Addr, &imapclient.Options{TLSConfig: d.CA.ClientTLS(), UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(m *imapclient.UnilateralDataMailbox) {
			e.mu.Lock()
			defer e.mu.Unlock()
			if m.NumMessages != nil && e.when[*m.NumMessages].IsZero() {
				e.when[*m.NumMessages] = time.Now()
			}
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Login(u.Name, u.Password).Wait(); err != nil {
		t.Fatal(err)
	}
	box, err := c.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		t.Fatal(err)
	}
	e.base = box.NumMessages
	if _, err := c.Idle(); err != nil {
		t.Fatal(err)
	}
	return e
}

// TestContactBringsItsHistory adds one contact to a running daemon that has
// skipped everything: the servers are searched, and within seconds the whole
// history is there.
func TestContactBringsItsHistory(t *testing.T) {
	w := mailtest.NewWorld(mailtest.Options{Seed: 25, Messages: 1500, Scale: 0.1})
	d := mailtest.StartDovecot(t, w.Accounts()...)
	if err := w.DeliverTo(d); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, w, d)
	s.run("sync")
	who, want := busiest(w)
	client := s.daemon(t)
	awaitWatching(t, client)
	began := time.Now()
	add := []string{"contact", "add", "--name", who.Name, "--kind", "customer"}
	for _, a := range who.Addresses {
		add = append(add, "--email", a)
	}
	s.run(add...)
	var got map[string]bool
	done := await(t, "the history is there", func(ctx context.Context) bool {
		page, err := client.Timeline(ctx, who.Addresses[0], web.Slice{Limit: 1000})
		got = map[string]bool{}
		for _, e := range page.Items {
			got[e.Subject] = true
		}
		return err == nil && len(missingFrom(got, want)) == 0
	})
	t.Logf("%d messages of %s were filed %v after the contact was added", len(want), who.Addresses[0], done.Sub(began).Round(time.Millisecond))
	if took := done.Sub(began); took > 10*time.Second+20*s.pace() {
		t.Errorf("the history took %v, want seconds", took)
	}
}

// busiest is the contact with the most messages, and their subjects.
func busiest(w *mailtest.World) (mailtest.Contact, []string) {
	subjects := map[string][]string{}
	for _, t := range w.Truth {
		if t.Expected != mailtest.Filed || t.Rule != "address" {
			continue
		}
		for _, r := range t.Records {
			subjects[r] = append(subjects[r], t.Subject)
		}
	}
	var best mailtest.Contact
	for _, c := range w.Contacts {
		if best.Name == "" || len(subjects[c.Addresses[0]]) > len(subjects[best.Addresses[0]]) {
			best = c
		}
	}
	return best, subjects[best.Addresses[0]]
}

func missingFrom(got map[string]bool, want []string) []string {
	return slices.DeleteFunc(slices.Clone(want), func(s string) bool { return got[s] })
}
