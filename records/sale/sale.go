// Package sale holds what was sold to whom and when, and what was bought from
// whom: orders and invoices as accounting programs export them, and what they
// say together.
package sale

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"rapport/records/contact"
	"rapport/records/followup"
)

// ID names one sale for ever; a ULID as text. Its entry on the timeline has the
// same.
type ID string

// Direction says who sold.
type Direction string

// The directions: we sold to them, or bought from them.
const (
	Sold   Direction = "sale"
	Bought Direction = "purchase"
)

// Status is how far a sale has come.
type Status string

// The states. Drafts and what was cancelled count in no figure.
const (
	Draft     Status = "draft"
	Open      Status = "open" // not paid, or not in full
	Paid      Status = "paid"
	Cancelled Status = "cancelled"
)

// Bounds of one sale.
const (
	MaxItems  = 500
	MaxNumber = 100 // bytes of a number
	MaxText   = 500 // bytes of a product or of a customer's name
)

// Sale is one order or invoice. It concerns a contact, an organisation or both.
type Sale struct {
	ID           ID                     `json:"id"`
	Direction    Direction              `json:"direction"`
	Number       string                 `json:"number"`             // as the document bears it
	Customer     string                 `json:"customer,omitempty"` // as the file names them
	Contact      contact.ID             `json:"contact,omitempty"`
	Organisation contact.OrganisationID `json:"organisation,omitempty"`
	Date         followup.Day           `json:"date"`
	Due          followup.Day           `json:"due,omitempty"`
	Paid         followup.Day           `json:"paid,omitempty"`
	Status       Status                 `json:"status"`
	Amount       Amount                 `json:"amount"`            // the whole document; below zero for a credit note
	Balance      Amount                 `json:"balance,omitempty"` // of an open one: what is still to be paid
	Currency     string                 `json:"currency"`          // ISO 4217, such as EUR
	Items        []Item                 `json:"items,omitempty"`
	By           string                 `json:"by"` // who brought it in
	Created      time.Time              `json:"created"`
	Updated      time.Time              `json:"updated"`
}

// Item is one line of a sale. Quantity, Price and Amount, the sum of the line,
// are zero where nobody said them.
type Item struct {
	Product  string `json:"product" maxLength:"500"`
	Quantity Amount `json:"quantity,omitempty"`
	Price    Amount `json:"price,omitempty"`
	Amount   Amount `json:"amount,omitempty" doc:"the sum of the line; quantity times price where it is absent"`
}

// Counts reports whether the sale is in figures: it is neither a draft nor
// cancelled.
func (s Sale) Counts() bool { return s.Status == Open || s.Status == Paid }

// Overdue reports whether the sale was to be paid before a day and is not.
func (s Sale) Overdue(today followup.Day) bool {
	return s.Status == Open && s.Due != "" && s.Due < today && s.Amount > 0
}

// Normalize cleans a sale and says what is wrong with it, in words fit to show.
// A sale without a status is paid where it has a day of payment, else open.
func (s *Sale) Normalize() error {
	s.Number, s.Customer = clean(s.Number), clean(s.Customer)
	s.Currency = strings.ToUpper(strings.TrimSpace(s.Currency))
	if s.Direction == "" {
		s.Direction = Sold
	}
	if s.Status == "" {
		s.Status = Open
		if s.Paid != "" {
			s.Status = Paid
		}
	}
	if s.Status != Open {
		s.Balance = 0
	}
	return errors.Join(s.checkText(), s.checkDays(), s.checkItems())
}

func (s *Sale) checkText() error {
	switch {
	case s.Number == "":
		return errors.New("a sale needs its number")
	case len(s.Number) > MaxNumber:
		return fmt.Errorf("the number of a sale has at most %d bytes", MaxNumber)
	case len(s.Customer) > MaxText:
		return fmt.Errorf("the name of a customer has at most %d bytes", MaxText)
	case s.Direction != Sold && s.Direction != Bought:
		return fmt.Errorf("%q is no direction: sale or purchase", s.Direction)
	case s.Status != Draft && s.Status != Open && s.Status != Paid && s.Status != Cancelled:
		return fmt.Errorf("%q is no status: draft, open, paid or cancelled", s.Status)
	case len(s.Currency) != 3 || strings.Trim(s.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "":
		return fmt.Errorf("%q is no currency: write its code, such as EUR", s.Currency)
	}
	return nil
}

func (s *Sale) checkDays() error {
	for _, d := range []followup.Day{s.Date, s.Due, s.Paid} {
		if d == "" {
			continue
		}
		if _, err := followup.ParseDay(string(d)); err != nil {
			return err
		}
	}
	if s.Date == "" {
		return errors.New("a sale needs its date")
	}
	return nil
}

func (s *Sale) checkItems() error {
	if len(s.Items) > MaxItems {
		return fmt.Errorf("a sale has at most %d items", MaxItems)
	}
	for n := range s.Items {
		item := &s.Items[n]
		item.Product = clean(item.Product)
		if item.Product == "" {
			return fmt.Errorf("item %d needs its product", n+1)
		}
		if len(item.Product) > MaxText {
			return fmt.Errorf("the product of item %d has more than %d bytes", n+1, MaxText)
		}
		if item.Amount == 0 {
			var err error
			if item.Amount, err = item.Quantity.Times(item.Price); err != nil {
				return fmt.Errorf("item %d: %w", n+1, err)
			}
		}
	}
	return nil
}

// clean folds white space and lets go of what is no text.
func clean(s string) string {
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "\x00", "")), " ")
}
