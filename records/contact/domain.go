package contact

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// The lengths of RFC 1035.
const (
	maxLabel  = 63
	maxDomain = 253
)

// names maps what people type to what stands in the DNS. It is the lookup
// profile without its strictness: an underscore or an odd hyphen does not
// make somebody's mail unreadable.
var names = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false), idna.BidiRule())

// NormalDomain brings a mail domain to its one normal form: lower case, the
// labels in ASCII, no final dot. A leading @ is read over. It refuses what
// cannot be a domain, address literals among it.
func NormalDomain(s string) (string, error) {
	if len(s) > maxRead {
		return "", fmt.Errorf("read domain %q: %w", Clip(s), errLong)
	}
	d, err := normalDomain(strings.TrimPrefix(strings.TrimSpace(s), "@"))
	if err != nil {
		return "", fmt.Errorf("read domain %q: %w", Clip(s), err)
	}
	return d, nil
}

// mailDomain is normalDomain that also accepts address literals.
func mailDomain(s string) (string, error) {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "[") {
		return literal(s)
	}
	return normalDomain(s)
}

func normalDomain(s string) (string, error) {
	s = strings.TrimSuffix(s, ".")
	switch {
	case s == "":
		return "", errNoDomain
	case strings.ContainsAny(s, " \t\r\n"):
		return "", errSpace
	case !ascii(s):
		mapped, err := names.ToASCII(s)
		if err != nil {
			return "", fmt.Errorf("its domain is not a valid name (%w)", err)
		}
		s = strings.TrimSuffix(mapped, ".")
	}
	switch {
	case !plainDomain(s):
		return "", domainFault(s)
	case len(s) > maxDomain:
		return "", errLong
	}
	return strings.ToLower(s), nil
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// domainFault says why plainDomain refused s.
func domainFault(s string) error {
	for _, r := range s {
		switch {
		case r < ' ' || r == 0x7f:
			return errControl
		case r == ',' || r == ';' || r == '<':
			return errSeveral
		case r != '.' && class[byte(r)]&inDomain == 0:
			return fmt.Errorf("%q cannot stand in a domain", r)
		}
	}
	if strings.HasPrefix(s, ".") || strings.Contains(s, "..") {
		return errors.New("its domain has an empty part between dots")
	}
	return fmt.Errorf("a part of its domain is longer than %d bytes", maxLabel)
}

// literal brings an address literal, [192.0.2.1] or [IPv6:2001:db8::1], to
// lower case. It checks the alphabet, not the number: such a domain is only
// ever compared.
func literal(s string) (string, error) {
	s = strings.ToLower(s)
	inner := strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	bad := errors.New("its address literal is not [IPv4] or [IPv6:…]")
	if len(s) != len(inner)+2 || len(inner) > maxLabel {
		return "", bad
	}
	digits, six := strings.CutPrefix(inner, "ipv6:")
	allowed, sep := "0123456789.", "."
	if six || strings.Contains(inner, ":") {
		allowed, sep = "0123456789abcdef:.", ":"
	}
	if strings.Trim(digits, allowed) != "" || strings.Count(digits, sep) < 2 {
		return "", bad
	}
	for _, c := range digits {
		if !strings.ContainsRune(allowed, c) {
			return "", bad
		}
	}
	if sep == ":" {
		return "[ipv6:" + digits + "]", nil
	}
	return "[" + digits + "]", nil
}

// Registrable returns the registrable domain (eTLD+1) of a domain by the
// public suffix list, "" for a public suffix itself, for a single label and
// for an address literal.
func Registrable(domain string) string {
	if domain == "" || domain[0] == '[' || strings.Contains(domain, "..") {
		return ""
	}
	d, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil {
		return ""
	}
	return d
}
