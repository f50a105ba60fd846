package boltstore

import (
	"context"
	"errors"
	"testing"

	"rapport/records/message"
	"rapport/store"
)

// TestCopiesWithoutNumber: where a server gave numbers to other mail, what had
// them stays as history under none, several messages in one folder.
func TestCopiesWithoutNumber(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true, NoMerge: true})
	lost := message.Holding{Mailbox: "ada", Folder: "INBOX"}
	put := func(id message.ID, holdings ...message.Holding) func(store.Tx) error {
		return func(tx store.Tx) error {
			return tx.Messages().Put(message.Message{ID: id, Holdings: holdings}, []message.Sum{{id[0]}})
		}
	}
	for _, fn := range []func(store.Tx) error{put("a", lost, lost), put("b", lost), put("c", lost)} {
		if err := s.Update(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
	}
	noFaults(t, s, "raw mail")
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Messages().Delete("b") }); err != nil {
		t.Fatal(err)
	}
	noFaults(t, s, "raw mail")
	err := s.View(context.Background(), func(tx store.Tx) error {
		_, err := tx.Messages().ByHolding("ada", "INBOX", 0, 0)
		return err
	})
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a copy is found by a number it does not have: %v", err)
	}
}
