package message

import (
	"testing"
	"time"
)

const berlinZone = "BEGIN:VTIMEZONE\r\nTZID:My Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\nEND:STANDARD\r\nBEGIN:DAYLIGHT\r\nDTSTART:19700329T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"

// southZone has its summer in January, and lost its daylight time in 2019.
const southZone = "BEGIN:VTIMEZONE\r\nTZID:South\r\nBEGIN:STANDARD\r\nDTSTART:20080217T000000\r\nTZOFFSETTO:-0300\r\nRRULE:FREQ=YEARLY;BYMONTH=2;BYDAY=3SU\r\nEND:STANDARD\r\nBEGIN:DAYLIGHT\r\nDTSTART:20081019T000000\r\nTZOFFSETTO:-0200\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=3SU;UNTIL=20181231T000000Z\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"

func TestMeetingsInTimeZones(t *testing.T) {
	for _, tt := range []struct{ zones, start, want string }{
		{berlinZone, ";TZID=My Berlin:20260328T100000", "2026-03-28 09:00"},
		{berlinZone, ";TZID=My Berlin:20260329T100000", "2026-03-29 08:00"},
		{berlinZone, ";TZID=\"My Berlin\":20261024T100000", "2026-10-24 08:00"},
		{berlinZone, ";TZID=My Berlin:20261025T100000", "2026-10-25 09:00"},
		{berlinZone, ";TZID=My Berlin:20260101T100000", "2026-01-01 09:00"},
		{southZone, ";TZID=South:20170115T100000", "2017-01-15 12:00"},
		{southZone, ";TZID=South:20170615T100000", "2017-06-15 13:00"},
		{southZone, ";TZID=South:20260115T100000", "2026-01-15 13:00"},
		{"", ";TZID=Europe/Berlin:20260701T100000", "2026-07-01 08:00"},
		{"", ";TZID=W. Europe Standard Time:20261201T100000", "2026-12-01 09:00"},
		{"", ";TZID=Europe/London:20260329T003000", "2026-03-29 00:30"},
		{"", ";TZID=America/New_York:20260308T100000", "2026-03-08 14:00"},
		{"", ";TZID=Eastern Standard Time:20261101T100000", "2026-11-01 15:00"},
		{"", ";TZID=Asia/Dhaka:20260701T100000", "2026-07-01 04:00"},
		{"", ";TZID=Nowhere:20260701T100000", "2026-07-01 10:00"},
		{"", ":20260701T100000Z", "2026-07-01 10:00"},
		{"", ";VALUE=DATE:20260701", "2026-07-01 00:00"},
		{"BEGIN:VTIMEZONE\r\nTZID:Odd\r\nBEGIN:STANDARD\r\nTZOFFSETTO:+0530\r\nRRULE:FREQ=YEARLY;BYDAY=9XX;BYMONTH=77\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n", ";TZID=Odd:20260701T100000", "2026-07-01 04:30"},
	} {
		e := readCalendar("BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\n" + tt.zones + "BEGIN:VEVENT\r\nDTSTART" + tt.start + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
		if got := e.Start.UTC().Format("2006-01-02 15:04"); got != tt.want {
			t.Errorf("%s is at %s UTC, want %s", tt.start, got, tt.want)
		}
	}
}

// TestKnownZonesAgree compares the rules we know with those of the system,
// every three hours over two years.
func TestKnownZonesAgree(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "Europe/London", "Europe/Athens", "America/New_York", "America/Los_Angeles", "Asia/Kolkata", "Asia/Dhaka", "Asia/Tokyo", "Europe/Istanbul"} {
		there, err := time.LoadLocation(name)
		if err != nil {
			t.Skipf("the time zones of the system are not installed: %v", err)
		}
		z := knownZone(name)
		for at := time.Date(2025, 1, 1, 0, 30, 0, 0, time.UTC); at.Year() < 2027; at = at.Add(3 * time.Hour) {
			local := at.In(there)
			wall := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, time.UTC)
			// In the hour that clocks show twice, either is right.
			if off := z.place(wall).Sub(at); off != 0 && off != time.Hour && off != -time.Hour {
				t.Fatalf("%s: %s is %s, want %s", name, wall, z.place(wall), at)
			} else if off != 0 && !nearChange(there, at) {
				t.Fatalf("%s: %s is %s, want %s", name, wall, z.place(wall), at)
			}
		}
	}
}

func nearChange(there *time.Location, at time.Time) bool {
	_, before := at.Add(-2 * time.Hour).In(there).Zone()
	_, after := at.Add(2 * time.Hour).In(there).Zone()
	return before != after
}
