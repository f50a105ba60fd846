package contact

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Address is a mail address in its one normal form: local@domain, lower case,
// the domain in A-labels. Only [ParseAddress] makes one.
//
// The local part is quoted only where it holds characters that need it, so
// "ada"@example.org and ada@example.org are the same Address.
type Address string

// The lengths of RFC 5321: of a local part, and of a path without its brackets.
const (
	maxLocal   = 64
	maxAddress = 254
)

// maxRead bounds what is looked at for one address, display name included.
const maxRead = 4096

// What ParseAddress refuses, apart from faults of the domain.
var (
	errEmpty     = errors.New("it is empty")
	errLong      = errors.New("it is too long")
	errNoAt      = errors.New("there is no @ between a local part and a domain")
	errNoLocal   = errors.New("nothing stands before the @")
	errNoDomain  = errors.New("nothing stands after the @")
	errSeveral   = errors.New("it holds more than one address")
	errControl   = errors.New("it holds a control or invisible character")
	errSpace     = errors.New("it holds a space")
	errUTF8      = errors.New("it is not valid UTF-8")
	errQuote     = errors.New("the quotes in it do not close")
	errLocalLong = fmt.Errorf("its local part is longer than %d bytes", maxLocal)
)

// ParseAddress reads one address, bare or with a display name, as leniently as
// is safe: comments, routes, missing closing brackets, quotes around the whole
// and a trailing dot are read over. It refuses spaces and control characters
// in the address itself, missing parts, and lengths no server accepts. The
// display name is never looked at for an address when brackets hold one.
func ParseAddress(s string) (Address, error) {
	if plain(s) {
		return Address(strings.ToLower(s)), nil
	}
	a, err := readAddress(s)
	if err != nil {
		return "", fmt.Errorf("read address %q: %w", Clip(s), err)
	}
	return a, nil
}

// Clip shortens foreign text for an error.
func Clip(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	n := most
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// The classes of ASCII characters.
const (
	inLocal  = 1 << iota // atext of RFC 5322 and the dot
	inDomain             // letters, digits, - and, because mail has it, _
)

// class is indexed by byte.
var class = func() (t [256]byte) {
	for c := byte('a'); c <= 'z'; c++ {
		t[c] = inLocal | inDomain
		t[c-'a'+'A'] = inLocal | inDomain
	}
	for c := byte('0'); c <= '9'; c++ {
		t[c] = inLocal | inDomain
	}
	for _, c := range []byte("!#$%&*+/=?^`{|}~.'") {
		t[c] = inLocal
	}
	t['-'] |= inLocal | inDomain
	t['_'] |= inLocal | inDomain
	return t
}()

// plain reports whether s is an address that needs lower case at most: nearly
// all are, and they take one pass.
func plain(s string) bool {
	at := strings.IndexByte(s, '@')
	if at <= 0 || at > maxLocal || len(s) > maxAddress || s[0] == '\'' {
		return false
	}
	for i := range at {
		if class[s[i]]&inLocal == 0 {
			return false
		}
	}
	return plainDomain(s[at+1:])
}

// plainDomain reports whether s is labels of letters, digits, - and _.
func plainDomain(s string) bool {
	label := 0
	for i := range len(s) {
		switch {
		case class[s[i]]&inDomain != 0:
			label++
		case s[i] == '.' && label > 0:
			label = 0
		default:
			return false
		}
		if label > maxLabel {
			return false
		}
	}
	return label > 0
}

func readAddress(s string) (Address, error) {
	switch {
	case len(s) > maxRead:
		return "", errLong
	case !utf8.ValidString(s):
		return "", errUTF8
	}
	spec, err := addrSpec(strings.TrimSpace(s))
	if err != nil {
		return "", err
	}
	if spec == "" {
		return "", errEmpty
	}
	at := strings.LastIndexByte(spec, '@')
	if at < 0 {
		return "", errNoAt
	}
	local, err := normalLocal(spec[:at])
	if err != nil {
		return "", err
	}
	domain, err := mailDomain(spec[at+1:])
	if err != nil {
		return "", err
	}
	if len(local)+1+len(domain) > maxAddress {
		return "", errLong
	}
	return Address(local + "@" + domain), nil
}

// addrSpec cuts the address itself out of s: what stands in angle brackets, or
// all of it, without comments.
func addrSpec(s string) (string, error) {
	spec, rest, angle := uncomment(s)
	if angle {
		var after string
		spec, after = bracketed(rest)
		spec = strings.TrimSpace(spec)
		if after, _, more := uncomment(after); more || strings.ContainsAny(after, "@,") {
			return "", errSeveral
		}
		if i := strings.LastIndexByte(spec, ':'); strings.HasPrefix(spec, "@") && i > 0 && !strings.Contains(spec, "[") {
			spec = spec[i+1:] // a source route, which RFC 5321 has us ignore
		}
	}
	spec = unwrap(strings.TrimSpace(spec))
	if to, ok := cutPrefixFold(spec, "mailto:"); ok {
		spec, _, _ = strings.Cut(to, "?")
	}
	return spec, nil
}

// uncomment returns s without comments up to its first angle bracket outside
// quotes, and what follows that bracket. Quotes and comments that never close
// are ordinary characters: people do write them.
func uncomment(s string) (before, after string, angle bool) {
	var b strings.Builder
	tries := 16 // so that a run of opening ones takes no quadratic time
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' && tries > 0:
			if end := closing(s, i, '"', '"'); end > 0 {
				b.WriteString(s[i:end])
				i = end
			} else {
				tries--
			}
		case c == '(' && tries > 0:
			if end := closing(s, i, '(', ')'); end > 0 {
				i = end
				continue
			}
			tries--
		case c == '<':
			return b.String(), s[i+1:], true
		}
		b.WriteByte(s[i])
	}
	return b.String(), "", false
}

// bracketed cuts s at its first > outside quotes; without one, all of it is
// before.
func bracketed(s string) (before, after string) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			if end := closing(s, i, '"', '"'); end > 0 {
				i = end
			}
		case '>':
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// closing returns where the quote or comment that opens at i closes, 0 if it
// does not. Comments nest, backslashes escape.
func closing(s string, i int, open, shut byte) int {
	depth := 0
	for j := i; j < len(s); j++ {
		switch c := s[j]; {
		case c == '\\':
			j++
		case c == shut && j > i:
			if depth--; depth == 0 {
				return j
			}
		case c == open:
			depth++
		}
	}
	return 0
}

// unwrap removes quotes around a whole address, as some clients write them:
// 'ada@example.org'.
func unwrap(s string) string {
	for len(s) > 2 && (s[0] == '\'' || s[0] == '"') && s[len(s)-1] == s[0] && strings.IndexByte(s, '@') > 0 {
		if s[0] == '"' && closing(s, 0, '"', '"') != len(s)-1 {
			return s
		}
		s = strings.TrimSpace(s[1 : len(s)-1])
	}
	return s
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// normalLocal brings a local part to its normal form.
func normalLocal(s string) (string, error) {
	if s == "" {
		return "", errNoLocal
	}
	quoted := s[0] == '"'
	if quoted {
		if len(s) < 2 || closing(s, 0, '"', '"') != len(s)-1 {
			return "", errQuote
		}
		s = unescape(s[1 : len(s)-1])
	}
	s = norm.NFC.String(strings.ToLower(s))
	atom := true
	for _, r := range s {
		switch {
		case r == ' ' || unicode.IsSpace(r) && !unicode.IsControl(r):
			return "", errSpace
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError:
			return "", errControl
		case r < utf8.RuneSelf && class[r]&inLocal == 0:
			if !quoted {
				return "", unquoted(r)
			}
			atom = false
		}
	}
	if s == "" {
		return "", errNoLocal
	}
	if !atom {
		s = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
	if len(s) > maxLocal {
		return "", errLocalLong
	}
	return s, nil
}

// unquoted names a character that stands where only quotes would allow it.
func unquoted(r rune) error {
	if r == '@' || r == ',' || r == ';' {
		return errSeveral
	}
	return fmt.Errorf("%q cannot stand in its local part", r)
}

func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// Local returns the part before the last @.
func (a Address) Local() string { return string(a[:max(strings.LastIndexByte(string(a), '@'), 0)]) }

// Domain returns the part after the last @.
func (a Address) Domain() string { return string(a[strings.LastIndexByte(string(a), '@')+1:]) }

// Folded returns the address under which plus-tags and, at gmail.com, dots do
// not count; googlemail.com is gmail.com. It serves matching and suppression,
// never sending. Folding twice is folding once.
func (a Address) Folded() Address {
	at := strings.LastIndexByte(string(a), '@')
	if at <= 0 || a[0] == '"' {
		return a
	}
	local, domain := string(a[:at]), string(a[at+1:])
	if i := strings.IndexByte(local, '+'); i > 0 {
		local = local[:i]
	}
	if domain == "gmail.com" || domain == "googlemail.com" {
		domain = "gmail.com"
		if bare := strings.ReplaceAll(local, ".", ""); bare != "" {
			local = bare
		}
	}
	if len(local) == at && len(domain) == len(a)-at-1 {
		return a
	}
	return Address(local + "@" + domain)
}
