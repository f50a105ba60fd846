package intake

import (
	"context"
	"errors"
	"fmt"

	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
)

// toldAtOnce bounds the entries that one transaction tells.
const toldAtOnce = 200

// Relate has the entries of a store that is older than relations say what they
// mean for them, newest first and a bounded part at a time, while mail flows.
// One that is interrupted goes on where it was; where nothing is left it costs
// a look.
func (i *Intake) Relate(ctx context.Context) error {
	for more := true; more; {
		err := i.store.View(ctx, func(tx store.Tx) error {
			at, err := tx.State().Get(store.StateUntold)
			more = len(at) > 0
			return err
		})
		if err == nil && more {
			err = i.store.Update(ctx, i.tellSome)
		}
		if err != nil {
			return fmt.Errorf("count older entries for relations: %w", err)
		}
	}
	return nil
}

// tellSome puts the next entries once more.
func (i *Intake) tellSome(tx store.Tx) error {
	at, err := tx.State().Get(store.StateUntold)
	if err != nil || len(at) == 0 {
		return err
	}
	slice := store.Slice{Limit: toldAtOnce}
	if string(at) != store.Untold {
		slice.Cursor = store.Cursor(at)
	}
	page, err := tx.Entries().Recent(slice)
	if err != nil {
		return err
	}
	t, err := i.taking(tx, message.Folder{})
	if err != nil {
		return err
	}
	for _, e := range page.Items {
		if err := t.tell(e); err != nil {
			return fmt.Errorf("tell entry %s: %w", e.ID, err)
		}
	}
	if page.Next == "" {
		return tx.State().Put(store.StateUntold, nil)
	}
	return tx.State().Put(store.StateUntold, []byte(page.Next))
}

// tell puts an entry once more, of a message as it would be made of it now.
func (t *taking) tell(e timeline.Entry) error {
	if !e.OfMail() {
		return t.tx.Entries().Put(e, nil)
	}
	m, err := t.tx.Messages().Get(e.Message)
	if errors.Is(err, store.ErrNotFound) {
		return t.tx.Entries().Put(e, nil) // a fault of the store, which a check reports
	}
	if err != nil {
		return err
	}
	if err := t.tx.Entries().Put(entryOf(e.ID, m, t.team), nil); err != nil {
		return err
	}
	return t.meet(m)
}
