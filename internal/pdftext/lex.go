package pdftext

import (
	"bytes"
	"strconv"
)

// kind says what a token of a content stream is.
type kind byte

const (
	ended kind = iota
	operator
	number
	name
	text  // a string, decoded to its bytes
	open_ // [ or <<
	close_
)

// token is one piece of a content stream.
type token struct {
	kind  kind
	value float64
	bytes []byte // of an operator, a name, a string, a bracket
}

// lexer cuts a content stream, or a CMap, into tokens.
type lexer struct {
	in []byte
	at int
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isDelimiter(c byte) bool { return bytes.IndexByte([]byte("()<>[]{}/%"), c) >= 0 }

// next returns the next token; its kind is ended behind the last.
func (l *lexer) next() token {
	l.skip()
	if l.at >= len(l.in) {
		return token{}
	}
	switch c := l.in[l.at]; c {
	case '/':
		l.at++
		return token{kind: name, bytes: unescapeName(l.word())}
	case '(':
		return token{kind: text, bytes: l.literal()}
	case '[', '{':
		return l.bracket(open_, 1)
	case ']', '}':
		return l.bracket(close_, 1)
	case '<':
		if l.starts("<<") {
			return l.bracket(open_, 2)
		}
		return token{kind: text, bytes: l.hex()}
	case '>':
		if l.starts(">>") {
			return l.bracket(close_, 2)
		}
		return l.bracket(close_, 1)
	case ')':
		return l.bracket(close_, 1)
	}
	w := l.word()
	if v, ok := numeral(w); ok {
		return token{kind: number, value: v}
	}
	return token{kind: operator, bytes: w}
}

func (l *lexer) starts(s string) bool { return bytes.HasPrefix(l.in[l.at:], []byte(s)) }

func (l *lexer) bracket(k kind, n int) token {
	l.at += n
	return token{kind: k, bytes: l.in[l.at-n : l.at]}
}

// skip passes white space and comments.
func (l *lexer) skip() {
	for ; l.at < len(l.in); l.at++ {
		switch c := l.in[l.at]; {
		case c == '%':
			for l.at < len(l.in) && l.in[l.at] != '\n' && l.in[l.at] != '\r' {
				l.at++
			}
		case !isSpace(c):
			return
		}
	}
}

func (l *lexer) word() []byte {
	from := l.at
	for l.at < len(l.in) && !isSpace(l.in[l.at]) && !isDelimiter(l.in[l.at]) {
		l.at++
	}
	return l.in[from:l.at]
}

// numeral reads a number as PDF writes it; others write 1.-5 or --3, too.
func numeral(w []byte) (float64, bool) {
	if len(w) == 0 || len(w) > 40 || bytes.IndexByte([]byte("+-.0123456789"), w[0]) < 0 {
		return 0, false
	}
	v, err := strconv.ParseFloat(string(w), 64)
	if err != nil {
		v, err = strconv.ParseFloat(string(bytes.ReplaceAll(w, []byte("--"), []byte("-"))), 64)
	}
	return v, err == nil && v < 1e9 && v > -1e9
}

// unescapeName decodes #xx.
func unescapeName(w []byte) []byte {
	if bytes.IndexByte(w, '#') < 0 {
		return w
	}
	var out []byte
	for i := 0; i < len(w); i++ {
		if w[i] == '#' && i+2 < len(w) {
			if v, err := strconv.ParseUint(string(w[i+1:i+3]), 16, 8); err == nil {
				out = append(out, byte(v))
				i += 2
				continue
			}
		}
		out = append(out, w[i])
	}
	return out
}

// hex reads <…>; an odd digit at the end counts as if a 0 followed.
func (l *lexer) hex() []byte {
	l.at++
	var out []byte
	digits, v := 0, byte(0)
	for ; l.at < len(l.in) && l.in[l.at] != '>'; l.at++ {
		d, ok := hexDigit(l.in[l.at])
		if !ok {
			continue
		}
		v = v<<4 | d
		if digits++; digits%2 == 0 {
			out = append(out, v)
		}
	}
	l.at++
	if digits%2 == 1 {
		out = append(out, v<<4)
	}
	return out
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// escapes are what stands behind a backslash in a string.
var escapes = map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'f': '\f'}

// literal reads (…), with the parentheses in it and what is escaped.
func (l *lexer) literal() []byte {
	var out []byte
	depth := 0
	for ; l.at < len(l.in); l.at++ {
		switch c := l.in[l.at]; c {
		case '\\':
			out = l.escaped(out)
		case '(':
			if depth++; depth > 1 {
				out = append(out, c)
			}
		case ')':
			if depth--; depth == 0 {
				l.at++
				return out
			}
			out = append(out, c)
		default:
			out = append(out, c)
		}
	}
	return out
}

// escaped reads what a backslash begins and stays on its last byte.
func (l *lexer) escaped(out []byte) []byte {
	if l.at++; l.at >= len(l.in) {
		return out
	}
	c := l.in[l.at]
	switch {
	case '0' <= c && c <= '7':
		v := 0
		for n := 0; n < 3 && l.at < len(l.in) && '0' <= l.in[l.at] && l.in[l.at] <= '7'; n++ {
			v = v<<3 | int(l.in[l.at]-'0')
			l.at++
		}
		l.at--
		return append(out, byte(v))
	case c == '\r':
		if l.at+1 < len(l.in) && l.in[l.at+1] == '\n' {
			l.at++
		}
		return out
	case c == '\n':
		return out
	}
	if e, ok := escapes[c]; ok {
		c = e
	}
	return append(out, c)
}

// passImage passes a picture that stands within a stream: behind ID anything may
// stand until EI between spaces.
func (l *lexer) passImage() {
	for l.at < len(l.in) {
		i := bytes.Index(l.in[l.at:], []byte("EI"))
		if i < 0 {
			l.at = len(l.in)
			return
		}
		from := l.at + i
		l.at = from + 2
		if from > 0 && isSpace(l.in[from-1]) && (l.at >= len(l.in) || isSpace(l.in[l.at])) {
			return
		}
	}
}
