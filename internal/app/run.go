// Package app introduces everything to everything else: it builds the system
// from a configuration, runs it as a daemon or for one command, reloads it and
// stops it.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"rapport/internal/config"
	"rapport/internal/mailauth"
	"rapport/internal/rescue"
	"rapport/web"
)

// stopWithin is how long stopping may take: service managers kill later.
const stopWithin = 30 * time.Second

// lockPatience is how long the daemon waits for another process to let go of
// the store: a command may be at work just now.
const lockPatience = 3 * time.Second

// watchEvery is how often the configuration file is looked at.
const watchEvery = 2 * time.Second

// ErrInterrupted is returned where a signal asked to stop and that took longer
// than allowed, so that something was left behind.
var ErrInterrupted = errors.New("interrupted")

// RunOptions say how the daemon runs. The zero value is right for a service.
type RunOptions struct {
	Version string
	Args    []string         // the command line, for hints; nil: os.Args
	Log     io.Writer        // nil: os.Stderr
	Now     func() time.Time // nil: time.Now
	// Dial replaces the TCP dial to mail servers, for tests.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// LookupTXT replaces the system's resolver, for tests.
	LookupTXT mailauth.LookupTXT
	// Signals replaces the process's own signals, for tests: SIGHUP reloads,
	// anything else stops.
	Signals <-chan os.Signal
	// Ready, when not nil, hears where the daemon listens once it serves.
	Ready func(Listening)
}

// Listening is where a daemon can be reached.
type Listening struct {
	Socket string
	TCP    string // of the pages, the API, /healthz and /metrics; "" when disabled
	Public string // of the pages behind the links of mails; "" when there are none
}

// Run is the daemon: it serves until ctx ends or a signal asks it to stop,
// and then stops within half a minute with nothing lost. A second signal ends
// the process at once; what was under way is done again at the next start.
func Run(ctx context.Context, configPath string, o RunOptions) error {
	cfg, err := config.Load(configPath)
	if err != nil {
		return err
	}
	opts, err := o.options(cfg)
	if err != nil {
		return err
	}
	undo := &stops{log: opts.log}
	err = daemonise(ctx, cfg, o, opts, undo)
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin-2*time.Second)
	defer cancel()
	return errors.Join(err, undo.unwind(stopCtx))
}

func (o RunOptions) options(cfg *config.Config) (options, error) {
	level := new(slog.LevelVar)
	l, err := parseLevel(string(cfg.Log.Level))
	if err != nil {
		return options{}, err
	}
	level.Set(l)
	w := o.Log
	if w == nil {
		w = os.Stderr
	}
	opts := options{
		version: o.Version, args: o.Args, now: o.Now, dial: o.Dial, lookupTXT: o.LookupTXT, patience: lockPatience,
		level: level, log: newLogger(w, string(cfg.Log.Format), level),
	}
	if opts.args == nil {
		opts.args = os.Args
	}
	if opts.now == nil {
		opts.now = time.Now
	}
	return opts, nil
}

// daemonise builds the system, starts it and waits for its end.
func daemonise(ctx context.Context, cfg *config.Config, o RunOptions, opts options, undo *stops) error {
	signals := o.Signals
	if signals == nil {
		own := make(chan os.Signal, 4)
		signal.Notify(own, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
		undo.push("signals", func(context.Context) error { signal.Stop(own); return nil })
		signals = own
	}
	s, err := build(ctx, cfg, opts, undo)
	if err != nil {
		return err
	}
	d := &daemonRun{system: s, notify: notifier{opts.log}, where: Listening{Socket: s.socket.Addr().String()}}
	if err := d.start(ctx, undo); err != nil {
		return err
	}
	d.notify.ready()
	if text := fewFiles(openFiles(), len(d.config().Boxes())); text != "" {
		opts.log.Warn("few open files", "hint", text)
	}
	opts.log.Info("ready", "version", opts.version, "mailboxes", len(d.config().Boxes()), "socket", d.where.Socket, "listen", d.where.TCP)
	if o.Ready != nil {
		o.Ready(d.where)
	}
	heard := d.attend(ctx, signals)
	d.notify.stopping()
	opts.log.Info("stopping")
	if o.Signals == nil {
		go func() { _ = rescue.Do(func() error { impatient(signals, heard, os.Exit); return nil }) }()
	}
	return nil
}

// impatient ends the process at the second signal to stop. heard says that the
// first was heard; where a context ended instead, that is mostly because of a
// signal, and the signal itself is still to come.
func impatient(signals <-chan os.Signal, heard bool, exit func(code int)) {
	for sig := range signals {
		switch {
		case sig == syscall.SIGHUP:
		case !heard:
			heard = true
		default:
			exit(130)
			return
		}
	}
}

// daemonRun is a running daemon.
type daemonRun struct {
	*system
	notify notifier
	where  Listening
	alerts *alerter
}

// start serves and sets everything to work; each thing started is stopped by
// a step of undo, the mailboxes first and the store last.
func (d *daemonRun) start(ctx context.Context, undo *stops) error {
	strangers, err := d.newPublic()
	if err != nil {
		return err
	}
	team, public := d.tcp(d.teamListener()), d.tcp(publicListener(strangers))
	for _, l := range []*tcpService{team, public} {
		if err := l.replace(d.config()); err != nil {
			return err
		}
		undo.push("listener", l.stop)
	}
	d.where.TCP, d.where.Public = team.addr(), public.addr()
	if err := d.welcome(ctx); err != nil {
		return err
	}
	api := serve(d.socket, local(d.handler), d.log)
	undo.push("api", api.stop)

	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	undo.push("work", func(ctx context.Context) error {
		cancel()
		return waitFor(ctx, &wg, d.fleet)
	})
	d.alerts = d.newAlerter()
	d.fleet.changed = d.alerts.look
	route, err := d.prepareRoute(d.config())
	if err != nil {
		return err
	}
	route()
	d.hooks = hooks{reroute: d.prepareRoute, rebind: []rebind{team.prepare, public.prepare}}
	keeper := d.newHousekeeper()
	if _, err := keeper.lookAtClock(ctx); err != nil { // before mail is judged by it; the next look is the housekeeper's
		d.log.Warn("what the clock shows is not kept", "err", err)
	}
	for name, run := range map[string]func(context.Context){
		"beginning":    func(ctx context.Context) { d.begin(ctx, func() { d.fleet.watch(ctx) }) },
		"alerts":       d.alerts.run,
		"housekeeping": keeper.run,
		"sign-ins":     d.wakeStopped,
		"disk":         d.keepRoom,
		"daily mail":   d.newDigester(web.NewHandlerClient(d.handler)).run,
		"relations":    func(ctx context.Context) { d.persist(ctx, "relations", d.intake.Relate) },
		"older mail":   func(ctx context.Context) { d.persist(ctx, "older mail", d.intake.Recognise) },
		"files":        d.readFiles,
		"news":         func(ctx context.Context) { d.persist(ctx, "news", d.news.Run) },
		"lists":        d.followGroups,
		"sales":        d.watchSales,
		"outbox":       d.deliver,
		"campaigns":    d.tend,
		"webhooks":     func(ctx context.Context) { d.persist(ctx, "webhooks", d.told.Run) },
		"tokens":       func(ctx context.Context) { _ = d.keeper.Run(ctx) }, // ends with ctx only
		"memory":       d.giveBack,
		"watchdog":     func(ctx context.Context) { d.notify.watch(ctx, d.alive) },
	} {
		wg.Go(func() { keep(work, d.faults, "the daemon's "+name, run) })
	}
	return nil
}

// waitFor waits for all work to end, at most until ctx does.
func waitFor(ctx context.Context, wg *sync.WaitGroup, f *fleet) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = rescue.Do(func() error { wg.Wait(); f.wait(); return nil })
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("some work did not end in time, and is done again at the next start: %w", ErrInterrupted)
	}
}

// attend serves signals and changes of the file until it is time to stop; it
// reports whether a signal said so, and not its context.
func (d *daemonRun) attend(ctx context.Context, signals <-chan os.Signal) (heard bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changes := config.Watch(ctx, d.config().File, watchEvery)
	for {
		select {
		case <-ctx.Done():
			return false
		case sig, open := <-signals:
			if !open || sig != syscall.SIGHUP {
				return true
			}
			d.reload(ctx, "signal")
			d.fleet.retry() // a faulty file must not keep a mended password waiting
		case _, open := <-changes:
			if open {
				d.reload(ctx, "file changed")
			}
		}
	}
}

// reload reloads and logs; a failed reload changes nothing.
func (d *daemonRun) reload(ctx context.Context, why string) {
	d.notify.reloading()
	defer d.notify.ready()
	_ = rescue.Do(func() error { return d.Reload(ctx) }) // Reload logs what went wrong
	d.log.Debug("reload done", "why", why)
}
