// Package timeline holds one line of a history, and the order of lines.
package timeline

import (
	"time"

	"rapport/records/contact"
	"rapport/records/message"
)

// ID names one entry for ever; a ULID as text.
type ID string

// Kind is what an entry is about.
type Kind string

// The kinds of entries.
const (
	Message  Kind = "message"
	Note     Kind = "note"
	Call     Kind = "call"
	Meeting  Kind = "meeting" // noted by hand, or the last word of an invitation's mails
	Sale     Kind = "sale"
	Delivery Kind = "delivery"
	Answer   Kind = "answer"
	Outcome  Kind = "outcome"
)

// The texts of outcomes.
const (
	Bounced      = "bounced"
	Rejected     = "rejected"
	Unsubscribed = "unsubscribed"
	Complained   = "complained"
)

// came puts in words what came of a mail of a campaign.
var came = map[string]string{
	Bounced: "newsletter bounced", Rejected: "newsletter refused", Unsubscribed: "unsubscribed", Complained: "reported the newsletter as spam",
}

// Came says in English words what an entry tells of a mail of a campaign: that
// it arrived, or what came of it. It is "" for any other entry.
func Came(kind Kind, text string) string {
	switch kind {
	case Delivery:
		return "newsletter delivered"
	case Outcome:
		if words, ok := came[text]; ok {
			return words
		}
		return "newsletter: " + OneLine(text, 60)
	}
	return ""
}

// Entry is one line of the histories of everybody it concerns: one entry,
// however many contacts and organisations share it.
type Entry struct {
	ID            ID                       `json:"id"`
	Time          time.Time                `json:"time"`
	Kind          Kind                     `json:"kind"`
	Direction     message.Direction        `json:"direction,omitempty"`
	Subject       string                   `json:"subject,omitempty"`
	Snippet       string                   `json:"snippet,omitempty"`
	Text          string                   `json:"text,omitempty"` // of a note or call; a message's text stays in the store
	By            contact.Address          `json:"by,omitempty"`   // the member who wrote the note or call
	Message       message.ID               `json:"message,omitempty"`
	Thread        message.ThreadID         `json:"thread,omitempty"`
	Contacts      []contact.ID             `json:"contacts,omitempty"`
	Organisations []contact.OrganisationID `json:"organisations,omitempty"`
	Attachment    bool                     `json:"attachment,omitempty"`
	Auto          bool                     `json:"auto,omitempty"`    // shown collapsed
	Private       bool                     `json:"private,omitempty"` // protected: seen by the owner only

	// What follows is said of messages alone; see package relation.
	Turn    Turn              `json:"turn,omitempty"`    // what it does to whose turn it is
	Members []contact.Address `json:"members,omitempty"` // the primary addresses of those of us who wrote it or got it, at most 8
	// Aside and AsideOrganisations are those of Contacts and Organisations who
	// did not write it, nor is it addressed to them.
	Aside              []contact.ID             `json:"aside,omitempty"`
	AsideOrganisations []contact.OrganisationID `json:"aside_organisations,omitempty"`
}

// Turn is what a message does to whose turn it is in its conversation.
type Turn string

// The turns. What is automatic, from a list, a report or a calendar's has none.
const (
	Asks   Turn = "asks"   // the other side is to answer
	Told   Turn = "told"   // it answers, and waits for nobody: one mail to many
	Closes Turn = "closes" // it ends the conversation: thanks, that is all
)

// OfMail reports whether a message made the entry, not somebody's hand.
func (e Entry) OfMail() bool { return e.Message != "" }

// Less orders entries: by time, then by id, so that the order is total.
func Less(a, b Entry) bool {
	if !a.Time.Equal(b.Time) {
		return a.Time.Before(b.Time)
	}
	return a.ID < b.ID
}
