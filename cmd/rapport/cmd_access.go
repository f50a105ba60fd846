package main

import (
	"strings"
	"time"

	"rapport/web"
)

type userGroup struct {
	List   userListCommand   `cmd:""`
	Invite userInviteCommand `cmd:""`
	Role   userRoleCommand   `cmd:""`
	Remove userRemoveCommand `cmd:""`
}

type userListCommand struct{}

// Run lists the people who sign in.
func (c *userListCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		page, err := api.Users(s.ctx)
		if err != nil {
			return err
		}
		if s.json {
			return objects(s, page.Items)
		}
		if len(page.Items) == 0 {
			s.printf("nobody is set up to sign in; `rapport user invite ADDRESS --role administrator` makes the first\n")
			return nil
		}
		t := newTable(column{title: "NAME", least: 10}, column{title: "ADDRESS", least: 12}, column{title: "ROLE"}, column{title: "SEES"},
			column{title: "SIGNS IN WITH", least: 10}, column{title: "LAST"})
		for _, u := range page.Items {
			ways, last := strings.Join(u.Ways, ", "), "never"
			if !u.Invited.IsZero() {
				ways = strings.TrimPrefix(ways+", link open until "+s.local(u.Invited), ", ")
			}
			if !u.SignedIn.IsZero() {
				last = s.local(u.SignedIn)
			}
			t.add(u.Name, string(u.Address), string(u.Role), string(u.Sees), ways, last)
		}
		t.print(s)
		return nil
	})
}

// objects prints a list as JSON Lines.
func objects[T any](s *session, all []T) error {
	for _, v := range all {
		if err := s.object(v); err != nil {
			return err
		}
	}
	return nil
}

type userInviteCommand struct {
	Address string `arg:""`
	Name    string `placeholder:"NAME"`
	Role    string `placeholder:"ROLE" default:"member" enum:"administrator,member,reader,own"`
	Sees    string `placeholder:"TIER" default:"full" enum:"full,subject,metadata,private"`
}

// Run makes a one-time link for somebody.
func (c *userInviteCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		made, err := api.InviteUser(s.ctx, web.NewInvite(c.Address, c.Name, c.Role, c.Sees))
		if err != nil {
			return err
		}
		return s.show(made, func() {
			s.printf("%s signs in as %s. Send them this link; it works once, until %s, and is shown only here:\n  %s\n",
				made.User.Name, made.User.Role, s.local(made.User.Invited), made.Link)
		})
	})
}

type userRoleCommand struct {
	Who  string `arg:""`
	Role string `arg:"" enum:"administrator,member,reader,own"`
	Sees string `placeholder:"TIER" enum:",full,subject,metadata,private" default:""`
}

// Run changes what somebody may do.
func (c *userRoleCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		u, err := api.ChangeUser(s.ctx, c.Who, web.NewUserChange(c.Role, c.Sees))
		if err != nil {
			return err
		}
		return s.show(u, func() { s.printf("%s is %s and sees %s\n", u.Name, u.Role, u.Sees) })
	})
}

type userRemoveCommand struct {
	Who string `arg:""`
	Yes bool   `short:"y"`
}

// Run removes somebody with all sessions and tokens.
func (c *userRemoveCommand) Run(s *session) error {
	if err := s.confirm(c.Yes, "remove the sign-in, sessions and tokens of %s?", c.Who); err != nil {
		return err
	}
	return s.online(func(api *web.Client) error {
		if err := api.RemoveUser(s.ctx, c.Who); err != nil {
			return err
		}
		return s.show(struct{}{}, func() { s.printf("%s can no longer sign in\n", c.Who) })
	})
}

type tokenGroup struct {
	Create tokenCreateCommand `cmd:""`
	List   tokenListCommand   `cmd:""`
	Revoke tokenRevokeCommand `cmd:""`
}

type tokenCreateCommand struct {
	Name  string `arg:""`
	User  string `required:"" placeholder:"ADDRESS"`
	Scope string `placeholder:"SCOPE" default:"read" enum:"read,write,manage"`
	Days  int    `placeholder:"N" default:"90"`
}

// Run makes a token for a program.
func (c *tokenCreateCommand) Run(s *session) error {
	in := web.NewToken{Name: c.Name, User: c.User, Scope: c.Scope}
	switch {
	case c.Days < 0 || c.Days > 3660:
		return usage("--days takes 1 to 3660, or 0 for no end")
	case c.Days > 0:
		in.Expires = s.now().Add(time.Duration(c.Days) * 24 * time.Hour)
	}
	return s.online(func(api *web.Client) error {
		made, err := api.CreateToken(s.ctx, in)
		if err != nil {
			return err
		}
		return s.show(made, func() {
			s.printf("A token of %s to %s. It is shown only here; send it as `Authorization: Bearer TOKEN`:\n  %s\n", made.Token.User, made.Token.Scope, made.Secret)
		})
	})
}

type tokenListCommand struct{}

// Run lists the tokens of all users.
func (c *tokenListCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		page, err := api.Tokens(s.ctx)
		if err != nil {
			return err
		}
		if s.json {
			return objects(s, page.Items)
		}
		if len(page.Items) == 0 {
			s.printf("no tokens\n")
			return nil
		}
		t := newTable(column{title: "NAME", least: 10}, column{title: "USER", least: 12}, column{title: "SCOPE"}, column{title: "EXPIRES"}, column{title: "USED"}, column{title: "ID"})
		for _, k := range page.Items {
			expires, used := "never", "never"
			switch {
			case k.Expired:
				expires = "expired"
			case !k.Expires.IsZero():
				expires = s.local(k.Expires)
			}
			if !k.Used.IsZero() {
				used = s.local(k.Used)
			}
			t.add(k.Name, k.User, k.Scope, expires, used, k.ID)
		}
		t.print(s)
		return nil
	})
}

type tokenRevokeCommand struct {
	ID string `arg:""`
}

// Run revokes a token.
func (c *tokenRevokeCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		if err := api.RevokeToken(s.ctx, c.ID); err != nil {
			return err
		}
		return s.show(struct{}{}, func() { s.printf("revoked\n") })
	})
}
