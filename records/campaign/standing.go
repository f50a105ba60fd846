package campaign

import (
	"fmt"
	"slices"
	"time"

	"rapport/records/contact"
)

// Why says why somebody is not written to. It is a word that programs compare;
// [Hold.String] is the sentence.
type Why string

// The reasons, in the order in which they are asked.
const (
	NoAddress  Why = "no_address"  // nothing is known to write to
	BadAddress Why = "bad_address" // it cannot stand in an envelope
	Twice      Why = "same_person" // somebody else of the audience has this address
	Excluded   Why = "excluded"    // the configuration excludes the address
	Stopped    Why = "suppressed"  // an objection, a complaint, a dead address, an unsubscription
	Withdrawn  Why = "withdrawn"   // the consent was taken back
	NoConsent  Why = "no_consent"  // there is neither consent nor another basis
	HadIt      Why = "had_it"      // an earlier run brought it
	TooMuch    Why = "too_much"    // enough mail in the last week or month
	// Pointless is said of reminders: what they are for has happened.
	Pointless Why = "pointless"
	// NotSelected is said of one address only: the audience leaves it out.
	NotSelected Why = "not_selected"
)

// Reasons are all of them, in their order.
func Reasons() []Why {
	return []Why{NoAddress, BadAddress, Twice, Excluded, Stopped, Withdrawn, NoConsent, HadIt, TooMuch, Pointless}
}

// Stop is a suppression as far as this package needs it.
type Stop struct {
	Scope string // a purpose; "" for all of them
	Why   string // objection, complaint, bounce, unsubscribe
	At    time.Time
}

// Standing is what decides whether an address may be written to now.
type Standing struct {
	Contact  contact.Contact
	Excluded bool
	Stops    []Stop
	Had      time.Time   // when the campaign's mail went to the address; zero: never, or it may go again
	Sent     []time.Time // when mails of campaigns went to it, in the last [Month]
}

// Terms are what somebody's standing is held against.
type Terms struct {
	Purpose  string
	Basis    string
	PerWeek  int // mails of campaigns in any 7 days; 0: any number
	PerMonth int // in any 30 days
}

// The spans in which mail is counted.
const (
	Week  = 7 * 24 * time.Hour
	Month = 30 * 24 * time.Hour
)

// Patience is for how long a mail waits at most, from the beginning of its run,
// until its recipient may get one more. News that is older is none.
const Patience = Week

// Hold is why somebody is not written to. The zero Hold holds nobody.
type Hold struct {
	Why    Why
	Detail string    // of Stopped: objection, complaint …
	At     time.Time // since when, or when it was
	Most   int       // of TooMuch: the limit
	Days   int       // of TooMuch: in so many days
	Until  time.Time // of TooMuch: when it holds no more, as far as is known now
}

// Final reports whether the hold is the address's rather than of the moment.
func (h Hold) Final() bool { return h.Why == Stopped || h.Why == Withdrawn || h.Why == Excluded }

// String says it for a person.
func (h Hold) String() string {
	on := ""
	if !h.At.IsZero() {
		on = " on " + h.At.UTC().Format(time.DateOnly)
	}
	switch h.Why {
	case NotSelected:
		return "the audience does not select them"
	case NoAddress:
		return "no address is known"
	case BadAddress:
		return "the address cannot be written to"
	case Twice:
		return "somebody else of the audience has this address"
	case Excluded:
		return "the configuration excludes the address"
	case Stopped:
		return "suppressed by " + h.Detail + on
	case Withdrawn:
		return "consent withdrawn" + on
	case NoConsent:
		return "no consent, and the campaign names no other legal basis"
	case HadIt:
		return "had it already" + on
	case Pointless:
		switch h.Detail {
		case StopBought:
			return "they bought again since"
		case StopPaid:
			return "it is not owed any more"
		}
		return "they wrote to us since"
	case TooMuch:
		return fmt.Sprintf("had %d mails in %d days, and no more are allowed", h.Most, h.Days)
	}
	return ""
}

// Judge says whether somebody may be written to. The same question is asked for
// a plan, before each mail leaves, and by whoever wants to know why.
func (t Terms) Judge(s Standing, now time.Time) Hold {
	if s.Excluded {
		return Hold{Why: Excluded}
	}
	for _, stop := range s.Stops {
		if stop.Scope == "" || stop.Scope == t.Purpose {
			return Hold{Why: Stopped, Detail: stop.Why, At: stop.At}
		}
	}
	last, said := s.Contact.Consent(t.Purpose)
	switch {
	case said && last.State == contact.Withdrawn:
		return Hold{Why: Withdrawn, At: last.At}
	case !said && t.Basis == "":
		return Hold{Why: NoConsent}
	case !s.Had.IsZero():
		return Hold{Why: HadIt, At: s.Had}
	}
	var held Hold
	for _, limit := range []struct {
		most int
		span time.Duration
	}{{t.PerWeek, Week}, {t.PerMonth, Month}} {
		sent := since(s.Sent, now.Add(-limit.span))
		if limit.most <= 0 || len(sent) < limit.most {
			continue
		}
		// One may go when so many have left the span that one more has room.
		if until := sent[len(sent)-limit.most].Add(limit.span); until.After(held.Until) {
			held = Hold{Why: TooMuch, Most: limit.most, Days: int(limit.span / (24 * time.Hour)), Until: until}
		}
	}
	return held
}

// MayWait reports whether a hold passes by itself soon enough for a mail to wait
// for it, counted from when its run began.
func (h Hold) MayWait(began time.Time) bool {
	return h.Why == TooMuch && !h.Until.IsZero() && h.Until.Sub(began) <= Patience
}

// since returns the times after one, the oldest first.
func since(times []time.Time, t time.Time) (out []time.Time) {
	for _, at := range times {
		if at.After(t) {
			out = append(out, at)
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}
