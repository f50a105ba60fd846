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
		e.Method = strings.ToUpper(clip(p.method, 20))
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
	offsets := zoneOffsets(s)
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
			e.Method = clip(strings.ToUpper(strings.TrimSpace(value)), 20)
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
				e.Start = icsTime(params, value, offsets)
			}
		case "DTEND":
			if inEvent && e.End.IsZero() {
				e.End = icsTime(params, value, offsets)
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
// offsets that the object itself defines for the zone.
func icsTime(params, value string, offsets map[string][2]int) time.Time {
	value = strings.TrimSpace(value)
	for _, layout := range []string{"20060102T150405Z", "20060102T150405", "20060102"} {
		t, err := time.Parse(layout, value)
		if err != nil || !sane(t) {
			continue
		}
		if i := strings.Index(strings.ToUpper(params), "TZID="); i >= 0 && layout == "20060102T150405" {
			zone, _, _ := strings.Cut(params[i+5:], ";")
			if off, ok := offsets[strings.Trim(zone, `"`)]; ok {
				minutes := off[0]
				// Which half of the year is summer shows in which offset is larger.
				if m := t.Month(); off[1] != off[0] && (m > time.March && m < time.November) {
					minutes = off[1]
				}
				t = t.Add(-time.Duration(minutes) * time.Minute)
			}
		}
		return t
	}
	return time.Time{}
}

// zoneOffsets reads the offsets in minutes, standard and daylight, of the
// zones an object defines.
func zoneOffsets(s string) map[string][2]int {
	out := map[string][2]int{}
	zone, daylight, seen := "", false, false
	for line := range strings.SplitSeq(s, "\n") {
		name, value, ok := cutProperty(line)
		if !ok || len(out) > 50 {
			continue
		}
		value = strings.TrimSpace(value)
		switch strings.ToUpper(name) {
		case "TZID":
			zone, seen = value, false
		case "BEGIN":
			daylight = strings.EqualFold(value, "DAYLIGHT")
		case "TZOFFSETTO":
			var d dateReader
			if len(value) < 3 || zone == "" {
				continue
			}
			d.zone(value)
			off := out[zone]
			if !seen {
				off = [2]int{d.offset, d.offset}
			}
			if daylight {
				off[1] = d.offset
			} else {
				off[0] = d.offset
			}
			out[zone], seen = off, true
		}
	}
	return out
}
