package store

import (
	"time"

	"rapport/records/contact"
	"rapport/records/outbox"
)

// SignUp is somebody who asked to be written to. It is believed once whoever
// reads the mail of the address says so too (double opt-in).
type SignUp struct {
	Digest   Digest          `json:"digest"` // of the folded address
	Address  contact.Address `json:"address"`
	Name     string          `json:"name,omitempty"`
	Language string          `json:"language,omitempty"` // a BCP 47 tag
	Purposes []string        `json:"purposes"`
	Asked    time.Time       `json:"asked"`
	How      string          `json:"how"`             // where they asked: form, preferences, or the member who asked them
	Agent    string          `json:"agent,omitempty"` // what their program calls itself
	From     string          `json:"from,omitempty"`  // a keyed digest of the network address
	Delivery outbox.ID       `json:"delivery"`        // the mail that asks whether it is so
	// Confirmed is when they said so; zero: not yet.
	Confirmed time.Time `json:"confirmed,omitzero"`
}

// SignUps holds one for each address.
type SignUps interface {
	Get(Digest) (SignUp, error)
	Put(SignUp) error
	Delete(Digest) error
	List(Slice) (Page[SignUp], error)
}
