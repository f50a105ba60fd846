package relation

import (
	"cmp"
	"slices"
	"time"
)

// Hours are when the team is at work. The zero value is always.
type Hours struct {
	Location *time.Location // nil: UTC
	Days     [7]bool        // by time.Weekday; none: every day
	From, To time.Duration  // since midnight; both 0: all day
	Holidays []string       // sorted: days as 2006-01-02, or as 01-02 in every year
}

// most is how many days are gone through one by one; of longer waits the rest
// is taken in whole weeks, holidays aside.
const most = 400

// Between returns how much working time lies between two moments; 0 where the
// second is not after the first.
func (h Hours) Between(from, to time.Time) time.Duration {
	if !to.After(from) {
		return 0
	}
	loc := h.Location
	if loc == nil {
		loc = time.UTC
	}
	from, to = from.In(loc), to.In(loc)
	var sum time.Duration
	if days := int(to.Sub(from) / (24 * time.Hour)); days > most {
		weeks := (days - most) / 7
		sum += time.Duration(weeks) * h.week()
		from = from.AddDate(0, 0, 7*weeks)
	}
	for day := midnight(from); day.Before(to); day = midnight(day.AddDate(0, 0, 1)) {
		if !h.works(day) {
			continue
		}
		begin, end := h.of(day)
		if begin.Before(from) {
			begin = from
		}
		if end.After(to) {
			end = to
		}
		if end.After(begin) {
			sum += end.Sub(begin)
		}
	}
	return sum
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// of returns when work begins and ends on a day, by the clock on the wall, also
// where a day has 23 or 25 hours.
func (h Hours) of(day time.Time) (begin, end time.Time) {
	if h.From == 0 && h.To == 0 {
		return day, midnight(day.AddDate(0, 0, 1))
	}
	at := func(d time.Duration) time.Time {
		return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, int(d/time.Second), 0, day.Location())
	}
	return at(h.From), at(h.To)
}

// works reports whether there is work on a day.
func (h Hours) works(day time.Time) bool {
	if h.Days != [7]bool{} && !h.Days[day.Weekday()] {
		return false
	}
	for _, layout := range []string{"2006-01-02", "01-02"} {
		if _, free := slices.BinarySearch(h.Holidays, day.Format(layout)); free {
			return false
		}
	}
	return true
}

// Works reports whether a moment's day is one of work.
func (h Hours) Works(t time.Time) bool {
	if h.Location != nil {
		return h.works(t.In(h.Location))
	}
	return h.works(t.UTC())
}

func (h Hours) week() time.Duration {
	days := 0
	for _, works := range h.Days {
		if works {
			days++
		}
	}
	if days == 0 {
		days = 7
	}
	if h.From == 0 && h.To == 0 {
		return time.Duration(days) * 24 * time.Hour
	}
	return time.Duration(days) * (h.To - h.From)
}

// Speed is how long answers take in working time.
type Speed struct {
	Answers int           // looked at, 0: the rest says nothing
	Median  time.Duration // of the newest year's
	Before  time.Duration // the median of those before the newest three months; 0 where too few
	Trend   Trend
}

// Trend compares the newest three months with the nine before.
type Trend string

// The trends. A change counts from a quarter on.
const (
	NoTrend Trend = "" // too few answers
	Faster  Trend = "faster"
	Steady  Trend = "steady"
	Slower  Trend = "slower"
)

const (
	// MaxAnswers is how many answers a speed is made of at most: the newest.
	MaxAnswers  = 200
	speedSpan   = 365 * 24 * time.Hour
	recentSpan  = 91 * 24 * time.Hour
	minForTrend = 3 // answers in each part
)

// SpeedOf returns how long the answers of the year before now took.
func SpeedOf(answers []Answer, h Hours, now time.Time) Speed {
	var all, recent, before []time.Duration
	for _, a := range answers {
		age := now.Sub(a.Answered)
		if age > speedSpan {
			continue
		}
		took := h.Between(a.Asked, a.Answered)
		all = append(all, took)
		if age <= recentSpan {
			recent = append(recent, took)
		} else {
			before = append(before, took)
		}
	}
	s := Speed{Answers: len(all), Median: median(all)}
	if len(recent) < minForTrend || len(before) < minForTrend {
		return s
	}
	s.Before = median(before)
	switch is := median(recent); {
	case 4*is > 5*s.Before:
		s.Trend = Slower
	case 5*is < 4*s.Before:
		s.Trend = Faster
	default:
		s.Trend = Steady
	}
	return s
}

// median returns the middle one, of an even number the middle of the two; 0 of
// none. It sorts what it is given.
func median(ds []time.Duration) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	slices.SortFunc(ds, func(a, b time.Duration) int { return cmp.Compare(a, b) })
	n := len(ds) / 2
	if len(ds)%2 == 1 {
		return ds[n]
	}
	return (ds[n-1] + ds[n]) / 2
}
