package app

import (
	"context"
	"fmt"
	"os"
	"time"

	"rapport/delivery"
	"rapport/internal/config"
	"rapport/internal/rescue"
	"rapport/records/message"
)

// rulesPatience is how long a reload waits for the rules to be applied to
// what is stored; the work goes on by itself after that.
const rulesPatience = 10 * time.Second

// hooks are what a reload does beyond the system itself, set by the daemon:
// each does what can fail and returns how to put it in force.
type hooks struct {
	reroute func(*config.Config) (swap func(), err error) // alerts
	rebind  []rebind                                      // the listeners
}

// rebind binds a listener as it is configured now. Where something else then
// fails, undo lets go of it.
type rebind func(*config.Config) (swap, undo func(), err error)

// Reload implements web.Daemon: it reads the configuration again and puts it
// in force. All that can fail comes first; a failed reload changes nothing.
func (s *system) Reload(ctx context.Context) (err error) {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	defer func() {
		result := "done"
		if err != nil {
			result = "failed"
			s.log.Error("configuration not reloaded, the old one stays in force", "err", err)
		}
		s.metrics.reloads.WithLabelValues(result).Inc()
	}()
	defer rescue.Into(&err)
	old := s.config()
	cfg, err := config.Load(old.File)
	if err != nil {
		return err
	}
	if cfg.DataDir != old.DataDir {
		return fmt.Errorf("reload: data_dir changed from %s to %s, which needs a restart", old.DataDir, cfg.DataDir)
	}
	level, err := parseLevel(string(cfg.Log.Level))
	if err != nil {
		return err
	}
	cfg = s.withGroups(ctx, cfg)
	lineup, err := s.fleet.prepare(cfg.Boxes())
	if err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	tell, err := webhookSettings(cfg)
	if err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	show, err := s.prepareVisibility(ctx, cfg)
	if err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	swap, err := s.prepareHooks(cfg)
	if err != nil {
		return fmt.Errorf("reload: %w", err)
	}

	s.mu.Lock()
	s.cfg = cfg
	s.mu.Unlock()
	show(ctx)
	s.told.Configure(tell)
	if sendersChanged(old, cfg) {
		s.courier.replace()
	}
	s.useGrants(cfg)
	s.level.Set(level)
	swap()
	// Filing must know a mailbox before its mail comes.
	s.rulesApplied(ctx)
	s.fleet.adopt(lineup)
	s.fleet.retry()
	due(s.filesDue)
	for _, w := range cfg.Warnings {
		s.log.Warn("configuration", "warning", w.String())
	}
	s.log.Info("configuration reloaded", "mailboxes", len(cfg.Boxes()), "restarted", len(lineup.fresh))
	return nil
}

// prepareHooks does what can fail of the daemon's own parts.
func (s *system) prepareHooks(cfg *config.Config) (swap func(), err error) {
	if s.reroute == nil {
		return func() {}, nil
	}
	route, err := s.reroute(cfg)
	if err != nil {
		return nil, err
	}
	// The listeners come last: they are bound already where this succeeds.
	swaps, undo := []func(){route}, []func(){}
	for _, bind := range s.rebind {
		swap, back, err := bind(cfg)
		if err != nil {
			for _, u := range undo {
				u()
			}
			return nil, err
		}
		swaps, undo = append(swaps, swap), append(undo, back)
	}
	return func() {
		for _, swap := range swaps {
			swap()
		}
	}, nil
}

// rulesApplied installs the rules and gives applying them to what is stored a
// while; keepRules goes on with what is left.
func (s *system) rulesApplied(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, rulesPatience)
	defer cancel()
	if err := s.applyRules(ctx); err != nil {
		due(s.rulesDue)
	}
}

// due says that something is to be done.
func due(what chan<- struct{}) {
	select {
	case what <- struct{}{}:
	default: // it is to be done already
	}
}

// applyRules puts the configured rules in force for what is stored, too.
func (s *system) applyRules(ctx context.Context) error {
	cfg := s.config()
	s.intake.Retain(retention(cfg))
	err := s.intake.Reconfigure(ctx, rules(cfg), cfg.Policy.Unmatched == config.Suggest, boxesForIntake(cfg))
	if err != nil {
		return fmt.Errorf("apply rules: %w", err)
	}
	return nil
}

// begin finishes what an earlier process left undone, then lets mail flow, and
// from then on applies changed rules where a reload could not in time, and does
// what a change left undone because the store could not.
func (s *system) begin(ctx context.Context, flow func()) {
	finish := func(ctx context.Context) error {
		err := s.intake.Recover(ctx)
		s.fleet.held(err)
		return err
	}
	if !s.persist(ctx, "recovery", finish) {
		return
	}
	flow()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.rulesDue:
			s.persist(ctx, "rules", s.applyRules)
		case <-s.workDue:
			s.persist(ctx, "filing", s.intake.Finish)
		}
	}
}

// persist does something until it succeeds; false means that ctx ended first.
func (s *system) persist(ctx context.Context, what string, do func(context.Context) error) bool {
	for {
		err := rescue.Do(func() error { return do(ctx) })
		if ctx.Err() != nil {
			return false
		}
		s.faults.report(what, err)
		if err == nil {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(recoverAgain):
		}
	}
}

// recoverAgain is how long to wait where the store could not do it, which
// mostly means that the disk is full.
const recoverAgain = 15 * time.Second

// wakeStopped lets a mailbox try again whose sign-in was refused, once the file
// with its password or secret has changed, or what keeps it from an access
// token may be over.
func (s *system) wakeStopped(ctx context.Context) {
	ticker := time.NewTicker(10 * time.Second)
	defer ticker.Stop()
	tried := passwordFiles{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		boxes, _ := s.fleet.all()
		for _, b := range boxes {
			st := b.engine.Status()
			if st.State != message.StateStopped {
				continue
			}
			again := s.grantMended(b.cfg, st.Since)
			for _, file := range append(b.cfg.OAuth.Files(), b.cfg.PasswordFile) {
				if info, err := os.Stat(file); err == nil && tried.changed(b.cfg.Name+" "+file, info, st.Since) {
					again = true
				}
			}
			if again {
				b.retry()
			}
		}
	}
}

// passwordFiles is which version of its password file each mailbox was last
// stopped with. Times alone do not tell: the clock may be set, and a file that
// seems to be of the future must not have the sign-in tried for ever.
type passwordFiles map[string]passwordFile

type passwordFile struct {
	at   time.Time
	size int64
}

// changed reports whether there is a version that was not tried: another than
// at the last look or, at the first, one that is younger than the refusal.
func (p passwordFiles) changed(mailbox string, file os.FileInfo, refused time.Time) bool {
	now := passwordFile{file.ModTime(), file.Size()}
	was, known := p[mailbox]
	p[mailbox] = now
	if !known {
		return now.at.After(refused)
	}
	return now != was
}

// newSender makes a plain sender of its configuration.
func (s *system) newSender(cfg *config.Config, c config.Sender) (delivery.Sender, error) {
	tlsConfig, err := c.TLSConfig()
	if err != nil {
		return delivery.Sender{}, fmt.Errorf("sender %s: %w", c.Name, err)
	}
	out := delivery.Sender{
		Host: c.Host, TLS: delivery.TLSMode(c.TLS), TLSConfig: tlsConfig, From: c.From, Dial: s.dial,
	}
	if c.OAuth.Enabled() {
		src := s.source(cfg, grantUser{name: c.Name, sender: true, account: c.Account})
		out.User, out.Token, out.Stale = c.User, s.tokens(src, c.User), src.Stale
		return out, nil
	}
	if secret := cfg.SenderPassword(c); !secret.IsZero() {
		out.Password = secret.Resolve
		if out.User = c.Login; out.User == "" {
			out.User = c.User
		}
	}
	return out, nil
}

// prepareRoute builds how alerts go out of a configuration.
func (d *daemonRun) prepareRoute(cfg *config.Config) (swap func(), err error) {
	route := alertRoute{to: cfg.Alerts.To, weekly: cfg.Alerts.Weekly, team: cfg.Ours.Name}
	if c := cfg.AlertSender(); c != nil {
		sender, err := d.newSender(cfg, *c)
		if err != nil {
			return nil, err
		}
		route.send = func(ctx context.Context, m delivery.Mail) error {
			ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
			defer cancel()
			return sender.Send(ctx, m)
		}
	}
	return func() { d.alerts.use(route) }, nil
}
