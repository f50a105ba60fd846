package store

import (
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/outbox"
)

// Outbox holds deliveries and the bytes that are to be sent.
type Outbox interface {
	Get(outbox.ID) (outbox.Delivery, error)
	// Add writes a new delivery, whose state is Planned or Frozen. Where there is
	// one of the same run, step, epoch and address it ends in [ErrExists].
	Add(outbox.Delivery) error
	// Put writes a delivery that is there; what makes it unique stays.
	Put(outbox.Delivery) error
	// Bytes are the frozen bytes of a delivery.
	Bytes(outbox.ID) ([]byte, error)
	Freeze(outbox.ID, []byte) error
	// Drop lets go of the bytes; of what was dropped already it is no error.
	Drop(outbox.ID) error
	// Erase removes whom a delivery was for, and its bytes: an address that is
	// nobody's takes the place of theirs. What waits must be cancelled before.
	Erase(outbox.ID) error
	// Due lists what of a run waits and is due, the longest due first.
	Due(run campaign.RunID, now time.Time, s Slice) (Page[outbox.Delivery], error)
	// NextDue is when the next of a run's deliveries that waits is due, and
	// whether one waits.
	NextDue(campaign.RunID) (time.Time, bool, error)
	// List goes through the deliveries of a run, or of all; in order of their
	// ids, those of one state together where the filter names none.
	List(OutboxFilter, Slice) (Page[outbox.Delivery], error)
	// Count tells how many deliveries of a run are in each state.
	Count(campaign.RunID) (map[outbox.State]int, error)
}

// OutboxFilter narrows a list of deliveries. Zero fields do not narrow.
type OutboxFilter struct {
	Run     campaign.RunID
	State   outbox.State
	Address contact.Address // compared as [contact.Address.Folded] does
}

// Runs holds the runs of campaigns.
type Runs interface {
	Get(campaign.RunID) (campaign.Run, error)
	Put(campaign.Run) error
	// List goes newest first; campaign "" means all.
	List(campaign string, s Slice) (Page[campaign.Run], error)
	// In lists the runs in a state, oldest first.
	In(campaign.RunState, Slice) (Page[campaign.Run], error)
}

// Suppression says that an address is not to be written to. It survives whom
// it was about, as a keyed digest.
type Suppression struct {
	Digest  Digest    `json:"digest"` // of the folded address
	Scope   string    `json:"scope"`  // a purpose; "" for everything but what a person writes by hand
	Why     string    `json:"why"`    // objection, complaint, bounce, unsubscribe
	At      time.Time `json:"at"`
	By      string    `json:"by"`                // who or what said so
	Source  string    `json:"source,omitempty"`  // the message, delivery or request it stands in
	Address string    `json:"address,omitempty"` // as it was written; empty once its person was erased
}

// Suppressions holds them. An address may have one for each scope.
type Suppressions interface {
	// Of returns all of an address.
	Of(Digest) ([]Suppression, error)
	Put(Suppression) error
	Delete(d Digest, scope string) error
	List(Slice) (Page[Suppression], error)
}
