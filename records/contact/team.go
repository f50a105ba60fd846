package contact

import "strings"

// Primary returns the address to write to, "" where there is none.
func (c Contact) Primary() Address {
	if len(c.Addresses) == 0 {
		return ""
	}
	return c.Addresses[0]
}

// Primary returns the address that names the member elsewhere, "" where there
// is none.
func (m Member) Primary() Address {
	if len(m.Addresses) == 0 {
		return ""
	}
	return m.Addresses[0]
}

// Has reports whether the address is of our side: at one of our domains or
// their subdomains, or a member's, plus-tags and the like folded. No address
// is nobody's.
func (t Team) Has(a Address) bool {
	if a == "" {
		return false
	}
	if t.hasDomain(a.Domain()) {
		return true
	}
	_, ok := t.Member(a)
	return ok
}

func (t Team) hasDomain(domain string) bool {
	for _, d := range t.Domains {
		if Within(domain, d) {
			return true
		}
	}
	return false
}

// Within reports whether the domain is parent itself or a subdomain of it.
// Nothing lies within the empty domain.
func Within(domain, parent string) bool {
	rest, ok := strings.CutSuffix(domain, parent)
	return ok && parent != "" && (rest == "" || rest[len(rest)-1] == '.')
}

// Member returns the member whose address it is: by the exact address, else
// with plus-tags and the like folded.
func (t Team) Member(a Address) (Member, bool) {
	if a == "" {
		return Member{}, false
	}
	for _, m := range t.Members {
		for _, b := range m.Addresses {
			if a == b {
				return m, true
			}
		}
	}
	folded := a.Folded()
	for _, m := range t.Members {
		for _, b := range m.Addresses {
			if b.Folded() == folded {
				return m, true
			}
		}
	}
	return Member{}, false
}
