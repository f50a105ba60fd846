package boltstore

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"rapport/store"
)

// stoppedStore makes a closed store that is larger than what is walked anyway,
// with every byte synced, walked at epoch.
func stoppedStore(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	s, err := Open(dir, Options{Now: func() time.Time { return epoch }})
	if err != nil {
		t.Fatal(err)
	}
	stuff(t, s, 200, noise(30<<10, 9))
	for i := range 6 {
		if err := s.Update(t.Context(), func(tx store.Tx) error {
			return tx.State().Put("filler "+strconv.Itoa(i), noise(1<<20, uint64(i)))
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// walkedWhen opens and closes a store at a time and returns when its pages
// were last walked.
func walkedWhen(t *testing.T, dir string, at time.Time, readOnly bool) time.Time {
	t.Helper()
	s, err := Open(dir, Options{ReadOnly: readOnly, Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	noFaults(t, s)
	walked := s.walked
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return walked
}

func TestStoppedStoreIsNotWalked(t *testing.T) {
	t.Parallel()
	dir := stoppedStore(t)
	before, err := os.ReadFile(filepath.Join(dir, fileDB))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		what     string
		at, want time.Duration // after epoch
		readOnly bool
	}{
		{"an hour later", time.Hour, 0, false},
		{"to read", 2 * time.Hour, 0, true},
		{"the next day", 25 * time.Hour, 25 * time.Hour, false},
		{"after that", 26 * time.Hour, 25 * time.Hour, false},
		{"where the clock was set back", 24 * time.Hour, 24 * time.Hour, false},
	} {
		if got := walkedWhen(t, dir, epoch.Add(tt.at), tt.readOnly); !got.Equal(epoch.Add(tt.want)) {
			t.Errorf("%s: last walked %s, want %s", tt.what, got, epoch.Add(tt.want))
		}
	}
	if after, _ := os.ReadFile(filepath.Join(dir, fileDB)); !bytes.Equal(before, after) {
		t.Error("opening and closing changed the file")
	}
}

// TestM75_TouchedAfterStop demands a walk of every file that is not exactly as
// it was left.
func TestM75_TouchedAfterStop(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		what  string
		touch func(t *testing.T, dir string)
	}{
		{"written", func(t *testing.T, dir string) {
			rewrite(t, dir, func(b []byte) { b[len(b)-1] ^= 1 })
		}},
		{"copied", func(t *testing.T, dir string) {
			path := filepath.Join(dir, fileDB)
			b, err := os.ReadFile(path)
			must(t, err)
			info, err := os.Stat(path)
			must(t, err)
			must(t, os.WriteFile(path+".copy", b, 0o600))
			must(t, os.Chtimes(path+".copy", time.Time{}, info.ModTime()))
			must(t, os.Rename(path+".copy", path))
		}},
		{"not stopped", func(t *testing.T, dir string) {
			s, err := Open(dir, Options{})
			must(t, err)
			must(t, s.Update(t.Context(), func(tx store.Tx) error { return tx.State().Put("x", []byte("y")) }))
			crash(t, s)
		}},
		{"note missing", func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, fileStopped))) }},
		{"note cut short", func(t *testing.T, dir string) { must(t, os.Truncate(filepath.Join(dir, fileStopped), 40)) }},
		{"note with more", func(t *testing.T, dir string) {
			b, err := os.ReadFile(filepath.Join(dir, fileStopped))
			must(t, err)
			must(t, os.WriteFile(filepath.Join(dir, fileStopped), append(b, "x\n"...), 0o600))
		}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			dir := stoppedStore(t)
			tt.touch(t, dir)
			at := epoch.Add(time.Hour)
			if got := walkedWhen(t, dir, at, false); !got.Equal(at) {
				t.Errorf("last walked %s: the file was taken at its word", got)
			}
			if got := walkedWhen(t, dir, at.Add(time.Hour), false); !got.Equal(at) {
				t.Errorf("last walked %s: after a clean stop it is not to be walked again", got)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rewrite changes the database file in place, at once.
func rewrite(t *testing.T, dir string, change func(b []byte)) {
	t.Helper()
	path := filepath.Join(dir, fileDB)
	b, err := os.ReadFile(path)
	must(t, err)
	was := bytes.Clone(b)
	change(b)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	for i := range b {
		if b[i] != was[i] {
			_, err := f.WriteAt(b[i:i+1], int64(i))
			must(t, err)
		}
	}
}

// crash ends a store as the end of its process does: without Close.
func crash(t *testing.T, s *Store) {
	t.Helper()
	s.stop()
	s.merging.Wait()
	must(t, s.db.Close()) // lets go of the file, and writes nothing
	must(t, s.lock.Close())
}

// TestM75_FlippedAfterStop flips bytes in the frames of pages right after a
// clean stop: what a walk would refuse is refused.
func TestM75_FlippedAfterStop(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector is on; it runs once more without")
	}
	t.Parallel()
	dir := stoppedStore(t)
	path := filepath.Join(dir, fileDB)
	sound, err := os.ReadFile(path)
	must(t, err)
	meta, err := metaOf(bytes.NewReader(sound), int64(len(sound)))
	must(t, err)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	tries := 0
	for page := uint64(0); page < meta.pages; page += 7 {
		for _, at := range []uint64{0, 10, 12, 24} {
			n := page*meta.pageSize + at
			_, err := f.WriteAt([]byte{sound[n] ^ 0x41}, int64(n))
			must(t, err)
			walk := checkFile(path)
			s, err := Open(dir, Options{ReadOnly: true})
			if (walk == nil) != (err == nil) {
				t.Fatalf("byte %d of page %d: the walk says %v, Open %v", at, page, walk, err)
			}
			if err == nil {
				s.Close()
			}
			_, err = f.WriteAt(sound[n:n+1], int64(n))
			must(t, err)
			tries++
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestM75_FreelistIsChecked harms the list of free pages, which the engine
// believes without a look and would write where it says.
func TestM75_FreelistIsChecked(t *testing.T) {
	t.Parallel()
	n := binary.NativeEndian
	for _, tt := range []struct {
		what string
		harm func(page []byte, meta boltMeta)
	}{
		{"a page in use", func(p []byte, m boltMeta) { n.PutUint64(p[pageHeader:], m.root) }},
		{"a page twice", func(p []byte, _ boltMeta) { copy(p[pageHeader:pageHeader+8], p[pageHeader+8:]) }},
		{"beyond the end", func(p []byte, m boltMeta) { n.PutUint64(p[pageHeader:], m.pages) }},
		{"more than it holds", func(p []byte, _ boltMeta) { n.PutUint16(p[10:], 60000) }},
		{"far more than it holds", func(p []byte, _ boltMeta) {
			n.PutUint16(p[10:], 0xFFFF)
			n.PutUint64(p[pageHeader:], 1<<62)
		}},
		{"of another kind", func(p []byte, _ boltMeta) { n.PutUint16(p[8:], flagLeaf) }},
		{"too long", func(p []byte, _ boltMeta) { n.PutUint32(p[12:], 1<<31) }},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			dir := stoppedStore(t)
			rewrite(t, dir, func(b []byte) {
				meta, err := metaOf(bytes.NewReader(b), int64(len(b)))
				must(t, err)
				tt.harm(b[meta.freelist*meta.pageSize:], meta)
			})
			refused(t, dir, Options{}, "restore a backup")
		})
	}
}

func TestUpdateWithoutWritesCommitsNothing(t *testing.T) {
	t.Parallel()
	commits := 0
	s := openTest(t, Options{NoMerge: true, Step: func(name string) {
		if name == "commit" {
			commits++
		}
	}})
	for _, tt := range []struct {
		what string
		want int
		fn   func(tx store.Tx) error
	}{
		{"nothing", 0, func(store.Tx) error { return nil }},
		{"reading", 0, func(tx store.Tx) error { _, err := tx.Messages().Count(); return err }},
		{"deleting what is not there", 0, func(tx store.Tx) error { return tx.State().Put("none", nil) }},
		{"writing", 1, func(tx store.Tx) error { return tx.State().Put("some", []byte("value")) }},
		{"deleting", 1, func(tx store.Tx) error { return tx.State().Put("some", nil) }},
	} {
		commits = 0
		if err := s.Update(t.Context(), tt.fn); err != nil {
			t.Fatal(err)
		}
		if commits != tt.want {
			t.Errorf("%s: %d commits, want %d", tt.what, commits, tt.want)
		}
	}
}
