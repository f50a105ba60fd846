package survey

import (
	"slices"
	"time"

	"rapport/records/contact"
)

// Channel is how an answer came.
type Channel string

// ByMail is an answer by mail: a reply, or one that a link began.
const ByMail Channel = "mail"

// Answer is what somebody says to a survey. There is one for each mail that
// asked, however often it is given: the last counts.
type Answer struct {
	ID           string                 `json:"id"`       // of the delivery that asked
	Campaign     string                 `json:"campaign"` // its name
	Run          string                 `json:"run"`
	Contact      contact.ID             `json:"contact,omitempty"`
	Organisation contact.OrganisationID `json:"organisation,omitempty"`
	Question     string                 `json:"question"` // its id
	Kind         Kind                   `json:"kind"`
	Sure         bool                   `json:"sure"`  // what it says is known; else a person has to read it
	Score        int                    `json:"score"` // where it is sure
	Comment      string                 `json:"comment,omitempty"`
	Why          Doubt                  `json:"why,omitempty"` // it is not sure
	Channel      Channel                `json:"channel"`
	Unverified   bool                   `json:"unverified,omitempty"` // whoever sent it is not who they say
	At           time.Time              `json:"at"`
	Changed      time.Time              `json:"changed"`
	By           contact.Address        `json:"by,omitempty"`      // the member who read it
	Sources      []string               `json:"sources,omitempty"` // Message-IDs of the mails it was read from, the last MaxSources
}

// MaxSources is how many mails an answer names.
const MaxSources = 20

// Counts reports whether an answer is one of the headline's.
func (a Answer) Counts() bool { return a.Sure && !a.Unverified }

// Hear takes up what a mail says: the same source twice says
// nothing new, and what cannot be read does not take the place of what can.
// changed reports whether the answer is another by it.
func (a Answer) Hear(r Reading, by Channel, source string, unverified bool, now time.Time) (_ Answer, changed bool) {
	if source != "" && slices.Contains(a.Sources, source) {
		return a, false
	}
	if a.At.IsZero() {
		a.At = now
	}
	if source != "" {
		a.Sources = append(slices.Clone(a.Sources), source)
		a.Sources = a.Sources[max(len(a.Sources)-MaxSources, 0):]
	}
	known := a.Sure && !a.Unverified
	switch {
	case known && unverified: // a forger does not change what was said
	case r.Sure:
		a.Sure, a.Score, a.Why, a.Channel, a.Unverified, a.By = true, r.Score, "", by, unverified, ""
		if r.Comment != "" {
			a.Comment = r.Comment
		}
	case !a.Sure:
		a.Comment, a.Why, a.Channel, a.Unverified = r.Comment, r.Why, by, unverified
	case r.Comment != "": // thanks, or more to say
		a.Comment = clip(join(a.Comment, r.Comment), MaxComment)
	}
	a.Changed = now
	return a, true
}

func join(before, more string) string {
	if before == "" || before == more {
		return more
	}
	return before + "\n\n" + more
}
