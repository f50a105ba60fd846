package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	bolt "go.etcd.io/bbolt"

	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
)

// writeNumbered commits message n, counted from 1, with everything that
// belongs to it; every seventh has its raw mail in a file. How many there are
// is kept in the same transaction.
func (s *Store) writeNumbered(ctx context.Context, n uint32) error {
	size := 200
	if n%7 == 0 {
		size = 140 << 10
	}
	b, err := s.Pack(ctx, message.Bytes(noise(size, uint64(n))))
	if err != nil {
		return err
	}
	return s.update(ctx, func(tx *Tx) error {
		id := store.NewID(epoch)
		f := message.Folder{Mailbox: "m", Name: "f", UIDValidity: 1}
		m := message.Message{ID: message.ID(id), Time: epoch, Raw: b.Sum, Head: message.Head{MessageID: fmt.Sprint(n)}}
		return errors.Join(tx.Blobs().Put(b), tx.Messages().Put(m, nil),
			tx.Entries().Put(timeline.Entry{ID: timeline.ID(id), Time: epoch, Message: m.ID}, store.NewDocument(store.Fields{Text: "number " + id})),
			tx.Folders().Settle(f, store.Settlement{UIDs: message.UIDs(n), Stored: true}),
			tx.State().Put("n", binary.BigEndian.AppendUint32(nil, n)))
	})
}

// wholeNumbers demands that a store holds messages 1 to n and nothing else,
// where n is what it counted itself, and returns n.
func wholeNumbers(t *testing.T, s *Store) uint32 {
	t.Helper()
	noFaults(t, s)
	var n uint32
	err := s.view(t.Context(), func(tx *Tx) error {
		raw, err := tx.State().Get("n")
		if err != nil || len(raw) != 4 {
			return fmt.Errorf("the count: %x, %w", raw, err)
		}
		n = binary.BigEndian.Uint32(raw)
		p, err := tx.Folders().Progress(message.Folder{Mailbox: "m", Name: "f", UIDValidity: 1})
		if err != nil || p.Stored.String() != message.UIDRanges(message.UIDRange{Lo: 1, Hi: n}).String() {
			t.Errorf("settled %s of %d messages, %v", p.Stored, n, err)
		}
		for _, bucket := range []string{tableMessage, tableEntry, tableBlob, bucketText} {
			if rows, err := countRows(tx, bucket); err != nil || rows != int(n) {
				t.Errorf("%d rows in %s, want %d, %v", rows, bucket, n, err)
			}
		}
		for i := uint32(1); i <= n; i++ {
			if ids, err := tx.Messages().ByMessageID(fmt.Sprint(i)); err != nil || len(ids) != 1 {
				t.Errorf("message %d: %v, %v", i, ids, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestM81_BackupUnderLoad makes backups while others write, compact and read
// without a pause. Each restored one is a state that was committed, of the time
// in which it was made.
func TestM81_BackupUnderLoad(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true})
	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	written := make(chan uint32, 1)
	written <- 0
	count := func() uint32 { n := <-written; written <- n; return n }
	load.Go(func() {
		for n := uint32(1); ctx.Err() == nil; n++ {
			if err := s.writeNumbered(context.Background(), n); err != nil {
				t.Errorf("write message %d: %v", n, err)
				return
			}
			<-written
			written <- n
		}
	})
	load.Go(func() {
		for ctx.Err() == nil {
			if _, _, err := s.Compact(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("compact: %v", err)
			}
		}
	})
	for count() < 5 {
		runtime.Gosched()
	}
	for try := range hotBackups {
		var file bytes.Buffer
		before := count()
		info, err := s.Backup(t.Context(), &file, nil)
		if err != nil {
			t.Fatalf("backup %d: %v", try, err)
		}
		after := count()
		if v, err := VerifyBackup(t.Context(), bytes.NewReader(file.Bytes()), t.TempDir()); err != nil || v.Counts[tableMessage] != info.Counts[tableMessage] {
			t.Errorf("backup %d: %v, counts %v", try, err, v.Counts)
		}
		dir := filepath.Join(t.TempDir(), "restored")
		if _, err := Restore(t.Context(), &file, dir, RestoreOptions{}); err != nil {
			t.Fatalf("restore %d: %v", try, err)
		}
		r, err := Open(dir, Options{NoSync: true})
		if err != nil {
			t.Fatalf("open %d: %v", try, err)
		}
		if n := wholeNumbers(t, r); n < before || n > after+1 {
			t.Errorf("backup %d holds %d messages; there were %d when it began and %d when it ended", try, n, before, after)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	cancel()
	load.Wait()
	t.Attr("tries", strconv.Itoa(hotBackups))
}

// copied is a store of which there are a backup and a copy from a stop, both
// older than it.
type copied struct{ dir, backup, stopped string }

// copiedFolder counts as read to its end in all three.
var copiedFolder = message.Folder{Mailbox: "m", Name: "f", UIDValidity: 1}

func newCopied(t *testing.T) copied {
	t.Helper()
	base := t.TempDir()
	o := copied{filepath.Join(base, "data"), filepath.Join(base, "backup"), filepath.Join(base, "stopped")}
	s := reopen(t, o.dir)
	must(t, s.writeNumbered(t.Context(), 1))
	must(t, s.update(t.Context(), func(tx *Tx) error {
		return tx.Folders().SetMark(copiedFolder, message.Mark{UIDNext: 2, Exists: 1})
	}))
	must(t, s.Close())
	must(t, os.CopyFS(o.stopped, os.DirFS(o.dir)))
	s = reopen(t, o.dir)
	out, err := os.Create(o.backup)
	must(t, err)
	_, err = s.Backup(t.Context(), out, nil)
	must(t, errors.Join(err, out.Close(), s.writeNumbered(t.Context(), 2), s.Close()))
	return o
}

// copyDB puts the database of another directory in the place of the store's.
func (o copied) copyDB(t *testing.T, from string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(from, fileDB))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(o.dir, fileDB), raw, 0o600))
}

func (o copied) restore(t *testing.T, dir string) {
	t.Helper()
	in, err := os.Open(o.backup)
	must(t, err)
	defer in.Close()
	_, err = Restore(t.Context(), in, dir, RestoreOptions{})
	must(t, err)
}

// forgetGenerations makes a store as it was before they were counted.
func (o copied) forgetGenerations(t *testing.T) {
	t.Helper()
	s := reopen(t, o.dir)
	var id []byte
	must(t, s.update(t.Context(), func(tx *Tx) error {
		id = bytes.Clone(tx.bolt.Bucket(bucketMeta).Get(keyStore))
		return nil
	}))
	must(t, s.Close())
	db, err := bolt.Open(filepath.Join(o.dir, fileDB), 0o600, nil)
	must(t, err)
	must(t, db.Update(func(b *bolt.Tx) error { return b.Bucket(bucketMeta).Delete(keyGeneration) }))
	must(t, errors.Join(db.Close(), os.WriteFile(filepath.Join(o.dir, fileMarker), append(id, '\n'), 0o600)))
}

// copiedCases are the ways in which people put a copy there, and some in which
// they do not.
var copiedCases = []struct {
	name     string
	restored bool
	do       func(*testing.T, copied)
}{
	{"nothing", false, func(*testing.T, copied) {}},
	{"opened to read", false, func(t *testing.T, o copied) {
		s, err := Open(o.dir, Options{ReadOnly: true})
		must(t, err)
		must(t, s.Close())
	}},
	{"the whole directory moved", false, func(t *testing.T, o copied) {
		must(t, os.Rename(o.dir, o.dir+"2"))
		must(t, os.CopyFS(o.dir, os.DirFS(o.dir+"2")))
	}},
	{"written before there were generations", false, func(t *testing.T, o copied) { o.forgetGenerations(t) }},
	{"restored over what is gone", true, func(t *testing.T, o copied) { must(t, os.RemoveAll(o.dir)); o.restore(t, o.dir) }},
	{"restored, its marker left", true, func(t *testing.T, o copied) {
		must(t, errors.Join(os.Remove(filepath.Join(o.dir, fileDB)), os.RemoveAll(filepath.Join(o.dir, "blobs"))))
		o.restore(t, o.dir)
	}},
	{"the database of the backup copied over", true, func(t *testing.T, o copied) {
		o.restore(t, o.dir+"2")
		o.copyDB(t, o.dir+"2")
	}},
	{"the database of a stop copied over", true, func(t *testing.T, o copied) { o.copyDB(t, o.stopped) }},
	{"the marker lost", true, func(t *testing.T, o copied) { must(t, os.Remove(filepath.Join(o.dir, fileMarker))) }},
	{"the marker of another store", true, func(t *testing.T, o copied) {
		must(t, os.WriteFile(filepath.Join(o.dir, fileMarker), []byte("other\ngeneration 1\n"), 0o600))
	}},
}

// TestM80_RestoredCopy puts older copies in the place of a store in every way
// people do, and demands that the store says so and reads its folders again;
// and that no other opening says so.
func TestM80_RestoredCopy(t *testing.T) {
	t.Parallel()
	for _, tt := range copiedCases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := newCopied(t)
			tt.do(t, o)
			s := reopen(t, o.dir)
			r, ok, err := s.Restored(t.Context())
			if err != nil || ok != tt.restored {
				t.Fatalf("Restored = %+v, %v, %v; want %v", r, ok, err, tt.restored)
			}
			var p message.Progress
			must(t, s.view(t.Context(), func(tx *Tx) (err error) { p, err = tx.Folders().Progress(copiedFolder); return err }))
			if read := p.Mark != (message.Mark{}); read == tt.restored {
				t.Errorf("the folder counts as read to its end: %v", read)
			}
			must(t, s.Close())
			s = reopen(t, o.dir)
			defer s.Close()
			again, ok, err := s.Restored(t.Context())
			if err != nil || ok != tt.restored || again != r {
				t.Errorf("at the next start Restored = %+v, %v, %v; want %+v", again, ok, err, r)
			}
		})
	}
	t.Attr("tries", strconv.Itoa(len(copiedCases)))
}

func reopen(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir, Options{NoMerge: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRestoreBrokenOff ends a restore at each of its durable steps: no store
// opens there, a new one is not begun either, and restoring again succeeds.
func TestRestoreBrokenOff(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true})
	for n := range uint32(8) {
		must(t, s.writeNumbered(t.Context(), n+1))
	}
	var file bytes.Buffer
	_, err := s.Backup(t.Context(), &file, nil)
	must(t, err)
	dir, left := filepath.Join(t.TempDir(), "data"), []string{}
	_, err = Restore(t.Context(), bytes.NewReader(file.Bytes()), dir, RestoreOptions{Step: func(string) {
		to := filepath.Join(t.TempDir(), strconv.Itoa(len(left)))
		must(t, os.CopyFS(to, os.DirFS(dir)))
		left = append(left, to)
	}})
	must(t, err)
	if len(left) < 4 {
		t.Errorf("only %d steps", len(left))
	}
	for step, dir := range append(left, dir) {
		if _, err := os.Lstat(filepath.Join(dir, fileDB)); err != nil {
			refused(t, dir, Options{}, "restore a backup")
			_, err := Restore(t.Context(), bytes.NewReader(file.Bytes()), dir, RestoreOptions{})
			must(t, err)
		}
		r := reopen(t, dir)
		if n := wholeNumbers(t, r); n != 8 {
			t.Errorf("broken off at step %d, restored %d messages of 8", step, n)
		}
		must(t, r.Close())
	}
}

// TestBackupAttachments hands files over that do not belong to the store.
func TestBackupAttachments(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true})
	must(t, s.writeNumbered(t.Context(), 1))
	var file bytes.Buffer
	info, err := s.Backup(t.Context(), &file, func() ([]Attachment, error) {
		return []Attachment{{AttachErasures, []byte("digests")}, {AttachKey, []byte("sealed")}}, nil
	})
	must(t, err)
	head, err := ReadBackupInfo(bytes.NewReader(file.Bytes()))
	if err != nil || !head.Created.Equal(info.Created) || head.Store != info.Store || head.Store == "" || head.Generation == 0 {
		t.Errorf("ReadBackupInfo = %+v, %v; want %+v", head, err, info)
	}
	got := ""
	_, err = Restore(t.Context(), &file, filepath.Join(t.TempDir(), "r"), RestoreOptions{Attached: func(a Attachment) error {
		got += a.Name + "=" + string(a.Data) + " "
		return nil
	}})
	if err != nil || got != "erasures=digests key.sealed=sealed " {
		t.Errorf("attached %q, %v", got, err)
	}
	for _, name := range []string{"key", "../x", fileDB} {
		_, err := s.Backup(t.Context(), io.Discard, func() ([]Attachment, error) { return []Attachment{{Name: name}}, nil })
		if err == nil {
			t.Errorf("%q was attached", name)
		}
	}
}

// TestVerifyBackupNotices alters a backup everywhere and wants each noticed.
func TestVerifyBackupNotices(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true})
	for n := range uint32(8) {
		must(t, s.writeNumbered(t.Context(), n+1))
	}
	var file bytes.Buffer
	_, err := s.Backup(t.Context(), &file, nil)
	must(t, err)
	temp, tries := t.TempDir(), 0
	for at := 0; at < file.Len(); at += file.Len() / 60 {
		b := bytes.Clone(file.Bytes())
		b[at] ^= 0x10
		if _, err := VerifyBackup(t.Context(), bytes.NewReader(b), temp); err == nil {
			if bytes.Equal(decodedBackup(t, b), decodedBackup(t, file.Bytes())) {
				continue // the bytes say the same in another way
			}
			t.Errorf("a flip at byte %d of %d went unnoticed", at, len(b))
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("more than one sentence: %v", err)
		}
		if _, err := VerifyBackup(t.Context(), bytes.NewReader(b[:at]), temp); err == nil {
			t.Errorf("cut at byte %d of %d went unnoticed", at, len(b))
		}
		tries += 2
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("a drill left %s", left[0].Name())
	}
	t.Log(tries, "alterations")
}

func decodedBackup(t *testing.T, b []byte) []byte {
	t.Helper()
	z, err := zstd.NewReader(bytes.NewReader(b))
	must(t, err)
	defer z.Close()
	out, err := io.ReadAll(z)
	must(t, err)
	return out
}
