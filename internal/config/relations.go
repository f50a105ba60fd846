package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rapport/records/contact"
)

// BusinessHours are when the team works: in them the time an answer takes is
// counted.
type BusinessHours struct {
	TimeZone string `yaml:"timezone" default:"UTC" doc:"Time zone of the team, e.g. Europe/Berlin."`
	Days     List   `yaml:"days" doc:"The days of work; nothing means mon, tue, wed, thu and fri."`
	From     string `yaml:"from" default:"09:00" doc:"When work begins, HH:MM."`
	To       string `yaml:"to" default:"17:00" doc:"When it ends, HH:MM; 24:00 is midnight."`
}

// StaffMetrics says what of single members is shown in figures.
type StaffMetrics string

// What is shown of members.
const (
	StaffPerson StaffMetrics = "person"
	StaffTeam   StaffMetrics = "team"
	StaffOff    StaffMetrics = "off"
)

func (StaffMetrics) choices() []string { return []string{"person", "team", "off"} }

// Digest is the daily mail to members.
type Digest struct {
	At     string `yaml:"at" doc:"When members get a mail of what is to be done today, HH:MM in the team's time zone; nothing sends none."`
	To     List   `yaml:"to" doc:"The members who get it, by their first addresses; nothing means every member."`
	Quiet  string `yaml:"quiet" doc:"Day of the week on which it also tells which relations have gone quiet; nothing: on none."`
	Sender string `yaml:"sender" doc:"Name of the sender that takes it; may be left out where there is only one."`
}

// weekdays are the days as the file names them, by time.Weekday.
var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// WorkDays returns the days of work, by time.Weekday.
func (b BusinessHours) WorkDays() (out [7]bool) {
	days := b.Days
	if len(days) == 0 {
		days = List{"mon", "tue", "wed", "thu", "fri"}
	}
	for _, d := range days {
		if n := slices.Index(weekdays, d); n >= 0 {
			out[n] = true
		}
	}
	return out
}

// Location returns the team's time zone.
func (b BusinessHours) Location() *time.Location {
	loc, err := time.LoadLocation(b.TimeZone)
	if err != nil {
		return time.UTC // validation has refused it
	}
	return loc
}

// Clock returns how long after midnight a time of day is, as HH:MM.
func Clock(s string) (time.Duration, error) {
	if s == "24:00" {
		return 24 * time.Hour, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != len("15:04") {
		return 0, fmt.Errorf("%q is no time of day", s)
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, nil
}

// holiday reports whether a text is a day: 2026-12-25, or 12-25 for every year.
func holiday(s string) bool {
	for _, layout := range []string{"2006-01-02", "01-02"} {
		if t, err := time.Parse(layout, s); err == nil && t.Format(layout) == s {
			return true
		}
	}
	return s == "02-29" // no day of the year that is taken where none is given
}

// DigestTo returns the members who get the daily mail, and at which time of
// the day; none where it is not sent.
func (c *Config) DigestTo() map[contact.Address]time.Duration {
	out := map[contact.Address]time.Duration{}
	for _, m := range c.Ours.Members {
		text := m.Digest
		if text == "" && (len(c.Digest.To) == 0 || slices.Contains(c.Digest.To, m.Addresses[0])) {
			text = c.Digest.At
		}
		if at, err := Clock(text); err == nil {
			out[contact.Address(m.Addresses[0])] = at
		}
	}
	return out
}

// DigestSender returns the sender that takes the daily mail, nil where none is sent.
func (c *Config) DigestSender() *Sender {
	if len(c.DigestTo()) == 0 {
		return nil
	}
	for i := range c.Senders {
		if c.Digest.Sender == c.Senders[i].Name || c.Digest.Sender == "" {
			return &c.Senders[i]
		}
	}
	return nil
}

// QuietDay returns the day of the week on which the daily mail tells of quiet
// relations, -1 for none.
func (d Digest) QuietDay() time.Weekday { return time.Weekday(slices.Index(weekdays, d.Quiet)) }

const (
	clockHint = "write HH:MM, for example 07:30"
	dayHint   = "mon, tue, wed, thu, fri, sat or sun"
)

func (v *validator) hours(c *Config) {
	b := &c.Hours
	if loc, err := time.LoadLocation(b.TimeZone); err != nil || b.TimeZone == "" || loc == time.Local {
		v.wrong("business_hours.timezone", fmt.Sprintf("%q is no time zone", b.TimeZone), "for example Europe/Berlin; see the IANA list of time zones")
	}
	for i, d := range b.Days {
		path := index("business_hours.days", i)
		if !slices.Contains(weekdays, d) {
			v.wrong(path, fmt.Sprintf("%q is no day of the week", d), dayHint)
		}
		v.repeated(path, b.Days[:i], d)
	}
	from, okFrom := v.clock("business_hours.from", b.From)
	to, okTo := v.clock("business_hours.to", b.To)
	if okFrom && okTo && from >= to {
		v.wrong("business_hours.to", fmt.Sprintf("work would end at %s and begin at %s", b.To, b.From), "the end lies after the beginning")
	}
	for i, h := range c.Holidays {
		path := index("holidays", i)
		if !holiday(h) {
			v.wrong(path, fmt.Sprintf("%q is no day", h), "write 2026-12-25, or 12-25 for every year")
		}
		v.repeated(path, c.Holidays[:i], h)
	}
}

func (v *validator) clock(path, text string) (time.Duration, bool) {
	at, err := Clock(text)
	if err != nil {
		v.wrong(path, err.Error(), clockHint)
	}
	return at, err == nil
}

func (v *validator) digest(c *Config) {
	d := &c.Digest
	if d.At != "" {
		v.clock("digest.at", d.At)
	}
	own := false
	var known []string
	for i, m := range c.Ours.Members {
		if len(m.Addresses) > 0 {
			known = append(known, m.Addresses[0])
		}
		if m.Digest != "" && m.Digest != "off" {
			v.clock(index("team.members", i)+".digest", m.Digest)
			own = true
		}
	}
	for i := range d.To {
		path := index("digest.to", i)
		if v.address(path, &d.To[i]) && !slices.Contains(known, d.To[i]) {
			v.wrong(path, d.To[i]+" is the first address of no member", "name somebody of team.members")
		}
	}
	if d.Quiet != "" && d.QuietDay() < 0 {
		v.wrong("digest.quiet", fmt.Sprintf("%q is no day of the week", d.Quiet), dayHint)
	}
	if d.At == "" && !own {
		for _, set := range []struct {
			key string
			is  bool
		}{{"to", len(d.To) > 0}, {"quiet", d.Quiet != ""}, {"sender", d.Sender != ""}} {
			if set.is {
				v.wrong("digest."+set.key, "has no effect without digest.at", `add at: "07:30"`)
			}
		}
		return
	}
	v.digestSender(c)
}

func (v *validator) digestSender(c *Config) {
	var names []string
	for _, s := range c.Senders {
		names = append(names, s.Name)
	}
	path := "digest.sender"
	if !v.given(path) {
		path = "digest"
	}
	switch {
	case len(names) == 0:
		v.wrong(path, "there is no sender to take the daily mail", "add one under senders: name, host and from")
	case c.Digest.Sender == "" && len(names) > 1:
		v.wrong(path, "several senders are configured", "name one: "+strings.Join(names, ", "))
	case c.Digest.Sender != "" && !slices.Contains(names, c.Digest.Sender):
		v.wrong(path, fmt.Sprintf("no sender is called %q", c.Digest.Sender), "there is "+strings.Join(names, ", "))
	}
}
