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

// The occasions a reminder follows. A date in a custom field is named
// [OnField] and the field: custom.renewal.
const (
	OnConsent = "consent" // they agreed to the purpose of the campaign
	OnSale    = "sale"    // something was sold to them
	OnField   = "custom."
)

// The events after an occasion that make its reminder pointless.
const (
	StopReplied = "replied" // they wrote to us
	StopBought  = "bought"  // they bought again
)

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
}

// Anchor is an occasion of one person.
type Anchor struct {
	Contact contact.ID
	Name    string     // tells it for ever from every other occasion of theirs
	At      time.Time  // when it is, or was
	Sale    *sale.Sale // of [OnSale]
}

// rhythmField is without a count: one of a class of Unicode takes megabytes.
var rhythmField = regexp.MustCompile(`^custom\.[\pL\pN_-]+$`)

const maxField = 60 // characters

// Check reports what is wrong with a rhythm.
func (r Rhythm) Check() error {
	switch {
	case r.Trigger != OnConsent && r.Trigger != OnSale && (!rhythmField.MatchString(r.Trigger) || utf8.RuneCountInString(r.Trigger) > len(OnField)+maxField):
		return fmt.Errorf("%q is no occasion", r.Trigger)
	case r.Days < -MaxDays || r.Days > MaxDays || r.Backfill < 0 || r.Backfill > MaxDays:
		return fmt.Errorf("it is more than %d days", MaxDays)
	case r.Days < 0 && !strings.HasPrefix(r.Trigger, OnField):
		return errors.New("nothing can be written before a consent or a sale")
	}
	for _, s := range r.Stop {
		if s != StopReplied && s != StopBought {
			return fmt.Errorf("%q stops nothing", s)
		}
	}
	return nil
}

// Same reports whether two rhythms are the same.
func (r Rhythm) Same(o Rhythm) bool {
	return r.Trigger == o.Trigger && r.Days == o.Days && r.Backfill == o.Backfill && slices.Equal(r.Stop, o.Stop)
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
