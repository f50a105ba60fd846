package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"rapport/internal/app"
	"rapport/web"
)

type backupNowCommand struct{}

// Run makes the scheduled backup now.
func (c *backupNowCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		stop := s.busy("copying the store and checking the copy")
		b, err := api.BackUpNow(s.ctx)
		stop()
		if err != nil {
			return err
		}
		return s.show(b, func() {
			s.printf("%s, %s, opened and checked, %s rows counted; kept now: %d\n", plain(b.File), bytesText(b.Bytes), number(b.Rows), b.Kept)
		})
	})
}

type backupListCommand struct{}

// Run lists the backups in the configured directory.
func (c *backupListCommand) Run(s *session) error {
	cfg, err := s.load()
	if err != nil {
		return err
	}
	if !cfg.Backup.Enabled() {
		return usage("no backups are configured: add backup.dir")
	}
	found, err := app.ListBackups(cfg.Backup.Dir)
	if err != nil {
		return err
	}
	t := newTable(column{title: "MADE"}, column{title: "SIZE", right: true}, column{title: "FILE", least: 20})
	for _, b := range found {
		if s.json {
			if err := s.object(b); err != nil {
				return err
			}
			continue
		}
		st, name := style(""), b.File
		if b.Fault != "" {
			st, name = red, b.File+": "+b.Fault
		}
		t.styled(st, s.local(b.Created), bytesText(b.Bytes), name)
	}
	if !s.json {
		t.print(s)
	}
	return nil
}

type backupVerifyCommand struct {
	File string `arg:""`
	Temp string `placeholder:"DIR"`
}

// Run holds the drill on a backup.
func (c *backupVerifyCommand) Run(s *session) error {
	stop := s.busy("restoring the backup aside and checking it")
	info, err := app.VerifyBackup(s.ctx, c.File, c.Temp)
	stop()
	if errors.Is(err, os.ErrNotExist) {
		return usage("%w", err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	return s.show(info, func() {
		rows := 0
		for _, n := range info.Counts {
			rows += n
		}
		s.printf("sound: the state of %s, %s messages, %s contacts, %s rows in all, as many as were written\n", s.local(info.Created),
			number(info.Counts["message"]), number(info.Counts["contact"]), number(rows))
	})
}

type backupKeyCommand struct {
	File string `arg:""`
}

// Run makes a key pair for backups.
func (c *backupKeyCommand) Run(s *session) error {
	identity, recipient, err := app.NewIdentity()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return usage("%s exists already, give another name", c.File)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, identity)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", c.File, err)
	}
	return s.show(map[string]string{"identity_file": c.File, "recipient": recipient}, func() {
		s.printf("backup: {recipient: %s}\n", recipient)
		s.note("that belongs into the configuration; keep %s apart from the backups: with both a store can be restored", c.File)
	})
}

type retentionPlanCommand struct{}

// Run says what enforcing the retention would remove.
func (c *retentionPlanCommand) Run(s *session) error { return s.retain(true) }

type retentionEnforceCommand struct{}

// Run removes what is older than it may be kept.
func (c *retentionEnforceCommand) Run(s *session) error { return s.retain(false) }

func (s *session) retain(dry bool) error {
	return s.online(func(api *web.Client) error {
		meter := s.meter("entries")
		r, err := api.Retain(s.ctx, dry, meter.update)
		meter.close()
		if err != nil {
			return err
		}
		return s.show(r, func() {
			t := newTable(column{title: "KIND"}, column{title: map[bool]string{true: "WOULD GO", false: "REMOVED"}[dry], right: true})
			for _, kind := range slices.Sorted(maps.Keys(r.Removed)) {
				t.add(kind, number(r.Removed[kind]))
			}
			if len(t.rows) > 0 {
				t.print(s)
			} else {
				s.printf("nothing is older than it may be kept\n")
			}
			if r.Held > 0 {
				s.printf("older, but held: %s, by a tag, by hand, or by mail of their thread that stays\n", number(r.Held))
			}
		})
	})
}
