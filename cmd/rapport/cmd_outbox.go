package main

import (
	"context"

	"rapport/web"
)

type outboxGroup struct {
	List    outboxListCommand    `cmd:""`
	Show    outboxShowCommand    `cmd:""`
	Retry   outboxRetryCommand   `cmd:""`
	Resolve outboxResolveCommand `cmd:""`
}

type outboxListCommand struct {
	listFlags
	Campaign string `placeholder:"NAME"`
	State    string `placeholder:"STATE"`
	To       string `placeholder:"ADDRESS"`
}

// Run lists the mails of campaigns.
func (c *outboxListCommand) Run(s *session) error {
	f := web.DeliveryFilter{Campaign: c.Campaign, State: c.State, Address: c.To}
	return s.online(func(api *web.Client) error {
		return pages(s, c.listFlags, func(ctx context.Context, sl web.Slice) (web.Page[web.Delivery], error) {
			return api.Deliveries(ctx, f, sl)
		}, func(ds []web.Delivery) {
			if len(ds) == 0 {
				s.printf("no mails of campaigns\n")
				return
			}
			t := newTable(column{title: "STATE"}, column{title: "TO", least: 16}, column{title: "SINCE"}, column{title: "SUBJECT", least: 10}, column{title: "REASON", least: 10}, column{title: "ID"})
			for _, d := range ds {
				t.add(string(d.State), string(d.Address), s.local(d.Changed), d.Subject, d.Reason, string(d.ID))
			}
			t.print(s)
		})
	})
}

type outboxShowCommand struct {
	ID string `arg:""`
}

// Run shows one mail of a campaign.
func (c *outboxShowCommand) Run(s *session) error {
	return s.delivery(func(api *web.Client) (web.Delivery, error) { return api.Delivery(s.ctx, c.ID) })
}

type outboxRetryCommand struct {
	ID string `arg:""`
}

// Run tries a mail that was put off now.
func (c *outboxRetryCommand) Run(s *session) error {
	return s.delivery(func(api *web.Client) (web.Delivery, error) { return api.RetryDelivery(s.ctx, c.ID) })
}

type outboxResolveCommand struct {
	ID string `arg:""`
	As string `arg:"" enum:"sent,resend"`
}

// Run decides whether a mail whose answer was lost was sent.
func (c *outboxResolveCommand) Run(s *session) error {
	return s.delivery(func(api *web.Client) (web.Delivery, error) { return api.ResolveDelivery(s.ctx, c.ID, c.As) })
}

// delivery shows one mail of a campaign.
func (s *session) delivery(get func(*web.Client) (web.Delivery, error)) error {
	return s.online(func(api *web.Client) error {
		d, err := get(api)
		if err != nil {
			return err
		}
		return s.show(d, func() {
			s.printf("%s  %s to %s, since %s\n", d.ID, d.State, d.Address, s.local(d.Changed))
			for _, line := range []struct{ what, text string }{
				{"subject", d.Subject}, {"reason", d.Reason}, {"server", orElse(d.Reply, d.QueueID)}, {"message-id", d.MessageID},
			} {
				if line.text != "" {
					s.printf("  %-10s %s\n", line.what, plain(line.text))
				}
			}
		})
	})
}

type whyCommand struct {
	Address string `arg:""`
}

// Run says what somebody did and did not get, each with the reason.
func (c *whyCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		a, err := api.ExplainAddress(s.ctx, c.Address)
		if err != nil {
			return err
		}
		return s.show(a, func() {
			for _, o := range a.Suppressed {
				s.printf("%s is not written to%s: %s, since %s, by %s\n", a.Address, forPurpose(o.Purpose), o.Why, s.local(o.At), plain(o.By))
			}
			for _, g := range a.Got {
				s.printf("%s  %-12s %-10s %s\n", s.local(g.Changed), g.Campaign, g.State, plain(orElse(g.Reason, g.Subject)))
			}
			for _, n := range a.Now {
				if n.Sent {
					s.printf("%s would go to %s now\n", n.Campaign, a.Address)
				} else {
					s.printf("%s would not go to %s now: %s\n", n.Campaign, a.Address, n.Reason)
				}
			}
			if len(a.Suppressed)+len(a.Got)+len(a.Now) == 0 {
				s.printf("%s got nothing, and there is no campaign\n", a.Address)
			}
		})
	})
}

func forPurpose(purpose string) string {
	if purpose == "" {
		return ""
	}
	return " for " + purpose
}

type suppressCommand struct {
	Address string `arg:"" optional:""`
	Purpose string `placeholder:"PURPOSE"`
	listFlags
}

// Run has an address not be written to; without one it lists those there are.
func (c *suppressCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		if c.Address != "" {
			o, err := api.Suppress(s.ctx, web.NewSuppression{Address: c.Address, Purpose: c.Purpose})
			if err != nil {
				return err
			}
			return s.show(o, func() { s.printf("%s is not written to any more%s\n", o.Address, forPurpose(o.Purpose)) })
		}
		return pages(s, c.listFlags, api.Suppressions, func(all []web.Suppression) {
			t := newTable(column{title: "ADDRESS", least: 16}, column{title: "PURPOSE"}, column{title: "WHY"}, column{title: "SINCE"}, column{title: "BY", least: 8})
			for _, o := range all {
				t.add(orElse(o.Address, "(erased)"), orElse(o.Purpose, "all"), o.Why, s.local(o.At), o.By)
			}
			t.print(s)
		})
	})
}

type unsuppressCommand struct {
	Address string `arg:""`
	Purpose string `placeholder:"PURPOSE"`
}

// Run lets an address be written to again.
func (c *unsuppressCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		n, err := api.Unsuppress(s.ctx, c.Address, c.Purpose)
		if err != nil {
			return err
		}
		return s.show(n, func() { s.printf("%s may be written to again\n", c.Address) })
	})
}

type consentCommand struct {
	Who      string `arg:""`
	Purpose  string `arg:""`
	Withdraw bool
	Basis    string `placeholder:"TEXT"`
	Source   string `placeholder:"TEXT"`
}

// Run records what somebody agreed to, or took back.
func (c *consentCommand) Run(s *session) error {
	in := web.NewConsent{Purpose: c.Purpose, Withdrawn: c.Withdraw, Basis: c.Basis, Source: c.Source}
	return s.online(func(api *web.Client) error {
		who, err := api.RecordConsent(s.ctx, c.Who, in)
		if err != nil {
			return err
		}
		return s.show(who, func() {
			if c.Withdraw {
				s.printf("%s has taken back the consent to %s\n", plain(who.Name), c.Purpose)
				return
			}
			s.printf("%s agrees to %s\n", plain(who.Name), c.Purpose)
		})
	})
}
