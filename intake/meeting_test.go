package intake_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
)

// invite is a mail about the meeting uid.
func invite(id, from, to, method string, sequence int, more string) string {
	return mail(id, from, to, method+" "+id, "Content-Type: text/calendar; method="+method) +
		fmt.Sprintf("BEGIN:VCALENDAR\nMETHOD:%s\nBEGIN:VEVENT\nUID:m1\nSEQUENCE:%d\nDTSTAMP:20260301T0%d0000Z\nDTSTART;TZID=Europe/Berlin:20260407T1%d0000\n%sEND:VEVENT\nEND:VCALENDAR\n", method, sequence, sequence, sequence, more)
}

// meetings lists the subjects of the entries of a history that are meetings.
func (w *world) meetings(c contact.Contact) (out []string) {
	w.t.Helper()
	err := w.store.View(context.Background(), func(tx store.Tx) error {
		page, err := tx.Entries().Of(store.Subject{Contact: c.ID}, store.Slice{Limit: 100})
		for _, e := range page.Items {
			if e.Kind == timeline.Meeting {
				out = append(out, e.Subject)
			}
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// TestMeetings files an invitation, its update, answers and cancellation in
// many orders: one of them stands as the meeting, the last word of its
// organiser, whichever came first.
func TestMeetings(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	mails := []string{
		invite("i0", cleo, ada, "REQUEST", 0, ""), invite("i1", cleo, ada, "REQUEST", 1, ""), invite("i2", cleo, ada, "CANCEL", 2, ""),
		invite("r0", ada, cleo, "REPLY", 0, "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ada@ours.example\n"), invite("r5", ada, cleo, "REPLY", 5, ""),
		strings.ReplaceAll(invite("s0", cleo, ada, "REQUEST", 0, ""), "UID:m1", "UID:m1\nRECURRENCE-ID:20260407T100000Z"),
	}
	want := ""
	for seed := range uint64(4) {
		w := newWorld(t)
		c := w.person("Cleo", "cleo@client.example")
		rng := rand.New(rand.NewPCG(seed, 1))
		for _, raw := range mails {
			w.deliver("ada", "INBOX", raw)
		}
		f := w.folder("ada", "INBOX")
		for _, n := range rng.Perm(len(mails)) {
			w.take(f, []uint32{uint32(n) + 1})
		}
		w.sync()
		got := w.meetings(c)
		slices.Sort(got)
		if s := strings.Join(got, "; "); s != "CANCEL i2; REQUEST s0" {
			t.Errorf("order %d: the meetings are %q", seed, s)
		}
		if dump := w.dump(); want == "" {
			want = dump
		} else if dump != want {
			t.Errorf("order %d leads elsewhere", seed)
		}
		if seed > 0 {
			continue
		}
		// What is taken away says nothing any more; the word before it stands.
		id, err := w.Withdraw(ctx, "test", w.find("CANCEL i2")[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.meetings(c); !slices.Contains(got, "REQUEST i1") {
			t.Errorf("without the cancellation the meetings are %q", got)
		}
		m := w.find("REQUEST i1")[0]
		if cal := m.Verdict.Calendar; m.Verdict.Kind != message.Calendar || cal.Start.Format("2006-01-02 15:04") != "2026-04-07 09:00" {
			t.Errorf("the meeting is %+v", cal)
		}
		if err := w.Undo(ctx, "test", id); err != nil {
			t.Fatal(err)
		}
		w.sync()
		if got := w.meetings(c); !slices.Contains(got, "CANCEL i2") || len(got) != 2 {
			t.Errorf("with the cancellation back the meetings are %q", got)
		}
	}
}

// TestMeetingOfTooMany: what bears one name more often than anybody moves a
// meeting is none, and costs no more with each that comes.
func TestMeetingOfTooMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.person("Cleo", "cleo@client.example")
	for n := range 100 {
		w.deliver("ada", "INBOX", invite(fmt.Sprint("x", n), cleo, ada, "REQUEST", n%5, ""))
	}
	w.sync()
	if got := w.meetings(c); len(got) != 1 {
		t.Errorf("of 100 mails the meetings are %q", got)
	}
	w.deliver("ada", "INBOX", invite("one more", cleo, ada, "REQUEST", 0, ""))
	w.sync()
	if got := w.meetings(c); len(got) != 0 {
		t.Errorf("of 101 mails the meetings are %q", got)
	}
}
