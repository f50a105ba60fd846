package matcher

import (
	"slices"
	"strings"

	"rapport/records/contact"
	"rapport/records/phrase"
)

// sides tells ours from theirs and finds exclusions: the rules, made ready for
// many questions.
type sides struct {
	team     contact.Team
	members  map[contact.Address]bool // folded
	log      map[contact.Address]bool // folded
	freemail map[string]bool
	excluded []Exclusion
}

func newSides(r Rules) sides {
	s := sides{
		team:     contact.Team{Domains: normals(r.Team.Domains)},
		members:  make(map[contact.Address]bool),
		log:      make(map[contact.Address]bool),
		freemail: make(map[string]bool),
	}
	for _, m := range r.Team.Members {
		for _, a := range m.Addresses {
			s.members[a.Folded()] = true
		}
	}
	for _, a := range r.LogAddress {
		s.log[a.Folded()] = true
	}
	for _, d := range normals(r.Freemail) {
		s.freemail[d] = true
	}
	for _, e := range r.Exclusions {
		e.Domain = normal(e.Domain)
		e.Pattern = strings.ToLower(e.Pattern)
		s.excluded = append(s.excluded, e)
	}
	return s
}

func normals(list []string) []string {
	out := make([]string, 0, len(list))
	for _, d := range list {
		out = append(out, normal(d))
	}
	return out
}

// normal returns a domain in normal form; one that has none equals nothing
// but itself.
func normal(domain string) string {
	if d, err := contact.NormalDomain(domain); err == nil {
		return d
	}
	return strings.ToLower(domain)
}

// ours reports whether the address is of our side. Log addresses are: whoever
// writes to one writes to us.
func (s sides) ours(a contact.Address) bool {
	return a != "" && (s.members[a.Folded()] || s.team.Has(a) || s.isLog(a))
}

func (s sides) isLog(a contact.Address) bool { return a != "" && s.log[a.Folded()] }

func (s sides) isFreemail(domain string) bool {
	return s.freemail[domain] || contact.Freemail(domain)
}

// exclusion returns the exclusion that holds for an address, one that blocks
// before one that protects.
func (s sides) exclusion(a contact.Address) (Exclusion, bool) {
	var found Exclusion
	ok := false
	for _, e := range s.excluded {
		switch {
		case !e.holds(a):
		case e.Mode != Protected:
			return e, true
		case !ok:
			found, ok = e, true
		}
	}
	return found, ok
}

// holds reports whether e names the address. An empty field names nobody; an
// address with a plus-tag names only itself.
func (e Exclusion) holds(a contact.Address) bool {
	return a != "" && (e.Address != "" && (e.Address == a || e.Address.Folded() == a.Folded() && !tagged(e.Address)) ||
		e.Domain != "" && contact.Within(a.Domain(), e.Domain) ||
		e.Pattern != "" && glob(e.Pattern, string(a)))
}

// Excludes reports whether an exclusion holds for an address, whatever its mode.
func (r Rules) Excludes(a contact.Address) bool {
	return slices.ContainsFunc(r.Exclusions, func(e Exclusion) bool { return e.holds(a) })
}

func tagged(a contact.Address) bool { return strings.IndexByte(a.Local(), '+') > 0 }

// String names what e excludes, as it stands in the configuration.
func (e Exclusion) String() string { return e.phrase().String() }

func (e Exclusion) phrase() phrase.Phrase {
	switch {
	case e.Address != "":
		return phrase.New("address {address}", "address", e.Address)
	case e.Domain != "":
		return phrase.New("domain {domain}", "domain", e.Domain)
	}
	return phrase.New("pattern {pattern}", "pattern", e.Pattern)
}

// glob reports whether all of s is what pattern says, * standing for any run
// of characters. It takes at most len(pattern)·len(s) steps.
func glob(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p, i = p+1, i+1
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
