package intake_test

import (
	"context"
	"slices"
	"testing"

	"rapport/records/message"
)

// judged is a batch of which the copies were judged and not yet taken.
func (w *world) judged(f *folder, uids ...uint32) message.Batch {
	w.t.Helper()
	copies := w.copies(f, uids)
	wishes, err := w.Wanted(context.Background(), f.Folder, copies)
	if err != nil {
		w.t.Fatal(err)
	}
	b := message.Batch{Folder: f.Folder}
	for n, c := range copies {
		it := message.Item{Copy: c, Wish: wishes[n]}
		if it.Wish.Action == message.Log || it.Wish.Action == message.Inspect {
			it.Body = message.Bytes(f.mails[c.UID])
		}
		b.Items = append(b.Items, it)
	}
	return b
}

func (w *world) taken(b message.Batch) {
	w.t.Helper()
	if err := w.Take(context.Background(), b); err != nil {
		w.t.Fatal(err)
	}
}

// TestThreadStoredBetweenJudgementAndFiling has one mailbox judge an answer
// while the other stores what makes it somebody's.
func TestThreadStoredBetweenJudgementAndFiling(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.person("Cleo", "cleo@client.example")
	w.deliver("ada", "INBOX", mail("c1", cleo, ada, "Question", "Cc: "+zoe))
	z := w.deliver("bob", "INBOX", mail("z1", zoe, bob, "Zoe joins in", "In-Reply-To: <c1@test>"))
	late := w.judged(w.folder("bob", "INBOX"), z)
	w.pass(w.folder("ada", "INBOX"))
	w.taken(late)
	w.sync()
	if got := w.of(c); !slices.Contains(got, "Zoe joins in") {
		t.Errorf("Cleo's timeline is %q; want the answer that was judged before its thread was stored", got)
	}
}

// TestCopyStoredBetweenJudgementAndFiling does so with two copies of one
// message, of which only the sender's names somebody known.
func TestCopyStoredBetweenJudgementAndFiling(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person("Cleo", "cleo@client.example")
	uid := w.deliver("ada", "INBOX", mail("h1", bob, ada+", "+zoe, "Hidden copy"))
	w.deliver("bob", "Sent", mail("h1", bob, ada+", "+zoe, "Hidden copy", "Bcc: "+cleo))
	late := w.judged(w.folder("ada", "INBOX"), uid)
	w.pass(w.folder("bob", "Sent"))
	w.taken(late)
	w.sync()
	if ms := w.find("Hidden copy"); len(ms) != 1 || len(ms[0].Holdings) != 2 {
		t.Errorf("Hidden copy: %+v; want one message with both holdings", ms)
	}
}

// TestErasedBesideSomebodyAddedLater: mail that names an erased person beside
// somebody unknown is judged again when the latter becomes a contact, and so
// is all of hers when she is added again herself.
func TestErasedBesideSomebodyAddedLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	e := w.person("Eve", "eve@gone.example")
	if _, err := w.Erase(ctx, "test", e.ID); err != nil {
		t.Fatal(err)
	}
	w.deliver("ada", "INBOX", mail("c1", cleo, ada, "Question", "Cc: eve@gone.example"))
	w.deliver("ada", "INBOX", mail("e1", "eve@gone.example", ada, "From Eve"))
	w.sync()
	c := w.person("Cleo", "cleo@client.example")
	w.sync()
	if got := w.of(c); !slices.Equal(got, []string{"Question"}) {
		t.Errorf("Cleo's timeline is %q; want her question", got)
	}
	again := w.person("Eve", "eve@gone.example")
	w.sync()
	if got := w.of(again); len(got) != 2 {
		t.Errorf("Eve was added again by hand, but her timeline is %q", got)
	}
}

// TestErasedInAThread: whether the thread or the mail that names somebody
// erased comes first makes no difference.
func TestErasedInAThread(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"ada", "bob"} {
		w := newWorld(t)
		e := w.person("Eve", "eve@gone.example")
		c := w.person("Cleo", "cleo@client.example")
		if _, err := w.Erase(context.Background(), "test", e.ID); err != nil {
			t.Fatal(err)
		}
		w.deliver("ada", "INBOX", mail("c1", cleo, ada, "Question", "Cc: "+zoe))
		w.deliver("bob", "INBOX", mail("z1", zoe, bob, "Zoe joins in", "In-Reply-To: <c1@test>", "Cc: eve@gone.example"))
		w.pass(w.folder(first, "INBOX"))
		w.sync()
		if got := w.of(c); !slices.Contains(got, "Zoe joins in") {
			t.Errorf("%s's mailbox first: Cleo's timeline is %q", first, got)
		}
	}
}
