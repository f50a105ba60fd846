package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rapport/records/message"
	"rapport/web"
)

type syncCommand struct {
	Mailbox []string `arg:"" optional:""`
	Preview bool
}

// Run reads every mailbox to its end.
func (c *syncCommand) Run(s *session) error {
	if c.Preview {
		if len(c.Mailbox) > 0 {
			return usage("--preview looks at every mailbox, name none")
		}
		return s.online(s.preview)
	}
	return s.online(func(api *web.Client) error {
		meter := s.syncMeter()
		st, err := api.Sync(s.ctx, c.Mailbox, meter.update)
		meter.close()
		if err != nil {
			return err
		}
		if err := s.show(st, func() { s.folders(st); s.summary(st) }); err != nil {
			return err
		}
		return syncedOrNot(st)
	})
}

// syncedOrNot gives the exit code of a pass: done when every folder is in
// sync, partly when some are, failed when none is.
func syncedOrNot(st web.Status) error {
	good, bad := 0, 0
	for _, m := range st.Mailboxes {
		if m.Error != "" {
			bad++
		}
		for _, f := range m.Folders {
			if f.InSync {
				good++
			} else {
				bad++
			}
		}
	}
	switch {
	case bad == 0:
		return nil
	case good > 0:
		return partly()
	}
	return failed()
}

// folders prints a line for each folder with where its mail is.
func (s *session) folders(st web.Status) {
	t := newTable(column{title: "MAILBOX", least: 8}, column{title: "FOLDER", least: 10}, column{title: "EXISTS", right: true},
		column{title: "STORED", right: true}, column{title: "SKIPPED", right: true}, column{title: "QUARANTINED", right: true},
		column{title: "GONE", right: true}, column{title: "IN SYNC"})
	for _, m := range st.Mailboxes {
		for _, f := range m.Folders {
			state, st := "yes", style("")
			if !f.InSync {
				state, st = "no", yellow
				if missing := f.Exists - f.Stored - total(f.Skipped) - f.Quarantined; missing > 0 {
					state = "no, " + number(missing) + " to go"
				}
			}
			if f.Error != "" {
				st = red
			}
			t.styled(st, m.Name, f.Name, number(f.Exists), number(f.Stored), number(total(f.Skipped)), number(f.Quarantined), number(f.Gone), state)
		}
	}
	if len(t.rows) > 0 {
		t.print(s)
	}
	for _, m := range st.Mailboxes {
		for _, f := range m.Folders {
			if f.Error != "" {
				s.printf("%s: %s\n", plain(m.Name+"/"+f.Name), plain(f.Error))
			}
		}
		if m.Error != "" {
			when := ""
			if !m.ErrorAt.IsZero() {
				when = "the last pass, " + s.local(m.ErrorAt) + ", failed: "
			}
			s.printf("%s\n", s.screen.paint(red, plain(m.Name+": "+when+m.Error)))
		}
	}
}

func total(by map[message.Reason]int) int {
	n := 0
	for _, v := range by {
		n += v
	}
	return n
}

func (s *session) summary(st web.Status) {
	var reasons []string
	for _, r := range slices.Sorted(maps.Keys(st.Totals.Skipped)) {
		if n := st.Totals.Skipped[r]; n > 0 {
			reasons = append(reasons, fmt.Sprintf("%s %s", number(n), why(r)))
		}
	}
	s.printf("\n%s stored, %s skipped", number(st.Totals.Stored), number(total(st.Totals.Skipped)))
	if len(reasons) > 0 {
		s.printf(" (%s)", strings.Join(reasons, ", "))
	}
	if st.Totals.Quarantined > 0 {
		s.printf(", %s quarantined", number(st.Totals.Quarantined))
	}
	s.printf(" of %s", number(st.Totals.Exists))
	if st.Seconds > 0 {
		s.printf(" in %.1f s", st.Seconds)
	}
	s.printf("\n")
}

func (s *session) preview(api *web.Client) error {
	stop := s.busy("reading headers")
	p, err := api.Preview(s.ctx)
	stop()
	if err != nil {
		return err
	}
	return s.show(p, func() {
		t := newTable(column{title: "WOULD BE"}, column{title: "MESSAGES", right: true})
		for _, k := range slices.Sorted(maps.Keys(p.Counts)) {
			t.add(counted(k), number(p.Counts[k]))
		}
		t.print(s)
		if len(p.Samples) == 0 {
			return
		}
		s.printf("\n")
		t = newTable(column{title: "DATE"}, column{title: "FROM", least: 12}, column{title: "SUBJECT", least: 16}, column{title: "FILED UNDER", least: 12})
		for _, sample := range p.Samples {
			t.add(s.local(sample.Date), sample.From, sample.Subject, strings.Join(sample.Names, ", "))
		}
		t.print(s)
	})
}

type statusCommand struct{}

// statusReport is what status prints as JSON.
type statusReport struct {
	web.Status
	Store web.Upkeep `json:"store"`
}

// Run shows what the daemon does.
func (c *statusCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		st, err := api.Status(s.ctx)
		if err != nil {
			return err
		}
		keep, err := api.Upkeep(s.ctx)
		if err != nil {
			return err
		}
		ways, err := api.Ways(s.ctx)
		if err != nil {
			return err
		}
		return s.show(statusReport{st, keep}, func() {
			if ways.Open && !s.alone {
				s.printf("the pages are open to whoever uses this computer: `rapport user invite ADDRESS --role administrator` has people sign in\n\n")
			}
			if s.alone {
				s.printf("no daemon is running (`rapport run`): this is how the last pass left the folders\n\n")
			}
			for _, m := range st.Mailboxes {
				s.mailbox(m)
			}
			if len(st.Mailboxes) == 0 {
				s.printf("no mailboxes; the configuration names them under mailboxes\n")
				s.upkeep(keep)
				return
			}
			s.printf("\n")
			s.folders(st)
			s.summary(st)
			s.upkeep(keep)
		})
	})
}

func (s *session) mailbox(m message.MailboxStatus) {
	st := map[message.State]style{message.StateWatching: green, message.StateStopped: red, message.StateWaiting: yellow}[m.State]
	line := s.screen.paint(bold, pad(plain(m.Name), 14)) + "  "
	if st != "" {
		line += s.screen.paint(st, string(m.State))
	} else {
		line += string(m.State)
	}
	if !m.LastPass.IsZero() {
		line += ", last pass " + s.local(m.LastPass)
	}
	if !m.NextTry.IsZero() && s.now().Before(m.NextTry) {
		line += ", next try " + s.local(m.NextTry)
	}
	if b := m.Backfill; b != nil {
		line += fmt.Sprintf(", %s: %s of %s", plain(b.Folder), number(b.Done), number(b.Total))
		if b.ETA > 0 {
			line += ", about " + b.ETA.Round(time.Second).String() + " left"
		}
	}
	s.printf("%s\n", line)
}

type reconcileCommand struct{}

// Run proves every folder against its server.
func (c *reconcileCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		stop := s.busy("comparing every folder with its server")
		found, err := api.Reconcile(s.ctx)
		stop()
		if err != nil {
			return err
		}
		agreed := true
		var faults []string // below the table: they are sentences
		t := newTable(column{title: "MAILBOX", least: 8}, column{title: "FOLDER", least: 10}, column{title: "EXISTS", right: true},
			column{title: "UNSETTLED", right: true}, column{title: "AGREES"})
		for _, r := range found {
			agreed = agreed && r.Agrees
			if s.json {
				if err := s.object(r); err != nil {
					return err
				}
				continue
			}
			answer, st := "yes", style("")
			if !r.Agrees {
				answer, st = "no", red
				if r.Folder.Error != "" {
					faults = append(faults, strings.TrimSuffix(r.Mailbox+"/"+r.Folder.Name, "/")+": "+
						strings.TrimPrefix(r.Folder.Error, "mailbox "+r.Mailbox+": "))
				}
			}
			t.styled(st, r.Mailbox, r.Folder.Name, number(r.Folder.Exists), number(r.Missing), answer)
		}
		if !s.json {
			t.print(s)
			for _, f := range faults {
				s.printf("%s\n", s.screen.paint(red, plain(f)))
			}
		}
		if !agreed {
			return failed()
		}
		return nil
	})
}

type rematchCommand struct{}

// Run judges every stored message again.
func (c *rematchCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		meter := s.meter("rematch")
		r, err := api.Rematch(s.ctx, meter.update)
		meter.close()
		if err != nil {
			return err
		}
		return s.show(r, func() { s.rematched("judged again", r) })
	})
}

func (s *session) rematched(what string, r web.RematchResult) {
	s.printf("%s messages %s: %s gained, %s lost, %s moved, %s removed\n",
		number(r.Messages), what, number(r.Gained), number(r.Lost), number(r.Moved), number(r.Removed))
}

type discoverCommand struct {
	Accept string `placeholder:"EXPR"`
	Kind   string `default:"customer" placeholder:"KIND"`
	Since  string `placeholder:"DATE"`
}

// Run proposes people from the mailboxes' headers.
func (c *discoverCommand) Run(s *session) error {
	in := web.Discover{Accept: c.Accept, Kind: c.Kind}
	if c.Since != "" {
		since, err := s.time(c.Since)
		if err != nil {
			return err
		}
		in.Since = since
	}
	return s.online(func(api *web.Client) error {
		meter := s.meter("headers")
		d, err := api.Discover(s.ctx, in, meter.update)
		meter.close()
		if err != nil {
			return err
		}
		return s.show(d, func() { s.discovery(d, c.Accept != "") })
	})
}

func (s *session) discovery(d web.Discovery, accepted bool) {
	shown := d.Proposals
	if s.screen.terminal {
		shown = shown[:min(len(shown), screenful)]
	}
	if len(shown) > 0 {
		s.suggestions(shown)
		s.printf("\n")
	}
	s.printf("%s headers read, %s correspondents", number(d.Read), number(len(d.Proposals)))
	if len(shown) < len(d.Proposals) {
		s.printf(" (the first %d shown)", len(shown))
	}
	if accepted {
		s.printf(", %s contacts created; `rapport sync` brings their history\n", number(d.Accepted))
		return
	}
	s.printf("; nothing created, --accept 'exchanges >= 3' does\n")
}
