package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"rapport/internal/config"
	"rapport/internal/confined"
	"rapport/internal/mailauth"
	"rapport/internal/rescue"
	"rapport/records/contact"
	"rapport/store"
	"rapport/web"
)

// checkTime is how long doctor waits for one server.
const checkTime = 45 * time.Second

// lowSpace is the room below which doctor warns.
const lowSpace = 1 << 30

// Doctor implements web.Daemon: it tries everything the configuration names
// and says the fix for what fails.
func (s *system) Doctor(ctx context.Context) ([]web.Finding, error) {
	cfg := s.config()
	boxes, err := s.fleet.all()
	if err != nil {
		return nil, err
	}
	var checks []func(context.Context) []web.Finding
	for _, b := range boxes {
		checks = append(checks, func(ctx context.Context) []web.Finding { return s.checkBox(ctx, b) })
	}
	for _, c := range cfg.Senders {
		checks = append(checks, func(ctx context.Context) []web.Finding {
			sender, err := s.newSender(cfg, c)
			if err == nil {
				err = sender.Check(ctx)
			}
			return append([]web.Finding{finding("sender "+c.Name, "connects and signs in", err)}, s.doctorsDomain(ctx, c)...)
		})
	}
	checks = append(checks,
		func(ctx context.Context) []web.Finding { return []web.Finding{s.checkStore(ctx)} },
		func(context.Context) []web.Finding { return []web.Finding{doctorsDisk(cfg.DataDir)} },
		func(context.Context) []web.Finding { return []web.Finding{doctorsFiles(len(boxes))} },
		s.doctorsGroups)
	if cfg.Backup.Enabled() {
		checks = append(checks, func(context.Context) []web.Finding { return []web.Finding{doctorsBackups(cfg.Backup.Dir)} })
	}
	if cfg.Search.Documents {
		checks = append(checks, func(ctx context.Context) []web.Finding {
			return []web.Finding{finding("attached files", "PDF files are read in a process that may reach nothing", confined.Check(ctx))}
		})
	}
	found := make([][]web.Finding, len(checks))
	var wg sync.WaitGroup
	for i, check := range checks {
		wg.Go(func() {
			if err := rescue.Do(func() error {
				ctx, cancel := context.WithTimeout(ctx, checkTime)
				defer cancel()
				found[i] = check(ctx)
				return nil
			}); err != nil {
				found[i] = []web.Finding{finding("check", "", err)}
			}
		})
	}
	wg.Wait()
	out := slices.Concat(found...)
	for _, w := range cfg.Warnings {
		out = append(out, web.Finding{Object: "configuration", OK: true, What: "warning: " + w.String()})
	}
	if len(cfg.Alerts.To) == 0 {
		out = append(out, web.Finding{Object: "alerts", OK: true, What: "warning: nobody hears of faults by mail", Fix: "set alerts.to and a sender"})
	}
	return out, ctx.Err()
}

// checkMailbox says of each step to a mailbox how it went.
func checkMailbox(ctx context.Context, b *box) (out []web.Finding) {
	object := "mailbox " + b.cfg.Name
	err := rescue.Do(func() error {
		for _, s := range b.engine.Check(ctx) {
			out = append(out, web.Finding{Object: object, OK: s.OK, What: escape(s.Name + ": " + s.What), Fix: escape(s.Fix)})
		}
		return nil
	})
	if err != nil {
		out = append(out, finding(object, "", err))
	}
	return out
}

// doctorsDomain says what receivers are told of a sender's mail, where campaigns
// may go through it.
func (s *system) doctorsDomain(ctx context.Context, c config.Sender) (out []web.Finding) {
	from, err := mail.ParseAddress(c.From)
	if err != nil || c.Mailbox == "" && len(c.DKIM) == 0 {
		return nil
	}
	host, _, err := net.SplitHostPort(c.Host)
	if err != nil {
		host = c.Host
	}
	at := mailauth.Sender{Domain: string(contact.Address(strings.ToLower(from.Address)).Domain()), Host: host}
	for _, k := range signatures(c) {
		record, err := k.Record()
		if err != nil {
			return []web.Finding{finding("sender "+c.Name, "", err)}
		}
		at.Keys = append(at.Keys, mailauth.Key{Name: k.Name(), Record: record})
	}
	lookup := s.lookupTXT
	if lookup == nil {
		lookup = net.DefaultResolver.LookupTXT
	}
	for _, f := range mailauth.Check(ctx, lookup, at) {
		out = append(out, web.Finding{Object: "sender " + c.Name, OK: f.OK, What: escape(f.What), Fix: escape(f.Fix)})
	}
	return out
}

// finding says how a check went. The engines' errors end with their fix after
// a dash.
func finding(object, good string, err error) web.Finding {
	if err == nil {
		return web.Finding{Object: object, OK: true, What: good}
	}
	what, fix := escape(err.Error()), ""
	if i := strings.LastIndex(what, " – "); i >= 0 {
		what, fix = what[:i], what[i+len(" – "):]
	}
	return web.Finding{Object: object, What: what, Fix: fix}
}

func (s *system) checkStore(ctx context.Context) web.Finding {
	faults, err := s.store.Check(ctx)
	switch {
	case err != nil:
		return finding("store", "", err)
	case len(faults) > 0:
		return web.Finding{
			Object: "store", What: fmt.Sprintf("%d faults, the first: %s", len(faults), faults[0]),
			Fix: "run rapport store reindex; where that does not help, restore a backup",
		}
	}
	return web.Finding{Object: "store", OK: true, What: "sound"}
}

// doctorsDisk says how much room the data directory has.
func doctorsDisk(dir string) web.Finding {
	has, err := spaceOf(dir)
	if err != nil {
		return finding("disk", "", err)
	}
	what := fmt.Sprintf("%.1f GB free in %s", float64(has.free)/1e9, dir)
	if has.free < lowSpace {
		return web.Finding{Object: "disk", What: "only " + what, Fix: "make room, or move data_dir"}
	}
	return web.Finding{Object: "disk", OK: true, What: what}
}

// Plan implements web.Daemon: what another configuration would change of what
// is filed. Nothing is changed.
func (s *system) Plan(ctx context.Context, configFile string) (web.RematchResult, error) {
	cfg, err := config.Load(configFile)
	if err != nil {
		return web.RematchResult{}, err
	}
	found, err := s.intake.Plan(ctx, rules(cfg), nil)
	return rematched(found), err
}

// Configuration implements web.Daemon.
func (s *system) Configuration(context.Context) (web.Configuration, error) {
	cfg := s.config()
	out := web.Configuration{File: cfg.File}
	for _, w := range cfg.Warnings {
		out.Warnings = append(out.Warnings, w.String())
	}
	for _, k := range cfg.Settings() {
		out.Settings = append(out.Settings, web.Setting{Path: k.Path, Value: k.Value, Doc: k.Doc, Line: k.Line, Hidden: k.Hidden})
	}
	return out, nil
}

// CheckStore implements web.Daemon.
func (s *system) CheckStore(ctx context.Context) ([]string, error) { return s.store.Check(ctx) }

// Backup implements web.Daemon.
func (s *system) Backup(ctx context.Context, w io.Writer) error {
	_, err := s.store.Backup(ctx, w, s.backups(s.config().Backup).attach)
	return err
}

// Reindex implements web.Daemon.
func (s *system) Reindex(ctx context.Context, progress func(done, total int)) error {
	return s.store.Reindex(ctx, progress)
}

// ReindexSearch implements web.Daemon.
func (s *system) ReindexSearch(ctx context.Context, progress func(done, total int)) error {
	return s.store.ReindexSearch(ctx, progress)
}

// Compact implements web.Daemon. Mail of somebody erased may still wait to be
// removed, where the store could not: that comes first, or it would lie about
// after the mark that asks for a compaction is gone.
func (s *system) Compact(ctx context.Context) (before, after int64, err error) {
	var erased []byte
	err = s.store.View(ctx, func(tx store.Tx) (err error) {
		erased, err = tx.State().Get(stateErased)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("read what was erased: %w", err)
	}
	unfinished := s.intake.Finish(ctx)
	before, after, err = s.store.Compact(ctx)
	if err != nil || len(erased) == 0 {
		return before, after, err
	}
	if unfinished != nil {
		return before, after, fmt.Errorf("remove all of what was erased: %w", unfinished)
	}
	return before, after, s.store.Update(ctx, func(tx store.Tx) error {
		now, err := tx.State().Get(stateErased)
		if err != nil {
			return err
		}
		_, was, _ := erasedMark(erased)
		if _, last, _ := erasedMark(now); last != was {
			return tx.State().Put(stateErased, []byte(last)) // somebody was erased meanwhile
		}
		return tx.State().Put(stateErased, nil)
	})
}

// troubles says how every mailbox is, and the store. A full disk is one
// trouble, however many mailboxes stumble over it; of those nothing is known.
func (s *system) troubles() []trouble {
	boxes, _ := s.fleet.all()
	disk := trouble{Object: "store", state: well}
	if left := s.room.left(); left != nil {
		disk.state, disk.Urgent, disk.Since, disk.Text = wrong, true, s.now(), noRoom(left)
	}
	var out []trouble
	for _, b := range boxes {
		t := b.trouble()
		if t.state == wrong && t.full {
			if disk.state == well || t.Since.Before(disk.Since) {
				disk.Since = t.Since
			}
			disk.state, disk.Urgent, disk.Text = wrong, true, noRoom(errors.New(t.Text))
			t = trouble{Object: t.Object, state: unsure}
		}
		out = append(out, t)
	}
	return slices.Concat(out, []trouble{disk}, s.groupTroubles(), s.upkeepTroubles(), s.webhookTroubles(), s.secretTroubles(), s.certificateTroubles(), s.campaignTroubles())
}

// noRoom says what a full disk means and what to do.
func noRoom(why error) string {
	return why.Error() + ". What is filed can be read, nothing new is filed. Make room; Rapport goes on by itself, nothing is lost."
}

// summary is the text of the weekly mail: figures, no names.
func (s *system) summary() string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	st, err := s.Status(ctx)
	if err != nil {
		return "The status cannot be read: " + err.Error() + "\n"
	}
	var b strings.Builder
	for _, m := range st.Mailboxes {
		stored, behind := 0, 0
		for _, f := range m.Folders {
			stored += f.Stored
			if !f.InSync {
				behind++
			}
		}
		fmt.Fprintf(&b, "%-20s %-9s %6d messages filed, %d folders", m.Name, m.State, stored, len(m.Folders))
		if behind > 0 {
			fmt.Fprintf(&b, ", %d of them not in sync", behind)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (d *daemonRun) newAlerter() *alerter {
	return &alerter{
		store: d.store, now: d.now, log: d.log.With("component", "alerts"), faults: d.faults,
		count:   func(result string) { d.metrics.alerts.WithLabelValues(result).Inc() },
		current: d.troubles, summary: d.summary, poke: make(chan struct{}, 1),
	}
}

// newHousekeeper lists what the daemon does by itself.
func (d *daemonRun) newHousekeeper() *housekeeper {
	const day = 24 * time.Hour
	return &housekeeper{
		store: d.store, now: d.now, log: d.log.With("component", "housekeeping"), faults: d.faults, clock: d.clock,
		count: func(job, result string) { d.metrics.jobs.WithLabelValues(job, result).Inc() },
		jobs: []job{
			{name: "suggestions", every: 6 * time.Hour, ages: true, do: d.expireSuggestions},
			{name: "blobs", every: day, night: true, do: func(ctx context.Context) error {
				_, err := d.store.CollectOrphans(ctx)
				return err
			}},
			{name: jobBackup, when: func() time.Duration {
				if b := d.config().Backup; b.Enabled() {
					return b.Every.Std()
				}
				return 0
			}, do: d.backUp},
			{name: jobRetention, every: day, night: true, ages: true, do: d.retainNightly},
			{name: "sent mail", every: day, night: true, ages: true, do: d.planner.Drop},
			{name: "compact", every: day, night: true, do: d.compactErased},
			{name: "reconcile", every: day, night: true, do: d.reconcileNightly},
		},
	}
}

// compactErased takes the bytes of what was erased off the disk.
func (d *daemonRun) compactErased(ctx context.Context) error {
	waits, err := d.erasureState(ctx)
	if err != nil || waits == nil {
		return err
	}
	_, _, err = d.Compact(ctx)
	return err
}

// reconcileNightly proves every folder, which asks again for what is
// quarantined, and lets the mailboxes look again where the proof fails.
func (d *daemonRun) reconcileNightly(ctx context.Context) error {
	found, err := d.Reconcile(ctx)
	if err != nil {
		return err
	}
	var wrong []string
	for _, r := range found {
		if !r.Agrees {
			wrong = append(wrong, r.Mailbox)
			d.log.Warn("folder does not agree with its server", "mailbox", r.Mailbox, "folder", r.Folder.Name, "missing", r.Missing, "err", r.Folder.Error)
		}
	}
	slices.Sort(wrong)
	for _, name := range slices.Compact(wrong) {
		d.fleet.nudge(name)
	}
	return nil
}
