package message

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// unfold returns a field's value as one line, without the white space around it.
func unfold(v []byte) string {
	v = bytes.TrimSpace(v)
	if bytes.IndexByte(v, '\n') < 0 && bytes.IndexByte(v, '\r') < 0 && bytes.IndexByte(v, 0) < 0 {
		return string(v)
	}
	var b strings.Builder
	b.Grow(len(v))
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == 0:
		case c == '\n' || c == '\r':
			if i+1 < len(v) && !isSpace(v[i+1]) {
				b.WriteByte(' ') // a bare CR, or a fold whose white space was lost
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// headerText decodes an unstructured value (RFC 2047) to clean text on one
// line. Bytes that are no UTF-8 are read in the hinted charset, or guessed.
func headerText(s, hint string) string {
	if plainASCII(s) && !strings.Contains(s, "=?") {
		return squeeze(s)
	}
	return squeeze(cleanText(decodeWords(s, hint)))
}

// plainASCII reports whether s is printable ASCII, tabs included.
func plainASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 0x7f || (c < ' ' && c != '\t') {
			return false
		}
	}
	return true
}

// squeeze turns every run of white space into one space and trims the ends.
func squeeze(s string) string {
	clean, space := true, true
	for i := 0; i < len(s) && clean; i++ {
		isBlank := s[i] == ' '
		clean = s[i] > ' ' && s[i] < 0x80 || isBlank && !space
		space = isBlank
	}
	if clean && !space {
		return s
	}
	return strings.Join(strings.Fields(s), " ")
}

// word is one encoded word as it stands.
type word struct {
	charset string
	bytes   []byte
	end     int // index after it
}

// decodeWords replaces the encoded words in s. White space between two of them
// vanishes, and neighbours of one charset are decoded together, because some
// writers split a character over two words.
func decodeWords(s, hint string) string {
	var b strings.Builder
	b.Grow(len(s))
	flushRaw := func(raw string) {
		if raw != "" {
			b.WriteString(guessText(raw, hint))
		}
	}
	rest := 0
	for i := 0; i < len(s); {
		j := strings.Index(s[i:], "=?")
		if j < 0 {
			break
		}
		i += j
		w, ok := readWord(s, i)
		if !ok {
			i += 2
			continue
		}
		flushRaw(s[rest:i])
		if i > 0 && (s[i-1] == ']' || s[i-1] == ':') {
			b.WriteByte(' ') // a gateway's mark or a prefix, put before a subject without a blank
		}
		i = w.end
		for {
			next := i
			for next < len(s) && isSpace(s[next]) {
				next++
			}
			n, ok := readWord(s, next)
			if !ok {
				break
			}
			if strings.EqualFold(n.charset, w.charset) {
				w.bytes = append(w.bytes, n.bytes...)
			} else {
				b.WriteString(toUTF8(w.charset, w.bytes))
				w = n
			}
			i = n.end
		}
		b.WriteString(toUTF8(w.charset, w.bytes))
		rest = i
	}
	flushRaw(s[rest:])
	return b.String()
}

// readWord reads the encoded word at s[i:]. It forgives blanks inside, a
// missing end and padding, and a language after the charset (RFC 2231).
func readWord(s string, i int) (word, bool) {
	if !strings.HasPrefix(s[min(i, len(s)):], "=?") {
		return word{}, false
	}
	s = s[:min(len(s), i+8<<10)] // no honest word is longer; keeps the search linear
	q := strings.IndexByte(s[i+2:min(len(s), i+2+64)], '?')
	if q <= 0 || i+2+q+3 > len(s) || s[i+2+q+2] != '?' {
		return word{}, false
	}
	charset, enc, at := s[i+2:i+2+q], s[i+2+q+1]|0x20, i+2+q+3
	if strings.ContainsAny(charset, " \t\"<>@,=") || (enc != 'q' && enc != 'b') {
		return word{}, false
	}
	charset, _, _ = strings.Cut(charset, "*")
	text, end := s[at:], len(s)
	if e := strings.Index(text, "?="); e >= 0 {
		// In the Q encoding "?=" may also be a literal ? before an escape.
		for enc == 'q' && e+4 <= len(text) && isHex(text[e+2]) && isHex(text[e+3]) {
			n := strings.Index(text[e+2:], "?=")
			if n < 0 || strings.Contains(text[e+2:e+2+n], "=?") {
				break
			}
			e += 2 + n
		}
		text, end = text[:e], at+e+2
	} else if e := strings.IndexAny(text, " \t"); e >= 0 {
		text, end = text[:e], at+e
	}
	w := word{charset: charset, end: end}
	if enc == 'b' {
		var d base64Decoder
		w.bytes = d.decode(nil, []byte(text))
		w.bytes = d.finish(w.bytes)
	} else {
		w.bytes = decodeQ(text)
	}
	return w, true
}

// decodeQ decodes the Q encoding; what is no escape stays.
func decodeQ(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '_':
			out = append(out, ' ')
		case c == '=' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			out = append(out, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		default:
			out = append(out, c)
		}
	}
	return out
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}

// cleanText returns s as valid UTF-8 without NUL and other control characters;
// tabs and line feeds stay, other line ends become line feeds.
func cleanText(s string) string {
	if isClean(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	from := 0 // what stands from here to i is copied as it is
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		if keeps(r, n) {
			i += n
			continue
		}
		b.WriteString(s[from:i])
		switch {
		case r == '\r':
			if i+1 >= len(s) || s[i+1] != '\n' {
				b.WriteByte('\n')
			}
		case r == '\f', r == '\v', r == 0x85, r == 0x2028, r == 0x2029:
			b.WriteByte('\n')
		case r == utf8.RuneError:
			b.WriteRune(utf8.RuneError)
		}
		i += n
		from = i
	}
	b.WriteString(s[from:])
	return b.String()
}

// keeps reports whether cleanText leaves a character of n bytes as it is.
func keeps(r rune, n int) bool {
	switch {
	case r < 0x7f:
		return r >= ' ' || r == '\t' || r == '\n'
	case r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff:
		return false
	}
	return r != utf8.RuneError || n > 1
}

// isClean reports whether cleanText would change nothing, and may say no
// where it would change nothing.
func isClean(s string) bool {
	ascii := true
	for i := 0; i < len(s); i++ {
		switch suspect[s[i]] {
		case 2:
			return false
		case 1:
			ascii = false
		}
	}
	return ascii || utf8.ValidString(s)
}

// suspect tells bytes that cleanText may change (2) and others that are no
// ASCII (1). The lead bytes of C1 controls, U+2028 and U+FEFF need a closer
// look.
var suspect = func() (t [256]byte) {
	for c := range t {
		switch {
		case c < ' ' && c != '\t' && c != '\n', c == 0x7f, c == 0xc2, c == 0xe2, c == 0xef:
			t[c] = 2
		case c >= utf8.RuneSelf:
			t[c] = 1
		}
	}
	return t
}()
