package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Provider is a preset for a mailbox.
type Provider string

// The providers.
const (
	IMAP    Provider = "imap"
	Gmail   Provider = "gmail"
	Outlook Provider = "outlook"
)

func (Provider) choices() []string { return []string{"imap", "gmail", "outlook"} }

// TLSMode says how a connection is secured.
type TLSMode string

// The TLS modes; TLSNone is for loopback hosts only.
const (
	TLSImplicit TLSMode = "implicit"
	TLSStart    TLSMode = "starttls"
	TLSNone     TLSMode = "none"
)

func (TLSMode) choices() []string { return []string{"implicit", "starttls", "none"} }

// Visibility says how much of a mailbox's mail others see.
type Visibility string

// The tiers of visibility.
const (
	VisibleFull     Visibility = "full"
	VisibleSubject  Visibility = "subject"
	VisibleMetadata Visibility = "metadata"
	VisiblePrivate  Visibility = "private"
)

func (Visibility) choices() []string { return []string{"full", "subject", "metadata", "private"} }

// Mode is what an exclusion does; the words are the matcher's.
type Mode string

// The modes of exclusions.
const (
	Blocked   Mode = "blocked"
	Protected Mode = "protected"
)

func (Mode) choices() []string { return []string{"blocked", "protected"} }

// Unmatched is what happens with correspondents nobody knows.
type Unmatched string

// The ways with unknown correspondents.
const (
	Suggest Unmatched = "suggest"
	Forget  Unmatched = "forget"
)

func (Unmatched) choices() []string { return []string{"suggest", "forget"} }

// Internal is what happens with mail among ourselves.
type Internal string

// The ways with internal mail.
const (
	SkipInternal Internal = "skip"
	LogInternal  Internal = "log"
)

func (Internal) choices() []string { return []string{"skip", "log"} }

// Level is the least important kind of line that is logged. It is also what
// slog's Level reads.
type Level string

func (Level) choices() []string { return []string{"debug", "info", "warn", "error"} }

// Format is how a log line is written.
type Format string

// The formats of the log.
const (
	Text Format = "text"
	JSON Format = "json"
)

func (Format) choices() []string { return []string{"text", "json"} }

// List is a list of texts that may be written as one text.
type List []string

// Command is a command line: either words to run as they stand, or one string
// for sh -c. The zero Command is none.
type Command struct {
	Shell string
	Args  []string
}

// IsZero reports whether there is no command.
func (c Command) IsZero() bool { return c.Shell == "" && len(c.Args) == 0 }

// Duration is a span in the units of people: years and months are those of
// the calendar.
type Duration struct {
	Years, Months, Days int
	Rest                time.Duration // hours, minutes and seconds
}

// maxAmount keeps sums of spans far from overflow.
const maxAmount = 100_000

var (
	durationPart = regexp.MustCompile(`^([0-9]{1,6})(y|mo|w|d|h|m|s)`)
	durationHint = "write 2y, 6mo, 14d, 36h or 15m"
)

// ParseDuration reads spans such as 2y, 6mo, 14d, 36h, 1h30m: whole numbers,
// each with its unit, the largest first.
func ParseDuration(s string) (Duration, error) {
	var d Duration
	rest, last := s, -1
	order := []string{"y", "mo", "w", "d", "h", "m", "s"}
	for rest != "" {
		part := durationPart.FindStringSubmatch(rest)
		if part == nil {
			return Duration{}, &problem{fmt.Sprintf("%q is not a duration", s), durationHint}
		}
		n, _ := strconv.Atoi(part[1]) // at most six digits
		unit := -1
		for i, u := range order {
			if u == part[2] {
				unit = i
			}
		}
		if unit <= last || n > maxAmount {
			return Duration{}, &problem{fmt.Sprintf("%q is not a duration", s), durationHint}
		}
		last, rest = unit, rest[len(part[0]):]
		d.add(n, part[2])
	}
	if s == "" {
		return Duration{}, &problem{"a duration is missing", durationHint}
	}
	return d, nil
}

func (d *Duration) add(n int, unit string) {
	switch unit {
	case "y":
		d.Years = n
	case "mo":
		d.Months = n
	case "w":
		d.Days += 7 * n
	case "d":
		d.Days += n
	case "h":
		d.Rest += time.Duration(n) * time.Hour
	case "m":
		d.Rest += time.Duration(n) * time.Minute
	case "s":
		d.Rest += time.Duration(n) * time.Second
	}
}

// Before returns the time that lies the span before now.
func (d Duration) Before(now time.Time) time.Time {
	return now.AddDate(-d.Years, -d.Months, -d.Days).Add(-d.Rest)
}

// Std returns the span as hours, a year counting 365 days and a month 30.
func (d Duration) Std() time.Duration {
	return time.Duration(d.Years*365+d.Months*30+d.Days)*24*time.Hour + d.Rest
}

// String gives the span as it is written in the file.
func (d Duration) String() string {
	var b strings.Builder
	add := func(n int, unit string) {
		if n != 0 {
			fmt.Fprintf(&b, "%d%s", n, unit)
		}
	}
	add(d.Years, "y")
	add(d.Months, "mo")
	add(d.Days, "d")
	add(int(d.Rest/time.Hour), "h")
	add(int(d.Rest%time.Hour/time.Minute), "m")
	add(int(d.Rest%time.Minute/time.Second), "s")
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}

// UnmarshalText reads what [ParseDuration] reads.
func (d *Duration) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDuration(string(text))
	return err
}

// MarshalText gives what UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Since says how far back to read: a span before now, or a date. The zero
// Since reads everything.
type Since struct {
	Date time.Time
	Span Duration
}

const sinceHint = "write a span such as 2y or 6mo, a date such as 2024-01-31, or all"

// At returns the bound as a time, given now; zero means everything.
func (s Since) At(now time.Time) time.Time {
	switch {
	case !s.Date.IsZero():
		return s.Date
	case s.Span != Duration{}:
		return s.Span.Before(now)
	}
	return time.Time{}
}

// UnmarshalText reads a span, a date (in UTC) or all.
func (s *Since) UnmarshalText(text []byte) error {
	in := string(text)
	if in == "all" {
		*s = Since{}
		return nil
	}
	if date, err := time.Parse(time.DateOnly, in); err == nil {
		*s = Since{Date: date}
		return nil
	}
	span, err := ParseDuration(in)
	if err != nil {
		return &problem{fmt.Sprintf("%q is neither a span nor a date", in), sinceHint}
	}
	if span == (Duration{}) {
		return &problem{"a span of nothing reads nothing", sinceHint}
	}
	*s = Since{Span: span}
	return nil
}

// MarshalText gives what UnmarshalText reads.
func (s Since) MarshalText() ([]byte, error) {
	switch {
	case !s.Date.IsZero():
		return []byte(s.Date.Format(time.DateOnly)), nil
	case s.Span != Duration{}:
		return s.Span.MarshalText()
	}
	return []byte("all"), nil
}

// Keep says which backups stay: the newest Count of them, or those of the last
// Span. One of the two is set.
type Keep struct {
	Count int
	Span  Duration
}

const keepHint = "write how many, such as 14, or for how long, such as 30d"

// maxKeep is more backups than anybody has a use for.
const maxKeep = 10_000

// UnmarshalText reads a number or a span.
func (k *Keep) UnmarshalText(text []byte) error {
	in := string(text)
	if n, err := strconv.Atoi(in); err == nil {
		if n < 1 || n > maxKeep {
			return &problem{in + " is out of range", fmt.Sprintf("from 1 to %d", maxKeep)}
		}
		*k = Keep{Count: n}
		return nil
	}
	span, err := ParseDuration(in)
	if err != nil || span.Std() < 24*time.Hour {
		return &problem{fmt.Sprintf("%q is neither a number nor a span of a day or more", in), keepHint}
	}
	*k = Keep{Span: span}
	return nil
}

// MarshalText gives what UnmarshalText reads.
func (k Keep) MarshalText() ([]byte, error) {
	if k.Count > 0 {
		return []byte(strconv.Itoa(k.Count)), nil
	}
	return k.Span.MarshalText()
}
