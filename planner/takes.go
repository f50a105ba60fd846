package planner

import (
	"time"

	"rapport/records/campaign"
)

// lasts is how long a sender takes for so many mails.
func (s Sender) lasts(mails int) time.Duration {
	if mails == 0 {
		return 0
	}
	var d time.Duration
	if s.PerMinute > 0 {
		d = time.Duration(mails-1) * time.Minute / time.Duration(s.PerMinute)
	}
	if s.PerDay > 0 {
		days := time.Duration((mails-1)/s.PerDay) * 24 * time.Hour
		rest := time.Duration(0)
		if s.PerMinute > 0 {
			rest = time.Duration((mails-1)%s.PerDay) * time.Minute / time.Duration(s.PerMinute)
		}
		d = max(d, days+rest)
	}
	return d
}

// longest bounds how far ahead it is told when a campaign will have left.
const longest = 2 * 366 * 24 * time.Hour

// takes is how long a sender takes for so many mails that leave in a window
// only, by the clock of a zone, until the last has left.
func (s Sender) takes(mails int, w campaign.Window, from time.Time, zone *time.Location) time.Duration {
	if w == (campaign.Window{}) || mails == 0 {
		return s.lasts(mails)
	}
	type minute struct {
		at time.Time
		n  int
	}
	var day []minute // what left in the last 24 hours
	left, at, last := 0, from, from
	for mails > 0 && last.Sub(from) < longest {
		at = w.Next(at, zone)
		for len(day) > 0 && !day[0].at.After(at.Add(-24*time.Hour)) {
			left -= day[0].n
			day = day[1:]
		}
		n := mails
		if s.PerMinute > 0 {
			n = min(n, s.PerMinute)
		}
		if s.PerDay > 0 {
			if n = min(n, s.PerDay-left); n <= 0 {
				at = day[0].at.Add(24 * time.Hour)
				continue
			}
		}
		day, left, mails, last = append(day, minute{at, n}), left+n, mails-n, at
		at = at.Add(time.Minute)
	}
	return last.Sub(from)
}
