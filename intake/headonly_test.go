package intake_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rapport/records/message"
	"rapport/store"
)

// empty takes one copy of which the server gives the header and no byte of
// the whole.
func (w *world) empty(f *folder, uid uint32) {
	w.t.Helper()
	copies := w.copies(f, []uint32{uid})
	wishes, err := w.Wanted(context.Background(), f.Folder, copies)
	if err != nil {
		w.t.Fatal(err)
	}
	it := message.Item{Copy: copies[0], Wish: wishes[0]}
	if it.Wish.Action == message.Log || it.Wish.Action == message.Inspect {
		it.Body = message.Bytes(nil)
	}
	if err := w.Take(context.Background(), message.Batch{Folder: f.Folder, Items: []message.Item{it}}); err != nil {
		w.t.Fatal(err)
	}
}

// quarantined returns what is quarantined of a folder, and wants it in sync.
func (w *world) quarantined(f *folder) string {
	w.t.Helper()
	w.pass(f)
	if st := w.counts()[f.Mailbox+"/"+f.Name]; !st.InSync {
		w.t.Errorf("%s/%s is not in sync: %+v", f.Mailbox, f.Name, st)
	}
	p, err := w.Resume(context.Background(), f.Folder)
	if err != nil {
		w.t.Fatal(err)
	}
	return p.Quarantined.String()
}

// TestM29_EmptyBodyIsCompleted files mails whose bodies are given empty, as
// often as they are, by their headers; each has its text when it is given, and
// everything is as if it had come at once.
func TestM29_EmptyBodyIsCompleted(t *testing.T) {
	tries := 0
	first := mail("e1", cleo, ada, "First")
	mails := map[string][2]string{
		"with Message-IDs":    {first, mail("e2", cleo, ada, "Second", "In-Reply-To: <e1@test>")},
		"without Message-IDs": {strings.Replace(first, "Message-ID: <e1@test>\n", "", 1), strings.Replace(mail("e2", cleo, ada, "Second"), "Message-ID: <e2@test>\n", "", 1)},
	}
	for name, m := range mails {
		for times := 1; times <= 2; times++ {
			t.Run(name+" "+strconv.Itoa(times), func(t *testing.T) {
				tries++
				w, _, _ := filledBy(t, m[0], m[1])
				f := w.folder("ada", "INBOX")
				for range times {
					w.empty(f, 1)
					w.empty(f, 2)
				}
				if got := w.quarantined(f); got != message.UIDs(1, 2).String() {
					t.Errorf("quarantined %q, want both", got)
				}
				for _, subject := range []string{"First", "Second"} {
					if got := w.find(subject); len(got) != 1 || len(got[0].Holdings) != 1 {
						t.Errorf("%s is filed as %+v; want one message with one copy", subject, got)
					}
				}
				w.take(f, []uint32{2, 1})
				if got := w.quarantined(f); got != message.UIDs().String() {
					t.Errorf("quarantined %q when both have come", got)
				}
				at1, _, _ := filledBy(t, m[0], m[1])
				at1.sync()
				if d := cmp.Diff(at1.dump(), w.dump()); d != "" {
					t.Errorf("after it came empty (-at once +later):\n%s", d)
				}
			})
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// filledBy is a world that knows Cleo, with mails in ada's INBOX.
func filledBy(t *testing.T, mails ...string) (*world, store.Subject, *folder) {
	w := newWorld(t)
	c := w.person("Cleo", "cleo@client.example")
	for _, m := range mails {
		w.deliver("ada", "INBOX", m)
	}
	return w, store.Subject{Contact: c.ID}, w.folder("ada", "INBOX")
}

// TestM29_EmptyBesideWhole has one copy of a message come empty and another
// whole, either first: there is one message with its text.
func TestM29_EmptyBesideWhole(t *testing.T) {
	for _, emptyFirst := range []bool{true, false} {
		w, who, f := filledBy(t, mail("b1", cleo, ada+", "+bob, "Both"))
		other := w.folder("bob", "INBOX")
		w.deliver("bob", "INBOX", "Received: from elsewhere\n"+mail("b1", cleo, ada+", "+bob, "Both"))
		if emptyFirst {
			w.empty(f, 1)
			w.take(other, []uint32{1})
			w.take(f, []uint32{1}) // asked for again
		} else {
			w.take(other, []uint32{1})
			w.empty(f, 1)
		}
		got := w.find("Both")
		if len(got) != 1 || got[0].Snippet == "" || len(got[0].Holdings) != 2 || len(got[0].Variants) != 0 || len(got[0].Flags) != 0 {
			t.Errorf("empty first %v: %+v; want one message with its text and two copies", emptyFirst, got)
		}
		if q := w.quarantined(f); q != message.UIDs().String() {
			t.Errorf("empty first %v: quarantined %q, want nothing", emptyFirst, q)
		}
		if n := len(w.timeline(who)); n != 1 {
			t.Errorf("empty first %v: %d entries, want one", emptyFirst, n)
		}
	}
}

// TestM29_EmptyReportIsNotSkipped: whose a report is only its text tells, so
// an empty one is nobody's only when it was read.
func TestM29_EmptyReportIsNotSkipped(t *testing.T) {
	w, _, f := filledBy(t, mail("r1", "MAILER-DAEMON@client.example", ada, "Undelivered Mail Returned to Sender",
		"Auto-Submitted: auto-replied", "Content-Type: multipart/report; report-type=delivery-status; boundary=x"))
	w.empty(f, 1)
	if got := w.quarantined(f); got != message.UIDs(1).String() {
		t.Errorf("quarantined %q, want the report", got)
	}
}

// TestM29_OriginalsOfEmptyMails erases one of two people whose mail came
// empty: the other's original can still be opened.
func TestM29_OriginalsOfEmptyMails(t *testing.T) {
	w, _, f := filledBy(t, mail("o1", cleo, ada, "Hers"), mail("o2", "dan@other.example", ada, "His"))
	dan := w.person("Dan", "dan@other.example")
	w.empty(f, 1)
	w.empty(f, 2)
	if _, err := w.Erase(context.Background(), "test", dan.ID); err != nil {
		t.Fatal(err)
	}
	hers := w.find("Hers")
	if len(hers) != 1 || len(w.find("His")) != 0 {
		t.Fatalf("hers %+v, his %+v; want hers alone", hers, w.find("His"))
	}
	err := w.store.View(context.Background(), func(tx store.Tx) error {
		r, err := tx.Blobs().Open(hers[0].Raw)
		if err == nil {
			r.Close()
		}
		return err
	})
	if err != nil {
		t.Errorf("original of the mail that was not erased: %v", err)
	}
	w.sync()
}

// TestM29_EmptyInRenumberedFolder gives a folder new numbers while the text of
// a mail in it is lacking: the copy of the old number goes as any other does.
func TestM29_EmptyInRenumberedFolder(t *testing.T) {
	for _, emptyAgain := range []bool{false, true} {
		w, who, f := filledBy(t, mail("n1", cleo, ada, "Renumbered"))
		w.empty(f, 1)
		w.pass(f)
		w.renumber("ada", "INBOX")
		want := message.UIDs()
		if emptyAgain {
			w.empty(f, 100)
			want = message.UIDs(100)
		}
		w.sync()
		if q := w.quarantined(f); q != want.String() {
			t.Errorf("empty again %v: quarantined %q, want %q", emptyAgain, q, want)
		}
		got := w.find("Renumbered")
		if len(got) != 1 || len(got[0].Holdings) != 1 || got[0].Holdings[0].UID != 100 || (got[0].Snippet == "") != emptyAgain {
			t.Errorf("empty again %v: %+v; want one message with the new copy alone", emptyAgain, got)
		}
		if n := len(w.timeline(who)); n != 1 {
			t.Errorf("empty again %v: %d entries, want one", emptyAgain, n)
		}
	}
}

// TestM29_CountsAfterErasureOfEmptyMail erases somebody whose mail came empty:
// no count is shown as true that is not.
func TestM29_CountsAfterErasureOfEmptyMail(t *testing.T) {
	w, _, f := filledBy(t, mail("k1", cleo, ada, "Whole"), mail("k2", "dan@other.example", ada, "Empty"))
	dan := w.person("Dan", "dan@other.example")
	w.take(f, []uint32{1})
	w.empty(f, 2)
	w.pass(f)
	if _, err := w.Erase(context.Background(), "test", dan.ID); err != nil {
		t.Fatal(err)
	}
	if st := w.counts()["ada/INBOX"]; st.Stored != 1 {
		t.Errorf("after the erasure %d are shown as stored, want the one that is", st.Stored)
	}
	w.pass(f)
	if st := w.counts()["ada/INBOX"]; st.Stored != 1 || st.Quarantined != 0 || st.Skipped[message.Erased] != 1 || !st.InSync {
		t.Errorf("after the next pass: %+v; want one stored, one skipped", st)
	}
}
