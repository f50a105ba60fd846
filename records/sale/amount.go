package sale

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Amount is an exact decimal number, a sum of money or a quantity, in units of
// one ten-thousandth. No Amount passes through a binary fraction.
type Amount int64

// places is how many decimals an amount has; unit is one.
const (
	places = 4
	unit   = 10_000
)

// ErrRange is what ends in a number too large to be kept exactly.
var ErrRange = errors.New("the number is too large")

// ParseAmount reads digits with at most one decimal point, a sign in front:
// 1234.5. Zeros behind the fourth decimal are let go, other digits are an error.
func ParseAmount(s string) (Amount, error) {
	digits, negative := strings.CutPrefix(s, "-")
	if !negative {
		digits = strings.TrimPrefix(digits, "+")
	}
	left, right, point := strings.Cut(digits, ".")
	if left == "" && right == "" || point && right == "" || strings.Trim(left+right, "0123456789") != "" {
		return 0, fmt.Errorf("%q is no number; write it as 1234.50", s)
	}
	right = strings.TrimRight(right, "0")
	if len(right) > places {
		return 0, fmt.Errorf("%q has more than %d decimals", s, places)
	}
	n, err := strconv.ParseInt("0"+left+right+strings.Repeat("0", places-len(right)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q: %w", s, ErrRange)
	}
	if negative {
		n = -n
	}
	return Amount(n), nil
}

// String writes an amount as [ParseAmount] reads it: no decimals, or at least
// two.
func (a Amount) String() string {
	n, sign := uint64(a), ""
	if a < 0 {
		n, sign = -n, "-"
	}
	whole := sign + strconv.FormatUint(n/unit, 10)
	if n%unit == 0 {
		return whole
	}
	rest := strings.TrimRight(fmt.Sprintf("%0*d", places, n%unit), "0")
	return whole + "." + rest + strings.Repeat("0", max(0, 2-len(rest)))
}

// whole are the currencies that have no smaller coins.
var whole = []string{"JPY", "KRW", "VND", "CLP", "ISK", "XAF", "XOF", "UGX", "PYG"}

// Whole reports whether a currency has no smaller coins.
func Whole(currency string) bool { return slices.Contains(whole, currency) }

// In writes an amount of a currency: with two decimals at least, where it has
// smaller coins. What is smaller than these is shown, never rounded away.
func (a Amount) In(currency string) string {
	s := a.String()
	if !Whole(currency) && !strings.Contains(s, ".") {
		s += ".00"
	}
	return s + " " + currency
}

// MarshalText writes what String does.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what [ParseAmount] does.
func (a *Amount) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAmount(string(text))
	return err
}

// UnmarshalJSON reads a number, or a text that holds one.
func (a *Amount) UnmarshalJSON(b []byte) error {
	return a.UnmarshalText(bytes.Trim(b, `"`))
}

// Float returns the amount as nearly as a binary fraction has it: to compare
// with, never to keep.
func (a Amount) Float() float64 { return float64(a) / unit }

// Times returns the product of two amounts, rounded half away from zero,
// [ErrRange] where it is too large.
func (a Amount) Times(b Amount) (Amount, error) {
	n := new(big.Int).Mul(big.NewInt(int64(a)), big.NewInt(int64(b)))
	half := big.NewInt(unit / 2)
	if n.Sign() < 0 {
		half.Neg(half)
	}
	n.Quo(n.Add(n, half), big.NewInt(unit))
	if !n.IsInt64() {
		return 0, ErrRange
	}
	return Amount(n.Int64()), nil
}

// Add returns the sum of two amounts, [ErrRange] where it is too large.
func (a Amount) Add(b Amount) (Amount, error) {
	if b > 0 && a > math.MaxInt64-b || b < 0 && a < math.MinInt64-b {
		return 0, ErrRange
	}
	return a + b, nil
}
