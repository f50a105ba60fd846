package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rapport/internal/mailtest"
)

// site is one installation of Rapport: a directory with configuration,
// contacts and data.
type site struct {
	dir, config, data string
	binary            string
	peak              int64         // RssAnon of the last command, bytes
	said              time.Duration // after which the last command had said all it had to say
	cpu               time.Duration // its processor time
}

// install prepares a site for a world's mailbox that knows a share of the
// contacts, on the server at addr.
func (l *lab) install(ctx context.Context, w *mailtest.World, share float64, addr string) (*site, error) {
	dir, err := l.fresh("rapport")
	if err != nil {
		return nil, err
	}
	s := &site{dir: dir, config: filepath.Join(dir, "config.yaml"), data: filepath.Join(dir, "data"), binary: l.Binary}
	u := l.account(w)
	conf := strings.ReplaceAll(w.Config(s.data, mailtest.Server{Addr: addr, TLS: "implicit", CAFile: l.server.CAFile, Passwords: dir}),
		w.Accounts()[0].Name, u.Name)
	contacts := w.Contacts[:max(int(float64(len(w.Contacts))*share), 1)]
	for _, f := range []struct {
		name string
		data []byte
	}{{"config.yaml", []byte(conf)}, {u.Name, []byte(u.Password)}, {"contacts.csv", w.ContactsCSVOf(contacts)}} {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.data, 0o600); err != nil {
			return nil, fmt.Errorf("write %s: %w", f.name, err)
		}
	}
	if _, err := s.command(ctx, "contact", "import", filepath.Join(dir, "contacts.csv")); err != nil {
		return nil, err
	}
	return s, nil
}

// synced prepares a site that has everything already.
func (l *lab) synced(ctx context.Context, w *mailtest.World, share float64) (*site, error) {
	s, err := l.install(ctx, w, share, l.server.Addr)
	if err != nil {
		return nil, err
	}
	_, err = s.command(ctx, "sync")
	return s, err
}

// command runs rapport and returns how long it took.
func (s *site) command(ctx context.Context, args ...string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, s.binary, append(args, "-c", s.config)...)
	var out report
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	out.at = began
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start rapport: %w", err)
	}
	done := make(chan int64)
	ended := make(chan struct{})
	go func() { done <- watchMemory(cmd.Process.Pid, ended) }()
	err := cmd.Wait()
	took := time.Since(began)
	close(ended)
	s.peak, s.said = <-done, out.at.Sub(began)
	s.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if err != nil {
		text := out.String()
		return 0, fmt.Errorf("rapport %s: %w: %s", strings.Join(args, " "), err, text[max(0, len(text)-2000):])
	}
	return took, nil
}

// sync runs the command and returns when it reported all as filed, and when it
// ended: what it has filed it makes searchable in between.
func (s *site) sync(ctx context.Context) (filed, searchable time.Duration, err error) {
	searchable, err = s.command(ctx, "sync")
	if err == nil && s.said <= 0 {
		err = errors.New("rapport sync said nothing of what it filed")
	}
	return s.said, searchable, err
}

// report is what a command prints, and when it did so last. It is no more than
// a writer: a buffer that can read by itself would be filled without Write.
type report struct {
	said bytes.Buffer
	at   time.Time
}

// Write implements io.Writer.
func (r *report) Write(b []byte) (int, error) {
	r.at = time.Now()
	return r.said.Write(b)
}

// String returns all that was printed.
func (r *report) String() string { return r.said.String() }

// watchMemory returns the largest anonymous memory of a process, in bytes; 0
// where the system does not tell.
func watchMemory(pid int, ended <-chan struct{}) int64 {
	var peak int64
	for {
		peak = max(peak, anonymous(pid))
		select {
		case <-ended:
			return peak
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func anonymous(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0 // gone, or no such file system
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64) // the kernel writes numbers
			return kb << 10
		}
	}
	return 0
}

// diskUsage is what the files below a directory hold.
func diskUsage(dir string) (int64, error) {
	var total int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			total += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("measure %s: %w", dir, err)
	}
	return total, nil
}
