package message

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// calendarVerdict judges invitations, their updates and answers.
func calendarVerdict(p Parsed) (Verdict, bool) {
	if p.calendar == "" {
		return Verdict{}, false
	}
	e := readCalendar(p.calendar)
	if e.Method == "" {
		e.Method = strings.ToUpper(clipText(p.method, 20))
	}
	if e.Method == "" || e.Method == "PUBLISH" {
		return Verdict{}, false // a file with dates in it, not a request or answer
	}
	e.State = e.state()
	if e.Method != "REPLY" && e.Method != "COUNTER" {
		e.Attendee = ""
	}
	return Verdict{Kind: Calendar, Auto: true, Calendar: &e, Original: originalOf(p)}, true
}

// state is what the mail does to the meeting. What an answer says has been put
// into State by [eventReader].
func (e CalendarEvent) state() string {
	switch e.Method {
	case "CANCEL":
		return "cancelled"
	case "REPLY":
		return e.State
	case "COUNTER":
		return "proposed"
	case "REQUEST", "ADD":
		if e.Sequence > 0 {
			return "changed"
		}
		return "invited"
	}
	return ""
}

// Meeting names the meeting: the same for all mails about one, and another for
// one of a series that is treated apart. It is empty where nothing names it.
func (e CalendarEvent) Meeting() string {
	if e.UID == "" {
		return ""
	}
	return e.UID + "\n" + e.Instance
}

// Newer orders mails about one meeting: what its organiser says goes before
// answers, then the later state of it.
func (e CalendarEvent) Newer(o CalendarEvent) int {
	answer := func(e CalendarEvent) int {
		if e.Method == "REPLY" || e.Method == "COUNTER" || e.Method == "REFRESH" {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(answer(e), answer(o)), cmp.Compare(e.Sequence, o.Sequence), e.Stamp.Compare(o.Stamp))
}

// eventReader reads the first event of an iCalendar object.
type eventReader struct {
	CalendarEvent
	zones    map[string]zone
	local    string // X-WR-TIMEZONE: where times without a zone are
	depth    int    // components inside the event, such as its alarms
	inside   bool
	duration time.Duration
}

// readCalendar reads the first event of an iCalendar object (RFC 5545).
func readCalendar(s string) CalendarEvent {
	s = strings.ReplaceAll(cleanText(s), "\n ", "")
	s = strings.ReplaceAll(s, "\n\t", "")
	r := eventReader{zones: readZones(s)}
	for line := range strings.SplitSeq(s, "\n") {
		name, value, ok := cutProperty(line)
		if !ok {
			continue
		}
		key, params, _ := strings.Cut(name, ";")
		value = strings.TrimSpace(value)
		switch key = strings.ToUpper(key); {
		case key == "BEGIN" && r.inside:
			r.depth++
		case key == "BEGIN":
			r.inside = strings.EqualFold(value, "VEVENT")
		case key == "END" && r.depth > 0:
			r.depth--
		case key == "END" && r.inside:
			r.finish()
			return r.CalendarEvent
		case key == "METHOD":
			r.Method = clipText(strings.ToUpper(value), 20)
		case key == "X-WR-TIMEZONE":
			r.local = value
		case r.inside && r.depth == 0:
			r.property(key, params, value)
		}
	}
	r.finish()
	return r.CalendarEvent
}

// finish settles what properties say together.
func (r *eventReader) finish() {
	switch {
	case !r.End.IsZero() || r.Start.IsZero():
	case r.duration > 0:
		r.End = r.Start.Add(r.duration)
	case r.AllDay:
		r.End = r.Start.AddDate(0, 0, 1)
	}
	if r.End.Before(r.Start) {
		r.End = time.Time{}
	}
}

// property reads one line of the event; what stands twice counts once.
func (r *eventReader) property(key, params, value string) {
	text := func(into *string, most int) {
		if *into == "" {
			*into = clipText(unescapeICS(value), int64(most))
		}
	}
	switch key {
	case "UID":
		if r.UID == "" {
			r.UID = clipText(value, 500)
		}
	case "SUMMARY":
		text(&r.Summary, 1000)
	case "LOCATION":
		text(&r.Location, 1000)
	case "RECURRENCE-ID":
		text(&r.Instance, 40)
	case "RRULE", "RDATE":
		r.Repeats = true
	case "SEQUENCE":
		if n, err := strconv.Atoi(clipText(value, 9)); err == nil && n >= 0 {
			r.Sequence = n
		}
	case "DTSTAMP":
		r.Stamp, _ = r.time(params, value)
	case "DTSTART":
		if r.Start.IsZero() {
			r.Start, r.AllDay = r.time(params, value)
		}
	case "DTEND":
		if r.End.IsZero() {
			r.End, _ = r.time(params, value)
		}
	case "DURATION":
		r.duration = icsDuration(value)
	case "ORGANIZER":
		if a, ok := readAddress(clipText(value, 400)); ok && r.Organizer == "" {
			r.Organizer = a
		}
	case "ATTENDEE":
		r.attendee(params, value)
	}
}

// attendee keeps the first of those invited, who of an answer is its only one,
// and what that one says.
func (r *eventReader) attendee(params, value string) {
	a, ok := readAddress(clipText(value, 400))
	if !ok || r.Attendee != "" {
		return
	}
	r.Attendee = a
	for p := range strings.SplitSeq(params, ";") {
		if k, v, _ := strings.Cut(p, "="); strings.EqualFold(k, "PARTSTAT") {
			switch v = strings.ToLower(strings.Trim(v, `" `)); v {
			case "accepted", "declined", "tentative", "delegated":
				r.State = v
			}
		}
	}
}

// cutProperty cuts a line at the colon that ends its parameters.
func cutProperty(line string) (name, value string, ok bool) {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '"':
			quoted = !quoted
		case ':':
			if !quoted {
				return line[:i], line[i+1:], true
			}
		}
	}
	return "", "", false
}

func unescapeICS(s string) string {
	return squeeze(strings.NewReplacer(`\n`, " ", `\N`, " ", `\,`, ",", `\;`, ";", `\\`, `\`).Replace(s))
}

// time reads a date or date-time, and says whether it is a day. A time in a
// named zone is placed by the rules the object itself defines for the zone,
// else by those we know; one in no zone where the calendar is.
func (r *eventReader) time(params, value string) (t time.Time, day bool) {
	for _, layout := range []string{"20060102T150405Z", "20060102T150405", "20060102"} {
		t, err := time.Parse(layout, value)
		if err != nil || !sane(t) {
			continue
		}
		if layout != "20060102T150405" {
			return t, layout == "20060102"
		}
		name := r.local
		if i := strings.Index(strings.ToUpper(params), "TZID="); i >= 0 {
			name, _, _ = strings.Cut(params[i+5:], ";")
			name = strings.Trim(name, `"`)
		}
		z, ok := r.zones[name]
		if !ok {
			z = knownZone(name)
		}
		return z.place(t), false
	}
	return time.Time{}, false
}

// icsDuration reads a duration (RFC 5545, 3.3.6), at most a year; 0 where it
// is none.
func icsDuration(s string) time.Duration {
	const most = 366 * 24 * time.Hour
	rest, ok := strings.CutPrefix(strings.ToUpper(strings.TrimPrefix(s, "+")), "P")
	if !ok {
		return 0
	}
	var d time.Duration
	n := 0
	for _, c := range []byte(clipText(rest, 30)) {
		unit := map[byte]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour, 'H': time.Hour, 'M': time.Minute, 'S': time.Second}[c]
		switch {
		case c >= '0' && c <= '9' && n < 100_000:
			n = n*10 + int(c-'0')
		case c == 'T':
		case unit == 0:
			return 0
		default:
			if d += min(time.Duration(n), most/unit) * unit; d > most {
				return 0
			}
			n = 0
		}
	}
	return d
}
