package intake_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"rapport/intake"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
)

// everything is all the words of the store that an erasure may have to do with.
func (w *world) everything() string {
	w.t.Helper()
	var b strings.Builder
	err := w.store.View(context.Background(), func(tx store.Tx) error {
		b.Reset()
		audit, err := tx.Audit().List("", store.Slice{Limit: 1000})
		if err != nil {
			return err
		}
		for _, r := range audit.Items {
			fmt.Fprintf(&b, "audit %s %s %s %s %s %s\n", r.Action, r.Actor, r.Object, r.Detail, r.Before, r.After)
		}
		pending, err := tx.Searches().Pending("nobody")
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "searches %+v\n", pending)
		for _, name := range []string{"refile-pending", "unread-messages"} {
			v, err := tx.State().Get(name)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "%s %s\n", name, v)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.dump() + b.String()
}

func mustNot(t *testing.T, w *world, words ...string) {
	t.Helper()
	for line := range strings.Lines(w.everything()) {
		for _, word := range words {
			if strings.Contains(line, word) {
				t.Errorf("%q is still in the store: %.300s", word, line)
			}
		}
	}
}

// TestEraseLeavesNoWord erases somebody of whom much is known in many places.
func TestEraseLeavesNoWord(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	a, b := w.company("North", "north.example"), w.company("South", "south.example")
	w.deliver("ada", "INBOX", mail("x1", "Yan <yan@stranger.example>", ada, "Something else"))
	w.deliver("ada", "INBOX", mail("e0", "Eve Adams <eve+news@gone.example>", ada, "Before anybody knew her"))
	w.sync()
	e, err := w.AddContact(ctx, "test", contact.Contact{
		Name: "Eve Adams", Addresses: []contact.Address{"eve@gone.example"}, Kind: contact.Customer,
		Affiliations: []contact.Affiliation{{Organisation: b.ID}},
	})
	if err != nil {
		t.Fatal(err)
	}
	other := w.person("Evan", "evan@other.example")
	w.deliver("ada", "INBOX", mail("e1", "Eve Adams <eve@gone.example>", ada, "From Eve"))
	w.deliver("ada", "INBOX", mail("z1", zoe, ada, "About somebody", "Cc: Yan <yan@stranger.example>"))
	w.person("Zoe", "zoe@stranger.example")
	w.sync()

	w.mergedAndUndone(other.ID, e.ID, a.ID, b.ID)
	// Mail filed under her by hand alone, in a private thread, is on no timeline.
	m := w.find("About somebody")[0]
	if _, err := w.File(ctx, "test", m.ID, store.Subject{Contact: e.ID}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Private(ctx, "test", m.Thread); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Note(ctx, "test", store.Subject{Contact: e.ID}, timeline.Note, "Eve Adams called", start); err != nil {
		t.Fatal(err)
	}
	// A search for her waits for a mailbox that does not come.
	err = w.store.Update(ctx, func(tx store.Tx) error {
		return tx.Searches().Put(message.Search{ID: store.NewID(start), Addresses: []contact.Address{"eve@gone.example", "x@other.example"}})
	})
	if err != nil {
		t.Fatal(err)
	}

	if _, err := w.Erase(ctx, "test", e.ID); err != nil {
		t.Fatal(err)
	}
	w.sync()
	mustNot(t, w, "eve@gone", "eve+news@gone", "Eve Adams")
	for _, m := range w.find("About somebody") {
		for _, x := range m.Matches {
			if x.Contact == e.ID {
				t.Errorf("%q is still filed under the erased: %+v", m.Head.Subject, x)
			}
		}
	}
	if d := w.everything(); !strings.Contains(d, "x@other.example") {
		t.Errorf("the search for somebody else is gone")
	}
}

// mergedAndUndone merges people and takes it back, and merges organisations:
// what undoes either keeps what everybody was.
func (w *world) mergedAndUndone(keep, lose contact.ID, into, from contact.OrganisationID) {
	w.t.Helper()
	ctx := context.Background()
	id, err := w.MergeContacts(ctx, "test", keep, lose)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.Undo(ctx, "test", id); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.MergeOrganisations(ctx, "test", into, from); err != nil {
		w.t.Fatal(err)
	}
}

// TestSharedCountsWhoLostASide: Erased.Shared counts the messages that stay
// without her, not all that were looked at.
func TestSharedCountsWhoLostASide(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.person("Eve", "eve@gone.example")
	w.person("Cleo", "cleo@client.example")
	w.deliver("ada", "INBOX", mail("c1", cleo, ada, "Without her"))
	w.deliver("ada", "INBOX", mail("c2", cleo, ada, "With her", "Cc: eve@gone.example", "In-Reply-To: <c1@test>"))
	w.deliver("ada", "INBOX", mail("e1", "eve@gone.example", ada, "From her alone"))
	w.sync()
	r, err := w.Erase(context.Background(), "test", e.ID)
	if want := (intake.Erased{Messages: 1, Shared: 1}); err != nil || r != want {
		t.Errorf("Erase() = %+v, %v; want %+v", r, err, want)
	}
}

// TestReapplyAfterARestore: an older backup, in which the erased is a
// suggestion and a participant only, is cleaned by the journal.
func TestReapplyAfterARestore(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	w.deliver("ada", "INBOX", mail("e1", "Eve <eve@gone.example>", ada, "From Eve"))
	w.deliver("ada", "INBOX", mail("f1", "Eve <eve@firm.example>", ada, "From the firm"))
	w.company("Firm", "firm.example")
	w.sync()
	digests := []store.Digest{
		store.Digest(contact.AddressDigest([]byte("0123456789abcdef0123456789abcdef"), "eve@gone.example")),
		store.Digest(contact.AddressDigest([]byte("0123456789abcdef0123456789abcdef"), "eve@firm.example")),
	}
	if _, err := w.Reapply(ctx, digests); err != nil {
		t.Fatal(err)
	}
	w.sync()
	mustNot(t, w, "eve@gone", "eve@firm")
}
