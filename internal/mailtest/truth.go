package mailtest

import (
	"maps"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// judge decides what is to become of each letter, by who takes part, and then
// lets threads inherit until nothing changes.
func (b *builder) judge() {
	for _, l := range b.w.letters {
		b.judgeAlone(l)
	}
	b.inherit()
}

func (b *builder) judgeAlone(l *letter) {
	l.expected = Skipped
	switch parts := l.participants(); {
	case !l.readable():
		l.expected = Unread
	case anyone(parts, blocked):
		l.rule = "blocked"
	case l.private:
		l.rule = "private"
	case l.draft:
		l.rule = "draft"
	case l.date.Before(b.w.Since):
		l.rule = "old"
	case anyone(parts, known):
		l.expected, l.records, l.rule = Filed, recordsOf(parts), orString(l.rule, "address")
	case anyone(parts, ambiguous):
		l.expected, l.rule = Review, "shared domain"
	case l.inner != nil && (l.shape == report || !anyone(parts, stranger)):
		// What a delivery report is about, or what a member passed on.
		if inner := l.inner.participants(); anyone(inner, known) {
			l.expected, l.records = Filed, recordsOf(inner)
			l.rule = map[bool]string{true: "bounce", false: "forward"}[l.shape == report]
		}
	case !anyone(parts, stranger):
		l.rule = "internal"
	}
}

func anyone(parts []party, s side) bool {
	return slices.ContainsFunc(parts, func(p party) bool { return p.who != nil && p.who.side == s })
}

func recordsOf(parts []party) []string {
	set := map[string]bool{}
	for _, p := range parts {
		if p.who != nil && p.who.side == known {
			for _, r := range p.who.records {
				set[r] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// inherit applies the thread rule: a letter nobody known takes part in belongs
// to whom a filed letter of its thread belongs to, when one of ours takes part
// and somebody outside took part in both.
func (b *builder) inherit() {
	threads := b.threads()
	for changed := true; changed; {
		changed = false
		for _, thread := range threads {
			for _, l := range thread {
				if l.mayInherit() && l.inheritFrom(thread) {
					changed = true
				}
			}
		}
	}
}

func (l *letter) mayInherit() bool {
	parts := l.participants()
	byThread := l.expected == Filed && l.rule == "thread"
	open := l.expected == Skipped && l.rule == "" && l.inner == nil
	return (byThread || open) && !anyone(parts, known) && anyone(parts, ours)
}

func (l *letter) inheritFrom(thread []*letter) bool {
	mine := l.outside()
	set := map[string]bool{}
	for _, r := range l.records {
		set[r] = true
	}
	before := len(set)
	for _, mate := range thread {
		if mate == l || mate.expected != Filed || !share(mine, mate.outside()) {
			continue
		}
		for _, r := range mate.records {
			set[r] = true
		}
	}
	if len(set) == before {
		return false
	}
	l.expected, l.rule, l.records = Filed, "thread", slices.Sorted(maps.Keys(set))
	return true
}

func share(a, b map[*person]bool) bool {
	for p := range a {
		if b[p] {
			return true
		}
	}
	return false
}

// threads groups the letters whose folders are read by the ids they bear and name.
func (b *builder) threads() [][]*letter {
	parent := map[string]string{}
	var find func(string) string
	find = func(id string) string {
		if p, ok := parent[id]; ok && p != id {
			root := find(p)
			parent[id] = root
			return root
		}
		return id
	}
	for _, l := range b.w.letters {
		for _, ref := range append(slices.Clone(l.refs), l.irt) {
			if l.id != "" && ref != "" {
				parent[find(ref)] = find(l.id)
			}
		}
	}
	groups := map[string][]*letter{}
	var order []string
	for _, l := range b.w.letters {
		if l.id == "" || !l.readable() {
			continue
		}
		root := find(l.id)
		if groups[root] == nil {
			order = append(order, root)
		}
		groups[root] = append(groups[root], l)
	}
	var all [][]*letter
	for _, root := range order {
		if len(groups[root]) > 1 {
			all = append(all, groups[root])
		}
	}
	return all
}

// normal is an address as the product is to show it: lower case, the domain in
// A-labels.
func normal(addr string) string {
	local, domain, _ := strings.Cut(strings.ToLower(addr), "@")
	if a, err := idna.Lookup.ToASCII(domain); err == nil {
		domain = a
	}
	return local + "@" + domain
}
