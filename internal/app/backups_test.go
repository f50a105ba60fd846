package app

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"rapport/internal/config"
	"rapport/store"
	"rapport/store/boltstore"
	"rapport/web"
)

// remains looks for a word in every file below a directory: as it stands, and
// in whatever zstd frames the bytes hold, wherever they begin.
func remains(t *testing.T, dir, word string) (found []string) {
	t.Helper()
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(16<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	magic := []byte{0x28, 0xb5, 0x2f, 0xfd}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		hit := bytes.Contains(raw, []byte(word))
		for at := 0; !hit; at += len(magic) {
			n := bytes.Index(raw[at:], magic)
			if n < 0 {
				break
			}
			at += n
			if dec.Reset(bytes.NewReader(raw[at:])) != nil {
				continue
			}
			var out bytes.Buffer
			_, _ = out.ReadFrom(dec) // ends in an error where the frame ends
			hit = bytes.Contains(out.Bytes(), []byte(word))
		}
		if hit {
			found = append(found, filepath.Base(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestM80_NobodyErasedReturns restores a backup that is older than an erasure:
// the person is not in the restored store, does not come back from the
// mailbox, and leaves no bytes on the disk. The restored store says what it is.
func TestM80_NobodyErasedReturns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ada")
	identity, recipient, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	w.extra = "backup: {dir: backups, recipient: " + recipient + "}\n"
	w.configure()
	w.arrives("ada", "carl@press.example", "canarycarl one")
	w.arrives("ada", "dora@dock.example", "canarydora one")
	r := w.runs()
	knows(t, r.client, "Carl Canarycarl", "carl@press.example")
	knows(t, r.client, "Dora Dock", "dora@dock.example")
	r.has("carl@press.example", "canarycarl one")
	r.has("dora@dock.example", "canarydora one")
	b, err := r.client.BackUpNow(t.Context())
	if err != nil || b.Kept != 1 || b.Rows == 0 || b.Verified.IsZero() || b.Error != "" {
		t.Fatalf("BackUpNow = %+v, %v", b, err)
	}
	if _, err := r.client.EraseContact(t.Context(), "carl@press.example", false); err != nil {
		t.Fatal(err)
	}
	if u, err := r.client.Upkeep(t.Context()); err != nil || u.Erasure == nil || u.Erasure.Overdue || u.Restored != nil {
		t.Errorf("after an erasure: %+v, %v", u, err)
	}
	r.end()
	w.lostAndRestored(identity)
	if in := remains(t, w.dataDir(), "canarycarl"); len(in) == 0 {
		t.Error("the backup does not hold what the test looks for")
	}
	w.staysErased()
	t.Attr("tries", "1")
}

// lostAndRestored moves the data directory away and restores the newest backup.
func (w *world) lostAndRestored(identity string) {
	t := w.t
	t.Helper()
	lost := w.dataDir() + ".lost"
	if err := os.Rename(w.dataDir(), lost); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{worldPassword, string(mustRead(t, filepath.Join(lost, keyFile)))} {
		if in := remains(t, filepath.Join(w.dir, "backups"), secret); len(in) > 0 {
			t.Errorf("a secret lies in %v", in)
		}
	}
	restored := restoreNewest(t, w.config(), identity)
	if !restored.Key || restored.Erasures != 1 {
		t.Errorf("Restore = %+v; want the key and one erasure", restored)
	}
	if !bytes.Equal(mustRead(t, filepath.Join(w.dataDir(), keyFile)), mustRead(t, filepath.Join(lost, keyFile))) {
		t.Error("another key was restored")
	}
}

// staysErased starts on a restored store: Carl is not there, does not come back
// with the mail that is on the server, and leaves the disk; Dora stays.
func (w *world) staysErased() {
	t := w.t
	t.Helper()
	r := w.runs()
	gone := func(when string) {
		t.Helper()
		if _, err := r.client.Contact(t.Context(), "carl@press.example"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: Contact = %v, want that there is none", when, err)
		}
		if hits, err := r.client.Search(t.Context(), "canarycarl", web.Slice{}); err != nil || len(hits.Items) > 0 {
			t.Errorf("%s: %d hits, %v", when, len(hits.Items), err)
		}
	}
	gone("restored")
	r.has("dora@dock.example", "canarydora one")
	u, err := r.client.Upkeep(t.Context())
	if err != nil || u.Restored == nil || u.Restored.Reconciled || u.Restored.Backup.IsZero() || u.Erasure == nil {
		t.Fatalf("restored: %+v, %v", u, err)
	}
	w.arrives("ada", "carl@press.example", "canarycarl two")
	w.arrives("ada", "dora@dock.example", "canarydora two")
	if st, err := r.client.Sync(t.Context(), nil, nil); err != nil || !st.Totals.InSync {
		t.Fatalf("Sync = %+v, %v", st.Totals, err)
	}
	gone("synced")
	r.has("dora@dock.example", "canarydora two")
	if _, err := r.client.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.client.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if u, err = r.client.Upkeep(t.Context()); err != nil || u.Erasure != nil || !u.Restored.Reconciled {
		t.Errorf("compacted and reconciled: %+v %+v, %v", u.Erasure, u.Restored, err)
	}
	r.end()
	if in := remains(t, w.dataDir(), "canarycarl"); len(in) > 0 {
		t.Errorf("of the erased person there are remains in %v", in)
	}
	if in := remains(t, w.dataDir(), "canarydora"); len(in) == 0 {
		t.Error("nothing is left of the other person either")
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func restoreNewest(t *testing.T, cfg *config.Config, identity string) Restored {
	t.Helper()
	f, err := os.Open(newestBackup(cfg.Backup.Dir))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := Restore(t.Context(), cfg, f, RestoreOptions{Identity: identity, Beside: cfg.Backup.Dir})
	if err != nil {
		t.Fatalf("Restore: %v", err)
	}
	return r
}

// keeper makes backups of a store of the test's own, by a clock of its own.
func keeper(t *testing.T, keep string) (*backups, *boltstore.Store, *time.Time) {
	t.Helper()
	now := time.Date(2026, 3, 1, 2, 30, 0, 0, time.UTC)
	clock := &now
	s, err := boltstore.Open(filepath.Join(t.TempDir(), "data"), boltstore.Options{NoSync: true, Now: func() time.Time { return *clock }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	b := &backups{
		store: s, conf: config.Backup{Dir: filepath.Join(t.TempDir(), "backups")}, key: make([]byte, keySize),
		file: filepath.Join(t.TempDir(), journalFile), now: func() time.Time { return *clock }, log: newLogger(&syncBuffer{}, "text", nil),
	}
	if err := b.conf.Keep.UnmarshalText([]byte(keep)); err != nil {
		t.Fatal(err)
	}
	return b, s, clock
}

func (b *backups) names(t *testing.T) string {
	t.Helper()
	found, err := ListBackups(b.conf.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range found {
		out = append(out, f.Created.Format("0102"))
	}
	return strings.Join(out, " ")
}

func write(t *testing.T, s *boltstore.Store, text string) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.State().Put("x", []byte(text)) }); err != nil {
		t.Fatal(err)
	}
}

// TestBackupsAreKept makes one a day and looks at which stay: never one of
// another store, nor what is no backup, and some even where the clock jumps.
func TestBackupsAreKept(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		keep string
		jump int // days the clock jumps at the end
		want string
	}{
		{"3", 0, "0306 0305 0304"},
		{"1", 0, "0306"},
		{"30d", 0, "0306 0305 0304 0303 0302 0301"},
		{"4d", 0, "0306 0305 0304 0303"},
		{"4d", 400, "0410 0306 0305"},
		{"3", 400, "0410 0306 0305"},
	} {
		t.Run(tt.keep+" "+strconv.Itoa(tt.jump), func(t *testing.T) {
			t.Parallel()
			b, s, clock := keeper(t, tt.keep)
			other, os1, _ := keeper(t, "1")
			write(t, os1, "other")
			other.conf.Dir = b.conf.Dir
			if _, err := other.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			foreign := filepath.Join(b.conf.Dir, "rapport-mine.backup")
			if err := os.WriteFile(foreign, []byte("not a backup"), 0o600); err != nil {
				t.Fatal(err)
			}
			for day := range 6 {
				write(t, s, strconv.Itoa(day))
				if _, err := b.run(t.Context()); err != nil {
					t.Fatal(err)
				}
				if day < 5 {
					*clock = clock.AddDate(0, 0, 1)
				}
			}
			if tt.jump > 0 {
				*clock = clock.AddDate(0, 0, tt.jump)
				write(t, s, "jumped")
				if _, err := b.run(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			got := strings.Fields(b.names(t))
			if len(got) < 2 || strings.Join(got[:len(got)-2], " ") != tt.want {
				t.Errorf("kept %q, want %q, the other store's and what is no backup", got, tt.want)
			}
			if _, err := os.Stat(foreign); err != nil {
				t.Errorf("what is no backup: %v", err)
			}
		})
	}
}

// TestBackupBrokenOff keeps the directory as it is at each durable step, which
// is what a kill there leaves: whatever has a backup's name is whole, and the
// next run succeeds and clears up.
func TestBackupBrokenOff(t *testing.T) {
	t.Parallel()
	b, s, _ := keeper(t, "1")
	write(t, s, "first")
	if _, err := b.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	write(t, s, "second")
	var left []string
	b.step = func(string) {
		to := filepath.Join(t.TempDir(), "left")
		if err := os.CopyFS(to, os.DirFS(b.conf.Dir)); err != nil {
			t.Error(err)
		}
		left = append(left, to)
	}
	if _, err := b.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.step = nil
	if len(left) < 5 {
		t.Errorf("only %d steps", len(left))
	}
	for step, dir := range left {
		found, err := ListBackups(dir)
		if err != nil || len(found) == 0 {
			t.Fatalf("step %d: %d backups, %v", step, len(found), err)
		}
		for _, f := range found {
			if _, err := VerifyBackup(t.Context(), f.File, ""); err != nil {
				t.Errorf("step %d: %v", step, err)
			}
		}
		again := *b
		again.conf.Dir = dir
		if _, err := again.run(t.Context()); err != nil {
			t.Errorf("step %d: the next run: %v", step, err)
		}
		names, err := os.ReadDir(dir)
		if err != nil || len(names) != 1 {
			t.Errorf("step %d: the next run leaves %v, %v", step, names, err)
		}
	}
}

// TestBackupFails says what went wrong, keeps what was sound, and tells when it
// is well again.
func TestBackupFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.extra = "backup: {dir: backups}\n"
	w.configure()
	r := w.runs()
	good, err := r.client.BackUpNow(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir, aside := filepath.Join(w.dir, "backups"), filepath.Join(w.dir, "aside")
	if err := errors.Join(os.Rename(dir, aside), os.WriteFile(dir, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.client.BackUpNow(t.Context()); err == nil || !strings.Contains(err.Error(), "backups") {
		t.Errorf("BackUpNow into a file: %v", err)
	}
	u, err := r.client.Upkeep(t.Context())
	if err != nil || u.Backup.Error == "" || !u.Backup.Last.Equal(good.Last) {
		t.Errorf("after a failure: %+v, %v; want the error and the sound one", u.Backup, err)
	}
	if err := errors.Join(os.Remove(dir), os.Rename(aside, dir)); err != nil {
		t.Fatal(err)
	}
	if b, err := r.client.BackUpNow(t.Context()); err != nil || b.Error != "" || b.Kept != 2 {
		t.Errorf("after that: %+v, %v", b, err)
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	identity, recipient, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	key := bytes.Repeat([]byte{7}, keySize)
	sealed, err := sealKey(recipient, key)
	if err != nil || bytes.Contains(sealed, key) {
		t.Fatalf("sealKey: %x, %v", sealed, err)
	}
	if got, err := openKey(identity+"\n", sealed); err != nil || !bytes.Equal(got, key) {
		t.Errorf("openKey = %x, %v", got, err)
	}
	other, _, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openKey(other, sealed); err == nil {
		t.Error("another identity opened the key")
	}
	for n := range sealed {
		bad := bytes.Clone(sealed)
		bad[n] ^= 1
		if _, err := openKey(identity, bad); err == nil {
			t.Errorf("a key altered at byte %d was opened", n)
		}
	}
	for _, text := range []string{"", recipient, identity[:30], "rapport-identity-!"} {
		if _, err := openKey(text, sealed); err == nil {
			t.Errorf("%q opened the key", text)
		}
	}
}

// TestM75_RefusalNamesTheBackup damages a store in every way there is: the
// refusal is one line with the name of the newest backup, and nothing is begun
// anew in its place.
func TestM75_RefusalNamesTheBackup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.extra = "backup: {dir: backups}\n"
	w.configure()
	r := w.runs()
	knows(t, r.client, "Carl", "carl@press.example")
	for range 2 {
		if _, err := r.client.BackUpNow(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r.end()
	db := filepath.Join(w.dataDir(), storeFile)
	sound := mustRead(t, db)
	newest := newestBackup(filepath.Join(w.dir, "backups"))
	if newest == "" {
		t.Fatal("there is no backup")
	}
	harms := map[string]func() error{
		"truncated":   func() error { return os.Truncate(db, int64(len(sound)/2)) },
		"empty":       func() error { return os.Truncate(db, 0) },
		"missing":     func() error { return os.Remove(db) },
		"foreign":     func() error { return os.WriteFile(db, bytes.Repeat([]byte("SQLite format 3\x00"), 4000), 0o600) },
		"meta page":   func() error { b := bytes.Clone(sound); b[60] ^= 1; return os.WriteFile(db, b, 0o600) },
		"first pages": func() error { b := bytes.Clone(sound); clear(b[:16<<10]); return os.WriteFile(db, b, 0o600) },
	}
	for name, harm := range harms {
		if err := errors.Join(os.WriteFile(db, sound, 0o600), harm()); err != nil {
			t.Fatal(err)
		}
		before, beforeErr := os.ReadFile(db)
		conn, err := Connect(t.Context(), w.config(), ConnectOptions{})
		if err == nil {
			conn.Close()
			t.Errorf("%s: opened", name)
			continue
		}
		if !strings.Contains(err.Error(), newest) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v; want one line that names %s", name, err, newest)
		}
		if after, afterErr := os.ReadFile(db); !bytes.Equal(before, after) || (beforeErr == nil) != (afterErr == nil) {
			t.Errorf("%s: the file was touched", name)
		}
	}
	t.Attr("tries", strconv.Itoa(len(harms)))
}

// TestDoctorTriesBackupDir has doctor write where backups go.
func TestDoctorTriesBackupDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		dir string
		ok  bool
	}{{filepath.Join(dir, "copies"), true}, {file, false}, {filepath.Join(file, "below"), false}} {
		if f := doctorsBackups(tt.dir); f.OK != tt.ok || (f.Fix == "") != tt.ok {
			t.Errorf("doctorsBackups(%s) = %+v", tt.dir, f)
		}
	}
	if left, err := os.ReadDir(filepath.Join(dir, "copies")); err != nil || len(left) != 0 {
		t.Errorf("doctor leaves %v behind, %v", left, err)
	}
}
