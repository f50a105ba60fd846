package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	bolt "go.etcd.io/bbolt"

	"rapport/store"
)

// migration brings a store from one format to the next, in one transaction.
type migration struct {
	name string
	run  func(*bolt.Tx) error
}

// migrations is only ever added to: the format of a store is how many were
// run, plus one. Each has a test with a real file of the format before.
var migrations = []migration{
	{"rows carry checksums", sealRows},
	{"buckets of format 3", func(b *bolt.Tx) error {
		return errors.Join(addBuckets(b), deriveFacets(b), later(b, store.StateUntold, store.Untold))
	}},
	{"buckets of format 4", func(b *bolt.Tx) error {
		return errors.Join(addBuckets(b), deriveOf4(b), noteUnfielded(b), later(b, store.StateUnrecognised, store.Unrecognised))
	}},
	{"buckets of format 5", addBuckets},
}

// later notes work that intake does in bounded transactions: entries of before
// format 3 say nothing of relations and are counted in none until they are put
// once more, and mail without a Message-ID of before format 4 is known by what
// was shown of it.
func later(b *bolt.Tx, name, all string) error {
	state := b.Bucket([]byte(bucketState))
	if state == nil {
		return damaged("the bucket " + bucketState + " is missing")
	}
	key := appendText(nil, name)
	return state.Put(key, sealed(key, []byte(all)))
}

// addBuckets makes the buckets that a store does not have yet; it changes none.
func addBuckets(b *bolt.Tx) error {
	for _, name := range dataBuckets {
		if _, err := b.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	ix, err := liveIndex(b)
	if err != nil {
		return err
	}
	for _, name := range indexBuckets {
		if _, err := ix.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	return nil
}

func liveIndex(b *bolt.Tx) (*bolt.Bucket, error) {
	ix := b.Bucket(b.Bucket(bucketMeta).Get(keyLive))
	if ix == nil {
		return nil, damaged("the index is missing")
	}
	return ix, nil
}

// deriveFacets fills the indexes that came with format 3.
func deriveFacets(b *bolt.Tx) error {
	ix, err := liveIndex(b)
	if err != nil {
		return err
	}
	if err := derive(b, ix, contacts, indexContactFacet); err != nil {
		return err
	}
	return derive(b, ix, organisations, indexOrgFacet)
}

// deriveOf4 fills the indexes that came with format 4.
func deriveOf4(b *bolt.Tx) error {
	ix, err := liveIndex(b)
	if err != nil {
		return err
	}
	if err := derive(b, ix, contacts, indexContactWord); err != nil {
		return err
	}
	if err := derive(b, ix, organisations, indexOrgWord); err != nil {
		return err
	}
	return derive(b, ix, messages, indexMeeting)
}

// noteUnfielded notes that what is indexed has no terms for subjects and names
// of files, so that searches look there in the texts; a reindex makes them.
func noteUnfielded(b *bolt.Tx) error {
	if k, _ := b.Bucket([]byte(tableEntry)).Cursor().First(); k == nil {
		return nil
	}
	return b.Bucket(bucketMeta).Put(keyUnfielded, []byte{1})
}

// derive fills an index of a table from its records. The rows are put in the
// order of their keys: the engine divides a page only when it commits, so that
// each row put between others moves all behind it.
func derive[T any](b *bolt.Tx, into *bolt.Bucket, t *table[T], name string) error {
	i := slices.IndexFunc(t.indexes, func(ix index[T]) bool { return ix.name == name })
	var rows []row
	err := b.Bucket([]byte(t.name)).ForEach(func(k, raw []byte) error {
		var v T
		if err := decode(k, raw, &v); err != nil {
			return fmt.Errorf("read %s %x: %w", t.what, k, err)
		}
		for key, val := range rowsOf(t.indexes[i], &v) {
			rows = append(rows, row{[]byte(key), val})
		}
		return nil
	})
	if err != nil {
		return err
	}
	bucket := into.Bucket([]byte(name))
	slices.SortFunc(rows, func(a, b row) int { return bytes.Compare(a.key, b.key) })
	for _, r := range rows {
		if err := bucket.Put(r.key, r.val); err != nil {
			return fmt.Errorf("write index %s: %w", name, err)
		}
	}
	return nil
}

func schemaOf(m []migration) uint32 { return uint32(len(m)) + 1 }

// migrate runs what is missing, after copying the file. Opening to read never
// alters: an older file is then refused.
func (s *Store) migrate(from uint32) error {
	want := schemaOf(s.opt.migrations)
	if from == want {
		return nil
	}
	if from == 0 {
		return damaged("its format is 0")
	}
	if s.opt.ReadOnly {
		return fmt.Errorf("%s has format %d and this version writes %d: start the daemon once to bring it up to date", fileDB, from, want)
	}
	if err := s.copyBefore(from); err != nil {
		return fmt.Errorf("copy the store before bringing it up to date: %w", err)
	}
	for n := from; n < want; n++ {
		m := s.opt.migrations[n-1]
		err := s.db.Update(func(b *bolt.Tx) error {
			if err := m.run(b); err != nil {
				return err
			}
			return b.Bucket(bucketMeta).Put(keySchema, appendUint32(nil, n+1))
		})
		if err != nil {
			return fmt.Errorf("bring the store to format %d (%s): %w", n+1, m.name, err)
		}
		s.step("migrated")
	}
	return nil
}

// copyBefore keeps the file as it is, as rapport.db.formatN. A copy that is
// there already was made by a start that did not finish.
func (s *Store) copyBefore(format uint32) error {
	path := filepath.Join(s.dir, fmt.Sprintf("%s.format%d", fileDB, format))
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	temp := path + ".part"
	defer os.Remove(temp) // where it did not become the copy
	err := s.db.View(func(b *bolt.Tx) error { return b.CopyFile(temp, 0o600) })
	if err != nil {
		return err
	}
	if err := syncFile(temp); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	return syncDir(s.dir)
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
