package survey

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// form is what a token is.
type form byte

const (
	number form = iota
	word
	mark  // a punctuation mark
	face  // an emoji, or another picture
	star  // filled stars, counted
	other // what belongs to figures: a currency, a fraction, a percentage
)

// token is a part of a line.
type token struct {
	form   form
	text   string
	value  int  // of a number; -1 where it is none of a scale; of stars how many
	spoken bool // a number written as a word
	glued  bool // nothing stands between it and the one before
}

// fold makes forms of one text equal: case, width, composition.
func fold(s string) string { return strings.ToLower(norm.NFKC.String(s)) }

// figure is what the fractions and exponents become, so that 8½ is not 81⁄2.
const figure = '\uFFFD'

// readable folds a line for the reader: digits of every script become 0 to 9.
func readable(line string) string {
	line = strings.ReplaceAll(line, "🔟", " 10 ")
	line = strings.Map(func(r rune) rune {
		switch {
		case r == 0xFE0F, r == 0xFE0E, r == 0x20E3, r == 0x200B, r == 0x200D, r >= 0x200E && r <= 0x200F, r >= 0x1F3FB && r <= 0x1F3FF:
			return -1
		case r >= 0x2460 && r <= 0x2469: // circled
			return r
		case unicode.Is(unicode.No, r):
			return figure
		}
		return r
	}, line)
	return strings.Map(func(r rune) rune {
		if d, ok := digit(r); ok {
			return '0' + d
		}
		return r
	}, fold(line))
}

// digit returns the value of a decimal digit: Unicode lays each script's out as
// ten in a row, and the ranges of its table begin with zeros.
func digit(r rune) (rune, bool) {
	if !unicode.IsDigit(r) {
		return 0, false
	}
	for _, t := range unicode.Nd.R16 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10, true
		}
	}
	for _, t := range unicode.Nd.R32 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10, true
		}
	}
	return 0, false
}

// tokens cuts a folded line. What only adorns, such as quotes, is left out.
func tokens(line string) (out []token) {
	rest := []rune(line)
	glued := false
	for len(rest) > 0 {
		r := rest[0]
		if unicode.IsSpace(r) || strings.ContainsRune("*_\"„“”«»‹›[]`", r) {
			glued = glued && !unicode.IsSpace(r)
			rest = rest[1:]
			continue
		}
		t, n := next(rest)
		t.glued = glued
		out = append(out, t)
		rest, glued = rest[n:], true
	}
	return out
}

// next reads one token and how many runes it has.
func next(s []rune) (token, int) {
	r := s[0]
	switch {
	case r >= '0' && r <= '9':
		n := run(s, func(r rune) bool { return r >= '0' && r <= '9' })
		return token{form: number, text: string(s[:n]), value: small(s[:n])}, n
	case r == '★' || r == '⭐' || r == '🌟':
		n := run(s, func(r rune) bool { return r == '★' || r == '⭐' || r == '🌟' })
		return token{form: star, value: n}, n + run(s[n:], func(r rune) bool { return r == '☆' })
	case unicode.IsLetter(r) || unicode.IsMark(r):
		n := run(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsMark(r) || r == '\'' || r == '’' })
		t := token{form: word, text: strings.Trim(strings.ReplaceAll(string(s[:n]), "’", "'"), "'")}
		if v, ok := numberWords[t.text]; ok {
			t.form, t.value, t.spoken = number, v, true
		}
		return t, n
	case unicode.Is(unicode.Sc, r), r == figure, r == '%', r == '‰', r == '#', r == '=', r == '<', r == '>', r == '~', r == '≈', r == '≥', r == '≤', r == '+', r == '&', r == '×':
		return token{form: other, text: string(r)}, 1
	case unicode.Is(unicode.So, r):
		return token{form: face, text: string(r)}, 1
	}
	return token{form: mark, text: string(r)}, 1
}

func run(s []rune, in func(rune) bool) int {
	for n, r := range s {
		if !in(r) {
			return n
		}
	}
	return len(s)
}

// small returns the value of a number that may be a score: 0 to 99 without a
// leading zero, else -1.
func small(digits []rune) int {
	switch {
	case len(digits) == 1:
		return int(digits[0] - '0')
	case len(digits) == 2 && digits[0] != '0':
		return int(digits[0]-'0')*10 + int(digits[1]-'0')
	}
	return -1
}
