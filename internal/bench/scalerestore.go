package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"rapport/internal/mailtest"
	"rapport/records/message"
	"rapport/web"
)

// The aim for a restore.
const (
	restoreSize   = 5000 // MB
	restoreWithin = 120.0
)

// paperBytes is the attachment of every mail of a store that is restored: most
// of a company's bytes are attachments.
const paperBytes = 200_000

// restore measures a backup and its restore, of somebody erased in between,
// and that nobody erased returns.
func (l *scaleLab) restore(ctx context.Context) error {
	for _, mb := range l.Restore {
		if err := l.restoreOf(ctx, mb); err != nil {
			return fmt.Errorf("%d MB: %w", mb, err)
		}
	}
	return nil
}

func (l *scaleLab) restoreOf(ctx context.Context, mb int) (err error) {
	flow := mailtest.NewFlow(5, 4, max(mb*1_000_000/(paperBytes*4/3), 40), 50)
	flow.Paper = paperBytes
	s, err := l.newFlowSite(filepath.Join(l.Dir, fmt.Sprintf("restore-%d", mb)), flow, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.server.Close(), l.drop(s.dir)) }()
	say := func(name, unit string, aim float64, value float64) {
		l.note(figure{Part: "restore", Name: name, Unit: unit, Aim: aim, AimAt: restoreSize, Grows: true}, mb, value)
	}
	erased, backup := flow.Address(1), filepath.Join(s.dir, "backup")
	for _, step := range []struct {
		name string
		args []string
		aim  float64
	}{
		{"", []string{"contact", "import", filepath.Join(s.dir, "contacts.csv")}, 0},
		{"filing all", []string{"sync"}, 0},
		{"backup", []string{"store", "backup", backup}, 0},
		{"", []string{"contact", "erase", erased, "--yes"}, 0},
		{"restore", nil, restoreWithin},
		{"first command after it, erasures applied", []string{"status"}, 0},
	} {
		if step.args == nil {
			if err := moveAside(s.data); err != nil {
				return err
			}
			step.args = []string{"store", "restore", backup}
		}
		took, err := s.command(ctx, step.args...)
		if err != nil {
			return err
		}
		if step.name != "" {
			say(step.name, "s", step.aim, took.Seconds())
		}
		if step.name == "restore" {
			say("restore, processor time", "s", 0, s.cpu.Seconds())
			say("restore, peak anonymous memory", "MB", 0, float64(s.peak)/1e6)
		}
	}
	size, err := diskUsage(s.data)
	if err != nil {
		return err
	}
	say("data directory", "MB", 0, float64(size)/1e6)
	return s.lacks(ctx, erased)
}

// moveAside leaves an empty data directory with the key and the journal of
// erasures of the one that was there, as a person restoring does.
func moveAside(data string) error {
	old := data + ".old"
	if err := errors.Join(os.Rename(data, old), os.Mkdir(data, 0o700)); err != nil {
		return fmt.Errorf("move the data directory aside: %w", err)
	}
	for _, name := range []string{"key", "erasures"} {
		raw, err := os.ReadFile(filepath.Join(old, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(data, name), raw, 0o600)
		}
		if err != nil {
			return fmt.Errorf("keep %s: %w", name, err)
		}
	}
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("remove the old data directory: %w", err)
	}
	return nil
}

// lacks proves that nobody of an address is known or found, while others are.
func (s *flowSite) lacks(ctx context.Context, address string) (err error) {
	d, err := s.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	if _, err := d.settled(ctx, s.flow.Mailboxes); err != nil {
		return err
	}
	var p *web.Problem
	if c, err := d.Contact(ctx, address); !errors.As(err, &p) || p.Status != 404 {
		return fmt.Errorf("the erased %s came back as %s: %w", address, c.ID, err)
	}
	found, err := d.Search(ctx, "from:"+address+" OR to:"+address, web.Slice{})
	if err != nil {
		return err
	}
	if len(found.Items) > 0 {
		return fmt.Errorf("mail of the erased %s came back: %d entries", address, len(found.Items))
	}
	st, err := d.Status(ctx)
	if err != nil {
		return err
	}
	if st.Totals.Skipped[message.Erased] == 0 {
		return fmt.Errorf("no mail of the erased %s is settled as that: %v", address, st.Totals.Skipped)
	}
	return nil
}
