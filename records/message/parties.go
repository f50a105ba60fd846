package message

import (
	"strings"

	"rapport/records/contact"
)

// maxParties bounds the addresses read of one field of one message.
const maxParties = 2000

// parseParties reads an address list leniently: groups, comments, encoded
// words also inside quotes, semicolons for commas, missing brackets. Among
// several <...> in one element the last is the address.
func parseParties(s, hint string) []Party {
	var out []Party
	for rest := s; rest != "" && len(out) < maxParties; {
		var element string
		element, rest = nextElement(rest)
		out = appendParty(out, element, hint)
	}
	return out
}

// nextElement cuts the first element off an address list. A group's name is
// dropped with its colon.
func nextElement(s string) (element, rest string) {
	start, angle, seen, unclosed := 0, false, false, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			if n := closingQuote(s[i+1:]); n >= 0 {
				i += n + 1
			}
		case '(':
			if !angle && unclosed < 8 {
				if n := commentEnd(s[i:min(len(s), i+1024)]); n > 0 {
					i += n - 1
				} else {
					unclosed++ // an ordinary character; the count keeps the search linear
				}
			}
		case '<':
			angle, seen = strings.IndexByte(s[i:min(len(s), i+1024)], '>') > 0, true
		case '>':
			angle = false
		case '@':
			seen = true
		case ':':
			if !angle && !seen && !strings.EqualFold(strings.TrimSpace(s[start:i]), "mailto") {
				start = i + 1
			}
		case ',', ';':
			if !angle {
				return s[start:i], s[i+1:]
			}
		}
	}
	return s[start:], ""
}

// closingQuote returns the index of the quote that ends a quoted string, -1
// where it does not end soon: such a quote is an ordinary character.
func closingQuote(s string) int {
	for i := 0; i < len(s) && i < 2048; i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// appendParty reads one element of an address list.
func appendParty(list []Party, element, hint string) []Party {
	element = strings.TrimSpace(element)
	if element == "" || element == "<>" {
		return list
	}
	name, spec := splitElement(element)
	if a, ok := readAddress(spec); ok {
		return append(list, Party{Name: partyName(name, hint), Address: a})
	}
	if strings.Contains(element, "=?") { // the whole element is one encoded word
		decoded := headerText(element, hint)
		n, sp := splitElement(decoded)
		if a, ok := readAddress(sp); ok {
			return append(list, Party{Name: partyName(n, hint), Address: a})
		}
	}
	raw := headerText(element, hint)
	if len(raw) > 500 {
		raw = strings.ToValidUTF8(raw[:500], "")
	}
	if raw == "" {
		return list
	}
	return append(list, Party{Name: partyName(name, hint), Raw: raw})
}

// splitElement tells the display name from the address of one element.
func splitElement(s string) (name, spec string) {
	if i := strings.LastIndexByte(s, '<'); i >= 0 {
		spec, after := s[i+1:], ""
		if j := strings.IndexByte(spec, '>'); j >= 0 {
			spec, after = spec[:j], strings.TrimSpace(spec[j+1:])
		}
		if name = strings.TrimSpace(s[:i]); strings.Contains(spec, "@") || !strings.Contains(name, "@") {
			if name == "" { // <ada@example.com> (Ada)
				name = strings.TrimSuffix(strings.TrimPrefix(after, "("), ")")
			}
			return name, spec
		}
		// <Ada> ada@example.com, or name@domain <> : the address stands outside.
		return "", strings.TrimSpace(strings.NewReplacer("<", " ", ">", " ").Replace(name))
	}
	bare, comment := cutComments(s)
	bare = strings.TrimSpace(bare)
	if !strings.ContainsAny(bare, " \t") || strings.HasPrefix(bare, `"`) && strings.Contains(bare, `"@`) {
		return comment, bare
	}
	if tight := dotBlanks.Replace(squeeze(bare)); !strings.ContainsAny(tight, " \t") {
		return comment, tight // ada @ example . com
	}
	// Ada Byron ada@example.com, "Ada" ada@example.com, [mailto:ada@example.com]
	fields := strings.Fields(bare)
	for i := len(fields) - 1; i >= 0; i-- {
		if at := strings.IndexByte(fields[i], '@'); at > 0 && at < len(fields[i])-1 {
			return strings.Join(append(fields[:i:i], fields[i+1:]...), " "), fields[i]
		}
	}
	return comment, strings.Join(fields, "") // ada @ example.com
}

// dotBlanks removes the blanks old writers put around dots and at signs.
var dotBlanks = strings.NewReplacer(" . ", ".", " @ ", "@", " .", ".", ". ", ".", " @", "@", "@ ", "@")

// cutComments removes the comments of s and returns the last one's text.
func cutComments(s string) (bare, comment string) {
	if !strings.Contains(s, "(") {
		return s, ""
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		switch s[i] {
		case '"':
			n := closingQuote(s[i+1:])
			b.WriteString(s[i : i+max(n+2, 1)])
			i += max(n+2, 1)
		case '(':
			after := skipComment(s[i:])
			end := len(s) - len(after)
			comment = strings.TrimSuffix(strings.TrimPrefix(s[i:end], "("), ")")
			b.WriteByte(' ')
			i = end
		default:
			b.WriteByte(s[i])
			i++
		}
	}
	return b.String(), comment
}

// readAddress reads a bare address, without the wrapping some writers add.
func readAddress(s string) (contact.Address, bool) {
	s = strings.Trim(s, " \t\r\n<>'[],;`")
	if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
		s, _, _ = strings.Cut(s[7:], "?")
	}
	if strings.HasPrefix(s, "@") { // a source route: @relay,@relay:ada@example.com
		if i := strings.IndexByte(s, ':'); i > 0 {
			s = s[i+1:]
		}
	}
	if i := strings.IndexByte(s, '('); i >= 0 {
		s, _ = cutComments(s)
	}
	if !strings.Contains(s, "@") || len(s) > 1000 {
		return "", false
	}
	if strings.ContainsAny(s, " \t") && !strings.Contains(s, `"`) {
		s = strings.Join(strings.Fields(s), "")
	}
	if !isASCII(s) {
		s = cleanText(guessText(s, ""))
	}
	a, err := contact.ParseAddress(s)
	if err != nil && strings.HasSuffix(s, ".") {
		a, err = contact.ParseAddress(strings.TrimRight(s, "."))
	}
	return a, err == nil && a != ""
}

// partyName makes a display name readable: quotes and escapes off, encoded
// words decoded, also inside quotes.
func partyName(s, hint string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	if strings.ContainsAny(s, `"\`) {
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			switch {
			case s[i] == '\\' && i+1 < len(s):
				i++
				b.WriteByte(s[i])
			case s[i] != '"':
				b.WriteByte(s[i])
			}
		}
		s = b.String()
	}
	s = headerText(s, hint)
	if n := len(s); n >= 2 && (s[0] == '\'' && s[n-1] == '\'' || s[0] == '"' && s[n-1] == '"') {
		s = strings.TrimSpace(s[1 : n-1])
	}
	if len(s) > 500 {
		s = strings.ToValidUTF8(s[:500], "")
	}
	return s
}
