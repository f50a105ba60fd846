package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rapport/internal/config"
	"rapport/store"
	"rapport/web"
)

// Where the store keeps how it is looked after.
const (
	stateBackup     = "backup"
	stateReconciled = "restoration-reconciled" // generation of the restoration after which all agreed
)

// leaveWithin is how long bytes of what was erased may stay on the disk: until
// the next night, and a few hours for what must be done first.
const leaveWithin = 28 * time.Hour

// backupBook is what is known of the scheduled backups.
type backupBook struct {
	Last    taken     `json:"last"`
	Error   string    `json:"error,omitempty"`
	ErrorAt time.Time `json:"error_at,omitzero"`
	Since   time.Time `json:"since,omitzero"` // of faults without a sound backup in between
}

// upkeepBook reads a value that one of the jobs keeps in the store.
func upkeepBook[T any](ctx context.Context, s store.Store, key string) (book T, err error) {
	var raw []byte
	err = s.View(ctx, func(tx store.Tx) (err error) {
		raw, err = tx.State().Get(key)
		return err
	})
	if err != nil {
		return book, fmt.Errorf("read the state of %s: %w", key, err)
	}
	if len(raw) > 0 && json.Unmarshal(raw, &book) != nil {
		return *new(T), nil // of another version: known again after the next run
	}
	return book, nil
}

func keepBook(ctx context.Context, s store.Store, key string, book any) error {
	raw, err := json.Marshal(book)
	if err != nil {
		return err
	}
	err = s.Update(ctx, func(tx store.Tx) error { return tx.State().Put(key, raw) })
	if err != nil {
		return fmt.Errorf("keep the state of %s: %w", key, err)
	}
	return nil
}

// journal is where erasures are written down by the configuration in force.
func (s *system) journal() journal { return journalOf(s.config(), s.log) }

func (s *system) backups(conf config.Backup) backups {
	return backups{
		store: s.store, conf: conf, key: s.key, now: s.now, log: s.log.With("component", "backup"), step: s.step,
		file: filepath.Join(s.config().DataDir, journalFile),
	}
}

// errNoBackups is told to who asks for a backup that is not configured.
var errNoBackups = errors.New("no backups are configured: add backup.dir, or name a file: rapport store backup FILE")

// BackUpNow implements web.Daemon.
func (s *system) BackUpNow(ctx context.Context) (web.BackupState, error) {
	if !s.config().Backup.Enabled() {
		return web.BackupState{}, web.Invalid(errNoBackups)
	}
	if err := s.backUp(ctx); err != nil {
		return web.BackupState{}, err
	}
	st, err := s.backupState(ctx)
	if err != nil || st == nil {
		return web.BackupState{}, err
	}
	return *st, nil
}

// backUp makes the scheduled backup and keeps how that went.
func (s *system) backUp(ctx context.Context) error {
	conf := s.config().Backup
	if !conf.Enabled() {
		return nil
	}
	s.backingUp.Lock()
	defer s.backingUp.Unlock()
	err := s.journal().unite()
	var t taken
	if err == nil {
		t, err = s.backups(conf).run(ctx)
	}
	if ctx.Err() != nil {
		return ctx.Err() // neither made nor failed
	}
	book, bookErr := upkeepBook[backupBook](ctx, s.store, stateBackup)
	switch {
	case err != nil:
		book.Error, book.ErrorAt = escape(err.Error()), s.now().UTC()
		if book.Since.IsZero() {
			book.Since = book.ErrorAt
		}
	default:
		book = backupBook{Last: t}
		s.log.Info("backup made and verified", "file", t.File, "bytes", t.Bytes, "seconds", t.Seconds, "rows", t.Rows)
	}
	return errors.Join(err, bookErr, keepBook(ctx, s.store, stateBackup, book))
}

// Upkeep implements web.Daemon.
func (s *system) Upkeep(ctx context.Context) (web.Upkeep, error) {
	var u web.Upkeep
	var err error
	if u.Backup, err = s.backupState(ctx); err != nil {
		return u, err
	}
	if u.Erasure, err = s.erasureState(ctx); err != nil {
		return u, err
	}
	if u.Retention, err = s.retentionState(ctx); err != nil {
		return u, err
	}
	if u.Restored, err = s.restoredState(ctx); err != nil {
		return u, err
	}
	if u.Sales, err = s.saleFolders(ctx); err != nil {
		return u, err
	}
	read, err := s.intake.FilesRead(ctx)
	if read != nil && !read.All {
		u.Files = &web.FilesState{Done: read.Done, Total: read.Total}
	}
	return u, err
}

func (s *system) due(ctx context.Context, job string) time.Time {
	due, err := upkeepBook[map[string]time.Time](ctx, s.store, stateDue)
	if err != nil {
		return time.Time{}
	}
	return due[job].UTC()
}

func (s *system) backupState(ctx context.Context) (*web.BackupState, error) {
	conf := s.config().Backup
	if !conf.Enabled() {
		return nil, nil
	}
	book, err := upkeepBook[backupBook](ctx, s.store, stateBackup)
	if err != nil {
		return nil, err
	}
	st := &web.BackupState{
		Dir: conf.Dir, Last: book.Last.At, File: book.Last.File, Bytes: book.Last.Bytes, Seconds: book.Last.Seconds, SHA256: book.Last.SHA256,
		Verified: book.Last.Verified, Rows: book.Last.Rows, Error: book.Error, ErrorAt: book.ErrorAt, Next: s.due(ctx, jobBackup),
	}
	if found, err := ListBackups(conf.Dir); err == nil {
		st.Kept = len(found)
	}
	return st, nil
}

// lastBackup says when the last sound backup was made, and whether any are made.
func (s *system) lastBackup() (last time.Time, on bool) {
	book, err := upkeepBook[backupBook](context.Background(), s.store, stateBackup)
	return book.Last.At, err == nil && s.config().Backup.Enabled()
}

// doctorsBackups tries whether a backup can be written where it belongs.
func doctorsBackups(dir string) web.Finding {
	const object = "backup"
	err := makeDir(dir)
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(dir, backupPrefix+"*"+backupPart); err == nil {
			_, err = f.Write([]byte{0})
			err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
		}
	}
	if err != nil {
		return web.Finding{Object: object, What: escape(fmt.Sprintf("write to backup.dir: %v", err)),
			Fix: "let the service's user write there, or name another directory in backup.dir"}
	}
	return web.Finding{Object: object, OK: true, What: escape("can be written to " + dir)}
}

// erasureState says since when bytes of what was erased wait to leave the disk.
func (s *system) erasureState(ctx context.Context) (*web.ErasureState, error) {
	var raw []byte
	err := s.store.View(ctx, func(tx store.Tx) (err error) {
		raw, err = tx.State().Get(stateErased)
		return err
	})
	first, _, found := erasedMark(raw)
	if err != nil || !found {
		return nil, err
	}
	deadline := first.Add(leaveWithin)
	return &web.ErasureState{Since: first, Deadline: deadline, Overdue: s.now().After(deadline)}, nil
}

// erasedMark reads what is kept of erasures that were not compacted yet: the
// ids of the first and the last.
func erasedMark(raw []byte) (first time.Time, last string, found bool) {
	ids := strings.Fields(string(raw))
	if len(ids) == 0 {
		return first, "", false
	}
	if at, err := store.MadeAt(ids[0]); err == nil {
		first = at.UTC()
	}
	return first, ids[len(ids)-1], true
}

// noteErasure notes that bytes are to leave the disk.
func noteErasure(ctx context.Context, s store.Store, now time.Time) error {
	id := store.NewID(now)
	err := s.Update(ctx, func(tx store.Tx) error {
		raw, err := tx.State().Get(stateErased)
		if err != nil {
			return err
		}
		mark := id
		if was := strings.Fields(string(raw)); len(was) > 0 {
			mark = was[0] + " " + id
		}
		return tx.State().Put(stateErased, []byte(mark))
	})
	if err != nil {
		return fmt.Errorf("note the erasure: %w", err)
	}
	return nil
}

func (s *system) restoredState(ctx context.Context) (*web.RestoredState, error) {
	r, ok, err := s.store.Restored(ctx)
	if err != nil || !ok {
		return nil, err
	}
	done, err := upkeepBook[uint64](ctx, s.store, stateReconciled)
	return &web.RestoredState{At: r.At, Backup: r.Backup, Generation: r.Generation, Reconciled: done == r.Generation}, err
}

// reconciled notes that every folder agreed after a restoration.
func (s *system) reconciled(ctx context.Context) error {
	r, err := s.restoredState(ctx)
	if err != nil || r == nil || r.Reconciled {
		return err
	}
	return keepBook(ctx, s.store, stateReconciled, r.Generation)
}

// sayRestored tells the log that the store is an older copy.
func (s *system) sayRestored(ctx context.Context) {
	r, err := s.restoredState(ctx)
	if err == nil && r != nil && !r.Reconciled {
		s.log.Warn("the store was restored: every mailbox is compared with its server, notes and decisions made since the copy are lost",
			"restored", r.At, "backup", r.Backup, "generation", r.Generation)
	}
}

// upkeepTroubles says what of the upkeep needs a hand.
func (s *system) upkeepTroubles() []trouble {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	u, err := s.Upkeep(ctx)
	if err != nil {
		return []trouble{{Object: "backup", state: unsure}, {Object: "erasure", state: unsure}, {Object: "retention", state: unsure}, {Object: "clock", state: unsure}, {Object: "sales", state: unsure}}
	}
	backup, erasure := trouble{Object: "backup", state: well}, trouble{Object: "erasure", state: well}
	if b := u.Backup; b != nil {
		every := s.config().Backup.Every.Std()
		switch {
		case b.Error != "":
			backup.state, backup.Since, backup.Urgent = wrong, b.ErrorAt, true
			backup.Text = "the last backup failed: " + b.Error + ". The last sound one is of " + orNever(b.Last) + "."
		case !b.Last.IsZero() && s.now().Sub(b.Last) > 2*every+time.Hour:
			backup.state, backup.Since, backup.Urgent = wrong, b.Last.Add(every), true
			backup.Text = "the last sound backup is of " + orNever(b.Last) + ", though one is due every " + s.config().Backup.Every.String() + "."
		}
	}
	if e := u.Erasure; e != nil && e.Overdue {
		erasure.state, erasure.Since, erasure.Urgent = wrong, e.Deadline, true
		erasure.Text = "bytes of what was erased on " + e.Since.Format(time.RFC1123) + " are still on the disk. Run rapport store compact; its error says why it did not happen by itself."
	}
	retention := trouble{Object: "retention", state: well}
	if r := u.Retention; r != nil && r.Error != "" {
		retention.state, retention.Since = wrong, r.ErrorAt
		retention.Text = "what is older than it may be kept could not be removed: " + r.Error
	}
	return []trouble{backup, erasure, retention, clockTrouble(ctx, s.store), saleFolderTrouble(u.Sales)}
}

func orNever(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC1123)
}
