package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"rapport/internal/app"
	"rapport/web"
)

// daemon is the built program at work, as a service manager runs it.
type daemon struct {
	t      testing.TB
	cmd    *exec.Cmd
	log    string // a file
	client *web.Client
	ended  chan struct{}
	err    error // of Wait; read after ended
}

// starts runs `rapport run`, changed by the caller before it starts: under
// another user, with limits.
func (s *site) starts(change ...func(*exec.Cmd)) *daemon {
	s.t.Helper()
	d := &daemon{t: s.t, cmd: s.command("run"), ended: make(chan struct{})}
	out, err := os.CreateTemp(s.dir, "daemon-*.log")
	s.must(err)
	d.log = out.Name()
	d.cmd.Stdout, d.cmd.Stderr = out, out
	for _, c := range change {
		c(d.cmd)
	}
	s.must(d.cmd.Start())
	s.must(out.Close())
	go func() {
		defer close(d.ended)
		d.err = d.cmd.Wait()
	}()
	path, err := app.SocketPath(s.dataDir)
	s.must(err)
	d.client = web.NewSocketClient(path, "test")
	s.t.Cleanup(func() {
		d.stop()
		if s.t.Failed() {
			s.t.Logf("the daemon's log:\n%s", d.said())
		}
	})
	return d
}

// said is the daemon's log so far.
func (d *daemon) said() string {
	b, err := os.ReadFile(d.log)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// listens is the address of its local listener.
func (d *daemon) listens() string {
	d.t.Helper()
	found := regexp.MustCompile(`listen=(127\.0\.0\.1:\d+)`).FindStringSubmatch(d.said())
	if found == nil {
		d.t.Fatalf("the log does not say where it listens: %s", clipText(d.said()))
	}
	return found[1]
}

// stop asks the daemon to end and returns how long that took; stopping twice
// does nothing.
func (d *daemon) stop() time.Duration {
	d.t.Helper()
	began := time.Now()
	d.client.Close()
	_ = d.cmd.Process.Signal(syscall.SIGTERM) // fails where it has ended
	select {
	case <-d.ended:
	case <-time.After(35 * time.Second):
		d.t.Error("the daemon did not end within 35 s of SIGTERM")
		_ = d.cmd.Process.Kill()
		<-d.ended
	}
	return time.Since(began)
}

// alive fails the test where the daemon has ended.
func (d *daemon) alive() {
	d.t.Helper()
	select {
	case <-d.ended:
		d.t.Fatalf("the daemon ended: %v\n%s", d.err, d.said())
	default:
	}
}

// patience is how long what must come may take on a machine that is busy with
// other things; nothing waits for it that goes well.
const patience = 3 * time.Minute

// until waits until ok, with patience, while the daemon lives.
func (d *daemon) until(what string, ok func(context.Context) bool) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for tick := time.NewTicker(5 * time.Millisecond); !ok(ctx); <-tick.C {
		d.alive()
		if ctx.Err() != nil {
			st, err := d.client.Status(context.Background())
			d.t.Fatalf("%s: never; status %+v, %v", what, st, err)
		}
	}
}

// answers waits until the daemon serves.
func (d *daemon) answers() {
	d.t.Helper()
	d.until("the daemon answers", func(ctx context.Context) bool {
		_, err := d.client.Version(ctx)
		return err == nil
	})
}

// inSync waits until every mailbox has been read to its end.
func (d *daemon) inSync() {
	d.t.Helper()
	d.until("every mailbox is in sync", func(ctx context.Context) bool {
		st, err := d.client.Status(ctx)
		if err != nil || !st.Totals.InSync {
			return false
		}
		for _, m := range st.Mailboxes {
			if m.State != "watching" {
				return false
			}
		}
		return true
	})
}

// fault returns the errors the mailboxes have, in one text.
func (d *daemon) fault(ctx context.Context) string {
	st, err := d.client.Status(ctx)
	if err != nil {
		return ""
	}
	var all []string
	for _, m := range st.Mailboxes {
		if m.Error != "" {
			all = append(all, m.Name+": "+m.Error)
		}
	}
	return strings.Join(all, "\n")
}

// pace is how long a command takes now that does nothing: limits on the clock
// grow with it, for a machine that is busy is so for both.
func (s *site) pace() time.Duration {
	s.t.Helper()
	return s.try(s.command("version")).took
}

// outcome is how a command ended.
type outcome struct {
	code     int
	out, err string
	took     time.Duration
}

// try runs a command and returns how it ended, whatever that is.
func (s *site) try(cmd *exec.Cmd) outcome {
	s.t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatalf("run %v: %v", cmd.Args, err)
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), errs.String(), time.Since(began)}
}

// setting replaces text in the configuration.
func (s *site) setting(old, text string) {
	s.t.Helper()
	b, err := os.ReadFile(s.config)
	s.must(err)
	if !strings.Contains(string(b), old) {
		s.t.Fatalf("the configuration has no %q", old)
	}
	s.must(os.WriteFile(s.config, []byte(strings.Replace(string(b), old, text, 1)), 0o600))
}

// moveTo gives the site another data directory.
func (s *site) moveTo(dataDir string) {
	s.t.Helper()
	s.setting(s.dataDir, dataDir)
	s.dataDir = dataDir
}

// copyDir copies files and directories with their modes.
func copyDir(t testing.TB, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case e.IsDir():
			return os.MkdirAll(target, info.Mode().Perm())
		case !info.Mode().IsRegular():
			return nil // a socket
		}
		return copyFile(path, target, info.Mode().Perm())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// copySparse leaves holes for what is zero, as the original may have them.
func copySparse(out, in *os.File) error {
	block := make([]byte, 4096)
	zero := make([]byte, len(block))
	for at := int64(0); ; at += int64(len(block)) {
		n, err := io.ReadFull(in, block)
		if n > 0 && !bytes.Equal(block[:n], zero[:n]) {
			if _, err := out.WriteAt(block[:n], at); err != nil {
				return err
			}
		}
		if err != nil { // the end
			return out.Truncate(at + int64(n))
		}
	}
}

func copyFile(from, to string, mode os.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	return errors.Join(copySparse(out, in), out.Close())
}
