package matcher

import (
	"cmp"
	"fmt"
	"slices"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/phrase"
)

// finder asks the directory about people, each domain once.
type finder struct {
	sides
	dir     Directory
	domains map[string][]contact.Organisation
	knows   map[contact.Address]bool // whom a contact was found for
}

// findings are what the directory knows of some people.
type findings struct {
	matches    []message.Match
	candidates []message.Match
	ambiguous  string
	said       map[string][]phrase.Phrase // by rule
}

// find asks about every person: the exact address, else the folded one, else
// the domain.
func (f *finder) find(list []person) (findings, error) {
	out := findings{said: make(map[string][]phrase.Phrase)}
	for _, p := range list {
		found, err := f.contacts(p, &out)
		if err != nil {
			return out, err
		}
		if found {
			continue
		}
		if err := f.organisations(p, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (f *finder) contacts(p person, out *findings) (bool, error) {
	rule := RuleAddress
	list, err := f.dir.ByAddress(p.address)
	if err != nil {
		return false, fmt.Errorf("look up address: %w", err)
	}
	if len(list) == 0 {
		rule = RuleFolded
		if list, err = f.dir.ByFolded(p.address); err != nil {
			return false, fmt.Errorf("look up folded address: %w", err)
		}
	}
	for _, c := range inOrder(list, func(c contact.Contact) string { return string(c.ID) }) {
		m := message.Match{Contact: c.ID, Rule: rule, Certain: true, Role: p.role, Address: p.address}
		if len(c.Affiliations) > 0 {
			m.Organisation = c.Affiliations[0].Organisation
		}
		out.matches = append(out.matches, m)
		out.note(rule, "{address} ({role}) is {name}", "address", p.address, "role", roleWords[p.role], "name", named(c.Name, string(c.ID)))
	}
	if len(list) > 0 {
		if f.knows == nil {
			f.knows = make(map[contact.Address]bool)
		}
		f.knows[p.address] = true
	}
	return len(list) > 0, nil
}

func (f *finder) organisations(p person, out *findings) error {
	domain, list, err := f.owners(p, out)
	if err != nil || len(list) == 0 {
		return err
	}
	shared := len(list) > 1
	for _, o := range list {
		for _, d := range o.Domains {
			shared = shared || d.Name == domain && d.Shared
		}
	}
	for _, o := range list {
		m := message.Match{Organisation: o.ID, Rule: RuleDomain, Certain: !shared, Role: p.role, Address: p.address}
		if shared {
			out.candidates = append(out.candidates, m)
			out.note(RuleDomain, "{address} ({role}) may be of {name}: a person decides",
				"address", p.address, "role", roleWords[p.role], "name", named(o.Name, string(o.ID)))
			continue
		}
		out.matches = append(out.matches, m)
		out.note(RuleDomain, "{address} ({role}) is at {domain}, a domain of {name}",
			"address", p.address, "role", roleWords[p.role], "domain", domain, "name", named(o.Name, string(o.ID)))
	}
	if shared && (out.ambiguous == "" || domain < out.ambiguous) {
		out.ambiguous = domain
	}
	return nil
}

// owners finds who lists the domain of p, or its registrable domain, and
// under which name.
func (f *finder) owners(p person, out *findings) (string, []contact.Organisation, error) {
	domain := p.address.Domain()
	tried := ""
	for _, d := range []string{domain, contact.Registrable(domain)} {
		if d == "" || d == tried {
			continue
		}
		tried = d
		if f.isFreemail(d) {
			out.note(RuleDomain, "{address} ({role}) is at {domain}, where anybody can have a mailbox", "address", p.address, "role", roleWords[p.role], "domain", d)
			return "", nil, nil
		}
		list, err := f.byDomain(d)
		if err != nil || len(list) > 0 {
			return d, list, err
		}
	}
	return "", nil, nil
}

func (f *finder) byDomain(d string) ([]contact.Organisation, error) {
	if list, ok := f.domains[d]; ok {
		return list, nil
	}
	list, err := f.dir.ByDomain(d)
	if err != nil {
		return nil, fmt.Errorf("look up domain %s: %w", d, err)
	}
	list = inOrder(list, func(o contact.Organisation) string { return string(o.ID) })
	f.domains[d] = list
	return list, nil
}

// inOrder returns the list by id and leaves the directory's as it is.
func inOrder[T any](list []T, id func(T) string) []T {
	if len(list) < 2 {
		return list
	}
	return slices.SortedFunc(slices.Values(list), func(a, b T) int { return cmp.Compare(id(a), id(b)) })
}

// note adds to what a rule says. Beyond a few the words are not needed, only
// how many there are.
func (f *findings) note(rule string, form phrase.Form, args ...any) {
	const worded = 16
	var said phrase.Phrase
	if len(f.said[rule]) < worded {
		said = phrase.New(form, args...)
	}
	f.said[rule] = append(f.said[rule], said)
}

func named(name, id string) string {
	if name == "" {
		return id
	}
	return name
}

// directory asks the rules address, folded and domain, together: different
// participants may be known by different ones.
func (j *judgement) directory() (bool, error) {
	found, err := j.lookup.find(j.outside)
	if err != nil {
		return false, err
	}
	j.candidates, j.ambiguous = tidy(found.candidates), found.ambiguous
	for _, rule := range []string{RuleAddress, RuleFolded, RuleDomain} {
		switch list := found.said[rule]; {
		case len(list) > 0:
			j.said[rule] = Step{Rule: rule, Said: phrase.List(enumerate(list)...)}
		case len(j.outside) == 0:
			j.say(rule, "there is nobody to look up")
		default:
			j.say(rule, map[string]phrase.Form{
				RuleAddress: "no participant's address is a contact's",
				RuleFolded:  "leaving out plus-tags and Gmail dots finds nobody else",
				RuleDomain:  "nobody else is at an organisation's domain",
			}[rule])
		}
	}
	return len(found.matches) > 0 && j.file(found.matches), nil
}
