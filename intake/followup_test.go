package intake_test

import (
	"errors"
	"testing"

	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/message"
	"rapport/store"
)

// TestFollowUpsGoAlong has whom they are about merged, put back and erased,
// their message withdrawn and their owner leave.
func TestFollowUpsGoAlong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	add := func(name, address string) contact.Contact {
		t.Helper()
		c, err := w.AddContact(ctx, "eve", contact.Contact{Name: name, Addresses: []contact.Address{contact.Address(address)}})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	cleo, dan := add("Cleo", "cleo@client.example"), add("Dan", "dan@client.example")
	w.deliver("ada", "INBOX", mail("m01", "cleo@client.example", ada, "Question"))
	w.sync()
	var mails []message.ID
	view := func(fn func(store.Tx) error) {
		t.Helper()
		if err := w.store.View(ctx, fn); err != nil {
			t.Fatal(err)
		}
	}
	view(func(tx store.Tx) error {
		page, err := tx.Messages().List(store.Slice{})
		mails = page.Items
		return err
	})
	follow := func(f followup.FollowUp) followup.FollowUp {
		t.Helper()
		f.Due, f.Owner = "2026-05-01", "ada@ours.example"
		f, err := w.AddFollowUp(ctx, "eve", f)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	about, mailed := follow(followup.FollowUp{Contact: dan.ID, Note: "dan"}), follow(followup.FollowUp{Message: mails[0]})
	get := func(id followup.ID) (f followup.FollowUp, err error) {
		view(func(tx store.Tx) error {
			f, err = tx.FollowUps().Get(id)
			return nil
		})
		return f, err
	}
	audit, err := w.MergeContacts(ctx, "eve", cleo.ID, dan.ID)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := get(about.ID); err != nil || f.Contact != cleo.ID {
		t.Errorf("after the merge about %s, %v; want the winner", f.Contact, err)
	}
	if f := follow(followup.FollowUp{Contact: dan.ID}); f.Contact != cleo.ID {
		t.Errorf("one about the loser is about %s", f.Contact)
	}
	if err := w.Undo(ctx, "eve", audit); err != nil {
		t.Fatal(err)
	}
	if f, err := get(about.ID); err != nil || f.Contact != dan.ID {
		t.Errorf("after undoing the merge about %s, %v; want whom it was about", f.Contact, err)
	}
	if err := w.Leave(ctx, "eve", "ada@ours.example", "bob@ours.example"); err != nil {
		t.Fatal(err)
	}
	f, err := get(about.ID)
	if err != nil || f.Owner != "bob@ours.example" {
		t.Errorf("after its owner left it is %s's, %v", f.Owner, err)
	}
	f.Done = w.now()
	if f, err = w.EditFollowUp(ctx, "bob", f); err != nil || f.Open() || f.DoneBy != "bob" {
		t.Errorf("done: %+v, %v", f, err)
	}
	f.Updated = f.Created
	if _, err := w.EditFollowUp(ctx, "bob", f); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a change of an older state: %v, want ErrConflict", err)
	}
	if _, err := w.Withdraw(ctx, "eve", mails[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := get(mailed.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("about a withdrawn message: %v, want ErrNotFound", err)
	}
	if _, err := w.Erase(ctx, "eve", dan.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := get(about.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("about somebody erased: %v, want ErrNotFound", err)
	}
	for _, bad := range []followup.FollowUp{
		{Due: "2026-05-01", Owner: "a@x"}, {Contact: cleo.ID, Owner: "a@x"}, {Contact: cleo.ID, Due: "2026-05-01"},
		{Contact: cleo.ID, Message: "m", Due: "2026-05-01", Owner: "a@x"}, {Contact: "none", Due: "2026-05-01", Owner: "a@x"},
	} {
		if _, err := w.AddFollowUp(ctx, "eve", bad); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}
