package message

import (
	"strings"
)

// mediaType is a Content-Type or Content-Disposition, read leniently.
type mediaType struct {
	value  string // lower case, without parameters
	params []param
}

type param struct{ key, value string }

// get returns the named parameter, "" where it is missing.
func (m mediaType) get(key string) string {
	for _, p := range m.params {
		if p.key == key {
			return p.value
		}
	}
	return ""
}

// maxParams bounds the parameters read of one field.
const maxParams = 64

// parseMediaType reads a media type with its parameters: unquoted values with
// any characters, missing semicolons' worth of blanks, comments, and the
// continuations and charsets of RFC 2231.
func parseMediaType(s, hint string) mediaType {
	s = strings.TrimSpace(s)
	n := strings.IndexAny(s, "; \t,(")
	if n < 0 {
		n = len(s)
	} else if s[n] == '(' || s[n] == ' ' || s[n] == '\t' || s[n-min(n, 1)] == '/' {
		s, n = joinType(s)
	}
	m := mediaType{value: strings.ToLower(cleanText(guessText(strings.Trim(s[:n], "\"'"), "")))}
	var extended []param
	for rest := s[n:]; rest != "" && len(m.params)+len(extended) < maxParams; {
		rest = strings.TrimLeft(rest, "; \t,\r\n")
		if strings.HasPrefix(rest, "(") {
			rest = skipComment(rest)
			continue
		}
		eq := strings.IndexAny(rest, "=;")
		if eq < 0 {
			break
		}
		if rest[eq] == ';' {
			rest = rest[eq:]
			continue
		}
		key := strings.ToLower(strings.TrimSpace(rest[:eq]))
		if i := strings.LastIndexAny(key, " \t"); i >= 0 {
			key = key[i+1:] // words between parameters
		}
		var value string
		value, rest = paramValue(strings.TrimLeft(rest[eq+1:], " \t"))
		if strings.Contains(key, "*") {
			extended = append(extended, param{key, value})
		} else if m.get(key) == "" {
			m.params = append(m.params, param{key, value})
		}
	}
	m.extend(extended, hint)
	return m
}

// joinType removes the comments and the blanks around the slash that may
// stand before a type's first parameter; it returns where the type ends.
func joinType(s string) (string, int) {
	value, params, found := strings.Cut(s, ";")
	bare, _ := cutComments(value)
	if a, b, ok := strings.Cut(bare, "/"); ok {
		bare = strings.TrimSpace(a) + "/" + strings.TrimSpace(b)
	}
	bare = strings.TrimSpace(bare)
	if found {
		params = ";" + params
	}
	if i := strings.IndexAny(bare, " \t"); i > 0 { // text/plain charset=utf-8
		params, bare = ";"+bare[i:]+params, bare[:i]
	}
	return bare + params, len(bare)
}

// paramValue reads one value and returns what follows it. A quote that is
// never closed counts as none.
func paramValue(s string) (value, rest string) {
	if strings.HasPrefix(s, `"`) {
		var b strings.Builder
		for i := 1; i < len(s); i++ {
			switch {
			case s[i] == '"':
				return b.String(), s[i+1:]
			case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
				i++ // other backslashes are parts of Windows paths
				b.WriteByte(s[i])
			default:
				b.WriteByte(s[i])
			}
		}
		s = s[1:]
	}
	n := strings.IndexByte(s, ';')
	if n < 0 {
		n = len(s)
	}
	value, rest = strings.TrimSpace(s[:n]), s[n:]
	// `charset=utf-8 name=x`: a blank ends the value where another key follows.
	if i := strings.IndexAny(value, " \t"); i > 0 && !strings.HasPrefix(value, "=?") {
		if next := strings.TrimLeft(value[i:], " \t"); isKeyValue(next) {
			return value[:i], next + rest
		}
	}
	if i := strings.Index(value, " ("); i > 0 && strings.HasSuffix(value, ")") {
		value = strings.TrimSpace(value[:i])
	}
	return value, rest
}

// isKeyValue reports whether s begins like name=.
func isKeyValue(s string) bool {
	for i := 0; i < len(s) && i < 40; i++ {
		switch c := s[i] | 0x20; {
		case s[i] == '=' && i > 0:
			return true
		case c >= 'a' && c <= 'z', s[i] == '-', s[i] == '*', s[i] >= '0' && s[i] <= '9':
		default:
			return false
		}
	}
	return false
}

// skipComment returns what follows the comment s begins with.
func skipComment(s string) string {
	if n := commentEnd(s); n >= 0 {
		return s[n:]
	}
	return ""
}

// commentEnd returns where the comment s begins with ends, -1 if it does not.
func commentEnd(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// extend joins the parameters of RFC 2231: name*=, name*0=, name*0*= …
// They replace a plain parameter of the same name.
func (m *mediaType) extend(extended []param, hint string) {
	for len(extended) > 0 {
		base, _, _ := strings.Cut(extended[0].key, "*")
		var pieces [maxParams]string
		var coded [maxParams]bool
		left := extended[:0]
		for _, p := range extended {
			name, index, _ := strings.Cut(p.key, "*")
			if name != base {
				left = append(left, p)
				continue
			}
			index, star := strings.CutSuffix(index, "*")
			i, ok := number(index)
			star = star || index == ""
			if (ok || index == "") && i < maxParams && pieces[i] == "" {
				pieces[i], coded[i] = p.value, star
			}
		}
		extended = left
		m.set(base, join2231(pieces[:], coded[:], hint))
	}
}

func (m *mediaType) set(key, value string) {
	for i := range m.params {
		if m.params[i].key == key {
			m.params[i].value = value
			return
		}
	}
	m.params = append(m.params, param{key, value})
}

// join2231 decodes the pieces of one parameter together.
func join2231(pieces []string, coded []bool, hint string) string {
	charset := ""
	var raw []byte
	for i, p := range pieces {
		if !coded[i] {
			raw = append(raw, p...)
			continue
		}
		if i == 0 {
			if parts := strings.SplitN(p, "'", 3); len(parts) == 3 {
				charset, p = parts[0], parts[2]
			}
		} else if charset != "" {
			p = strings.TrimPrefix(p, charset+"'") // which some writers repeat
		}
		for k := 0; k < len(p); k++ {
			if p[k] == '%' && k+2 < len(p) && isHex(p[k+1]) && isHex(p[k+2]) {
				raw = append(raw, unhex(p[k+1])<<4|unhex(p[k+2]))
				k += 2
			} else {
				raw = append(raw, p[k])
			}
		}
	}
	if charset == "" {
		return guessText(string(raw), hint)
	}
	return toUTF8(charset, raw)
}

// maxName bounds an attachment's name, in bytes.
const maxName = 255

// fileName makes a name from outside fit to be shown and saved: one path
// element without control or direction characters, "" where nothing is left.
func fileName(s, hint string) string {
	s = headerText(s, hint)
	if i := strings.LastIndexAny(s, `/\`); i >= 0 {
		s = s[i+1:]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r < ' ', r == 0x7f, r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x2069, r == 0xfeff:
			return -1
		case strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		}
		return r
	}, s)
	s = strings.Trim(s, " .")
	if base, _, _ := strings.Cut(s, "."); reserved[strings.ToUpper(base)] {
		s = "_" + s
	}
	if len(s) > maxName {
		ext := ""
		if i := strings.LastIndexByte(s, '.'); i > 0 && len(s)-i <= 16 {
			ext = s[i:]
		}
		s = strings.ToValidUTF8(s[:maxName-len(ext)], "") + ext
	}
	return s
}

// reserved are names that Windows takes for devices.
var reserved = map[string]bool{
	"CON": true, "PRN": true, "AUX": true, "NUL": true,
	"COM1": true, "COM2": true, "COM3": true, "COM4": true, "COM5": true, "COM6": true, "COM7": true, "COM8": true, "COM9": true,
	"LPT1": true, "LPT2": true, "LPT3": true, "LPT4": true, "LPT5": true, "LPT6": true, "LPT7": true, "LPT8": true, "LPT9": true,
}
