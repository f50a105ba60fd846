package message

import (
	"slices"
	"strings"
	"time"
)

// zone is a time zone as an iCalendar object defines it (RFC 5545, 3.6.5): the
// observances, of which the one that began last holds.
type zone []observance

// observance is standard or daylight time: an offset, and when it begins.
type observance struct {
	offset  int       // minutes
	start   time.Time // when it began first, as its wall clocks showed
	month   time.Month
	week    int // which of the weekdays in the month, from the end where negative; 0: it begins once
	weekday time.Weekday
	until   time.Time // when it began last; zero: it still does
}

// maxZones and maxObservances bound what is read of one object.
const (
	maxZones       = 50
	maxObservances = 200
)

// begins returns when the observance last began before t or at it, both as
// wall clocks show; zero if it had not.
func (o observance) begins(t time.Time) time.Time {
	if t.Before(o.start) {
		return time.Time{}
	}
	if o.week == 0 {
		return o.start
	}
	last := o.start
	for _, year := range []int{t.Year() - 1, t.Year()} {
		on := o.inYear(year)
		if !on.After(t) && on.After(last) && (o.until.IsZero() || !on.After(o.until)) {
			last = on
		}
	}
	return last
}

// inYear returns when the observance begins in a year.
func (o observance) inYear(year int) time.Time {
	first := time.Date(year, o.month, 1, o.start.Hour(), o.start.Minute(), o.start.Second(), 0, time.UTC)
	if o.week > 0 {
		return first.AddDate(0, 0, (int(o.weekday)-int(first.Weekday())+7)%7+7*(o.week-1))
	}
	last := first.AddDate(0, 1, -1)
	return last.AddDate(0, 0, -((int(last.Weekday())-int(o.weekday)+7)%7)+7*(o.week+1))
}

// place returns the moment at which wall clocks of the zone show t.
func (z zone) place(t time.Time) time.Time {
	var last time.Time
	offset := 0
	if len(z) > 0 {
		offset = z[0].offset
	}
	for _, o := range z {
		if on := o.begins(t); !on.IsZero() && on.After(last) {
			last, offset = on, o.offset
		}
	}
	return t.Add(-time.Duration(offset) * time.Minute)
}

// readZones reads the zones an object defines.
func readZones(s string) map[string]zone {
	out := map[string]zone{}
	name, total := "", 0
	var cur *observance
	for line := range strings.SplitSeq(s, "\n") {
		key, value, ok := cutProperty(line)
		if !ok || len(out) >= maxZones || total >= maxObservances {
			continue
		}
		value = strings.TrimSpace(value)
		key, _, _ = strings.Cut(strings.ToUpper(key), ";")
		switch {
		case key == "TZID":
			name = value
		case key == "BEGIN" && (strings.EqualFold(value, "STANDARD") || strings.EqualFold(value, "DAYLIGHT")):
			cur = &observance{}
		case key == "END" && cur != nil && (strings.EqualFold(value, "STANDARD") || strings.EqualFold(value, "DAYLIGHT")):
			total++
			out[name], cur = append(out[name], *cur), nil
		case cur != nil:
			cur.property(key, value)
		}
	}
	return out
}

// property reads a line of an observance.
func (o *observance) property(key, value string) {
	switch key {
	case "TZOFFSETTO":
		var d dateReader
		if len(value) >= 3 {
			d.zone(value)
		}
		o.offset = d.offset
	case "DTSTART":
		o.start, _ = time.Parse("20060102T150405", value)
	case "RRULE":
		o.rule(strings.ToUpper(value))
	}
}

var weekdays = []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

// rule reads a yearly rule. Programs write no others for zones; what is none
// leaves the observance to begin once.
func (o *observance) rule(value string) {
	for part := range strings.SplitSeq(value, ";") {
		key, v, _ := strings.Cut(part, "=")
		switch key {
		case "BYMONTH":
			if n, ok := number(v); ok && n >= 1 && n <= 12 {
				o.month = time.Month(n)
			}
		case "BYDAY":
			day := max(len(v)-2, 0)
			n, ok := number(strings.TrimLeft(v[:day], "+-"))
			if i := slices.Index(weekdays, v[day:]); ok && i >= 0 && n >= 1 && n <= 5 {
				o.week, o.weekday = n, time.Weekday(i)
				if v[0] == '-' {
					o.week = -n
				}
			}
		case "UNTIL":
			o.until, _ = time.Parse("20060102T150405", strings.TrimSuffix(v, "Z"))
		}
	}
	if o.month == 0 {
		o.week = 0
	}
}

// knownZone returns a zone that an object names and does not define, by the
// names of the tz database or of Windows; nil for one that is not known.
func knownZone(name string) zone {
	name = strings.ToLower(name)
	for _, k := range knownZones {
		if slices.Contains(k.names, name) {
			return k.summer(k.offset)
		}
	}
	return nil
}

var knownZones = []struct {
	offset int // of standard time, in minutes
	summer func(standard int) zone
	names  []string
}{
	{0, noSummer, []string{"utc", "etc/utc", "gmt", "z", "africa/abidjan", "atlantic/reykjavik"}},
	{0, europe, []string{"europe/london", "europe/dublin", "europe/lisbon", "gmt standard time"}},
	{60, europe, []string{"europe/berlin", "europe/vienna", "europe/zurich", "europe/paris", "europe/madrid", "europe/rome", "europe/amsterdam", "europe/brussels", "europe/luxembourg", "europe/copenhagen", "europe/oslo", "europe/stockholm", "europe/prague", "europe/warsaw", "europe/budapest", "europe/belgrade", "europe/zagreb", "europe/ljubljana", "europe/bratislava", "w. europe standard time", "romance standard time", "central europe standard time", "central european standard time", "cet"}},
	{120, europe, []string{"europe/athens", "europe/helsinki", "europe/kiev", "europe/kyiv", "europe/bucharest", "europe/sofia", "europe/riga", "europe/tallinn", "europe/vilnius", "fle standard time", "gtb standard time", "eet"}},
	{180, noSummer, []string{"europe/moscow", "europe/istanbul", "russian standard time", "turkey standard time"}},
	{240, noSummer, []string{"asia/dubai", "arabian standard time"}},
	{330, noSummer, []string{"asia/kolkata", "asia/calcutta", "india standard time"}},
	{360, noSummer, []string{"asia/dhaka", "bangladesh standard time"}},
	{480, noSummer, []string{"asia/shanghai", "asia/singapore", "asia/hong_kong", "china standard time", "singapore standard time"}},
	{540, noSummer, []string{"asia/tokyo", "asia/seoul", "tokyo standard time", "korea standard time"}},
	{-300, america, []string{"america/new_york", "america/toronto", "us/eastern", "eastern standard time"}},
	{-360, america, []string{"america/chicago", "us/central", "central standard time"}},
	{-420, america, []string{"america/denver", "us/mountain", "mountain standard time"}},
	{-480, america, []string{"america/los_angeles", "us/pacific", "pacific standard time"}},
	{-180, noSummer, []string{"america/sao_paulo", "america/argentina/buenos_aires", "e. south america standard time"}},
}

func noSummer(standard int) zone { return zone{{offset: standard}} }

// europe is the European Union's rule since 1996: at 1:00 UTC on the last
// Sundays of March and October.
func europe(standard int) zone {
	hour := 1 + standard/60
	return zone{
		{offset: standard, start: time.Date(1996, 10, 27, hour+1, 0, 0, 0, time.UTC), month: time.October, week: -1},
		{offset: standard + 60, start: time.Date(1996, 3, 31, hour, 0, 0, 0, time.UTC), month: time.March, week: -1},
	}
}

// america is the rule of the United States since 2007: at 2:00 on the second
// Sunday of March and the first of November.
func america(standard int) zone {
	return zone{
		{offset: standard, start: time.Date(2007, 11, 4, 2, 0, 0, 0, time.UTC), month: time.November, week: 1},
		{offset: standard + 60, start: time.Date(2007, 3, 11, 2, 0, 0, 0, time.UTC), month: time.March, week: 2},
	}
}
