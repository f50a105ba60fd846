package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"rapport/internal/mailtest"
)

// The aims for idle mailboxes, in bytes of anonymous memory.
const (
	idleMailboxes = 1000
	idleMemory    = 300 // MB
	fewMailboxes  = 20
	fewMemory     = 100 // MB
)

// freeAddress returns a loopback address nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// idle measures one process over mailboxes in which nothing happens: TLS, a
// few messages each, all read.
func (l *scaleLab) idle(ctx context.Context) error {
	for _, n := range l.Idle {
		if err := l.idleWith(ctx, n); err != nil {
			return fmt.Errorf("%d mailboxes: %w", n, err)
		}
	}
	return nil
}

func (l *scaleLab) idleWith(ctx context.Context, n int) (err error) {
	s, err := l.newFlowSite(filepath.Join(l.Dir, fmt.Sprintf("idle-%d", n)), mailtest.NewFlow(3, n, 20*n, 100), true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.server.Close()) }()
	if _, err := s.command(ctx, "contact", "import", filepath.Join(s.dir, "contacts.csv")); err != nil {
		return err
	}
	d, err := s.start(ctx)
	if err != nil {
		return err
	}
	err = l.watchIdle(ctx, s, d, n)
	closing, stopErr := d.halt()
	if err == nil {
		l.note(figure{Part: "idle", Name: "until it has stopped", Unit: "s", Aim: 30}, n, closing.Seconds())
	}
	return errors.Join(err, stopErr, l.drop(s.dir))
}

// watchIdle reads the figures of a daemon once all its mailboxes watch.
func (l *scaleLab) watchIdle(ctx context.Context, s *flowSite, d *flowDaemon, n int) error {
	first, err := d.settled(ctx, n)
	if err != nil {
		return err
	}
	say := func(name, unit string, aim float64, at int, value float64) {
		l.note(figure{Part: "idle", Name: name, Unit: unit, Aim: aim, AimAt: at}, n, value)
	}
	before, err := d.cpu()
	if err != nil {
		return err
	}
	if err := pause(ctx, l.Window); err != nil {
		return err
	}
	after, err := d.cpu()
	if err != nil {
		return err
	}
	memory := float64(anonymous(d.cmd.Process.Pid)) / 1e6
	l.note(figure{Part: "idle", Name: "anonymous memory", Unit: "MB", Aim: idleMemory, AimAt: idleMailboxes, Grows: true}, n, memory)
	say("anonymous memory, few mailboxes", "MB", fewMemory, fewMailboxes, memory)
	say("a mailbox", "KB", 0, 0, memory*1e3/float64(n))
	m, err := d.metrics(ctx)
	if err != nil {
		return err
	}
	say("of it heap in use", "MB", 0, 0, m["go_memstats_heap_inuse_bytes"]/1e6)
	say("of it stacks", "MB", 0, 0, m["go_memstats_stack_inuse_bytes"]/1e6)
	say("goroutines", "", 0, 0, m["go_goroutines"])
	say("connections", "", 0, 0, float64(s.server.Connections()))
	say("open files", "", 0, 0, float64(d.files()))
	say("first pass over all", "s", 0, 0, first.Seconds())
	beforePass, err := d.cpu()
	if err != nil {
		return err
	}
	began := time.Now()
	if _, err := d.Sync(ctx, nil, nil); err != nil {
		return err
	}
	say("a pass without news over all", "s", 0, 0, time.Since(began).Seconds())
	afterPass, err := d.cpu()
	if err != nil {
		return err
	}
	// Four passes and nearly seven renewals of IDLE an hour come on top of
	// what happens in between; a renewal costs less than a pass.
	hour := (after-before).Seconds()*time.Hour.Seconds()/l.Window.Seconds() + 11*(afterPass-beforePass).Seconds()
	say("processor time an hour, at most", "s", 0, 0, hour)
	say("anonymous memory after that pass", "MB", idleMemory, idleMailboxes, float64(anonymous(d.cmd.Process.Pid))/1e6)
	began = time.Now()
	if _, err := d.Status(ctx); err != nil {
		return err
	}
	say("status", "ms", 0, 0, float64(time.Since(began).Microseconds())/1e3)
	return nil
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
