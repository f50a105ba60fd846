package web

import (
	"cmp"
	"context"
	"slices"

	"rapport/records/followup"
	"rapport/records/sale"
	"rapport/store"
)

// SaleFigures are what the sales of somebody say together.
type SaleFigures struct {
	sale.Figures
	Segment sale.Segment `json:"segment,omitempty"`
}

type saleFiguresOf struct {
	Who       string `query:"who" required:"true" doc:"Whose: an id, address, name or domain. Sales of their organisation are not among those of a contact."`
	Direction string `query:"direction" enum:"sale,purchase" doc:"What we sold, or bought; sale where it is absent."`
}

// saleFigures sums up one customer's sales. Who is among the best takes a look
// at everybody's.
func (s *Server) saleFigures(ctx context.Context, in *saleFiguresOf) (out SaleFigures, err error) {
	today, direction := s.todayIs(), cmp.Or(sale.Direction(in.Direction), sale.Sold)
	err = s.view(ctx, func(tx store.Tx) error {
		who, err := resolve(tx, in.Who, anybody)
		if err != nil {
			return err
		}
		theirs, err := store.Where(func(s store.Slice) (store.Page[sale.Sale], error) {
			return tx.Sales().List(store.SaleFilter{Who: who, Direction: direction}, s)
		}, func(sale.Sale) (bool, error) { return true, nil })
		if err != nil {
			return err
		}
		if out.Figures, err = sale.FiguresOf(theirs, today); err != nil {
			return err
		}
		if out.Count == 0 {
			return nil
		}
		all, err := figuresOfAll(tx, direction, today)
		if err != nil {
			return err
		}
		out.Segment = out.In(sale.RanksOf(all.list()), today)
		return nil
	})
	return out, err
}

// customers are the figures of everybody who bought, by whom.
type customers map[store.Subject]sale.Figures

func (c customers) list() []sale.Figures {
	out := make([]sale.Figures, 0, len(c))
	for _, f := range c {
		out = append(out, f)
	}
	return out
}

// figuresOfAll sums up the sales of every customer: of the organisation, where a
// sale concerns one, else of the contact. It reads all sales.
func figuresOfAll(tx store.Tx, d sale.Direction, today followup.Day) (customers, error) {
	by := map[store.Subject][]sale.Sale{}
	if err := eachSale(tx, d, "", today, func(one sale.Sale) {
		who := store.Subject{Organisation: one.Organisation}
		if one.Organisation == "" {
			who = store.Subject{Contact: one.Contact}
		}
		by[who] = append(by[who], one)
	}); err != nil {
		return nil, err
	}
	out := make(customers, len(by))
	for who, list := range by {
		f, err := sale.FiguresOf(list, today)
		if err != nil {
			return nil, err
		}
		out[who] = f
	}
	return out, nil
}

func eachSale(tx store.Tx, d sale.Direction, from, until followup.Day, fn func(sale.Sale)) error {
	_, err := store.Where(func(s store.Slice) (store.Page[sale.Sale], error) {
		return tx.Sales().List(store.SaleFilter{Direction: d, From: from, Until: until}, s)
	}, func(one sale.Sale) (bool, error) {
		fn(one)
		return false, nil
	})
	return err
}

// SaleReport is what was sold within a time, and how the customers stand today.
type SaleReport struct {
	sale.Report
	Segments  []SegmentCount `json:"segments"`
	Customers []CustomerSum  `json:"customers"` // who bought most within the time, at most 20
	Slipping  []CustomerSum  `json:"slipping"`  // who is silent for longer than usual, largest first, at most 20
	Overdue   []sale.Sum     `json:"overdue,omitempty"`
	Late      int            `json:"late"`
}

// SegmentCount is how many customers are in a segment today.
type SegmentCount struct {
	Segment   sale.Segment `json:"segment"`
	Customers int          `json:"customers"`
	Year      []sale.Sum   `json:"year,omitempty"` // they bought for within 365 days
}

// CustomerSum is one customer within a report.
type CustomerSum struct {
	Who   string       `json:"who"` // id
	Firm  bool         `json:"firm"`
	Name  string       `json:"name"`
	Count int          `json:"count"`
	Total []sale.Sum   `json:"total,omitempty"`
	Last  followup.Day `json:"last,omitempty"`
}

type saleReportOf struct {
	Direction string `query:"direction" enum:"sale,purchase" doc:"What we sold, or bought; sale where it is absent."`
	From      string `query:"from" doc:"The first day, YYYY-MM-DD; a year ago where it is absent."`
	Until     string `query:"until" doc:"The last day; today where it is absent."`
}

func (s *Server) saleReport(ctx context.Context, in *saleReportOf) (out SaleReport, err error) {
	today, direction := s.todayIs(), cmp.Or(sale.Direction(in.Direction), sale.Sold)
	from, err := dayOr(in.From, today.After(-365))
	if err != nil {
		return out, err
	}
	until, err := dayOr(in.Until, today)
	if err != nil {
		return out, err
	}
	err = s.view(ctx, func(tx store.Tx) error {
		out = SaleReport{Segments: []SegmentCount{}, Customers: []CustomerSum{}, Slipping: []CustomerSum{}}
		r := reporting{tx: tx, v: newViews(tx), today: today, out: &out}
		return r.run(direction, from, until)
	})
	return out, err
}

func dayOr(text string, otherwise followup.Day) (followup.Day, error) {
	if text == "" {
		return otherwise, nil
	}
	d, err := followup.ParseDay(text)
	if err != nil {
		return "", Invalid(err)
	}
	return d, nil
}

// reporting is one report being made.
type reporting struct {
	tx    store.Tx
	v     *views
	today followup.Day
	out   *SaleReport
}

// maxNamed bounds the customers a report names.
const maxNamed = 20

func (r *reporting) run(d sale.Direction, from, until followup.Day) error {
	tally := sale.NewTally(from, until)
	within := map[store.Subject][]sale.Sale{}
	if err := eachSale(r.tx, d, from, until, func(one sale.Sale) {
		tally.Add(one)
		who := store.Subject{Organisation: one.Organisation}
		if one.Organisation == "" {
			who = store.Subject{Contact: one.Contact}
		}
		within[who] = append(within[who], one)
	}); err != nil {
		return err
	}
	var err error
	if r.out.Report, err = tally.Report(); err != nil {
		return err
	}
	most := customers{}
	for who, list := range within {
		if most[who], err = sale.FiguresOf(list, until); err != nil {
			return err
		}
	}
	if r.out.Customers, err = r.named(most, func(f sale.Figures) []sale.Sum { return f.Total }); err != nil {
		return err
	}
	all, err := figuresOfAll(r.tx, d, r.today)
	if err != nil {
		return err
	}
	return r.segments(all)
}

// segments counts who is in which, and what is owed.
func (r *reporting) segments(all customers) error {
	ranks := sale.RanksOf(all.list())
	in := map[sale.Segment]customers{}
	var late []sale.Figures
	for who, f := range all {
		segment := f.In(ranks, r.today)
		if in[segment] == nil {
			in[segment] = customers{}
		}
		in[segment][who] = f
		if r.out.Late += f.Late; f.Late > 0 {
			late = append(late, f)
		}
	}
	var err error
	for _, segment := range sale.Segments {
		count := SegmentCount{Segment: segment, Customers: len(in[segment])}
		for _, f := range in[segment] {
			if count.Year, err = sale.AddSums(count.Year, f.Year); err != nil {
				return err
			}
		}
		r.out.Segments = append(r.out.Segments, count)
	}
	for _, f := range late {
		if r.out.Overdue, err = sale.AddSums(r.out.Overdue, f.Overdue); err != nil {
			return err
		}
	}
	r.out.Slipping, err = r.named(in[sale.Slipping], func(f sale.Figures) []sale.Sum { return f.Total })
	return err
}

// named lists the customers of the largest sums.
func (r *reporting) named(of customers, sum func(sale.Figures) []sale.Sum) ([]CustomerSum, error) {
	out := make([]CustomerSum, 0, len(of))
	for who, f := range of {
		one := CustomerSum{Who: cmp.Or(string(who.Organisation), string(who.Contact)), Firm: who.Organisation != "", Count: f.Count, Total: sum(f), Last: f.Last}
		out = append(out, one)
	}
	largest := func(list []sale.Sum) (most sale.Amount) {
		for _, s := range list {
			most = max(most, s.Amount)
		}
		return most
	}
	slices.SortFunc(out, func(a, b CustomerSum) int {
		return cmp.Or(cmp.Compare(largest(b.Total), largest(a.Total)), cmp.Compare(a.Who, b.Who))
	})
	out = out[:min(len(out), maxNamed)]
	for n := range out {
		name, err := r.v.called(out[n].Who)
		if err != nil {
			return nil, err
		}
		out[n].Name = name
	}
	return out, nil
}
