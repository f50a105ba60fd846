package boltstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"

	"rapport/store"
)

// Size is how much a store takes on the disk.
type Size struct {
	Database int64 // bytes of the database file
	Files    int64 // bytes of raw mail in files
	Free     int64 // bytes of the database file that a compaction would give back, at least
}

// Size returns how much the store takes.
func (s *Store) Size() (Size, error) {
	var out Size
	s.swap.RLock()
	defer s.swap.RUnlock()
	if s.closed {
		return out, errClosed
	}
	info, err := os.Stat(filepath.Join(s.dir, fileDB))
	if err != nil {
		return out, fmt.Errorf("size of the store: %w", err)
	}
	st := s.db.Stats()
	out.Database = info.Size()
	out.Free = int64(st.FreePageN+st.PendingPageN) * int64(s.db.Info().PageSize)
	err = filepath.WalkDir(s.blobDir(), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreMissing(err)
		}
		info, err := d.Info()
		if err == nil {
			out.Files += info.Size()
		}
		return ignoreMissing(err)
	})
	if err != nil {
		return out, fmt.Errorf("size of the store: %w", err)
	}
	return out, nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Compact gives unused space back and removes what was deleted from the disk
// for good: it collects orphaned files, merges the search index into one
// segment without the documents that are gone, copies the database page by
// full page into a new file, and puts that in the place of the old one. While
// it copies, readers go on and writers wait; for the moment of the change both
// wait. Interrupted at any point the old file or the new one is there, whole.
// The results are the sizes of the database before and after.
func (s *Store) Compact(ctx context.Context) (before, after int64, err error) {
	if s.opt.ReadOnly {
		return 0, 0, fmt.Errorf("compact: %w", store.ErrReadOnly)
	}
	size, err := s.Size()
	if err != nil {
		return 0, 0, err
	}
	before = size.Database
	if _, err := s.CollectOrphans(ctx); err != nil {
		return before, before, fmt.Errorf("compact: %w", err)
	}
	s.oneMerge.Lock()
	defer s.oneMerge.Unlock()
	if _, err = s.mergeHeld(ctx, true); err == nil {
		err = s.sweepAll(ctx)
	}
	if err != nil {
		return before, before, fmt.Errorf("compact: %w", err)
	}
	if err := s.acquire(ctx); err != nil {
		return before, before, err
	}
	defer s.release()
	if err := s.replace(ctx); err != nil {
		return before, before, translate(fmt.Errorf("compact: %w", err))
	}
	size, err = s.Size()
	return before, size.Database, err
}

// replace copies the database and puts the copy in its place. The caller
// holds the writer's token, so nothing is written meanwhile.
func (s *Store) replace(ctx context.Context) error {
	if err := s.updateHeld(ctx, func(tx *Tx) error {
		for _, place := range []string{indexA, indexB} {
			if place != tx.live {
				if err := dropBucket(tx.bolt, place); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		return err
	}
	path, fresh := filepath.Join(s.dir, fileDB), filepath.Join(s.dir, fileCompact)
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := s.copyTo(ctx, fresh); err != nil {
		os.Remove(fresh)
		return err
	}
	s.step("compact.copied")
	s.swap.Lock()
	defer s.swap.Unlock()
	if s.closed {
		os.Remove(fresh)
		return errClosed
	}
	if err := s.db.Close(); err != nil {
		return err
	}
	renamed := os.Rename(fresh, path)
	s.step("compact.renamed")
	if renamed == nil {
		renamed = errors.Join(s.removeCopies(), syncDir(s.dir))
	}
	db, err := openDB(path, s.opt)
	if err != nil {
		s.closed = true // and another process may try
		return errors.Join(renamed, fmt.Errorf("open the database again: %w", err), s.lock.Close())
	}
	s.db = db
	return renamed
}

// removeCopies removes the copies made before upgrades: what was deleted since
// is still in them.
func (s *Store) removeCopies() error {
	copies, err := filepath.Glob(filepath.Join(s.dir, fileDB+".format*"))
	for _, c := range copies {
		err = errors.Join(err, ignoreMissing(os.Remove(c)))
	}
	return err
}

// copyTo writes every key to a new file, in order.
func (s *Store) copyTo(ctx context.Context, fresh string) error {
	dst, err := bolt.Open(fresh, 0o600, &bolt.Options{NoSync: true, NoFreelistSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return err
	}
	s.swap.RLock()
	err = copyBuckets(ctx, dst, s.db)
	s.swap.RUnlock()
	used := int64(0)
	if err == nil {
		err = dst.View(func(b *bolt.Tx) error { used = b.Size(); return nil })
	}
	if err = errors.Join(err, dst.Close()); err != nil {
		return err
	}
	return s.trim(fresh, used)
}

// trim cuts off what the engine took ahead, and syncs the rest.
func (s *Store) trim(name string, size int64) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		return err
	}
	return s.sync(f)
}

// copyBytes bounds what one transaction of the copy holds.
const copyBytes = 4 << 20

// copier copies buckets in transactions of bounded size.
type copier struct {
	ctx  context.Context
	dst  *bolt.DB
	tx   *bolt.Tx
	size int
}

func copyBuckets(ctx context.Context, dst, src *bolt.DB) error {
	return src.View(func(from *bolt.Tx) error {
		c := &copier{ctx: ctx, dst: dst}
		var err error
		if c.tx, err = dst.Begin(true); err != nil {
			return err
		}
		defer func() { c.tx.Rollback() }() // nothing after a commit
		err = from.ForEach(func(name []byte, b *bolt.Bucket) error { return c.bucket([][]byte{name}, b) })
		if err != nil {
			return err
		}
		dst.NoFreelistSync = false // opening it finds the free pages without a walk
		return c.tx.Commit()
	})
}

// open returns the bucket at a path in the present transaction.
func (c *copier) open(path [][]byte) (*bolt.Bucket, error) {
	b, err := c.tx.CreateBucketIfNotExists(path[0])
	for _, name := range path[1:] {
		if err != nil {
			return nil, err
		}
		b, err = b.CreateBucketIfNotExists(name)
	}
	if err == nil {
		b.FillPercent = 1 // nothing is put between later keys
	}
	return b, err
}

func (c *copier) bucket(path [][]byte, from *bolt.Bucket) error {
	to, err := c.open(path)
	if err != nil {
		return err
	}
	return from.ForEach(func(k, v []byte) error {
		if v == nil {
			if err := c.bucket(append(path[:len(path):len(path)], k), from.Bucket(k)); err != nil {
				return err
			}
			to, err = c.open(path)
			return err
		}
		if err := to.Put(k, v); err != nil {
			return err
		}
		if c.size += len(k) + len(v); c.size < copyBytes {
			return nil
		}
		if err := errors.Join(c.ctx.Err(), c.tx.Commit()); err != nil {
			return err
		}
		c.size = 0
		if c.tx, err = c.dst.Begin(true); err != nil {
			return err
		}
		to, err = c.open(path)
		return err
	})
}
