package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/emersion/go-imap/v2"

	"rapport/internal/link"
)

func installed(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

// filing measures the first sync: everything wanted, a tenth wanted, and until
// all is searchable.
func (l *lab) filing(ctx context.Context) error {
	var peak, disk, compacted int64
	var searchable []time.Duration // round by round, everything wanted
	file := func(share float64) func(context.Context) (time.Duration, error) {
		return func(ctx context.Context) (time.Duration, error) {
			s, err := l.install(ctx, l.filed, share, l.server.Addr)
			if err != nil {
				return 0, err
			}
			took, ended, err := s.sync(ctx)
			if err != nil {
				return 0, err
			}
			if share == 1 {
				searchable = append(searchable, ended)
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
		contenders = append(contenders, l.mirrorFresh("mbsync", false, l.server.Addr), l.mirrorFresh("mbsync without fsync", true, l.server.Addr))
	}
	if installed("mbsync") && installed("mu") {
		m, err := l.mirror(l.filed, true, l.server.Addr)
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
	took["searchable"] = median(searchable[1:])
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
	searchable := took["searchable"]
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
		l.line("until all is searchable : mu index alone", searchable, mu, 0.35)
		fmt.Fprintf(l.out, "%-58s %9.3fs %9.3fs  %6.2f\n", "                        : mbsync and mu index", searchable.Seconds(), (mbsync + mu).Seconds(), float64(searchable)/float64(mbsync+mu))
	}
}

// roundTrip is what a question and its answer take on the far line.
const roundTrip = 60 * time.Millisecond

// farAway measures the first sync over a line with a long way.
func (l *lab) farAway(ctx context.Context) error {
	if !installed("mbsync") {
		return nil
	}
	far, err := link.New(l.server.Addr, link.RoundTrip(roundTrip)...)
	if err != nil {
		return err
	}
	defer far.Close()
	took, err := l.race(ctx, []contender{
		{"rapport", func(ctx context.Context) (time.Duration, error) {
			s, err := l.install(ctx, l.filed, 1, far.Addr)
			if err != nil {
				return 0, err
			}
			filed, _, err := s.sync(ctx)
			return filed, errors.Join(err, l.forget(s.dir))
		}},
		l.mirrorFresh("mbsync", false, far.Addr),
	})
	if err != nil {
		return err
	}
	l.line(fmt.Sprintf("filing, everything wanted, %v round trip : mbsync", roundTrip), took["rapport"], took["mbsync"], 1.3)
	return nil
}

// mirrorFresh is a first mbsync into an empty directory.
func (l *lab) mirrorFresh(name string, noSync bool, addr string) contender {
	return contender{name, func(ctx context.Context) (time.Duration, error) {
		m, err := l.mirror(l.filed, noSync, addr)
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

// noChange measures a pass over a large mailbox in which nothing happened: by a
// command that opens the store and connects, as mbsync does, and by a daemon
// that runs already, which is how it mostly happens.
func (l *lab) noChange(ctx context.Context) (err error) {
	s, err := l.synced(ctx, l.many, 0.1)
	if err != nil {
		return err
	}
	running, err := l.synced(ctx, l.many, 0.1)
	if err != nil {
		return err
	}
	d, err := running.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	contenders := []contender{
		{"command", func(ctx context.Context) (time.Duration, error) { return s.command(ctx, "sync") }},
		{"daemon", d.pass},
	}
	if installed("mbsync") {
		m, err := l.mirror(l.many, true, l.server.Addr)
		if err != nil {
			return err
		}
		if _, err := m.sync(ctx); err != nil {
			return err
		}
		if err := m.configure(l, l.many, false, l.server.Addr); err != nil { // measured as it comes
			return err
		}
		contenders = append(contenders, contender{"mbsync", m.sync})
	}
	took, err := l.race(ctx, contenders)
	if err != nil {
		return err
	}
	for _, how := range []string{"command", "daemon"} {
		what := fmt.Sprintf("%d messages without news, by a %s", len(l.many.Mails), how)
		if took["mbsync"] == 0 {
			fmt.Fprintf(l.out, "%-58s %9.3fs\n", what, took[how].Seconds())
			continue
		}
		l.line(what+" : mbsync", took[how], took["mbsync"], 0.3)
	}
	return nil
}

// someNew measures a hundred new messages, all wanted, in the large mailbox.
func (l *lab) someNew(ctx context.Context) error {
	s, err := l.synced(ctx, l.many, 1)
	if err != nil {
		return err
	}
	next := imap.UID(len(l.many.Mails) + 1)
	const news = 100
	round := 0
	took, err := l.race(ctx, []contender{
		{"rapport", func(ctx context.Context) (time.Duration, error) {
			round++
			more := l.many.More(uint64(100+round), news, l.Scale)
			for i := range more.Mails {
				more.Mails[i].Mailbox = manyAccount
			}
			if err := l.server.DeliverAll(more.Mails); err != nil {
				return 0, err
			}
			// The server looks at its files first, as it does when mail arrives.
			if _, _, err := l.fetchFrom(ctx, l.many, next); err != nil {
				return 0, err
			}
			filed, _, err := s.sync(ctx)
			return filed, err
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
	if err := s.holds(ctx, len(l.many.Mails)+round*news); err != nil {
		return err
	}
	l.line(fmt.Sprintf("%d new in %d : a bare fetch of them", news, len(l.many.Mails)), took["rapport"], took["fetch"], 2.5)
	return nil
}
