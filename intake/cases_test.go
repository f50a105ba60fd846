package intake_test

import (
	"testing"
	"time"

	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/store"
)

// TestCasesCloseByThemselves opens cases and has mail come and go: only what a
// person of us writes to them afterwards closes one.
func TestCasesCloseByThemselves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cleo, err := w.AddContact(t.Context(), "eve", contact.Contact{Name: "Cleo", Addresses: []contact.Address{"cleo@client.example"}})
	if err != nil {
		t.Fatal(err)
	}
	dan, err := w.AddContact(t.Context(), "eve", contact.Contact{Name: "Dan", Addresses: []contact.Address{"dan@client.example"}})
	if err != nil {
		t.Fatal(err)
	}
	open := func(c contact.Contact, kind followup.Kind) followup.FollowUp {
		t.Helper()
		f, err := w.AddFollowUp(t.Context(), "eve", followup.FollowUp{Kind: kind, Contact: c.ID, Due: "2026-05-01", Owner: "ada@ours.example"})
		if err != nil {
			t.Fatal(err)
		}
		// The minute of a mail here is the length of its subject.
		f.Created = time.Date(2026, 3, 2, 9, 7, 0, 0, time.UTC)
		if err := w.store.Update(t.Context(), func(tx store.Tx) error { return tx.FollowUps().Put(f) }); err != nil {
			t.Fatal(err)
		}
		return f
	}
	w.deliver("ada", "Sent", mail("m01", ada, "cleo@client.example", "Before"))
	w.sync()
	case1, plain, other := open(cleo, followup.Complaint), open(cleo, ""), open(dan, followup.Question)
	state := func(f followup.FollowUp) (out followup.FollowUp) {
		t.Helper()
		if err := w.store.View(t.Context(), func(tx store.Tx) (err error) { out, err = tx.FollowUps().Get(f.ID); return err }); err != nil {
			t.Fatal(err)
		}
		return out
	}
	w.deliver("ada", "INBOX", mail("m02", "cleo@client.example", ada, "Well?"))
	w.deliver("ada", "Sent", mail("m00", ada, "cleo@client.example", "Old"))
	w.sync()
	if f := state(case1); !f.Open() {
		t.Fatalf("closed by what they wrote, or by what was written before: %+v", f)
	}
	w.deliver("ada", "Sent", mail("m03", ada, "cleo@client.example", "So sorry"))
	w.sync()
	if f := state(case1); f.Open() || f.DoneBy != followup.ByReply {
		t.Errorf("not closed by our answer: %+v", f)
	}
	for _, f := range []followup.FollowUp{plain, other} {
		if !state(f).Open() {
			t.Errorf("closed as well: %+v", f)
		}
	}
	if _, err := w.AddFollowUp(t.Context(), "eve", followup.FollowUp{Kind: "anger", Contact: cleo.ID, Due: "2026-05-01", Owner: "ada@ours.example"}); err == nil {
		t.Error("a case of no kind was opened")
	}
}
