// Package campaign is outreach as data: what is written to whom and when.
//
// A run is one sending of a campaign: its recipients are chosen once, their
// mails stand before the first leaves, and their number is sealed.
package campaign

import (
	"errors"
	"fmt"
	"time"

	"rapport/records/contact"
	"rapport/records/survey"
)

// RunID names one run for ever; a ULID as text.
type RunID string

// RunState is where a run stands.
type RunState string

// The states of a run.
const (
	Preparing RunState = "preparing" // its deliveries are being written; nothing is sent yet
	Running   RunState = "running"
	Paused    RunState = "paused"
	Cancelled RunState = "cancelled"
	Finished  RunState = "finished" // none of its deliveries has anything more to happen to it
)

// Run is one sending of a campaign.
type Run struct {
	ID         RunID           `json:"id"`
	Campaign   string          `json:"campaign"`        // its name
	Purpose    string          `json:"purpose"`         // the consent it needs: newsletter, survey …
	Basis      string          `json:"basis,omitempty"` // the legal basis in place of consent, in words
	Sender     string          `json:"sender"`
	State      RunState        `json:"state"`
	Reason     string          `json:"reason,omitempty"` // of the state, in words for a person
	Recipients int             `json:"recipients"`       // sealed when it began to run
	By         contact.Address `json:"by,omitempty"`     // who launched it
	Plan       string          `json:"plan,omitempty"`   // digest of what was launched
	Created    time.Time       `json:"created"`
	Changed    time.Time       `json:"changed"`
	Halted     bool            `json:"halted,omitempty"` // the program paused it, not a person
	Dropped    time.Time       `json:"dropped,omitzero"` // when the bytes of its mails were let go
	// Questions are those of a survey, as it was launched.
	Questions []survey.Question `json:"questions,omitempty"`
	Window    Window            `json:"window,omitzero"` // in which its mails leave
	// Seed is how many mails leave first; the others wait until what comes back of
	// them was judged, at Seeded, or somebody resumed the run.
	Seed   int       `json:"seed,omitempty"`
	Seeded time.Time `json:"seeded,omitzero"`
	// Rhythm is that of a reminder, whose run goes on until it is cancelled; nil
	// else. Since is from when on its mails have to be due: its launch, or when
	// the store was restored from a copy.
	Rhythm *Rhythm   `json:"rhythm,omitempty"`
	Since  time.Time `json:"since,omitzero"`
}

// ErrRunState is what a change that does not fit a run's state ends in.
var ErrRunState = errors.New("does not fit the state of the run")

// runs is which state may follow which.
var runs = map[RunState][]RunState{
	Preparing: {Running, Paused, Cancelled},
	Running:   {Paused, Cancelled, Finished},
	Paused:    {Running, Cancelled, Finished},
	Finished:  {Running}, // a delivery is sent again by hand
}

// Halt pauses a run for a reason that somebody has to hear of.
func (r Run) Halt(reason string, now time.Time) (Run, error) {
	r, err := r.Become(Paused, reason, now)
	r.Halted = err == nil && r.Reason == reason
	return r, err
}

// Become returns the run in another state, or ErrRunState. Becoming what it is
// changes nothing.
func (r Run) Become(next RunState, reason string, now time.Time) (Run, error) {
	if r.State == next {
		return r, nil
	}
	for _, s := range runs[r.State] {
		if s == next {
			r.State, r.Reason, r.Changed, r.Halted = next, reason, now, false
			return r, nil
		}
	}
	return r, fmt.Errorf("run of %s is %s, not to become %s: %w", r.Campaign, r.State, next, ErrRunState)
}
