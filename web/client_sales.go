package web

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"rapport/records/sale"
)

// SaleFilter narrows a list of sales.
type SaleFilter struct {
	Who, Direction, Status, From, Until string
	Overdue                             bool
}

// Sales lists orders and invoices, newest first.
func (c *Client) Sales(ctx context.Context, f SaleFilter, s Slice) (Page[Sale], error) {
	q := filled(s.query(), map[string]string{"who": f.Who, "direction": f.Direction, "status": f.Status, "from": f.From, "until": f.Until})
	if f.Overdue {
		q.Set("overdue", "true")
	}
	return call[Page[Sale]](ctx, c, http.MethodGet, "/sales", q, nil)
}

// filled adds the values that say something.
func filled(q url.Values, values map[string]string) url.Values {
	for name, value := range values {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// Sale shows one.
func (c *Client) Sale(ctx context.Context, id string) (Sale, error) {
	return call[Sale](ctx, c, http.MethodGet, at("/sales/%s", id), nil, nil)
}

// PutSale writes one down, or brings it up to date.
func (c *Client) PutSale(ctx context.Context, in sale.Input) (Sale, error) {
	return call[Sale](ctx, c, http.MethodPost, "/sales", nil, in)
}

// RemoveSale removes one and returns it as it was.
func (c *Client) RemoveSale(ctx context.Context, id string) (Sale, error) {
	return call[Sale](ctx, c, http.MethodDelete, at("/sales/%s", id), nil, nil)
}

// SaleFigures sums up the sales of somebody.
func (c *Client) SaleFigures(ctx context.Context, who, direction string) (SaleFigures, error) {
	return call[SaleFigures](ctx, c, http.MethodGet, "/sales/figures", filled(url.Values{}, map[string]string{"who": who, "direction": direction}), nil)
}

// SaleReport reports sales by month, product and customer. Empty days mean the
// last year.
func (c *Client) SaleReport(ctx context.Context, direction, from, until string) (SaleReport, error) {
	return call[SaleReport](ctx, c, http.MethodGet, "/sales/report", filled(url.Values{}, map[string]string{"direction": direction, "from": from, "until": until}), nil)
}

// SaleImport is what a person says beside a file of sales; what is empty is as
// configured.
type SaleImport struct {
	Name                                         string // of the file
	Dry                                          bool   // store nothing
	Direction, Currency, Dates, Decimal, Unknown string
}

// ImportSales reads a file of sales, all of it or nothing.
func (c *Client) ImportSales(ctx context.Context, file io.Reader, o SaleImport) (sale.ImportResult, error) {
	q := filled(url.Values{}, map[string]string{"name": o.Name, "direction": o.Direction, "currency": o.Currency, "dates": o.Dates, "decimal": o.Decimal, "unknown": o.Unknown})
	if o.Dry {
		q.Set("dry", "true")
	}
	resp, err := c.do(ctx, http.MethodPost, "/sales/import", q, octets, file)
	if err != nil {
		return sale.ImportResult{}, err
	}
	return read[sale.ImportResult](resp)
}
