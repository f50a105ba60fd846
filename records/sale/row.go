package sale

import (
	"errors"
	"fmt"
	"strings"

	"rapport/records/contact"
	"rapport/records/followup"
)

// record reads one line below the headings.
func (f *file) record(line int, cells []string) {
	if len(f.rows) == 0 && len(f.errors) == 0 {
		f.settle(line)
	}
	if f.aside(line, cells) {
		return
	}
	row, sum, err := f.row(line, cells)
	if err == nil && row != nil {
		err = f.join(*row, sum)
	}
	if err != nil {
		f.fault(line, "%v", err)
	}
}

// aside reports whether a line is none of a sale: an empty one, the customer a
// report lists sales of, or a sum.
func (f *file) aside(line int, cells []string) bool {
	filled, first := 0, ""
	for _, c := range cells {
		if c != "" {
			if filled++; first == "" {
				first = c
			}
		}
	}
	if filled == 0 {
		return true
	}
	if f.get(cells, fieldNumber) != "" {
		return false
	}
	word := fold(first)
	for _, total := range []string{"total", "summe", "gesamt", "grand total", "sum"} {
		if word == total || strings.HasPrefix(word, total+" ") {
			f.group = ""
			return true
		}
	}
	if filled == 1 && cells[0] == first {
		f.group = first
		return true
	}
	return false
}

// row reads the sale of a line, nil where the line is of something else, and
// whether its amount is that of the line's item.
func (f *file) row(line int, cells []string) (*Row, bool, error) {
	r := Row{Line: line, Sale: Sale{Direction: f.options.Direction, Number: f.get(cells, fieldNumber), Customer: f.get(cells, fieldCustomer)}}
	r.Account = f.get(cells, fieldAccount)
	kind, err := f.kind(&r, cells)
	if err != nil || kind == other {
		return nil, false, err
	}
	if r.Sale.Customer == "" {
		r.Sale.Customer = f.group
	}
	if err := f.who(&r, cells); err != nil {
		return nil, false, err
	}
	err = errors.Join(f.dates(&r.Sale, cells), f.status(&r.Sale, cells))
	sum, wrong := f.money(&r.Sale, cells, kind)
	if err = errors.Join(err, wrong); err != nil {
		return nil, false, errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	f.standing(&r.Sale, cells)
	if err := r.Sale.Normalize(); err != nil {
		return nil, false, err
	}
	return &r, sum, nil
}

var errNobody = errors.New("it names no customer: fill customer, email or account")

// who reads the address by which a line names somebody.
func (f *file) who(r *Row, cells []string) error {
	email := f.get(cells, fieldEmail)
	if email == "" && strings.Contains(r.Sale.Customer, "@") {
		email = r.Sale.Customer
	}
	if email == "" {
		if r.Sale.Customer == "" && r.Account == "" {
			return errNobody
		}
		return nil
	}
	first, _, _ := strings.Cut(strings.ReplaceAll(email, ";", ","), ",")
	a, err := contact.ParseAddress(strings.TrimSpace(first))
	r.Email = a
	return err
}

// kind tells what the line's document does to the amount, and in DATEV's files
// whose account it is.
func (f *file) kind(r *Row, cells []string) (document, error) {
	if f.datev != nil {
		return f.datev.kind(r, f.get(cells, fieldType), f.get(cells, fieldSide))
	}
	kind := invoice
	if word := fold(f.get(cells, fieldType)); word != "" {
		var ok bool
		if kind, ok = documents[word]; !ok {
			return 0, fmt.Errorf("%q is no kind of document; invoice or credit note is, or map type to nothing", contact.Clip(word))
		}
	}
	if side := fold(f.get(cells, fieldSide)); side == "h" || side == "haben" || side == "credit" {
		kind = -kind
	}
	return kind, nil
}

// kind of a booking: what is owed stands at the debit of somebody's account. A
// booking between that and an account of money, which begins with 1, is a
// payment.
func (d *datev) kind(r *Row, against, side string) (document, error) {
	kind := invoice
	if strings.EqualFold(side, "H") {
		kind = credit
	}
	theirs := func(account string) bool { return len(account) == d.digits+1 }
	if !theirs(r.Account) {
		if r.Account, against = against, r.Account; !theirs(r.Account) {
			return other, nil
		}
		kind = -kind
	}
	supplier := r.Account[0] >= '7'
	if supplier {
		kind = -kind
	}
	if against == "" || against[0] == '1' || supplier != (r.Sale.Direction == Bought) {
		return other, nil
	}
	return kind, nil
}

func (f *file) dates(s *Sale, cells []string) error {
	for name, into := range map[field]*followup.Day{fieldDate: &s.Date, fieldDue: &s.Due, fieldPaid: &s.Paid} {
		text := f.get(cells, name)
		if name == fieldPaid {
			if state, ok := statuses[fold(text)]; ok { // a word stands there, not a day
				s.Status = state
				continue
			}
			switch fold(text) {
			case "yes", "ja", "y", "j", "true", "x":
				s.Status = Paid
				continue
			case "no", "nein", "n", "false", "-":
				s.Status = Open
				continue
			}
		}
		if text == "" {
			continue
		}
		var err error
		if *into, err = f.day(text); err != nil {
			return err
		}
	}
	return nil
}

func (f *file) status(s *Sale, cells []string) error {
	word := fold(f.get(cells, fieldStatus))
	if word == "" {
		return nil
	}
	state, ok := statuses[word]
	for prefix, meaning := range map[string]Status{"overdue": Open, "due": Open, "paid": Paid, "überfällig": Open, "partially": Open, "voided": Cancelled} {
		if rest, found := strings.CutPrefix(word, prefix); !ok && found && strings.HasPrefix(rest, " ") { // Overdue on 11/30/2026
			state, ok = meaning, true
		}
	}
	if !ok {
		return fmt.Errorf("%q is no status; paid, open, draft and cancelled are", contact.Clip(word))
	}
	s.Status = state
	return nil
}

// money reads amounts and items. A sale of several lines has the sum of its
// items where no column says the whole.
func (f *file) money(s *Sale, cells []string, kind document) (sum bool, err error) {
	say := func(name field, into *Amount) {
		text := f.get(cells, name)
		if err != nil || text == "" {
			return
		}
		var currency string
		if *into, currency, err = f.amount(text); currency != "" && s.Currency == "" {
			s.Currency = currency
		}
	}
	s.Currency = f.get(cells, fieldCurrency)
	item := Item{Product: f.get(cells, fieldProduct)}
	var line Amount
	say(fieldAmount, &line)
	say(fieldTotal, &s.Amount)
	say(fieldBalance, &s.Balance)
	say(fieldQuantity, &item.Quantity)
	say(fieldPrice, &item.Price)
	if err != nil {
		return false, err
	}
	if s.Currency == "" && f.datev != nil {
		s.Currency = f.datev.currency
	}
	if s.Currency == "" {
		s.Currency = f.options.Currency
	}
	if s.Currency == "" {
		return false, errors.New("no currency: add a column currency, or say the one of the file (currency: EUR)")
	}
	if f.get(cells, fieldTotal) == "" {
		if f.get(cells, fieldAmount) == "" {
			return false, errors.New("the line has no amount")
		}
		s.Amount, sum = line, true
	}
	if kind == credit && s.Amount > 0 {
		s.Amount, s.Balance = -s.Amount, -s.Balance
	}
	if item.Product != "" {
		item.Amount = line
		if kind == credit && line > 0 {
			item.Amount = -line
		}
		s.Items = []Item{item}
	}
	return sum, f.list(s, f.get(cells, fieldItems))
}

// list reads several products out of one cell: "2 x green tea; honey".
func (f *file) list(s *Sale, text string) error {
	for part := range strings.SplitSeq(text, ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		item := Item{Product: part, Quantity: unit}
		for _, times := range []string{" x ", " × "} {
			count, product, ok := strings.Cut(part, times)
			if !ok {
				continue
			}
			if n, _, err := f.amount(count); err == nil {
				item = Item{Product: product, Quantity: n}
				break
			}
		}
		s.Items = append(s.Items, item)
	}
	return nil
}

// standing tells by what is still to be paid how far a sale has come, where no
// column says it.
func (f *file) standing(s *Sale, cells []string) {
	if s.Status == "" && f.get(cells, fieldBalance) != "" {
		s.Status = Open
		if s.Balance == 0 {
			s.Status = Paid
		}
	}
}

// join adds a line to the sale that it is one more item of.
func (f *file) join(r Row, sum bool) error {
	at, ok := f.at[r.key()]
	if !ok {
		f.sums = append(f.sums, sum)
		return f.alone(r)
	}
	first := &f.rows[at]
	s := &first.Sale
	switch {
	case len(r.Sale.Items) == 0 && f.datev == nil:
		return fmt.Errorf("number %s stands in line %d already", contact.Clip(s.Number), first.Line)
	case r.Sale.Date != s.Date:
		return fmt.Errorf("number %s has another date in line %d", contact.Clip(s.Number), first.Line)
	case r.Email != first.Email, r.Account != first.Account, r.Sale.Customer != s.Customer:
		return fmt.Errorf("number %s has another customer in line %d", contact.Clip(s.Number), first.Line)
	case r.Sale.Currency != s.Currency:
		return fmt.Errorf("number %s has another currency in line %d", contact.Clip(s.Number), first.Line)
	case sum != f.sums[at], !sum && r.Sale.Amount != s.Amount:
		return fmt.Errorf("number %s has another total in line %d", contact.Clip(s.Number), first.Line)
	}
	if sum {
		var err error
		if s.Amount, err = s.Amount.Add(r.Sale.Amount); err != nil {
			return fmt.Errorf("number %s: %w", contact.Clip(s.Number), err)
		}
	}
	s.Items = append(s.Items, r.Sale.Items...)
	if len(s.Items) > MaxItems {
		return fmt.Errorf("number %s has more than %d items", contact.Clip(s.Number), MaxItems)
	}
	return nil
}

// key is what tells a sale from all others of a file: our own by their number,
// purchases by the supplier as well, whose numbers they are.
func (r Row) key() string {
	key := string(r.Sale.Direction) + "\x00" + r.Sale.Number
	if r.Sale.Direction == Bought {
		key += "\x00" + fold(r.Sale.Customer) + "\x00" + string(r.Email) + "\x00" + r.Account
	}
	return key
}

// alone adds a sale whose number no line before has.
func (f *file) alone(r Row) error {
	if at, ok := f.at[r.key()]; ok {
		return fmt.Errorf("number %s stands in line %d already", contact.Clip(r.Sale.Number), f.rows[at].Line)
	}
	f.at[r.key()] = len(f.rows)
	f.rows = append(f.rows, r)
	return nil
}

// finish checks what only the whole file shows.
func (f *file) finish() {
	for i := range f.rows {
		if err := f.rows[i].Sale.Normalize(); err != nil {
			f.fault(f.rows[i].Line, "%v", err)
		}
	}
}
