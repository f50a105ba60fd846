package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"strings"
	"time"
	"unicode/utf16"

	"rapport/internal/config"
	"rapport/web"
)

// session is what one command works with.
type session struct {
	ctx    context.Context // of the one command this process runs
	in     io.Reader
	out    io.Writer
	err    io.Writer
	screen screen // of out
	notes  screen // of err
	env    func(string) string
	now    func() time.Time
	loc    *time.Location
	args   []string
	config string // as given
	json   bool
	dial   func(context.Context, *config.Config) (connection, error) // nil: the real one
	alone  bool                                                      // no daemon answers, this process does its work
}

// connection is a way to the API, as long as it is open.
type connection interface {
	Client() *web.Client
	Daemon() bool // another process answers
	Close() error
}

// configPath says which configuration file holds.
func (s *session) configPath() (string, error) {
	if s.config != "" {
		return s.config, nil
	}
	if p := s.env("RAPPORT_CONFIG"); p != "" {
		return p, nil
	}
	for _, p := range []string{"config.yaml", "/etc/rapport/config.yaml"} {
		if _, err := os.Stat(p); err == nil {
			return p, nil
		}
	}
	return "", usage("no configuration: neither ./config.yaml nor /etc/rapport/config.yaml is there, `rapport init DIR` writes one, `-c FILE` names one")
}

// load reads the configuration.
func (s *session) load() (*config.Config, error) {
	path, err := s.configPath()
	if err != nil {
		return nil, err
	}
	cfg, err := config.Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage("%w, `rapport init DIR` writes one", err)
	}
	if err != nil {
		return nil, coded{err, exitUsage}
	}
	return cfg, nil
}

// online runs do with a client of the daemon, or of the store opened for this
// one command where no daemon runs.
func (s *session) online(do func(*web.Client) error) error {
	c, err := s.reached()
	if err != nil {
		return err
	}
	s.alone = !c.Daemon()
	return errors.Join(do(c.Client()), c.Close())
}

// reached is the connection of this command.
func (s *session) reached() (connection, error) {
	cfg, err := s.load()
	if err != nil {
		if c := s.running(err); c != nil {
			return c, nil
		}
		return nil, err
	}
	if s.dial != nil {
		return s.dial(s.ctx, cfg)
	}
	return s.connect(s.ctx, cfg)
}

// actor names the person at the keyboard, for the audit trail.
func (s *session) actor() string {
	name := s.env("SUDO_USER")
	if name == "" {
		if u, err := user.Current(); err == nil {
			name = u.Username
		}
	}
	if name == "" {
		return "command line"
	}
	return name + " (command line)"
}

// object prints one JSON object on a line. What may steer a terminal stands in
// it escaped: JSON leaves that to the writer for characters above U+001F.
func (s *session) object(v any) error {
	var line strings.Builder
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(s.out, escaped(line.String()))
	return err
}

// escaped writes what no terminal should see as JSON writes it.
func escaped(line string) string {
	special := func(r rune) bool { return r >= 0x7f && r < 0xa0 || steers(r) }
	if strings.IndexFunc(line, special) < 0 {
		return line
	}
	var b strings.Builder
	for _, r := range line {
		switch high, low := utf16.EncodeRune(r); {
		case !special(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// printf prints text for people.
func (s *session) printf(format string, args ...any) { fmt.Fprintf(s.out, format, args...) }

// note tells the person something beside the output.
func (s *session) note(format string, args ...any) {
	fmt.Fprintln(s.err, plain(fmt.Sprintf(format, args...)))
}

// show prints v as JSON, or lets people render it.
func (s *session) show(v any, people func()) error {
	if s.json {
		return s.object(v)
	}
	people()
	return nil
}

// local writes a time as people here read it; the year only where it is not
// this one.
func (s *session) local(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	t = t.In(s.loc)
	if t.Year() == s.now().In(s.loc).Year() {
		return t.Format("2 Jan 15:04")
	}
	return t.Format("2 Jan 2006")
}

// listFlags are those of every list.
type listFlags struct {
	Limit  int    `placeholder:"N"`
	Cursor string `placeholder:"C"`
}

// screenful is how much of a list a terminal gets where no limit is given.
const screenful = 50

// pages fetches a list and shows it: JSON as it comes, for people at once.
// Without a limit a terminal gets a screenful, a file or pipe everything.
func pages[T any](s *session, l listFlags, fetch func(context.Context, web.Slice) (web.Page[T], error), people func([]T)) error {
	if l.Limit < 0 {
		return usage("the limit must be 1 or more")
	}
	limit := l.Limit
	if limit == 0 && s.screen.terminal && !s.json {
		limit = screenful
	}
	var items []T
	cursor, count := l.Cursor, 0
	for {
		ask := 200
		if limit > 0 {
			ask = min(1000, limit-count)
		}
		page, err := fetch(s.ctx, web.Slice{Cursor: cursor, Limit: ask})
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			count++
			if !s.json {
				items = append(items, item)
			} else if err := s.object(item); err != nil {
				return err
			}
		}
		cursor = page.Next
		if cursor == "" || (limit > 0 && count >= limit) {
			break
		}
	}
	if !s.json {
		people(items)
	}
	if cursor != "" {
		s.note("there is more: --cursor %s", cursor)
	}
	return nil
}

// confirm asks on a terminal; yes answers for scripts.
func (s *session) confirm(yes bool, format string, args ...any) error {
	if yes {
		return nil
	}
	if !s.notes.terminal {
		return usage("this cannot be undone, repeat it with --yes")
	}
	fmt.Fprintf(s.err, format+" [y/N] ", args...)
	var answer string
	_, _ = fmt.Fscanln(s.in, &answer) // no answer is no
	if a := strings.ToLower(answer); a != "y" && a != "yes" {
		return coded{errors.New("nothing done"), exitFailed}
	}
	return nil
}
