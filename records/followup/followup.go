// Package followup holds what somebody of us has promised to come back to: a
// day, a member who does it, and whom or what it is about.
package followup

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rapport/records/contact"
	"rapport/records/message"
)

// ID names one follow-up for ever; a ULID as text.
type ID string

// MaxNote bounds a note, in runes.
const MaxNote = 1000

// Day is a day of the calendar as YYYY-MM-DD, in the time of whoever looks.
// Days compare as text.
type Day string

const layout = "2006-01-02"

// ParseDay reads YYYY-MM-DD.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(layout, s)
	if err != nil || t.Year() < 1970 || t.Year() > 9998 {
		return "", fmt.Errorf("%q is no day; write it as 2026-11-30", s)
	}
	return Day(s), nil
}

// DayOf returns the day of a time where it is looked at.
func DayOf(t time.Time) Day { return Day(t.Format(layout)) }

// In returns the first moment of the day in a time zone; the zero time for
// what is no day.
func (d Day) In(loc *time.Location) time.Time {
	t, err := time.ParseInLocation(layout, string(d), loc)
	if err != nil {
		return time.Time{}
	}
	return t
}

// After returns the day so many days later.
func (d Day) After(days int) Day { return DayOf(d.In(time.UTC).AddDate(0, 0, days)) }

// Kind is what a case is about. A follow-up without one is no case.
type Kind string

// The kinds of cases.
const (
	Complaint Kind = "complaint"
	Dispute   Kind = "dispute"
	Question  Kind = "question"
)

// Kinds are all of them.
var Kinds = []Kind{Complaint, Dispute, Question}

// ByReply is who closes a case that one of us answered by mail.
const ByReply = "reply"

// FollowUp is one of them. It is about exactly one of Contact, Organisation and
// Message; a case is about somebody.
type FollowUp struct {
	ID           ID                     `json:"id"`
	Kind         Kind                   `json:"kind,omitempty"`   // of a case
	Source       string                 `json:"source,omitempty"` // what opened a case: message:ID, answer:ID; "" where a person did
	Contact      contact.ID             `json:"contact,omitempty"`
	Organisation contact.OrganisationID `json:"organisation,omitempty"`
	Message      message.ID             `json:"message,omitempty"`
	Due          Day                    `json:"due"`
	Owner        contact.Address        `json:"owner"` // primary address of the member who does it
	Note         string                 `json:"note,omitempty"`
	By           string                 `json:"by"` // who wrote it down
	Created      time.Time              `json:"created"`
	Updated      time.Time              `json:"updated"`
	Done         time.Time              `json:"done,omitzero"`
	DoneBy       string                 `json:"done_by,omitempty"`
}

// Case reports whether it is one: somebody waits for more than a mail.
func (f FollowUp) Case() bool { return f.Kind != "" }

// Open reports whether it is still to be done.
func (f FollowUp) Open() bool { return f.Done.IsZero() }

// Normalize cleans what a person typed and says what is wrong with it, in words
// fit to show.
func (f *FollowUp) Normalize() error {
	f.Note = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(f.Note, "\uFFFD"), "\x00", ""))
	about := 0
	for _, set := range []bool{f.Contact != "", f.Organisation != "", f.Message != ""} {
		if set {
			about++
		}
	}
	if about != 1 {
		return errors.New("a follow-up is about one contact, organisation or message")
	}
	switch {
	case f.Case() && !slices.Contains(Kinds, f.Kind):
		return fmt.Errorf("%q is no kind of case: it is a complaint, a dispute or a question", f.Kind)
	case f.Case() && f.Message != "":
		return errors.New("a case is about a contact or an organisation")
	}
	if utf8.RuneCountInString(f.Note) > MaxNote {
		return fmt.Errorf("the note of a follow-up has at most %d characters", MaxNote)
	}
	if f.Owner == "" {
		return errors.New("a follow-up needs somebody who does it")
	}
	_, err := ParseDay(string(f.Due))
	return err
}
