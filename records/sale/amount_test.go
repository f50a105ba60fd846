package sale_test

import (
	"errors"
	"math"
	"testing"

	"rapport/records/sale"
)

func TestAmount(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in, want string
		n        sale.Amount
	}{
		{"0", "0", 0}, {"-0", "0", 0}, {"1234.5", "1234.50", 12_345_000}, {"+.05", "0.05", 500},
		{"-0.0001", "-0.0001", -1}, {"0.100000", "0.10", 1000}, {"007", "7", 70_000},
		{"922337203685477.5807", "922337203685477.5807", math.MaxInt64},
	} {
		got, err := sale.ParseAmount(tt.in)
		if err != nil || got != tt.n || got.String() != tt.want {
			t.Errorf("ParseAmount(%q) = %d (%s), %v; want %d (%s)", tt.in, got, got, err, tt.n, tt.want)
		}
	}
	if got := sale.Amount(math.MinInt64).String(); got != "-922337203685477.5808" {
		t.Errorf("the least amount is written %s", got)
	}
	for _, bad := range []string{"", "-", ".", "1.", "1,5", "1e3", "0.00001", "1.2.3", "--1", "922337203685477.5808", "٣"} {
		if got, err := sale.ParseAmount(bad); err == nil {
			t.Errorf("ParseAmount(%q) = %s; want an error", bad, got)
		}
	}
	for want, got := range map[string]string{"12.00 EUR": sale.Amount(12_0000).In("EUR"), "12 JPY": sale.Amount(12_0000).In("JPY"), "0.5001 EUR": sale.Amount(5001).In("EUR")} {
		if got != want {
			t.Errorf("money is written %s; want %s", got, want)
		}
	}
	if _, err := sale.Amount(math.MaxInt64).Add(1); !errors.Is(err, sale.ErrRange) {
		t.Errorf("the largest amount and one more end in %v", err)
	}
	if _, err := sale.Amount(math.MinInt64).Add(-1); !errors.Is(err, sale.ErrRange) {
		t.Errorf("the least amount and one less end in %v", err)
	}
	if got, err := sale.Amount(2).Add(-5); got != -3 || err != nil {
		t.Errorf("2 + -5 = %d, %v", got, err)
	}
}
