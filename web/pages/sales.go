package pages

import (
	"net/http"
	"net/url"
	"strings"

	"rapport/records/access"
	"rapport/records/sale"
	"rapport/web"
)

// saleRoutes are the pages of orders and invoices.
func (p *Pages) saleRoutes() []route {
	return []route{
		{pattern: "GET /sales", need: access.Read, serve: sales},
		{pattern: "GET /sales/report", need: access.Read, serve: salesReport},
		{pattern: "GET /sales/{id}", need: access.Read, serve: oneSale},
	}
}

// saleList is the page of all sales, or of somebody's.
type saleList struct {
	List    []web.Sale
	Older   string
	Chips   []choice
	Who     string // id of whose
	Name    string
	Back    string // page of the record
	Figures *web.SaleFigures
}

// saleChips are the ways a list is narrowed by one click: the parameter, its
// value and the sentence.
var saleChips = [][3]string{
	{"", "", "sales.sold"}, {"overdue", "1", "sales.overdue"}, {"status", "open", "sale.status.open"}, {"status", "paid", "sale.status.paid"},
	{"direction", "purchase", "sales.bought"},
}

func sales(v *visit) error {
	f := web.SaleFilter{Who: v.Query("who"), Direction: v.Query("direction"), Status: v.Query("status"), Overdue: v.Query("overdue") != ""}
	if f.Direction == "" {
		f.Direction = string(sale.Sold)
	}
	page, err := v.client().Sales(v.ctx(), f, v.slice())
	if err != nil {
		return err
	}
	l := saleList{List: page.Items, Older: v.older(page.Next), Who: f.Who}
	for _, chip := range saleChips {
		q := url.Values{}
		if f.Who != "" {
			q.Set("who", f.Who)
		}
		chosen := v.Query("overdue")+v.Query("status")+v.Query("direction") == ""
		if chip[0] != "" {
			q.Set(chip[0], chip[1])
			chosen = v.Query(chip[0]) == chip[1]
		}
		l.Chips = append(l.Chips, choice{chip[2], chip[2], address("/sales", q), chosen})
	}
	if err := l.about(v, f); err != nil {
		return err
	}
	return v.show("sales", "sales.title", l)
}

// about adds whose sales they are, and what these say together.
func (l *saleList) about(v *visit, f web.SaleFilter) error {
	if l.Who == "" {
		return nil
	}
	of, c := contacts, card{}
	c, err := of.card(v, l.Who)
	if status(err) == http.StatusNotFound {
		of = "organisations"
		c, err = of.card(v, l.Who)
	}
	if err != nil {
		return err
	}
	l.Name, l.Back = c.Name, c.Path
	figures, err := v.client().SaleFigures(v.ctx(), c.ID, f.Direction)
	l.Figures = &figures
	return err
}

func oneSale(v *visit) error {
	s, err := v.client().Sale(v.ctx(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	return v.showAs(http.StatusOK, "sale", s.Number, s)
}

// saleReport is the report, with what was asked for.
type saleReport struct {
	web.SaleReport
	Direction string
}

func salesReport(v *visit) error {
	r, err := v.client().SaleReport(v.ctx(), v.Query("direction"), v.Query("from"), v.Query("until"))
	if err != nil {
		return err
	}
	return v.show("salesreport", "sales.report", saleReport{r, v.Query("direction")})
}

// readSold reads what a record's page says of sales; nil where there are none.
func readSold(v *visit, c card) (*web.SaleFigures, error) {
	f, err := v.client().SaleFigures(v.ctx(), c.ID, "")
	if err != nil || f.Count == 0 && len(f.Total) == 0 {
		return nil, err
	}
	return &f, nil
}

// Money writes a sum as the reader does.
func (v *visit) Money(a sale.Amount, currency string) string {
	digits := 2
	switch {
	case a%100 != 0: // smaller than the coins
		digits = 4
	case sale.Whole(currency):
		digits = 0
	}
	return v.Fixed(a.Float(), digits) + "\u00a0" + currency
}

// Sums writes sums of several currencies.
func (v *visit) Sums(list []sale.Sum) string {
	var parts []string
	for _, s := range list {
		parts = append(parts, v.Money(s.Amount, s.Currency))
	}
	return strings.Join(parts, " · ")
}
