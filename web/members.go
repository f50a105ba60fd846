package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"rapport/records/contact"
	"rapport/store"
)

func (s *Server) memberRoutes() []route {
	return []route{
		{pattern: "GET /members", serve: s.listMembers},
		{pattern: "POST /members/away", serve: s.memberAway},
		{pattern: "POST /members/leave", serve: s.memberLeave},
	}
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

func (s *Server) listMembers(w http.ResponseWriter, r *http.Request) error {
	members, err := s.records.Members(r.Context())
	if err != nil {
		return err
	}
	return reply(w, Page[Member]{Items: list(members)})
}

func (s *Server) memberAway(w http.ResponseWriter, r *http.Request) error {
	var in Away
	if err := decode(r, &in); err != nil {
		return err
	}
	member, err := s.member(r.Context(), in.Member)
	if err != nil {
		return err
	}
	var away *contact.Away
	if !in.Until.IsZero() {
		away = &contact.Away{Until: in.Until}
		if away.Deputy, err = s.owner(r.Context(), in.Deputy); err != nil {
			return err
		}
		if away.Deputy == member {
			return invalid("nobody can be their own deputy")
		}
	}
	if err := s.records.Away(r.Context(), s.actor(r), member, away); err != nil {
		return refused(err)
	}
	return s.listMembers(w, r)
}

func (s *Server) memberLeave(w http.ResponseWriter, r *http.Request) error {
	var in Leave
	if err := decode(r, &in); err != nil {
		return err
	}
	member, err := s.member(r.Context(), in.Member)
	if err != nil {
		return err
	}
	to, err := s.member(r.Context(), in.To)
	if err != nil {
		return err
	}
	if member == to {
		return invalid("somebody else must take over from %s", member)
	}
	if err := s.records.Leave(r.Context(), s.actor(r), member, to); err != nil {
		return refused(err)
	}
	return s.listMembers(w, r)
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
	return "", &Problem{Status: http.StatusNotFound, Code: codeNotFound,
		Detail: fmt.Sprintf("no member is known as %q; `rapport member list` shows them", oneLine(who))}
}

func severalMembers(who string, found []Member) error {
	p := &Problem{Status: http.StatusConflict, Code: codeAmbiguous, Detail: fmt.Sprintf("%q may mean several members; give the address", oneLine(who))}
	for _, m := range found[:min(len(found), maxCandidates)] {
		p.Candidates = append(p.Candidates, Candidate{ID: string(m.Addresses[0]), Kind: "member", Name: oneLine(m.Name)})
	}
	return p
}

// listing reads the filter and slice of a list out of a request.
func (s *Server) listing(r *http.Request) (store.Filter, store.Slice, error) {
	q := r.URL.Query()
	slice, err := sliceOf(r)
	if err != nil {
		return store.Filter{}, slice, err
	}
	kind, stage, err := kindAndStage(q.Get("kind"), q.Get("stage"))
	if err != nil {
		return store.Filter{}, slice, err
	}
	owner, err := s.owner(r.Context(), q.Get("owner"))
	return store.Filter{
		Kind: kind, Stage: stage, Role: q.Get("role"), Owner: owner, Tag: q.Get("tag"), Text: q.Get("text"),
	}, slice, err
}

func sliceOf(r *http.Request) (store.Slice, error) {
	q := r.URL.Query()
	slice := store.Slice{Cursor: store.Cursor(q.Get("cursor"))}
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return slice, invalid("the limit %q is no number from 1 on", oneLine(text))
		}
		slice.Limit = min(n, 1000)
	}
	return slice, nil
}
