package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rapport/records/message"
	"rapport/web"
)

type followUpGroup struct {
	Add      followUpAddCommand      `cmd:""`
	List     followUpListCommand     `cmd:""`
	Done     followUpDoneCommand     `cmd:""`
	Snooze   followUpSnoozeCommand   `cmd:""`
	Calendar followUpCalendarCommand `cmd:""`
}

type followUpAddCommand struct {
	Who     string   `arg:""`
	Note    []string `arg:"" optional:""`
	Due     string   `placeholder:"DAY" required:""`
	Owner   string   `placeholder:"MEMBER"`
	Message bool
}

// Run writes a follow-up down.
func (c *followUpAddCommand) Run(s *session) error {
	day, err := s.day(c.Due)
	if err != nil {
		return err
	}
	in := web.FollowUpInput{Who: c.Who, Due: day, Owner: c.Owner, Note: strings.Join(c.Note, " ")}
	if c.Message {
		in.Who, in.Message = "", message.ID(c.Who)
	}
	return s.online(func(api *web.Client) error { return s.followUp(api.AddFollowUp(s.ctx, in)) })
}

// day reads a day: 2026-01-31, today, tomorrow, or in so many days as +7.
func (s *session) day(text string) (string, error) {
	const layout = "2006-01-02"
	var days int
	switch {
	case text == "today":
		return s.now().Format(layout), nil
	case text == "tomorrow":
		return s.now().AddDate(0, 0, 1).Format(layout), nil
	case strings.HasPrefix(text, "+"):
		if _, err := fmt.Sscanf(text, "+%d", &days); err == nil && days >= 0 && days < 10000 {
			return s.now().AddDate(0, 0, days).Format(layout), nil
		}
	default:
		if _, err := time.Parse(layout, text); err == nil {
			return text, nil
		}
	}
	return "", usage("%q is no day: write 2026-01-31, today, tomorrow, or +7 for in seven days", text)
}

// followUp shows what became of one.
func (s *session) followUp(f web.FollowUpItem, err error) error {
	if err != nil {
		return err
	}
	return s.show(f, func() {
		state := "due " + string(f.Due)
		if !f.Open() {
			state = "done by " + f.DoneBy
		}
		s.printf("%s  %s, %s, by %s\n", f.ID, f.Name, state, f.Owner)
	})
}

type followUpListCommand struct {
	listFlags
	Owner string `placeholder:"MEMBER"`
	Who   string `placeholder:"WHO"`
	Until string `placeholder:"DAY"`
	Done  bool
}

// Run lists follow-ups.
func (c *followUpListCommand) Run(s *session) error {
	f := web.FollowUpFilter{Owner: c.Owner, Who: c.Who, Done: c.Done}
	if c.Until != "" {
		day, err := s.day(c.Until)
		if err != nil {
			return err
		}
		f.Until = day
	}
	return s.online(func(api *web.Client) error {
		return pages(s, c.listFlags, func(ctx context.Context, sl web.Slice) (web.Page[web.FollowUpItem], error) {
			return api.FollowUps(ctx, f, sl)
		}, func(fs []web.FollowUpItem) {
			if len(fs) == 0 {
				s.printf("nothing to follow up\n")
				return
			}
			s.followUps(fs)
		})
	})
}

// followUps prints a table of them.
func (s *session) followUps(fs []web.FollowUpItem) {
	t := newTable(column{title: "DUE"}, column{title: "ABOUT", least: 12}, column{title: "OWNER", least: 10}, column{title: "NOTE", least: 10}, column{title: "ID"})
	for _, f := range fs {
		due := string(f.Due)
		if f.Overdue {
			due += " (late)"
		}
		t.add(due, f.Name, string(f.Owner), f.Note, string(f.ID))
	}
	t.print(s)
}

type followUpDoneCommand struct {
	ID     string `arg:""`
	Reopen bool
}

// Run says that a follow-up is done, or is not.
func (c *followUpDoneCommand) Run(s *session) error {
	done := !c.Reopen
	return s.online(func(api *web.Client) error {
		return s.followUp(api.EditFollowUp(s.ctx, c.ID, web.FollowUpEdit{Done: &done}))
	})
}

type followUpSnoozeCommand struct {
	ID  string `arg:""`
	Day string `arg:""`
}

// Run puts a follow-up off.
func (c *followUpSnoozeCommand) Run(s *session) error {
	day, err := s.day(c.Day)
	if err != nil {
		return err
	}
	return s.online(func(api *web.Client) error {
		return s.followUp(api.EditFollowUp(s.ctx, c.ID, web.FollowUpEdit{Due: &day}))
	})
}

type followUpCalendarCommand struct {
	Member string `arg:""`
	Revoke bool
}

// Run hands a calendar feed out, or takes a member's back.
func (c *followUpCalendarCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		if c.Revoke {
			n, err := api.RevokeCalendars(s.ctx, c.Member)
			if err != nil {
				return err
			}
			return s.show(n, func() { s.printf("calendars taken back: %d\n", n.Revoked) })
		}
		feed, err := api.AddCalendar(s.ctx, c.Member)
		if err != nil {
			return err
		}
		return s.show(feed, func() {
			s.printf("Subscribe to this path below the address of the pages; it is shown only once:\n  %s\n", feed.Path)
		})
	})
}

type todayCommand struct {
	For   string `placeholder:"MEMBER"`
	Limit int    `placeholder:"N"`
}

// Run shows what is to be done today.
func (c *todayCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		t, err := api.Today(s.ctx, c.For, c.Limit)
		if err != nil {
			return err
		}
		return s.show(t, func() {
			s.waiting("They wait for our answer", t.WaitingForUs)
			s.waiting("We wait for their answer", t.WaitingForThem)
			s.heading("Unusually quiet", len(t.Quiet.Items), t.Quiet.Next)
			for _, q := range t.Quiet.Items {
				s.printf("  %-30s last contact %s\n", q.Name, s.local(q.Last))
			}
			s.heading("To follow up", len(t.FollowUps.Items), t.FollowUps.Next)
			if len(t.FollowUps.Items) > 0 {
				s.followUps(t.FollowUps.Items)
			}
		})
	})
}

func (s *session) heading(what string, n int, next string) {
	more := ""
	if next != "" {
		more = " and more"
	}
	s.printf("%s: %d%s\n", what, n, more)
}

func (s *session) waiting(what string, page web.Page[web.WaitingItem]) {
	s.heading(what, len(page.Items), page.Next)
	for _, w := range page.Items {
		s.printf("  %-30s since %s  %s\n", w.Name, s.local(w.Since), w.Subject)
	}
}
