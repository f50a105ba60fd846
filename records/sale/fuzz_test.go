package sale_test

import (
	"strings"
	"testing"

	"rapport/records/contact"
	"rapport/records/sale"
)

// FuzzReadCSV reads any file, and wants either sales that are whole or errors
// that name a line of it, few of them and short.
func FuzzReadCSV(f *testing.F) {
	for _, text := range []string{
		xero, quickbooks, lexware, datev,
		"number,date,amount\n\"open", "\xff\xfen\x00u\x00m\x00", "number\tdate\ttotal\titems\n1\t2026-01-02\t-5\ta; b; c\n",
	} {
		f.Add(text, "", "")
	}
	f.Fuzz(func(t *testing.T, text, dates, decimal string) {
		o := sale.Options{Dates: dates, Decimal: decimal, Currency: "EUR"}
		if o.Check() != nil {
			o.Dates, o.Decimal = "", ""
		}
		rows, faults := sale.ReadCSV(strings.NewReader(text), o)
		if (len(rows) > 0) == (len(faults) > 0) || len(faults) > 100 {
			t.Fatalf("%d sales and %d errors", len(rows), len(faults))
		}
		lines := strings.Count(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n") + 1
		for _, e := range faults {
			if e.Line < 1 || e.What == "" || len(e.What) > 2000 || !strings.Contains(text, "\x00") && e.Line > lines+1 {
				t.Errorf("an error of line %d of %d has %d bytes: %.300q", e.Line, lines, len(e.What), e.What)
			}
		}
		numbers := map[string]bool{}
		for _, r := range rows {
			whole, again := r.Sale, r.Sale
			if err := again.Normalize(); err != nil || again.Number != whole.Number || again.Amount != whole.Amount || again.Status != whole.Status {
				t.Errorf("line %d: the sale is not whole: %+v, %v", r.Line, whole, err)
			}
			if r.Line < 1 || r.Email == "" && r.Account == "" && r.Sale.Customer == "" {
				t.Errorf("line %d: the sale is nobody's: %+v", r.Line, r)
			}
			if r.Email != "" {
				if a, err := contact.ParseAddress(string(r.Email)); err != nil || a != r.Email {
					t.Errorf("line %d: %q is no address: %v", r.Line, r.Email, err)
				}
			}
			// A number stands for one document; a purchase's is its supplier's.
			if key := whole.Number; numbers[key] {
				t.Errorf("line %d: the number %q comes twice", r.Line, key)
			} else {
				numbers[key] = true
			}
		}
	})
}
