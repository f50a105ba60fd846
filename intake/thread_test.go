package intake_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rapport/records/contact"
	"rapport/store"
)

// inEveryOrder syncs the deliveries in order and in reverse, and wants the same.
func inEveryOrder(t *testing.T, people func(*world), deliveries ...func(*world)) *world {
	t.Helper()
	var first *world
	for _, reverse := range []bool{false, true} {
		w := newWorld(t)
		people(w)
		for _, d := range deliveries {
			d(w)
		}
		folders := slices.Clone(w.folders)
		if reverse {
			slices.Reverse(folders)
		}
		for _, f := range folders {
			w.pass(f)
		}
		w.sync()
		if first == nil {
			first = w
		} else if d := cmp.Diff(first.dump(), w.dump()); d != "" {
			t.Errorf("content depends on the order (-one way +the other):\n%s", d)
		}
	}
	return first
}

// TestThreadSettlesAReviewLater: a message that waits for a person, because two
// organisations share a domain, is filed when a message of its thread is.
func TestThreadSettlesAReviewLater(t *testing.T) {
	t.Parallel()
	w := inEveryOrder(t, func(w *world) {
		w.person("Cleo", "cleo@client.example")
		for _, name := range []string{"North", "South"} {
			o := contact.Organisation{Name: name, Domains: []contact.Domain{{Name: "shared.example", Shared: true}}}
			if _, err := w.AddOrganisation(context.Background(), "test", o); err != nil {
				w.t.Fatal(err)
			}
		}
	}, func(w *world) {
		w.deliver("ada", "INBOX", mail("s1", "sam@shared.example", ada, "From the shared domain"))
	}, func(w *world) {
		w.deliver("bob", "INBOX", mail("c1", cleo, bob, "Question", "Cc: sam@shared.example", "In-Reply-To: <s1@test>"))
	})
	if ms := w.find("From the shared domain"); len(ms) != 1 || len(ms[0].Matches) != 1 {
		t.Errorf("want the message filed with its thread, got %+v", ms)
	}
}

// TestConnectedThreadsFindWhatWasSkipped: Zoe's mail belongs to one half of a
// conversation and refers to the other; a third message makes them one.
func TestConnectedThreadsFindWhatWasSkipped(t *testing.T) {
	t.Parallel()
	inEveryOrder(t, func(w *world) { w.person("Cleo", "cleo@client.example") }, func(w *world) {
		w.deliver("ada", "A", mail("one", cleo, ada, "One half"))
		w.deliver("ada", "A", mail("oneb", cleo, ada, "Still one half", "In-Reply-To: <one@test>"))
	}, func(w *world) {
		w.deliver("ada", "B", mail("two", cleo, ada, "Other half", "Cc: "+zoe))
	}, func(w *world) {
		w.deliver("ada", "C", mail("z1", zoe, ada, "Zoe answers", "In-Reply-To: <one@test>"))
	}, func(w *world) {
		w.deliver("ada", "D", mail("both", cleo, ada, "Both halves", "In-Reply-To: <two@test>", "References: <oneb@test> <two@test>"))
	})
}

// TestPrivateThreadGoesOn: what answers an answer in a private thread is
// private too, in whatever order both arrive, and shown again with the thread.
func TestPrivateThreadGoesOn(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	c := w.person("Cleo", "cleo@client.example")
	w.deliver("ada", "INBOX", mail("c1", cleo, ada, "Question"))
	w.sync()
	id, err := w.Private(ctx, "ada", w.find("Question")[0].Thread)
	if err != nil {
		t.Fatal(err)
	}
	for _, chain := range [][]string{{"c2", "c3", "c4"}, {"d4", "d3", "d2"}} {
		for _, name := range chain {
			before := map[byte]string{'2': "c1", '3': chain[0][:1] + "2", '4': chain[0][:1] + "3"}[name[1]]
			w.deliver("ada", "INBOX", mail(name, cleo, ada, "Later "+name, "In-Reply-To: <"+before+"@test>"))
			w.sync()
		}
	}
	if got := w.of(c); len(got) != 0 {
		t.Errorf("the thread is private, but the timeline shows %q", got)
	}
	if err := w.Undo(ctx, "ada", id); err != nil {
		t.Fatal(err)
	}
	if got := w.of(c); len(got) != 7 {
		t.Errorf("shown again, but the timeline is %q; want all seven", got)
	}
}

// TestLongThreadIsErasedToItsEnd: no thread is too long to be judged again.
func TestLongThreadIsErasedToItsEnd(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector is on; it runs once more without")
	}
	t.Parallel()
	w := newWorld(t)
	c := w.person("Cleo", "cleo@client.example")
	const n = 2300
	for i := range n {
		raw := mail(fmt.Sprintf("m%d", i), cleo, ada, fmt.Sprintf("Mail %d", i), "References: <root@test>")
		w.deliver("ada", "INBOX", strings.Replace(raw, "+0000", fmt.Sprintf("+%04d", i%1200/60*100+i%60), 1))
	}
	w.sync()
	if got := w.count(); got != n {
		t.Fatalf("%d messages are stored; want %d", got, n)
	}
	r, err := w.Erase(context.Background(), "test", c.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.count(); got != 0 || r.Messages != n {
		t.Errorf("after Erase() = %+v %d messages are left", r, got)
	}
	if d := w.dump(); strings.Contains(d, "cleo@") {
		t.Errorf("the erased address is still in the store")
	}
}

func (w *world) count() int {
	w.t.Helper()
	n := 0
	err := w.store.View(context.Background(), func(tx store.Tx) error {
		var err error
		n, err = tx.Messages().Count()
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// TestLastBearerOfAMessageIDIsNoDuplicate: the flag goes with the other.
func TestLastBearerOfAMessageIDIsNoDuplicate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person("Cleo", "cleo@client.example")
	w.deliver("ada", "INBOX", mail("same", cleo, ada, "One"))
	w.sync()
	want := w.find("One")[0].Flags
	w.deliver("ada", "INBOX", strings.Replace(mail("same", cleo, ada, "Another"), "2026", "2025", 1))
	w.sync()
	if _, err := w.Withdraw(context.Background(), "ada", w.find("Another")[0].ID); err != nil {
		t.Fatal(err)
	}
	if got := w.find("One")[0].Flags; !slices.Equal(got, want) {
		t.Errorf("flags %q of the only message with its Message-ID; want %q", got, want)
	}
}
