package store

import (
	"time"

	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/message"
	"rapport/records/relation"
)

// Relations are what the entries say of how things stand with everybody. They
// follow every Put and Delete of an entry in the same transaction, and are made
// anew with the indexes; nothing else changes them. Who is to answer in a
// conversation is told by its last [relation.MaxConversation] messages.
type Relations interface {
	// Get returns the record of a relation, the zero Record where there never
	// was any contact.
	Get(Subject) (relation.Record, error)
	// Open returns the conversations in which somebody has waited for a side's
	// answer since a time or later, at most n, longest first.
	Open(who Subject, side relation.Side, from time.Time, n int) ([]Waiting, error)
	// Waiting lists, of all contacts or of all organisations, the conversations
	// in which somebody has waited for a side's answer since a time or later,
	// longest first.
	Waiting(of Kind, side relation.Side, from time.Time, s Slice) (Page[Waiting], error)
	// Quiet lists those whose silence was unusual at a time, latest first.
	Quiet(of Kind, at time.Time, s Slice) (Page[Silence], error)
	// Answers returns the newest answers of a side, at most n.
	Answers(who Subject, side relation.Side, n int) ([]relation.Answer, error)
}

// StateUntold is the name in State under which a store of before there were
// relations keeps how far its entries have been told, newest first: Untold, or
// the cursor behind the last one. Unset means that all are.
const (
	StateUntold = "entries-untold"
	Untold      = "all"
)

// StateUnrecognised is the name in State under which a store of format 3 keeps
// how far its mail without a Message-ID has been given the identity of its
// content: Unrecognised, or the cursor behind the last message looked at. Unset
// means that all has.
const (
	StateUnrecognised = "mail-unrecognised"
	Unrecognised      = "all"
)

// Kind says whether a list is of contacts or of organisations.
type Kind byte

// The kinds.
const (
	OfContacts      Kind = 'c'
	OfOrganisations Kind = 'o'
)

// Waiting is a conversation in which somebody waits for an answer.
type Waiting struct {
	Who    Subject
	Thread message.ThreadID
	relation.Open
}

// Silence is a relation that has become unusually quiet.
type Silence struct {
	Who   Subject
	Since time.Time // when the silence began to be unusual
}

// FollowUps are what we have promised to come back to.
type FollowUps interface {
	Get(followup.ID) (followup.FollowUp, error)
	// List goes by due day, then by when it was written down.
	List(FollowUpFilter, Slice) (Page[followup.FollowUp], error)
	Put(followup.FollowUp) error
	Delete(followup.ID) error
}

// FollowUpFilter narrows a list of follow-ups. Zero fields do not narrow.
type FollowUpFilter struct {
	Owner   contact.Address
	Who     Subject
	Message message.ID
	Done    bool         // those done; otherwise those to do
	Until   followup.Day // due on this day at the latest
	Cases   bool         // cases alone
}

// Feed is a member's right to read the own follow-ups as a calendar, by a token
// of which only the digest is kept.
type Feed struct {
	Token   Digest          `json:"token"`
	Member  contact.Address `json:"member"`
	By      string          `json:"by"`
	Created time.Time       `json:"created"`
}

// Feeds are the calendars that are handed out.
type Feeds interface {
	Get(Digest) (Feed, error)
	// Of lists a member's, oldest first; of everybody where the address is empty.
	Of(contact.Address) ([]Feed, error)
	Put(Feed) error
	Delete(Digest) error
}
