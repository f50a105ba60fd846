package main

import (
	"bytes"
	"context"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"rapport/internal/app"
	"rapport/internal/filefault"
	"rapport/web"
)

// watchedDaemon is a daemon of which the test decides over its disk.
type watchedDaemon struct {
	r      *rehearsal
	cmd    *exec.Cmd
	log    *safeBuffer
	client *web.Client
	ended  chan struct{}
	err    error // once ended, as what follows
	killed bool
}

// safeBuffer is a log that is read while it is written.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns what was written so far.
func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (r *rehearsal) daemonOn(s *site, decide func(filefault.Op) filefault.Verdict) *watchedDaemon {
	r.t.Helper()
	path, err := app.SocketPath(s.dataDir)
	if err != nil {
		r.t.Fatal(err)
	}
	d := &watchedDaemon{r: r, cmd: s.command("run"), log: &safeBuffer{}, client: web.NewSocketClient(path, "test"), ended: make(chan struct{})}
	d.cmd.Stdout, d.cmd.Stderr = d.log, d.log
	w, err := filefault.Start(d.cmd, s.dir, decide)
	if err != nil {
		r.t.Fatal(err)
	}
	go func() {
		defer close(d.ended)
		_, d.err = w.Wait()
		d.killed = w.Killed()
	}()
	return d
}

// ready waits until the daemon answers; false where it ended instead.
func (d *watchedDaemon) ready() bool {
	d.r.t.Helper()
	ctx, cancel := context.WithTimeout(d.r.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := d.client.Version(ctx); err == nil {
			return true
		}
		select {
		case <-d.ended:
			d.client.Close()
			return false
		case <-ctx.Done():
			_ = d.cmd.Process.Kill()
			d.r.t.Fatalf("the daemon does not answer within a minute:\n%s", d.log.String())
		case <-tick.C:
		}
	}
}

// stop ends the daemon as a service manager does.
func (d *watchedDaemon) stop() {
	d.r.t.Helper()
	d.client.Close()
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	<-d.ended
	if d.err != nil {
		d.r.t.Errorf("the daemon ended with %v:\n%s", d.err, d.log.String())
	}
}

// attended lets a daemon run until it has done by itself what the scenario
// waits for, or is killed.
func (r *rehearsal) attended(s *site, decide func(filefault.Op) filefault.Verdict) (killed bool) {
	r.t.Helper()
	d := r.daemonOn(s, decide)
	defer d.client.Close()
	if d.ready() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for limit := time.Now().Add(time.Minute); !d.over() && !r.until(r.t.Context(), s, d.client); <-tick.C {
			if time.Now().After(limit) {
				r.t.Errorf("not done within a minute:\n%s", clipText(d.log.String()))
				break
			}
		}
		_ = d.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	}
	<-d.ended
	if d.err != nil {
		r.t.Errorf("the daemon ended with %v:\n%s", d.err, d.log.String())
	}
	return d.killed
}

func (d *watchedDaemon) over() bool {
	select {
	case <-d.ended:
		return true
	default:
		return false
	}
}

// attendedFor is attended with a kill after some time.
func (r *rehearsal) attendedFor(s *site, after time.Duration) (killed bool) {
	r.t.Helper()
	end := time.Now().Add(after)
	return r.attended(s, func(filefault.Op) filefault.Verdict {
		if time.Now().After(end) {
			return filefault.Kill()
		}
		return filefault.Do()
	})
}
