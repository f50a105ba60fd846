package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
)

// filled makes a closed store with some content and returns its directory.
func filled(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	s, err := Open(dir, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	stuff(t, s, 200, noise(300<<10, 9))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// stuff puts n messages with entries and texts, and one raw mail.
func stuff(t testing.TB, s *Store, n int, raw []byte) store.Blob {
	t.Helper()
	b, err := s.Pack(t.Context(), message.Bytes(raw))
	if err != nil {
		t.Fatal(err)
	}
	err = s.update(t.Context(), func(tx *Tx) error {
		if err := tx.Blobs().Put(b); err != nil {
			return err
		}
		for i := range n {
			id := store.NewID(epoch)
			m := message.Message{ID: message.ID(id), Time: epoch.Add(time.Duration(i) * time.Hour), Raw: b.Sum, Head: message.Head{MessageID: id + "@example.org"}}
			e := timeline.Entry{ID: timeline.ID(id), Time: m.Time, Message: m.ID}
			if err := errors.Join(tx.Messages().Put(m, nil), tx.Entries().Put(e, store.NewDocument(store.Fields{Text: strings.Repeat("word "+id+" ", 20)}))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func count(t *testing.T, s *Store) int {
	t.Helper()
	n := 0
	if err := s.view(t.Context(), func(tx *Tx) (err error) {
		n, err = tx.Messages().Count()
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestM75_DamagedFileIsRefused harms a file in every way and demands one
// sentence, no change to the file, and never an empty store.
func TestM75_DamagedFileIsRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, want string
		harm       func(b []byte) []byte
	}{
		{"empty", "restore a backup", func([]byte) []byte { return nil }},
		{"short", "restore a backup", func(b []byte) []byte { return b[:100] }},
		{"one page", "restore a backup", func(b []byte) []byte { return b[:4096] }},
		{"half", "restore a backup", func(b []byte) []byte { return b[:used(b)/2] }},
		{"last page missing", "restore a backup", func(b []byte) []byte { return b[:used(b)-4096] }},
		{"foreign", "restore a backup", func([]byte) []byte { return bytes.Repeat([]byte("SQLite format 3\x00"), 2000) }},
		{"zeros", "restore a backup", func(b []byte) []byte { return make([]byte, len(b)) }},
		{"meta 0 flipped", "meta pages", func(b []byte) []byte { b[16+50] ^= 4; return b }},
		{"meta 1 flipped", "meta pages", func(b []byte) []byte { b[4096+16+50] ^= 4; return b }},
		{"both metas flipped", "restore a backup", func(b []byte) []byte { b[20] ^= 1; b[4096+20] ^= 1; return b }},
		{"meta 0 zeroed", "meta pages", func(b []byte) []byte { clear(b[:4096]); return b }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := filled(t)
			path := filepath.Join(dir, fileDB)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b = tt.harm(b)
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			refused(t, dir, Options{}, tt.want)
			refused(t, dir, Options{ReadOnly: true}, tt.want)
			if after, _ := os.ReadFile(path); !bytes.Equal(after, b) {
				t.Error("the file was changed")
			}
		})
	}
}

// used is how many bytes of a file its newer meta page speaks of.
func used(b []byte) int {
	m, err := metaOf(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		panic(err)
	}
	return int(m.pages * m.pageSize)
}

func refused(t *testing.T, dir string, o Options, want string) {
	t.Helper()
	if o.LockTimeout == 0 {
		o.LockTimeout = time.Second
	}
	s, err := Open(dir, o)
	if err == nil {
		s.Close()
		t.Errorf("Open(%+v) was not refused", o)
		return
	}
	if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("Open refused with %q, want one sentence with %q", err, want)
	}
}

// TestM75_FlippedPage flips bytes in the frames of pages in turn: opening must
// refuse or open, never end the process.
func TestM75_FlippedPage(t *testing.T) {
	t.Parallel()
	dir := filled(t)
	path := filepath.Join(dir, fileDB)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	refusals := 0
	for page := 2; page < used(sound)/4096; page += 3 {
		for _, at := range []int{0, 8, 10, 12, 16, 20, 24, 28, 100} {
			n := int64(page*4096 + at)
			if _, err := f.WriteAt([]byte{sound[n] ^ 0x41}, n); err != nil {
				t.Fatal(err)
			}
			s, err := Open(dir, Options{ReadOnly: true})
			if _, err := f.WriteAt(sound[n:n+1], n); err != nil && s == nil {
				t.Fatal(err)
			}
			if err != nil {
				refusals++
				continue
			}
			s.Close()
		}
	}
	if refusals == 0 {
		t.Error("no flip was noticed")
	}
}

func TestMissingFileIsNotReplaced(t *testing.T) {
	t.Parallel()
	for _, leave := range []string{"everything else", "blobs", fileMarker} {
		dir := filled(t)
		if err := os.Remove(filepath.Join(dir, fileDB)); err != nil {
			t.Fatal(err)
		}
		if leave != "everything else" {
			for _, name := range []string{"blobs", fileMarker, fileLock} {
				if name != leave {
					os.RemoveAll(filepath.Join(dir, name))
				}
			}
		}
		refused(t, dir, Options{}, "restore a backup")
		if _, err := os.Lstat(filepath.Join(dir, fileDB)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("with %s left, a database was made", leave)
		}
	}
}

func TestM74_DirectoryIsRefused(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	file := filepath.Join(base, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(base, "link")
	if err := os.Symlink(base, link); err != nil {
		t.Fatal(err)
	}
	refused(t, file, Options{}, "not a directory")
	refused(t, link, Options{}, "symbolic link")
	refused(t, filepath.Join(base, "no", "parent"), Options{}, "make the data directory")
	refused(t, filepath.Join(base, "none"), Options{ReadOnly: true}, "no such file")
	if os.Geteuid() != 0 {
		t.Skip("that a foreign owner is refused needs root to make one")
	}
	foreign := filepath.Join(base, "foreign")
	if err := errors.Join(os.Mkdir(foreign, 0o700), os.Chown(foreign, 12345, 12345)); err != nil {
		t.Fatal(err)
	}
	refused(t, foreign, Options{}, "belongs to the user")
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	dir := filled(t)
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestM76_SecondInstance demands a quick refusal that names the process.
func TestM76_SecondInstance(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true})
	refused(t, s.dir, Options{LockTimeout: 10 * time.Millisecond}, "process ")
	refused(t, s.dir, Options{ReadOnly: true, LockTimeout: 10 * time.Millisecond}, "process ")
	if _, err := Open(s.dir, Options{LockTimeout: 10 * time.Millisecond}); !errors.Is(err, store.ErrLocked) {
		t.Errorf("Open of a store that is open: %v, want ErrLocked", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(s.dir, Options{})
	if err != nil {
		t.Fatalf("Open after Close: %v", err)
	}
	again.Close()
}

func TestReadersShare(t *testing.T) {
	t.Parallel()
	dir := filled(t)
	for range 2 {
		s, err := Open(dir, Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if n := count(t, s); n != 200 {
			t.Errorf("%d messages, want 200", n)
		}
		if err := s.Update(t.Context(), func(store.Tx) error { return nil }); !errors.Is(err, store.ErrReadOnly) {
			t.Errorf("Update of a store opened to read: %v", err)
		}
		noFaults(t, s)
	}
}

func TestForeignAndNewer(t *testing.T) {
	t.Parallel()
	foreign := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(foreign, 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(filepath.Join(foreign, fileDB), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(func(b *bolt.Tx) error { _, err := b.CreateBucket([]byte("other")); return err }); err != nil {
		t.Fatal(err)
	}
	db.Close()
	refused(t, foreign, Options{}, "not a Rapport store")

	newer := filled(t)
	harmMeta(t, newer, keySchema, appendUint32(nil, schemaOf(migrations)+1))
	refused(t, newer, Options{}, "newer version")
	if _, err := Open(newer, Options{}); !errors.Is(err, store.ErrNewer) {
		t.Errorf("Open of a newer store: %v, want ErrNewer", err)
	}
}

func harmMeta(t *testing.T, dir string, key, val []byte) {
	t.Helper()
	db, err := bolt.Open(filepath.Join(dir, fileDB), 0o600, &bolt.Options{NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(func(b *bolt.Tx) error { return b.Bucket(bucketMeta).Put(key, val) }); err != nil {
		t.Fatal(err)
	}
}

// TestMigration runs migrations of the test's own: each once, after a copy,
// and none on opening to read.
func TestMigration(t *testing.T) {
	t.Parallel()
	dir := filled(t)
	ran := ""
	steps := append(slices.Clip(slices.Clone(migrations)), []migration{
		{"one", func(b *bolt.Tx) error { ran += "1"; return b.Bucket(bucketMeta).Put([]byte("x"), []byte("1")) }},
		{"two", func(b *bolt.Tx) error { ran += "2"; return nil }},
	}...)
	n := len(migrations)
	broken := append(steps[:n+1:n+1], migration{"broken", func(*bolt.Tx) error { return errors.New("no") }})
	refused(t, dir, Options{ReadOnly: true, migrations: steps}, "start the daemon once")
	if ran != "" {
		t.Errorf("opening to read ran %q", ran)
	}
	refused(t, dir, Options{migrations: broken}, "broken")
	s, err := Open(dir, Options{migrations: steps})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if ran != "12" {
		t.Errorf("migrations ran as %q, want 12: the first once, the broken one replaced", ran)
	}
	if _, err := os.Stat(filepath.Join(dir, fmt.Sprintf("%s.format%d", fileDB, n+1))); err != nil {
		t.Errorf("no copy from before: %v", err)
	}
	refused(t, dir, Options{migrations: steps[:n+1]}, "newer version")
}

// migrationFiles are stores of earlier formats under testdata, one for each
// migration: whoever adds a migration adds the file it starts from.
var migrationFiles = []string{
	"../../cmd/rapport/testdata/upgrade/f6c9f34.tar.zst",
	"../../cmd/rapport/testdata/upgrade/e90b6b2.tar.zst",
	"../../cmd/rapport/testdata/upgrade/33b18c6.tar.zst",
	"../../cmd/rapport/testdata/upgrade/17fa57d.tar.zst",
}

func TestEveryMigrationIsTested(t *testing.T) {
	if len(migrationFiles) != len(migrations) {
		t.Fatalf("%d files for %d migrations", len(migrationFiles), len(migrations))
	}
	for _, name := range migrationFiles { // TestM82 of cmd/rapport opens them
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
}

// TestTreeIsDrawn demands that the package comment names every bucket.
func TestTreeIsDrawn(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(append([]string{}, dataBuckets...), indexBuckets...) {
		if !strings.Contains(string(doc), "\t"+name+" ") && !strings.Contains(string(doc), " "+name+" ") && !strings.Contains(string(doc), name+",") {
			t.Errorf("doc.go does not draw %s", name)
		}
	}
}
