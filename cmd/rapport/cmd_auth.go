package main

import (
	"bufio"
	"context"
	"strings"
	"time"

	"rapport/internal/config"
	"rapport/internal/rescue"
	"rapport/web"
)

type authGroup struct {
	Login  authLoginCommand  `cmd:""`
	Status authStatusCommand `cmd:""`
	Logout authLogoutCommand `cmd:""`
	Guide  authGuideCommand  `cmd:""`
}

type authLoginCommand struct {
	Name string `arg:""`
	Flow string `placeholder:"FLOW" enum:",device,code" default:""`
}

// Run has a person sign in for a mailbox or sender.
func (c *authLoginCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		ctx, cancel := context.WithCancel(s.ctx)
		defer cancel()
		var asked bool
		g, err := api.SignInGrant(ctx, c.Name, c.Flow, func(step web.GrantStep) {
			if asked {
				return
			}
			asked = true
			s.signInStep(ctx, api, c.Name, step)
		})
		if err != nil {
			return err
		}
		if s.json {
			return s.object(g)
		}
		s.printf("\nSigned in%s. The sign-in is kept, encrypted, and renews itself.\n", after(" as ", plain(g.Account)))
		return s.findings(g.Findings)
	})
}

func after(words, what string) string {
	if what == "" {
		return ""
	}
	return words + what
}

// signInStep tells the person what to do, and takes the address of a browser
// on another machine from the keyboard.
func (s *session) signInStep(ctx context.Context, api *web.Client, name string, step web.GrantStep) {
	if s.json {
		_ = s.object(step)
	}
	say := func(format string, args ...any) {
		if !s.json {
			s.printf(format, args...)
		}
	}
	say("Sign in for %s, until %s:\n", plain(name), s.local(step.Until))
	if step.Code != "" {
		say("  1. On any device, open   %s\n  2. Type the code         %s\n  3. Sign in as the mailbox's owner and agree.\nThis command waits.\n", plain(step.Open), plain(step.Code))
		return
	}
	say("  1. Open in a browser:\n\n%s\n\n  2. Sign in as the mailbox's owner and agree.\n", plain(step.Open))
	say("  3. If the browser is on another machine, its last page cannot be shown there: copy the\n     whole address of that page, which begins with %s, paste it here and press Enter.\nThis command waits.\n", plain(step.Redirect))
	if !s.notes.terminal && s.json {
		return
	}
	go func() { _ = rescue.Do(func() error { s.paste(ctx, api); return nil }) }()
}

// paste hands over what is pasted, until it is taken. It ends with the
// keyboard, mostly with the process.
func (s *session) paste(ctx context.Context, api *web.Client) {
	lines := bufio.NewScanner(s.in)
	lines.Buffer(nil, 64<<10)
	for lines.Scan() {
		address := strings.TrimSpace(lines.Text())
		if address == "" {
			continue
		}
		err := api.AnswerGrant(ctx, address)
		if err == nil || ctx.Err() != nil {
			return
		}
		s.note("%v", err)
	}
}

type authStatusCommand struct{}

// Run says how mailboxes and senders get their access tokens.
func (c *authStatusCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		page, err := api.Grants(s.ctx)
		if err != nil {
			return err
		}
		stopped := false
		for _, g := range page.Items {
			stopped = stopped || g.State == web.GrantStopped
		}
		if s.json {
			if err := objects(s, page.Items); err != nil {
				return err
			}
		} else {
			s.grants(page.Items)
		}
		if stopped {
			return failed()
		}
		return nil
	})
}

// grants shows who gets tokens how, and what to do about faults.
func (s *session) grants(all []web.Grant) {
	if len(all) == 0 {
		s.printf("no mailbox or sender signs in with OAuth; `rapport auth guide` says how to set it up\n")
		return
	}
	t := newTable(column{title: "FOR", least: 12}, column{title: "FLOW"}, column{title: "STATE"}, column{title: "SIGNED IN", least: 10}, column{title: "RENEWED"}, column{title: "SECRET ENDS"})
	for _, g := range all {
		who := "by itself"
		if !g.SignedIn.IsZero() {
			who = strings.TrimSpace(s.local(g.SignedIn) + " " + g.Account)
		} else if g.Flow == "device" || g.Flow == "code" {
			who = "nobody yet"
		}
		t.add(g.Object, g.Flow, g.State, who, s.local(g.Renewed), s.endText(g.SecretEnds))
	}
	t.print(s)
	for _, g := range all {
		if g.Error != "" || g.Fix != "" {
			s.printf("\n%s: %s\n", plain(g.Object), strings.TrimSpace(plain(g.Error)+after("\n  ", plain(g.Fix))))
		}
	}
}

func (s *session) endText(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.Format(time.DateOnly)
}

type authLogoutCommand struct {
	Name string `arg:""`
	Yes  bool   `short:"y"`
}

// Run forgets a sign-in.
func (c *authLogoutCommand) Run(s *session) error {
	if err := s.confirm(c.Yes, "forget the sign-in of %s? its mail is no longer read until somebody signs in again", c.Name); err != nil {
		return err
	}
	return s.online(func(api *web.Client) error {
		if err := api.EndGrant(s.ctx, c.Name); err != nil {
			return err
		}
		return s.show(struct{}{}, func() {
			s.printf("forgotten; to take the access back at the issuer too, remove the app there: myapps.microsoft.com, or myaccount.google.com/connections\n")
		})
	})
}

type authGuideCommand struct {
	Name string `arg:"" optional:""`
}

// Run prints what to click and type for the mailboxes of the configuration.
func (c *authGuideCommand) Run(s *session) error {
	path, err := s.configPath()
	var cfg *config.Config
	if err == nil {
		cfg, err = config.Draft(path) // what it lacks, the guide says how to get
	}
	if err != nil && c.Name != "" {
		return err
	}
	if cfg != nil {
		cfg = s.grouped(cfg)
	}
	text, err := guide(cfg, c.Name)
	if err != nil {
		return err
	}
	return s.show(map[string]string{"guide": text}, func() { s.printf("%s", text) })
}

// grouped adds the mailboxes of groups whose lists can be had.
func (s *session) grouped(cfg *config.Config) *config.Config {
	lists := map[string][]config.GroupUser{}
	for _, g := range cfg.Groups {
		users, _, err := cfg.ReadGroup(s.ctx, g)
		if err != nil {
			s.note("%v", err)
		}
		lists[g.Name] = users
	}
	cfg, _ = cfg.WithGroups(lists)
	return cfg
}
