package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"rapport/internal/config"
	"rapport/mailsync"
	"rapport/records/message"
	"rapport/store"
	"rapport/store/boltstore"
)

// engine is what the fleet asks of a mailbox's Syncer.
type engine interface {
	// Run syncs and watches until ctx ends, waiting faults out by itself.
	Run(ctx context.Context) error
	// Sync makes complete passes until all is settled; it may be called while
	// Run runs.
	Sync(ctx context.Context) error
	Status() message.MailboxStatus
	Nudge()
	Heads(ctx context.Context, o mailsync.HeadsOptions, visit func(message.Folder, []message.Copy) error) error
	Reconcile(ctx context.Context) ([]message.FolderStatus, []mailsync.Missing, error)
	Check(ctx context.Context) []mailsync.Step
}

var _ engine = (*mailsync.Syncer)(nil)

// newEngine makes a mailbox's Syncer of its configuration.
func (s *system) newEngine(cfg config.Mailbox, failed func(error)) (engine, error) {
	box, err := s.mailbox(cfg)
	if err != nil {
		return nil, err
	}
	log := s.log.With("component", "mailsync") // which adds the mailbox
	o := mailsync.Options{
		Mailbox: box, Sink: spared{s.intake, s.room}, Log: log, Now: s.now, Dial: s.dial,
		SpoolDir: spoolDir(s.cfg.DataDir), Ledger: s.ledgers.of(cfg), Gate: s.gates.of(cfg),
		Failed:   func(_ string, err error) { failed(err) },
		Panicked: func(error) { s.metrics.panics.WithLabelValues(cfg.Name).Inc() },
	}
	if log.Enabled(context.Background(), slog.LevelDebug) && os.Getenv("RAPPORT_TRACE") != "" {
		o.Transcript = func(line string) { log.Debug("imap", "mailbox", cfg.Name, "line", line) }
	}
	return mailsync.New(o)
}

// mailbox translates the configuration into the engine's terms.
func (s *system) mailbox(cfg config.Mailbox) (mailsync.Mailbox, error) {
	tlsConfig, err := cfg.TLSConfig()
	if err != nil {
		return mailsync.Mailbox{}, err
	}
	box := mailsync.Mailbox{
		Name: cfg.Name, Provider: string(cfg.Provider), Host: cfg.Host,
		TLS: mailsync.TLSMode(cfg.TLS), TLSConfig: tlsConfig,
		User: cfg.User, Login: cfg.Login,
		Since:   cfg.Since.At(s.now()),
		Include: cfg.Folders.Include, Exclude: cfg.Folders.Exclude,
		Connections: min(cmp.Or(cfg.Connections, connsWanted), connections(openFiles(), len(s.config().Boxes()))), Poll: cfg.Poll.Std(),
	}
	if cfg.OAuth.Enabled() {
		src := s.source(s.config(), grantUser{name: cfg.Name, account: cfg.Account})
		box.Token, box.Stale = s.tokens(src, cmp.Or(cfg.Login, cfg.User)), src.Stale
		return box, nil
	}
	box.Password = s.cfg.Password(cfg).Resolve
	return box, nil
}

// openStore opens the store in a directory, waiting a little for its lock.
func openStore(dir string, log *slog.Logger, now func() time.Time, patience time.Duration) (*boltstore.Store, error) {
	s, err := boltstore.Open(dir, boltstore.Options{LockTimeout: patience, Now: now, Log: log})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// withBackup names the newest backup where the store cannot be used as it is.
func withBackup(err error, dir string) error {
	if !boltstore.Damaged(err) && !errors.Is(err, store.ErrNewer) {
		return err
	}
	if newest := newestBackup(dir); newest != "" {
		return fmt.Errorf("%w (the newest backup is %s)", err, newest)
	}
	return err
}

// The store's own files in the data directory.
const (
	storeFile  = "rapport.db"
	markerFile = "rapport.id"
)

// storeExistsIn reports whether a store lies or lay in a directory.
func storeExistsIn(dir string) (bool, error) {
	for _, name := range []string{storeFile, markerFile} {
		switch _, err := os.Lstat(filepath.Join(dir, name)); {
		case err == nil:
			return true, nil
		case !errors.Is(err, os.ErrNotExist):
			return false, fmt.Errorf("look for the store: %w", err)
		}
	}
	return false, nil
}
