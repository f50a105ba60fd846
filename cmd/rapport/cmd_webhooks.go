package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"rapport/web"
)

type webhookGroup struct {
	List   webhookListCommand   `cmd:""`
	Add    webhookAddCommand    `cmd:""`
	Change webhookChangeCommand `cmd:""`
	Test   webhookTestCommand   `cmd:""`
	Log    webhookLogCommand    `cmd:""`
	Pause  webhookPauseCommand  `cmd:""`
	Resume webhookResumeCommand `cmd:""`
	Secret webhookSecretCommand `cmd:""`
	Remove webhookRemoveCommand `cmd:""`
}

type webhookListCommand struct{}

// Run lists the webhooks.
func (c *webhookListCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		page, err := api.Webhooks(s.ctx)
		if err != nil {
			return err
		}
		if s.json {
			return objects(s, page.Items)
		}
		if len(page.Items) == 0 {
			s.printf("no webhooks\n")
			return nil
		}
		t := newTable(column{title: "NAME", least: 10}, column{title: "STATE"}, column{title: "WAITING"}, column{title: "LAST TAKEN"}, column{title: "EVENTS", least: 10}, column{title: "ADDRESS", least: 20})
		for _, w := range page.Items {
			last := "never"
			if !w.Succeeded.IsZero() {
				last = s.local(w.Succeeded)
			}
			t.add(w.Name, w.State, strconv.Itoa(w.Waiting), last, eventsOf(w), w.URL)
		}
		t.print(s)
		for _, w := range page.Items {
			if w.Trouble != "" {
				s.printf("%s: %s\n", w.Name, w.Trouble)
			}
		}
		return nil
	})
}

func eventsOf(w web.Webhook) string {
	if len(w.Events) == 0 {
		return "all"
	}
	var names []string
	for _, e := range w.Events {
		names = append(names, string(e))
	}
	return strings.Join(names, ", ")
}

type webhookAddCommand struct {
	Name  string   `arg:""`
	URL   string   `arg:""`
	Event []string `placeholder:"TYPE"`
}

// Run has another program told what happens.
func (c *webhookAddCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		made, err := api.AddWebhook(s.ctx, web.NewWebhook{Name: c.Name, URL: c.URL, Events: web.EventTypes(c.Event)})
		if err != nil {
			return err
		}
		return s.showSecret(made)
	})
}

// showSecret prints the secret of a webhook, which is shown once.
func (s *session) showSecret(made web.WebhookMade) error {
	return s.show(made, func() {
		s.printf("%s signs with this secret. It is shown only here; give it to the receiver:\n  %s\n", made.Webhook.Name, made.Secret)
	})
}

type webhookChangeCommand struct {
	Who   string   `arg:""`
	Name  string   `placeholder:"NAME"`
	URL   string   `placeholder:"URL"`
	Event []string `placeholder:"TYPE"`
	All   bool
}

// Run changes a webhook.
func (c *webhookChangeCommand) Run(s *session) error {
	var change web.WebhookChange
	if c.Name != "" {
		change.Name = &c.Name
	}
	if c.URL != "" {
		change.URL = &c.URL
	}
	switch events := web.EventTypes(c.Event); {
	case c.All && len(events) > 0:
		return usage("--all is every type, so --event says nothing beside it")
	case c.All:
		change.Events = &events
	case len(events) > 0:
		change.Events = &events
	}
	if change == (web.WebhookChange{}) {
		return usage("nothing to change: give --name, --url, --event or --all")
	}
	return s.changeWebhook(c.Who, change, "changed")
}

func (s *session) changeWebhook(who string, change web.WebhookChange, done string) error {
	return s.online(func(api *web.Client) error {
		w, err := api.ChangeWebhook(s.ctx, who, change)
		if err != nil {
			return err
		}
		return s.show(w, func() { s.printf("%s: %s\n", w.Name, done) })
	})
}

type webhookPauseCommand struct {
	Who string `arg:""`
}

// Run has a webhook told nothing.
func (c *webhookPauseCommand) Run(s *session) error {
	return s.changeWebhook(c.Who, web.WebhookChange{Paused: new(true)}, "paused; what happens now is not kept for it")
}

type webhookResumeCommand struct {
	Who string `arg:""`
}

// Run has a webhook told again, also where it was given up.
func (c *webhookResumeCommand) Run(s *session) error {
	return s.changeWebhook(c.Who, web.WebhookChange{Paused: new(false)}, "goes on")
}

type webhookTestCommand struct {
	Who string `arg:""`
}

// Run sends a trial and says how that went.
func (c *webhookTestCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		d, err := api.TestWebhook(s.ctx, c.Who)
		if err != nil {
			return err
		}
		if d.State != "taken" {
			return fmt.Errorf("test webhook %s: it was not taken: %s", c.Who, d.Trouble)
		}
		return s.show(d, func() { s.printf("taken, with %d\n", d.Status) })
	})
}

type webhookLogCommand struct {
	Who string `arg:""`
	listFlags
}

// Run lists what waits for a webhook, and the last that ended.
func (c *webhookLogCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		return pages(s, c.listFlags, func(ctx context.Context, sl web.Slice) (web.Page[web.Dispatch], error) {
			return api.Dispatches(ctx, c.Who, sl)
		}, func(all []web.Dispatch) {
			if len(all) == 0 {
				s.printf("nothing waits, and nothing was sent yet\n")
				return
			}
			t := newTable(column{title: "WHEN"}, column{title: "EVENT"}, column{title: "STATE"}, column{title: "ATTEMPTS"}, column{title: "NEXT"}, column{title: "TROUBLE", least: 20})
			for _, d := range all {
				next := ""
				if !d.Next.IsZero() {
					next = s.local(d.Next)
				}
				t.add(s.local(d.Created), string(d.Type), d.State, strconv.Itoa(d.Attempts), next, d.Trouble)
			}
			t.print(s)
		})
	})
}

type webhookSecretCommand struct {
	Who string `arg:""`
}

// Run gives a webhook another secret.
func (c *webhookSecretCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		made, err := api.RenewWebhookSecret(s.ctx, c.Who)
		if err != nil {
			return err
		}
		return s.showSecret(made)
	})
}

type webhookRemoveCommand struct {
	Who string `arg:""`
	Yes bool   `short:"y"`
}

// Run removes a webhook.
func (c *webhookRemoveCommand) Run(s *session) error {
	if err := s.confirm(c.Yes, "remove webhook %s and what waits for it?", c.Who); err != nil {
		return err
	}
	return s.online(func(api *web.Client) error {
		if err := api.RemoveWebhook(s.ctx, c.Who); err != nil {
			return err
		}
		return s.show(struct{}{}, func() { s.printf("removed\n") })
	})
}
