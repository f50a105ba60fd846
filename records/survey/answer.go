package survey

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"rapport/records/contact"
)

// Channel is how an answer came.
type Channel string

// The ways an answer comes.
const (
	ByMail Channel = "mail" // a reply, or a mail that a link began
	ByPage Channel = "page"
)

// Part is what somebody says to one question of a page.
type Part struct {
	Question string   `json:"question"` // its id
	Kind     Kind     `json:"kind"`
	Score    int      `json:"score,omitempty"`  // of a kind with a scale
	Chosen   []string `json:"chosen,omitempty"` // the ids of the options
	Text     string   `json:"text,omitempty"`
}

// Vote is what somebody said before they thought again.
type Vote struct {
	Score   int       `json:"score"`
	Channel Channel   `json:"channel"`
	At      time.Time `json:"at"`
}

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
	Parts        []Part                 `json:"parts,omitempty"`   // to the other questions
	Earlier      []Vote                 `json:"earlier,omitempty"` // the last MaxEarlier, oldest first
	Why          Doubt                  `json:"why,omitempty"`     // it is not sure
	Channel      Channel                `json:"channel"`
	Unverified   bool                   `json:"unverified,omitempty"` // whoever sent it is not who they say
	At           time.Time              `json:"at"`
	Changed      time.Time              `json:"changed"`
	By           contact.Address        `json:"by,omitempty"`      // the member who read it
	Entry        string                 `json:"entry,omitempty"`   // where its timeline shows it
	Sources      []string               `json:"sources,omitempty"` // Message-IDs of the mails it was read from, the last MaxSources
}

// The limits of what an answer remembers.
const (
	MaxSources = 20 // mails it names
	MaxEarlier = 20 // votes of before
)

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
		if known && a.Score != r.Score {
			a.Earlier = append(slices.Clone(a.Earlier), Vote{a.Score, a.Channel, a.Changed})
			a.Earlier = a.Earlier[max(len(a.Earlier)-MaxEarlier, 0):]
		}
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

// Give takes up what was chosen on the page: its first score, and what was said
// to the other questions, in the place of what was said to them before.
func (a Answer) Give(score int, parts []Part, comment string, now time.Time) Answer {
	a, _ = a.Hear(Reading{Sure: true, Score: score, Comment: clip(strings.TrimSpace(comment), MaxComment)}, ByPage, "", false, now)
	a.Parts = parts
	return a
}

// Said reads what a page says to a question: the values of its field. ok is false
// where that is no answer to it; nothing at all is none either.
func (q Question) Said(values []string) (p Part, ok bool) {
	p = Part{Question: q.ID, Kind: q.Kind}
	switch {
	case len(values) == 0:
		return p, false
	case q.Kind == Text:
		p.Text = clip(strings.TrimSpace(strings.ToValidUTF8(values[0], "")), MaxComment)
		return p, p.Text != ""
	case q.Kind.Chosen():
		for _, o := range q.Options {
			if slices.Contains(values, o.ID) {
				p.Chosen = append(p.Chosen, o.ID)
			}
		}
		return p, len(p.Chosen) == 1 || q.Kind == Choices && len(p.Chosen) > 0
	}
	n, err := strconv.Atoi(values[0])
	p.Score = n
	return p, err == nil && q.Kind.Fits(n)
}

func join(before, more string) string {
	if before == "" || before == more {
		return more
	}
	return before + "\n\n" + more
}
