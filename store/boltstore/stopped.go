package boltstore

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// A walk through every page finds a file that is not what the engine left, and
// takes as long as the file is large. What a process left in order and nobody
// has touched since need not be walked at the next start: on closing, the
// store notes what the file looks like, and the next one to open it compares.
// Whatever is not exactly as noted is walked: after a crash, after a copy or a
// restore, after anybody's write. See docs/adr/0006.

const (
	// walkAgain is how old a walk may be before a start makes another,
	// whatever the note says: disks decay in silence.
	walkAgain = 24 * time.Hour
	// walkAnyway is the size up to which files are walked at every start: that
	// takes a few milliseconds.
	walkAnyway = 4 << 20
)

// look is what a file looks like: which file it is, how large, when it was
// last written, and a digest of the pages that say where everything lies.
type look struct {
	inode    uint64
	size     int64
	modified int64 // nanoseconds since 1970
	sum      [sha256.Size]byte
}

// stopped is the note: a look, and when every page was last walked.
type stopped struct {
	look
	walked int64 // seconds since 1970
}

const stoppedFormat = "1 %d %d %d %x %d\n"

func (n stopped) String() string {
	return fmt.Sprintf(stoppedFormat, n.inode, n.size, n.modified, n.sum, n.walked)
}

// readStopped reads a note; of one that is missing or garbled it is false.
func readStopped(dir string) (stopped, bool) {
	var n stopped
	text, err := os.ReadFile(filepath.Join(dir, fileStopped))
	if err != nil {
		return n, false
	}
	var sum []byte
	_, err = fmt.Sscanf(string(text), stoppedFormat, &n.inode, &n.size, &n.modified, &sum, &n.walked)
	if err != nil || len(sum) != len(n.sum) {
		return n, false
	}
	n.sum = [sha256.Size]byte(sum)
	return n, n.String() == string(text)
}

// lookAt reads what a database file looks like. One without a written freelist
// has none: the engine was not done with it.
func lookAt(f *os.File) (look, bool) {
	info, err := f.Stat()
	if err != nil {
		return look{}, false
	}
	meta, err := metaOf(f, info.Size())
	if err != nil || meta.freelist == noFreelist || meta.freelist >= meta.pages {
		return look{}, false
	}
	head := make([]byte, pageHeader)
	if _, err := f.ReadAt(head, int64(meta.freelist*meta.pageSize)); err != nil {
		return look{}, false
	}
	h := sha256.New()
	span := uint64(binary.NativeEndian.Uint32(head[12:])) + 1
	for _, part := range []struct{ at, size uint64 }{
		{0, metaAt + metaSize}, {meta.pageSize, metaAt + metaSize}, {meta.freelist * meta.pageSize, span * meta.pageSize},
	} {
		n, err := io.Copy(h, io.NewSectionReader(f, int64(part.at), int64(part.size)))
		if err != nil || uint64(n) != part.size {
			return look{}, false
		}
	}
	return look{inode(info), info.Size(), info.ModTime().UnixNano(), [sha256.Size]byte(h.Sum(nil))}, true
}

// sound looks at the database file before the engine does: what the engine
// would repair by falling back, or fail on with a panic, is refused here.
func (s *Store) sound() error {
	f, size, err := openFile(filepath.Join(s.dir, fileDB))
	if err != nil {
		return err
	}
	defer f.Close()
	if note, ok := readStopped(s.dir); ok && size > walkAnyway {
		walked := time.Unix(note.walked, 0)
		age := s.now().Sub(walked)
		if is, ok := lookAt(f); ok && is == note.look && age >= 0 && age < walkAgain {
			s.walked = walked
			return nil
		}
	}
	s.walked = s.now()
	return inspect(f, size)
}

// checkFile looks at a database file as a start does, and always walks it.
func checkFile(path string) error {
	f, size, err := openFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return inspect(f, size)
}

func openFile(path string) (*os.File, int64, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s is no regular file (move the store itself here)", fileDB)
	}
	f, err := os.Open(path)
	return f, info.Size(), err
}

// tidy has the engine write its freelist, which it would find again only by a
// walk of its own. Where that fails the next start makes that walk.
func (s *Store) tidy() {
	if s.opt.ReadOnly || s.opt.NoSync || s.failed.Load() || s.settled() {
		return
	}
	s.step("tidy")
	s.db.NoFreelistSync = false
	tx, err := s.db.Begin(true)
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		s.failed.Store(true)
		s.log.Warn("the store was closed without its list of free pages; the next start takes longer", "err", err)
	}
	s.step("tidied")
}

// settled reports whether the file holds the freelist already.
func (s *Store) settled() bool {
	f, size, err := openFile(filepath.Join(s.dir, fileDB))
	if err != nil {
		return false
	}
	defer f.Close()
	meta, err := metaOf(f, size)
	return err == nil && meta.freelist != noFreelist
}

// leave notes what the file looks like. The caller still holds the directory.
func (s *Store) leave() {
	if s.opt.ReadOnly || s.opt.NoSync || s.failed.Load() {
		return
	}
	if err := s.note(filepath.Join(s.dir, fileStopped)); err != nil {
		s.log.Warn("the next start looks at every page of the store", "err", err)
	}
}

func (s *Store) note(name string) error {
	path := filepath.Join(s.dir, fileDB)
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	is, ok := lookAt(f)
	switch {
	case !ok:
		return errors.New("its list of free pages is not written")
	case is.size <= walkAnyway:
		return nil
	}
	was, ok := readStopped(s.dir)
	if ok && was.look == is && was.walked == s.walked.Unix() {
		return nil
	}
	// The system's time of writing is coarse: another write in the same tick
	// would leave it as it is. A time of our own is finer than any tick.
	if err := os.Chtimes(path, time.Time{}, time.Now()); err != nil {
		return err
	}
	if is, ok = lookAt(f); !ok {
		return errors.New("its pages cannot be read again")
	}
	return os.WriteFile(name, []byte(stopped{is, s.walked.Unix()}.String()), 0o600)
}
