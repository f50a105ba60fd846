package web

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/sale"
	"rapport/store"
)

// SaleSettings say how files of one direction are read.
type SaleSettings struct {
	Read   sale.Options
	Import sale.ImportOptions
}

// Sale is a sale with the names of whom it concerns.
type Sale struct {
	sale.Sale
	Name    string `json:"name"`              // of the contact, else of the organisation
	Firm    string `json:"firm,omitempty"`    // the organisation, where it concerns both
	Overdue bool   `json:"overdue,omitempty"` // it was to be paid before today
}

func (s *Server) describeSales(api huma.API) {
	const tag = "sales"
	describe(s, api, operation{id: "list-sales", pattern: "GET /sales", tag: tag, need: access.Read,
		summary: "List orders and invoices, newest first"}, s.listSales)
	describe(s, api, operation{id: "put-sale", pattern: "POST /sales", tag: tag, need: access.Write,
		summary: "Write a sale down, or bring it up to date",
		detail:  "The number tells whether it is known: sending the same twice changes nothing. Of a purchase the supplier has to be the same, too."}, s.putSale)
	describe(s, api, operation{id: "get-sale", pattern: "GET /sales/{id}", tag: tag, need: access.Read,
		summary: "Read a sale"}, s.showSale)
	describe(s, api, operation{id: "remove-sale", pattern: "DELETE /sales/{id}", tag: tag, need: access.Manage,
		summary: "Remove a sale that was written down by mistake"}, s.removeSale)
	describe(s, api, operation{id: "sum-sales", pattern: "GET /sales/figures", tag: tag, need: access.Read,
		summary: "Sum up the sales of somebody"}, s.saleFigures)
	describe(s, api, operation{id: "report-sales", pattern: "GET /sales/report", tag: tag, need: access.Read, long: true,
		summary: "Report sales by month, product and customer"}, s.saleReport)
	describeUpload(s, api, operation{id: "import-sales", pattern: "POST /sales/import", tag: tag, need: access.Manage, long: true,
		summary: "Import sales from a file, all of it or nothing",
		detail:  "The body is the file: CSV as accounting programs export it, or JSON Lines, of 64 MiB at most. Where any line is wrong nothing is imported, and the answer lists what is. What the configuration says of such files holds where the request does not."},
		s.importSales)
}

type saleList struct {
	SliceInput
	Who       string `query:"who" doc:"Only those of somebody: an id, address, name or domain."`
	Direction string `query:"direction" enum:"sale,purchase" doc:"Only what we sold, or bought."`
	Status    string `query:"status" enum:"draft,open,paid,cancelled" doc:"Only those that have come so far."`
	From      string `query:"from" doc:"Only those of this day, YYYY-MM-DD, or later."`
	Until     string `query:"until" doc:"Only those of this day, YYYY-MM-DD, or before."`
	Overdue   bool   `query:"overdue" doc:"Only those that are overdue, longest first."`
}

// filter reads what a list is narrowed by.
func (in *saleList) filter(tx store.Tx) (f store.SaleFilter, err error) {
	f.Direction, f.Status = sale.Direction(in.Direction), sale.Status(in.Status)
	if f.From, err = dayOr(in.From, ""); err != nil {
		return f, err
	}
	if f.Until, err = dayOr(in.Until, ""); err != nil {
		return f, err
	}
	if in.Who != "" {
		f.Who, err = resolve(tx, in.Who, anybody)
	}
	return f, err
}

func (s *Server) listSales(ctx context.Context, in *saleList) (page Page[Sale], err error) {
	today := s.todayIs()
	page = Page[Sale]{Items: []Sale{}}
	err = s.view(ctx, func(tx store.Tx) error {
		f, err := in.filter(tx)
		if err != nil {
			return err
		}
		found, err := salesOf(tx, f, in, today)
		if err != nil {
			return err
		}
		page.Next = string(found.Next)
		v := newViews(tx)
		page.Items = make([]Sale, len(found.Items))
		for n, one := range found.Items {
			if page.Items[n], err = v.sale(one, today); err != nil {
				return err
			}
		}
		return nil
	})
	return page, err
}

// salesOf lists sales; of those that are owed the ones that fit the filter.
func salesOf(tx store.Tx, f store.SaleFilter, in *saleList, today followup.Day) (store.Page[sale.Sale], error) {
	if !in.Overdue {
		return tx.Sales().List(f, in.slice())
	}
	direction := cmp.Or(f.Direction, sale.Sold)
	page, err := tx.Sales().Owed(direction, today.After(-1), in.slice())
	var kept []sale.Sale
	for _, one := range page.Items {
		theirs := f.Who == store.Subject{} || f.Who.Contact != "" && f.Who.Contact == one.Contact || f.Who.Organisation != "" && f.Who.Organisation == one.Organisation
		if theirs && one.Overdue(today) && one.Date >= f.From && (f.Until == "" || one.Date <= f.Until) {
			kept = append(kept, one)
		}
	}
	page.Items = kept
	return page, err
}

// sale writes one down with the names of whom it concerns.
func (v *views) sale(one sale.Sale, today followup.Day) (Sale, error) {
	out := Sale{Sale: one, Overdue: one.Overdue(today)}
	firm, err := v.organisationName(one.Organisation)
	if err != nil {
		return out, err
	}
	if out.Name = firm; one.Contact == "" {
		return out, nil
	}
	out.Firm = firm
	out.Name, err = v.contactName(one.Contact)
	return out, err
}

// SaleID names a sale in a path.
type SaleID struct {
	ID string `path:"id" doc:"The sale."`
}

func (s *Server) showSale(ctx context.Context, in *SaleID) (out Sale, err error) {
	err = s.view(ctx, func(tx store.Tx) error {
		one, err := tx.Sales().Get(sale.ID(in.ID))
		if err != nil {
			return err
		}
		out, err = newViews(tx).sale(one, s.todayIs())
		return err
	})
	return out, err
}

func (s *Server) putSale(ctx context.Context, in *struct{ Body sale.Input }) (none Sale, err error) {
	row, err := in.Body.Row(1)
	if err != nil {
		return none, Invalid(err)
	}
	settings := s.sales(row.Sale.Direction)
	settings.Import.Dry = false
	if settings.Import.Unknown == sale.UnknownSkip { // who pushes one sale is told
		settings.Import.Unknown = sale.UnknownRefuse
	}
	result, err := s.records.ImportSales(ctx, actor(ctx), []sale.Row{row}, settings.Import)
	if err != nil {
		return none, refused(err)
	}
	if len(result.Errors) > 0 {
		return none, refused(errors.New(result.Errors[0].What))
	}
	var found sale.Sale
	err = s.view(ctx, func(tx store.Tx) error {
		all, err := tx.Sales().ByNumber(row.Sale.Direction, row.Sale.Number)
		for _, one := range all {
			if one.Updated.After(found.Updated) || found.ID == "" {
				found = one
			}
		}
		return err
	})
	if err != nil {
		return none, err
	}
	return s.showSale(ctx, &SaleID{ID: string(found.ID)})
}

func (s *Server) removeSale(ctx context.Context, in *SaleID) (out Sale, err error) {
	if out, err = s.showSale(ctx, in); err != nil {
		return out, err
	}
	return out, refused(s.records.RemoveSale(ctx, actor(ctx), out.ID))
}

type saleImporting struct {
	Name      string `query:"name" example:"invoices.csv" doc:"The file's name, of which the ending tells the format: .csv, .jsonl. Without one the beginning of the file tells."`
	Dry       bool   `query:"dry" doc:"Store nothing, and say what would be."`
	Direction string `query:"direction" enum:"sale,purchase" doc:"Whether we sold what is in it, or bought it; sale where it is absent."`
	Currency  string `query:"currency" doc:"Of lines that name none, such as EUR."`
	Dates     string `query:"dates" enum:"dmy,mdy,ymd" doc:"The order of dates such as 3/4/2026."`
	Decimal   string `query:"decimal" enum:"comma,point" doc:"What stands before the decimals."`
	Unknown   string `query:"unknown" enum:"refuse,skip,add" doc:"What is done with sales of customers nobody knows."`
}

func (s *Server) importSales(ctx context.Context, in *saleImporting, file io.Reader) (none sale.ImportResult, err error) {
	direction := cmp.Or(sale.Direction(in.Direction), sale.Sold)
	settings := s.sales(direction)
	o := settings.Read
	o.Direction, o.MaxBytes = direction, maxImport
	o.Currency = strings.ToUpper(cmp.Or(in.Currency, o.Currency))
	o.Dates, o.Decimal = cmp.Or(in.Dates, o.Dates), cmp.Or(in.Decimal, o.Decimal)
	if err := o.Check(); err != nil {
		return none, Invalid(err)
	}
	rows, faults := ReadSales(in.Name, file, o)
	if len(faults) > 0 {
		return sale.ImportResult{Errors: faults, Dry: in.Dry}, nil
	}
	settings.Import.Dry, settings.Import.Unknown = in.Dry, cmp.Or(in.Unknown, settings.Import.Unknown)
	result, err := s.records.ImportSales(ctx, actor(ctx), rows, settings.Import)
	return result, refused(err)
}

// ReadSales reads a file of sales: its name, or where that says nothing its
// beginning, tells the format.
func ReadSales(name string, file io.Reader, o sale.Options) ([]sale.Row, []contact.RowError) {
	body := bufio.NewReader(file)
	begin, _ := body.Peek(64) // a shorter file shows what it has
	begin = bytes.TrimLeft(bytes.TrimPrefix(begin, []byte("\xef\xbb\xbf")), " \r\n\t")
	lines := map[string]bool{".jsonl": true, ".ndjson": true, ".json": true}[strings.ToLower(path.Ext(name))]
	if lines || bytes.HasPrefix(begin, []byte("{")) {
		return sale.ReadJSONLines(body, o)
	}
	return sale.ReadCSV(body, o)
}
