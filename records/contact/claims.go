package contact

import "strings"

// claims are whom the rows of one file give each address to. Rows that share
// an address become one person, so they must not name two: the last one would
// silently rename the others.
type claims map[Address]*claim

// claim is one person as a file tells it. Rows that turn out to be about one
// person through a later row share the claim they are joined to.
type claim struct {
	joined *claim
	line   int // which names the person; 0: none does yet
	name   string
}

func (c *claim) person() *claim {
	for c.joined != nil {
		c = c.joined
	}
	return c
}

// take notes a row's addresses. It returns the earlier line that gives one of
// them to somebody else, with the name there; 0 where none does.
func (cs *claims) take(r Row) (line int, name string) {
	if r.Contact == nil {
		return 0, ""
	}
	if *cs == nil {
		*cs = make(claims)
	}
	own := &claim{}
	if r.Contact.Name != "" {
		own.line, own.name = r.Line, r.Contact.Name
	}
	for _, a := range r.Contact.Addresses {
		before, known := (*cs)[a]
		if !known {
			(*cs)[a] = own
			continue
		}
		switch p := before.person(); {
		case p == own:
		case p.line == 0:
			p.joined = own
		case own.line == 0:
			own.joined = p
			own = p
		case !sameName(p.name, own.name):
			return p.line, p.name
		default:
			own.joined = p
			own = p
		}
	}
	return 0, ""
}

// sameName compares names as people do, for whom spaces and case say nothing.
func sameName(a, b string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " "))
}
