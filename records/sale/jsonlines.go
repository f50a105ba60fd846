package sale

import (
	"cmp"
	"io"
	"strings"

	"rapport/records/contact"
	"rapport/records/followup"
)

// Input is a sale as another program writes it. Email, Account or Customer says
// whom it concerns.
type Input struct {
	Direction Direction    `json:"direction,omitempty" enum:"sale,purchase" doc:"who sold: sale where we did"`
	Number    string       `json:"number" maxLength:"100" doc:"as the document bears it; a second one of the same number takes the place of the first"`
	Customer  string       `json:"customer,omitempty" maxLength:"500" doc:"the name of the organisation or person"`
	Email     string       `json:"email,omitempty" doc:"an address of theirs"`
	Account   string       `json:"account,omitempty" doc:"their number in the accounting, which their record has as a custom field"`
	Date      followup.Day `json:"date" example:"2026-11-30"`
	Due       followup.Day `json:"due,omitempty" example:"2026-12-14"`
	Paid      followup.Day `json:"paid,omitempty" doc:"the day of payment"`
	Status    Status       `json:"status,omitempty" enum:"draft,open,paid,cancelled" doc:"paid with a day of payment, else open, where it is absent"`
	Amount    Amount       `json:"amount" example:"1234.50" doc:"of the whole document, exactly; below zero for a credit note"`
	Balance   Amount       `json:"balance,omitempty" doc:"of an open one, what is still to be paid"`
	Currency  string       `json:"currency" example:"EUR"`
	Items     []Item       `json:"items,omitempty" maxItems:"500"`
}

// Row returns the sale as an import takes it, or what is wrong with it.
func (in Input) Row(line int) (Row, error) {
	r := Row{Line: line, Account: strings.TrimSpace(in.Account), Sale: Sale{
		Direction: in.Direction, Number: in.Number, Customer: in.Customer, Date: in.Date, Due: in.Due, Paid: in.Paid,
		Status: in.Status, Amount: in.Amount, Balance: in.Balance, Currency: in.Currency, Items: in.Items,
	}}
	if in.Email != "" {
		var err error
		if r.Email, err = contact.ParseAddress(in.Email); err != nil {
			return r, err
		}
	}
	if err := r.Sale.Normalize(); err != nil {
		return r, err
	}
	if r.Email == "" && r.Account == "" && r.Sale.Customer == "" {
		return r, errNobody
	}
	return r, nil
}

// ReadJSONLines reads sales, an [Input] a line. It returns either every sale or
// every error, at most a hundred.
func ReadJSONLines(r io.Reader, o Options) ([]Row, []contact.RowError) {
	f := &file{options: o, at: map[string]int{}}
	text, err := contact.ReadText(r, cmp.Or(o.MaxBytes, maxBytes))
	if err != nil {
		return nil, []contact.RowError{{Line: 1, What: err.Error()}}
	}
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		if strings.TrimSpace(line) == "" || f.full() {
			continue
		}
		var in Input
		err := contact.ReadObject(line, &in, inputFields)
		var row Row
		if err == nil {
			in.Direction, in.Currency = cmp.Or(in.Direction, o.Direction), cmp.Or(in.Currency, o.Currency)
			row, err = in.Row(number)
		}
		if err == nil {
			err = f.alone(row)
		}
		if err != nil {
			f.fault(number, "%v", err)
		}
	}
	if len(f.rows) == 0 && len(f.errors) == 0 {
		f.fault(1, "the file is empty: it must hold one JSON object a line")
	}
	if len(f.errors) > 0 {
		return nil, f.errors
	}
	return f.rows, nil
}

func inputFields() []string { return contact.FieldsOf(Input{}, Item{}) }
