package intake_test

import (
	"context"
	"strings"
	"testing"

	"rapport/records/message"
	"rapport/store"
)

// page is mail in HTML without a Message-ID.
func page(subject, body string) string {
	return strings.Replace(mail("x", cleo, ada, subject, "Content-Type: text/html"), "Message-ID: <x@test>\n", "", 1) + body
}

// formerly has a message known by digests of format 3, as they came of a
// reading of HTML that is not today's.
func (w *world) formerly(m message.Message) {
	w.t.Helper()
	m.TextSum, m.FormerSums = message.Sum{7, 7}, true
	for n := range m.Variants {
		m.Variants[n].TextSum = message.Sum{8, byte(n)}
	}
	err := w.store.Update(context.Background(), func(tx store.Tx) error {
		if err := tx.State().Put(store.StateUnrecognised, []byte(store.Unrecognised)); err != nil {
			return err
		}
		return tx.Messages().Put(m, message.IdentityKeys(m.Head, &m.TextSum))
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestOlderMailIsRecognised: a store of format 3 knew mail without a
// Message-ID by its text as it was shown then. Copies that come after the
// upgrade find it, and so does what was decided of it by hand.
func TestOlderMailIsRecognised(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	w.person("Cleo", "cleo@client.example")
	dora := w.person("Dora", "dora@other.example")
	raw := page("Offer", "<p>Dear Ada,<p>it is <b>yours</b>")
	w.deliver("ada", "INBOX", raw)
	w.deliver("ada", "INBOX", mail("y", cleo, ada, "Other"))
	w.sync()
	w.formerly(w.find("Offer")[0])
	w.formerly(w.find("Other")[0])
	if _, err := w.File(ctx, "test", w.find("Offer")[0].ID, store.Subject{Contact: dora.ID}); err != nil {
		t.Fatal(err)
	}
	if err := w.Recognise(ctx); err != nil {
		t.Fatal(err)
	}
	w.deliver("bob", "INBOX", raw)
	w.deliver("bob", "INBOX", mail("y", cleo, ada, "Other")+"changed on the way\n")
	w.sync()
	if ms := w.find("Offer"); len(ms) != 1 || len(ms[0].Holdings) != 2 || ms[0].FormerSums || len(ms[0].Variants) != 0 {
		t.Errorf("the copy of older mail made of it %+v; want one message with two copies", ms)
	}
	if ms := w.find("Other"); len(ms) != 1 || len(ms[0].Holdings) != 2 || ms[0].FormerSums || len(ms[0].Variants) != 1 {
		t.Errorf("the changed copy of older mail made of it %+v; want one message with a variant", ms)
	}
	if _, err := w.Rematch(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(w.of(dora), "\n"); !strings.Contains(got, "Offer") {
		t.Errorf("what was filed by hand is gone: %s", got)
	}
	if err := w.store.View(ctx, func(tx store.Tx) error {
		left, err := tx.State().Get(store.StateUnrecognised)
		if left != nil {
			t.Errorf("left to recognise: %q", left)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestWithdrawnOfFormat3StaysAway: of mail that was taken away before the
// upgrade nothing is left but what it was known by then.
func TestWithdrawnOfFormat3StaysAway(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	w.person("Cleo", "cleo@client.example")
	raw := page("Mistake", "<p>Not for you")
	w.deliver("ada", "INBOX", raw)
	w.sync()
	m := w.find("Mistake")[0]
	parsed, err := message.Parse(strings.NewReader(strings.ReplaceAll(raw, "\n", "\r\n")), message.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Withdraw(ctx, "test", m.ID); err != nil {
		t.Fatal(err)
	}
	// The decision bears what it was known by then.
	err = w.store.Update(ctx, func(tx store.Tx) error {
		ds, err := tx.Decisions().List(store.Slice{})
		if err != nil || len(ds.Items) != 1 {
			t.Fatalf("decisions: %+v, %v", ds.Items, err)
		}
		ds.Items[0].Identity = parsed.FormerIdentity()
		return tx.Decisions().Put(ds.Items[0])
	})
	if err != nil {
		t.Fatal(err)
	}
	w.deliver("bob", "INBOX", raw)
	w.sync()
	if ms := w.find("Mistake"); len(ms) != 0 {
		t.Errorf("withdrawn mail came back: %+v", ms)
	}
}
