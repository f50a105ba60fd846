package message

import (
	"strings"
	"time"
	"unicode/utf8"
)

// months maps the first letters of month names, in the languages whose
// clients write them into forward blocks, to their number.
var months = map[string]time.Month{
	"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
	"jän": 1, "mär": 3, "mai": 5, "okt": 10, "dez": 12, // German
	"fév": 2, "fev": 2, "avr": 4, "jui": 6, "aoû": 8, "déc": 12, // French; juillet is told below
	"ene": 1, "abr": 4, "ago": 8, "dic": 12, "set": 9, "out": 10, // Spanish, Portuguese, Italian
	"gen": 1, "mag": 5, "giu": 6, "lug": 7, "ott": 10,
	"mrt": 3, "maa": 3, "mei": 5, "maj": 5, "des": 12, // Dutch, Scandinavian
	"sty": 1, "lut": 2, "kwi": 4, "cze": 6, "lip": 7, "sie": 8, "wrz": 9, "paź": 10, "lis": 11, "gru": 12, // Polish
	"янв": 1, "фев": 2, "мар": 3, "апр": 4, "мая": 5, "май": 5, "июн": 6, "июл": 7, "авг": 8, "сен": 9, "окт": 10, "ноя": 11, "дек": 12,
}

// zones maps zone names still seen in mail to their offset in minutes.
var zones = map[string]int{
	"ut": 0, "utc": 0, "gmt": 0, "z": 0, "wet": 0, "bst": 60, "west": 60, "cet": 60, "met": 60, "mez": 60, "cest": 120, "mest": 120, "mesz": 120, "eet": 120, "eest": 180, "msk": 180,
	"est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420, "akst": -540, "hst": -600,
	"jst": 540, "kst": 540, "aest": 600, "aedt": 660, "ist": 330, "nzst": 720, "nzdt": 780, "hkt": 480, "sgt": 480,
}

// dateReader gathers the elements of a date in whatever order they stand.
type dateReader struct {
	year, day, hour, min, sec int
	month                     time.Month
	offset                    int // minutes
	timed, zoned, pm, am      bool
	early                     bool  // the month stood first, so it may be a weekday: mardi, mar.
	numbers                   []int // of a purely numeric date
}

// parseDate reads a date as RFC 5322 has it, and most of what else is written
// into Date fields. The result is in UTC. What lies before 1970 or after 2100
// is no date.
func parseDate(s string) (time.Time, bool) {
	if i := strings.LastIndexByte(s, ';'); i >= 0 { // the end of a Received field, which some programs copy
		if t, ok := readDate(s[i+1:]); ok {
			return t, true
		}
	}
	return readDate(s)
}

func readDate(s string) (time.Time, bool) {
	s = clip(s, 200)
	var d dateReader
	if n := d.iso(s); n > 0 {
		s = s[n:]
	}
	for len(s) > 0 {
		if s[0] == '(' { // a comment: the zone's name again
			if i := strings.IndexByte(s, ')'); i >= 0 && (d.zoned || i > 6) {
				s = s[i+1:]
				continue
			}
		}
		n := strings.IndexAny(s, " \t,()\r\n")
		if n == 0 {
			s = s[1:]
			continue
		}
		if n < 0 {
			n = len(s)
		}
		d.token(s[:n])
		s = s[n:]
	}
	return d.time()
}

// iso reads a leading yyyy-mm-dd, with the T that may follow.
func (d *dateReader) iso(s string) int {
	if len(s) < 10 || (s[4] != '-' && s[4] != '/') || s[7] != s[4] {
		return 0
	}
	y, ok1 := number(s[:4])
	m, ok2 := number(s[5:7])
	day, ok3 := number(s[8:10])
	if !ok1 || !ok2 || !ok3 || m < 1 || m > 12 {
		return 0
	}
	d.year, d.month, d.day = y, time.Month(m), day
	if len(s) > 10 && (s[10] == 'T' || s[10] == 't') {
		return 11
	}
	return 10
}

// token takes one blank-separated piece of a date.
func (d *dateReader) token(t string) {
	t = strings.Trim(t, ".;\"'")
	switch {
	case t == "":
	case strings.Contains(t, ":") && !d.timed && t[0] >= '0' && t[0] <= '9':
		d.clock(t)
	case (t[0] == '+' || t[0] == '-') && len(t) > 1 && d.timed:
		d.zone(t)
	case t[0] >= '0' && t[0] <= '9':
		if i := strings.IndexAny(t, "-/."); i > 0 {
			sep := t[i : i+1]
			for part := range strings.SplitSeq(t, sep) {
				d.token(part)
			}
			return
		}
		if n, ok := number(t); ok {
			d.number(n, len(t))
		} else if n, ok := number(strings.TrimRight(t, "ºª°stndrhe日年月")); ok {
			d.number(n, 2)
		}
	default:
		d.name(t)
	}
}

// number places a bare number.
func (d *dateReader) number(n, digits int) {
	switch {
	case digits >= 4 && d.year == 0:
		if d.year = n; n >= 100 && n < 200 {
			d.year += 1900 // 0102: years since 1900 again
		}
	case d.month != 0 && d.day == 0 && n >= 1 && n <= 31:
		d.day = n
	case d.month == 0 && len(d.numbers) < 3:
		d.numbers = append(d.numbers, n)
	case d.year == 0 && digits <= 3:
		d.year = n
		if digits == 3 {
			d.year += 1900 // a year since 1900, printed by hand
		} else if n < 50 {
			d.year += 2000
		} else {
			d.year += 1900
		}
	}
}

// clock reads hh:mm, hh:mm:ss with a fraction, zone or am/pm glued on.
func (d *dateReader) clock(t string) {
	parts := [3]int{}
	i := 0
	for k := range parts {
		n, digits := 0, 0
		for i < len(t) && t[i] >= '0' && t[i] <= '9' {
			if digits++; digits <= 2 {
				n = n*10 + int(t[i]-'0')
			}
			i++
		}
		parts[k] = n
		if i >= len(t) || t[i] != ':' || k == 2 {
			break
		}
		i++
	}
	if i < len(t) && (t[i] == '.' || t[i] == ',') {
		for i++; i < len(t) && t[i] >= '0' && t[i] <= '9'; i++ {
		}
	}
	d.hour, d.min, d.sec, d.timed = parts[0], parts[1], parts[2], true
	if rest := t[i:]; rest != "" {
		if rest[0] == '+' || rest[0] == '-' {
			d.zone(rest)
		} else {
			d.name(rest)
		}
	}
}

// zone reads +hhmm, +hh:mm or +hh. An offset no place has counts as none.
func (d *dateReader) zone(t string) {
	if d.zoned {
		return
	}
	n, digits := 0, 0
	for _, c := range []byte(t[1:]) {
		if c >= '0' && c <= '9' && digits < 6 {
			n, digits = n*10+int(c-'0'), digits+1
		}
	}
	if digits <= 2 {
		n *= 100
	}
	if off := n/100*60 + n%100; off <= 15*60 {
		if t[0] == '-' {
			off = -off
		}
		d.offset, d.zoned = off, true
	}
}

// name reads a month, a zone, am or pm; other words (weekdays, "um") mean
// nothing.
func (d *dateReader) name(t string) {
	var low [16]byte
	t = strings.TrimRight(t, ".)")
	lower := t
	if len(t) <= len(low) && isASCII(t) {
		b := low[:copy(low[:], t)]
		for i, c := range b {
			if c >= 'A' && c <= 'Z' {
				b[i] = c + 32
			}
		}
		lower = string(b)
	} else {
		lower = strings.ToLower(t)
	}
	if d.month == 0 || d.early {
		if i := strings.IndexByte(lower, '-'); i > 0 { // Nov-2026
			for part := range strings.SplitSeq(t, "-") {
				d.token(part)
			}
			return
		}
		if m, ok := monthOf(lower); ok {
			d.early = d.month == 0 && d.day == 0 && len(d.numbers) == 0
			d.month = m
			for _, n := range d.numbers { // numbers before the month: the day
				d.number(n, 2)
			}
			d.numbers = nil
			return
		}
	}
	switch lower {
	case "am", "a.m":
		d.am = true
		return
	case "pm", "p.m":
		d.pm = true
		return
	}
	if off, ok := zones[lower]; ok && d.timed && !d.zoned {
		d.offset, d.zoned = off, true
		return
	}
	if len(lower) > 3 && lower[3] >= '0' && lower[3] <= '9' && d.timed && !d.zoned { // EST5EDT
		if off, ok := zones[lower[:3]]; ok {
			d.offset, d.zoned = off, true
		}
		return
	}
	if strings.HasPrefix(lower, "gmt") && len(lower) > 4 || strings.HasPrefix(lower, "utc") && len(lower) > 4 {
		if lower[3] == '+' || lower[3] == '-' {
			d.zone(lower[3:])
		}
	}
}

func monthOf(lower string) (time.Month, bool) {
	if utf8.RuneCountInString(lower) < 3 {
		return 0, false
	}
	if strings.HasPrefix(lower, "juil") {
		return time.July, true
	}
	end := 0
	for range 3 {
		_, n := utf8.DecodeRuneInString(lower[end:])
		end += n
	}
	m, ok := months[lower[:end]]
	return m, ok
}

// time puts the elements together.
func (d *dateReader) time() (time.Time, bool) {
	if d.month == 0 && len(d.numbers) >= 2 { // 22.11.2026, 11/22/2026
		a, b := d.numbers[0], d.numbers[1]
		if b > 12 && a <= 12 {
			a, b = b, a
		}
		if b < 1 || b > 12 {
			return time.Time{}, false
		}
		d.day, d.month = a, time.Month(b)
		if d.year == 0 && len(d.numbers) == 3 {
			d.number(d.numbers[2], 2)
		}
	}
	if d.month == 0 || d.day < 1 || d.day > 31 || d.year < 1970 || d.year > 2100 {
		return time.Time{}, false
	}
	if d.pm && d.hour < 12 {
		d.hour += 12
	}
	if d.am && d.hour == 12 {
		d.hour = 0
	}
	if d.hour > 24 || d.min > 59 || d.sec > 61 {
		d.hour, d.min, d.sec = 0, 0, 0
	}
	t := time.Date(d.year, d.month, d.day, d.hour, d.min, d.sec, 0, time.UTC)
	return t.Add(-time.Duration(d.offset) * time.Minute), true
}

// number reads up to nine digits.
func number(s string) (int, bool) {
	if s == "" || len(s) > 9 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
