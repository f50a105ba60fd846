// Package event names what happened, for whoever watches or is called: ids and
// times, never a word of a message.
package event

import (
	"time"

	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/message"
	"rapport/records/sale"
)

// Type says what happened.
type Type string

// The types of events.
const (
	MessageFiled        Type = "message.filed"        // a message is on somebody's timeline for the first time
	ContactChanged      Type = "contact.changed"      // added, edited, merged, erased, imported
	OrganisationChanged Type = "organisation.changed" // likewise
	SuggestionMade      Type = "suggestion.made"      // a correspondent nobody knows is suggested
	FollowUpDue         Type = "followup.due"         // the day has come
	SaleChanged         Type = "sale.changed"         // written down, brought up to date, imported, removed
	SaleOverdue         Type = "sale.overdue"         // the day it was to be paid by is past
	Missed              Type = "missed"               // of webhooks: what happened since was not told; read again what you keep
	WebhookTest         Type = "webhook.test"         // of webhooks: somebody tries whether it works
)

// Types lists the types of what happens.
func Types() []Type {
	return []Type{MessageFiled, ContactChanged, OrganisationChanged, SuggestionMade, FollowUpDue, SaleChanged, SaleOverdue}
}

// Event is one thing that happened. Ids that do not concern it are empty.
type Event struct {
	ID            string                   `json:"id"`
	Type          Type                     `json:"type"`
	Time          time.Time                `json:"time"`
	Message       message.ID               `json:"message,omitempty"`
	Thread        message.ThreadID         `json:"thread,omitempty"`
	Sent          time.Time                `json:"sent,omitzero"` // where the message stands in a history
	Direction     message.Direction        `json:"direction,omitempty"`
	Contacts      []contact.ID             `json:"contacts,omitempty"`
	Organisations []contact.OrganisationID `json:"organisations,omitempty"`
	Suggestion    contact.Address          `json:"suggestion,omitempty"`
	FollowUp      followup.ID              `json:"follow_up,omitempty"`
	Sale          sale.ID                  `json:"sale,omitempty"` // "" where it is several at once
}

// Path is where the API has what an event is about; "" where that is several
// things.
func (e Event) Path() string {
	switch {
	case e.Message != "":
		return "/api/v1/messages/" + string(e.Message)
	case e.FollowUp != "":
		return "/api/v1/follow-ups/" + string(e.FollowUp)
	case e.Sale != "":
		return "/api/v1/sales/" + string(e.Sale)
	case e.Suggestion != "":
		return "/api/v1/suggestions"
	case len(e.Contacts) == 1:
		return "/api/v1/contacts/" + string(e.Contacts[0])
	case len(e.Organisations) == 1:
		return "/api/v1/organisations/" + string(e.Organisations[0])
	}
	return ""
}
