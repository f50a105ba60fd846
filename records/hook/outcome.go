package hook

import (
	"strconv"
	"time"

	"rapport/records/phrase"
)

// How long a receiver that takes nothing is tried.
const (
	// GiveUp is how long an event is tried, and after how long without any
	// that was taken a webhook is.
	GiveUp = 3 * 24 * time.Hour
	// longestWait bounds what a receiver may ask for with Retry-After.
	longestWait = 6 * time.Hour
	// formerFor is how long a replaced secret signs too.
	formerFor = 24 * time.Hour
	// statusGone is how a receiver says that it is no more.
	statusGone = 410
)

// waits are the times between attempts; the last one goes on.
var waits = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, longestWait}

// wait returns how long to wait after so many attempts. It is up to a fifth
// longer, by a seed, so that what failed together is not tried together.
func wait(attempts int, seed string) time.Duration {
	base := waits[min(max(attempts, 1), len(waits))-1]
	sum := 0
	for _, c := range []byte(seed) {
		sum = (sum*31 + int(c)) % 1000
	}
	return base + base/5*time.Duration(sum)/1000
}

// Outcome is how one attempt went.
type Outcome struct {
	Status  int           // of the answer; 0: there was none
	Trouble phrase.Phrase // why there was none, in words; also where we were refused to ask
	After   time.Duration // how long the receiver asks to be left alone; 0: it does not say
}

// Taken reports whether the receiver took it.
func (o Outcome) Taken() bool { return o.Trouble.Empty() && o.Status >= 200 && o.Status < 300 }

// Says tells in words what went wrong; nothing where nothing did.
func (o Outcome) Says() phrase.Phrase {
	switch {
	case o.Taken():
		return phrase.Phrase{}
	case !o.Trouble.Empty():
		return o.Trouble
	case o.Status >= 300 && o.Status < 400:
		return phrase.New("it answered {status}; set the address that this sends to, redirects are not followed", "status", strconv.Itoa(o.Status))
	}
	return phrase.New("it answered {status}", "status", strconv.Itoa(o.Status)) // text: it is a code, not an amount
}

// Apply returns a dispatch after an attempt: taken, given up, or due again.
func (d Dispatch) Apply(o Outcome, now time.Time) Dispatch {
	d.Attempts++
	d.Status, d.Trouble = o.Status, o.Says()
	due := now.Add(max(wait(d.Attempts, d.ID), min(o.After, longestWait)))
	switch {
	case o.Taken():
		return d.end(now, true)
	case due.After(d.Created.Add(GiveUp)):
		return d.end(now, false)
	}
	d.Due = due
	return d
}

// end keeps of a dispatch only that it was: whom a suggestion named is
// nothing to be kept after.
func (d Dispatch) end(now time.Time, taken bool) Dispatch {
	d.Ended, d.Taken, d.Event.Suggestion = now, taken, ""
	return d
}

// Apply returns a webhook after an attempt. One that refuses a single event
// holds the others up no longer than the first wait.
func (w Webhook) Apply(o Outcome, now time.Time) Webhook {
	if o.Taken() {
		w.Succeeded, w.Failing, w.Failures, w.Held, w.Trouble = now, time.Time{}, 0, time.Time{}, phrase.Phrase{}
		return w
	}
	if w.Failing.IsZero() {
		w.Failing = now
	}
	w.Failures++
	w.Trouble = o.Says()
	w.Held = now.Add(max(wait(w.Failures, w.ID), min(o.After, longestWait)))
	switch {
	case o.Status == statusGone:
		return w.Disable(Gone)
	case now.Sub(w.Failing) >= GiveUp:
		return w.Disable(Failing)
	}
	return w
}

// Disable has a webhook told nothing more.
func (w Webhook) Disable(why Reason) Webhook {
	w.Disabled, w.Held, w.Missed = why, time.Time{}, true
	return w
}

// Enable has it told again, as if nothing had ever gone wrong.
func (w Webhook) Enable() Webhook {
	w.Disabled, w.Failing, w.Failures, w.Held, w.Trouble = "", time.Time{}, 0, time.Time{}, phrase.Phrase{}
	return w
}

// Replace gives a webhook another secret, sealed; the former one signs beside
// it for a day.
func (w Webhook) Replace(secret []byte, now time.Time) Webhook {
	w.Former, w.FormerUntil, w.Secret = w.Secret, now.Add(formerFor), secret
	return w
}
