package campaign

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"rapport/records/contact"
	"rapport/records/sale"
)

// Reminder is the kind of campaign that writes by itself, to each person so
// many days from an occasion of theirs.
const Reminder = "reminder"

// Series is the kind of campaign that writes by itself, too: several mails after
// one occasion, each with a day of its own.
const Series = "series"

// The occasions a reminder follows. A date in a custom field is named
// [OnField] and the field: custom.renewal.
const (
	OnConsent = "consent" // they agreed to the purpose of the campaign
	OnSale    = "sale"    // something was sold to them
	// OnDue is the day on which something that was sold to them was to be paid.
	// Once it is paid or cancelled, what is about it is not sent.
	OnDue = "due"
	// OnInterval is when a purchase and mail of theirs are late, each by what is
	// usual of them. Who buys or writes gets nothing.
	OnInterval = "interval"
	OnField    = "custom."
)

// The events after an occasion that make its reminder pointless.
const (
	StopReplied = "replied" // they wrote to us
	StopBought  = "bought"  // they bought again
)

// StopPaid is why nothing more is written of a sale that [OnDue] is about. No
// file names it: it holds always.
const StopPaid = "paid"

// MaxSteps bounds the mails of a series.
const MaxSteps = 20

// MaxDays bounds how far from its occasion a reminder is, either way.
const MaxDays = 3650

// Late is for how long an occasion whose mail could not be written in time, as
// the program stood still, is still worth it. It also bounds what a clock that
// jumps ahead can set off.
const Late = Week

// Rhythm is when a reminder writes. A run keeps the one it was launched with.
type Rhythm struct {
	Trigger  string   `json:"trigger"`            // an occasion
	Days     int      `json:"days,omitempty"`     // from the occasion to the mail; below zero: before it
	Backfill int      `json:"backfill,omitempty"` // whose mail would have been due so many days before the launch gets it
	Stop     []string `json:"stop,omitempty"`     // what makes a mail pointless
	Steps    []Pace   `json:"steps,omitempty"`    // of a series, in their order; Days is none of it
}

// Pace is when a step of a series is written.
type Pace struct {
	Name string `json:"name" doc:"names the step for ever: nobody gets it twice for one occasion"`
	Days int    `json:"days" doc:"from the occasion to the mail"`
}

// Anchor is an occasion of one person.
type Anchor struct {
	Contact contact.ID
	Name    string     // tells it for ever from every other occasion of theirs
	At      time.Time  // when it is, or was
	Sale    *sale.Sale // of [OnSale] and [OnDue]
}

// SaleOf is the sale an occasion is about, by the name of the occasion.
func SaleOf(occasion string) (sale.ID, bool) {
	trigger, id, found := strings.Cut(occasion, " ")
	return sale.ID(id), found && trigger == OnDue
}

// PurchaseOf is the day of the last purchase that an occasion of [OnInterval]
// follows, by its name.
func PurchaseOf(occasion string) (day string, is bool) {
	trigger, day, found := strings.Cut(occasion, " ")
	return day, found && trigger == OnInterval
}

// rhythmField is without a count: one of a class of Unicode takes megabytes.
var rhythmField = regexp.MustCompile(`^custom\.[\pL\pN_-]+$`)

const maxField = 60 // characters

// Check reports what is wrong with a rhythm.
func (r Rhythm) Check() error {
	switch {
	case !slices.Contains([]string{OnConsent, OnSale, OnDue, OnInterval}, r.Trigger) && (!rhythmField.MatchString(r.Trigger) || utf8.RuneCountInString(r.Trigger) > len(OnField)+maxField):
		return fmt.Errorf("%q is no occasion", r.Trigger)
	case r.Days < -MaxDays || r.Days > MaxDays || r.Backfill < 0 || r.Backfill > MaxDays:
		return fmt.Errorf("it is more than %d days", MaxDays)
	case r.first() < 0 && !r.Ahead():
		return errors.New("nothing can be written before a consent, a sale, or a purchase that is late")
	case len(r.Steps) > MaxSteps:
		return fmt.Errorf("it has more than %d steps", MaxSteps)
	}
	for n, s := range r.Steps {
		switch {
		case s.Days < -MaxDays || s.Days > MaxDays:
			return fmt.Errorf("step %s is more than %d days from its occasion", s.Name, MaxDays)
		case n > 0 && s.Days <= r.Steps[n-1].Days:
			return fmt.Errorf("step %s is not after the one before it", s.Name)
		case slices.ContainsFunc(r.Steps[:n], func(o Pace) bool { return o.Name == s.Name }):
			return fmt.Errorf("two steps are called %s", s.Name)
		}
	}
	for _, s := range r.Stop {
		if s != StopReplied && s != StopBought {
			return fmt.Errorf("%q stops nothing", s)
		}
	}
	return nil
}

// Ahead reports whether the occasion is known before it comes.
func (r Rhythm) Ahead() bool { return r.Trigger == OnDue || strings.HasPrefix(r.Trigger, OnField) }

// first is how many days from the occasion the first mail is written.
func (r Rhythm) first() int {
	if len(r.Steps) > 0 {
		return r.Steps[0].Days
	}
	return r.Days
}

// Begins reports whether a series begins for an occasion after a time, by the
// calendar of a zone. Where the occasion is known before it comes, it may be
// entered amid: who is told late of a renewal is told of it all the same.
func (r Rhythm) Begins(anchor, begun time.Time, zone *time.Location) bool {
	return r.Ahead() || !anchor.In(zone).AddDate(0, 0, r.first()).Before(begun.AddDate(0, 0, -r.Backfill))
}

// Same reports whether two rhythms are the same.
func (r Rhythm) Same(o Rhythm) bool {
	return r.Trigger == o.Trigger && r.Days == o.Days && r.Backfill == o.Backfill && slices.Equal(r.Stop, o.Stop) && slices.Equal(r.Steps, o.Steps)
}

// Due is when the mail for an occasion is due, by the calendar of a zone.
func (r Rhythm) Due(anchor time.Time, zone *time.Location) time.Time {
	return anchor.In(zone).AddDate(0, 0, r.Days)
}

// Span is from when to when the mails that are due now were due first. begun is
// when the run began; what was due before, but for the backfill, is never sent.
func (r Rhythm) Span(begun, now time.Time) (from, until time.Time) {
	from = begun.AddDate(0, 0, -r.Backfill)
	if late := now.Add(-Late).AddDate(0, 0, -r.Backfill); late.After(from) {
		from = late
	}
	return from, now
}

// Stopped reports whether a mail is pointless by now. wrote and bought are when
// the person last did so, zero for never.
func (r Rhythm) Stopped(anchor, wrote, bought time.Time) (what string, stopped bool) {
	for _, s := range r.Stop {
		if s == StopReplied && wrote.After(anchor) || s == StopBought && bought.After(anchor) {
			return s, true
		}
	}
	return "", false
}

// Window is in which hours of which days mails leave. The zero Window is always.
type Window struct {
	Days     [7]bool       `json:"days"` // by time.Weekday
	From, To time.Duration // after midnight, by the clock on the wall; To may be 24 h
}

var windowDays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ParseWindow reads hours, after days where it is not on all of them:
// 09:00-17:00, mon-fri 09:00-17:00, tue,thu 10:00-12:30.
func ParseWindow(text string) (Window, error) {
	var w Window
	parts := strings.Fields(text)
	if len(parts) == 1 {
		parts = []string{"sun-sat", parts[0]}
	}
	if len(parts) != 2 {
		return w, fmt.Errorf("%q is not hours of days", text)
	}
	for _, part := range strings.Split(parts[0], ",") {
		first, last, spans := strings.Cut(part, "-")
		if !spans {
			last = first
		}
		a, b := slices.Index(windowDays, first), slices.Index(windowDays, last)
		if a < 0 || b < 0 {
			return w, fmt.Errorf("%q is not a day of the week", part)
		}
		for ; ; a = (a + 1) % 7 {
			if w.Days[a] = true; a == b {
				break
			}
		}
	}
	from, to, _ := strings.Cut(parts[1], "-")
	var err1, err2 error
	w.From, err1 = clock(from)
	w.To, err2 = clock(to)
	if err := errors.Join(err1, err2); err != nil || w.From >= w.To {
		return Window{}, fmt.Errorf("%q is not hours of a day", parts[1])
	}
	return w, nil
}

// clock reads HH:MM up to 24:00.
func clock(s string) (time.Duration, error) {
	if len(s) == 5 && s[2] == ':' {
		h, err1 := strconv.ParseUint(s[:2], 10, 8)
		m, err2 := strconv.ParseUint(s[3:], 10, 8)
		if err1 == nil && err2 == nil && (h < 24 && m < 60 || h == 24 && m == 0) {
			return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute, nil
		}
	}
	return 0, fmt.Errorf("%q is no time of day", s)
}

// Next returns the first moment from now on at which a mail may leave, by the
// clock of a zone: now itself inside the window. Hours that a change of clocks
// skips are none.
func (w Window) Next(now time.Time, zone *time.Location) time.Time {
	if w == (Window{}) {
		return now
	}
	local := now.In(zone)
	for n := range 9 {
		day := time.Date(local.Year(), local.Month(), local.Day()+n, 12, 0, 0, 0, zone)
		if !w.Days[day.Weekday()] {
			continue
		}
		from, to := wall(day, w.From), wall(day, w.To)
		switch {
		case !from.Before(to) || !now.Before(to):
		case now.Before(from):
			return from
		default:
			return now
		}
	}
	return now // a window that a change of clocks skips whole keeps nothing for ever
}

// wall is when the clock on the wall shows so long after midnight on a day.
func wall(day time.Time, at time.Duration) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 0, int(at/time.Minute), 0, 0, day.Location())
}

// String says a window as a file does; "" is always.
func (w Window) String() string {
	if w == (Window{}) {
		return ""
	}
	var days []string
	for n := range 7 {
		first := (n + 1) % 7 // Monday
		if !w.Days[first] || n > 0 && w.Days[n] {
			continue
		}
		last := n
		for last < 6 && w.Days[(last+2)%7] {
			last++
		}
		if days = append(days, windowDays[first]); last > n {
			days[len(days)-1] += "-" + windowDays[(last+1)%7]
		}
	}
	hour := func(d time.Duration) string { return fmt.Sprintf("%02d:%02d", d/time.Hour, d%time.Hour/time.Minute) }
	out := hour(w.From) + "-" + hour(w.To)
	if days[0] == "mon-sun" {
		return out
	}
	return strings.Join(days, ",") + " " + out
}
