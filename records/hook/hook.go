// Package hook knows webhooks: addresses of other programs that are told what
// happens. It says what is sent and how it is signed, when it is tried again,
// and when a webhook is given up.
package hook

import (
	"slices"
	"time"

	"rapport/records/event"
	"rapport/records/phrase"
)

// Webhook is an address that is told of events.
type Webhook struct {
	ID    string       `json:"id"`
	Name  string       `json:"name"`
	URL   string       `json:"url"`
	Types []event.Type `json:"types,omitempty"` // what it is told of; none: everything
	// Owner is the id of the user whose view of the events it gets; "" is
	// whoever needs no sign-in, who sees everything.
	Owner   string    `json:"owner,omitempty"`
	Created time.Time `json:"created"`
	// Secret signs what is sent; sealed. Former did before it was replaced, and
	// signs too until FormerUntil.
	Secret      []byte    `json:"secret"`
	Former      []byte    `json:"former,omitempty"`
	FormerUntil time.Time `json:"former_until,omitzero"`

	// How it goes. Failing is since when nothing has been taken, zero where the
	// last was; Failures are the attempts since then; until Held none is made.
	Succeeded time.Time     `json:"succeeded,omitzero"`
	Failing   time.Time     `json:"failing,omitzero"`
	Failures  int           `json:"failures,omitempty"`
	Held      time.Time     `json:"held,omitzero"`
	Trouble   phrase.Phrase `json:"trouble,omitzero"` // what went wrong last, in words
	Disabled  Reason        `json:"disabled,omitempty"`
	// Missed says that there were events of which it was not told, and will
	// have to hear that there were.
	Missed bool `json:"missed,omitempty"`
}

// Reason is why a webhook is told nothing.
type Reason string

// The reasons. The zero value is none: the webhook is told.
const (
	Paused    Reason = "paused"  // by hand
	Gone      Reason = "gone"    // its receiver said that it is no more (410)
	Failing   Reason = "failing" // nothing was taken for too long
	Ownerless Reason = "owner"   // whoever set it up may not any more
)

// Wants reports whether a webhook is told of events of a type.
func (w *Webhook) Wants(t event.Type) bool {
	return w.Disabled == "" && (len(w.Types) == 0 || slices.Contains(w.Types, t))
}

// Dispatch is one event on its way to one webhook.
type Dispatch struct {
	ID       string        `json:"id"` // grows with time; the receiver gets it with every attempt
	Webhook  string        `json:"webhook"`
	Event    event.Event   `json:"event"`
	Created  time.Time     `json:"created"`
	Attempts int           `json:"attempts,omitempty"`
	Due      time.Time     `json:"due"`              // the next attempt, while it waits
	Ended    time.Time     `json:"ended,omitzero"`   // zero while it waits
	Taken    bool          `json:"taken,omitempty"`  // by the receiver
	Status   int           `json:"status,omitempty"` // of the last answer; 0: there was none
	Trouble  phrase.Phrase `json:"trouble,omitzero"`
}

// Waits reports whether a dispatch is still to be attempted.
func (d *Dispatch) Waits() bool { return d.Ended.IsZero() }

// Change changes of a webhook what is given.
type Change struct {
	Name, URL *string
	Types     *[]event.Type // empty: everything
	Paused    *bool
}

// Over changes a webhook and says in words what that changes; "" nothing. The
// address is not said: it may be known to its receiver alone.
func (c Change) Over(w *Webhook) phrase.Phrase {
	var said []phrase.Phrase
	if c.Name != nil && *c.Name != w.Name {
		w.Name = *c.Name
		said = append(said, phrase.New("name {name}", "name", w.Name))
	}
	if c.URL != nil && *c.URL != w.URL {
		w.URL = *c.URL
		said = append(said, phrase.New("address"))
	}
	if c.Types != nil && !slices.Equal(*c.Types, w.Types) {
		w.Types = *c.Types
		said = append(said, phrase.New("events"))
	}
	switch {
	case c.Paused == nil:
	case *c.Paused && w.Disabled == "":
		w.Disabled = Paused
		said = append(said, phrase.New("paused"))
	case !*c.Paused && w.Disabled != "":
		w.Disabled = ""
		said = append(said, phrase.New("goes on"))
	}
	if len(said) == 0 {
		return phrase.Phrase{}
	}
	return phrase.List(said...)
}
