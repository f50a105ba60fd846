//go:build unix

package boltstore

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
)

// The tests here run this test binary again as a child that does one job to a
// store and is killed, or stops itself.
const (
	childJob  = "BOLTSTORE_CHILD"
	childStop = "BOLTSTORE_STOP" // the step at which to stop, from 1
)

func TestMain(m *testing.M) {
	if job := os.Getenv(childJob); job != "" {
		if err := child(job, os.Args[len(os.Args)-1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func child(job, dir string) error {
	stop, _ := strconv.Atoi(os.Getenv(childStop))
	steps := 0
	s, err := Open(dir, Options{NoMerge: job == "script", NoSync: job == "script", Step: func(string) {
		if steps++; steps == stop {
			os.Exit(100) // at once, as a kill does
		}
	}})
	if err != nil {
		return err
	}
	defer s.Close()
	switch job {
	case "write":
		for i := 0; ; i++ {
			if err := s.writeBatch(i); err != nil {
				return err
			}
			fmt.Println(i) // acknowledged
		}
	case "script":
		return s.script()
	}
	return s.fillUp()
}

// writeBatch stores three messages that belong together, one of them large,
// unless they are there.
func (s *Store) writeBatch(i int) error {
	ctx := context.Background()
	var blobs []store.Blob
	for n, size := range []int{100, 2000, 150 << 10} {
		b, err := s.Pack(ctx, message.Bytes(noise(size, uint64(3*i+n))))
		if err != nil {
			return err
		}
		blobs = append(blobs, b)
	}
	return s.update(ctx, func(tx *Tx) error {
		for n, b := range blobs {
			mid := fmt.Sprintf("%d.%d", i, n)
			if ids, err := tx.Messages().ByMessageID(mid); err != nil || len(ids) > 0 {
				return err
			}
			id := store.NewID(epoch)
			m := message.Message{ID: message.ID(id), Time: epoch.Add(time.Duration(3*i+n) * time.Hour), Raw: b.Sum, Head: message.Head{MessageID: mid},
				Holdings: []message.Holding{{Mailbox: "m", Folder: "f", UIDValidity: 1, UID: uint32(3*i + n + 1)}}}
			e := timeline.Entry{ID: timeline.ID(id), Time: m.Time, Message: m.ID, Subject: mid}
			err := errors.Join(tx.Blobs().Put(b), tx.Messages().Put(m, []message.Sum{b.Sum}),
				tx.Entries().Put(e, store.LaterDocument(store.Fields{Text: "batch" + strconv.Itoa(i)})),
				tx.Folders().Settle(message.Folder{Mailbox: "m", Name: "f", UIDValidity: 1}, store.Settlement{UIDs: message.UIDs(uint32(3*i + n + 1)), Stored: true}))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// script does everything that has durable steps; run again it goes on.
func (s *Store) script() error {
	ctx := context.Background()
	for i := range 3 {
		if err := s.writeBatch(i); err != nil {
			return err
		}
	}
	gone := noise(150<<10, 3*9+2)
	b, err := s.Pack(ctx, message.Bytes(gone))
	if err != nil {
		return err
	}
	err = errors.Join(s.update(ctx, func(tx *Tx) error { return tx.Blobs().Put(b) }),
		s.update(ctx, func(tx *Tx) error { return tx.Blobs().Delete(b.Sum) }), s.Reindex(ctx, nil))
	if err != nil {
		return err
	}
	_, _, err = s.Compact(ctx)
	return err
}

// fillUp writes until the disk is full, then demands that reading goes on and
// that writing does once there is room.
func (s *Store) fillUp() error {
	signal.Ignore(syscall.SIGXFSZ)
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 6 << 20, Max: was.Max}); err != nil {
		return err
	}
	var full error
	n := 0
	for ; full == nil && n < 10000; n++ {
		full = s.update(context.Background(), func(tx *Tx) error {
			return tx.State().Put(strconv.Itoa(n), noise(100<<10, uint64(n)))
		})
	}
	if !errors.Is(full, store.ErrFull) {
		return fmt.Errorf("writing to a full disk: %w, want ErrFull", full)
	}
	if err := s.view(context.Background(), func(tx *Tx) error {
		v, err := tx.State().Get("0")
		if err == nil && !bytes.Equal(v, noise(100<<10, 0)) {
			err = errors.New("other bytes")
		}
		return err
	}); err != nil {
		return fmt.Errorf("reading while the disk is full: %w", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		return err
	}
	if err := s.writeBatch(0); err != nil {
		return fmt.Errorf("writing once there is room: %w", err)
	}
	faults, err := s.Check(context.Background())
	if len(faults) > 0 {
		err = errors.Join(err, errors.New(strings.Join(faults, "; ")))
	}
	return err
}

func runChild(t *testing.T, job, dir string, stop int) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, dir)
	cmd.Env = append(os.Environ(), childJob+"="+job, childStop+"="+strconv.Itoa(stop))
	cmd.Stderr = os.Stderr
	return cmd
}

// TestM70_Kill kills a writer at random moments. Whatever it acknowledged is
// there, whole, and nothing is there by halves.
func TestM70_Kill(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	rnd := rand.New(rand.NewPCG(11, 12))
	last := -1
	for range kills {
		cmd := runChild(t, "write", dir, 0)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// The moment is a number of acknowledged batches and some work more.
		lines := bufio.NewScanner(out)
		for n := rnd.IntN(25); n >= 0 && lines.Scan(); n-- {
		}
		for spin := rnd.IntN(3_000_000); spin > 0; spin-- {
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		acked, _ := strconv.Atoi(lines.Text())
		for lines.Scan() {
			acked, _ = strconv.Atoi(lines.Text())
		}
		_ = cmd.Wait() // killed
		last = max(last, acked)
		wholeBatches(t, dir, last)
	}
	if last < 1 {
		t.Error("no batch was written")
	}
}

func wholeBatches(t *testing.T, dir string, acked int) {
	t.Helper()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatalf("Open after a kill: %v", err)
	}
	defer s.Close()
	noFaults(t, s)
	if n := count(t, s); n%3 != 0 || n < 3*(acked+1) {
		t.Errorf("%d messages after %d acknowledged batches of 3", n, acked+1)
	}
}

// TestM71_StopAtEveryStep stops a script at each of its durable steps, then
// lets it go on: the end is that of an uninterrupted run.
func TestM71_StopAtEveryStep(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	whole := filepath.Join(base, "whole")
	if err := runChild(t, "script", whole, 0).Run(); err != nil {
		t.Fatal(err)
	}
	want := dumpDir(t, whole)
	for k := 1; ; k += everyStep {
		dir := filepath.Join(base, strconv.Itoa(k))
		err := runChild(t, "script", dir, k).Run()
		if err == nil {
			if k < 15 {
				t.Errorf("only %d steps", k-1)
			}
			return
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 100 {
			t.Fatalf("stopped at step %d: %v", k, err)
		}
		if err := runChild(t, "script", dir, 0).Run(); err != nil {
			t.Fatalf("going on after step %d: %v", k, err)
		}
		if got := dumpDir(t, dir); got != want {
			t.Errorf("stopped at step %d and resumed, the content differs", k)
		}
		os.RemoveAll(dir)
	}
}

func dumpDir(t *testing.T, dir string) string {
	t.Helper()
	s, err := Open(dir, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	noFaults(t, s)
	if _, err := s.CollectOrphans(t.Context()); err != nil {
		t.Error(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "blobs", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return dump(t, s) + fmt.Sprintln(len(files), "files")
}

// TestM73_Full fills the disk, as far as a limit on file sizes can tell.
func TestM73_Full(t *testing.T) {
	t.Parallel()
	cmd := runChild(t, "full", filepath.Join(t.TempDir(), "data"), 0)
	cmd.Stderr = nil
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// TestM74_ReadOnlyDirectory needs a user whom modes bind.
func TestM74_ReadOnlyDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write anywhere: run as another user")
	}
	dir := filled(t)
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	if err := os.Remove(filepath.Join(dir, fileLock)); err == nil {
		t.Fatal("the directory can be written to")
	}
	if err := os.Chmod(filepath.Join(dir, fileLock), 0o400); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, Options{}, "cannot be written to")
}
