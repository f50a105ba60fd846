package sale

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	"rapport/records/followup"
)

// Report is what was sold, or bought, within a time.
type Report struct {
	From     followup.Day   `json:"from"`
	Until    followup.Day   `json:"until"`
	Count    int            `json:"count"`
	Total    []Sum          `json:"total,omitempty"`
	Months   []Period       `json:"months"`
	Products []ProductTotal `json:"products"`
}

// Period is a month, YYYY-MM.
type Period struct {
	Month string `json:"month"`
	Count int    `json:"count"`
	Total []Sum  `json:"total,omitempty"`
}

// ProductTotal is what was sold of a product. Total counts the lines whose sum
// is known.
type ProductTotal struct {
	ProductCount
	Total []Sum `json:"total,omitempty"`
}

// Tally makes a report of one sale after the other.
type Tally struct {
	report   Report
	total    sums
	months   map[string]*tallied
	products map[string]*tallied
}

// tallied is what was counted under one name.
type tallied struct {
	count    int
	quantity Amount
	total    sums
}

// NewTally begins a report of the days from and until, both included.
func NewTally(from, until followup.Day) *Tally {
	return &Tally{report: Report{From: from, Until: until}, months: map[string]*tallied{}, products: map[string]*tallied{}}
}

// Add counts a sale, unless it is a draft, cancelled or of another time.
func (t *Tally) Add(s Sale) {
	if !s.Counts() || s.Date < t.report.From || s.Date > t.report.Until {
		return
	}
	month := under(t.months, string(s.Date[:len("2006-01")]))
	t.total.add(s.Currency, s.Amount)
	month.total.add(s.Currency, s.Amount)
	if s.Amount > 0 {
		t.report.Count++
		month.count++
	}
	for _, i := range s.Items {
		p := under(t.products, i.Product)
		p.count++
		if q, err := p.quantity.Add(i.Quantity); err == nil {
			p.quantity = q
		}
		if i.Amount != 0 {
			p.total.add(s.Currency, i.Amount)
		}
	}
}

func under(in map[string]*tallied, name string) *tallied {
	if in[name] == nil {
		in[name] = &tallied{}
	}
	return in[name]
}

// maxReported bounds the products of a report.
const maxReported = 200

// Report returns what was counted: months in order, products by how often. Its
// error is [ErrRange].
func (t *Tally) Report() (Report, error) {
	out, failed := t.report, t.total.failed
	out.Total, out.Months, out.Products = t.total.list(), []Period{}, []ProductTotal{}
	for _, name := range slices.Sorted(maps.Keys(t.months)) {
		m := t.months[name]
		out.Months = append(out.Months, Period{Month: name, Count: m.count, Total: m.total.list()})
		failed = errors.Join(failed, m.total.failed)
	}
	for name, p := range t.products {
		out.Products = append(out.Products, ProductTotal{ProductCount{name, p.count, p.quantity}, p.total.list()})
		failed = errors.Join(failed, p.total.failed)
	}
	slices.SortFunc(out.Products, func(a, b ProductTotal) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Product, b.Product))
	})
	out.Products = out.Products[:min(len(out.Products), maxReported)]
	return out, failed
}
