package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rapport/records/contact"
	"rapport/web"
)

// filterFlags narrow lists of contacts and organisations.
type filterFlags struct {
	Kind  string `placeholder:"KIND"`
	Stage string `placeholder:"STAGE"`
	Role  string `placeholder:"ROLE"`
	Owner string `placeholder:"MEMBER"`
	Tag   string `placeholder:"TAG"`
	Text  string `placeholder:"WORDS"`

	Waiting    string `placeholder:"us|them"`
	QuietSince string `placeholder:"DAY"`
	Sort       string `placeholder:"ORDER"`
}

// filter is what the API is asked for. A day begins at midnight here.
func (f filterFlags) filter() (web.Filter, error) {
	out := web.Filter{Kind: f.Kind, Stage: f.Stage, Role: f.Role, Owner: f.Owner, Tag: f.Tag, Text: f.Text, Waiting: f.Waiting, Sort: f.Sort}
	if f.QuietSince == "" {
		return out, nil
	}
	day, err := time.ParseInLocation("2006-01-02", f.QuietSince, time.Local)
	if err != nil {
		return out, fmt.Errorf("--quiet-since %q is no day; write it as 2026-01-31", f.QuietSince)
	}
	out.QuietSince = day.Format(time.RFC3339)
	return out, nil
}

// recordFlags are the fields a new contact and a new organisation share.
type recordFlags struct {
	Name     string            `placeholder:"NAME"`
	Kind     string            `placeholder:"KIND"`
	Stage    string            `placeholder:"STAGE"`
	Role     string            `placeholder:"ROLE"`
	Owner    string            `placeholder:"MEMBER"`
	Tag      []string          `placeholder:"TAG" sep:"none"`
	Phone    []string          `placeholder:"NUMBER" sep:"none"`
	Language string            `placeholder:"TAG"`
	Timezone string            `placeholder:"ZONE"`
	Note     string            `placeholder:"TEXT"`
	Custom   map[string]string `placeholder:"FIELD=VALUE" mapsep:"none"`
}

// editFlags change a record.
type editFlags struct {
	Who       string            `arg:""`
	Set       map[string]string `placeholder:"FIELD=VALUE" mapsep:"none"`
	AddTag    []string          `placeholder:"TAG" sep:"none"`
	RemoveTag []string          `placeholder:"TAG" sep:"none"`
	AddPhone  []string          `placeholder:"NUMBER" sep:"none"`
}

func (f editFlags) edit() web.Edit {
	e := web.Edit{Set: f.Set, Add: map[string][]string{}, Remove: map[string][]string{}}
	lists(e.Add, "tags", f.AddTag, "phones", f.AddPhone)
	lists(e.Remove, "tags", f.RemoveTag)
	return e
}

// lists puts pairs of name and values into m where there are values.
func lists(m map[string][]string, pairs ...any) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if values := pairs[i+1].([]string); len(values) > 0 {
			m[pairs[i].(string)] = values
		}
	}
}

func nothingToChange(e web.Edit) error {
	if len(e.Set)+len(e.Add)+len(e.Remove) == 0 {
		return usage("nothing to change, give --set FIELD=VALUE, --add-tag TAG or one of the other changes")
	}
	return nil
}

type importCommand struct {
	File   string `arg:""`
	DryRun bool
	Kind   string   `placeholder:"KIND"`
	Owner  string   `placeholder:"MEMBER"`
	Tag    []string `placeholder:"TAG" sep:"none"`
}

// Run imports a file, all of it or nothing.
func (c *importCommand) Run(s *session) error {
	f, err := s.open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	return s.online(func(api *web.Client) error {
		stop := s.busy("importing")
		result, err := api.Import(s.ctx, f, web.ImportOptions{
			Name: filepath.Base(c.File), Dry: c.DryRun, Kind: c.Kind, Owner: c.Owner, Tags: c.Tag,
		})
		stop()
		if err != nil {
			return err
		}
		return s.imported(c.File, result, result, func() {
			if result.NoKind > 0 {
				s.printf("%s without a kind: neither customer nor partner; --kind KIND says what rows are that give none\n", number(result.NoKind))
			}
		})
	})
}

// imported shows what an import answered, and what became of its lines; more
// says the rest of it.
func (s *session) imported(file string, answer any, result contact.ImportResult, more func()) error {
	err := s.show(answer, func() {
		for _, e := range result.Errors {
			s.note("%s:%d: %s", file, e.Line, e.What)
		}
		if len(result.Errors) > 0 {
			faults := "faults"
			if len(result.Errors) == 1 {
				faults = "fault"
			}
			s.printf("nothing imported, %s %s\n", number(len(result.Errors)), faults)
			return
		}
		for _, row := range result.Rows {
			s.printf("%s:%d: would %s %s\n", plain(file), row.Line, row.Does, plain(row.Name))
		}
		if all := result.Added + result.Updated + result.Unchanged; result.Dry && len(result.Rows) < all {
			s.printf("and %s more\n", number(all-len(result.Rows)))
		}
		what := "imported"
		if result.Dry {
			what = "would be imported"
		}
		s.printf("%s: %s added, %s updated, %s unchanged\n", what,
			number(result.Added), number(result.Updated), number(result.Unchanged))
		more()
	})
	if err == nil && len(result.Errors) > 0 {
		return failed()
	}
	return err
}

// open opens a file to read; - is standard input.
func (s *session) open(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(s.in), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, usage("%w", err)
	}
	return f, nil
}

type contactListCommand struct {
	filterFlags
	listFlags
}

// Run lists contacts.
func (c *contactListCommand) Run(s *session) error {
	filter, err := c.filter()
	if err != nil {
		return err
	}
	return s.online(func(api *web.Client) error {
		return pages(s, c.listFlags, func(ctx context.Context, sl web.Slice) (web.Page[web.Contact], error) {
			return api.Contacts(ctx, filter, sl)
		}, func(cs []web.Contact) {
			if len(cs) == 0 {
				s.printf("no contacts\n")
				return
			}
			t := newTable(column{title: "NAME", least: 12}, column{title: "ADDRESS", least: 14}, column{title: "ORGANISATION", least: 10},
				column{title: "KIND"}, column{title: "OWNER", least: 8}, column{title: "ID"})
			for _, c := range cs {
				t.add(c.Name, firstOf(c.Addresses), firstOrganisation(c), string(c.Kind), string(c.Owner), string(c.ID))
			}
			t.print(s)
		})
	})
}

func firstOf[T ~string](items []T) string {
	switch len(items) {
	case 0:
		return ""
	case 1:
		return string(items[0])
	}
	return fmt.Sprintf("%s +%d", items[0], len(items)-1)
}

func firstOrganisation(c web.Contact) string {
	names := make([]string, len(c.Organisations))
	for i, o := range c.Organisations {
		names[i] = o.Name
	}
	return firstOf(names)
}

type contactShowCommand struct {
	Who string `arg:""`
}

// Run shows one contact.
func (c *contactShowCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		person, err := api.Contact(s.ctx, c.Who)
		if err != nil {
			return err
		}
		return s.show(person, func() { s.contact(person) })
	})
}

type contactAddCommand struct {
	recordFlags
	Email        []string `placeholder:"ADDRESS" sep:"none"`
	Organisation string   `placeholder:"WHO"`
	Title        string   `placeholder:"TITLE"`
	DecisionRole string   `placeholder:"ROLE"`
}

// Run adds a contact.
func (c *contactAddCommand) Run(s *session) error {
	if c.Name == "" && len(c.Email) == 0 {
		return usage("a contact needs --name or --email, see `rapport contact add --help`")
	}
	return s.online(func(api *web.Client) error {
		person, err := api.AddContact(s.ctx, web.ContactInput{
			Name: c.Name, Emails: c.Email, Organisation: c.Organisation, Title: c.Title, DecisionRole: c.DecisionRole,
			Kind: c.Kind, Stage: c.Stage, Role: c.Role, Owner: c.Owner, Tags: c.Tag, Phones: c.Phone,
			Language: c.Language, TimeZone: c.Timezone, Note: c.Note, Custom: c.Custom,
		})
		if err != nil {
			return err
		}
		return s.show(person, func() {
			s.printf("added %s\n", s.screen.paint(bold, plain(person.Name)))
			s.contact(person)
		})
	})
}

type contactEditCommand struct {
	editFlags
	AddEmail           []string `placeholder:"ADDRESS" sep:"none"`
	RemoveEmail        []string `placeholder:"ADDRESS" sep:"none"`
	AddOrganisation    []string `placeholder:"WHO" sep:"none"`
	RemoveOrganisation []string `placeholder:"WHO" sep:"none"`
}

// Run changes a contact.
func (c *contactEditCommand) Run(s *session) error {
	e := c.edit()
	lists(e.Add, "emails", c.AddEmail, "organisations", c.AddOrganisation)
	lists(e.Remove, "emails", c.RemoveEmail, "organisations", c.RemoveOrganisation)
	if err := nothingToChange(e); err != nil {
		return err
	}
	return s.online(func(api *web.Client) error {
		person, err := api.EditContact(s.ctx, c.Who, e)
		if err != nil {
			return err
		}
		return s.show(person, func() { s.contact(person) })
	})
}

type contactMergeCommand struct {
	Keep string `arg:""`
	Lose string `arg:""`
}

// Run merges two contacts.
func (c *contactMergeCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error { return s.audited(api.MergeContacts(s.ctx, c.Keep, c.Lose)) })
}

// audited says how a change can be taken back.
func (s *session) audited(a web.Audited, err error) error {
	if err != nil {
		return err
	}
	return s.show(a, func() {
		if a.Audit == "" {
			s.printf("%s\n", plain(a.Note))
			return
		}
		s.printf("done; `rapport undo %s` takes it back\n", plain(a.Audit))
	})
}

type contactExportCommand struct {
	Who string `arg:""`
	Dir string `arg:""`
}

// Run writes everything of one person to a directory.
func (c *contactExportCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		return s.unpack(c.Dir, func(w io.Writer) error { return api.ExportContact(s.ctx, c.Who, w) })
	})
}

type contactEraseCommand struct {
	Who string `arg:""`
	Now bool
	Yes bool
}

// Run erases a person.
func (c *contactEraseCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		person, err := api.Contact(s.ctx, c.Who)
		if err != nil {
			return err
		}
		if err := s.confirm(c.Yes, "Erase %s (%s) and all mail that concerns nobody else? This cannot be undone.",
			plain(person.Name), plain(firstOf(person.Addresses))); err != nil {
			return err
		}
		return s.erased(api.EraseContact(s.ctx, string(person.ID), c.Now))
	})
}

func (s *session) erased(r web.EraseResult, err error) error {
	if err != nil {
		return err
	}
	return s.show(r, func() {
		s.printf("erased: %s messages and %s other entries removed, %s kept for others\n", number(r.Messages), number(r.Entries), number(r.Shared))
		if r.Physical != "" {
			s.printf("the bytes leave the disk: %s\n", plain(r.Physical))
		}
	})
}

// field prints one line of a record where it has a value.
func (s *session) field(name, value string) {
	if value = plain(value); value == "" {
		return
	}
	lines := wrap(value, max(20, s.screen.width-16))
	s.printf("%s%s\n", s.screen.paint(dim, pad(name, 14)), lines[0])
	for _, line := range lines[1:] {
		s.printf("%s%s\n", strings.Repeat(" ", 14), line)
	}
}
