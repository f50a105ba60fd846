package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"rapport/intake"
	"rapport/records/message"
	"rapport/store"
)

// How much of the disk mail may not take: what is left is for decisions and
// erasures, which must be possible when nothing else is. Small disks keep a
// share.
const (
	reserveBytes = 64 << 20
	reserveFiles = 1000
	reserveShare = 64
)

// How often the disk is looked at, and how long a mailbox that found it full
// waits where the disk itself shows no want: a quota, say.
const (
	roomFresh = time.Second
	roomEvery = 5 * time.Second
	roomAgain = 30 * time.Second
)

// space is what a file system has.
type space struct {
	free, total uint64 // bytes
	files, all  uint64 // that can be made, and altogether; 0: it does not count them
}

func spaceOf(dir string) (space, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return space{}, fmt.Errorf("ask for room in %s: %w", dir, err)
	}
	size := uint64(fs.Bsize)
	return space{fs.Bavail * size, fs.Blocks * size, fs.Ffree, fs.Files}, nil
}

// want says what the file system lacks for mail to be filed, "" where nothing.
func (s space) want() string {
	switch reserve := min(reserveBytes, s.total/reserveShare); {
	case s.free < reserve:
		return fmt.Sprintf("%s free, of which %s are kept for decisions and erasures", megabytes(s.free), megabytes(reserve))
	case s.all > 0 && s.files < min(reserveFiles, s.all/reserveShare):
		return fmt.Sprintf("only %d more files can be made", s.files)
	}
	return ""
}

func megabytes(n uint64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// room watches the disk of the data directory. Its methods may be called
// concurrently.
type room struct {
	dir  string
	stat func(string) (space, error)

	mu   sync.Mutex // guards what follows
	at   time.Time
	last error
}

func newRoom(dir string) *room { return &room{dir: dir, stat: spaceOf} }

// left is nil while mail may be filed, and otherwise an error that wraps
// [store.ErrFull]. What cannot be told stops nothing.
func (r *room) left() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.at.IsZero() && time.Since(r.at) < roomFresh {
		return r.last
	}
	r.at, r.last = time.Now(), nil
	if s, err := r.stat(r.dir); err == nil && s.want() != "" {
		r.last = fmt.Errorf("%w in %s: %s", store.ErrFull, r.dir, s.want())
	}
	return r.last
}

// explain says of an error that the disk is full, whichever write met it,
// where that is and how much is free. Other errors come back as they are.
func (r *room) explain(err error) error {
	if err == nil || !store.Full(err) {
		return err
	}
	if left := r.left(); left != nil {
		return left
	}
	s, serr := r.stat(r.dir)
	if serr != nil {
		return fmt.Errorf("%w in %s", store.ErrFull, r.dir)
	}
	return fmt.Errorf("%w in %s though %s are free (a quota or a limit of the process?)", store.ErrFull, r.dir, megabytes(s.free))
}

// spared is intake with an eye on the disk: mail stops before the very end.
type spared struct {
	*intake.Intake
	room *room
}

// Take implements mailsync.Sink.
func (s spared) Take(ctx context.Context, b message.Batch) error {
	if err := s.room.left(); err != nil {
		return err
	}
	return s.Intake.Take(ctx, b)
}

// keepRoom lets the mailboxes that found the disk full go on once it is not.
func (s *system) keepRoom(ctx context.Context) {
	ticker := time.NewTicker(roomEvery)
	defer ticker.Stop()
	wanted := false
	var tried time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		left := s.room.left()
		s.faults.report("disk", left)
		if left != nil {
			wanted = true
			continue
		}
		if wanted || time.Since(tried) >= roomAgain {
			s.fleet.resume()
			wanted, tried = false, time.Now()
		}
	}
}
