package storetest

import (
	"errors"
	"testing"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/outbox"
	"rapport/store"
)

// delivery is one of one run in one state.
func delivery(n int, run campaign.RunID, address contact.Address, state outbox.State) outbox.Delivery {
	return outbox.Delivery{ID: newID[outbox.ID](n), Run: run, Address: address, Sender: "news", From: "news@example.com", State: state, Changed: at(n)}
}

func testOutbox(t *testing.T, s store.Store) {
	one, other := newID[campaign.RunID](0), newID[campaign.RunID](1)
	a, b := delivery(2, one, "ada@example.com", outbox.Frozen), delivery(3, one, "bob@example.com", outbox.Frozen)
	c := delivery(4, other, "ada@example.com", outbox.Planned)
	a.Due, b.Due = at(11), at(10)
	add := func(d outbox.Delivery) error {
		return s.Update(t.Context(), func(tx store.Tx) error { return tx.Outbox().Add(d) })
	}
	for _, d := range []outbox.Delivery{a, b, c} {
		if err := add(d); err != nil {
			t.Fatal(err)
		}
	}
	get := func(d outbox.Delivery) outbox.Delivery {
		return view(t, s, func(tx store.Tx) (outbox.Delivery, error) { return tx.Outbox().Get(d.ID) })
	}
	equal(t, "Get", get(a), a)

	twice := delivery(5, one, "ada+spring@example.com", outbox.Frozen)
	if err := add(twice); !errors.Is(err, store.ErrExists) {
		t.Errorf("a second delivery to the same person: %v", err)
	}
	twice.Step = 1
	if err := add(twice); err != nil {
		t.Errorf("another step: %v", err)
	}
	if err := add(a); !errors.Is(err, store.ErrExists) {
		t.Errorf("the same delivery again: %v", err)
	}
	if err := add(delivery(6, one, "eve@example.com", outbox.Accepted)); err == nil {
		t.Error("a delivery that is accepted already was added")
	}
	moved := a
	moved.Address = "eve@example.com"
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Outbox().Put(moved) }); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a delivery became another's: %v", err)
	}
	outboxDue(t, s, a, b)
	outboxLists(t, s, one, a, b, c, twice)
	outboxBytes(t, s, a.ID)
	outboxErase(t, s, a, b)
}

// outboxErase removes a person from a delivery that is done, and refuses one
// that would still be sent.
func outboxErase(t *testing.T, s store.Store, waits, done outbox.Delivery) {
	t.Helper()
	err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Outbox().Erase(waits.ID) })
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("erased though it waits: %v", err)
	}
	update(t, s, func(tx store.Tx) error {
		return errors.Join(tx.Outbox().Freeze(done.ID, []byte("x\r\n")), tx.Outbox().Erase(done.ID))
	})
	missing(t, s, "Bytes of an erased person's", func(tx store.Tx) ([]byte, error) { return tx.Outbox().Bytes(done.ID) })
	got := view(t, s, func(tx store.Tx) (outbox.Delivery, error) { return tx.Outbox().Get(done.ID) })
	if got.Address == done.Address || got.Contact != "" || got.Run != done.Run || got.State != outbox.Intent {
		t.Errorf("erased: %+v", got)
	}
	to := view(t, s, func(tx store.Tx) (store.Page[outbox.Delivery], error) {
		return tx.Outbox().List(store.OutboxFilter{Address: done.Address}, store.Slice{})
	})
	equal(t, "to an erased person", len(to.Items), 0)
}

func outboxDue(t *testing.T, s store.Store, a, b outbox.Delivery) {
	t.Helper()
	due := func(now time.Time) (ids []outbox.ID) {
		p := view(t, s, func(tx store.Tx) (store.Page[outbox.Delivery], error) {
			return tx.Outbox().Due(a.Run, now, store.Slice{})
		})
		for _, d := range p.Items {
			ids = append(ids, d.ID)
		}
		return ids
	}
	next := func(run campaign.RunID) (when time.Time, waits bool) {
		err := s.View(t.Context(), func(tx store.Tx) (err error) {
			when, waits, err = tx.Outbox().NextDue(run)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return when, waits
	}
	first := due(at(9))
	if len(first) != 1 { // the other step of ada, due at once
		t.Fatalf("due at 9: %v", first)
	}
	equal(t, "due at 10", due(at(10)), append(first, b.ID))
	equal(t, "due at 11", due(at(11)), append(first, b.ID, a.ID))
	if got, waits := next(a.Run); !waits || got.After(at(0)) {
		t.Errorf("next is due at %v, %v, though one was at once", got, waits)
	}
	if got, waits := next("none"); waits {
		t.Errorf("another run's next is due at %v", got)
	}
	update(t, s, func(tx store.Tx) error {
		d, err := b.Apply(outbox.Event{What: outbox.Commit}, at(12))
		return errors.Join(err, tx.Outbox().Put(d))
	})
	equal(t, "due after one left", due(at(11)), append(first, a.ID))
}

func outboxLists(t *testing.T, s store.Store, one campaign.RunID, a, b, c, twice outbox.Delivery) {
	t.Helper()
	list := func(f store.OutboxFilter) (ids []outbox.ID) {
		for at := (store.Slice{Limit: 1}); ; {
			p := view(t, s, func(tx store.Tx) (store.Page[outbox.Delivery], error) { return tx.Outbox().List(f, at) })
			for _, d := range p.Items {
				ids = append(ids, d.ID)
			}
			if at.Cursor = p.Next; at.Cursor == "" {
				return ids
			}
		}
	}
	equal(t, "all", list(store.OutboxFilter{}), []outbox.ID{a.ID, b.ID, c.ID, twice.ID})
	equal(t, "of a run", list(store.OutboxFilter{Run: one}), []outbox.ID{a.ID, twice.ID, b.ID})
	equal(t, "of a run in a state", list(store.OutboxFilter{Run: one, State: outbox.Frozen}), []outbox.ID{a.ID, twice.ID})
	equal(t, "at the dot", list(store.OutboxFilter{State: outbox.Intent}), []outbox.ID{b.ID})
	equal(t, "planned", list(store.OutboxFilter{State: outbox.Planned}), []outbox.ID{c.ID})
	equal(t, "to somebody", list(store.OutboxFilter{Address: "ada+x@example.com"}), []outbox.ID{a.ID, c.ID, twice.ID})
	equal(t, "to somebody in a run", list(store.OutboxFilter{Address: "ada@example.com", Run: one, State: outbox.Frozen}), []outbox.ID{a.ID, twice.ID})
	equal(t, "Count", view(t, s, func(tx store.Tx) (map[outbox.State]int, error) { return tx.Outbox().Count(one) }),
		map[outbox.State]int{outbox.Frozen: 2, outbox.Intent: 1})
}

func outboxBytes(t *testing.T, s store.Store, id outbox.ID) {
	t.Helper()
	mail := []byte("Subject: x\r\n\r\nhello\r\n")
	read := func(tx store.Tx) ([]byte, error) { return tx.Outbox().Bytes(id) }
	missing(t, s, "Bytes", read)
	update(t, s, func(tx store.Tx) error { return tx.Outbox().Freeze(id, mail) })
	equal(t, "Bytes", view(t, s, read), mail)
	update(t, s, func(tx store.Tx) error { return errors.Join(tx.Outbox().Drop(id), tx.Outbox().Drop(id)) })
	missing(t, s, "Bytes after Drop", read)
}

func testRuns(t *testing.T, s store.Store) {
	var all []campaign.Run
	update(t, s, func(tx store.Tx) error {
		all = nil
		for i, name := range []string{"spring", "summer", "spring"} {
			r := campaign.Run{ID: newID[campaign.RunID](i), Campaign: name, Purpose: "newsletter", Sender: "news", State: campaign.Preparing, Created: at(i), Changed: at(i)}
			all = append(all, r)
			if err := tx.Runs().Put(r); err != nil {
				return err
			}
		}
		return nil
	})
	list := func(name string) []campaign.Run {
		return view(t, s, func(tx store.Tx) (store.Page[campaign.Run], error) { return tx.Runs().List(name, store.Slice{}) }).Items
	}
	equal(t, "List", list(""), []campaign.Run{all[2], all[1], all[0]})
	equal(t, "List of one", list("spring"), []campaign.Run{all[2], all[0]})
	equal(t, "Get", view(t, s, func(tx store.Tx) (campaign.Run, error) { return tx.Runs().Get(all[1].ID) }), all[1])
	in := func(state campaign.RunState) []campaign.Run {
		return view(t, s, func(tx store.Tx) (store.Page[campaign.Run], error) { return tx.Runs().In(state, store.Slice{}) }).Items
	}
	all[1].State = campaign.Running
	update(t, s, func(tx store.Tx) error { return tx.Runs().Put(all[1]) })
	equal(t, "In", in(campaign.Preparing), []campaign.Run{all[0], all[2]})
	equal(t, "In after a change", in(campaign.Running), []campaign.Run{all[1]})
	missing(t, s, "Get", func(tx store.Tx) (campaign.Run, error) { return tx.Runs().Get(newID[campaign.RunID](9)) })
}

func testSuppressions(t *testing.T, s store.Store) {
	who, other := store.Digest{1}, store.Digest{2}
	all := []store.Suppression{
		{Digest: who, Why: "complaint", At: at(1), By: "report"},
		{Digest: who, Scope: "newsletter", Why: "unsubscribe", At: at(2), By: "mail", Address: "ada@example.com"},
		{Digest: other, Scope: "survey", Why: "unsubscribe", At: at(3), By: "page"},
	}
	update(t, s, func(tx store.Tx) error {
		for _, v := range all {
			if err := tx.Suppressions().Put(v); err != nil {
				return err
			}
		}
		return nil
	})
	of := func(d store.Digest) []store.Suppression {
		return view(t, s, func(tx store.Tx) ([]store.Suppression, error) { return tx.Suppressions().Of(d) })
	}
	equal(t, "Of", of(who), all[:2])
	equal(t, "Of nobody", len(of(store.Digest{3})), 0)
	update(t, s, func(tx store.Tx) error { return tx.Suppressions().Delete(who, "newsletter") })
	update(t, s, func(tx store.Tx) error { return tx.Suppressions().Delete(who, "newsletter") })
	equal(t, "Of after Delete", of(who), all[:1])
	equal(t, "List", view(t, s, func(tx store.Tx) (store.Page[store.Suppression], error) {
		return tx.Suppressions().List(store.Slice{})
	}).Items, []store.Suppression{all[0], all[2]})
}
