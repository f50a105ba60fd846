package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/emersion/go-imap/v2"

	"rapport/internal/mailtest"
)

func installed(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

func hostPort(addr string) (host, port string) {
	host, port, _ = net.SplitHostPort(addr) // our own server's
	return host, port
}

// filing measures the first sync: everything wanted, a tenth wanted, and until
// all is searchable.
func (l *lab) filing(ctx context.Context) error {
	var peak, disk, compacted int64
	file := func(share float64) func(context.Context) (time.Duration, error) {
		return func(ctx context.Context) (time.Duration, error) {
			s, err := l.install(ctx, l.filed, share)
			if err != nil {
				return 0, err
			}
			took, err := s.command(ctx, "sync")
			if err != nil {
				return 0, err
			}
			if share == 1 {
				peak = max(peak, s.peak)
				if disk, err = diskUsage(s.data); err != nil {
					return 0, err
				}
				if _, err := s.command(ctx, "store", "compact"); err == nil { // where there is one
					compacted, _ = diskUsage(s.data)
				}
			}
			return took, l.forget(s.dir)
		}
	}
	contenders := []contender{{"all", file(1)}, {"tenth", file(0.1)}}
	if installed("mbsync") {
		contenders = append(contenders, l.mirrorFresh("mbsync", false), l.mirrorFresh("mbsync without fsync", true))
	}
	if installed("mbsync") && installed("mu") {
		m, err := l.mirror(l.filed, true)
		if err != nil {
			return err
		}
		if _, err := m.sync(ctx); err != nil {
			return err
		}
		contenders = append(contenders, contender{"mu", m.index})
	}
	took, err := l.race(ctx, contenders)
	if err != nil {
		return err
	}
	l.filingTable(took)
	fmt.Fprintf(l.out, "%-58s %8.1f MB             aim 130 MB  %s\n", "peak anonymous memory, everything wanted", float64(peak)/1e6, verdict(peak <= 130e6))
	size := disk
	if compacted > 0 {
		size = compacted
	}
	ratio := float64(size) / float64(l.bytes)
	fmt.Fprintf(l.out, "%-58s %8.1f MB %8.1f MB  %6.2f  aim 0.85  %s\n", fmt.Sprintf("data directory (before compaction %.1f MB) : raw", float64(disk)/1e6),
		float64(size)/1e6, float64(l.bytes)/1e6, ratio, verdict(ratio <= 0.85))
	return nil
}

func (l *lab) filingTable(took map[string]time.Duration) {
	all, mbsync, bare, mu := took["all"], took["mbsync"], took["mbsync without fsync"], took["mu"]
	fmt.Fprintf(l.out, "\n%-58s %10s %10s  %6s\n", "", "rapport", "peer", "ratio")
	rate := float64(len(l.filed.Mails)) / all.Seconds()
	if mbsync == 0 {
		fmt.Fprintf(l.out, "%-58s %9.3fs (%.0f/s)\n", "filing, everything wanted", all.Seconds(), rate)
		return
	}
	aim := 0.5
	if float64(mbsync) < 2*float64(bare) { // where fsync costs mbsync little
		aim = 1.5
	}
	l.line(fmt.Sprintf("filing, everything wanted (%.0f/s) : mbsync", rate), all, mbsync, aim)
	fmt.Fprintf(l.out, "%-58s %9.3fs %9.3fs  %6.2f\n", "                                   : mbsync without fsync", all.Seconds(), bare.Seconds(), float64(all)/float64(bare))
	l.line("filing, a tenth wanted : mbsync", took["tenth"], mbsync, 0.1)
	if mu > 0 {
		l.line("until all is searchable : mu index alone", all, mu, 0.35)
		fmt.Fprintf(l.out, "%-58s %9.3fs %9.3fs  %6.2f\n", "                        : mbsync and mu index", all.Seconds(), (mbsync + mu).Seconds(), float64(all)/float64(mbsync+mu))
	}
}

// mirrorFresh is a first mbsync into an empty directory.
func (l *lab) mirrorFresh(name string, noSync bool) contender {
	return contender{name, func(ctx context.Context) (time.Duration, error) {
		m, err := l.mirror(l.filed, noSync)
		if err != nil {
			return 0, err
		}
		took, err := m.sync(ctx)
		return took, errors.Join(err, l.forget(m.dir))
	}}
}

// forget removes what a round left, so that the disk stays the same for the next.
func (l *lab) forget(dir string) error {
	if l.Keep {
		return nil
	}
	return os.RemoveAll(dir)
}

// noChange measures a pass over a large mailbox in which nothing happened.
func (l *lab) noChange(ctx context.Context) error {
	s, err := l.install(ctx, l.many, 0.1)
	if err != nil {
		return err
	}
	if _, err := s.command(ctx, "sync"); err != nil {
		return err
	}
	contenders := []contender{{"rapport", func(ctx context.Context) (time.Duration, error) { return s.command(ctx, "sync") }}}
	if installed("mbsync") {
		m, err := l.mirror(l.many, true)
		if err != nil {
			return err
		}
		if _, err := m.sync(ctx); err != nil {
			return err
		}
		if err := m.configure(l, l.many, false); err != nil { // measured as it comes
			return err
		}
		contenders = append(contenders, contender{"mbsync", m.sync})
	}
	took, err := l.race(ctx, contenders)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("a pass over %d messages without news", len(l.many.Mails))
	if took["mbsync"] == 0 {
		fmt.Fprintf(l.out, "%-58s %9.3fs\n", what, took["rapport"].Seconds())
		return nil
	}
	l.line(what+" : mbsync", took["rapport"], took["mbsync"], 0.3)
	return nil
}

// someNew measures a hundred new messages, all wanted, in the large mailbox.
func (l *lab) someNew(ctx context.Context) error {
	s, err := l.install(ctx, l.many, 1)
	if err != nil {
		return err
	}
	if _, err := s.command(ctx, "sync"); err != nil {
		return err
	}
	next := imap.UID(len(l.many.Mails) + 1)
	const news = 100
	round := 0
	deliver := func() error {
		batch := mailtest.NewBulk(uint64(100+round), news, 10, l.Scale)
		round++
		for i := range batch.Mails {
			batch.Mails[i].Mailbox = manyAccount
		}
		if err := l.server.DeliverAll(batch.Mails); err != nil {
			return err
		}
		return os.WriteFile(s.dir+"/new.csv", batch.ContactsCSV(), 0o600)
	}
	took, err := l.race(ctx, []contender{
		{"rapport", func(ctx context.Context) (time.Duration, error) {
			if err := deliver(); err != nil {
				return 0, err
			}
			if _, err := s.command(ctx, "contact", "import", s.dir+"/new.csv"); err != nil {
				return 0, err
			}
			// The server looks at its files first, as it does when mail arrives.
			if _, _, err := l.fetchFrom(ctx, l.many, next); err != nil {
				return 0, err
			}
			return s.command(ctx, "sync")
		}},
		{"fetch", func(ctx context.Context) (time.Duration, error) {
			took, n, err := l.fetchFrom(ctx, l.many, next)
			if err == nil && n != news {
				err = fmt.Errorf("fetched %d messages, want %d", n, news)
			}
			next += news
			return took, err
		}},
	})
	if err != nil {
		return err
	}
	l.line(fmt.Sprintf("%d new in %d : a bare fetch of them", news, len(l.many.Mails)), took["rapport"], took["fetch"], 2.5)
	return nil
}
