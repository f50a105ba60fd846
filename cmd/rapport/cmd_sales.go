package main

import (
	"context"
	"path/filepath"
	"strings"

	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/sale"
	"rapport/web"
)

type saleGroup struct {
	Import saleImportCommand `cmd:""`
	List   saleListCommand   `cmd:""`
	Show   saleShowCommand   `cmd:""`
	Add    saleAddCommand    `cmd:""`
	Remove saleRemoveCommand `cmd:""`
	Sum    saleSumCommand    `cmd:""`
	Report saleReportCommand `cmd:""`
}

type saleImportCommand struct {
	File      string `arg:""`
	DryRun    bool   `name:"dry-run"`
	Purchases bool
	Currency  string `placeholder:"CODE"`
	Dates     string `placeholder:"ORDER"`
	Decimal   string `placeholder:"MARK"`
	Unknown   string `placeholder:"WHAT"`
}

// directionOf names a direction to the API.
func directionOf(purchases bool) string {
	if purchases {
		return string(sale.Bought)
	}
	return string(sale.Sold)
}

// Run imports a file of sales.
func (c *saleImportCommand) Run(s *session) error {
	f, err := s.open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	return s.online(func(api *web.Client) error {
		stop := s.busy("importing")
		result, err := api.ImportSales(s.ctx, f, web.SaleImport{
			Name: filepath.Base(c.File), Dry: c.DryRun, Direction: directionOf(c.Purchases),
			Currency: c.Currency, Dates: c.Dates, Decimal: c.Decimal, Unknown: c.Unknown,
		})
		stop()
		if err != nil {
			return err
		}
		whole := contact.ImportResult{Added: result.Added, Updated: result.Updated, Unchanged: result.Unchanged, Errors: result.Errors, Dry: result.Dry, Rows: result.Rows}
		return s.imported(c.File, result, whole, func() {
			if result.Skipped > 0 {
				s.printf("%s left out: their customers are not known\n", number(result.Skipped))
			}
		})
	})
}

type saleListCommand struct {
	listFlags
	Who       string `placeholder:"WHO"`
	Purchases bool
	Status    string `placeholder:"STATUS"`
	From      string `placeholder:"DAY"`
	Until     string `placeholder:"DAY"`
	Overdue   bool
}

// Run lists sales.
func (c *saleListCommand) Run(s *session) error {
	f := web.SaleFilter{Who: c.Who, Direction: directionOf(c.Purchases), Status: c.Status, From: c.From, Until: c.Until, Overdue: c.Overdue}
	return s.online(func(api *web.Client) error {
		return pages(s, c.listFlags, func(ctx context.Context, sl web.Slice) (web.Page[web.Sale], error) {
			return api.Sales(ctx, f, sl)
		}, func(list []web.Sale) {
			if len(list) == 0 {
				s.printf("no sales\n")
				return
			}
			t := newTable(column{title: "DATE"}, column{title: "NUMBER", least: 8}, column{title: "WHO", least: 12}, column{title: "AMOUNT", right: true}, column{title: "STATUS"}, column{title: "ID"})
			for _, v := range list {
				t.add(string(v.Date), v.Number, v.Name, v.Amount.In(v.Currency), standing(v), string(v.ID))
			}
			t.print(s)
		})
	})
}

// standing says how far a sale has come.
func standing(v web.Sale) string {
	switch {
	case v.Overdue:
		return "overdue since " + string(v.Due)
	case v.Status == sale.Paid && v.Paid != "":
		return "paid " + string(v.Paid)
	case v.Status == sale.Open && v.Due != "":
		return "due " + string(v.Due)
	}
	return string(v.Status)
}

type saleShowCommand struct {
	ID string `arg:""`
}

// Run shows a sale.
func (c *saleShowCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error { return s.sale(api.Sale(s.ctx, c.ID)) })
}

// sale shows one.
func (s *session) sale(v web.Sale, err error) error {
	if err != nil {
		return err
	}
	return s.show(v, func() {
		who := v.Name
		if v.Firm != "" {
			who += ", " + v.Firm
		}
		s.printf("%s %s of %s, %s\n%s, %s\n", v.Direction, plain(v.Number), v.Date, plain(who), v.Amount.In(v.Currency), standing(v))
		if v.Balance != 0 && v.Balance != v.Amount {
			s.printf("still to be paid: %s\n", v.Balance.In(v.Currency))
		}
		for _, i := range v.Items {
			line := "  " + i.Product
			if i.Quantity != 0 {
				line = "  " + i.Quantity.String() + " x " + i.Product
			}
			if i.Amount != 0 {
				line += ", " + i.Amount.In(v.Currency)
			}
			s.printf("%s\n", plain(line))
		}
		s.printf("id %s\n", v.ID)
	})
}

type saleAddCommand struct {
	Who       string   `arg:""`
	Number    string   `arg:""`
	Amount    string   `arg:""`
	Currency  string   `arg:""`
	Items     []string `arg:"" optional:""`
	Date      string   `placeholder:"DAY" default:"today"`
	Due       string   `placeholder:"DAY"`
	Paid      string   `placeholder:"DAY"`
	Purchases bool
}

// Run writes a sale down.
func (c *saleAddCommand) Run(s *session) error {
	amount, err := sale.ParseAmount(c.Amount)
	if err != nil {
		return usage("%v", err)
	}
	in := sale.Input{Direction: sale.Direction(directionOf(c.Purchases)), Number: c.Number, Amount: amount, Currency: strings.ToUpper(c.Currency)}
	if in.Customer = c.Who; strings.Contains(c.Who, "@") {
		in.Customer, in.Email = "", c.Who
	}
	for _, product := range c.Items {
		in.Items = append(in.Items, sale.Item{Product: product})
	}
	for n, text := range []string{c.Date, c.Due, c.Paid} {
		if text == "" {
			continue
		}
		day, err := s.day(text)
		if err != nil {
			return err
		}
		*[]*followup.Day{&in.Date, &in.Due, &in.Paid}[n] = followup.Day(day)
	}
	return s.online(func(api *web.Client) error { return s.sale(api.PutSale(s.ctx, in)) })
}

type saleRemoveCommand struct {
	ID string `arg:""`
}

// Run removes a sale.
func (c *saleRemoveCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		v, err := api.RemoveSale(s.ctx, c.ID)
		if err != nil {
			return err
		}
		return s.show(v, func() { s.printf("removed %s %s of %s\n", v.Direction, plain(v.Number), v.Date) })
	})
}

type saleSumCommand struct {
	Who       string `arg:""`
	Purchases bool
}

// Run sums up somebody's sales.
func (c *saleSumCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		f, err := api.SaleFigures(s.ctx, c.Who, directionOf(c.Purchases))
		if err != nil {
			return err
		}
		return s.show(f, func() {
			if f.Count == 0 {
				s.printf("no sales\n")
				return
			}
			s.printf("%s from %s to %s: %s (%s)\n", salesIn(f.Count), f.First, f.Last, moneys(f.Total), f.Segment)
			if i := f.Interval; i != nil {
				s.printf("every %d days; half of the times between %d and %d\n", i.Median, i.Low, i.High)
			}
			if f.Late > 0 {
				s.printf("overdue: %s, the oldest since %s\n", moneys(f.Overdue), f.LateFrom)
			}
			for _, p := range f.Products {
				s.printf("  %d x %s\n", p.Count, plain(p.Product))
			}
		})
	})
}

// salesIn counts sales.
func salesIn(n int) string {
	if n == 1 {
		return "1 sale"
	}
	return number(n) + " sales"
}

// moneys writes sums of several currencies.
func moneys(list []sale.Sum) string {
	var parts []string
	for _, m := range list {
		parts = append(parts, m.Amount.In(m.Currency))
	}
	return strings.Join(parts, ", ")
}

type saleReportCommand struct {
	From      string `placeholder:"DAY"`
	Until     string `placeholder:"DAY"`
	Purchases bool
}

// Run reports sales by month, product and customer.
func (c *saleReportCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		r, err := api.SaleReport(s.ctx, directionOf(c.Purchases), c.From, c.Until)
		if err != nil {
			return err
		}
		return s.show(r, func() {
			s.printf("%s from %s to %s: %s\n\n", salesIn(r.Count), r.From, r.Until, moneys(r.Total))
			months := newTable(column{title: "MONTH"}, column{title: "SALES", right: true}, column{title: "TOTAL", right: true})
			for _, m := range r.Months {
				months.add(m.Month, number(m.Count), moneys(m.Total))
			}
			months.print(s)
			s.customers("\nWho bought most", r.Customers)
			products := newTable(column{title: "PRODUCT", least: 20}, column{title: "SALES", right: true}, column{title: "TOTAL", right: true})
			for _, p := range r.Products[:min(len(r.Products), 20)] {
				products.add(p.Product, number(p.Count), moneys(p.Total))
			}
			s.printf("\n")
			products.print(s)
			s.printf("\nCustomers today:\n")
			for _, g := range r.Segments {
				s.printf("  %-8s %6s  %s\n", g.Segment, number(g.Customers), moneys(g.Year))
			}
			s.customers("\nSilent for longer than usual", r.Slipping)
			if r.Late > 0 {
				s.printf("\nOverdue: %s of %s\n", moneys(r.Overdue), salesIn(r.Late))
			}
		})
	})
}

func (s *session) customers(what string, list []web.CustomerSum) {
	if len(list) == 0 {
		return
	}
	s.printf("%s:\n", what)
	for _, c := range list {
		s.printf("  %-30s %3d  %s, last %s\n", plain(c.Name), c.Count, moneys(c.Total), c.Last)
	}
}
