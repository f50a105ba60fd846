package message

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestCalendar reads what the mails about a meeting say of it.
func TestCalendar(t *testing.T) {
	t.Parallel()
	at := func(d, h, m int) time.Time { return time.Date(2026, 7, d, h, m, 0, 0, time.UTC) }
	for name, c := range map[string]struct {
		method, lines string
		want          CalendarEvent
	}{
		"invitation": {"REQUEST", "DTSTAMP:20260601T080000Z\nDTSTART;TZID=Europe/Berlin:20260707T140000\nDURATION:PT1H30M\nORGANIZER;CN=Ada:MAILTO:Ada@example.com\nATTENDEE;PARTSTAT=ACCEPTED:mailto:ada@example.com\nLOCATION:Room 4\\, Hall B\nBEGIN:VALARM\nDURATION:PT5M\nEND:VALARM",
			CalendarEvent{Start: at(7, 12, 0), End: at(7, 13, 30), Stamp: time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC), Location: "Room 4, Hall B", Organizer: "ada@example.com", State: "invited"}},
		"update":           {"REQUEST", "SEQUENCE:2\nDTSTART:20260707T140000Z\nDTEND:20260707T150000Z", CalendarEvent{Sequence: 2, Start: at(7, 14, 0), End: at(7, 15, 0), State: "changed"}},
		"cancellation":     {"CANCEL", "SEQUENCE:3\nDTSTART:20260707T140000Z\nSTATUS:CANCELLED", CalendarEvent{Sequence: 3, Start: at(7, 14, 0), State: "cancelled"}},
		"acceptance":       {"REPLY", "DTSTART:20260707T140000Z\nATTENDEE;CN=\"Roe, Bob\";PARTSTAT=ACCEPTED:mailto:bob@example.org", CalendarEvent{Start: at(7, 14, 0), Attendee: "bob@example.org", State: "accepted"}},
		"refusal":          {"REPLY", "ATTENDEE;PARTSTAT=declined:mailto:bob@example.org", CalendarEvent{Attendee: "bob@example.org", State: "declined"}},
		"no answer yet":    {"REPLY", "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:bob@example.org", CalendarEvent{Attendee: "bob@example.org"}},
		"other time":       {"COUNTER", "DTSTART:20260708T140000Z\nATTENDEE:mailto:bob@example.org", CalendarEvent{Start: at(8, 14, 0), Attendee: "bob@example.org", State: "proposed"}},
		"days":             {"REQUEST", "DTSTART;VALUE=DATE:20260707", CalendarEvent{Start: at(7, 0, 0), End: at(8, 0, 0), AllDay: true, State: "invited"}},
		"one of a series":  {"REQUEST", "RECURRENCE-ID:20260714T140000Z\nDTSTART:20260715T140000Z", CalendarEvent{Start: at(15, 14, 0), Instance: "20260714T140000Z", State: "invited"}},
		"series":           {"REQUEST", "RRULE:FREQ=WEEKLY\nDTSTART:20260707T140000Z", CalendarEvent{Start: at(7, 14, 0), Repeats: true, State: "invited"}},
		"ends before":      {"REQUEST", "DTSTART:20260707T140000Z\nDTEND:20260707T130000Z", CalendarEvent{Start: at(7, 14, 0), State: "invited"}},
		"endless duration": {"REQUEST", "DTSTART:20260707T140000Z\nDURATION:P99999999999W", CalendarEvent{Start: at(7, 14, 0), State: "invited"}},
		"folded":           {"REQUEST", "SUMMARY:A\n  word\nDTSTART:20260707T140000Z", CalendarEvent{Summary: "A word", Start: at(7, 14, 0), State: "invited"}},
	} {
		c.want.Method, c.want.UID = c.method, "u@example.com"
		body := "BEGIN:VCALENDAR\nMETHOD:" + c.method + "\nBEGIN:VEVENT\nUID:u@example.com\n" + c.lines + "\nEND:VEVENT\nBEGIN:VEVENT\nUID:other\nEND:VEVENT\nEND:VCALENDAR\n"
		p := parse(t, "Content-Type: text/calendar; method="+c.method+"\n\n"+strings.ReplaceAll(body, "\n", "\r\n"))
		v := Classify(p)
		if v.Kind != Calendar || v.Calendar == nil {
			t.Errorf("%s: judged as %+v", name, v)
			continue
		}
		if diff := cmp.Diff(c.want, *v.Calendar); diff != "" {
			t.Errorf("%s differs (-want +got):\n%s", name, diff)
		}
	}
	local := readCalendar("BEGIN:VCALENDAR\nX-WR-TIMEZONE:America/New_York\nBEGIN:VEVENT\nDTSTART:20260707T090000\nEND:VEVENT\n")
	if !local.Start.Equal(at(7, 13, 0)) {
		t.Errorf("a time without a zone is read as %s; want where the calendar is", local.Start)
	}
}
