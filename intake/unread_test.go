package intake_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"rapport/intake"
	"rapport/internal/mailtest"
	"rapport/records/contact"
	"rapport/store"
)

// TestManyShownAgain takes thousands out of the review queue at once.
func TestManyShownAgain(t *testing.T) { // alone: it measures
	if raceEnabled {
		t.Skip("the race detector is on; it runs once more without")
	}
	ctx := context.Background()
	w := newWorld(t)
	o, err := w.AddOrganisation(ctx, "test", contact.Organisation{Name: "Shared", Domains: []contact.Domain{{Name: "shared.example", Shared: true}}})
	if err != nil {
		t.Fatal(err)
	}
	const n = 3000
	for i := range n {
		w.deliver("ada", "INBOX", mail(fmt.Sprintf("m%d", i), "sam@shared.example", ada, fmt.Sprintf("Mail %d", i)))
	}
	w.sync()
	o.Domains[0].Shared = false
	began := mailtest.CPUTime()
	if _, err := w.EditOrganisation(ctx, "test", o); err != nil {
		t.Fatal(err)
	}
	if took := mailtest.CPUTime() - began; took > 20*time.Second {
		t.Errorf("showing %d messages took %v", n, took)
	}
	shown := 0
	for at := store.Cursor(""); ; {
		var page store.Page[string]
		err := w.store.View(ctx, func(tx store.Tx) error {
			p, err := tx.Entries().Of(store.Subject{Organisation: o.ID}, store.Slice{Cursor: at, Limit: 1000})
			page = store.Page[string]{Items: make([]string, len(p.Items)), Next: p.Next}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		shown += len(page.Items)
		if at = page.Next; at == "" {
			break
		}
	}
	if shown != n {
		t.Errorf("%d of %d messages are shown", shown, n)
	}
}

// TestDamagedOriginalStopsNothing: a message whose original bytes cannot be
// read is shown by its header, and what comes after it is filed.
func TestDamagedOriginalStopsNothing(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	c := w.person("Cleo", "cleo@client.example")
	w.deliver("ada", "INBOX", mail("c1", cleo, ada, "Question"))
	w.sync()
	m := w.find("Question")[0]
	id, err := w.Private(ctx, "test", m.Thread)
	if err != nil {
		t.Fatal(err)
	}
	err = w.store.Update(ctx, func(tx store.Tx) error { return tx.Blobs().Delete(m.Raw) })
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Undo(ctx, "test", id); err != nil {
		t.Errorf("Undo() = %v", err)
	}
	w.person("Dan", "dan@client.example")
	if got := w.of(c); !slices.Equal(got, []string{"Question"}) {
		t.Errorf("timeline %q; want the message, though only its header can be read", got)
	}
}

// TestAHiddenMailboxStaysHidden: visibility that changes in the configuration
// is followed, and a private mailbox taken out of it does not show its mail.
func TestAHiddenMailboxStaysHidden(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	if err := w.Recover(ctx); err != nil {
		t.Fatal(err)
	}
	c := w.person("Cleo", "cleo@client.example")
	w.deliver("ada", "INBOX", mail("c1", cleo, ada, "Question"))
	w.deliver("ada", "INBOX", mail("z1", zoe, ada, "From a stranger"))
	w.sync()
	for _, step := range []struct {
		what  string
		boxes []intake.Mailbox
		shown int
	}{
		{"private now", []intake.Mailbox{{Name: "ada", Hidden: true}, {Name: "bob"}}, 0},
		{"taken out", []intake.Mailbox{{Name: "bob"}}, 0},
		{"back, public", []intake.Mailbox{{Name: "ada"}, {Name: "bob"}}, 1},
		{"taken out", []intake.Mailbox{{Name: "bob"}}, 1},
	} {
		if err := w.Reconfigure(ctx, rules(), true, step.boxes); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Rematch(ctx, nil); err != nil {
			t.Fatal(err)
		}
		if got := w.of(c); len(got) != step.shown {
			t.Errorf("%s: timeline %q; want %d", step.what, got, step.shown)
		}
	}
}

// TestSuggestionsTellNothingPrivate: who is erased, protected, blocked, ours or
// known is suggested by nothing, nor whom a private mailbox writes with.
func TestSuggestionsTellNothingPrivate(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	r := rules()
	r.Exclusions = append(r.Exclusions, protects("doctor.example"))
	hidden := []intake.Mailbox{{Name: "ada"}, {Name: "bob", Hidden: true}}
	if err := w.Reconfigure(ctx, r, true, hidden); err != nil {
		t.Fatal(err)
	}
	e := w.person("Eve", "eve@gone.example")
	w.person("Cleo", "cleo@client.example")
	if _, err := w.Erase(ctx, "test", e.ID); err != nil {
		t.Fatal(err)
	}
	w.deliver("ada", "INBOX", mail("d1", "d@doctor.example", ada, "Protected"))
	w.deliver("bob", "INBOX", mail("z1", zoe, bob, "In a private mailbox"))
	w.sync()
	var rows []store.Suggestion
	for _, a := range []contact.Address{"eve+x@gone.example", "cleo@client.example", "ada@ours.example", "d@doctor.example", "x@lawyer.example"} {
		rows = append(rows, store.Suggestion{Address: a, Name: "Somebody", Domain: a.Domain(), In: 3, Out: 3, Exchange: 3})
	}
	rows = append(rows, store.Suggestion{Address: "new@fine.example", Domain: "fine.example", In: 1})
	if err := w.Suggest(ctx, rows); err != nil {
		t.Fatal(err)
	}
	if got := w.suggested(); !slices.Equal(got, []contact.Address{"new@fine.example"}) {
		t.Errorf("suggested are %q; want new@fine.example only", got)
	}
	if err := w.Reconfigure(ctx, r, false, hidden); err != nil {
		t.Fatal(err)
	}
	if got := w.suggested(); len(got) != 0 {
		t.Errorf("nothing is to be suggested any more, but %q are", got)
	}
}

func (w *world) suggested() []contact.Address {
	w.t.Helper()
	var out []contact.Address
	err := w.store.View(context.Background(), func(tx store.Tx) error {
		out = nil
		page, err := tx.Suggestions().List(store.Slice{Limit: 1000})
		for _, s := range page.Items {
			out = append(out, s.Address)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// TestSearchesEndWithTheirMailbox: a search waits for no mailbox that has left
// the configuration.
func TestSearchesEndWithTheirMailbox(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	w.deliver("ada", "INBOX", mail("z1", zoe, ada, "From a stranger"))
	w.sync()
	w.person("Cleo", "cleo@client.example")
	pending, err := w.Pending(ctx, "ada")
	if err != nil || len(pending) != 1 {
		t.Fatalf("Pending() = %v, %v; want one search", pending, err)
	}
	if err := w.Searched(ctx, "ada", pending[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := w.Reconfigure(ctx, rules(), true, []intake.Mailbox{{Name: "ada"}}); err != nil {
		t.Fatal(err)
	}
	if left, err := w.Pending(ctx, "nobody"); err != nil || len(left) != 0 {
		t.Errorf("%d searches wait for a mailbox that is gone, %v", len(left), err)
	}
}

// TestAChangeIsFiledWhoeverWaits: also where whoever asked for it has gone.
func TestAChangeIsFiledWhoeverWaits(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	var s *cancelling
	w := newWorldWith(t, func(in store.Store) store.Store { s = &cancelling{Store: in}; return s })
	w.company("Client", "client.example")
	w.deliver("ada", "INBOX", mail("c1", cleo, ada, "Question"))
	w.sync()
	s.cancel = cancel
	c, err := w.AddContact(ctx, "test", contact.Contact{Name: "Cleo", Addresses: []contact.Address{"cleo@client.example"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.of(c); len(got) != 1 {
		t.Errorf("timeline %q; want the message we hold", got)
	}
}

// cancelling cancels a context once an update is committed.
type cancelling struct {
	store.Store
	cancel context.CancelFunc
}

func (c *cancelling) Update(ctx context.Context, fn func(store.Tx) error) error {
	err := c.Store.Update(ctx, fn)
	if c.cancel != nil {
		c.cancel()
	}
	return err
}
