package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"rapport/internal/filefault"
	"rapport/web"
)

// breakage is a disk that fails at the n-th operation: once, as a bad sector
// does, or from there on until it is mended, as a full disk does. Its methods
// may be called concurrently.
type breakage struct {
	errno syscall.Errno
	once  bool
	at    int

	mu     sync.Mutex // guards what follows
	n      int
	mended bool
	hit    []filefault.Op // what failed
}

// needsSpace are the operations that a full disk fails.
var needsSpace = []filefault.Kind{filefault.Write, filefault.Size, filefault.Create, filefault.Link, filefault.Dir}

func (b *breakage) decide(op filefault.Op) filefault.Verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n++
	if b.mended || b.n < b.at || b.once && b.n > b.at || !b.once && !slices.Contains(needsSpace, op.Kind) {
		return filefault.Do()
	}
	if len(b.hit) < 5 {
		b.hit = append(b.hit, op)
	}
	return filefault.Fail(b.errno)
}

func (b *breakage) mend() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mended = true
}

// String says what failed first.
func (b *breakage) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	how := "a full disk"
	if b.once {
		how = "an I/O error"
	}
	if len(b.hit) == 0 {
		return fmt.Sprintf("%s at operation %d, which there was not", how, b.at)
	}
	return fmt.Sprintf("%s at operation %d, the %s of %s", how, b.at, b.hit[0].Kind, b.hit[0].Path)
}

func (b *breakage) struck() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.hit) > 0
}

func breakages(at int) []*breakage {
	return []*breakage{{errno: syscall.EIO, once: true, at: at}, {errno: syscall.ENOSPC, at: at}}
}

// TestM73_EachOperationFails lets each file operation of each command fail in
// turn. A command that fails says why; nothing is lost or spoilt: typed again
// on a sound disk it comes to the end of an undisturbed run.
func TestM73_EachOperationFails(t *testing.T) {
	commands := func(sc scenario) bool { return sc.until == nil }
	each(t, someScenarios, commands, func(t *testing.T, sc scenario) (steps, tries int) {
		r, ops := rehearse(t, sc)
		for _, k := range between(len(ops), *opsFailing) {
			for _, b := range breakages(k) {
				s := r.try()
				r.failing(s, b)
				r.compare(s, b.String())
				tries++
			}
		}
		return len(ops), tries
	})
}

// failing runs the scenario's commands on a failing disk.
func (r *rehearsal) failing(s *site, b *breakage) {
	r.t.Helper()
	for _, args := range r.do(s) {
		var said bytes.Buffer
		cmd := s.command(args...)
		cmd.Stdout, cmd.Stderr = &said, &said
		w, err := filefault.Start(cmd, s.dir, b.decide)
		if err != nil {
			r.t.Fatal(err)
		}
		if _, err := w.Wait(); err != nil {
			r.inWords(b, "rapport "+strings.Join(args, " "), err, said.String())
		}
	}
}

// inWords wants a program that failed to have said why, and not to have
// panicked.
func (r *rehearsal) inWords(b *breakage, what string, err error, said string) {
	r.t.Helper()
	why := "input/output error"
	if b.errno == syscall.ENOSPC {
		why = "no space left"
	}
	if !strings.Contains(said, why) || strings.Contains(said, "panic") || strings.Contains(said, "goroutine ") {
		r.t.Errorf("%s: %s: %v, and says %s", b, what, err, clipText(said))
	}
}

// TestM73_DaemonOutlivesFailures lets each file operation of the daemon fail
// in turn while the scenario's commands speak to it. It goes on answering, and
// once the disk is sound again comes to the end of an undisturbed run without
// being started again.
func TestM73_DaemonOutlivesFailures(t *testing.T) {
	// Some want no daemon beside them, and what fails at night is tried again in an hour.
	served := func(sc scenario) bool { return !sc.alone && sc.until == nil }
	each(t, someScenarios, served, func(t *testing.T, sc scenario) (steps, tries int) {
		r, _ := rehearse(t, sc)
		sound := &breakage{}
		r.served(sound)
		for _, k := range between(sound.n, *opsFailing) {
			for _, b := range breakages(k) {
				r.served(b)
				tries++
			}
		}
		return sound.n, tries
	})
}

// served runs the scenario against a daemon on a failing disk and compares.
func (r *rehearsal) served(b *breakage) {
	r.t.Helper()
	s := r.try()
	d := r.daemonOn(s, b.decide)
	if !d.ready() {
		// It could not begin, and says so; the next start does.
		r.inWords(b, "rapport run", d.err, d.log.String())
		b.mend()
		d = r.daemonOn(s, b.decide)
		if !d.ready() {
			r.t.Fatalf("%s: the next start: %v\n%s", b, d.err, d.log.String())
		}
	}
	for _, args := range r.do(s) {
		if out, err := s.command(args...).CombinedOutput(); err != nil {
			r.inWords(b, "rapport "+strings.Join(args, " "), err, string(out)+d.log.String())
		}
	}
	if _, err := d.client.Contacts(r.t.Context(), web.Filter{}, web.Slice{}); err != nil {
		r.t.Errorf("%s: reading fails, too: %v", b, err)
	}
	b.mend()
	if b.struck() || b.at == 0 {
		r.resumed(s)
	} else {
		r.settled(s)
	}
	s.run("sync")
	d.stop()
	if text := d.log.String(); strings.Contains(text, "panic") {
		r.t.Errorf("%s: the daemon's log holds a panic:\n%s", b, clipText(text))
	}
	r.same(s, b.String())
}
