package config

import (
	"context"
	"crypto/sha256"
	"io"
	"os"
	"time"

	"rapport/internal/rescue"
)

// state is what tells one version of a file from another.
type state struct {
	found bool
	mtime time.Time
	size  int64
	sum   [sha256.Size]byte
}

// Watch tells when the content of the file changes: it looks every interval
// and sends once per change, when the file has been the same for two looks, so
// that a file is not read while it is being written. A file that is gone is
// not a change; the one that takes its place is. Several changes that nobody
// receives are one. The channel is closed when ctx ends.
func Watch(ctx context.Context, path string, interval time.Duration) <-chan struct{} {
	changes := make(chan struct{}, 1)
	told := look(path, state{}) // before returning: a change right after the call counts
	go func() {
		defer close(changes)
		for ctx.Err() == nil { // a panic ends a turn, not the watch
			_ = rescue.Do(func() error { watch(ctx, path, interval, &told, changes); return nil })
		}
	}()
	return changes
}

// watch looks until ctx ends; told is the state last told of.
func watch(ctx context.Context, path string, interval time.Duration, told *state, changes chan<- struct{}) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	last := *told
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := look(path, last)
		settled := now == last
		last = now
		if !settled || !now.found || now.sum == told.sum {
			continue
		}
		*told = now
		select {
		case changes <- struct{}{}:
		default: // one is waiting already and says the same
		}
	}
}

// look returns the present state. The content is read even when time and size
// are those of before: a file can be replaced within one tick of its clock.
func look(path string, before state) state {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() { // opening a pipe would wait for its writer
		return state{sum: before.sum}
	}
	f, err := os.Open(path)
	if err != nil {
		return state{sum: before.sum}
	}
	defer f.Close()
	now := state{found: true, mtime: info.ModTime(), size: info.Size()}
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(f, maxBytes+1)); err != nil {
		return state{sum: before.sum}
	}
	h.Sum(now.sum[:0])
	return now
}
