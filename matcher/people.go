package matcher

import (
	"cmp"
	"slices"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/phrase"
)

// The roles of participants, as Match.Role has them.
const (
	roleFrom  = "from"
	roleTo    = "to"
	roleCc    = "cc"
	roleBcc   = "bcc"
	roleInner = "inner"
)

var roleOrder = map[string]int{roleFrom: 0, roleTo: 1, roleCc: 2, roleBcc: 3, roleInner: 4}

// roleWords are the roles as people read of them.
var roleWords = map[string]phrase.Form{roleFrom: "from", roleTo: "to", roleCc: "cc", roleBcc: "bcc", roleInner: "inner"}

// person is one participant: an address with the first of its roles, and the
// name it bears in the first role that gives one.
type person struct {
	address        contact.Address
	name, nameRole string
	role           string
}

// people returns everybody a header names whose address can be read, once, in
// an order that does not depend on the header's.
func people(h message.Head) []person {
	seen := make(map[contact.Address]person)
	add(seen, roleFrom, h.From, h.Sender, h.ReplyTo)
	add(seen, roleTo, h.To)
	add(seen, roleCc, h.Cc, h.Resent)
	add(seen, roleBcc, h.Bcc)
	return sorted(seen)
}

// inner returns everybody the messages inside name.
func inner(list []message.Inner) []person {
	seen := make(map[contact.Address]person)
	for _, in := range list {
		h := in.Head
		add(seen, roleInner, h.From, h.Sender, h.ReplyTo, h.To, h.Cc, h.Bcc, h.Resent)
	}
	return sorted(seen)
}

func add(seen map[contact.Address]person, role string, lists ...[]message.Party) {
	for _, list := range lists {
		for _, p := range list {
			if p.Address == "" {
				continue
			}
			old, ok := seen[p.Address]
			switch {
			case !ok:
				seen[p.Address] = person{address: p.Address, name: p.Name, nameRole: role, role: role}
			case p.Name != "" && (old.name == "" || old.nameRole == role && p.Name < old.name):
				old.name, old.nameRole = p.Name, role
				seen[p.Address] = old
			}
		}
	}
}

func sorted(seen map[contact.Address]person) []person {
	out := make([]person, 0, len(seen))
	for _, p := range seen {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b person) int {
		return cmp.Or(cmp.Compare(roleOrder[a.role], roleOrder[b.role]), cmp.Compare(a.address, b.address))
	})
	return out
}

// author returns who wrote: From, or Sender where there is no readable From.
func author(h message.Head) []message.Party {
	if readable(h.From) {
		return h.From
	}
	return h.Sender
}

func readable(list []message.Party) bool {
	return slices.ContainsFunc(list, func(p message.Party) bool { return p.Address != "" })
}

// byUs reports whether the message claims to be written by our side. With
// several authors all have to be ours: naming one of us beside himself makes
// nobody one of us.
func (s sides) byUs(h message.Head) bool {
	list := author(h)
	for _, p := range list {
		if p.Address == "" || !s.ours(p.Address) {
			return false
		}
	}
	return len(list) > 0
}

// toUs reports whether somebody of our side is a recipient.
func (s sides) toUs(h message.Head) bool {
	return s.among(s.ours, h.To, h.Cc, h.Bcc, h.Resent)
}

// toLog reports whether the message was sent to a log address, or came to one
// by Bcc.
func (s sides) toLog(h message.Head) bool {
	return s.among(s.isLog, h.To, h.Cc, h.Bcc, h.Resent, h.DeliveredTo)
}

func (s sides) among(is func(contact.Address) bool, lists ...[]message.Party) bool {
	for _, list := range lists {
		if slices.ContainsFunc(list, func(p message.Party) bool { return is(p.Address) }) {
			return true
		}
	}
	return false
}

// direction says which way the message went. all is everybody it names.
func (s sides) direction(h message.Head, all []person) message.Direction {
	switch {
	case s.allOurs(all):
		return message.Within
	case s.byUs(h):
		return message.Out
	case s.toUs(h):
		return message.In
	}
	return message.Sideways
}

// allOurs reports whether there is somebody and everybody is ours.
func (s sides) allOurs(all []person) bool {
	for _, p := range all {
		if !s.ours(p.address) {
			return false
		}
	}
	return len(all) > 0
}
