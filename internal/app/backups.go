package app

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rapport/internal/config"
	"rapport/store/boltstore"
)

// The names in a directory of backups, beside its journal of erasures.
const (
	backupPrefix  = "rapport-"
	backupSuffix  = ".backup"
	backupPart    = ".part"    // one being written
	backupDamaged = ".damaged" // added to the name of one that failed its drill
	backupTime    = "20060102T150405Z"
)

// spanLeast is how many backups stay at least where a span says which: a clock
// that is ahead must not take all of them.
const spanLeast = 3

// backups keeps copies of the store in a directory.
type backups struct {
	store *boltstore.Store
	conf  config.Backup
	key   []byte
	file  string // the journal of erasures beside the store
	now   func() time.Time
	log   *slog.Logger
	step  func(name string) // hears of each durable step; nil: nobody does
}

// taken is a backup that was made and passed its drill.
type taken struct {
	At       time.Time `json:"at"`
	File     string    `json:"file"`
	Bytes    int64     `json:"bytes"`
	Seconds  float64   `json:"seconds"`
	SHA256   string    `json:"sha256"`
	Verified time.Time `json:"verified"`
	Rows     int       `json:"rows"`
}

// run makes a backup, holds the drill on it, and removes those that are no
// longer to be kept. It may be broken off anywhere: what is there under a
// backup's name is whole.
func (b backups) run(ctx context.Context) (taken, error) {
	var t taken
	if err := makeDir(b.conf.Dir); err != nil {
		return t, fmt.Errorf("make a backup: %w", err)
	}
	if err := b.sweep(); err != nil {
		return t, fmt.Errorf("make a backup: %w", err)
	}
	t, err := b.write(ctx)
	if err != nil {
		return t, fmt.Errorf("make a backup: %w", err)
	}
	info, err := verifyFile(ctx, t.File, b.conf.Dir)
	if err != nil {
		if ctx.Err() == nil {
			err = errors.Join(err, os.Rename(t.File, t.File+backupDamaged))
		}
		return t, fmt.Errorf("drill of %s: %w", t.File, err)
	}
	for _, n := range info.Counts {
		t.Rows += n
	}
	t.Verified = b.now().UTC()
	b.stepped("backup.verified")
	if err := b.prune(t.File, info.Store); err != nil {
		return t, fmt.Errorf("remove old backups: %w", err)
	}
	return t, nil
}

func (b backups) stepped(name string) {
	if b.step != nil {
		b.step(name)
	}
}

// sweep removes what a broken-off run left.
func (b backups) sweep() error {
	names, err := os.ReadDir(b.conf.Dir)
	if err != nil {
		return err
	}
	for _, n := range names {
		part := strings.HasPrefix(n.Name(), "."+backupPrefix) && strings.HasSuffix(n.Name(), backupPart)
		if part || n.IsDir() && strings.HasPrefix(n.Name(), "drill-") {
			if err := os.RemoveAll(filepath.Join(b.conf.Dir, n.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// write makes the file: under another name until it is whole and on the disk.
func (b backups) write(ctx context.Context) (taken, error) {
	began := b.now()
	name, err := freeName(b.conf.Dir, backupPrefix+began.UTC().Format(backupTime))
	if err != nil {
		return taken{}, err
	}
	part := filepath.Join(b.conf.Dir, "."+name+backupPart)
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return taken{}, err
	}
	defer os.Remove(part) // gone already where all went well
	sum := sha256.New()
	info, err := b.store.Backup(ctx, io.MultiWriter(f, sum), b.attach)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return taken{}, err
	}
	b.stepped("backup.synced")
	t := taken{At: info.Created, File: filepath.Join(b.conf.Dir, name), SHA256: hex.EncodeToString(sum.Sum(nil))}
	if err := os.Rename(part, t.File); err != nil {
		return t, err
	}
	b.stepped("backup.renamed")
	if err := syncDir(b.conf.Dir); err != nil {
		return t, err
	}
	b.stepped("backup.done")
	stat, err := os.Stat(t.File)
	if err != nil {
		return t, err
	}
	t.Bytes, t.Seconds = stat.Size(), b.now().Sub(began).Seconds()
	return t, nil
}

// freeName makes a name nobody has: two backups may be made in one second.
func freeName(dir, base string) (string, error) {
	for n := 1; ; n++ {
		name := base + backupSuffix
		if n > 1 {
			name = fmt.Sprintf("%s.%d%s", base, n, backupSuffix)
		}
		switch _, err := os.Lstat(filepath.Join(dir, name)); {
		case errors.Is(err, fs.ErrNotExist):
			return name, nil
		case err != nil:
			return "", err
		}
	}
}

// attach adds the journal of erasures, and the key where it can be sealed.
func (b backups) attach() ([]boltstore.Attachment, error) {
	var out []boltstore.Attachment
	raw, err := os.ReadFile(b.file)
	switch {
	case err == nil:
		out = append(out, boltstore.Attachment{Name: boltstore.AttachErasures, Data: raw})
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read journal of erasures: %w", err)
	}
	if b.conf.Recipient == "" {
		return out, nil
	}
	sealed, err := sealKey(b.conf.Recipient, b.key)
	if err != nil {
		return nil, err
	}
	return append(out, boltstore.Attachment{Name: boltstore.AttachKey, Data: sealed}), nil
}

// prune removes the backups of this store that are no longer to be kept. The
// one just made stays.
func (b backups) prune(last, store string) error {
	found, err := ListBackups(b.conf.Dir)
	if err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(f BackupFile) bool { return f.Store != store || f.Fault != "" })
	oldest := time.Time{}
	keep := b.conf.Keep.Count
	if keep == 0 {
		keep, oldest = spanLeast, b.conf.Keep.Span.Before(b.now())
	}
	for _, f := range found[min(keep, len(found)):] {
		if f.File == last || !oldest.IsZero() && f.Created.After(oldest) {
			continue
		}
		b.stepped("backup.prune")
		if err := os.Remove(f.File); err != nil {
			return err
		}
		b.log.Info("old backup removed", "file", f.File, "created", f.Created)
	}
	return nil
}

// BackupFile is a file in a directory of backups.
type BackupFile struct {
	boltstore.BackupInfo
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
	Fault string `json:"fault,omitempty"` // why it says nothing of itself
}

// ListBackups lists the backups in a directory, the newest first, by what
// their first bytes say; whether they are whole only a drill can tell.
func ListBackups(dir string) ([]BackupFile, error) {
	names, err := filepath.Glob(filepath.Join(escapeGlob(dir), backupPrefix+"*"+backupSuffix))
	if err != nil {
		return nil, err
	}
	var out []BackupFile
	for _, name := range names {
		out = append(out, lookAt(name))
	}
	slices.SortStableFunc(out, func(a, b BackupFile) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.Generation, a.Generation), cmp.Compare(len(b.File), len(a.File)), cmp.Compare(b.File, a.File))
	})
	return out, nil
}

// escapeGlob takes the meaning from characters in a directory's name.
func escapeGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

func lookAt(name string) BackupFile {
	b := BackupFile{File: name}
	f, err := os.Open(name)
	if err == nil {
		defer f.Close()
		if info, err := f.Stat(); err == nil {
			b.Bytes = info.Size()
		}
		b.BackupInfo, err = boltstore.ReadBackupInfo(f)
	}
	if err == nil && b.Created.IsZero() { // of a version that wrote it at the end
		if info, err := os.Stat(name); err == nil {
			b.Created = info.ModTime().UTC()
		}
	}
	if err != nil {
		b.Fault = err.Error()
	}
	return b
}

// newestBackup names the newest backup in a directory, "" if there is none.
func newestBackup(dir string) string {
	if dir == "" {
		return ""
	}
	found, err := ListBackups(dir)
	if err != nil {
		return ""
	}
	for _, f := range found {
		if f.Fault == "" {
			return f.File
		}
	}
	return ""
}

// VerifyBackup holds the drill on a backup: it is restored into a directory
// below temp, opened, checked page by page and record by record, counted and
// removed again. "" takes the directory of the file.
func VerifyBackup(ctx context.Context, file, temp string) (boltstore.BackupInfo, error) {
	if temp == "" {
		temp = filepath.Dir(file)
	}
	return verifyFile(ctx, file, temp)
}

func verifyFile(ctx context.Context, file, temp string) (boltstore.BackupInfo, error) {
	f, err := os.Open(file)
	if err != nil {
		return boltstore.BackupInfo{}, err
	}
	defer f.Close()
	return boltstore.VerifyBackup(ctx, f, temp)
}

// RestoreOptions say how a backup is restored.
type RestoreOptions struct {
	// Identity opens the key that is sealed in the backup; "" leaves it.
	Identity string
	// Beside is the directory of the backup, where its journal may lie.
	Beside string
	// Step is called at every durable step, for tests that stop there.
	Step func(name string)
}

// Restored is what a restore did.
type Restored struct {
	boltstore.BackupInfo
	DataDir  string `json:"data_dir"`
	Erasures int    `json:"erasures"` // in the journal that is applied at the first start
	Key      bool   `json:"key"`      // the data directory has its key
}

// Restore lays a backup out as the store of a configuration's data directory,
// which must have none. The journals of erasures that can be found — in the
// backup, beside it, with the scheduled backups, in the data directory — are
// joined there before the store gets its name, so that nobody comes back who
// was erased since the backup was made.
func Restore(ctx context.Context, cfg *config.Config, backup io.Reader, o RestoreOptions) (Restored, error) {
	out := Restored{DataDir: cfg.DataDir}
	if err := makeDir(cfg.DataDir); err != nil {
		return out, err
	}
	beside := []string{filepath.Join(o.Beside, journalFile)}
	if cfg.Backup.Enabled() {
		beside = append(beside, filepath.Join(cfg.Backup.Dir, journalFile))
	}
	if err := carryErasures(cfg.DataDir, beside...); err != nil {
		return out, err
	}
	var err error
	out.BackupInfo, err = boltstore.Restore(ctx, backup, cfg.DataDir, boltstore.RestoreOptions{
		Step: o.Step, Attached: func(a boltstore.Attachment) error { return takeAttached(cfg.DataDir, a, o.Identity) },
	})
	if err != nil {
		return out, err
	}
	erased, err := readJournal(filepath.Join(cfg.DataDir, journalFile))
	if err != nil {
		return out, err
	}
	out.Erasures = len(erased)
	_, err = os.Stat(filepath.Join(cfg.DataDir, keyFile))
	out.Key = err == nil
	return out, nil
}

// takeAttached puts what was attached to a backup in its place.
func takeAttached(dir string, a boltstore.Attachment, identity string) error {
	switch {
	case a.Name == boltstore.AttachErasures:
		have, err := readJournal(filepath.Join(dir, journalFile))
		if err != nil {
			return err
		}
		return addErasures(dir, have, strings.Split(string(a.Data), "\n"))
	case a.Name == boltstore.AttachKey && identity != "":
		key, err := openKey(identity, a.Data)
		if err != nil {
			return err
		}
		if have, err := os.ReadFile(filepath.Join(dir, keyFile)); err == nil && !bytes.Equal(have, key) {
			return errors.New("the data directory holds another key than the backup: move it away")
		}
		return putKey(dir, key)
	}
	return nil
}

// makeDir makes a directory of ours, closed to others.
func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the directory %s: %w", dir, err)
	}
	return nil
}
