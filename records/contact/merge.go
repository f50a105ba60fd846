package contact

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// MergeContacts returns keep with everything lose adds: addresses, places,
// tags, phones, custom fields, consents. Where both say something, keep wins,
// but customer and partner make both, and notes stand one below the other.
// Neither argument is changed.
func MergeContacts(keep, lose Contact, now time.Time) Contact {
	keep.Name = cmp.Or(keep.Name, lose.Name)
	keep.Addresses = union(keep.Addresses, lose.Addresses)
	places := slices.Clone(keep.Affiliations)
	for _, a := range lose.Affiliations {
		if i := slices.IndexFunc(places, func(b Affiliation) bool { return b.Organisation == a.Organisation }); i >= 0 {
			places[i].Title, places[i].Role = cmp.Or(places[i].Title, a.Title), cmp.Or(places[i].Role, a.Role)
			continue
		}
		places = append(places, a)
	}
	keep.Affiliations = places
	consents := slices.Clone(keep.Consents)
	for _, c := range lose.Consents {
		if !slices.ContainsFunc(consents, c.same) {
			consents = append(consents, c)
		}
	}
	slices.SortStableFunc(consents, func(a, b Consent) int { return a.At.Compare(b.At) })
	keep.Consents = consents
	keep.Created, keep.Updated = earlier(keep.Created, lose.Created), now
	keep.common().absorb(lose.common())
	return keep
}

// MergeOrganisations returns keep with everything lose adds, like
// [MergeContacts]. A domain shared in either is shared.
func MergeOrganisations(keep, lose Organisation, now time.Time) Organisation {
	keep.Name = cmp.Or(keep.Name, lose.Name)
	domains := slices.Clone(keep.Domains)
	for _, d := range lose.Domains {
		if i := slices.IndexFunc(domains, func(e Domain) bool { return e.Name == d.Name }); i >= 0 {
			domains[i].Shared = domains[i].Shared || d.Shared
			continue
		}
		domains = append(domains, d)
	}
	keep.Domains = domains
	keep.Created, keep.Updated = earlier(keep.Created, lose.Created), now
	keep.common().absorb(lose.common())
	return keep
}

// absorb fills what is empty from another record and joins the lists.
func (c common) absorb(d common) {
	*c.kind = joined(*c.kind, *d.kind)
	*c.stage = cmp.Or(*c.stage, *d.stage)
	*c.owner = cmp.Or(*c.owner, *d.owner)
	*c.role = cmp.Or(*c.role, *d.role)
	*c.language = cmp.Or(*c.language, *d.language)
	*c.timeZone = cmp.Or(*c.timeZone, *d.timeZone)
	*c.note = joinNotes(*c.note, *d.note)
	*c.tags = unionFold(*c.tags, *d.tags)
	*c.phones = unionFold(*c.phones, *d.phones)
	if len(*d.custom) > 0 {
		both := maps.Clone(*d.custom)
		maps.Copy(both, *c.custom)
		*c.custom = both
	}
}

func joined(a, b Kind) Kind {
	if a == Customer && b.Is(Partner) || a == Partner && b.Is(Customer) {
		return Both
	}
	return cmp.Or(a, b)
}

func joinNotes(a, b string) string {
	switch {
	case a == "" || strings.Contains(b, a):
		return b
	case b == "" || strings.Contains(a, b):
		return a
	}
	return a + "\n\n" + b
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// union returns a and what b adds, as a slice of its own.
func union[T comparable](a, b []T) []T {
	out := slices.Clone(a)
	for _, x := range b {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

// unionFold is union in which case makes no difference.
func unionFold(a, b []string) []string {
	out := slices.Clone(a)
	for _, x := range b {
		if !slices.ContainsFunc(out, func(y string) bool { return strings.EqualFold(x, y) }) {
			out = append(out, x)
		}
	}
	return out
}

// Affiliated returns c with a place in an organisation. Where it has that
// place, a filled title or role replaces what stood there; it reports whether
// anything changed. Order stays: the first place is the one mail is filed under.
func (c Contact) Affiliated(a Affiliation) (Contact, bool) {
	next := affiliate(c.Affiliations, a)
	changed := !slices.Equal(next, c.Affiliations)
	c.Affiliations = next
	return c, changed
}

func affiliate(list []Affiliation, a Affiliation) []Affiliation {
	out := slices.Clone(list)
	for i := range out {
		if out[i].Organisation == a.Organisation {
			out[i].Title, out[i].Role = cmp.Or(a.Title, out[i].Title), cmp.Or(a.Role, out[i].Role)
			return out
		}
	}
	return append(out, a)
}
