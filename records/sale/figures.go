package sale

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"rapport/records/followup"
)

// Sum is money of one currency.
type Sum struct {
	Currency string `json:"currency"`
	Amount   Amount `json:"amount"`
}

// Figures are what the sales of one customer say together. Drafts and what was
// cancelled are left out; a credit note lessens sums and is no purchase.
type Figures struct {
	Count    int            `json:"count"`           // purchases
	Total    []Sum          `json:"total,omitempty"` // by currency
	Year     []Sum          `json:"year,omitempty"`  // of the last 365 days
	Before   []Sum          `json:"before,omitempty"`
	First    followup.Day   `json:"first,omitempty"`
	Last     followup.Day   `json:"last,omitempty"`
	Products []ProductCount `json:"products,omitempty"` // most often bought first
	Interval *Interval      `json:"interval,omitempty"` // nil with purchases on fewer than three days
	Overdue  []Sum          `json:"overdue,omitempty"`
	Late     int            `json:"late,omitempty"`      // how many are overdue
	LateFrom followup.Day   `json:"late_from,omitempty"` // when the oldest of them was due
}

// ProductCount is how often a product was bought, and how much of it.
type ProductCount struct {
	Product  string `json:"product"`
	Count    int    `json:"count"`
	Quantity Amount `json:"quantity,omitempty"`
}

// Interval is how many days lie between purchases: half of the times between Low
// and High, the middle one being Median.
type Interval struct {
	Median int `json:"median_days"`
	Low    int `json:"low_days"`
	High   int `json:"high_days"`
}

// maxProducts bounds the products of one customer.
const maxProducts = 50

// year is how long back sales are counted as of late.
const year = 365

// FiguresOf sums sales up as they stand on a day. Its error is [ErrRange].
func FiguresOf(sales []Sale, today followup.Day) (Figures, error) {
	var f Figures
	var total, late, recent, before sums
	products := map[string]*ProductCount{}
	var bought []followup.Day
	for _, s := range sales {
		if !s.Counts() || s.Date > today {
			continue
		}
		total.add(s.Currency, s.Amount)
		switch {
		case s.Date > today.After(-year):
			recent.add(s.Currency, s.Amount)
		case s.Date > today.After(-2*year):
			before.add(s.Currency, s.Amount)
		}
		if s.Overdue(today) {
			late.add(s.Currency, cmp.Or(s.Balance, s.Amount))
			f.Late++
			if f.LateFrom == "" || s.Due < f.LateFrom {
				f.LateFrom = s.Due
			}
		}
		if s.Amount <= 0 {
			continue
		}
		f.Count++
		bought = append(bought, s.Date)
		for _, i := range s.Items {
			p := products[i.Product]
			if p == nil {
				p = &ProductCount{Product: i.Product}
				products[i.Product] = p
			}
			p.Count++
			if q, err := p.Quantity.Add(i.Quantity); err == nil {
				p.Quantity = q
			}
		}
	}
	slices.Sort(bought)
	if len(bought) > 0 {
		f.First, f.Last = bought[0], bought[len(bought)-1]
	}
	f.Interval = intervalOf(slices.Compact(bought))
	for _, p := range products {
		f.Products = append(f.Products, *p)
	}
	slices.SortFunc(f.Products, func(a, b ProductCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Product, b.Product))
	})
	f.Products = f.Products[:min(len(f.Products), maxProducts)]
	f.Total, f.Year, f.Before, f.Overdue = total.list(), recent.list(), before.list(), late.list()
	return f, errors.Join(total.failed, recent.failed, before.failed, late.failed)
}

// sums add money up by currency.
type sums struct {
	by     map[string]Amount
	failed error
}

func (s *sums) add(currency string, a Amount) {
	if s.by == nil {
		s.by = map[string]Amount{}
	}
	sum, err := s.by[currency].Add(a)
	if err != nil {
		s.failed = err
	}
	s.by[currency] = sum
}

// list goes by currency.
func (s *sums) list() []Sum {
	var out []Sum
	for _, c := range slices.Sorted(maps.Keys(s.by)) {
		out = append(out, Sum{c, s.by[c]})
	}
	return out
}

// AddSums returns two lists of sums as one, by currency. Its error is
// [ErrRange].
func AddSums(a, b []Sum) ([]Sum, error) {
	var all sums
	for _, s := range slices.Concat(a, b) {
		all.add(s.Currency, s.Amount)
	}
	return all.list(), all.failed
}

// intervalOf judges the days between purchases, at least three of them in order.
func intervalOf(on []followup.Day) *Interval {
	if len(on) < 3 {
		return nil
	}
	var gaps []int
	for n := 1; n < len(on); n++ {
		gaps = append(gaps, between(on[n-1], on[n]))
	}
	slices.Sort(gaps)
	return &Interval{Median: quantile(gaps, 2), Low: quantile(gaps, 1), High: quantile(gaps, 3)}
}

// quantile is the value below which so many quarters of sorted numbers lie, in
// between two of them where it falls there (the R-7 rule of spreadsheets),
// rounded.
func quantile(sorted []int, quarters int) int {
	at := (len(sorted) - 1) * quarters // in quarters of a step
	low := sorted[at/4]
	if at%4 == 0 {
		return low
	}
	return low + ((sorted[at/4+1]-low)*(at%4)+2)/4
}

// between is how many days lie from one day to another.
func between(from, to followup.Day) int {
	return int(to.In(time.UTC).Sub(from.In(time.UTC)) / (24 * time.Hour))
}
