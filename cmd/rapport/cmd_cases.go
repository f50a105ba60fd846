package main

import (
	"context"
	"strings"

	"rapport/records/message"
	"rapport/web"
)

type caseGroup struct {
	Open    caseOpenCommand    `cmd:""`
	List    caseListCommand    `cmd:""`
	Close   caseCloseCommand   `cmd:""`
	Assign  caseAssignCommand  `cmd:""`
	Figures caseFiguresCommand `cmd:""`
}

type caseOpenCommand struct {
	Who     string   `arg:""`
	Note    []string `arg:"" optional:""`
	Kind    string   `placeholder:"KIND" enum:"complaint,dispute,question" default:"complaint"`
	Due     string   `placeholder:"DAY" default:"+2"`
	Owner   string   `placeholder:"MEMBER"`
	Message bool
}

// Run opens a case.
func (c *caseOpenCommand) Run(s *session) error {
	day, err := s.day(c.Due)
	if err != nil {
		return err
	}
	in := web.FollowUpInput{Kind: c.Kind, Who: c.Who, Due: day, Owner: c.Owner, Note: strings.Join(c.Note, " ")}
	if c.Message {
		in.Who, in.Message = "", message.ID(c.Who)
	}
	return s.online(func(api *web.Client) error { return s.followUp(api.AddFollowUp(s.ctx, in)) })
}

type caseListCommand struct {
	listFlags
	Owner  string `placeholder:"MEMBER"`
	Who    string `placeholder:"WHO"`
	Closed bool
}

// Run lists cases.
func (c *caseListCommand) Run(s *session) error {
	f := web.FollowUpFilter{Owner: c.Owner, Who: c.Who, Done: c.Closed, Cases: true}
	return s.online(func(api *web.Client) error {
		return pages(s, c.listFlags, func(ctx context.Context, sl web.Slice) (web.Page[web.FollowUpItem], error) {
			return api.FollowUps(ctx, f, sl)
		}, func(fs []web.FollowUpItem) {
			if len(fs) == 0 {
				s.printf("no cases\n")
				return
			}
			s.cases(fs)
		})
	})
}

// cases prints a table of them.
func (s *session) cases(fs []web.FollowUpItem) {
	t := newTable(column{title: "DUE"}, column{title: "KIND"}, column{title: "ABOUT", least: 12}, column{title: "OWNER", least: 10}, column{title: "NOTE", least: 10}, column{title: "ID"})
	for _, f := range fs {
		due := string(f.Due)
		switch {
		case f.Overdue:
			due += " (late)"
		case !f.Open():
			due = "closed by " + f.DoneBy
		}
		t.add(due, string(f.Kind), f.Name, string(f.Owner), firstLine(f.Note), string(f.ID))
	}
	t.print(s)
}

type caseCloseCommand struct {
	ID     string `arg:""`
	Reopen bool
}

// Run closes a case, or opens it again.
func (c *caseCloseCommand) Run(s *session) error {
	done := !c.Reopen
	return s.online(func(api *web.Client) error {
		return s.followUp(api.EditFollowUp(s.ctx, c.ID, web.FollowUpEdit{Done: &done}))
	})
}

type caseAssignCommand struct {
	ID    string `arg:""`
	Owner string `arg:""`
}

// Run hands a case over.
func (c *caseAssignCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		return s.followUp(api.EditFollowUp(s.ctx, c.ID, web.FollowUpEdit{Owner: &c.Owner}))
	})
}

type caseFiguresCommand struct {
	Days int `placeholder:"N" default:"365"`
}

// Run shows how cases come out.
func (c *caseFiguresCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		f, err := api.CaseFigures(s.ctx, c.Days)
		if err != nil {
			return err
		}
		return s.show(f, func() {
			s.printf("opened within %d days: %d; open: %d; closed: %d (%.0f %%), %d in time, %d by writing to them; median %.1f days\n",
				c.Days, f.Opened, f.Open, f.Closed, f.Rate, f.InTime, f.ByReply, f.Days)
		})
	})
}
