package intake_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/intake"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
	"rapport/store/storetest"
)

// old makes a mail four weeks older.
func old(raw string) string { return strings.Replace(raw, "Mon, 02 Mar 2026", "Mon, 02 Feb 2026", 1) }

const auto = "Auto-Submitted: auto-generated"

// days is a retention of so many days for some kinds.
func days(n int, kinds ...string) intake.Retention {
	r := intake.Retention{Spans: map[string]intake.Span{}, Hold: []string{"legal-hold"}}
	for _, k := range kinds {
		r.Spans[k] = intake.Span{Days: n}
	}
	return r
}

// aged is a world with mail and entries of both ages, synced.
func aged(t *testing.T, wrap func(store.Store) store.Store) (*world, contact.Contact) {
	t.Helper()
	w := newWorldWith(t, wrap)
	c := w.person("Cleo", "cleo@client.example")
	held, err := w.AddContact(context.Background(), "test", contact.Contact{
		Name: "Hal", Addresses: []contact.Address{"hal@held.example"}, Kind: contact.Customer, Tags: []string{"legal-hold"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for n, raw := range []string{
		old(mail("a1", cleo, ada, "old report", auto)), mail("a2", cleo, ada, "new report", auto),
		old(mail("p1", cleo, ada, "old letter")), mail("p2", cleo, ada, "new letter"),
		old(mail("h1", "Hal <hal@held.example>", ada, "held report", auto)),
		old(mail("f1", cleo, ada, "chosen report", auto)),
		old(mail("q1", cleo, ada, "question", "Cc: "+zoe)),
		mail("q2", zoe, bob, "thread answer", "In-Reply-To: <q1@test>", "References: <q1@test>"),
	} {
		w.deliver([]string{"ada", "bob"}[n/7], "INBOX", raw)
	}
	w.sync()
	for n, at := range []time.Time{start.AddDate(0, -1, 0), start} {
		if _, err := w.AddNote(t, c.ID, fmt.Sprint("note ", n), at); err != nil {
			t.Fatal(err)
		}
	}
	if ms := w.find("chosen report"); len(ms) != 1 {
		t.Fatalf("%d chosen reports", len(ms))
	} else if _, err := w.File(context.Background(), "test", ms[0].ID, store.Subject{Contact: held.ID}); err != nil {
		t.Fatal(err)
	}
	return w, c
}

// AddNote adds a note of some day.
func (w *world) AddNote(t *testing.T, c contact.ID, text string, at time.Time) (timeline.Entry, error) {
	t.Helper()
	return w.Note(context.Background(), "test", store.Subject{Contact: c}, timeline.Note, text, at)
}

func (w *world) subjects() []string {
	w.t.Helper()
	var out []string
	err := w.store.View(context.Background(), func(tx store.Tx) error {
		out = nil
		page, err := tx.Entries().Recent(store.Slice{Limit: 1000})
		for _, e := range page.Items {
			out = append(out, e.Subject)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func without(all []string, gone ...string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(gone, s) })
}

// TestRetention enforces by kind: what is old goes and is not read again; what
// is young, of another kind, held, chosen by hand or leaned on stays.
func TestRetention(t *testing.T) {
	for _, tt := range []struct {
		name  string
		keep  intake.Retention
		gone  []string
		held  int
		audit bool
	}{
		{"nothing", days(20), nil, 0, false},
		{"automatic", days(45, "automatic"), []string{"old report"}, 2, false},
		{"personal", days(45, "personal"), []string{"old letter"}, 1, false},
		{"all of it", days(3, "personal", "automatic", "note"), []string{"old report", "new report", "old letter", "new letter", "question", "thread answer", "note 0", "note 1"}, 2, false},
		{"notes", days(45, "note"), []string{"note 0"}, 0, false},
		{"the trail", days(1, "audit"), nil, 0, true},
		{"longer than all", days(400, "personal", "automatic", "note", "audit"), nil, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, _ := aged(t, nil)
			before := w.subjects()
			if tt.audit {
				w.ticks.Add(3 * 24 * 3600)
			}
			w.Retain(tt.keep)
			would, err := w.Enforce(context.Background(), true, nil)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(before, w.subjects()); d != "" {
				t.Errorf("a dry run changed something:\n%s", d)
			}
			did, err := w.Enforce(context.Background(), false, nil)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(without(before, tt.gone...), w.subjects()); d != "" {
				t.Errorf("what is left (-want +got):\n%s", d)
			}
			if did.Held != tt.held || !tt.audit && !maps.Equal(would.Removed, did.Removed) {
				t.Errorf("held %d, want %d; removed %v, would have been %v", did.Held, tt.held, did.Removed, would.Removed)
			}
			if tt.audit != (did.Removed["audit"] > 0) {
				t.Errorf("%d lines of the trail removed", did.Removed["audit"])
			}
			w.sync()
			w.renumber("ada", "INBOX") // the server numbers anew: all mail comes once more
			w.sync()
			if d := cmp.Diff(without(before, tt.gone...), w.subjects()); d != "" {
				t.Errorf("after another sync (-want +got):\n%s", d)
			}
			again, err := w.Enforce(context.Background(), false, nil)
			if err != nil || len(again.Removed) > 0 {
				t.Errorf("the next run removed %v, %v", again.Removed, err)
			}
			w.Retain(days(4000, "personal")) // now it is wanted again
			if _, err := w.Enforce(context.Background(), false, nil); err != nil {
				t.Fatal(err)
			}
			w.sync()
			if d := cmp.Diff(without(before, "note 0", "note 1"), without(w.subjects(), "note 0", "note 1")); d != "" {
				t.Errorf("kept longer again (-want +got):\n%s", d)
			}
		})
	}
}

// TestRetentionSettles demands that what was removed counts as skipped, and
// that nothing points at it.
func TestRetentionSettles(t *testing.T) {
	w, _ := aged(t, nil)
	raw := w.find("old report")[0].Raw
	w.Retain(days(45, "automatic"))
	if _, err := w.Enforce(context.Background(), false, nil); err != nil {
		t.Fatal(err)
	}
	err := w.store.View(context.Background(), func(tx store.Tx) error {
		p, err := tx.Folders().Progress(w.folder("ada", "INBOX").Folder)
		if err != nil || p.Skipped[message.Expired].String() != "1" {
			t.Errorf("skipped as expired: %q, %v", p.Skipped[message.Expired], err)
		}
		if has, err := tx.Blobs().Has(raw); err != nil || has {
			t.Errorf("the original is still there, %v", err)
		}
		lines, err := tx.Audit().List("", store.Slice{Limit: 1})
		if err != nil || lines.Items[0].Action != "retention.enforce" || lines.Items[0].Detail != "1 automatic" {
			t.Errorf("the trail says %+v, %v", lines.Items, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRetentionBrokenOff fails the store at each call of a run in turn: the
// next run ends where an undisturbed one does.
func TestRetentionBrokenOff(t *testing.T) {
	whole, _ := aged(t, nil)
	whole.Retain(days(45, "automatic", "note", "audit"))
	if _, err := whole.Enforce(context.Background(), false, nil); err != nil {
		t.Fatal(err)
	}
	want, tries := whole.dump(), 0
	for n := 1; ; n++ {
		var faulty *storetest.Faulty
		w, _ := aged(t, func(s store.Store) store.Store { return storetest.Twice(s) })
		faulty = storetest.Failing(w.store, n)
		broken, err := intake.New(intake.Options{Store: faulty, Rules: rules(), Key: []byte("0123456789abcdef0123456789abcdef"), Suggest: true, Mailboxes: boxes, Now: w.now})
		if err != nil {
			t.Fatal(err)
		}
		broken.Retain(days(45, "automatic", "note", "audit"))
		_, err = broken.Enforce(context.Background(), false, nil)
		if !faulty.Failed() {
			break
		}
		if err == nil {
			t.Errorf("call %d failed and nobody said so", n)
		}
		w.Retain(days(45, "automatic", "note", "audit"))
		if _, err := w.Enforce(context.Background(), false, nil); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, w.dump()); d != "" {
			t.Errorf("broken off at call %d and resumed:\n%s", n, d)
		}
		tries++
	}
	if tries < 3 {
		t.Errorf("only %d calls failed", tries)
	}
}
