package sale

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"rapport/records/contact"
	"rapport/records/followup"
)

// digitsOf writes the digits of any script as 0 to 9 and every kind of space as
// one.
func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return r
		case unicode.Is(unicode.Nd, r):
			for zero := r; ; zero-- { // a script's digits stand in a row
				if !unicode.Is(unicode.Nd, zero-1) || r-zero == 9 {
					return '0' + r - zero
				}
			}
		case r == '−':
			return '-'
		case unicode.IsSpace(r), r == '\'', r == '’':
			return ' '
		}
		return r
	}, s)
}

// signs are those of currencies that stand for one only.
var signs = map[string]string{"€": "EUR", "£": "GBP", "₹": "INR", "৳": "BDT", "US$": "USD", "₩": "KRW", "₫": "VND", "zł": "PLN", "Kč": "CZK", "₺": "TRY", "₴": "UAH"}

// cell is a number as somebody wrote it, without what stands around it.
type cell struct {
	digits   string // with , . and spaces between
	negative bool
	currency string // that stands beside it; "" for none, or for a sign of many
}

var numeral = regexp.MustCompile(`^\d[\d., ]*$|^[.,]\d+$`)

// cellOf takes sign, currency and brackets off a number.
func cellOf(s string) (cell, error) {
	var c cell
	rest := strings.TrimSpace(digitsOf(s))
	if inner, ok := strings.CutPrefix(rest, "("); ok && strings.HasSuffix(inner, ")") {
		rest, c.negative = inner[:len(inner)-1], true
	}
	for rest != "" {
		before := rest
		rest = strings.TrimSpace(rest)
		if more, ok := strings.CutPrefix(rest, "-"); ok && !c.negative {
			rest, c.negative = more, true
		}
		if more, ok := strings.CutSuffix(rest, "-"); ok && !c.negative {
			rest, c.negative = more, true
		}
		rest = c.takeCurrency(strings.TrimPrefix(rest, "+"))
		if rest == before {
			break
		}
	}
	if !numeral.MatchString(rest) {
		return c, fmt.Errorf("%q is no amount", contact.Clip(s))
	}
	c.digits = strings.TrimRight(rest, " ")
	return c, nil
}

// takeCurrency takes a sign or a code off either end.
func (c *cell) takeCurrency(s string) string {
	s = strings.TrimSpace(s)
	for sign, code := range signs {
		if rest, ok := cutEnd(s, sign); ok {
			c.currency = code
			return rest
		}
	}
	for _, sign := range []string{"$", "¥", "kr", "Fr."} {
		if rest, ok := cutEnd(s, sign); ok {
			return rest
		}
	}
	if len(s) > 3 && isCode(s[:3]) {
		c.currency = s[:3]
		return s[3:]
	}
	if len(s) > 3 && isCode(s[len(s)-3:]) {
		c.currency = s[len(s)-3:]
		return s[:len(s)-3]
	}
	return s
}

func cutEnd(s, sign string) (string, bool) {
	if rest, ok := strings.CutPrefix(s, sign); ok {
		return rest, true
	}
	return strings.CutSuffix(s, sign)
}

// isCode reports whether s is shaped as the code of a currency.
func isCode(s string) bool {
	return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// decimals tells what a number's form says of its decimal mark: ',' or '.', 0
// where it has none, '?' where it could be either, as in 1,234.
func (c cell) decimals() rune {
	comma, point := strings.Count(c.digits, ","), strings.Count(c.digits, ".")
	last := strings.LastIndexAny(c.digits, ",.")
	switch {
	case last < 0:
		return 0
	case comma > 0 && point > 0:
		return rune(c.digits[last])
	case comma > 1: // several of one kind part groups
		return '.'
	case point > 1:
		return ','
	case len(c.digits)-last-1 != 3, strings.Contains(c.digits, " "), last > 3, strings.Trim(c.digits[:last], "0") == "":
		return rune(c.digits[last])
	}
	return '?'
}

// groups are the forms of whole numbers: in threes, or as in India.
var groups = regexp.MustCompile(`^\d*$|^\d{1,3}([., ])\d{3}(?:[., ]\d{3})*$|^\d{1,2}(?:,\d{2})*,\d{3}$`)

// amount reads the number where decimal is its decimal mark.
func (c cell) amount(decimal rune) (Amount, error) {
	left, right, _ := strings.Cut(c.digits, string(decimal))
	group := strings.IndexAny(left, "., ")
	if !groups.MatchString(left) || strings.Trim(right, "0123456789") != "" || group >= 0 && strings.Trim(left, "0123456789"+left[group:group+1]) != "" {
		return 0, fmt.Errorf("%q is no amount with %q before its decimals", c.digits, decimal)
	}
	text := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, left)
	if right != "" {
		text += "." + right
	}
	if c.negative {
		text = "-" + text
	}
	return ParseAmount(text)
}

// order is in which order days, months and years are written.
type order string

const (
	orderUnknown order = ""
	dayFirst     order = "dmy"
	monthFirst   order = "mdy"
	yearFirst    order = "ymd"
)

var (
	numericDay = regexp.MustCompile(`^(\d{1,4})([-./])\s*(\d{1,2})[-./]\s*(\d{2,4})$`)
	packedDay  = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})$`)
	timeOfDay  = regexp.MustCompile(`[T ]\d{1,2}:\d{2}.*$`)
)

// written are the forms of days that name their month; English ones only, as
// programs write them.
var written = []string{"2 Jan 2006", "2 January 2006", "Jan 2, 2006", "January 2, 2006", "2-Jan-2006", "2-Jan-06", "Jan 2 2006"}

var errOrder = errors.New("day and month could be the other way round")

// dayOf reads a day. Where its form leaves the order open it ends in errOrder
// unless in says it.
func dayOf(s string, in order) (followup.Day, error) {
	text := strings.TrimSpace(timeOfDay.ReplaceAllString(strings.TrimSpace(digitsOf(s)), ""))
	if m := packedDay.FindStringSubmatch(text); m != nil {
		return dayFrom(s, m[1], m[2], m[3])
	}
	if m := numericDay.FindStringSubmatch(text); m != nil {
		a, b, c := m[1], m[3], m[4]
		switch {
		case len(a) == 4 || in == yearFirst:
			return dayFrom(s, a, b, c)
		case m[2] == "." && in == orderUnknown || in == dayFirst:
			return dayFrom(s, c, b, a)
		case in == monthFirst:
			return dayFrom(s, c, a, b)
		case number(a) > 12 && number(b) <= 12 || a == b:
			return dayFrom(s, c, b, a)
		case number(b) > 12 && number(a) <= 12:
			return dayFrom(s, c, a, b)
		}
		return "", errOrder
	}
	for _, layout := range written {
		if t, err := time.Parse(layout, text); err == nil {
			return followup.DayOf(t), nil
		}
	}
	return "", fmt.Errorf("%q is no date; write it as 2026-11-30", contact.Clip(s))
}

func number(s string) int {
	n, _ := strconv.Atoi(s) // digits, at most four
	return n
}

// dayFrom puts a day together; a year of two digits is from 1970 to 2069.
func dayFrom(cell, year, month, day string) (followup.Day, error) {
	y := number(year)
	if len(year) <= 2 {
		if y += 1900; y < 1970 {
			y += 100
		}
	}
	d, err := followup.ParseDay(fmt.Sprintf("%04d-%02d-%02d", y, number(month), number(day)))
	if err != nil {
		return "", fmt.Errorf("%q is no date; write it as 2026-11-30", contact.Clip(cell))
	}
	return d, nil
}

// orderIn tells the order that a day's form gives away, "" where it does not.
func orderIn(s string) order {
	m := numericDay.FindStringSubmatch(strings.TrimSpace(timeOfDay.ReplaceAllString(strings.TrimSpace(digitsOf(s)), "")))
	switch {
	case m == nil || m[2] == "." || len(m[1]) == 4:
		return orderUnknown
	case number(m[1]) > 12 && number(m[3]) <= 12:
		return dayFirst
	case number(m[3]) > 12 && number(m[1]) <= 12:
		return monthFirst
	}
	return orderUnknown
}
