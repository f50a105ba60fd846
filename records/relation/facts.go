package relation

import (
	"slices"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/timeline"
)

const (
	// maxAsked is how many a mail may be addressed to that asks each of them:
	// one to more is a circular.
	maxAsked = 20
	// maxMembers bounds of how many of us an entry tells.
	maxMembers = 8
)

// How a message came to a contact or organisation; see package matcher.
const (
	ruleHand = "hand"
	roleFrom = "from"
	roleTo   = "to"
)

// Tell has an entry say what its message means for relations. The team says
// who is a member of ours.
func Tell(e *timeline.Entry, m message.Message, team contact.Team) {
	if m.Verdict.Auto || m.Verdict.Kind != message.Personal || m.Direction != message.In && m.Direction != message.Out {
		return
	}
	e.Turn = turnOf(m)
	e.Members = membersOf(m, team)
	role := roleFrom
	if m.Direction == message.Out {
		role = roleTo
		if !slices.ContainsFunc(m.Matches, func(x message.Match) bool { return x.Role == roleTo }) {
			return // addressed to nobody by name: all that it is filed under are alike
		}
	}
	e.Aside, e.AsideOrganisations = aside(e, m.Matches, role)
}

// turnOf says what a message that somebody wrote does to whose turn it is.
func turnOf(m message.Message) timeline.Turn {
	if len(m.Attachments) == 0 && Closing(m.Snippet, names(m.Head)...) {
		return timeline.Closes
	}
	if m.Direction == message.Out && len(m.Head.To)+len(m.Head.Cc)+len(m.Head.Bcc) > maxAsked {
		return timeline.Told
	}
	return timeline.Asks
}

// names are what may stand in a message as somebody's name, bounded.
func names(h message.Head) []string {
	var out []string
	for _, list := range [][]message.Party{h.From, h.To} {
		for _, p := range list[:min(len(list), maxMembers)] {
			out = append(out, p.Name, p.Address.Local())
		}
	}
	return out
}

// membersOf lists those of us who wrote a message, or to whom it went.
func membersOf(m message.Message, team contact.Team) []contact.Address {
	lists := [][]message.Party{m.Head.From}
	if m.Direction == message.In {
		lists = [][]message.Party{m.Head.To, m.Head.Cc}
	}
	var out []contact.Address
	for _, list := range lists {
		for _, p := range list[:min(len(list), 10*maxMembers)] {
			member, ok := team.Member(p.Address)
			if ok && len(out) < maxMembers && !slices.Contains(out, member.Primary()) {
				out = append(out, member.Primary())
			}
		}
	}
	slices.Sort(out)
	return out
}

// aside lists those of an entry under whom no match with the role filed the
// message, nor a person by hand.
func aside(e *timeline.Entry, matches []message.Match, role string) (people []contact.ID, firms []contact.OrganisationID) {
	with := func(is func(message.Match) bool) bool {
		return slices.ContainsFunc(matches, func(x message.Match) bool {
			return is(x) && (x.Role == role || x.Rule == ruleHand)
		})
	}
	for _, c := range e.Contacts {
		if !with(func(x message.Match) bool { return x.Contact == c }) {
			people = append(people, c)
		}
	}
	for _, o := range e.Organisations {
		if !with(func(x message.Match) bool { return x.Organisation == o }) {
			firms = append(firms, o)
		}
	}
	return people, firms
}
