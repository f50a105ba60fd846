package app

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"rapport/internal/config"
	"rapport/internal/rescue"
	"rapport/web"
)

// stateGroup is where the store keeps who was last known to be in a mailbox
// group, by its name: a list that cannot be had stops no mailbox, not even
// over a restart.
const stateGroup = "mailbox-group "

// groupsEvery is how often the lists of mailbox groups are looked at.
const groupsEvery = 2 * time.Second

// roster is what is known of one group's list.
type roster struct {
	users   []config.GroupUser
	entry   config.MailboxGroup // by which it was read
	read    time.Time           // when that was tried last; zero: these are of an earlier process
	fault   error               // why it could not be read, or what lines of it mean nothing
	since   time.Time
	outside error // users that are no mailbox of their own
}

// rosters are the lists of all groups. Methods may be called concurrently.
type rosters struct {
	mu  sync.Mutex // guards all
	all map[string]*roster
}

// groupBook is a list as the store keeps it.
type groupBook struct {
	Users []config.GroupUser `json:"users"`
}

// withGroups returns a configuration with the mailboxes of its groups. Lists
// in files are read now; a command is run only where nothing is known of its
// list yet, since it may take long.
func (s *system) withGroups(ctx context.Context, cfg *config.Config) *config.Config {
	for _, g := range cfg.Groups {
		s.readGroup(ctx, cfg, g, false)
	}
	return s.joined(cfg)
}

// joined returns a configuration with the mailboxes of the lists as they are known.
func (s *system) joined(cfg *config.Config) *config.Config {
	s.rosters.mu.Lock()
	defer s.rosters.mu.Unlock()
	lists := map[string][]config.GroupUser{}
	for name, r := range s.rosters.all {
		lists[name] = r.users
	}
	out, problems := cfg.WithGroups(lists)
	for name, r := range s.rosters.all {
		of := slices.DeleteFunc(slices.Clone(problems), func(p string) bool { return !strings.Contains(p, " of group "+name+":") })
		r.outside = several(of)
		s.faults.report("mailbox group "+name, errors.Join(r.fault, r.outside))
	}
	for name := range s.rosters.all {
		if !slices.ContainsFunc(cfg.Groups, func(g config.MailboxGroup) bool { return g.Name == name }) {
			delete(s.rosters.all, name)
			s.faults.forget("mailbox group " + name)
		}
	}
	return out
}

// several makes one error of sentences, of which the first few are said.
func several(problems []string) error {
	const most = 5
	if len(problems) == 0 {
		return nil
	}
	if n := len(problems) - most; n > 0 {
		problems = append(slices.Clone(problems[:most]), fmt.Sprintf("and %d more", n))
	}
	return errors.New(strings.Join(problems, "; "))
}

// readGroup brings what is known of a group's list up to date where that is
// due. again says that a command may be run again.
func (s *system) readGroup(ctx context.Context, cfg *config.Config, g config.MailboxGroup, again bool) {
	r := s.roster(ctx, g)
	now := time.Now()
	s.rosters.mu.Lock()
	fresh := len(r.users) == 0 && r.read.IsZero()
	due := g.Command.IsZero() || fresh || again && now.Sub(r.read) >= g.Every.Std()
	if due {
		r.read = now
	}
	was := r.users
	s.rosters.mu.Unlock()
	if !due {
		return
	}
	users, problems, err := cfg.ReadGroup(ctx, g)
	if ctx.Err() != nil {
		return
	}
	if err == nil && !slices.Equal(users, was) {
		if kept := keepBook(ctx, s.store, stateGroup+g.Name, groupBook{users}); kept != nil {
			s.log.Warn("list of a mailbox group not kept", "group", g.Name, "err", kept)
		}
	}
	s.rosters.mu.Lock()
	defer s.rosters.mu.Unlock()
	if err == nil {
		r.users, err = users, several(problems)
	}
	if err != nil && r.fault == nil {
		r.since = now
	}
	r.fault = err
}

// roster returns what is known of a group's list, from the store where this
// process has not read it.
func (s *system) roster(ctx context.Context, g config.MailboxGroup) *roster {
	s.rosters.mu.Lock()
	defer s.rosters.mu.Unlock()
	r := s.rosters.all[g.Name]
	if r == nil {
		book, err := upkeepBook[groupBook](ctx, s.store, stateGroup+g.Name)
		if err != nil {
			s.log.Warn("last list of a mailbox group not read", "group", g.Name, "err", err)
		}
		r = &roster{users: book.Users, entry: g}
		if s.rosters.all == nil {
			s.rosters.all = map[string]*roster{}
		}
		s.rosters.all[g.Name] = r
	}
	if !reflect.DeepEqual(r.entry, g) { // its list may be another
		r.entry, r.read = g, time.Time{}
	}
	return r
}

// followGroups puts the lists of mailbox groups in force as they change, until
// ctx ends.
func (s *system) followGroups(ctx context.Context) {
	ticker := time.NewTicker(groupsEvery)
	defer ticker.Stop()
	for {
		err := rescue.Do(func() error { return s.regroup(ctx) })
		if ctx.Err() != nil {
			return
		}
		s.faults.report("mailbox groups", err)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// regroup reads the lists that are due and puts in force what changed.
func (s *system) regroup(ctx context.Context) error {
	for _, g := range s.config().Groups { // beside reloads: a command may take its time
		s.readGroup(ctx, s.config(), g, true)
	}
	s.reloading.Lock()
	defer s.reloading.Unlock()
	old := s.config()
	if len(old.Groups) == 0 {
		return nil
	}
	cfg := s.joined(old)
	if reflect.DeepEqual(cfg.Boxes(), old.Boxes()) {
		return nil
	}
	lineup, err := s.fleet.prepare(cfg.Boxes())
	if err != nil {
		return err
	}
	show, err := s.prepareVisibility(ctx, cfg)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.cfg = cfg
	s.mu.Unlock()
	show(ctx)
	s.useGrants(cfg) // tokens of who left are not renewed for ever
	s.rulesApplied(ctx)
	s.fleet.adopt(lineup)
	s.log.Info("mailbox groups changed", "mailboxes", len(cfg.Boxes()), "restarted", len(lineup.fresh))
	return nil
}

// groupTroubles are the lists that cannot be read, or read whole.
func (s *system) groupTroubles() []trouble {
	s.rosters.mu.Lock()
	defer s.rosters.mu.Unlock()
	var out []trouble
	for name, r := range s.rosters.all {
		t := trouble{Object: "mailbox group " + name, state: well}
		if err := errors.Join(r.fault, r.outside); err != nil {
			t.state, t.Text, t.Since = wrong, err.Error(), r.since
			if t.Since.IsZero() {
				t.Since = r.read
			}
		}
		out = append(out, t)
	}
	return out
}

// doctorsGroups says how each group's list is.
func (s *system) doctorsGroups(ctx context.Context) []web.Finding {
	var out []web.Finding
	cfg := s.config()
	for _, g := range cfg.Groups {
		users, problems, err := cfg.ReadGroup(ctx, g)
		if err == nil {
			s.rosters.mu.Lock()
			if r := s.rosters.all[g.Name]; r != nil && r.outside != nil {
				problems = append(problems, r.outside.Error())
			}
			s.rosters.mu.Unlock()
			err = several(problems)
		}
		out = append(out, finding("mailbox group "+g.Name, fmt.Sprintf("users: %d", len(users)), err))
	}
	return out
}
