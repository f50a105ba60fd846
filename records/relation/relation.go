// Package relation says how things stand between us and a contact or an
// organisation: who wrote when, whose turn it is, how long answers take, who
// of us knows them, and whether it has become quiet.
//
// A [Record] is the sum of a history's entries, so that it can be kept as
// entries come and go, in any order, and made anew from them with the same
// outcome. What needs the order of messages, whose turn it is and how long an
// answer took, is judged conversation by conversation, see [Judge].
package relation

import (
	"cmp"
	"slices"
	"time"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/timeline"
)

// Side is one of the two sides of a relation.
type Side byte

// The sides.
const (
	Us   Side = 'u'
	Them Side = 't'
)

func (s Side) String() string {
	if s == Us {
		return "us"
	}
	return "them"
}

// Lapse is how long somebody is said to wait: who has waited longer for an
// answer does not count on it any more.
const Lapse = 90 * 24 * time.Hour

// Way is how an entry touches a relation.
type Way byte

// The ways.
const (
	None Way = iota
	In       // they wrote to us
	Out      // we wrote to them
	Call     // both spoke: a call or meeting
)

// WayOf returns how an entry touches the relation to somebody who is on it,
// aside or not. What is protected touches nothing, as what is made of it is
// seen by everybody, nor does what no person wrote.
func WayOf(e timeline.Entry, aside bool) Way {
	switch {
	case e.Private:
		return None
	case e.Kind == timeline.Call || e.Kind == timeline.Meeting && !e.OfMail(): // whether people came to what they were invited to, no mail says
		return Call
	case e.Kind != timeline.Message || e.Turn == "":
		return None
	case e.Direction == message.Out:
		return Out
	case e.Direction == message.In && !aside:
		return In
	}
	return None
}

// Month is what went on in one month, in UTC.
type Month struct {
	Month int // months since year 0: 12 × year + month - 1
	In    int // messages from them
	Out   int // messages from us
	Calls int // calls and meetings
}

// MonthOf returns the number of a time's month.
func MonthOf(t time.Time) int {
	t = t.UTC()
	return 12*t.Year() + int(t.Month()) - 1
}

// Begin returns the first moment of a month.
func (m Month) Begin() time.Time {
	return time.Date(m.Month/12, time.Month(m.Month%12+1), 1, 0, 0, 0, 0, time.UTC)
}

// of returns the count of a way.
func (m *Month) of(w Way) *int {
	switch w {
	case In:
		return &m.In
	case Out:
		return &m.Out
	}
	return &m.Calls
}

func (m Month) empty() bool { return m.In == 0 && m.Out == 0 && m.Calls == 0 }

// Tie is what one of us exchanged with them in one year.
type Tie struct {
	Member contact.Address
	Year   int
	In     int // messages from them to the member, among others
	Out    int // messages from the member
}

// Span is the first and the last time of something; zero where there was none.
type Span struct{ First, Last time.Time }

// Record is how things stand with one contact or organisation. It is bounded
// by the months and years that mail can be of and by the size of the team.
type Record struct {
	In, Out, Calls Span    // contact each way
	Months         []Month // those in which there was any, oldest first
	Ties           []Tie   // by member, then year
}

// Empty reports whether there never was any contact.
func (r *Record) Empty() bool { return len(r.Months) == 0 }

// Last returns when there was contact last, whichever way; zero where never.
func (r *Record) Last() time.Time {
	last := r.In.Last
	for _, t := range []time.Time{r.Out.Last, r.Calls.Last} {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// Span returns the first and last contact of one way.
func (r *Record) Span(w Way) *Span {
	switch w {
	case In:
		return &r.In
	case Out:
		return &r.Out
	}
	return &r.Calls
}

// Count adds an entry that touches the relation, or takes one away with by = -1.
// Where the first or last contact is taken away, the next is left to whoever
// has the entries: see [Record.Stale].
func (r *Record) Count(e timeline.Entry, w Way, by int) {
	if w == None {
		return
	}
	at := MonthOf(e.Time)
	n, found := slices.BinarySearchFunc(r.Months, at, func(m Month, at int) int { return cmp.Compare(m.Month, at) })
	if !found {
		r.Months = slices.Insert(r.Months, n, Month{Month: at})
	}
	*r.Months[n].of(w) += by
	if r.Months[n].empty() {
		r.Months = slices.Delete(r.Months, n, n+1)
	}
	if by > 0 {
		s := r.Span(w)
		if s.First.IsZero() || e.Time.Before(s.First) {
			s.First = e.Time
		}
		if e.Time.After(s.Last) {
			s.Last = e.Time
		}
	}
	for _, m := range e.Members {
		r.tie(m, e.Time.UTC().Year(), w, by)
	}
}

func (r *Record) tie(member contact.Address, year int, w Way, by int) {
	n, found := slices.BinarySearchFunc(r.Ties, Tie{Member: member, Year: year}, func(a, b Tie) int {
		return cmp.Or(cmp.Compare(a.Member, b.Member), cmp.Compare(a.Year, b.Year))
	})
	if !found {
		r.Ties = slices.Insert(r.Ties, n, Tie{Member: member, Year: year})
	}
	if w == In {
		r.Ties[n].In += by
	} else {
		r.Ties[n].Out += by
	}
	if r.Ties[n].In == 0 && r.Ties[n].Out == 0 {
		r.Ties = slices.Delete(r.Ties, n, n+1)
	}
}

// Stale reports whether taking away an entry of a time may have taken away the
// first or last contact of its way.
func (r *Record) Stale(w Way, at time.Time) (first, last bool) {
	s := r.Span(w)
	return at.Equal(s.First), at.Equal(s.Last)
}

// Ends returns the first and the last month in which there was contact of one
// way, and whether there was any.
func (r *Record) Ends(w Way) (first, last Month, ok bool) {
	for _, m := range r.Months {
		if *m.of(w) > 0 {
			if !ok {
				first = m
			}
			last, ok = m, true
		}
	}
	return first, last, ok
}

// Rhythm is the usual time between contacts, and how long a silence must be to
// be unusual.
type Rhythm struct {
	Usual  time.Duration // 0: there was too little contact to tell
	Enough time.Duration // of silence
}

// The bounds of what is called unusually quiet.
const (
	minContacts = 5 // in the months looked at
	minSilence  = 21 * 24 * time.Hour
	rhythmSpan  = 24 // months up to the last contact
	month       = 30 * 24 * time.Hour
)

// Rhythm judges the two years up to the last contact. Where there was contact
// in every month of them, silence is unusual after four times the usual time;
// else, as a relation that sleeps for months is not cooling because it sleeps
// once more, after twice the usual distance of the months with contact.
func (r *Record) Rhythm() Rhythm {
	last := r.Last()
	from := MonthOf(last) - rhythmSpan + 1
	contacts, active, begin := 0, 0, 0
	for _, m := range r.Months {
		if m.Month >= from {
			if active++; active == 1 {
				begin = m.Month
			}
			contacts += m.In + m.Out + m.Calls
		}
	}
	if contacts < minContacts || active < 2 {
		return Rhythm{}
	}
	months := MonthOf(last) - begin + 1
	usual := time.Duration(months) * month / time.Duration(contacts)
	enough := 4 * usual
	if active < months {
		usual = time.Duration(months) * month / time.Duration(active)
		enough = 2 * usual
	}
	return Rhythm{Usual: usual, Enough: max(enough, minSilence)}
}

// QuietAt returns from when on the silence is unusual; zero where there was too
// little contact to tell.
func (r *Record) QuietAt() time.Time {
	if h := r.Rhythm(); h.Usual > 0 {
		return r.Last().Add(h.Enough)
	}
	return time.Time{}
}

// Strength is how well one of us knows them: 1 for a message a week in the last
// year, each year before counting half the one after it.
type Strength struct {
	Member   contact.Address
	In, Out  int
	LastYear int // in which there was any
	Strength float64
}

// Strengths returns who of us knows them, best first.
func (r *Record) Strengths(now time.Time) []Strength {
	var out []Strength
	for _, t := range r.Ties { // by member
		if n := len(out); n == 0 || out[n-1].Member != t.Member {
			out = append(out, Strength{Member: t.Member})
		}
		s := &out[len(out)-1]
		s.In, s.Out, s.LastYear = s.In+t.In, s.Out+t.Out, t.Year
		weight := 1.0
		for range min(max(now.UTC().Year()-t.Year, 0), 30) {
			weight /= 2
		}
		s.Strength += weight * float64(t.In+t.Out) / 52
	}
	slices.SortStableFunc(out, func(a, b Strength) int { return cmp.Compare(b.Strength, a.Strength) })
	return out
}
