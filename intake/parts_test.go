package intake_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/records/message"
	"rapport/store"
)

// busiest wraps a store and notes the most messages one transaction writes.
type busiest struct {
	store.Store
	most *int
}

func (b busiest) Update(ctx context.Context, fn func(store.Tx) error) error {
	return b.Store.Update(ctx, func(tx store.Tx) error {
		puts := 0
		err := fn(countingTx{tx, &puts})
		*b.most = max(*b.most, puts)
		return err
	})
}

type countingTx struct {
	store.Tx
	puts *int
}

func (t countingTx) Messages() store.Messages { return countingMessages{t.Tx.Messages(), t.puts} }

type countingMessages struct {
	store.Messages
	puts *int
}

func (m countingMessages) Put(msg message.Message, ids []message.Sum) error {
	*m.puts++
	return m.Messages.Put(msg, ids)
}

// busyWorld is a world that notes the largest transaction.
func busyWorld(t *testing.T) (w *world, most *int) {
	most = new(int)
	w = newWorldWith(t, func(s store.Store) store.Store { return busiest{s, most} })
	return w, most
}

// TestM20_LargeFolderInParts gives a folder of more messages than one
// transaction may write new numbers: writers in between wait for a part only.
func TestM20_LargeFolderInParts(t *testing.T) {
	w, most := busyWorld(t)
	c := w.person("Cleo Client", "cleo@client.example")
	const mails = 600
	for n := range mails {
		w.deliver("ada", "INBOX", mail(fmt.Sprint("r", n), cleo, ada, fmt.Sprint("Letter ", n)))
	}
	w.sync()
	before := w.of(c)
	if len(before) != mails {
		t.Fatalf("%d messages are filed, want %d", len(before), mails)
	}
	w.renumber("ada", "INBOX")
	f := w.folder("ada", "INBOX")
	w.take(f, slices.Sorted(mapKeys(f.mails)))
	*most = 0
	w.pass(f) // which has nothing left to take, and reports
	if *most > 250 {
		t.Errorf("one transaction wrote %d messages, want 250 at most", *most)
	}
	if after := w.of(c); len(after) != mails {
		t.Errorf("%d messages after the change, want %d", len(after), mails)
	}
	for _, s := range []string{before[0], before[mails/2], before[mails-1]} {
		for _, m := range w.find(s) {
			if len(m.Holdings) != 1 || m.Holdings[0].UIDValidity != 2 {
				t.Errorf("%s: holdings %+v; want one, under UIDVALIDITY 2", s, m.Holdings)
			}
		}
	}
	err := w.store.View(t.Context(), func(tx store.Tx) error {
		all, err := tx.Folders().List("ada")
		for _, f := range all {
			if f.Name == "INBOX" && f.UIDValidity != 2 {
				t.Errorf("the numbering %d is still kept", f.UIDValidity)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Attr("tries", strconv.Itoa(mails))
}

// TestLongThreadsAreMergedInParts joins two long threads by one message that
// answers to both. The transaction that stores it moves a part of the one; in
// the end they are one thread, as if they had been moved at once.
func TestLongThreadsAreMergedInParts(t *testing.T) {
	const mails = 300
	tell := func(atOnce int) (dump string, threads map[message.ThreadID]int, most int) {
		w, busy := busyWorld(t)
		w.SetMergeAtOnce(atOnce)
		w.person("Cleo Client", "cleo@client.example")
		w.person("Dora Client", "dora@client.example")
		at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
		for _, who := range []struct{ root, from string }{{"first", cleo}, {"second", "dora@client.example"}} {
			for n := range mails {
				id := fmt.Sprint(who.root, n)
				_, rest, _ := strings.Cut(mail(id, who.from, ada, fmt.Sprint(who.root, " ", n), "References: <"+who.root+"@test>"), "\nFrom: ")
				at = at.Add(time.Second) // of one second, which of them a relation names would be chance
				w.deliver("ada", "INBOX", fmt.Sprintf("Message-ID: <%s@test>\nDate: %s\nFrom: %s", id, at.Format(time.RFC1123Z), rest))
			}
		}
		w.sync()
		*busy = 0
		w.deliver("ada", "INBOX", mail("both", cleo, ada, "To both", "References: <first@test> <second@test>"))
		w.deliver("ada", "INBOX", mail("later", cleo, ada, "Later", "References: <second7@test>"))
		w.deliver("ada", "INBOX", mail("end", cleo, ada, "End", "References: <both@test>"))
		w.sync()
		threads = map[message.ThreadID]int{}
		err := w.store.View(t.Context(), func(tx store.Tx) error {
			all, err := store.Where(tx.Messages().List, func(message.ID) (bool, error) { return true, nil })
			for _, id := range all {
				m, err := tx.Messages().Get(id)
				if err != nil {
					return err
				}
				threads[m.Thread]++
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return comparable(w.dump()), threads, *busy
	}
	want, _, whole := tell(1 << 20)
	got, threads, most := tell(50)
	if whole < mails {
		t.Errorf("at once, the largest transaction writes %d messages: the test tests nothing", whole)
	}
	if most > 100 {
		t.Errorf("in parts, one transaction writes %d messages, want 100 at most", most)
	}
	if len(threads) != 1 {
		t.Errorf("in the end there are the threads %v, want one", threads)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("merging in parts gives another content (-at once +in parts):\n%s", d)
	}
}
