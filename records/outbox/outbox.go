// Package outbox is one delivery: a mail to one person, the states it goes
// through, and what a server's answer means for it.
//
// A delivery is unique per run, step and address. What is promised of it is in
// the states: the final dot of a mail is on the wire only while its delivery is
// in Intent, and a delivery whose fate nobody knows is Ambiguous until evidence
// settles it. Nothing goes back to being sent from there but by evidence of
// absence or by a person.
package outbox

import (
	"errors"
	"fmt"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/message"
)

// ID names one delivery for ever; a ULID as text.
type ID string

// State is where a delivery stands. The states of a run's deliveries are
// exclusive and add up to its recipients.
type State string

// The states. Those from Accepted on are final, but for late evidence.
const (
	Planned   State = "planned"   // its recipient is chosen, its bytes do not stand yet
	Frozen    State = "frozen"    // its bytes stand; it waits for a connection
	Intent    State = "intent"    // the final dot is, or is about to be, on the wire
	Deferred  State = "deferred"  // a server asked for a later attempt with the same bytes
	Ambiguous State = "ambiguous" // the dot may have arrived; evidence is awaited

	Accepted   State = "accepted"   // a server took responsibility for it
	Rejected   State = "rejected"   // a server refused it for good
	Unknown    State = "unknown"    // there will be no evidence; it is not sent again
	Cancelled  State = "cancelled"  // its run was ended before it left
	Suppressed State = "suppressed" // its recipient said stop, or the address is dead
	Skipped    State = "skipped"    // a rule held it back: consent, fatigue, window
	Expired    State = "expired"    // it was put off for longer than it may be
)

// States are all states, in the order in which a person reads them.
func States() []State {
	return []State{Planned, Frozen, Intent, Deferred, Ambiguous, Accepted, Rejected, Unknown, Cancelled, Suppressed, Skipped, Expired}
}

// Final reports whether nothing more is to be done about a delivery.
func (s State) Final() bool {
	switch s {
	case Planned, Frozen, Intent, Deferred, Ambiguous:
		return false
	}
	return true
}

// Waiting reports whether a delivery waits to be sent.
func (s State) Waiting() bool { return s == Frozen || s == Deferred }

// Delivery is one mail to one person. The zero Delivery is not valid.
type Delivery struct {
	ID     ID             `json:"id"`
	Run    campaign.RunID `json:"run"`
	Step   int            `json:"step,omitempty"`  // of a series; 0 for the first
	Epoch  int            `json:"epoch,omitempty"` // how often the same step came round before
	Anchor time.Time      `json:"anchor,omitzero"` // of a reminder: when the occasion is that it is about
	// Occasion names the anchor among those of its person; of a reminder.
	Occasion string          `json:"occasion,omitempty"`
	Written  time.Time       `json:"written,omitzero"` // of a reminder: when its mail was put into the outbox
	Contact  contact.ID      `json:"contact,omitempty"`
	Seed     bool            `json:"seed,omitempty"` // of the first mails of its run, whose fate decides of the others
	Address  contact.Address `json:"address"`
	Sender   string          `json:"sender"` // the configured sender whose limits count
	From     contact.Address `json:"from"`   // the envelope's sender

	State    State     `json:"state"`
	Changed  time.Time `json:"changed"`
	Due      time.Time `json:"due,omitzero"`     // not to be sent before, while it waits
	Expires  time.Time `json:"expires,omitzero"` // not to be put off beyond; set by the first attempt
	Lifetime Lifetime  `json:"lifetime,omitempty"`
	Attempts int       `json:"attempts,omitempty"` // how often it reached a server that answered about it
	Dots     int       `json:"dots,omitempty"`     // how often a final dot may have been written
	Dotted   time.Time `json:"dotted,omitzero"`    // when the last one was about to be

	Subject   string       `json:"subject,omitempty"`    // of the mail, as its recipient reads it
	Sum       message.Sum  `json:"sum"`                  // SHA-256 of the frozen bytes
	Size      int64        `json:"size"`                 // of the frozen bytes
	MessageID string       `json:"message_id,omitempty"` // without angle brackets, the same for every attempt
	QueueID   string       `json:"queue_id,omitempty"`   // what the server said when it took it
	Reply     *Reply       `json:"reply,omitempty"`      // the last answer that was no
	Class     Class        `json:"class,omitempty"`      // of that answer
	Reason    string       `json:"reason,omitempty"`     // of the state, in words for a person
	Why       campaign.Why `json:"why,omitempty"`        // of Skipped and Suppressed, as a word
	Evidence  Evidence     `json:"evidence,omitzero"`
}

// Lifetime is for how long a delivery may be put off after its first attempt.
type Lifetime time.Duration

// Evidence is what came back about a delivery. It overlaps with the states.
type Evidence struct {
	Bounced      time.Time `json:"bounced,omitzero"`
	Full         time.Time `json:"full,omitzero"` // the same, where the mailbox could not take it
	Replied      time.Time `json:"replied,omitzero"`
	Answered     time.Time `json:"answered,omitzero"`
	Unsubscribed time.Time `json:"unsubscribed,omitzero"`
	Complained   time.Time `json:"complained,omitzero"`
	SentCopy     time.Time `json:"sent_copy,omitzero"` // when the copy in the Sent folder was read
}

// ErrTransition is what an event that does not fit a delivery's state ends in.
var ErrTransition = errors.New("does not fit the state of the delivery")

// What is an event in the life of a delivery.
type What string

// The events.
const (
	Freeze   What = "freeze"   // the bytes stand
	Commit   What = "commit"   // the final dot may be written from now on
	Accept   What = "accept"   // the server answered 2xx to it
	Defer    What = "defer"    // the server, or the way to it, asks for a later attempt
	Return   What = "return"   // not sent and nobody's fault: it waits again as before
	Reject   What = "reject"   // the server refused it for good
	Lose     What = "lose"     // no answer after the dot
	Find     What = "find"     // evidence that the server took it
	Miss     What = "miss"     // complete evidence that no server took it
	GiveUp   What = "give-up"  // no evidence will come
	Cancel   What = "cancel"   // its run ends
	Suppress What = "suppress" // its recipient is not to be written to
	Skip     What = "skip"     // a rule holds it back
	Expire   What = "expire"   // it is too late
)

// transitions is the whole state machine; what is not here may not happen.
var transitions = map[State]map[What]State{
	Planned: {Freeze: Frozen, Cancel: Cancelled, Suppress: Suppressed, Skip: Skipped, Expire: Expired},
	Frozen: {Commit: Intent, Defer: Deferred, Return: Frozen, Reject: Rejected, Find: Accepted,
		Cancel: Cancelled, Suppress: Suppressed, Skip: Skipped, Expire: Expired},
	Deferred: {Commit: Intent, Defer: Deferred, Return: Deferred, Reject: Rejected, Find: Accepted,
		Cancel: Cancelled, Suppress: Suppressed, Skip: Skipped, Expire: Expired},
	Intent: {Accept: Accepted, Defer: Deferred, Return: Frozen, Reject: Rejected, Lose: Ambiguous, Find: Accepted},
	// Resending after complete evidence of absence goes through Frozen, so that
	// the gate is asked once more.
	Ambiguous: {Find: Accepted, Miss: Frozen, GiveUp: Unknown, Suppress: Ambiguous, Cancel: Ambiguous},
	Unknown:   {Find: Accepted, Miss: Frozen},
	// Evidence that comes after all: a retry whose dot was taken though the
	// answer was no, or an answer that was not meant for it.
	Accepted: {Find: Accepted},
	Rejected: {Find: Accepted},
	Expired:  {Find: Accepted},
}

// Event is something that happened to a delivery.
type Event struct {
	What    What
	Reply   *Reply       // the server's, where it is Defer or Reject
	Class   Class        // of that reply
	QueueID string       // of an Accept
	Until   time.Time    // of a Defer or Return: not before
	Reason  string       // for a person
	Why     campaign.Why // of a Skip or Suppress
	// Copy, of a Find, says that the mail itself was seen where the server files
	// what it took: that proves more than what this store knows of its dots, which
	// may be a restored one.
	Copy bool
}

// Apply returns the delivery after an event, or ErrTransition where it may not
// happen in its state. It is the only way a state changes.
func (d Delivery) Apply(e Event, now time.Time) (Delivery, error) {
	if d.State == Intent && e.What != Accept && d.Evidence != (Evidence{}) {
		// A copy, or an answer, was quicker than the server's word. Whatever became
		// of that, the mail has arrived.
		e = Event{What: Find, Reason: "evidence came back before the server's answer"}
	}
	next, ok := transitions[d.State][e.What]
	if !ok {
		return d, fmt.Errorf("delivery %s is %s, %s: %w", d.ID, d.State, e.What, ErrTransition)
	}
	if e.What == Find && d.Dots == 0 && d.State != Accepted && !e.Copy {
		return d, fmt.Errorf("delivery %s never had a final dot, %s: %w", d.ID, e.What, ErrTransition)
	}
	d.waited(now)
	d.State, d.Changed, d.Reason, d.Why = next, now, e.Reason, e.Why
	switch e.What {
	case Commit:
		d.Dots++
		d.Dotted, d.Due = now, time.Time{}
		d.starts(now)
	case Accept:
		d.Attempts++
		d.QueueID, d.Reply, d.Class = e.QueueID, nil, ""
	case Find:
		d.Reply, d.Class = nil, ""
		if d.Dots == 0 {
			d.Dots, d.Dotted = 1, now
		}
	case Defer, Reject:
		d.Attempts++
		d.Reply, d.Class = e.Reply, e.Class
		d.Due = e.Until
		d.starts(now)
	case Return, Freeze, Miss:
		d.Due = e.Until
	}
	if d.State.Final() {
		d.Due = time.Time{}
	}
	return d, nil
}

// waited gives a delivery back the time by which it was tried later than it was
// due: its sender's limits and the window of its run are not its server's doing.
func (d *Delivery) waited(now time.Time) {
	if d.State == Deferred && !d.Due.IsZero() && !d.Expires.IsZero() && now.After(d.Due) {
		d.Expires = d.Expires.Add(now.Sub(d.Due))
	}
}

// starts begins the time a delivery has, with its first attempt.
func (d *Delivery) starts(now time.Time) {
	if d.Expires.IsZero() && d.Lifetime > 0 {
		d.Expires = now.Add(time.Duration(d.Lifetime))
	}
}

// retries are the waits between attempts; the last one repeats.
var retries = []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour, 4 * time.Hour, 12 * time.Hour}

// Retry returns when a delivery that is put off now is to be tried again.
func (d Delivery) Retry(now time.Time) time.Time {
	return now.Add(retries[min(d.Attempts, len(retries)-1)])
}
