package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rapport/delivery"
	"rapport/internal/mailtest"
	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/outbox"
	"rapport/store"
	"rapport/store/boltstore"
	"rapport/store/storetest"
)

// bureau is a store with a run of mails in it, and a courier to be.
type bureau struct {
	t     *testing.T
	store store.Store
	run   campaign.Run
	ids   []outbox.ID
	o     delivery.CourierOptions
}

// newBureau opens a store with one running run of n mails.
func newBureau(t *testing.T, n int, o ...func(*bureau)) *bureau {
	t.Helper()
	s, err := boltstore.Open(t.TempDir(), boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	b := &bureau{t: t, store: s}
	b.o = delivery.CourierOptions{Store: storetest.Twice(s), Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	for _, f := range o {
		f(b)
	}
	now := time.Now()
	b.run = campaign.Run{ID: campaign.RunID(store.NewID(now)), Campaign: "spring", Sender: "news", State: campaign.Running, Recipients: n, Created: now}
	b.must(func(tx store.Tx) error { return tx.Runs().Put(b.run) })
	for from := 0; from < n; from += 500 {
		var ids []outbox.ID
		for range min(500, n-from) {
			ids = append(ids, outbox.ID(store.NewID(now)))
		}
		b.must(func(tx store.Tx) error {
			for i, id := range ids {
				d := outbox.Delivery{ID: id, Run: b.run.ID, Address: contact.Address(fmt.Sprintf("p%d@example.org", from+i)), Sender: "news",
					From: "news@example.com", State: outbox.Frozen, Changed: now, Lifetime: outbox.Lifetime(24 * time.Hour), MessageID: "d." + string(id) + "@example.com"}
				mail := fmt.Sprintf("Message-ID: <%s>\r\nSubject: %d\r\n\r\nhello\r\n", d.MessageID, from+i)
				if err := errors.Join(tx.Outbox().Add(d), tx.Outbox().Freeze(id, []byte(mail))); err != nil {
					return err
				}
			}
			return nil
		})
		b.ids = append(b.ids, ids...)
	}
	return b
}

func (b *bureau) must(fn func(store.Tx) error) {
	b.t.Helper()
	if err := b.store.Update(context.Background(), fn); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bureau) counts() map[outbox.State]int {
	b.t.Helper()
	var out map[outbox.State]int
	err := b.store.View(context.Background(), func(tx store.Tx) (err error) {
		out, err = tx.Outbox().Count(b.run.ID)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// until runs a courier until the counts are as wanted, then stops it.
func (b *bureau) until(ctx context.Context, settled func(map[outbox.State]int) bool) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	changed := make(chan struct{}, 1)
	b.o.Changed = func(store.Tx, outbox.Delivery, outbox.Delivery) error {
		select {
		case changed <- struct{}{}:
		default: // somebody looks already
		}
		return nil
	}
	c := delivery.NewCourier(b.o)
	var wg sync.WaitGroup
	wg.Go(func() { _ = c.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	// A change is told of before its commit: it is looked for a little later, and
	// ever more seldom while nothing happens.
	for wait := time.Second; !settled(b.counts()); {
		select {
		case <-changed:
			wait = time.Second
		case <-time.After(wait):
			wait = min(2*wait, time.Hour)
		case <-ctx.Done():
			b.t.Errorf("not settled: %v", b.counts())
			return
		}
	}
}

func all(n int, state outbox.State) func(map[outbox.State]int) bool {
	return func(c map[outbox.State]int) bool { return c[state] == n }
}

func line(addr string, l delivery.Limits) func(*bureau) {
	return func(b *bureau) {
		b.o.Lines = []delivery.Line{{Name: "news", Sender: delivery.Sender{Host: addr, TLS: delivery.TLSNone, From: "news@example.com"}, Limits: l}}
	}
}

// received maps recipients to the Message-IDs they got.
func received(got []mailtest.Received) map[string][]string {
	out := map[string][]string{}
	for _, r := range got {
		id, _, _ := strings.Cut(strings.TrimPrefix(string(r.Data), "Message-ID: <"), ">")
		for _, to := range r.To {
			out[to] = append(out[to], id)
		}
	}
	return out
}

func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // a busy machine may need some
	t.Cleanup(cancel)
	return ctx
}

func TestCourier(t *testing.T) {
	t.Parallel()
	server := mailtest.StartSMTPScript(t, nil)
	b := newBureau(t, 300, line(server.Addr, delivery.Limits{Connections: 4}))
	b.until(patient(t), all(300, outbox.Accepted))
	got := received(server.Taken())
	for to, ids := range got {
		if len(ids) != 1 {
			t.Errorf("%s got %d mails", to, len(ids))
		}
	}
	if _, most := server.Sessions(); len(got) != 300 || most > 4 {
		t.Errorf("%d recipients over %d connections at once", len(got), most)
	}
	err := b.store.View(t.Context(), func(tx store.Tx) error {
		d, err := tx.Outbox().Get(b.ids[7])
		if d.Attempts != 1 || d.Dots != 1 || !strings.Contains(d.QueueID, "queued as") {
			t.Errorf("a delivery that was accepted: %+v", d)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestCourierFaults has the server fail at random at every step, and the
// courier end and begin again ten times on the way: whoever got a mail got one
// Message-ID, the states add up, nothing accepted is missing, and what is not
// known is no more than what was open.
func TestCourierFaults(t *testing.T) {
	warm(t)
	synctest.Test(t, func(t *testing.T) {
		const n, connections = 400, 3
		var mu sync.Mutex
		rnd, faults := rand.New(rand.NewPCG(1, 2)), 0
		server := mailtest.NewSMTPScript(func(at mailtest.SMTPStep) *mailtest.SMTPFault {
			mu.Lock()
			defer mu.Unlock()
			if at.Verb == "CONNECT" || rnd.IntN(40) > 0 || faults > 60 {
				return nil
			}
			faults++
			return &[]mailtest.SMTPFault{{Close: true}, {Reset: true, Take: true}, {Reset: true}, {Reply: "421 4.3.2 going down", Close: true}, {Close: true, Take: true}}[rnd.IntN(5)]
		})
		b := newBureau(t, n, piped(server, delivery.Limits{Connections: connections}))
		settled := 0
		for settled < n && !t.Failed() {
			want := min(n, settled+n/10)
			b.until(t.Context(), func(c map[outbox.State]int) bool {
				settled = c[outbox.Accepted] + c[outbox.Ambiguous] + c[outbox.Rejected] + c[outbox.Expired]
				return settled >= want
			})
		}
		counts := b.counts()
		mu.Lock()
		broken := faults
		mu.Unlock()
		t.Logf("%d faults: %v", broken, counts)
		checkDelivered(t, b, received(server.Taken()), counts)
		if counts[outbox.Ambiguous] > broken || counts[outbox.Accepted] < n-broken {
			t.Errorf("%v after %d faults", counts, broken)
		}
		server.Close()
		_ = b.store.Close()
	})
}

// warm begins what the store keeps for all its life, which must not begin
// inside a bubble.
func warm(t *testing.T) {
	t.Helper()
	server := mailtest.StartSMTPScript(t, nil)
	newBureau(t, 1, line(server.Addr, delivery.Limits{})).until(patient(t), all(1, outbox.Accepted))
}

// piped is line to a server that is reached in memory.
func piped(server *mailtest.SMTPScript, l delivery.Limits) func(*bureau) {
	return func(b *bureau) {
		line("smtp.example.com:25", l)(b)
		b.o.Lines[0].Sender.Dial = func(context.Context, string) (net.Conn, error) {
			near, far := net.Pipe()
			go server.Talk(far)
			return near, nil
		}
	}
}

// checkDelivered compares what the server took with what the store says.
func checkDelivered(t *testing.T, b *bureau, got map[string][]string, counts map[outbox.State]int) {
	t.Helper()
	sum := 0
	for _, n := range counts {
		sum += n
	}
	if sum != len(b.ids) {
		t.Errorf("the states add up to %d, want %d: %v", sum, len(b.ids), counts)
	}
	err := b.store.View(t.Context(), func(tx store.Tx) error {
		for _, id := range b.ids {
			d, err := tx.Outbox().Get(id)
			if err != nil {
				return err
			}
			ids := got[string(d.Address)]
			different := slices.Compact(slices.Sorted(slices.Values(ids)))
			switch {
			case len(different) > 1:
				t.Errorf("%s got %v", d.Address, ids)
			case d.State == outbox.Accepted && len(ids) == 0:
				t.Errorf("%s is accepted and was not taken", d.Address)
			case d.State == outbox.Ambiguous && len(ids) > 1, d.State == outbox.Accepted && len(ids) > 1 && d.Dots < 2:
				t.Errorf("%s is %s after %d dots and was taken %d times", d.Address, d.State, d.Dots, len(ids))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestAmbiguousStays ends a courier whose mail is at the dot, without a word:
// the next one sends it no second time.
func TestAmbiguousStays(t *testing.T) {
	t.Parallel()
	b := newBureau(t, 2)
	b.must(func(tx store.Tx) error {
		d, err := tx.Outbox().Get(b.ids[0])
		if err == nil {
			d, err = d.Apply(outbox.Event{What: outbox.Commit}, time.Now())
		}
		return errors.Join(err, tx.Outbox().Put(d))
	})
	server := mailtest.StartSMTPScript(t, nil)
	line(server.Addr, delivery.Limits{})(b)
	b.until(patient(t), func(c map[outbox.State]int) bool { return c[outbox.Accepted] == 1 })
	if got := received(server.Taken()); len(got) != 1 || b.counts()[outbox.Ambiguous] != 1 {
		t.Errorf("sent %v, states %v", got, b.counts())
	}
}

// TestGate holds back, inside the transaction of the intent, whom a rule names.
func TestGate(t *testing.T) {
	t.Parallel()
	server := mailtest.StartSMTPScript(t, nil)
	b := newBureau(t, 20, line(server.Addr, delivery.Limits{Connections: 2}), func(b *bureau) {
		b.o.Gate = func(_ store.Tx, d outbox.Delivery, _ time.Time) (outbox.Event, error) {
			if strings.HasPrefix(string(d.Address), "p1") {
				return outbox.Event{What: outbox.Suppress, Reason: "said stop"}, nil
			}
			return outbox.Event{}, nil
		}
	})
	b.until(patient(t), func(c map[outbox.State]int) bool { return c[outbox.Accepted]+c[outbox.Suppressed] == 20 })
	for to := range received(server.Taken()) {
		if strings.HasPrefix(to, "p1") {
			t.Errorf("%s was written to after saying stop", to)
		}
	}
	if got := b.counts(); got[outbox.Suppressed] != 11 {
		t.Errorf("states: %v", got)
	}
}

// TestGatePanics has the rule of one recipient go wrong: the others get their
// mail, that one none, and the courier ends when it is told to.
func TestGatePanics(t *testing.T) {
	warm(t)
	synctest.Test(t, func(t *testing.T) {
		server := mailtest.NewSMTPScript(nil)
		b := newBureau(t, 12, piped(server, delivery.Limits{Connections: 3}), func(b *bureau) {
			b.o.Gate = func(_ store.Tx, d outbox.Delivery, _ time.Time) (outbox.Event, error) {
				if d.Address == "p3@example.org" {
					panic("a bug of ours")
				}
				return outbox.Event{}, nil
			}
		})
		b.until(t.Context(), all(11, outbox.Accepted))
		if got := received(server.Taken()); len(got) != 11 || got["p3@example.org"] != nil || b.counts()[outbox.Frozen] != 1 {
			t.Errorf("sent %v, states %v", got, b.counts())
		}
		server.Close()
		_ = b.store.Close()
	})
}

// TestPanicEndsTheCourier has a connection's own code go wrong: Run says so, so
// that it is begun again, and nothing is sent without its intent.
func TestPanicEndsTheCourier(t *testing.T) {
	t.Parallel()
	b := newBureau(t, 3, line("127.0.0.1:1", delivery.Limits{Connections: 2}))
	b.o.Lines[0].Sender.Dial = func(context.Context, string) (net.Conn, error) { panic("a bug of ours") }
	if err := delivery.NewCourier(b.o).Run(patient(t)); err == nil || !strings.Contains(err.Error(), "a bug of ours") {
		t.Errorf("Run = %v", err)
	}
	if got := b.counts(); got[outbox.Frozen] != 3 {
		t.Errorf("states: %v", got)
	}
}

// TestPausedRunSendsNothing pauses, resumes and cancels.
func TestPausedRunSendsNothing(t *testing.T) {
	t.Parallel()
	server := mailtest.StartSMTPScript(t, nil)
	b := newBureau(t, 10, line(server.Addr, delivery.Limits{}))
	b.must(func(tx store.Tx) error {
		paused, err := b.run.Become(campaign.Paused, "by hand", time.Now())
		return errors.Join(err, tx.Runs().Put(paused))
	})
	other := campaign.Run{ID: campaign.RunID(store.NewID(time.Now())), Campaign: "other", Sender: "news", State: campaign.Running}
	id := outbox.ID(store.NewID(time.Now()))
	b.must(func(tx store.Tx) error {
		d := outbox.Delivery{ID: id, Run: other.ID, Address: "x@example.org", Sender: "news", From: "news@example.com", State: outbox.Frozen}
		return errors.Join(tx.Runs().Put(other), tx.Outbox().Add(d), tx.Outbox().Freeze(id, []byte(letter)))
	})
	run := b.run
	b.run = other
	b.until(patient(t), all(1, outbox.Accepted))
	b.run = run
	if got := b.counts(); got[outbox.Frozen] != 10 || len(server.Taken()) != 1 {
		t.Errorf("states of a paused run: %v, %d sent", got, len(server.Taken()))
	}
	b.must(func(tx store.Tx) error { return tx.Runs().Put(run) })
	b.until(patient(t), all(10, outbox.Accepted))
}

// TestM93_RefusedAlike gives each recipient an answer of its own.
func TestM93_RefusedAlike(t *testing.T) {
	t.Parallel()
	t.Attr("tries", "5")
	server := mailtest.StartSMTPScript(t, func(at mailtest.SMTPStep) *mailtest.SMTPFault {
		if at.Verb != "RCPT" {
			return nil
		}
		answers := map[string]string{"p0@example.org": "550 5.1.1 user unknown", "p1@example.org": "451 4.7.1 greylisted", "p2@example.org": "550 5.7.1 blocked"}
		if reply := answers[at.Arg]; reply != "" {
			return &mailtest.SMTPFault{Reply: reply}
		}
		return nil
	})
	b := newBureau(t, 5, line(server.Addr, delivery.Limits{}))
	b.until(patient(t), func(c map[outbox.State]int) bool {
		return maps.Equal(c, map[outbox.State]int{outbox.Accepted: 2, outbox.Rejected: 2, outbox.Deferred: 1})
	})
	err := b.store.View(t.Context(), func(tx store.Tx) error {
		for n, want := range []outbox.Class{outbox.ClassAddress, outbox.ClassTransient, outbox.ClassPolicy} {
			if d, err := tx.Outbox().Get(b.ids[n]); err != nil || d.Class != want || d.Reply == nil {
				t.Errorf("delivery %d: %+v, %v; want class %s", n, d, err, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestM93_SenderAtFault refuses everything for a reason that is nobody's but the
// sender's: nobody is blamed, and the line pauses.
func TestM93_SenderAtFault(t *testing.T) {
	t.Parallel()
	t.Attr("tries", "5")
	for _, fault := range []struct{ verb, reply string }{
		{"MAIL", "550 5.4.5 Daily user sending quota exceeded"}, {"DOT", "554 5.2.0 STOREDRV.Submission.Exception: quota"},
		{"CONNECT", "421 4.3.2 Service not available"}, {"DOT", "550 5.7.60 SendAsDenied"}, {"RCPT", "530 5.7.57 Client was not authenticated"},
	} {
		t.Run(fault.verb+" "+fault.reply[:9], func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			refused := 0
			told := make(chan struct{}, 1)
			server := mailtest.StartSMTPScript(t, func(at mailtest.SMTPStep) *mailtest.SMTPFault {
				if at.Verb != fault.verb {
					return nil
				}
				mu.Lock()
				defer mu.Unlock()
				refused++
				select {
				case told <- struct{}{}:
				default: // once is enough
				}
				return &mailtest.SMTPFault{Reply: fault.reply}
			})
			b := newBureau(t, 50, line(server.Addr, delivery.Limits{Connections: 2}))
			ctx, cancel := context.WithCancel(patient(t))
			var wg sync.WaitGroup
			wg.Go(func() { _ = delivery.NewCourier(b.o).Run(ctx) })
			<-told
			cancel()
			wg.Wait()
			server.Close() // which may be asked for one more session still
			if got := b.counts(); got[outbox.Frozen] != 50 || refused > 4 {
				t.Errorf("states %v after %d refusals", got, refused)
			}
		})
	}
}

// TestCourierWithoutSenders has nothing to send by: it waits for its end, for
// whoever runs it would begin again at once, for ever.
func TestCourierWithoutSenders(t *testing.T) {
	t.Parallel()
	b := newBureau(t, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := delivery.NewCourier(b.o).Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run = %v; want it to end with its context", err)
	}
}
