package sale_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rapport/records/followup"
	"rapport/records/sale"
)

// bought makes sales of a day and an amount each: "2026-03-01 10".
func bought(list ...string) (out []sale.Sale) {
	for _, l := range list {
		day, amount, _ := strings.Cut(l, " ")
		a, err := sale.ParseAmount(amount)
		if err != nil {
			panic(err)
		}
		out = append(out, sale.Sale{Date: followup.Day(day), Amount: a, Currency: "EUR", Status: sale.Paid, Items: []sale.Item{{Product: "tea", Quantity: 10_000}}})
	}
	return out
}

func TestFigures(t *testing.T) {
	t.Parallel()
	list := bought("2026-03-01 10.01", "2026-01-30 20", "2025-02-01 5", "2023-01-01 1", "2026-02-14 -4", "2026-02-15 100", "2026-04-02 1000")
	list[0].Status, list[0].Due, list[0].Balance = sale.Open, "2026-03-15", 5_0000
	list[5].Status = sale.Cancelled
	list[1].Currency, list[1].Items = "USD", []sale.Item{{Product: "cups"}, {Product: "tea"}}
	got, err := sale.FiguresOf(list, "2026-04-01")
	want := sale.Figures{
		Count: 4, Total: []sale.Sum{{Currency: "EUR", Amount: 12_0100}, {Currency: "USD", Amount: 20_0000}},
		Year: []sale.Sum{{Currency: "EUR", Amount: 6_0100}, {Currency: "USD", Amount: 20_0000}}, Before: []sale.Sum{{Currency: "EUR", Amount: 5_0000}},
		First: "2023-01-01", Last: "2026-03-01",
		Products: []sale.ProductCount{{Product: "tea", Count: 4, Quantity: 3_0000}, {Product: "cups", Count: 1}},
		Interval: &sale.Interval{Median: 363, Low: 197, High: 563}, // of 30, 363 and 762 days
		Overdue:  []sale.Sum{{Currency: "EUR", Amount: 5_0000}}, Late: 1, LateFrom: "2026-03-15",
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("FiguresOf: %v (-want +got):\n%s", err, diff)
	}
	if got, err := sale.FiguresOf(bought("2026-03-01 1", "2026-03-01 2", "2026-03-09 2"), "2026-04-01"); got.Interval != nil || err != nil {
		t.Errorf("of purchases on two days the interval is %v, %v", got.Interval, err)
	}
	huge := bought("2026-03-01 1", "2026-03-02 1")
	huge[0].Amount, huge[1].Amount = math.MaxInt64, 1
	if _, err := sale.FiguresOf(huge, "2026-04-01"); !errors.Is(err, sale.ErrRange) {
		t.Errorf("sums that are too large end in %v", err)
	}
}

func TestSegments(t *testing.T) {
	t.Parallel()
	ranks := sale.Ranks{"EUR": 100_0000}
	monthly := []string{"2025-12-01 10", "2026-01-01 10", "2026-02-01 10", "2026-03-01 10"}
	for _, tt := range []struct {
		name  string
		list  []string
		today followup.Day
		want  sale.Segment
	}{
		{"never", nil, "2026-04-01", ""},
		{"a credit note alone", []string{"2026-03-01 -5"}, "2026-04-01", ""},
		{"new", []string{"2026-03-01 500"}, "2026-04-01", sale.Fresh},
		{"once, half a year ago", []string{"2025-10-10 5"}, "2026-04-01", sale.Steady},
		{"once, more than that", []string{"2025-09-10 5"}, "2026-04-01", sale.Slipping},
		{"once, more than a year ago", []string{"2025-03-10 5"}, "2026-04-01", sale.Lost},
		{"every month", monthly, "2026-04-05", sale.Steady},
		{"every month, late", monthly, "2026-05-01", sale.Slipping},
		{"every month, long ago", monthly, "2026-09-01", sale.Lost},
		{"best", []string{"2025-10-01 50", "2026-03-01 50"}, "2026-04-01", sale.Best},
		{"growing", []string{"2025-01-10 20", "2025-10-01 20", "2026-03-01 6"}, "2026-04-01", sale.Growing},
		{"growing by less than a quarter", []string{"2025-01-10 20", "2025-10-01 20", "2026-03-01 5"}, "2026-04-01", sale.Steady},
	} {
		f, err := sale.FiguresOf(bought(tt.list...), tt.today)
		if got := f.In(ranks, tt.today); got != tt.want || err != nil {
			t.Errorf("%s: in the segment %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
}

func TestRanks(t *testing.T) {
	t.Parallel()
	var all []sale.Figures
	for n := range 10 {
		all = append(all, sale.Figures{Year: []sale.Sum{{Currency: "EUR", Amount: sale.Amount(n + 1)}}})
	}
	if got := sale.RanksOf(all); got["EUR"] != 9 {
		t.Errorf("the best fifth of 1 to 10 begins at %d; want 9", got["EUR"])
	}
	if got := sale.RanksOf(all[:4]); len(got) != 0 {
		t.Errorf("of four customers some are the best: %v", got)
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	list := bought("2026-01-31 10", "2026-02-01 20", "2026-02-28 -5", "2026-03-01 1", "2025-12-31 1")
	list[1].Items = []sale.Item{{Product: "cups", Quantity: 2_0000, Amount: 20_0000}, {Product: "tea"}}
	tally := sale.NewTally("2026-01-01", "2026-02-28")
	for _, s := range list {
		tally.Add(s)
	}
	got, err := tally.Report()
	eur := func(n sale.Amount) []sale.Sum { return []sale.Sum{{Currency: "EUR", Amount: n * 10_000}} }
	want := sale.Report{From: "2026-01-01", Until: "2026-02-28", Count: 2, Total: eur(25),
		Months:   []sale.Period{{Month: "2026-01", Count: 1, Total: eur(10)}, {Month: "2026-02", Count: 1, Total: eur(15)}},
		Products: []sale.ProductTotal{{ProductCount: sale.ProductCount{Product: "tea", Count: 3, Quantity: 2_0000}}, {ProductCount: sale.ProductCount{Product: "cups", Count: 1, Quantity: 2_0000}, Total: eur(20)}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("Report: %v (-want +got):\n%s", err, diff)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ a, b, want string }{{"2", "3.5", "7"}, {"0.0001", "0.5", "0.0001"}, {"-0.0001", "0.5", "-0.0001"}, {"0.0001", "0.4999", "0"}, {"1.005", "100", "100.50"}} {
		a, _ := sale.ParseAmount(tt.a)
		b, _ := sale.ParseAmount(tt.b)
		if got, err := a.Times(b); fmt.Sprint(got) != tt.want || err != nil {
			t.Errorf("%s times %s = %s, %v; want %s", tt.a, tt.b, got, err, tt.want)
		}
	}
	if _, err := sale.Amount(math.MaxInt64).Times(2_0000); !errors.Is(err, sale.ErrRange) {
		t.Errorf("a product that is too large ends in %v", err)
	}
}
