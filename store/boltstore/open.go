package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"rapport/internal/rescue"
	"rapport/records/message"
	"rapport/store"
)

// The names of what lies in the directory, besides blobs.
const (
	fileDB       = "rapport.db"
	fileNewDB    = "rapport.db.new"
	fileLock     = "rapport.lock"
	fileMarker   = "rapport.id"
	fileStopped  = "rapport.stopped"
	fileCompact  = "rapport.db.compact"
	fileSnapshot = "rapport.db.snapshot"
)

// Options are the choices on opening; the zero value serves a daemon.
type Options struct {
	// LockTimeout is how long to wait for another process; 0 means 2 s.
	LockTimeout time.Duration
	// ReadOnly opens to read and never changes anything. Several processes may
	// read at once.
	ReadOnly bool
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log hears of what nobody is told as an error; nil means silence.
	Log *slog.Logger
	// NoSync leaves writing to the disk to the system: for tests, and for
	// filling a store that can be filled again.
	NoSync bool
	// Step is called at every durable step, for tests that stop there.
	Step func(name string)
	// NoMerge leaves the segments of the search index as they are.
	NoMerge bool

	migrations []migration  // nil: those of this version
	bounds     searchBounds // zero: the usual ones
}

// Open opens the store in a directory. A directory without any sign of an
// earlier store becomes a new one; a missing directory is made where its
// parent exists. Everything else that is not a sound store of this version or
// an earlier one is refused with a sentence that says what to do, and left as
// it is.
func Open(dir string, o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.LockTimeout == 0 {
		o.LockTimeout = 2 * time.Second
	}
	if o.migrations == nil {
		o.migrations = migrations
	}
	if err := checkDir(dir, o.ReadOnly); err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	lock, err := lockDir(dir, o)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	s, err := open(dir, o, lock)
	if err != nil {
		lock.Close()
		return nil, translate(fmt.Errorf("open store %s: %w", dir, err))
	}
	return s, nil
}

func open(dir string, o Options, lock *os.File) (*Store, error) {
	s := &Store{
		dir: dir, opt: o, log: o.Log, lock: lock,
		writer: make(chan struct{}, 1), merge: make(chan struct{}, 1), toIndex: make(chan struct{}, 1),
		packed: map[message.Sum]int{}, doomed: map[message.Sum]struct{}{}, lasting: map[string]bool{},
	}
	path := filepath.Join(dir, fileDB)
	switch _, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
		if err := s.create(path); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	}
	if err := s.sound(); err != nil {
		return nil, err
	}
	db, err := openDB(path, o)
	if err != nil {
		return nil, err
	}
	s.db = db
	if err := s.ready(); err != nil {
		db.Close()
		return nil, err
	}
	if !o.ReadOnly {
		ctx, cancel := context.WithCancel(context.Background())
		s.stop = cancel
		s.merging.Go(func() { _ = rescue.Do(func() error { s.mergeLoop(ctx); return nil }) })
		s.merging.Go(func() { _ = rescue.Do(func() error { s.indexLoop(ctx); return nil }) })
		s.wantMerge()
		s.wantIndex(0)
	}
	return s, nil
}

// checkDir refuses a directory that cannot be the data directory, and makes a
// missing one.
func checkDir(dir string, readOnly bool) error {
	info, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) && !readOnly {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return fmt.Errorf("make the data directory: %w (create it, or correct data_dir)", err)
		}
		return nil
	}
	switch {
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		return errors.New("it is a symbolic link (name the directory it points to in data_dir)")
	case !info.IsDir():
		return errors.New("it is not a directory (correct data_dir)")
	}
	return checkOwner(info)
}

// sizes are the address space to map ahead, so that a growing file need not
// wait for readers. Where the address space is limited a smaller one is tried.
func mapSizes() []int {
	if math.MaxInt == math.MaxInt32 || !mapsLazily {
		return []int{0}
	}
	return []int{64 << 30, 8 << 30, 1 << 30, 0}
}

// growBytes is by how much the file grows at a time.
const growBytes = 4 << 20

func openDB(path string, o Options) (*bolt.DB, error) {
	var err error
	for _, size := range mapSizes() {
		var db *bolt.DB
		db, err = bolt.Open(path, 0o600, &bolt.Options{
			Timeout: o.LockTimeout, ReadOnly: o.ReadOnly, NoSync: o.NoSync,
			FreelistType: bolt.FreelistMapType, NoFreelistSync: true, InitialMmapSize: size,
		})
		if err == nil {
			db.AllocSize = growBytes
			return db, nil
		}
		if errors.Is(err, berrors.ErrTimeout) {
			return nil, lockedBy("another process")
		}
		if !errors.Is(err, syscall.ENOMEM) && !errors.Is(err, syscall.EINVAL) && !strings.Contains(err.Error(), "mmap") {
			break
		}
	}
	return nil, err
}

// create makes a new store beside its name and renames it, so that a store
// that has its name is whole. It refuses where there was a store before.
func (s *Store) create(path string) error {
	if s.opt.ReadOnly {
		return errors.New("there is no store (start the daemon once, or correct data_dir)")
	}
	if sign := signOf(s.dir); sign != "" {
		return &damage{fmt.Sprintf("%s is missing but %s shows that there was a store: move blobs away where it is there and restore a backup with `rapport store restore`, or begin anew in another directory", fileDB, sign)}
	}
	fresh := filepath.Join(s.dir, fileNewDB)
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, err := bolt.Open(fresh, 0o600, &bolt.Options{NoFreelistSync: true, FreelistType: bolt.FreelistMapType, NoSync: s.opt.NoSync})
	if err != nil {
		return err
	}
	id := store.NewID(s.now())
	if err := errors.Join(db.Update(func(b *bolt.Tx) error { return build(b, id) }), db.Close()); err != nil {
		return err
	}
	s.step("create.rename")
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	s.step("create.renamed")
	if s.opt.NoSync {
		return nil
	}
	return syncDir(s.dir)
}

// signOf names what shows that a directory had a store, "" if nothing does.
func signOf(dir string) string {
	for _, name := range []string{fileMarker, fileRestored, dirRestoring} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return name
		}
	}
	if names, err := os.ReadDir(filepath.Join(dir, "blobs")); err == nil && len(names) > 0 {
		return "blobs/"
	}
	if found, _ := filepath.Glob(filepath.Join(dir, fileDB+".*")); len(found) > 0 {
		for _, f := range found {
			if filepath.Base(f) != fileNewDB {
				return filepath.Base(f)
			}
		}
	}
	return ""
}

// build makes every bucket of a new store.
func build(b *bolt.Tx, id string) error {
	meta, err := b.CreateBucket(bucketMeta)
	if err != nil {
		return err
	}
	for _, kv := range [][2][]byte{
		{keyApp, appName}, {keySchema, appendUint32(nil, schemaOf(migrations))},
		{keyStore, []byte(id)}, {keyLive, []byte(indexA)},
	} {
		if err := meta.Put(kv[0], kv[1]); err != nil {
			return err
		}
	}
	for _, name := range dataBuckets {
		if _, err := b.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	return buildIndex(b, indexA)
}

// The two places of the index: one is in use, the other is where it is built
// anew.
const (
	indexA = "index.a"
	indexB = "index.b"
)

func buildIndex(b *bolt.Tx, place string) error {
	ix, err := b.CreateBucket([]byte(place))
	if err != nil {
		return err
	}
	for _, name := range indexBuckets {
		if _, err := ix.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	return nil
}

// ready checks that the file is a store of ours, brings it up to this version
// and prepares the directory around it.
func (s *Store) ready() error {
	var schema uint32
	err := s.db.View(func(b *bolt.Tx) error {
		meta := b.Bucket(bucketMeta)
		if meta == nil || !bytes.Equal(meta.Get(keyApp), appName) || len(meta.Get(keySchema)) != 4 {
			return &damage{fileDB + " is not a Rapport store (correct data_dir, or restore a backup with `rapport store restore`)"}
		}
		schema = binary.BigEndian.Uint32(meta.Get(keySchema))
		return nil
	})
	if err != nil {
		return err
	}
	if want := schemaOf(s.opt.migrations); schema > want {
		return fmt.Errorf("%s has format %d and this version knows up to %d: install the newer version again, or restore a backup made before it: %w", fileDB, schema, want, store.ErrNewer)
	}
	if err := s.migrate(schema); err != nil {
		return err
	}
	if err := s.complete(); err != nil {
		return err
	}
	if s.opt.ReadOnly {
		return nil
	}
	if err := os.MkdirAll(s.blobDir(), 0o700); err != nil {
		return err
	}
	if err := s.sweepUp(); err != nil {
		return err
	}
	return s.begin(context.Background())
}

// sweepUp removes what killed processes left of work that is done anew, the
// copies of mail in it above all.
func (s *Store) sweepUp() error {
	left := []string{fileCompact, dirRestoring}
	for _, pattern := range []string{"blobs/new-*", fileSnapshot + "-*"} {
		found, err := fs.Glob(os.DirFS(s.dir), pattern)
		if err != nil {
			return err
		}
		left = append(left, found...)
	}
	for _, name := range left {
		if err := os.RemoveAll(filepath.Join(s.dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// complete makes sure that every bucket is there.
func (s *Store) complete() error {
	return s.db.View(func(b *bolt.Tx) error {
		for _, name := range dataBuckets {
			if b.Bucket([]byte(name)) == nil {
				return damaged("the bucket " + name + " is missing")
			}
		}
		ix := b.Bucket(b.Bucket(bucketMeta).Get(keyLive))
		if ix == nil {
			return damaged("the index is missing")
		}
		for _, name := range indexBuckets {
			if ix.Bucket([]byte(name)) == nil {
				return damaged("the index " + name + " is missing")
			}
		}
		return nil
	})
}

// damage is that what lies in the directory is no sound store.
type damage struct{ text string }

func (d *damage) Error() string { return d.text }

// Damaged reports whether an error of [Open] says that what lies there is no
// sound store, so that a backup has to be restored.
func Damaged(err error) bool {
	var d *damage
	return errors.As(err, &d)
}

func damaged(what string) error {
	return &damage{fmt.Sprintf("%[1]s is damaged, %[2]s: move %[1]s and blobs away, leave key and erasures, and restore a backup with `rapport store restore`", fileDB, what)}
}

// lockDir takes the directory for this process, or for reading.
func lockDir(dir string, o Options) (*os.File, error) {
	path := filepath.Join(dir, fileLock)
	flags := os.O_RDWR | os.O_CREATE
	if o.ReadOnly {
		flags = os.O_RDONLY
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if o.ReadOnly && errors.Is(err, fs.ErrNotExist) { // e.g. a restored directory on a read-only disk
		return os.Open(dir)
	}
	if err != nil {
		if errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("the data directory cannot be written to: %w: %w (make it writable for this user)", err, store.ErrReadOnly)
		}
		return nil, err
	}
	for wait, end := 5*time.Millisecond, time.Now().Add(o.LockTimeout); ; wait = min(2*wait, 100*time.Millisecond) {
		err := flock(f, !o.ReadOnly)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(end) {
			who := owner(f)
			f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				err = lockedBy(who)
			}
			return nil, err
		}
		time.Sleep(wait)
	}
	if o.ReadOnly {
		return f, nil
	}
	if err := signLock(f); err != nil && !isFull(err) { // a full store can still be read
		f.Close()
		return nil, err
	}
	return f, nil
}

// lockedBy says which process has the store; it is [store.ErrLocked].
type lockedBy string

func (who lockedBy) Error() string {
	return string(who) + " has it open (stop it, or let it do the work)"
}

func (lockedBy) Is(target error) bool { return target == store.ErrLocked }

// signLock writes the number of this process over that of the one before, which
// takes no room.
func signLock(f *os.File) error {
	n, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	if err != nil {
		return err
	}
	return f.Truncate(int64(n))
}

// owner names the process that wrote its number into the lock file.
func owner(f *os.File) string {
	b := make([]byte, 20)
	n, _ := f.ReadAt(b, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil {
		return "another process"
	}
	comm, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	if err != nil {
		return fmt.Sprintf("another process, likely %d,", pid)
	}
	return fmt.Sprintf("process %d (%s)", pid, strings.TrimSpace(string(comm)))
}
