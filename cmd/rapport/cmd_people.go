package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"rapport/web"
)

type memberListCommand struct{}

// Run lists our own people.
func (c *memberListCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error { return s.members(api.Members(s.ctx)) })
}

func (s *session) members(page web.Page[web.Member], err error) error {
	if err != nil {
		return err
	}
	if s.json {
		for _, m := range page.Items {
			if err := s.object(m); err != nil {
				return err
			}
		}
		return nil
	}
	if len(page.Items) == 0 {
		s.printf("no members; the configuration names them under team.members\n")
		return nil
	}
	t := newTable(column{title: "NAME", least: 10}, column{title: "ADDRESS", least: 12}, column{title: "STATE", least: 10})
	for _, m := range page.Items {
		state := "here"
		switch {
		case m.LeftTo != "":
			state = "left; " + string(m.LeftTo) + " took over"
		case m.Away != nil && s.now().Before(m.Away.Until):
			state = "away until " + s.local(m.Away.Until)
			if m.Away.Deputy != "" {
				state += "; deputy " + string(m.Away.Deputy)
			}
		}
		t.add(m.Name, firstOf(m.Addresses), state)
	}
	t.print(s)
	return nil
}

type memberAwayCommand struct {
	Member string `arg:""`
	Until  string `placeholder:"DATE"`
	Deputy string `placeholder:"MEMBER"`
	Back   bool
}

// Run says that a member is away, or back.
func (c *memberAwayCommand) Run(s *session) error {
	in := web.Away{Member: c.Member, Deputy: c.Deputy}
	switch {
	case c.Back && (c.Until != "" || c.Deputy != ""):
		return usage("--back goes with neither --until nor --deputy")
	case c.Back:
	case c.Until == "":
		return usage("until when? Give --until DATE, or --back")
	default:
		until, err := s.time(c.Until)
		if err != nil {
			return err
		}
		if len(c.Until) == len("2006-01-02") {
			until = until.AddDate(0, 0, 1).Add(-time.Second) // that day included
		}
		in.Until = until
	}
	return s.online(func(api *web.Client) error { return s.members(api.Away(s.ctx, in)) })
}

type memberLeaveCommand struct {
	Member string `arg:""`
	To     string `required:"" placeholder:"MEMBER"`
}

// Run says that a member left.
func (c *memberLeaveCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		return s.members(api.Leave(s.ctx, web.Leave{Member: c.Member, To: c.To}))
	})
}

type auditCommand struct {
	Who string `arg:"" optional:""`
	listFlags
}

// Run lists the trail.
func (c *auditCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		return pages(s, c.listFlags, func(ctx context.Context, sl web.Slice) (web.Page[web.AuditLine], error) {
			return api.Audit(ctx, c.Who, sl)
		}, func(lines []web.AuditLine) {
			if len(lines) == 0 {
				s.printf("nothing in the trail\n")
				return
			}
			t := newTable(column{title: "TIME"}, column{title: "WHO", least: 8}, column{title: "DID"},
				column{title: "TO", least: 12}, column{title: "DETAIL", least: 10}, column{title: "ID"})
			for _, a := range lines {
				t.add(s.local(a.At), a.Actor, a.Action, cmp.Or(a.Name, a.Object), cmp.Or(a.Who, a.Detail), a.ID)
			}
			t.print(s)
		})
	})
}

type suggestionListCommand struct{ listFlags }

// Run lists correspondents nobody knows.
func (c *suggestionListCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		return pages(s, c.listFlags, func(ctx context.Context, sl web.Slice) (web.Page[web.Suggestion], error) {
			return api.Suggestions(ctx, sl)
		}, func(sgs []web.Suggestion) {
			if len(sgs) == 0 {
				s.printf("no suggestions\n")
				return
			}
			s.suggestions(sgs)
			s.printf("\n`rapport suggestion accept ADDRESS` or `@DOMAIN` makes contacts of them\n")
		})
	})
}

func (s *session) suggestions(sgs []web.Suggestion) {
	t := newTable(column{title: "ADDRESS", least: 16}, column{title: "NAME", least: 10}, column{title: "IN", right: true},
		column{title: "OUT", right: true}, column{title: "EXCHANGES", right: true}, column{title: "LAST"})
	for _, sg := range sgs {
		t.add(string(sg.Address), sg.Name, number(sg.In), number(sg.Out), number(sg.Exchanges), s.local(sg.Last))
	}
	t.print(s)
}

type suggestionAcceptCommand struct {
	Who  []string `arg:""`
	Kind string   `default:"customer" placeholder:"KIND"`
}

// Run makes contacts of suggestions.
func (c *suggestionAcceptCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		for _, who := range c.Who {
			page, err := api.AcceptSuggestion(s.ctx, web.Accept{Who: who, Kind: c.Kind})
			if err != nil {
				return err
			}
			for _, person := range page.Items {
				if err := s.show(person, func() {
					s.printf("added %s, %s\n", plain(person.Name), plain(firstOf(person.Addresses)))
				}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

type suggestionIgnoreCommand struct {
	Who []string `arg:""`
}

// Run keeps suggestions from coming back.
func (c *suggestionIgnoreCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		total := web.Ignored{}
		for _, who := range c.Who {
			n, err := api.IgnoreSuggestion(s.ctx, who)
			if err != nil {
				return err
			}
			total.Ignored += n.Ignored
		}
		return s.show(total, func() { s.printf("%s ignored\n", number(total.Ignored)) })
	})
}

// number writes a count with its thousands apart.
func number(n int) string {
	text := fmt.Sprint(n)
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return sign + text
}
