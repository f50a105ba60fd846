package sale

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"rapport/records/contact"
	"rapport/records/followup"
)

// Row is one sale of a file, and how the file names whom it concerns: by an
// address, by their number in the accounting, or by the sale's Customer.
type Row struct {
	Line    int // where it begins, from 1
	Sale    Sale
	Email   contact.Address
	Account string
}

// Options are what somebody says of a file beside it. Zero fields are found out
// from the file.
type Options struct {
	Direction Direction
	Currency  string            // of rows that name none
	Dates     string            // dmy, mdy or ymd
	Decimal   string            // comma or point
	Columns   map[string]string // of [Fields], the heading that says it; "" for none
	MaxBytes  int64             // 0 means 64 MB
}

const (
	maxBytes  = 64 << 20
	maxErrors = 100
	// maxPreface is how many lines a report may have above its headings.
	maxPreface = 20
)

// Check says what is wrong with the options.
func (o Options) Check() error {
	switch {
	case o.Direction != "" && o.Direction != Sold && o.Direction != Bought:
		return fmt.Errorf("%q is no direction: sale or purchase", o.Direction)
	case o.Dates != "" && o.Dates != string(dayFirst) && o.Dates != string(monthFirst) && o.Dates != string(yearFirst):
		return fmt.Errorf("%q is no order of dates: dmy, mdy or ymd", o.Dates)
	case o.Decimal != "" && o.Decimal != "comma" && o.Decimal != "point":
		return fmt.Errorf("%q is no decimal mark: comma or point", o.Decimal)
	case o.Currency != "" && !isCode(o.Currency):
		return fmt.Errorf("%q is no currency: write its code, such as EUR", o.Currency)
	}
	for name := range o.Columns {
		if !slices.Contains(Fields, name) {
			return fmt.Errorf("%q is nothing a column of sales says: %s", name, strings.Join(Fields, ", "))
		}
	}
	return nil
}

// ReadCSV reads the sales of a file with headings, as accounting programs
// export it: one line a sale, or one an item. It finds out delimiter, character
// set, decimal mark and the order of dates, and asks where a file leaves that
// open. It returns either every sale or every error, at most a hundred.
func ReadCSV(r io.Reader, o Options) ([]Row, []contact.RowError) {
	f := &file{options: o, at: map[string]int{}, decimal: map[string]rune{"comma": ',', "point": '.'}[o.Decimal], order: order(o.Dates)}
	text, err := contact.ReadText(r, cmp.Or(o.MaxBytes, maxBytes))
	if err != nil {
		return nil, []contact.RowError{{Line: 1, What: err.Error()}}
	}
	f.pass(text, f.survey)
	if f.columns == nil {
		f.noHeadings()
	}
	if len(f.errors) == 0 {
		f.pass(text, f.record)
	}
	if len(f.errors) == 0 && len(f.rows) == 0 {
		f.fault(1, "the file holds no sale below its headings")
	}
	if len(f.errors) == 0 {
		f.finish()
	}
	if len(f.errors) > 0 {
		slices.SortStableFunc(f.errors, func(a, b contact.RowError) int { return cmp.Compare(a.Line, b.Line) })
		return nil, f.errors
	}
	return f.rows, nil
}

// file is one on its way in. It is gone through twice: what its numbers and
// dates look like is known before any of them is read.
type file struct {
	options Options
	errors  []contact.RowError
	columns map[field]int
	heading int // line of the headings
	seen    []string
	decimal rune
	comma   int // a line whose numbers can only have a comma before their decimals
	point   int
	order   order
	days    map[order]int // a line whose date can only be in this order
	datev   *datev
	group   string // the customer whose sales a report lists below the name
	rows    []Row
	sums    []bool         // of a row: its amount is the sum of its items
	at      map[string]int // of a sale's key, its row
}

func (f *file) fault(line int, format string, args ...any) {
	if len(f.errors) == maxErrors-1 {
		format, args = "there are more errors from here on; mend these first", nil
	}
	if len(f.errors) < maxErrors {
		f.errors = append(f.errors, contact.RowError{Line: line, What: fmt.Sprintf(format, args...)})
	}
}

func (f *file) full() bool { return len(f.errors) >= maxErrors }

// pass goes through the lines below the headings, or looks for these.
func (f *file) pass(text string, each func(line int, cells []string)) {
	contact.EachRecord(text, func(line int, cells []string) bool {
		for i := range cells {
			cells[i] = strings.TrimSpace(contact.UnescapeFormula(strings.TrimSpace(cells[i])))
		}
		switch {
		case f.columns == nil:
			return f.preface(line, cells)
		case line > f.heading:
			each(line, cells)
		}
		return !f.full()
	}, func(line int, what string) bool {
		f.fault(line, "%s", what)
		return f.columns != nil && !f.full()
	})
}

// preface looks whether a line holds the headings, above which reports have
// their titles.
func (f *file) preface(line int, cells []string) bool {
	if line == 1 {
		f.datev = datevOf(cells)
	}
	columns := f.headings(cells)
	_, number := columns[fieldNumber]
	_, date := columns[fieldDate]
	if len(columns) >= 3 && number && date {
		f.columns, f.heading = columns, line
		return f.complete(line)
	}
	if len(columns) > 1 || f.seen == nil {
		f.seen = slices.Clone(cells)
	}
	return line < maxPreface
}

// headings finds the column of each field.
func (f *file) headings(cells []string) map[field]int {
	columns := map[field]int{}
	ranks := map[field]int{}
	for i, c := range cells {
		h := fold(c)
		name, ok := known[h]
		if f.datev != nil {
			name, ok = datevColumns[h]
		}
		if !ok {
			continue
		}
		if _, taken := columns[name]; !taken || rank[h] < ranks[name] {
			columns[name], ranks[name] = i, rank[h]
		}
	}
	for name, heading := range f.options.Columns {
		delete(columns, field(name))
		if i := slices.IndexFunc(cells, func(c string) bool { return fold(c) == fold(heading) }); i >= 0 && heading != "" {
			maps.DeleteFunc(columns, func(_ field, at int) bool { return at == i })
			columns[field(name)] = i
		}
	}
	return columns
}

// complete says what the headings lack.
func (f *file) complete(line int) bool {
	has := func(names ...field) bool {
		return slices.ContainsFunc(names, func(n field) bool { _, ok := f.columns[n]; return ok })
	}
	for name, heading := range f.options.Columns {
		if heading != "" && !has(field(name)) {
			f.fault(line, "no column is called %q, which the mapping names for %s", contact.Clip(heading), name)
		}
	}
	if !has(fieldAmount, fieldTotal) {
		f.fault(line, "no column says the amount: name it amount or total, or map it")
	}
	return len(f.errors) == 0
}

func (f *file) noHeadings() {
	if len(f.errors) > 0 {
		return
	}
	if f.seen == nil {
		f.fault(1, "the file is empty: its first line must name the columns, such as number,email,date,amount,currency")
		return
	}
	hint := ""
	for _, c := range f.seen {
		if near := contact.Nearest(fold(c), []string{"number", "date", "amount"}); near != "" && near != fold(c) {
			hint = fmt.Sprintf(" (is %q meant as %s?)", contact.Clip(c), near)
			break
		}
	}
	f.fault(1, "no line names the columns number and date%s: name them so, or map the headings of the file to them", hint)
}

// get returns what a line says of a field, "" where nothing.
func (f *file) get(cells []string, name field) string {
	if i, ok := f.columns[name]; ok && i < len(cells) {
		return cells[i]
	}
	return ""
}

// moneys and days are the fields whose forms are looked at first.
var (
	moneys = []field{fieldAmount, fieldTotal, fieldBalance, fieldPrice, fieldQuantity}
	days   = []field{fieldDate, fieldDue, fieldPaid}
)

// survey notes what the numbers and dates of a line can only mean.
func (f *file) survey(line int, cells []string) {
	for _, name := range moneys {
		c, err := cellOf(f.get(cells, name))
		if err != nil {
			continue // said when it is read
		}
		switch c.decimals() {
		case ',':
			f.comma = cmp.Or(f.comma, line)
		case '.':
			f.point = cmp.Or(f.point, line)
		}
	}
	for _, name := range days {
		if o := orderIn(f.get(cells, name)); o != orderUnknown {
			if f.days == nil {
				f.days = map[order]int{}
			}
			f.days[o] = cmp.Or(f.days[o], line)
		}
	}
}

// settle decides what the survey found, before the first line is read.
func (f *file) settle(line int) {
	if f.decimal == 0 && f.comma > 0 && f.point > 0 {
		f.fault(max(f.comma, f.point), "numbers are written in two ways: with a comma before the decimals in line %d, with a point in line %d; write them one way", f.comma, f.point)
		f.decimal = '.'
	}
	if f.order == orderUnknown && len(f.days) > 1 {
		f.fault(max(f.days[dayFirst], f.days[monthFirst]), "dates are written in two ways: day first in line %d, month first in line %d; write them one way", f.days[dayFirst], f.days[monthFirst])
		f.order = dayFirst
	}
	if f.decimal == 0 {
		switch {
		case f.comma > 0:
			f.decimal = ','
		case f.point > 0:
			f.decimal = '.'
		}
	}
	for o := range f.days {
		f.order = order(cmp.Or(string(f.order), string(o)))
	}
}

// amount reads a cell as a number.
func (f *file) amount(s string) (Amount, string, error) {
	c, err := cellOf(s)
	if err != nil {
		return 0, "", err
	}
	decimal := f.decimal
	if decimal == 0 {
		if c.decimals() == '?' {
			return 0, "", fmt.Errorf("%q could be more than a thousand, or have three decimals: say which mark stands before the decimals (decimal: comma or point)", contact.Clip(s))
		}
		decimal = '.'
	}
	a, err := c.amount(decimal)
	return a, c.currency, err
}

// day reads a cell as a date.
func (f *file) day(s string) (followup.Day, error) {
	if f.datev != nil {
		return f.datev.day(s)
	}
	d, err := dayOf(s, f.order)
	if o := orderIn(s); err != nil && o != orderUnknown && o != f.order && f.options.Dates != "" {
		return "", fmt.Errorf("%q is no date where dates are %s, as was said; it has another order (dates: %s)", contact.Clip(s), f.options.Dates, o)
	}
	if errors.Is(err, errOrder) {
		return "", fmt.Errorf("%q could have the day first or the month: say which (dates: dmy or mdy)", contact.Clip(s))
	}
	return d, err
}

// datev is what the first line of a DATEV file says of the rest
// (developer.datev.de, "Header").
type datev struct {
	year     time.Time // when the financial year begins
	digits   int       // of accounts that are nobody's; those of somebody have one more
	currency string
}

// datevColumns are those of a Buchungsstapel that say something of a sale.
var datevColumns = map[string]field{
	"umsatz (ohne soll/haben-kz)": fieldAmount, "soll/haben-kennzeichen": fieldSide, "wkz umsatz": fieldCurrency, "konto": fieldAccount,
	"gegenkonto (ohne bu-schlüssel)": fieldType, "belegdatum": fieldDate, "belegfeld 1": fieldNumber, "buchungstext": fieldProduct,
}

// datevOf reads the first line of a file, nil where it is not DATEV's.
func datevOf(cells []string) *datev {
	if len(cells) < 22 || cells[0] != "EXTF" && cells[0] != "DTVF" {
		return nil
	}
	begins, err := time.Parse("20060102", cells[12])
	if err != nil {
		return nil
	}
	return &datev{year: begins, digits: number(cells[13]), currency: cells[21]}
}

// day reads day and month, without a zero in front and without a year.
func (d *datev) day(s string) (followup.Day, error) {
	if len(s) < 3 || len(s) > 4 || strings.Trim(s, "0123456789") != "" {
		return "", fmt.Errorf("%q is no date of the form DDMM", contact.Clip(s))
	}
	day, month := s[:len(s)-2], s[len(s)-2:]
	year := d.year.Year()
	if number(month) < int(d.year.Month()) {
		year++
	}
	return dayFrom(s, fmt.Sprintf("%04d", year), month, day)
}
