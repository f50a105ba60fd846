package sale_test

import (
	"strings"
	"testing"

	"rapport/records/followup"
	"rapport/records/sale"
)

func TestNormalize(t *testing.T) {
	t.Parallel()
	s := sale.Sale{Number: " RE  1\n", Customer: "Tea\x00 Ltd", Date: "2026-03-01", Paid: "2026-03-02", Currency: " eur", Balance: 3, Items: []sale.Item{{Product: " green  tea"}}}
	if err := s.Normalize(); err != nil {
		t.Fatal(err)
	}
	if s.Number != "RE 1" || s.Customer != "Tea Ltd" || s.Currency != "EUR" || s.Status != sale.Paid || s.Direction != sale.Sold || s.Balance != 0 || s.Items[0].Product != "green tea" {
		t.Errorf("Normalize made %+v", s)
	}
	for want, wrong := range map[string]func(*sale.Sale){
		"number":    func(s *sale.Sale) { s.Number = " " },
		"100 bytes": func(s *sale.Sale) { s.Number = strings.Repeat("x", 101) },
		"customer":  func(s *sale.Sale) { s.Customer = strings.Repeat("x", 501) },
		"direction": func(s *sale.Sale) { s.Direction = "gift" },
		"status":    func(s *sale.Sale) { s.Status = "late" },
		"currency":  func(s *sale.Sale) { s.Currency = "€" },
		"its date":  func(s *sale.Sale) { s.Date = "" },
		"no day":    func(s *sale.Sale) { s.Due = "2026-02-30" },
		"item 1":    func(s *sale.Sale) { s.Items = []sale.Item{{}} },
		"bytes":     func(s *sale.Sale) { s.Items = []sale.Item{{Product: strings.Repeat("x", 501)}} },
		"500 items": func(s *sale.Sale) { s.Items = make([]sale.Item, 501) },
	} {
		s := sale.Sale{Number: "1", Date: "2026-03-01", Currency: "EUR"}
		wrong(&s)
		if err := s.Normalize(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Normalize says %v; want something of %q", err, want)
		}
	}
}

func TestOverdue(t *testing.T) {
	t.Parallel()
	s := sale.Sale{Status: sale.Open, Due: "2026-03-01", Amount: 1}
	paid, credit, never := s, s, s
	paid.Status, credit.Amount, never.Due = sale.Paid, -1, ""
	for _, tt := range []struct {
		s     sale.Sale
		today string
		want  bool
	}{{s, "2026-03-01", false}, {s, "2026-03-02", true}, {paid, "2026-04-01", false}, {credit, "2026-04-01", false}, {never, "2026-04-01", false}} {
		if got := tt.s.Overdue(dayOf(tt.today)); got != tt.want {
			t.Errorf("Overdue(%s) of %+v = %v", tt.today, tt.s, got)
		}
	}
}

func dayOf(s string) followup.Day { return followup.Day(s) }
