package message

import (
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
	return Verdict{Kind: Calendar, Auto: true, Calendar: &e, Original: originalOf(p)}, true
}

// readCalendar reads the first event of an iCalendar object (RFC 5545).
func readCalendar(s string) CalendarEvent {
	var e CalendarEvent
	s = strings.ReplaceAll(cleanText(s), "\n ", "")
	s = strings.ReplaceAll(s, "\n\t", "")
	zones := readZones(s)
	inEvent := false
	for line := range strings.SplitSeq(s, "\n") {
		name, value, ok := cutProperty(line)
		if !ok {
			continue
		}
		key, params, _ := strings.Cut(name, ";")
		switch strings.ToUpper(key) {
		case "BEGIN":
			inEvent = inEvent || strings.EqualFold(value, "VEVENT")
		case "END":
			if strings.EqualFold(value, "VEVENT") {
				return e
			}
		case "METHOD":
			e.Method = clipText(strings.ToUpper(strings.TrimSpace(value)), 20)
		case "UID":
			if inEvent && e.UID == "" {
				e.UID = clipText(strings.TrimSpace(value), 500)
			}
		case "SUMMARY":
			if inEvent && e.Summary == "" {
				e.Summary = clipText(unescapeICS(value), 1000)
			}
		case "DTSTART":
			if inEvent && e.Start.IsZero() {
				e.Start = icsTime(params, value, zones)
			}
		case "DTEND":
			if inEvent && e.End.IsZero() {
				e.End = icsTime(params, value, zones)
			}
		}
	}
	return e
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

// icsTime reads a date or date-time. A time in a named zone is placed by the
// rules the object itself defines for the zone, else by those we know.
func icsTime(params, value string, zones map[string]zone) time.Time {
	value = strings.TrimSpace(value)
	for _, layout := range []string{"20060102T150405Z", "20060102T150405", "20060102"} {
		t, err := time.Parse(layout, value)
		if err != nil || !sane(t) {
			continue
		}
		if i := strings.Index(strings.ToUpper(params), "TZID="); i >= 0 && layout == "20060102T150405" {
			name, _, _ := strings.Cut(params[i+5:], ";")
			name = strings.Trim(name, `"`)
			z, ok := zones[name]
			if !ok {
				z = knownZone(name)
			}
			return z.place(t)
		}
		return t
	}
	return time.Time{}
}
