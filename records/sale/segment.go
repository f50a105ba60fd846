package sale

import (
	"slices"

	"rapport/records/followup"
)

// Segment says in a word how somebody buys: by when they bought last, how often,
// and for how much.
type Segment string

// The segments. Whoever never bought is in none.
const (
	Lost     Segment = "lost"     // silent for more than twice their longest usual time, and for half a year at least
	Slipping Segment = "slipping" // silent for longer than usual
	Fresh    Segment = "new"      // bought for the first time within 90 days
	Best     Segment = "best"     // among the fifth who bought for most in a year
	Growing  Segment = "growing"  // bought for a quarter more than in the year before
	Steady   Segment = "steady"
)

// Segments are all of them.
var Segments = []Segment{Best, Growing, Steady, Fresh, Slipping, Lost}

// The bounds of segments, in days.
const (
	fresh       = 90
	usually     = 180 // how long somebody of unknown habits may be silent
	leastLost   = 180
	fewForFifth = 5 // of whom there are fewer, nobody is among the best
)

// Ranks tell from which sum of a year on somebody is among the best, by
// currency.
type Ranks map[string]Amount

// RanksOf finds the sums that a fifth of all customers reach.
func RanksOf(all []Figures) Ranks {
	by := map[string][]Amount{}
	for _, f := range all {
		for _, s := range f.Year {
			if s.Amount > 0 {
				by[s.Currency] = append(by[s.Currency], s.Amount)
			}
		}
	}
	out := Ranks{}
	for currency, list := range by {
		if len(list) < fewForFifth {
			continue
		}
		slices.Sort(list)
		out[currency] = list[len(list)-len(list)/5]
	}
	return out
}

// In says in which segment somebody is on a day, "" without a purchase.
func (f Figures) In(r Ranks, today followup.Day) Segment {
	if f.Count == 0 {
		return ""
	}
	silent, usual := between(f.Last, today), usually
	if f.Interval != nil {
		usual = f.Interval.High + f.Interval.Median/2
	}
	switch {
	case silent > max(2*usual, leastLost):
		return Lost
	case silent > usual:
		return Slipping
	case between(f.First, today) <= fresh:
		return Fresh
	case f.best(r):
		return Best
	case f.grows():
		return Growing
	}
	return Steady
}

func (f Figures) best(r Ranks) bool {
	return slices.ContainsFunc(f.Year, func(s Sum) bool {
		least, ok := r[s.Currency]
		return ok && s.Amount >= least
	})
}

// grows compares the year with the one before, in the currency of the larger
// sum.
func (f Figures) grows() bool {
	return slices.ContainsFunc(f.Year, func(s Sum) bool {
		was := AmountIn(f.Before, s.Currency)
		return was > 0 && s.Amount-was > was/4
	})
}

// AmountIn is the sum in a currency, 0 where there is none.
func AmountIn(list []Sum, currency string) Amount {
	for _, s := range list {
		if s.Currency == currency {
			return s.Amount
		}
	}
	return 0
}
