package config

import (
	"reflect"
	"strings"
)

// Sales says how exports of the accounting are read: of what was sold, or of
// what was bought.
type Sales struct {
	Watch    string      `yaml:"watch" path:"dir" doc:"Directory whose files are imported by themselves and moved to done or failed in it; made if missing."`
	Currency string      `yaml:"currency" doc:"Currency of files that name none, such as EUR."`
	Dates    DateOrder   `yaml:"dates" default:"auto" doc:"The order of dates such as 3/4/2026; auto tells it from the file, and asks where that leaves it open."`
	Decimal  DecimalMark `yaml:"decimal" default:"auto" doc:"What stands before the decimals; auto tells it from the file, and asks where that leaves it open."`
	Unknown  Unknown     `yaml:"unknown" default:"refuse" doc:"What is done with sales of customers nobody knows: refuse the file, skip the line, or add them."`
	Account  string      `yaml:"account_field" default:"customer_number" doc:"The custom field of contacts and organisations that has their number in the accounting."`
	Mapping  SaleColumns `yaml:"mapping" doc:"Headings of the files that are not recognised; - for a column that is to be read over."`
}

// SaleColumns are the headings of a file, by what they say.
type SaleColumns struct {
	Number   string `yaml:"number" doc:"The number of the document."`
	Customer string `yaml:"customer" doc:"The name of the customer, or an address."`
	Email    string `yaml:"email" doc:"An address of the customer."`
	Account  string `yaml:"account" doc:"The customer's number in the accounting."`
	Date     string `yaml:"date" doc:"The date of the document."`
	Due      string `yaml:"due" doc:"When it is to be paid."`
	Paid     string `yaml:"paid" doc:"When it was paid, or whether."`
	Amount   string `yaml:"amount" doc:"The amount of the line."`
	Total    string `yaml:"total" doc:"The amount of the whole document, on each of its lines."`
	Balance  string `yaml:"balance" doc:"What is still to be paid."`
	Currency string `yaml:"currency" doc:"The currency."`
	Status   string `yaml:"status" doc:"How far it has come."`
	Type     string `yaml:"type" doc:"The kind of document: invoice, credit note."`
	Side     string `yaml:"side" doc:"S or H, debit or credit of the customer's account."`
	Product  string `yaml:"product" doc:"What was sold."`
	Quantity string `yaml:"quantity" doc:"How much of it."`
	Price    string `yaml:"price" doc:"What one costs."`
	Items    string `yaml:"items" doc:"Several products in one cell, with ; between them."`
}

// Headings returns the headings by what they say; "" for one to be read over.
// What is not said is not in it.
func (c SaleColumns) Headings() map[string]string {
	out := map[string]string{}
	for _, f := range fields(reflect.ValueOf(&c).Elem()) {
		switch heading := f.value.String(); heading {
		case "":
		case "-":
			out[f.key] = ""
		default:
			out[f.key] = heading
		}
	}
	return out
}

// DateOrder is in which order day, month and year are written.
type DateOrder string

func (DateOrder) choices() []string { return []string{"auto", "dmy", "mdy", "ymd"} }

// DecimalMark is what stands before the decimals of a number.
type DecimalMark string

func (DecimalMark) choices() []string { return []string{"auto", "comma", "point"} }

// Unknown is what is done with what concerns nobody known.
type Unknown string

func (Unknown) choices() []string { return []string{"refuse", "skip", "add"} }

// watched checks the directories of sales and purchases, whose files are moved.
func (v *validator) watched(c *Config) {
	if c.Sales.Watch != "" && c.Sales.Watch == c.Purchases.Watch {
		v.wrong("purchases.watch", "is that of sales", "name another directory: what was bought must not be taken for what was sold")
	}
	for path, dir := range map[string]string{"sales.watch": c.Sales.Watch, "purchases.watch": c.Purchases.Watch} {
		if dir != "" && (dir == c.DataDir || dir == c.Campaigns || dir == c.Backup.Dir) {
			v.wrong(path, "is used for something else", "name a directory of its own")
		}
	}
}

// sales checks one section.
func (v *validator) sales(path string, s *Sales) {
	if s.Currency != "" {
		if s.Currency = strings.ToUpper(s.Currency); len(s.Currency) != 3 || strings.Trim(s.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			v.wrong(path+".currency", s.Currency+" is no currency", "write its code, such as EUR")
		}
	}
}
