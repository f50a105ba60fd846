//go:build linux

package boltstore

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
)

// sizeMB makes TestRestoreSpeed work: it takes long and much room, so it is
// run by hand (docs/benchmarks.md).
var sizeMB = flag.Int("restore-mb", 0, "megabytes of the store of TestRestoreSpeed; 0 skips it")

// TestRestoreSpeed backs up, verifies, restores and compacts a store of some
// size and prints how fast that was beside a copy of the same bytes with a
// sync at its end.
func TestRestoreSpeed(t *testing.T) {
	if *sizeMB == 0 {
		t.Skip("asks for -restore-mb")
	}
	base := t.TempDir()
	dir := filepath.Join(base, "data")
	s, err := Open(dir, Options{NoMerge: true, NoSync: true})
	must(t, err)
	for n := uint64(0); ; n++ {
		must(t, s.fillBatch(t.Context(), n))
		size, err := s.Size()
		must(t, err)
		if size.Database+size.Files > int64(*sizeMB)<<20 {
			t.Logf("store: %d MB of database, %d MB of files, %d batches", size.Database>>20, size.Files>>20, n)
			break
		}
	}
	must(t, s.Close())
	s, err = Open(dir, Options{NoMerge: true})
	must(t, err)
	file := filepath.Join(base, "backup")
	out, err := os.Create(file)
	must(t, err)
	size := int64(*sizeMB) << 20
	meter(t, "backup", size, func() {
		_, err := s.Backup(t.Context(), out, nil)
		must(t, err)
		must(t, out.Sync())
	})
	must(t, out.Close())
	must(t, s.Close())
	meter(t, "copy with a sync", size, func() { copySynced(t, file, filepath.Join(base, "copy")) })
	must(t, os.Remove(filepath.Join(base, "copy")))
	meter(t, "restore", size, func() {
		in, err := os.Open(file)
		must(t, err)
		defer in.Close()
		_, err = Restore(t.Context(), in, filepath.Join(base, "restored"), RestoreOptions{})
		must(t, err)
	})
	meter(t, "verify", size, func() {
		in, err := os.Open(file)
		must(t, err)
		defer in.Close()
		_, err = VerifyBackup(t.Context(), in, base)
		must(t, err)
	})
	s, err = Open(filepath.Join(base, "restored"), Options{NoMerge: true})
	must(t, err)
	defer s.Close()
	meter(t, "compact", size, func() {
		_, _, err := s.Compact(t.Context())
		must(t, err)
	})
}

// fillBatch stores 200 mails of 10 to 60 KB, and one of 400 KB in a file.
func (s *Store) fillBatch(ctx context.Context, n uint64) error {
	var blobs []store.Blob
	for i := range uint64(201) {
		size := 10<<10 + int(i)*250
		if i == 200 {
			size = 400 << 10
		}
		b, err := s.Pack(ctx, message.Bytes(noise(size, n<<20|i)))
		if err != nil {
			return err
		}
		blobs = append(blobs, b)
	}
	return s.update(ctx, func(tx *Tx) error {
		for i, b := range blobs {
			id := store.NewID(epoch)
			m := message.Message{ID: message.ID(id), Time: epoch, Raw: b.Sum, Head: message.Head{MessageID: id, Subject: "Subject " + id}}
			e := timeline.Entry{ID: timeline.ID(id), Time: epoch, Message: m.ID, Subject: m.Head.Subject}
			doc := store.NewDocument(store.Fields{Text: fmt.Sprint("words of ", n, " and ", i, " ", string(bytes.Repeat([]byte("text "), 40)))})
			if err := tx.Blobs().Put(b); err != nil {
				return err
			}
			if err := tx.Messages().Put(m, []message.Sum{b.Sum}); err != nil {
				return err
			}
			if err := tx.Entries().Put(e, doc); err != nil {
				return err
			}
		}
		return nil
	})
}

func copySynced(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	must(t, err)
	defer in.Close()
	out, err := os.Create(to)
	must(t, err)
	_, err = io.Copy(struct{ io.Writer }{out}, in)
	must(t, err)
	must(t, out.Sync())
	must(t, out.Close())
}

// meter prints how long something took, on the wall and on the processor, and
// the memory the process has at its end.
func meter(t *testing.T, what string, size int64, do func()) {
	t.Helper()
	var before, after unix.Rusage
	must(t, unix.Getrusage(unix.RUSAGE_SELF, &before))
	began := time.Now()
	do()
	wall := time.Since(began)
	must(t, unix.Getrusage(unix.RUSAGE_SELF, &after))
	cpu := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	t.Logf("%-18s %6.1f s wall, %6.1f s cpu, %5.0f MB/s, peak %d MB", what, wall.Seconds(), cpu.Seconds(), float64(size)/1e6/wall.Seconds(), after.Maxrss>>10)
}
