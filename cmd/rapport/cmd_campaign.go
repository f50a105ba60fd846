package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rapport/web"
)

type campaignGroup struct {
	List    campaignListCommand    `cmd:""`
	Lint    campaignLintCommand    `cmd:""`
	Preview campaignPreviewCommand `cmd:""`
	Test    campaignTestCommand    `cmd:""`
	Plan    campaignPlanCommand    `cmd:""`
	Send    campaignSendCommand    `cmd:""`
	Launch  campaignLaunchCommand  `cmd:""`
	Pause   campaignPauseCommand   `cmd:""`
	Resume  campaignResumeCommand  `cmd:""`
	Cancel  campaignCancelCommand  `cmd:""`
	Status  campaignStatusCommand  `cmd:""`
}

type campaignListCommand struct{}

// Run lists the campaigns.
func (c *campaignListCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		page, err := api.Campaigns(s.ctx)
		if err != nil {
			return err
		}
		if s.json {
			return objects(s, page.Items)
		}
		if len(page.Items) == 0 {
			s.printf("no campaigns: write NAME.md into the directory that campaigns: names\n")
			return nil
		}
		t := newTable(column{title: "NAME", least: 10}, column{title: "SENDER"}, column{title: "LAST RUN"}, column{title: "STATE"}, column{title: "SENT"})
		for _, one := range page.Items {
			when, state, sent := "–", "never launched", ""
			if r := one.Run; r != nil {
				when, state, sent = s.local(r.Created), string(r.State), fmt.Sprintf("%d of %d", r.Accepted, r.Recipients)
			}
			if len(one.Faults) > 0 {
				state += ", has faults"
			}
			t.add(one.Name, one.Sender, when, state, sent)
		}
		t.print(s)
		return nil
	})
}

// campaignName is what a person types: the name, or the file.
func campaignName(typed string) string {
	return strings.TrimSuffix(filepath.Base(filepath.Clean(typed)), ".md")
}

type campaignLintCommand struct {
	Name string `arg:""`
}

// Run says what is wrong with a campaign.
func (c *campaignLintCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		plan, err := api.PlanCampaign(s.ctx, campaignName(c.Name), false)
		if err != nil {
			return err
		}
		if s.json {
			if err := s.object(map[string]any{"name": plan.Name, "faults": plan.Faults, "warnings": plan.Warnings}); err != nil {
				return err
			}
		} else {
			s.faults(plan.Faults, plan.Warnings)
			if len(plan.Faults) == 0 {
				s.printf("nothing is wrong with %s, for any of its %d recipients\n", plan.Name, len(plan.Recipients))
			}
		}
		if len(plan.Faults) > 0 {
			return failed()
		}
		return nil
	})
}

// faults prints what is wrong, and what is worth a look.
func (s *session) faults(faults, warnings []string) {
	for _, f := range faults {
		s.printf("%s\n", plain(f))
	}
	for _, w := range warnings {
		s.printf("note: %s\n", plain(w))
	}
}

type campaignPreviewCommand struct {
	Name string `arg:""`
	To   string `placeholder:"WHO"`
	Open bool
}

// Run shows the mail somebody would get.
func (c *campaignPreviewCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		m, err := api.PreviewCampaign(s.ctx, campaignName(c.Name), c.To)
		if err != nil {
			return err
		}
		if c.Open && !s.json {
			return s.browse(campaignName(c.Name), m.Raw)
		}
		return s.show(m, func() { fmt.Fprint(s.out, m.Raw) })
	})
}

type campaignTestCommand struct {
	Name string `arg:""`
	To   string `required:"" placeholder:"ADDRESS"`
	As   string `placeholder:"WHO"`
}

// Run sends a test.
func (c *campaignTestCommand) Run(s *session) error {
	in := web.CampaignTest{To: c.To, As: c.As}
	return s.online(func(api *web.Client) error {
		if err := api.TestCampaign(s.ctx, campaignName(c.Name), in); err != nil {
			return err
		}
		return s.show(in, func() { s.printf("a test of %s was sent to %s\n", campaignName(c.Name), c.To) })
	})
}

type campaignPlanCommand struct {
	Name  string `arg:""`
	Again bool
}

// Run says what launching a campaign would do.
func (c *campaignPlanCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		plan, err := api.PlanCampaign(s.ctx, campaignName(c.Name), c.Again)
		if err != nil {
			return err
		}
		if err := s.show(plan, func() {
			t := newTable(column{title: "TO", least: 16}, column{title: "ADDRESS", least: 16}, column{title: "LETTER"})
			for _, r := range plan.Recipients {
				t.add(r.Name, string(r.Address), r.Language)
			}
			t.print(s)
			for _, r := range plan.Left {
				s.printf("not %s: %s\n", plain(orElse(r.Name, string(r.Address))), r.Reason)
			}
			s.printf("\n")
			s.writes(plan.Writes, plan.Window)
			s.planned(len(plan.Recipients), len(plan.Left), plan.Others, plan.Seconds, plan.Schedule)
			if plan.Seed > 0 {
				s.printf("the first %d leave an hour before the others, which stay where more than 5 %% of them come back\n", plan.Seed)
			}
			s.printf("plan %s\n", plan.Hash)
			s.faults(plan.Faults, plan.Warnings)
		}); err != nil {
			return err
		}
		if len(plan.Faults) > 0 {
			return failed()
		}
		return nil
	})
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// planned sums a plan up.
func (s *session) planned(to, left, others int, seconds int64, schedule time.Time) {
	s.printf("to %s, %d left out, %d others not selected", persons(to), left, others)
	if seconds > 0 {
		s.printf("; it takes about %s", time.Duration(seconds)*time.Second)
	}
	if !schedule.IsZero() {
		s.printf("; from %s on", s.local(schedule))
	}
	s.printf("\n")
}

func persons(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}

type campaignSendCommand struct {
	Name  string `arg:""`
	Again bool
	Yes   bool
}

// Run is the whole way of a first newsletter: lint, plan, ask, launch.
func (c *campaignSendCommand) Run(s *session) error {
	name := campaignName(c.Name)
	return s.online(func(api *web.Client) error {
		plan, err := api.PlanCampaign(s.ctx, name, c.Again)
		if err != nil {
			return err
		}
		if !s.json || len(plan.Faults) > 0 {
			for _, r := range plan.Left {
				s.printf("not %s: %s\n", plain(orElse(r.Name, string(r.Address))), r.Reason)
			}
			s.faults(plan.Faults, plan.Warnings)
		}
		if len(plan.Faults) > 0 {
			return failed()
		}
		if !s.json {
			s.writes(plan.Writes, plan.Window)
			s.planned(len(plan.Recipients), len(plan.Left), plan.Others, plan.Seconds, plan.Schedule)
		}
		if err := s.confirm(c.Yes, "send %s to %s?", name, persons(len(plan.Recipients))); err != nil {
			return err
		}
		return s.launch(api, name, web.CampaignLaunch{Hash: plan.Hash, Again: c.Again}, false)
	})
}

type campaignLaunchCommand struct {
	Name  string `arg:""`
	Plan  string `placeholder:"HASH"`
	Again bool
	Watch bool
}

// Run launches a campaign.
func (c *campaignLaunchCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		return s.launch(api, campaignName(c.Name), web.CampaignLaunch{Hash: c.Plan, Again: c.Again}, c.Watch)
	})
}

// launch launches a campaign and says so; watch stays until it has ended.
func (s *session) launch(api *web.Client, name string, in web.CampaignLaunch, watch bool) error {
	run, err := api.LaunchCampaign(s.ctx, name, in)
	if err != nil {
		return err
	}
	if !watch || s.alone {
		return s.show(run, func() {
			if s.alone {
				s.printf("%s is ready; it is sent as soon as the daemon runs: rapport run\n", name)
				return
			}
			s.printf("%s is on its way; rapport campaign status %s says how far it is\n", name, name)
		})
	}
	for {
		p, err := api.Campaign(s.ctx, name)
		if err != nil {
			return err
		}
		left := p.Pending + p.Deferred + p.Ambiguous
		s.live("%s: %d of %d sent, %d to go", name, p.Accepted, p.Recipients, left)
		if string(p.State) != "running" {
			s.live("")
			return s.show(p, func() { s.progress(p) })
		}
		select {
		case <-s.ctx.Done():
			return s.ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

type campaignPauseCommand struct {
	Name string `arg:""`
}

// Run pauses a campaign.
func (c *campaignPauseCommand) Run(s *session) error { return s.steer(c.Name, "pause") }

type campaignResumeCommand struct {
	Name string `arg:""`
}

// Run lets a paused campaign go on.
func (c *campaignResumeCommand) Run(s *session) error { return s.steer(c.Name, "resume") }

type campaignCancelCommand struct {
	Name string `arg:""`
	Yes  bool
}

// Run ends a campaign: what has not left stays here.
func (c *campaignCancelCommand) Run(s *session) error {
	if err := s.confirm(c.Yes, "end %s? What has not left is not sent.", campaignName(c.Name)); err != nil {
		return err
	}
	return s.steer(c.Name, "cancel")
}

func (s *session) steer(name, do string) error {
	return s.online(func(api *web.Client) error {
		run, err := api.SteerCampaign(s.ctx, campaignName(name), do)
		if err != nil {
			return err
		}
		return s.show(run, func() { s.printf("%s is %s\n", run.Name, run.State) })
	})
}

type campaignStatusCommand struct {
	Name string `arg:""`
}

// Run says how the last run of a campaign stands.
func (c *campaignStatusCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		p, err := api.Campaign(s.ctx, campaignName(c.Name))
		if err != nil {
			return err
		}
		return s.show(p, func() { s.progress(p) })
	})
}

// live shows a line that the next one takes the place of, on a terminal only.
func (s *session) live(format string, args ...any) {
	if s.notes.terminal {
		fmt.Fprintf(s.err, "\r\x1b[K"+format, args...)
	}
}

// writes prints when a campaign writes by itself, and how far each of its steps
// is.
func (s *session) writes(w *web.CampaignWrites, window string) {
	if w != nil {
		occasion := map[string]string{"consent": "their consent", "sale": "a sale", "due": "the day a sale is to be paid", "interval": "a purchase and mail that are late"}[w.Trigger]
		occasion = orElse(occasion, "the day in "+w.Trigger)
		for _, step := range w.Steps {
			s.printf("  it writes %s", daysFrom(step.Days, occasion))
			if step.Name != "" {
				s.printf(": %s", plain(step.Name))
			}
			if step.Recipients > 0 {
				s.printf(", %d sent, %d waiting, %d held back", step.Accepted, step.Pending, step.Held)
			}
			s.printf("\n")
		}
		if len(w.Stop) > 0 {
			s.printf("  unless they %s since\n", strings.Join(w.Stop, " or "))
		}
	}
	if window != "" {
		s.printf("  its mails leave %s\n", window)
	}
}

// daysFrom says when it is, so many days after an occasion.
func daysFrom(days int, occasion string) string {
	switch unit := "days"; {
	case days == 0:
		return "on " + occasion
	case days == 1 || days == -1:
		unit = "day"
		fallthrough
	default:
		if days < 0 {
			return fmt.Sprintf("%d %s before %s", -days, unit, occasion)
		}
		return fmt.Sprintf("%d %s after %s", days, unit, occasion)
	}
}

// progress prints how a run stands.
func (s *session) progress(p web.CampaignProgress) {
	s.printf("%s is %s", p.Name, p.State)
	if p.Reason != "" {
		s.printf(": %s", plain(p.Reason))
	}
	s.printf("\n")
	s.writes(p.Writes, p.Window)
	if p.Seed > 0 && p.Seeded.IsZero() {
		s.printf("  the first %d leave before the others, which wait for what comes back\n", p.Seed)
	}
	s.printf("  %5d recipients\n", p.Recipients)
	for _, c := range []struct {
		what string
		n    int
	}{
		{"to be sent", p.Pending}, {"to be tried again", p.Deferred}, {"in doubt", p.Ambiguous}, {"taken by the server", p.Accepted},
		{"refused by the server", p.Rejected}, {"unknown: not sent again", p.Unknown}, {"suppressed", p.Suppressed}, {"skipped", p.Skipped},
		{"cancelled", p.Cancelled}, {"expired", p.Expired},
	} {
		if c.n > 0 {
			s.printf("  %5d %s\n", c.n, c.what)
		}
	}
	for _, why := range slices.Sorted(maps.Keys(p.Reasons)) {
		s.printf("        %d because %s\n", p.Reasons[why], strings.ReplaceAll(why, "_", " "))
	}
	s.printf("  came back: %d bounced, %d replied, %d unsubscribed, %d complained\n", p.Bounced, p.Replied, p.Unsubs, p.Complained)
}
