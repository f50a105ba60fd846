package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
	"rapport/records/contact"
)

func (s *Server) describeMembers(api huma.API) {
	const tag = "members"
	describe(s, api, operation{id: "list-members", pattern: "GET /members", tag: tag, need: access.Read,
		summary: "List our own people"}, s.listMembers)
	describe(s, api, operation{id: "set-member-away", pattern: "POST /members/away", tag: tag, need: access.Write,
		summary: "Say who is away until when, and who stands in"}, s.memberAway)
	describe(s, api, operation{id: "member-leaves", pattern: "POST /members/leave", tag: tag, need: access.Manage,
		summary: "Hand over what somebody looks after who has left"}, s.memberLeave)
}

// Away says who is away until when and who stands in; a zero Until says that
// the member is back.
type Away struct {
	Member string    `json:"member"`
	Until  time.Time `json:"until,omitzero"`
	Deputy string    `json:"deputy,omitempty"`
}

// Leave says who left and who takes over.
type Leave struct {
	Member string `json:"member"`
	To     string `json:"to"`
}

func (s *Server) listMembers(ctx context.Context, _ *struct{}) (Page[Member], error) {
	members, err := s.records.Members(ctx)
	return Page[Member]{Items: list(members)}, err
}

func (s *Server) memberAway(ctx context.Context, in *struct{ Body Away }) (none Page[Member], err error) {
	member, err := s.member(ctx, in.Body.Member)
	if err != nil {
		return none, err
	}
	var away *contact.Away
	if !in.Body.Until.IsZero() {
		away = &contact.Away{Until: in.Body.Until}
		if away.Deputy, err = s.owner(ctx, in.Body.Deputy); err != nil {
			return none, err
		}
		if away.Deputy == member {
			return none, invalid("nobody can be their own deputy")
		}
	}
	if err := s.records.Away(ctx, actor(ctx), member, away); err != nil {
		return none, refused(err)
	}
	return s.listMembers(ctx, nil)
}

func (s *Server) memberLeave(ctx context.Context, in *struct{ Body Leave }) (none Page[Member], err error) {
	member, err := s.member(ctx, in.Body.Member)
	if err != nil {
		return none, err
	}
	to, err := s.member(ctx, in.Body.To)
	if err != nil {
		return none, err
	}
	if member == to {
		return none, invalid("somebody else must take over from {member}", "member", member)
	}
	if err := s.records.Leave(ctx, actor(ctx), member, to); err != nil {
		return none, refused(err)
	}
	return s.listMembers(ctx, nil)
}

// owner reads a member as people type one; the empty text is nobody.
func (s *Server) owner(ctx context.Context, who string) (contact.Address, error) {
	if strings.TrimSpace(who) == "" {
		return "", nil
	}
	return s.member(ctx, who)
}

// member finds one of our own people by address, name, or the beginning of a
// word of the name, and returns the primary address.
func (s *Server) member(ctx context.Context, who string) (contact.Address, error) {
	who = foldName(who)
	if who == "" {
		return "", invalid("which member? Give a name or address; `rapport member list` shows them")
	}
	members, err := s.records.Members(ctx)
	if err != nil {
		return "", err
	}
	for _, is := range []func(Member) bool{
		func(m Member) bool { return slices.Contains(m.Addresses, contact.Address(who)) },
		func(m Member) bool { return foldName(m.Name) == who },
		func(m Member) bool {
			return slices.ContainsFunc(strings.Fields(foldName(m.Name)), func(w string) bool { return strings.HasPrefix(w, who) })
		},
	} {
		found := slices.DeleteFunc(slices.Clone(members), func(m Member) bool { return len(m.Addresses) == 0 || !is(m) })
		if len(found) == 1 {
			return found[0].Addresses[0], nil
		}
		if len(found) > 1 {
			return "", severalMembers(who, found)
		}
	}
	return "", told(http.StatusNotFound, codeNotFound, "no member is known as \"{who}\"; `rapport member list` shows them", "who", who)
}

func severalMembers(who string, found []Member) error {
	p := told(http.StatusConflict, codeAmbiguous, "\"{who}\" may mean several members; give the address", "who", who)
	for _, m := range found[:min(len(found), maxCandidates)] {
		p.Candidates = append(p.Candidates, Candidate{ID: string(m.Addresses[0]), Kind: "member", Name: oneLine(m.Name)})
	}
	return p
}
