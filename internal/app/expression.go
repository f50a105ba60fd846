package app

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"rapport/store"
)

// An acceptance is a rule such as "exchanges >= 3 and out > 0" that says which
// proposals of discover become contacts.
//
//	or      = and { "or" and }
//	and     = not { "and" not }
//	not     = "not" not | "(" or ")" | compare
//	compare = field op value
//	field   = exchanges | in | out | messages | last | domain
//	op      = "==" | "=" | "!=" | "<" | "<=" | ">" | ">="
//
// The value of last is an age (90d, 6w, 2y: how long ago the last message
// was); that of domain is a text, quoted or bare, which * may stand for any
// run of characters in, and takes == and != only.
type acceptance func(s store.Suggestion, now time.Time) bool

// parseAcceptance reads a rule; its errors name the column.
func parseAcceptance(text string) (acceptance, error) {
	if len(text) > 1000 {
		return nil, fmt.Errorf("read %q…: longer than 1,000 characters", text[:40])
	}
	tokens, err := scanRule(text)
	if err != nil {
		return nil, err
	}
	p := &ruleParser{text: text, tokens: tokens}
	accept, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.text != "" {
		return nil, p.fault(t, "expected and, or, or the end, found %q", t.text)
	}
	return accept, nil
}

type ruleToken struct {
	text   string // "" at the end
	quoted bool
	column int // from 1, in characters
}

// scanRule splits a rule into words, quoted texts and operators.
func scanRule(text string) ([]ruleToken, error) {
	var out []ruleToken
	rs := []rune(text)
	for i := 0; i < len(rs); {
		start := i
		switch r := rs[i]; {
		case unicode.IsSpace(r):
			i++
			continue
		case r == '(' || r == ')':
			i++
		case strings.ContainsRune("=!<>&|", r):
			for i < len(rs) && strings.ContainsRune("=!<>&|", rs[i]) {
				i++
			}
		case r == '"' || r == '\'':
			for i++; i < len(rs) && rs[i] != r; i++ {
			}
			if i == len(rs) {
				return nil, ruleFault(text, start+1, "the quotation mark is not closed")
			}
			i++
			out = append(out, ruleToken{string(rs[start+1 : i-1]), true, start + 1})
			continue
		case wordRune(r):
			for i < len(rs) && wordRune(rs[i]) {
				i++
			}
		default:
			return nil, ruleFault(text, start+1, fmt.Sprintf("%q means nothing here", r))
		}
		out = append(out, ruleToken{string(rs[start:i]), false, start + 1})
	}
	return append(out, ruleToken{column: len(rs) + 1}), nil
}

func wordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(".-_*", r)
}

func ruleFault(text string, column int, what string) error {
	return fmt.Errorf("read %q: column %d: %s", text, column, what)
}

type ruleParser struct {
	text   string
	tokens []ruleToken
	at     int
}

func (p *ruleParser) peek() ruleToken { return p.tokens[p.at] }

func (p *ruleParser) next() ruleToken {
	t := p.tokens[p.at]
	if p.at < len(p.tokens)-1 {
		p.at++
	}
	return t
}

// take consumes one of the given words.
func (p *ruleParser) take(words ...string) bool {
	t := p.peek()
	for _, w := range words {
		if !t.quoted && strings.EqualFold(t.text, w) {
			p.next()
			return true
		}
	}
	return false
}

func (p *ruleParser) fault(t ruleToken, format string, args ...any) error {
	return ruleFault(p.text, t.column, fmt.Sprintf(format, args...))
}

func (p *ruleParser) or(depth int) (acceptance, error) {
	left, err := p.and(depth)
	for err == nil && p.take("or", "||") {
		var right acceptance
		l := left
		right, err = p.and(depth)
		left = func(s store.Suggestion, now time.Time) bool { return l(s, now) || right(s, now) }
	}
	return left, err
}

func (p *ruleParser) and(depth int) (acceptance, error) {
	left, err := p.not(depth)
	for err == nil && p.take("and", "&&") {
		var right acceptance
		l := left
		right, err = p.not(depth)
		left = func(s store.Suggestion, now time.Time) bool { return l(s, now) && right(s, now) }
	}
	return left, err
}

func (p *ruleParser) not(depth int) (acceptance, error) {
	if depth > 100 {
		return nil, p.fault(p.peek(), "nested too deeply")
	}
	if p.take("not") {
		inner, err := p.not(depth + 1)
		return func(s store.Suggestion, now time.Time) bool { return !inner(s, now) }, err
	}
	if !p.take("(") {
		return p.compare()
	}
	inner, err := p.or(depth + 1)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); !p.take(")") {
		return nil, p.fault(t, "expected )%s", found(t))
	}
	return inner, nil
}

func found(t ruleToken) string {
	if t.text == "" {
		return ", found the end"
	}
	return fmt.Sprintf(", found %q", t.text)
}

// ruleNumbers are the fields that count.
var ruleNumbers = map[string]func(store.Suggestion) int{
	"exchanges": func(s store.Suggestion) int { return s.Exchange },
	"in":        func(s store.Suggestion) int { return s.In },
	"out":       func(s store.Suggestion) int { return s.Out },
	"messages":  func(s store.Suggestion) int { return s.In + s.Out },
}

func (p *ruleParser) compare() (acceptance, error) {
	field := p.next()
	name := strings.ToLower(field.text)
	number, counts := ruleNumbers[name]
	if field.quoted || (!counts && name != "last" && name != "domain") {
		return nil, p.fault(field, "expected exchanges, in, out, messages, last or domain%s", found(field))
	}
	op := p.next()
	holds, known := ruleOps[op.text]
	if !known {
		return nil, p.fault(op, "expected a comparison such as >= after %s%s", name, found(op))
	}
	value := p.next()
	if value.text == "" && !value.quoted {
		return nil, p.fault(value, "expected a value after %s", op.text)
	}
	switch name {
	case "domain":
		if op.text != "==" && op.text != "=" && op.text != "!=" {
			return nil, p.fault(op, "domain can only be compared with == and !=")
		}
		pattern := strings.ToLower(value.text)
		return func(s store.Suggestion, _ time.Time) bool {
			return wild(pattern, s.Domain) == (op.text != "!=")
		}, nil
	case "last":
		age, err := parseAge(value.text)
		if err != nil {
			return nil, p.fault(value, "%v", err)
		}
		return func(s store.Suggestion, now time.Time) bool {
			return holds(compareInt(int64(now.Sub(s.Last)), int64(age)))
		}, nil
	}
	n, err := strconv.Atoi(value.text)
	if err != nil {
		return nil, p.fault(value, "expected a whole number%s", found(value))
	}
	return func(s store.Suggestion, _ time.Time) bool {
		return holds(compareInt(int64(number(s)), int64(n)))
	}, nil
}

var ruleOps = map[string]func(sign int) bool{
	"==": func(s int) bool { return s == 0 },
	"=":  func(s int) bool { return s == 0 },
	"!=": func(s int) bool { return s != 0 },
	"<":  func(s int) bool { return s < 0 },
	"<=": func(s int) bool { return s <= 0 },
	">":  func(s int) bool { return s > 0 },
	">=": func(s int) bool { return s >= 0 },
}

func compareInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// parseAge reads an age such as 90d, 6w, 3m (months), 2y or 36h.
func parseAge(s string) (time.Duration, error) {
	const day = 24 * time.Hour
	units := map[byte]time.Duration{'h': time.Hour, 'd': day, 'w': 7 * day, 'm': 30 * day, 'y': 365 * day}
	if len(s) < 2 || units[s[len(s)-1]] == 0 {
		return 0, fmt.Errorf("expected an age such as 90d, 6w or 2y, found %q", s)
	}
	n, err := strconv.Atoi(s[:len(s)-1])
	if err != nil || n < 0 || n > 40000 {
		return 0, fmt.Errorf("expected an age such as 90d, 6w or 2y, found %q", s)
	}
	return time.Duration(n) * units[s[len(s)-1]], nil
}

// wild reports whether a text is covered by a pattern in which * stands for
// any run of characters.
func wild(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return strings.HasSuffix(text, last)
}
