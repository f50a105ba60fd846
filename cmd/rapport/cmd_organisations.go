package main

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"

	"rapport/web"
)

type organisationListCommand struct {
	filterFlags
	listFlags
}

// Run lists organisations.
func (c *organisationListCommand) Run(s *session) error {
	filter, err := c.filter()
	if err != nil {
		return err
	}
	return s.online(func(api *web.Client) error {
		return pages(s, c.listFlags, func(ctx context.Context, sl web.Slice) (web.Page[web.Organisation], error) {
			return api.Organisations(ctx, filter, sl)
		}, func(os []web.Organisation) {
			if len(os) == 0 {
				s.printf("no organisations\n")
				return
			}
			t := newTable(column{title: "NAME", least: 12}, column{title: "DOMAINS", least: 14}, column{title: "KIND"},
				column{title: "STAGE"}, column{title: "OWNER", least: 8}, column{title: "ID"})
			for _, o := range os {
				t.add(o.Name, strings.Join(domainNames(o), ", "), string(o.Kind), string(o.Stage), string(o.Owner), string(o.ID))
			}
			t.print(s)
		})
	})
}

func domainNames(o web.Organisation) []string {
	var names []string
	for _, d := range o.Domains {
		name := d.Name
		if d.Shared {
			name += " (shared)"
		}
		names = append(names, name)
	}
	return names
}

type organisationShowCommand struct {
	Who string `arg:""`
}

// Run shows one organisation with its people.
func (c *organisationShowCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		o, err := api.Organisation(s.ctx, c.Who)
		if err != nil {
			return err
		}
		return s.show(o, func() { s.organisation(o) })
	})
}

type organisationAddCommand struct {
	recordFlags
	Domain []string `placeholder:"DOMAIN" sep:"none"`
	Shared bool
}

// Run adds an organisation.
func (c *organisationAddCommand) Run(s *session) error {
	if c.Name == "" {
		return usage("an organisation needs --name, see `rapport organisation add --help`")
	}
	return s.online(func(api *web.Client) error {
		o, err := api.AddOrganisation(s.ctx, web.OrganisationInput{
			Name: c.Name, Domains: c.Domain, Shared: c.Shared, Kind: c.Kind, Stage: c.Stage, Role: c.Role, Owner: c.Owner,
			Tags: c.Tag, Phones: c.Phone, Language: c.Language, TimeZone: c.Timezone, Note: c.Note, Custom: c.Custom,
		})
		if err != nil {
			return err
		}
		return s.show(o, func() {
			s.printf("added %s\n", s.screen.paint(bold, plain(o.Name)))
			s.organisation(o)
		})
	})
}

type organisationEditCommand struct {
	editFlags
	AddDomain       []string `placeholder:"DOMAIN" sep:"none"`
	AddSharedDomain []string `placeholder:"DOMAIN" sep:"none"`
	RemoveDomain    []string `placeholder:"DOMAIN" sep:"none"`
}

// Run changes an organisation.
func (c *organisationEditCommand) Run(s *session) error {
	e := c.edit()
	lists(e.Add, "domains", c.AddDomain, "shared-domains", c.AddSharedDomain)
	lists(e.Remove, "domains", c.RemoveDomain)
	if err := nothingToChange(e); err != nil {
		return err
	}
	return s.online(func(api *web.Client) error {
		o, err := api.EditOrganisation(s.ctx, c.Who, e)
		if err != nil {
			return err
		}
		return s.show(o, func() { s.organisation(o) })
	})
}

type organisationMergeCommand struct {
	Keep string `arg:""`
	Lose string `arg:""`
}

// Run merges two organisations.
func (c *organisationMergeCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error { return s.audited(api.MergeOrganisations(s.ctx, c.Keep, c.Lose)) })
}

type organisationExportCommand struct {
	Who string `arg:""`
	Dir string `arg:""`
}

// Run writes everything of one organisation to a directory.
func (c *organisationExportCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		return s.unpack(c.Dir, func(w io.Writer) error { return api.ExportOrganisation(s.ctx, c.Who, w) })
	})
}

type organisationEraseCommand struct {
	Who string `arg:""`
	Now bool
	Yes bool
}

// Run erases an organisation.
func (c *organisationEraseCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		o, err := api.Organisation(s.ctx, c.Who)
		if err != nil {
			return err
		}
		if err := s.confirm(c.Yes, "Erase %s and all mail that concerns nobody else? This cannot be undone.", plain(o.Name)); err != nil {
			return err
		}
		return s.erased(api.EraseOrganisation(s.ctx, string(o.ID), c.Now))
	})
}

// contact prints one person.
func (s *session) contact(c web.Contact) {
	s.printf("%s\n", s.screen.paint(bold, plain(c.Name)))
	for i, a := range c.Addresses {
		s.field(label("address", i), string(a))
	}
	for i, o := range c.Organisations {
		text := o.Name
		if o.Title != "" {
			text = o.Title + ", " + text
		}
		if o.Role != "" {
			text += " (" + o.Role + ")"
		}
		s.field(label("at", i), text)
	}
	s.common(string(c.Kind), string(c.Stage), c.Role, string(c.Owner), c.Tags, c.Phones, c.Language, c.TimeZone, c.Custom, c.Note)
	for i, p := range c.Consents {
		s.field(label("consent", i), p.Purpose+" "+p.State+", "+s.local(p.At))
	}
	s.field("changed", s.local(c.Updated))
	s.field("merged into", string(c.MergedInto))
	s.field("id", string(c.ID))
}

func (s *session) organisation(o web.Organisation) {
	s.printf("%s\n", s.screen.paint(bold, plain(o.Name)))
	s.field("domains", strings.Join(domainNames(o), ", "))
	s.common(string(o.Kind), string(o.Stage), o.Role, string(o.Owner), o.Tags, o.Phones, o.Language, o.TimeZone, o.Custom, o.Note)
	var names []string
	for _, c := range o.Contacts {
		names = append(names, c.Name)
	}
	s.field("people", strings.Join(names, ", "))
	s.field("changed", s.local(o.Updated))
	s.field("merged into", string(o.MergedInto))
	s.field("id", string(o.ID))
}

// common prints what contacts and organisations share.
func (s *session) common(kind, stage, role, owner string, tags, phones []string, language, zone string, custom map[string]string, note string) {
	s.field("kind", strings.Trim(kind+", "+stage, ", "))
	s.field("role", role)
	s.field("owner", owner)
	s.field("tags", strings.Join(tags, ", "))
	s.field("phone", strings.Join(phones, ", "))
	s.field("language", strings.Trim(language+", "+zone, ", "))
	for _, k := range slices.Sorted(maps.Keys(custom)) {
		s.field(cut(plain(k), 13), custom[k])
	}
	s.field("note", note)
}

// label is a field's name on its first line and nothing below.
func label(name string, i int) string {
	if i > 0 {
		return ""
	}
	return name
}
