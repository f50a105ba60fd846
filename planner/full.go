package planner

import (
	"fmt"
	"slices"
	"time"

	"rapport/records/outbox"
	"rapport/store"
)

// Whose mailbox could take none of the last mails, for long, is not written to
// any more: nobody reads it.
const (
	fullInRow = 3
	fullFor   = 14 * 24 * time.Hour
)

// sentAt is when a delivery was at its server.
func sentAt(d outbox.Delivery) time.Time {
	if d.State == outbox.Accepted {
		return d.Dotted
	}
	return d.Changed
}

// fullForLong reports whether a delivery that its mailbox could not take is the
// last of so many in a row, over so long. One that came back later than others
// were taken counts for when it was sent.
func (p *Planner) fullForLong(tx store.Tx, d outbox.Delivery) (bool, error) {
	var before []outbox.Delivery
	for _, state := range []outbox.State{outbox.Accepted, outbox.Rejected} {
		some, err := store.Where(func(s store.Slice) (store.Page[outbox.Delivery], error) {
			return tx.Outbox().List(store.OutboxFilter{Address: d.Address, State: state}, s)
		}, func(o outbox.Delivery) (bool, error) {
			told := state == outbox.Accepted || o.Class == outbox.ClassMailbox
			return o.ID != d.ID && told && sentAt(o).Before(sentAt(d)), nil
		})
		if err != nil {
			return false, fmt.Errorf("read what was sent to %s: %w", d.Address, err)
		}
		before = append(before, some...)
	}
	slices.SortFunc(before, func(a, b outbox.Delivery) int { return sentAt(b).Compare(sentAt(a)) })
	for n, o := range before {
		switch {
		case o.State == outbox.Accepted && o.Evidence.Full.IsZero():
			return false, nil
		case n+2 >= fullInRow && sentAt(d).Sub(sentAt(o)) >= fullFor:
			return true, nil
		}
	}
	return false, nil
}
