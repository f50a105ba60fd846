package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"rapport/intake"
	"rapport/internal/auth"
	"rapport/internal/config"
	"rapport/internal/mailauth"
	"rapport/internal/news"
	"rapport/internal/oauth"
	"rapport/internal/rescue"
	"rapport/internal/webhook"
	"rapport/matcher"
	"rapport/planner"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
	"rapport/store/boltstore"
	"rapport/store/veil"
	"rapport/web"
)

// options are what a system is built with beside its configuration.
type options struct {
	version string
	args    []string // of the command, for hints
	now     func() time.Time
	// patience is how long to wait for the store's lock.
	patience time.Duration
	log      *slog.Logger
	level    *slog.LevelVar
	// step hears of the durable steps that are not the store's own, for tests.
	step func(name string)
	// dial replaces the TCP dial to IMAP and SMTP servers, for tests.
	dial func(ctx context.Context, address string) (net.Conn, error)
	// lookupTXT replaces the system's resolver, for tests.
	lookupTXT mailauth.LookupTXT
}

// system is everything introduced to each other; the daemon runs it, and a
// command without one works with it. It implements web.Daemon.
type system struct {
	options
	hooks
	metrics *metrics
	faults  *faults
	store   *boltstore.Store
	intake  *intake.Intake
	fleet   *fleet
	room    *room
	ledgers *ledgers
	gates   gates
	rosters rosters // of the mailbox groups
	clock   *wallClock
	auth    *auth.Service
	keeper  *oauth.Keeper // of access tokens
	signIns signIns       // begun on a page
	handler http.Handler
	feed    http.Handler
	pages   func() (http.Handler, error) // made when somebody first looks: no command does
	news    *news.Watch
	told    *webhook.Service
	planner *planner.Planner // of campaigns
	courier *courier
	socket  net.Listener
	key     []byte // of keyed digests

	mu  sync.Mutex // guards cfg
	cfg *config.Config

	visibility atomic.Pointer[map[string]veil.Mailbox] // whose the mailboxes are

	reloading sync.Mutex    // one reload at a time
	backingUp sync.Mutex    // one scheduled backup at a time
	retaining sync.Mutex    // one enforcing of the retention at a time
	retained  atomic.Int64  // entries the one under way has looked at
	rulesDue  chan struct{} // one place: the rules are to be applied again
	workDue   chan struct{} // one place: intake has work left that failed
	filesDue  chan struct{} // one place: whether attached files are read may have changed

	dirtyMu sync.Mutex      // guards dirty
	dirty   map[string]bool // mailboxes that got work while a sync runs; "" is every one
}

// build makes a system of a configuration, up to the bound socket. Its steps
// are undone by what it pushes on stops, also where it fails half way.
func build(ctx context.Context, cfg *config.Config, o options, undo *stops) (*system, error) {
	s := &system{options: o, cfg: cfg, metrics: newMetrics(o.version), dirty: map[string]bool{}, rulesDue: make(chan struct{}, 1), workDue: make(chan struct{}, 1), filesDue: make(chan struct{}, 1)}
	s.faults, s.clock = newFaults(o.log, o.now), &wallClock{now: o.now}

	exists, err := prepareDataDir(cfg.DataDir, o.args)
	if err != nil {
		return nil, err
	}
	// The key comes first: a crash in between leaves a key without a store,
	// which is used, rather than a store without its key, which is refused.
	if s.key, err = secretKey(cfg.DataDir, exists); err != nil {
		return nil, err
	}
	if s.store, err = openStore(cfg.DataDir, o.log.With("component", "store"), o.now, o.patience); err != nil {
		return nil, withBackup(err, cfg.Backup.Dir)
	}
	undo.push("store", func(context.Context) error { return s.store.Close() })
	if err := sweepKeys(cfg.DataDir); err != nil {
		return nil, err
	}
	if err := prepareSpool(cfg.DataDir); err != nil {
		return nil, err
	}
	if err := s.listenForNews(ctx); err != nil {
		return nil, err
	}
	cfg = s.withGroups(ctx, cfg)
	s.cfg = cfg
	s.courier = newCourier()
	if s.planner, err = s.newPlanner(); err != nil {
		return nil, err
	}
	if s.intake, err = newIntake(s, cfg); err != nil {
		return nil, err
	}
	s.intake.Retain(retention(cfg))
	if err := reapplyErasures(ctx, s.store, s.intake, journalOf(cfg, o.log), o.now(), o.log); err != nil {
		return nil, err
	}
	show, err := s.prepareVisibility(ctx, cfg)
	if err != nil {
		return nil, err
	}
	show(ctx)
	s.sayRestored(ctx)
	s.room, s.ledgers = newRoom(cfg.DataDir), newLedgers(s.store, o.now)
	undo.push("budgets", s.ledgers.close)
	s.keeper = s.newKeeper()
	undo.push("access tokens", s.keeper.Close)
	undo.push("sign-ins", s.signIns.close)
	s.useGrants(cfg)
	s.fleet = &fleet{build: s.newEngine, explain: s.room.explain, log: o.log.With("component", "mailsync"), faults: s.faults, metrics: s.metrics, remember: s.remember}
	lineup, err := s.fleet.prepare(cfg.Boxes())
	if err != nil {
		return nil, err
	}
	s.fleet.adopt(lineup)
	s.metrics.registry.MustRegister(statusCollector{
		status:   func() (message.SyncStatus, error) { return s.Status(context.Background()) },
		messages: s.countMessages,
		size:     s.store.Size,
		backup:   s.lastBackup,
	})
	if err := s.listen(undo); err != nil {
		return nil, err
	}
	return s, s.auth.Load(ctx)
}

// listen binds the socket for those who ask, and builds who answers them.
func (s *system) listen(undo *stops) error {
	s.auth = auth.New(auth.Options{Store: s.store, Key: s.key, Now: s.now, Log: s.log.With("component", "auth")})
	address := ""
	if w := s.config().Web; w.Enabled() {
		address = w.Listen
	}
	s.auth.Configure(signIn(s.config(), address)) // where the daemon's listener is bound it knows better
	api := web.New(web.Options{
		Store: s.store, Records: records{s.intake, s.store, s.now}, Daemon: s, Now: s.now, Version: s.version,
		Log: s.log.With("component", "web"), SpoolDir: spoolDir(s.config().DataDir),
		Identities: s.auth, Access: s.auth, Grants: s, Mailboxes: s.mailboxesShown, News: s.news, Webhooks: s.told, Outreach: s.planner, Listening: s.planner, Relations: s.relationSettings, Sales: s.saleSettings,
	})
	s.handler, s.feed = api.Handler(), api.Feed()
	s.pages = sync.OnceValues(s.newPages)
	path, err := SocketPath(s.config().DataDir)
	if err != nil {
		return err
	}
	if s.socket, err = listenSocket(path); err != nil {
		return err
	}
	undo.push("socket", func(context.Context) error {
		if err := s.socket.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return nil
}

// prepareDataDir makes the data directory where it is missing and refuses one
// that is not ours. It reports whether a store lies in it.
func prepareDataDir(dir string, args []string) (storeExists bool, err error) {
	if info, err := os.Lstat(dir); err == nil && info.Mode()&os.ModeSymlink != 0 {
		return false, fmt.Errorf("open data_dir %s: it is a symbolic link (name the directory it points to in data_dir)", dir)
	}
	if err := checkOwner(dir, args); err != nil {
		return false, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return false, fmt.Errorf("make data_dir: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return false, fmt.Errorf("look at data_dir: %w", err)
	}
	if !info.IsDir() {
		return false, fmt.Errorf("open data_dir %s: it is not a directory", dir)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return false, fmt.Errorf("close data_dir to others: %w", err)
		}
	}
	if err := checkFiles(dir); err != nil {
		return false, err
	}
	return storeExistsIn(dir)
}

// spoolDir is where large bodies pass through on their way; what a killed
// process left there is removed at the start.
func spoolDir(dataDir string) string { return filepath.Join(dataDir, "spool") }

func prepareSpool(dataDir string) error {
	dir := spoolDir(dataDir)
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("empty spool: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make spool: %w", err)
	}
	return nil
}

// rules are the configured part of judging.
func rules(cfg *config.Config) matcher.Rules {
	r := matcher.Rules{
		Team: cfg.Team(), LogAddress: cfg.LogAddresses(),
		LogInternal: cfg.Policy.Internal == config.LogInternal, Freemail: cfg.Policy.Freemail,
	}
	for _, e := range cfg.Policy.Exclude {
		r.Exclusions = append(r.Exclusions, matcher.Exclusion{
			Address: contact.Address(e.Address), Domain: e.Domain, Pattern: e.Pattern, Mode: matcher.Mode(e.Mode),
		})
	}
	return r
}

// boxesForIntake are the mailboxes as filing knows them.
func boxesForIntake(cfg *config.Config) []intake.Mailbox {
	out := make([]intake.Mailbox, 0, len(cfg.Boxes()))
	for _, m := range cfg.Boxes() {
		out = append(out, intake.Mailbox{
			Name: m.Name, Authserv: m.AuthservID, Hidden: m.Visibility == config.VisiblePrivate,
		})
	}
	return out
}

func newIntake(s *system, cfg *config.Config) (*intake.Intake, error) {
	return intake.New(intake.Options{
		Store: s.news.Over(s.store), Rules: rules(cfg), Key: s.key,
		Suggest: cfg.Policy.Unmatched == config.Suggest, Mailboxes: boxesForIntake(cfg),
		Now: s.now, Log: s.log.With("component", "intake"), Wake: s.wake, Unfinished: func() { due(s.workDue) },
		Erased:  func(ds []store.Digest) error { return s.journal().add(ds, s.now()) },
		Doubted: s.clock.doubted, Own: s.planner.Own, Returned: s.planner.Returned,
		Documents: documents{s},
	})
}

// config returns the configuration in force.
func (s *system) config() *config.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg
}

// wake hears from intake that a mailbox has work.
func (s *system) wake(mailbox string) {
	s.dirtyMu.Lock()
	s.dirty[mailbox] = true
	s.dirtyMu.Unlock()
	if s.fleet != nil {
		s.fleet.nudge(mailbox)
	}
}

// takeDirty returns which mailboxes got work since it was last asked.
func (s *system) takeDirty() map[string]bool {
	s.dirtyMu.Lock()
	defer s.dirtyMu.Unlock()
	d := s.dirty
	s.dirty = map[string]bool{}
	return d
}

func (s *system) countMessages() (n int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err = s.store.View(ctx, func(tx store.Tx) (err error) {
		n, err = tx.Messages().Count()
		return err
	})
	return n, err
}

// alive says whether the daemon works: the store answers, and no mailbox's
// engine hangs.
func (s *system) alive(ctx context.Context) error {
	answered := make(chan error, 1)
	go func() {
		answered <- rescue.Do(func() error {
			return s.store.View(ctx, func(tx store.Tx) error {
				_, err := tx.State().Get(stateDue)
				return err
			})
		})
	}()
	select {
	case err := <-answered:
		if err != nil {
			return fmt.Errorf("ask the store: %w", err)
		}
	case <-ctx.Done():
		return fmt.Errorf("ask the store: %w", ctx.Err())
	}
	boxes, err := s.fleet.all()
	if err != nil {
		return err
	}
	var stuck []error
	for _, b := range boxes {
		stuck = append(stuck, b.stuck(time.Now()))
	}
	return errors.Join(stuck...)
}
