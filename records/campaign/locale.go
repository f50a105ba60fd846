package campaign

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"rapport/records/sale"
)

// locale is how a language writes days and numbers, after Unicode's CLDR.
type locale struct {
	months, weekdays string // separated by spaces, from January and from Sunday
	date             string // D, M, Y stand for day, month and year
	decimal, group   string
	fewest           int    // digits below which nothing is grouped
	lakh             bool   // groups of two above the first of three
	zero             rune   // of its digits
	money            string // # stands for the sum, ¤ for the currency
}

// locales are the languages that have one; others write 2026-03-01 and 1,234.5.
var locales = map[string]locale{
	"en": {"January February March April May June July August September October November December",
		"Sunday Monday Tuesday Wednesday Thursday Friday Saturday", "D M Y", ".", ",", 4, false, '0', "¤#"},
	"de": {"Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
		"Sonntag Montag Dienstag Mittwoch Donnerstag Freitag Samstag", "D. M Y", ",", ".", 4, false, '0', "#\u00a0¤"},
	"fr": {"janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
		"dimanche lundi mardi mercredi jeudi vendredi samedi", "D M Y", ",", "\u202f", 4, false, '0', "#\u00a0¤"},
	"es": {"enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
		"domingo lunes martes miércoles jueves viernes sábado", "D de M de Y", ",", ".", 5, false, '0', "#\u00a0¤"},
	"it": {"gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
		"domenica lunedì martedì mercoledì giovedì venerdì sabato", "D M Y", ",", ".", 4, false, '0', "#\u00a0¤"},
	"nl": {"januari februari maart april mei juni juli augustus september oktober november december",
		"zondag maandag dinsdag woensdag donderdag vrijdag zaterdag", "D M Y", ",", ".", 4, false, '0', "¤\u00a0#"},
	"pt": {"janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
		"domingo segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado", "D de M de Y", ",", ".", 4, false, '0', "¤\u00a0#"},
	"bn": {"জানুয়ারি ফেব্রুয়ারি মার্চ এপ্রিল মে জুন জুলাই আগস্ট সেপ্টেম্বর অক্টোবর নভেম্বর ডিসেম্বর",
		"রবিবার সোমবার মঙ্গলবার বুধবার বৃহস্পতিবার শুক্রবার শনিবার", "D M, Y", ".", ",", 4, true, '০', "#¤"},
	"ar": {"يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
		"الأحد الاثنين الثلاثاء الأربعاء الخميس الجمعة السبت", "D M Y", ".", ",", 4, false, '0', "#\u00a0¤"},
}

// symbols are those of currencies; others are written by their code.
var symbols = map[string]string{"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹", "BDT": "৳"}

// localeOf returns how a language writes; American English has its own day.
func localeOf(tag string) locale {
	tag = strings.ToLower(tag)
	main, _, _ := strings.Cut(tag, "-")
	if main == "" {
		main = "en"
	}
	l, ok := locales[main]
	if !ok {
		l = locales["en"]
		l.months, l.date = "", "Y-M-D"
	}
	if tag == "en-us" {
		l.date = "M D, Y"
	}
	return l
}

// functionsOf are all that templates of a language may call. None of Go's own
// that make text is among them: they could be made to fill the memory.
func functionsOf(tag string) template.FuncMap {
	l := localeOf(tag)
	return template.FuncMap{
		"default": orDefault,
		"date": func(v any) (Text, error) {
			t, err := day(v)
			return Text(l.day(t)), err
		},
		"weekday": func(v any) (Text, error) {
			t, err := day(v)
			return Text(strings.Fields(l.weekdays)[t.Weekday()]), err
		},
		"number": func(v any) (Text, error) {
			s, err := decimal(v)
			return Text(l.number(s)), err
		},
		"money": func(currency, v any) (Text, error) {
			s, err := decimal(v)
			if err != nil {
				return "", err
			}
			return l.sum(strings.ToUpper(written(currency)), s)
		},
		"plural": func(v any, forms ...string) (Text, error) { return counted(tag, l, v, forms) },
	}
}

func orDefault(other string, v any) (any, error) {
	switch v := v.(type) {
	case Text:
		if v == "" {
			return Text(other), nil
		}
	case string:
		if v == "" {
			return other, nil
		}
	}
	return v, nil
}

// day reads a day as records and authors write it.
func day(v any) (time.Time, error) {
	if t, ok := v.(time.Time); ok {
		return t, nil
	}
	s := strings.TrimSpace(written(v))
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a day: write it as 2026-03-01", s)
}

// written is a value of a template as its plain text.
func written(v any) string {
	switch v := v.(type) {
	case Text:
		return string(v)
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// decimal reads a number exactly: digits, a point, digits. No sum passes through
// a binary fraction.
func decimal(v any) (string, error) {
	s := strings.TrimSpace(written(v))
	left, right, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	if !digits(left) || point && !digits(right) || len(s) > 40 {
		return "", fmt.Errorf("%q is not a number: write it as 1234.50", s)
	}
	return s, nil
}

func (l locale) day(t time.Time) string {
	month := t.Format("01")
	if l.months != "" {
		month = strings.Fields(l.months)[t.Month()-1]
	}
	number := strconv.Itoa(t.Day())
	switch {
	case l.months == "":
		number = t.Format("02")
	case strings.HasPrefix(l.months, "janvier") && t.Day() == 1:
		number = "1er"
	}
	return strings.NewReplacer("D", l.digits(number), "M", month, "Y", l.digits(strconv.Itoa(t.Year()))).Replace(l.date)
}

// digits writes a number in the language's own digits.
func (l locale) digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return l.zero + r - '0'
		}
		return r
	}, s)
}

// number writes what decimal read.
func (l locale) number(s string) string {
	minus := ""
	if rest, negative := strings.CutPrefix(s, "-"); negative {
		minus, s = "-", rest
	}
	left, right, point := strings.Cut(s, ".")
	left = strings.TrimLeft(left[:max(len(left)-1, 0)], "0") + left[max(len(left)-1, 0):]
	var groups []string
	for size := 3; len(left) >= l.fewest || len(groups) > 0 && left != ""; {
		n := min(size, len(left))
		groups = append(groups, left[len(left)-n:])
		left = left[:len(left)-n]
		if l.lakh {
			size = 2
		}
	}
	if left != "" {
		groups = append(groups, left)
	}
	slices.Reverse(groups)
	out := minus + strings.Join(groups, l.group)
	if point {
		out += l.decimal + right
	}
	return l.digits(out)
}

// sum writes money. What is smaller than the coins of a currency is shown, never
// rounded away.
func (l locale) sum(currency, s string) (Text, error) {
	if len(currency) != 3 || strings.Trim(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return "", fmt.Errorf("%q is no currency: write its code, such as EUR", currency)
	}
	if _, right, _ := strings.Cut(s, "."); !sale.Whole(currency) && len(right) < 2 {
		if right == "" {
			s += "."
		}
		s += strings.Repeat("0", 2-len(right))
	}
	symbol, known := symbols[currency]
	if !known {
		symbol = currency
	}
	shape := l.money
	if !known { // letters do not touch digits
		shape = strings.NewReplacer("¤#", "¤\u00a0#", "#¤", "#\u00a0¤").Replace(shape)
	}
	number, minus := strings.CutPrefix(l.number(s), "-")
	out := strings.NewReplacer("#", number, "¤", symbol).Replace(shape)
	if minus {
		out = "-" + out
	}
	return Text(out), nil
}

// counted chooses the form of a word for a number by the rules of a language:
// two texts are for one and for the others; more name their form, as "few=…",
// and the last is for the others. # in a form is the number.
func counted(tag string, l locale, v any, forms []string) (Text, error) {
	s, err := decimal(v)
	if err != nil {
		return "", err
	}
	if len(forms) < 1 {
		return "", errors.New(`plural needs its forms, such as {{plural .Contact.Custom.cups "one cup" "# cups"}}`)
	}
	chosen := forms[len(forms)-1]
	if _, text, named := strings.Cut(chosen, "other="); named {
		chosen = text
	}
	want := formOf(tag, s)
	for i, f := range forms[:len(forms)-1] {
		name, text, named := strings.Cut(f, "=")
		switch {
		case !named && len(forms) == 2 && i == 0:
			name, text = "one", f
		case !named || !slices.Contains(formNames, name):
			return "", fmt.Errorf("%q does not say which form it is: %s", f, strings.Join(formNames, "=, ")+"=")
		}
		if name == want {
			chosen = text
		}
	}
	return Text(strings.ReplaceAll(chosen, "#", l.number(s))), nil
}

var formNames = []string{"zero", "one", "two", "few", "many", "other"}

// formOf is the form that a language has for a number (CLDR's cardinals).
func formOf(tag, s string) string {
	t, err := language.Parse(tag)
	if err != nil || tag == "" {
		t = language.English
	}
	left, right, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	trimmed := strings.TrimRight(right, "0")
	tail := func(s string) int { // the rules look at the end of a number
		n, _ := strconv.Atoi(s[max(0, len(s)-7):]) // digits
		return n
	}
	i := tail(left)
	if len(left) > 7 {
		i += 10_000_000
	}
	return formNames[map[plural.Form]int{plural.Zero: 0, plural.One: 1, plural.Two: 2, plural.Few: 3, plural.Many: 4, plural.Other: 5}[plural.Cardinal.MatchPlural(t, i, len(right), len(trimmed), tail(right), tail(trimmed))]]
}
