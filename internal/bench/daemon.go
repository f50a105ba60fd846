package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"rapport/internal/app"
	"rapport/web"
)

// daemon is a running Rapport on a site.
type daemon struct {
	cmd    *exec.Cmd
	client *web.Client
	log    *os.File
	ready  time.Duration // from the start of the process to its first answer
}

// start runs the daemon and waits until it answers.
func (s *site) start(ctx context.Context) (*daemon, error) {
	socket, err := app.SocketPath(s.data)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return nil, fmt.Errorf("create log: %w", err)
	}
	d := &daemon{cmd: exec.CommandContext(ctx, s.binary, "run", "-c", s.config), client: web.NewSocketClient(socket, "bench"), log: log}
	d.cmd.Stdout, d.cmd.Stderr = log, log
	begun := time.Now()
	if err := d.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start daemon: %w", err), log.Close())
	}
	for ; ; time.Sleep(2 * time.Millisecond) {
		if _, err = d.client.Version(ctx); err == nil {
			d.ready = time.Since(begun)
			return d, nil
		}
		if time.Since(begun) > time.Minute {
			return nil, errors.Join(fmt.Errorf("wait for the daemon: %w", err), d.stop())
		}
	}
}

// pass lets the daemon go over its mailboxes once and returns what it took.
func (d *daemon) pass(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	st, err := d.client.Sync(ctx, nil, nil)
	if err == nil && !st.Totals.InSync {
		err = fmt.Errorf("a pass of the daemon: not in sync: %+v", st.Totals)
	}
	return time.Since(began), err
}

func (d *daemon) stop() error {
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return errors.Join(fmt.Errorf("stop daemon: %w", err), d.log.Close())
	}
	return errors.Join(d.cmd.Wait(), d.log.Close())
}

// holds checks that a site has filed so many messages: a fast answer must be
// the right one, too.
func (s *site) holds(ctx context.Context, want int) error {
	d, err := s.start(ctx)
	if err != nil {
		return err
	}
	st, err := d.client.Status(ctx)
	if err == nil && st.Totals.Stored != want {
		err = fmt.Errorf("%d messages are stored, want %d", st.Totals.Stored, want)
	}
	return errors.Join(err, d.stop())
}
