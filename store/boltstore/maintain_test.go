package boltstore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
	"rapport/store/storetest"
)

func noise(n int, seed uint64) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func dump(t *testing.T, s store.Store) string {
	t.Helper()
	d, err := storetest.Dump(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestM81_HotBackup backs up while somebody writes, restores, and demands a
// sound store that equals the state of one moment.
func TestM81_HotBackup(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true})
	large := stuff(t, s, 50, noise(400<<10, 1))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := uint64(2); ctx.Err() == nil; i++ {
			// Each transaction adds one message and one entry together.
			_ = s.update(ctx, func(tx *Tx) error {
				id := store.NewID(epoch)
				return errors.Join(tx.Messages().Put(message.Message{ID: message.ID(id), Time: epoch, Raw: large.Sum}, nil),
					tx.Entries().Put(timeline.Entry{ID: timeline.ID(id), Time: epoch, Message: message.ID(id)}, store.NewDocument(store.Fields{Text: "more " + id})))
			})
		}
	}()
	var file bytes.Buffer
	first := true
	_, err := s.Backup(t.Context(), writerFunc(func(p []byte) (int, error) {
		if first { // the snapshot is taken; delete what it needs
			first = false
			if err := s.update(t.Context(), func(tx *Tx) error { return tx.Blobs().Delete(large.Sum) }); err != nil {
				return 0, err
			}
		}
		return file.Write(p)
	}), nil)
	cancel()
	<-done
	if err != nil {
		t.Fatalf("Backup: %v", err)
	}
	if _, err := os.Stat(s.blobPath(large.Sum)); !errors.Is(err, os.ErrNotExist) {
		t.Error("a file deleted during the backup stays after it")
	}
	dir := filepath.Join(t.TempDir(), "restored")
	if _, err := Restore(t.Context(), bytes.NewReader(file.Bytes()), dir, RestoreOptions{}); err != nil {
		t.Fatalf("Restore: %v", err)
	}
	r, err := Open(dir, Options{})
	if err != nil {
		t.Fatalf("Open restored: %v", err)
	}
	defer r.Close()
	noFaults(t, r)
	q, _ := store.ParseQuery("more OR word")
	if n, hits := count(t, r), len(searchAll(t, r, q)); n < 50 || n != hits {
		t.Errorf("restored %d messages and %d hits", n, hits)
	}
	testRestoreRefusals(t, file.Bytes(), dir)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func testRestoreRefusals(t *testing.T, file []byte, taken string) {
	t.Helper()
	if _, err := Restore(t.Context(), bytes.NewReader(file), taken, RestoreOptions{}); !errors.Is(err, store.ErrExists) {
		t.Errorf("Restore over a store: %v, want ErrExists", err)
	}
	flipped := bytes.Clone(file)
	flipped[len(flipped)/2] ^= 1
	for name, tt := range map[string]struct {
		file []byte
		says string
	}{
		"cut short":  {file[:len(file)*2/3], "the backup is cut short; copy it again"},
		"flipped":    {flipped, "the backup is damaged"},
		"empty":      {nil, "the backup is cut short"},
		"no backup":  {[]byte("PK\x03\x04 something"), "this is no backup of Rapport; name a file"},
		"a tar file": {append([]byte("PK"), make([]byte, 4096)...), "this is no backup of Rapport; name a file"},
	} {
		dir := filepath.Join(t.TempDir(), "x")
		if _, err := Restore(t.Context(), bytes.NewReader(tt.file), dir, RestoreOptions{}); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("Restore of a backup that is %s: %v; want it to say %q", name, err, tt.says)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("Restore of a backup that is %s left %s", name, left[0].Name())
		}
	}
}

func TestCompact(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true})
	secret := stuff(t, s, 2000, noise(300<<10, 2))
	ids := []message.ID{}
	err := s.update(t.Context(), func(tx *Tx) error {
		p, err := tx.Messages().List(store.Slice{Limit: 1000})
		ids = p.Items
		for _, id := range ids {
			e, err2 := tx.Entries().OfMessage(id)
			err = errors.Join(err, err2, tx.Messages().Delete(id), tx.Entries().Delete(e.ID))
		}
		return errors.Join(err, tx.Blobs().Delete(secret.Sum))
	})
	if err != nil {
		t.Fatal(err)
	}
	want := dump(t, s)
	before, after, err := s.Compact(t.Context())
	if err != nil || after >= before {
		t.Fatalf("Compact: %d to %d bytes, %v", before, after, err)
	}
	if got := dump(t, s); got != want {
		t.Error("the content changed")
	}
	noFaults(t, s, "raw mail")
	raw, err := os.ReadFile(filepath.Join(s.dir, fileDB))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte(ids[0])) {
		t.Error("a deleted id is still in the file")
	}
	stuff(t, s, 10, []byte("more")) // it can be written to
	if n := count(t, s); n != 1010 {
		t.Errorf("%d messages after Compact and more, want 1010", n)
	}
	if _, after2, err := s.Compact(t.Context()); err != nil || after2 > after*2 {
		t.Errorf("second Compact: %d bytes, %v", after2, err)
	}
}

// TestCompactUnderReaders compacts while others read and write.
func TestCompactUnderReaders(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true})
	stuff(t, s, 300, []byte("x"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() {
		for ctx.Err() == nil {
			if err := s.view(context.Background(), func(tx *Tx) error { _, err := tx.Entries().Recent(store.Slice{}); return err }); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	go func() {
		for ctx.Err() == nil {
			if err := s.update(context.Background(), func(tx *Tx) error { return tx.State().Put("x", []byte(store.NewID(epoch))) }); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for range 5 {
		if _, _, err := s.Compact(t.Context()); err != nil {
			t.Errorf("Compact: %v", err)
		}
	}
	cancel()
	if err := errors.Join(<-done, <-done); err != nil {
		t.Errorf("meanwhile: %v", err)
	}
	noFaults(t, s)
}

func TestOrphans(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data[1]") // which is no pattern
	s, err := Open(dir, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	kept := stuff(t, s, 1, noise(300<<10, 3))
	orphan, err := s.Pack(t.Context(), message.Bytes(noise(300<<10, 4)))
	if err != nil || orphan.Packed != nil {
		t.Fatalf("Pack: %v, inline %v", err, orphan.Packed != nil)
	}
	if n, err := s.CollectOrphans(t.Context()); n != 0 || err != nil {
		t.Errorf("CollectOrphans took %d files that may yet be named, %v", n, err)
	}
	s.Close()
	// What a killed process leaves goes with the next start.
	left := []string{"blobs/new-1", fileSnapshot + "-1", fileCompact, dirRestoring + "/rapport.db"}
	for _, name := range left {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if s, err = Open(dir, Options{NoSync: true}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range append(left, dirRestoring) {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	if n, err := s.CollectOrphans(t.Context()); n != 1 || err != nil {
		t.Errorf("CollectOrphans after a restart took %d files, %v; want 1", n, err)
	}
	err = s.update(t.Context(), func(tx *Tx) error { return tx.Blobs().Put(orphan) })
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Put of a collected file: %v, want that it is missing", err)
	}
	noFaults(t, s)
	// A blob deleted in one transaction and packed again meanwhile stays.
	again, err := s.Pack(t.Context(), message.Bytes(noise(300<<10, 3)))
	if err != nil || again.Sum != kept.Sum {
		t.Fatal(err)
	}
	err = errors.Join(s.update(t.Context(), func(tx *Tx) error { return tx.Blobs().Delete(kept.Sum) }),
		s.update(t.Context(), func(tx *Tx) error { return tx.Blobs().Put(again) }))
	if err != nil {
		t.Fatal(err)
	}
	noFaults(t, s)
}

// TestDamagedBlobIsNoticed flips a byte of a file and of a row.
func TestDamagedBlobIsNoticed(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true})
	large := stuff(t, s, 1, noise(300<<10, 5))
	small := stuff(t, s, 1, []byte("Subject: small\r\n\r\nnothing much"))
	path := s.blobPath(large.Sum)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	err = s.update(t.Context(), func(tx *Tx) error {
		v := bytes.Clone(tx.data(tableBlob).Get(small.Sum[:]))
		v[len(v)-8] ^= 1
		return tx.data(tableBlob).Put(small.Sum[:], v)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []message.Sum{large.Sum, small.Sum} {
		var r io.ReadCloser
		if err := s.view(t.Context(), func(tx *Tx) (err error) { r, err = tx.Blobs().Open(id); return err }); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(r); err == nil {
			t.Error("damaged bytes were read without an error")
		}
		r.Close()
	}
	if faults, err := s.Check(t.Context()); err != nil || len(faults) != 2 {
		t.Errorf("Check: %q, %v; want two faults", faults, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if faults, _ := s.Check(t.Context()); !strings.Contains(strings.Join(faults, "\n"), "file is missing") {
		t.Errorf("Check: %q", faults)
	}
}

// TestPackIsBounded packs a mail of many megabytes from a reader that makes
// them, and demands that little of it is in memory.
func TestPackIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("packs 64 MB")
	}
	s := openTest(t, Options{NoSync: true})
	src := generated(64 << 20)
	allocs := testing.AllocsPerRun(1, func() {
		b, err := s.Pack(t.Context(), src)
		if err != nil || b.Packed != nil || b.Size != int64(src) {
			t.Errorf("Pack: %v, size %d", err, b.Size)
		}
	})
	if allocs > 20000 {
		t.Errorf("%v allocations for one mail", allocs)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Pack(ctx, src); !errors.Is(err, context.Canceled) {
		t.Errorf("Pack with an ended context: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.blobDir(), "new-*")); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

// generated is a mail of so many bytes that do not shrink.
type generated int64

func (g generated) Size() int64 { return int64(g) }

func (g generated) Open() (io.ReadCloser, error) {
	r := rand.NewChaCha8([32]byte{1})
	return io.NopCloser(io.LimitReader(r, int64(g))), nil
}
