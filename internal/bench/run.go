package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"rapport/internal/mailtest"
)

// lab is the place of one run: a server with two mailboxes, one to be filed
// and one with many small messages.
type lab struct {
	Options
	dir    string
	out    io.Writer
	server *mailtest.Dovecot
	filed  *mailtest.World
	many   *mailtest.World
	bytes  int64 // of filed
	runs   int   // numbers directories
}

// run measures everything and prints the table.
func run(ctx context.Context, out io.Writer, o Options) error {
	l := &lab{Options: o, out: out}
	if err := l.open(ctx); err != nil {
		return errors.Join(err, l.close())
	}
	fmt.Fprintf(out, "%d messages of %d bytes on average, %d in the large mailbox; %d rounds; %s/%s, %d CPUs\n",
		len(l.filed.Mails), l.bytes/int64(len(l.filed.Mails)), len(l.many.Mails), o.Rounds, runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	latency, err := syncLatency(l.dir)
	if err != nil {
		return errors.Join(err, l.close())
	}
	fmt.Fprintf(out, "fsync of 4 KB: %v (median of 200)\n", latency.Round(time.Microsecond))
	for _, peer := range []string{"mbsync", "mu"} {
		if _, err := exec.LookPath(peer); err != nil {
			fmt.Fprintf(out, "%s is not installed: what needs it is skipped\n", peer)
		}
	}
	for _, part := range []func(context.Context) error{l.filing, l.farAway, l.noChange, l.someNew} {
		if err = part(ctx); err != nil {
			break
		}
	}
	return errors.Join(err, l.close())
}

func (l *lab) open(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "rapport-bench")
	if err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	l.dir = dir
	if err := l.build(ctx); err != nil {
		return err
	}
	l.filed = mailtest.NewBulk(1, l.Messages, min(1000, l.Messages), l.Scale)
	l.many = mailtest.NewBulk(2, l.Many, 1000, l.Scale/40)
	for i := range l.many.Mails {
		l.many.Mails[i].Mailbox = manyAccount
	}
	for _, m := range l.filed.Mails {
		l.bytes += int64(len(m.Raw()))
	}
	account := l.filed.Accounts()[0]
	l.server, err = mailtest.NewDovecot(mailtest.DovecotOptions{Users: []mailtest.User{account, {Name: manyAccount, Password: account.Password}}})
	if err != nil {
		return err
	}
	if err := l.server.DeliverAll(l.filed.Mails); err != nil {
		return err
	}
	return l.server.DeliverAll(l.many.Mails)
}

// build makes the binary to be measured, where none was named.
func (l *lab) build(ctx context.Context) error {
	if l.Binary != "" {
		return nil
	}
	l.Binary = filepath.Join(l.dir, "rapport")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", l.Binary, "rapport/cmd/rapport").CombinedOutput(); err != nil {
		return fmt.Errorf("build rapport: %w: %s", err, out)
	}
	return nil
}

const manyAccount = "many@quillon.example"

func (l *lab) close() error {
	var err error
	if l.server != nil {
		err = l.server.Close()
	}
	if l.Keep || l.dir == "" {
		fmt.Fprintln(l.out, "left behind:", l.dir)
		return err
	}
	return errors.Join(err, os.RemoveAll(l.dir))
}

// account is who owns a world's mail here.
func (l *lab) account(w *mailtest.World) mailtest.User {
	u := l.filed.Accounts()[0]
	if w == l.many {
		u.Name = manyAccount
	}
	return u
}

// fresh returns a new empty directory.
func (l *lab) fresh(name string) (string, error) {
	l.runs++
	dir := filepath.Join(l.dir, fmt.Sprintf("%s-%d", name, l.runs))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make directory: %w", err)
	}
	return dir, nil
}

// contender is one way to do the same work.
type contender struct {
	name string
	// round does the work once and returns what it took. Preparing is not counted.
	round func(context.Context) (time.Duration, error)
}

// race lets the contenders work in turn, a round to warm up and then those that
// count, and returns each one's median.
func (l *lab) race(ctx context.Context, contenders []contender) (map[string]time.Duration, error) {
	took := map[string][]time.Duration{}
	for round := range l.Rounds + 1 {
		for _, c := range contenders {
			d, err := c.round(ctx)
			if err != nil {
				return nil, fmt.Errorf("measure %s: %w", c.name, err)
			}
			if round > 0 {
				took[c.name] = append(took[c.name], d)
			}
		}
	}
	medians := map[string]time.Duration{}
	for name, all := range took {
		medians[name] = median(all)
	}
	return medians, nil
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// syncLatency is what a durable write costs on this disk.
func syncLatency(dir string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		return 0, fmt.Errorf("measure fsync: %w", err)
	}
	defer f.Close()
	var all []time.Duration
	for range 200 {
		began := time.Now()
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			return 0, fmt.Errorf("measure fsync: %w", err)
		}
		if err := f.Sync(); err != nil {
			return 0, fmt.Errorf("measure fsync: %w", err)
		}
		all = append(all, time.Since(began))
	}
	return median(all), nil
}

// line prints one row: what, ours, theirs, the ratio and its aim.
func (l *lab) line(what string, ours, theirs time.Duration, aim float64) {
	ratio := float64(ours) / float64(theirs)
	fmt.Fprintf(l.out, "%-58s %9.3fs %9.3fs  %6.2f  aim %.2f  %s\n", what, ours.Seconds(), theirs.Seconds(), ratio, aim, verdict(ratio <= aim))
}

func verdict(ok bool) string {
	if ok {
		return "met"
	}
	return "missed"
}
