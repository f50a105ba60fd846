package pages

import (
	"fmt"
	"strconv"
	"time"

	"rapport/records/message"
)

// Dates are written by patterns of the catalogue, in the reader's zone; a zero
// time is nothing.

// pattern writes a time by a pattern of the catalogue.
func (v *visit) pattern(key string, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(v.Zone)
	return v.T(key,
		"year", v.own(strconv.Itoa(t.Year())),
		"month", v.T("month."+strconv.Itoa(int(t.Month()))),
		"mon", v.T("month.short."+strconv.Itoa(int(t.Month()))),
		"weekday", v.T("weekday."+strconv.Itoa(int(t.Weekday()))),
		"day", v.own(strconv.Itoa(t.Day())),
		"hour", v.own(fmt.Sprintf("%02d", t.Hour())),
		"minute", v.own(fmt.Sprintf("%02d", t.Minute())),
	)
}

// Date writes a day: 3 March 2026.
func (v *visit) Date(t time.Time) string { return v.pattern("date.day", t) }

// ShortDate writes a day in little room: 3 Mar 2026, without the year where
// that is this one.
func (v *visit) ShortDate(t time.Time) string {
	if t.In(v.Zone).Year() == v.Now.In(v.Zone).Year() {
		return v.pattern("date.day_month", t)
	}
	return v.pattern("date.short", t)
}

// Weekday writes a day with its weekday.
func (v *visit) Weekday(t time.Time) string { return v.pattern("date.weekday", t) }

// Month writes a month with its year.
func (v *visit) Month(t time.Time) string { return v.pattern("date.month", t) }

// Clock writes the time of day.
func (v *visit) Clock(t time.Time) string { return v.pattern("date.clock", t) }

// DateTime writes a day and the time of day.
func (v *visit) DateTime(t time.Time) string { return v.pattern("date.time", t) }

// Meets writes when a meeting is: its days, or its moments where the reader is.
func (v *visit) Meets(e *message.CalendarEvent) string {
	from, to, write := e.Start, e.End, v.DateTime
	if e.AllDay {
		here := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 12, 0, 0, 0, v.Zone) }
		from, write = here(from), v.Weekday
		if !to.IsZero() {
			to = here(to.AddDate(0, 0, -1))
		}
	}
	out, last := write(from), write(to)
	switch {
	case to.IsZero() || last == out:
		return out
	case v.Weekday(from) == v.Weekday(to):
		last = v.Clock(to)
	}
	return out + " – " + last
}

// ISO writes a time for programs.
func (v *visit) ISO(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Local writes a time as <input type="datetime-local"> reads it.
func (v *visit) Local(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(v.Zone).Format("2006-01-02T15:04")
}

// parseLocal reads what <input type="datetime-local"> or type="date" sends;
// the empty text is the zero time.
func (v *visit) parseLocal(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.ParseInLocation(form, s, v.Zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a date", clip(s, 40))
}

// steps are the units of relative times, largest first.
var steps = []struct {
	unit string
	of   time.Duration
}{
	{"year", 365 * 24 * time.Hour}, {"month", 30 * 24 * time.Hour}, {"day", 24 * time.Hour},
	{"hour", time.Hour}, {"minute", time.Minute},
}

// Ago writes how long ago something was, or how soon it will be.
func (v *visit) Ago(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	d, key := v.Now.Sub(t), "ago."
	if d < 0 {
		d, key = -d, "soon."
	}
	for _, s := range steps {
		if d >= s.of {
			return v.T(key+s.unit, "n", int(d/s.of))
		}
	}
	return v.T("ago.now")
}

// Span writes a length of time in its largest unit.
func (v *visit) Span(d time.Duration) string {
	for _, s := range steps {
		if d >= s.of {
			return v.T("span."+s.unit, "n", int((d+s.of/2)/s.of))
		}
	}
	return v.T("span.minute", "n", 1)
}
