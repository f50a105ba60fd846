package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
)

// MailboxGroup is the mailboxes of a whole team in one entry: a template and
// a list of users, each of whom is a mailbox of its own.
type MailboxGroup struct {
	Name     string   `yaml:"name" required:"true" doc:"Short name of the group, used in messages about its list."`
	Template Template `yaml:"template" required:"true" doc:"A mailbox as under mailboxes, in which {user}, {local} and {domain} stand for what the list says."`
	Users    List     `yaml:"users" doc:"The users themselves, each as in a list file."`
	File     string   `yaml:"file" path:"file" doc:"File with one user a line, an address and where wanted a name for the mailbox; it is followed as it changes."`
	Command  Command  `yaml:"command" secret:"true" doc:"Command that prints such lines: a list is run as it stands, a string by sh -c."`
	Every    Duration `yaml:"every" default:"15m" doc:"How often the command is run."`
}

// Template is a mailbox whose texts may hold {user}, {local} and {domain}.
type Template Mailbox

// GroupUser is one line of a group's list.
type GroupUser struct {
	User string // an account, mostly an address
	Name string // of the mailbox; empty: what the template makes of the user
}

// Bounds on the list of a group.
const (
	maxList       = 1 << 20 // bytes
	maxGroupUsers = 5000
	listTime      = time.Minute // for a command
)

// isUser keeps what could mean something else out of commands and paths that a
// template makes of it. It is no regular expression: one that counts letters of
// all scripts takes 12 MB, at every start of every command.
func isUser(s string) bool {
	local, domain, at := strings.Cut(s, "@")
	return spelt(local, 64, "_", "_.+=~-") && (!at || spelt(domain, 253, "", ".-"))
}

// spelt reports whether s has up to most characters, all of them letters,
// numbers or among more; first is what else it may begin with.
func spelt(s string, most int, first, more string) bool {
	n := 0
	for _, r := range s {
		if n > 0 {
			first = more
		}
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) && !strings.ContainsRune(first, r) {
			return false
		}
		n++
	}
	return 0 < n && n <= most
}

// ReadGroup returns who is in a group now. The error tells why the list cannot
// be had or believed; then whoever was in it stays. Lines that name nobody are
// returned as problems, and the others count.
func (c *Config) ReadGroup(ctx context.Context, g MailboxGroup) (users []GroupUser, problems []string, err error) {
	var text string
	switch {
	case g.File != "":
		text, err = readList(g.File)
	case !g.Command.IsZero():
		text, err = runList(ctx, g.Command, c.Dir())
	default:
		text = strings.Join(g.Users, "\n")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("list of group %s: %w", g.Name, err)
	}
	users, problems = parseUsers(text)
	switch {
	case len(users) == 0:
		return nil, nil, fmt.Errorf("list of group %s: it names nobody%s", g.Name, first(problems))
	case len(users) > maxGroupUsers:
		return nil, nil, fmt.Errorf("list of group %s: more than %d users", g.Name, maxGroupUsers)
	}
	return users, problems, nil
}

func first(problems []string) string {
	if len(problems) == 0 {
		return ""
	}
	return ": " + problems[0]
}

// parseUsers reads lines of USER [NAME]; # begins a comment.
func parseUsers(text string) (users []GroupUser, problems []string) {
	seen := map[string]bool{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(strings.ReplaceAll(line, ",", " "))
		if len(words) == 0 {
			continue
		}
		u := GroupUser{User: words[0]}
		if len(words) > 1 {
			u.Name = words[1]
		}
		key := strings.ToLower(u.User)
		switch {
		case len(words) > 2:
			problems = append(problems, fmt.Sprintf("line %d has more than USER NAME", n))
		case !isUser(u.User):
			problems = append(problems, fmt.Sprintf("line %d: %.80q is no user", n, u.User))
		case u.Name != "" && !nameForm.MatchString(u.Name):
			problems = append(problems, fmt.Sprintf("line %d: %.80q is no name of a mailbox", n, u.Name))
		case seen[key]:
			problems = append(problems, fmt.Sprintf("line %d: %s is named twice", n, u.User))
		default:
			seen[key] = true
			users = append(users, u)
		}
	}
	return users, problems
}

func readList(file string) (string, error) {
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a plain file", file)
	}
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", file, pathless(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxList+1))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", file, pathless(err))
	}
	if len(data) > maxList {
		return "", fmt.Errorf("read %s: larger than %d bytes", file, maxList)
	}
	return string(data), nil
}

// runList runs the command of a list. A list that was cut off would stop
// mailboxes, so only what a successful command printed whole counts.
func runList(ctx context.Context, c Command, dir string) (string, error) {
	var out bytes.Buffer
	if err := runCommand(ctx, c, dir, listTime, &limited{&out, maxList + 1}); err != nil {
		return "", fmt.Errorf("run its command: %w", err)
	}
	if out.Len() > maxList {
		return "", errors.New("run its command: it prints too much")
	}
	return out.String(), nil
}

// Boxes returns every mailbox in force: those of the file and those of groups.
func (c *Config) Boxes() []Mailbox {
	return slices.Concat(c.Mailboxes, c.grouped)
}

// WithGroups returns the configuration with the mailboxes of these lists, by
// the groups' names, and what keeps single users out. A user whom the file
// names under mailboxes is left to that entry.
func (c *Config) WithGroups(lists map[string][]GroupUser) (*Config, []string) {
	out := *c
	out.grouped = nil
	names, accounts := map[string]string{}, map[string]bool{}
	for _, m := range c.Mailboxes {
		names[strings.ToLower(m.Name)] = "mailboxes"
		accounts[accountKey(m)] = true
	}
	var problems []string
	for i, g := range c.Groups {
		for _, u := range lists[g.Name] {
			m, err := c.member(i, u)
			switch key := strings.ToLower(m.Name); {
			case err != nil:
				problems = append(problems, fmt.Sprintf("%s of group %s: %v", u.User, g.Name, err))
			case accounts[accountKey(m)]: // an entry of its own
			case names[key] != "":
				problems = append(problems, fmt.Sprintf("%s of group %s: a mailbox is called %s already, in %s – write a name behind the user", u.User, g.Name, m.Name, names[key]))
			default:
				names[key], accounts[accountKey(m)] = "group "+g.Name, true
				out.grouped = append(out.grouped, m)
			}
		}
	}
	return &out, problems
}

func accountKey(m Mailbox) string { return strings.ToLower(m.Host + " " + m.User) }

// member makes the mailbox of one user. Where a password lies is not looked
// at: one that is missing is that mailbox's own fault, and said with it.
func (c *Config) member(group int, u GroupUser) (Mailbox, error) {
	m := Mailbox(c.Groups[group].Template)
	fill(reflect.ValueOf(&m).Elem(), u.User)
	if u.Name != "" {
		m.Name = u.Name
	}
	path := index("mailbox_groups", group) + ".template"
	v := &validator{reader: &reader{file: c.File, places: c.places, bad: map[string]bool{}}, dir: c.Dir(), sketch: true}
	if !nameForm.MatchString(m.Name) {
		return m, fmt.Errorf("%q is not a short name – write one behind the user", m.Name)
	}
	v.mailbox(path, &m)
	if len(v.faults) > 0 {
		return m, v.faults
	}
	return m, nil
}

// fill replaces the placeholders in every text of a section.
func fill(v reflect.Value, user string) {
	local, domain, _ := strings.Cut(user, "@")
	with := strings.NewReplacer("{user}", user, "{local}", local, "{domain}", domain)
	var walk func(reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			v.SetString(with.Replace(v.String()))
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Field(i).CanSet() {
					walk(v.Field(i))
				}
			}
		case reflect.Slice:
			v.Set(reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, v.Len()), v)) // the template keeps its own
			for i := range v.Len() {
				walk(v.Index(i))
			}
		}
	}
	walk(v)
}

// groups checks the groups as far as that needs no list.
func (v *validator) groups(c *Config) {
	names := map[string]string{}
	for i := range c.Groups {
		g, path := &c.Groups[i], index("mailbox_groups", i)
		v.name(path, g.Name, names)
		v.lists(path, g)
		if !v.given(path + ".template") {
			continue
		}
		if !strings.Contains(g.Template.User, "{") && v.given(path+".template.user") {
			v.wrong(path+".template.user", "is the same for everybody", `write "{user}"`)
			continue
		}
		if n := g.Template.Name; n != "" && !strings.Contains(n, "{") {
			v.wrong(path+".template.name", "is the same for everybody", `write "{local}", which is the user without the domain`)
			continue
		}
		m := Mailbox(g.Template)
		fill(reflect.ValueOf(&m).Elem(), "ada@example.com")
		v.sketch = true
		v.mailbox(path+".template", &m)
		v.sketch = false
	}
}

// lists checks where the users of a group come from.
func (v *validator) lists(path string, g *MailboxGroup) {
	var given []string
	for _, key := range []string{"users", "file", "command"} {
		if v.given(path + "." + key) {
			given = append(given, key)
		}
	}
	switch {
	case len(given) == 0:
		v.wrong(path, "has no list of users", "add users, file or command")
	case len(given) > 1:
		v.wrong(path+"."+given[1], "a second list, beside "+given[0], "keep one of them")
	}
	if g.File != "" {
		if _, err := readList(g.File); err != nil {
			v.warn(path+".file", "cannot be used: "+cause(err)+"; the last list that could stays in force", "one user a line: ada@example.com")
		}
	}
	if users, problems := parseUsers(strings.Join(g.Users, "\n")); v.given(path+".users") && (len(users) == 0 || len(problems) > 0) {
		v.wrong(path+".users", "cannot be used"+first(problems), "for example [ada@example.com, bob@example.com]")
	}
	if every := g.Every.Std(); v.given(path+".every") && (every < time.Minute || every > 7*24*time.Hour) {
		v.wrong(path+".every", g.Every.String()+" is out of range", "from 1m to 7d")
	}
}
