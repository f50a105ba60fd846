package intake_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"rapport/intake"
	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/event"
	"rapport/records/hook"
	"rapport/records/message"
	"rapport/records/outbox"
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
		hooks, err := tx.Webhooks().List()
		if err != nil {
			return err
		}
		for _, h := range hooks {
			told, err := tx.Dispatches().Of(h.ID, store.Slice{Limit: 1000})
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "dispatches %+v\n", told.Items)
		}
		for s := (store.Slice{Limit: 1000}); ; {
			sent, err := tx.Outbox().List(store.OutboxFilter{}, s)
			if err != nil {
				return err
			}
			for _, d := range sent.Items {
				raw, _ := tx.Outbox().Bytes(d.ID) // of some there are none
				fmt.Fprintf(&b, "delivery %+v %s\n", d, raw)
			}
			if s.Cursor = sent.Next; s.Cursor == "" {
				break
			}
		}
		stops, err := tx.Suppressions().List(store.Slice{Limit: 1000})
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "suppressions %+v\n", stops.Items)
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

// TestEraseOfWhatIsTold erases somebody while programs are told of it: neither
// what waits nor what was told keeps the address, nothing that waits keeps the
// id, and what is of others stays.
func TestEraseOfWhatIsTold(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	e, err := w.AddContact(ctx, "test", contact.Contact{Name: "Eve Adams", Addresses: []contact.Address{"eve@gone.example"}, Kind: contact.Customer})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	dispatches := []hook.Dispatch{
		{Event: event.Event{Type: event.SuggestionMade, Suggestion: "eve+news@gone.example"}, Due: at},
		{Event: event.Event{Type: event.SuggestionMade, Suggestion: "eve@gone.example"}, Ended: at, Taken: true},
		{Event: event.Event{Type: event.SuggestionMade, Suggestion: "bob@stays.example"}, Due: at},
		{Event: event.Event{Type: event.ContactChanged, Contacts: []contact.ID{e.ID}}, Due: at},
		{Event: event.Event{Type: event.FollowUpDue, FollowUp: "followup-of-eve", Contacts: []contact.ID{e.ID}}, Due: at},
		{Event: event.Event{Type: event.MessageFiled, Message: "mail-of-eve", Contacts: []contact.ID{e.ID}}, Due: at},
		{Event: event.Event{Type: event.MessageFiled, Message: "mail-of-both", Contacts: []contact.ID{e.ID, "contact-of-bob"}}, Due: at},
		{Event: event.Event{Type: event.MessageFiled, Message: "mail-of-firm", Contacts: []contact.ID{e.ID}, Organisations: []contact.OrganisationID{"a-firm"}}, Due: at},
		{Event: event.Event{Type: event.ContactChanged, Contacts: []contact.ID{"contact-of-ann"}}, Due: at},
		{Event: event.Event{Type: event.OrganisationChanged}, Due: at},
	}
	err = w.store.Update(ctx, func(tx store.Tx) error {
		if err := tx.Webhooks().Put(hook.Webhook{ID: store.NewID(at), Name: "chat", URL: "https://chat.example/in"}); err != nil {
			return err
		}
		hooks, err := tx.Webhooks().List()
		for n, d := range dispatches {
			d.ID, d.Webhook, d.Created = store.NewID(at.Add(time.Duration(n)*time.Second)), hooks[0].ID, at
			err = errors.Join(err, tx.Dispatches().Put(d))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Erase(ctx, "test", e.ID); err != nil {
		t.Fatal(err)
	}
	mustNot(t, w, "gone.example", "followup-of-eve", "mail-of-eve")
	for line := range strings.Lines(w.everything()) {
		if strings.HasPrefix(line, "dispatches") && strings.Contains(line, string(e.ID)) {
			t.Errorf("a program is still to be told of who is erased: %s", line)
		}
	}
	all := w.everything()
	for _, others := range []string{"bob@stays.example", "mail-of-both", "contact-of-bob", "mail-of-firm", "contact-of-ann", string(event.OrganisationChanged)} {
		if !strings.Contains(all, others) {
			t.Errorf("what is of others, or names nobody, was removed too: %s", others)
		}
	}
}

// TestEraseOfCampaigns removes an erased person from what campaigns sent, and
// cancels what was to be sent. That they said stop outlives them.
func TestEraseOfCampaigns(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	e, err := w.AddContact(ctx, "test", contact.Contact{Name: "Eve Adams", Addresses: []contact.Address{"eve@gone.example"}, Kind: contact.Customer})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	digest := store.Digest(contact.AddressDigest([]byte("0123456789abcdef0123456789abcdef"), "eve@gone.example"))
	states := map[outbox.ID]outbox.State{}
	err = w.store.Update(ctx, func(tx store.Tx) error {
		err := tx.Suppressions().Put(store.Suppression{Digest: digest, Why: "unsubscribe", At: at, Address: "eve@gone.example"})
		for n, to := range []contact.Address{"eve@gone.example", "eve.old@gone.example", "bob@stays.example"} {
			for _, state := range []outbox.State{outbox.Frozen, outbox.Accepted} {
				d := outbox.Delivery{ID: outbox.ID(store.NewID(at)), Run: campaign.RunID(store.NewID(at)), Address: to, Sender: "news", State: outbox.Frozen, Subject: "for " + string(to)}
				if n < 2 {
					d.Contact = e.ID
				}
				err = errors.Join(err, tx.Outbox().Add(d), tx.Outbox().Freeze(d.ID, []byte("To: "+to+"\r\n")))
				d.State, states[d.ID] = state, state
				err = errors.Join(err, tx.Outbox().Put(d))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Erase(ctx, "test", e.ID); err != nil {
		t.Fatal(err)
	}
	mustNot(t, w, "gone.example")
	err = w.store.View(ctx, func(tx store.Tx) error {
		stops, err := tx.Suppressions().Of(digest)
		if err != nil || len(stops) != 1 {
			t.Errorf("that they are not to be written to is lost: %v, %v", stops, err)
		}
		for id, was := range states {
			d, err := tx.Outbox().Get(id)
			if err != nil {
				return err
			}
			if his := d.Address == "bob@stays.example"; his && d.State != was || !his && d.State.Waiting() || !his && was == outbox.Accepted && d.State != was {
				t.Errorf("a delivery that was %s: %+v", was, d)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
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
