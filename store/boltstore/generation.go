package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"rapport/records/message"
)

// A store counts generations, in the database and in the marker beside it. The
// count goes up with the first write after every opening and every backup, the
// database first. So a database that is older than its marker, or that has a count and
// no marker, is a copy that was put there: what happened since it was made is
// unknown to it.

// fileRestored says what a store was restored from, until it is opened.
const fileRestored = "rapport.restored"

var (
	keyGeneration = []byte("generation")
	keyRestored   = []byte("restored")
)

// Restoration is how a store came to be an older copy of itself.
type Restoration struct {
	At         time.Time `json:"at,omitzero"`     // when it was first opened afterwards
	Backup     time.Time `json:"backup,omitzero"` // when the backup was made; zero: unknown
	Generation uint64    `json:"generation,omitempty"`
}

// Restored returns the last restoration of this store; false: it is none.
func (s *Store) Restored(ctx context.Context) (r Restoration, ok bool, err error) {
	err = s.view(ctx, func(tx *Tx) error {
		raw := tx.bolt.Bucket(bucketMeta).Get(keyRestored)
		if raw == nil {
			return nil
		}
		ok = true
		return json.Unmarshal(raw, &r)
	})
	if err != nil {
		return r, false, fmt.Errorf("read when the store was restored: %w", err)
	}
	return r, ok, nil
}

func generationOf(meta *bolt.Bucket) uint64 {
	if v := meta.Get(keyGeneration); len(v) == 8 {
		return binary.BigEndian.Uint64(v)
	}
	return 0 // before there were generations
}

// begin compares the database with its marker, and notes where it is an older
// copy: then no folder counts as read to its end any more, so that the next
// pass compares all of it with the server. The first write counts the
// generation: who only reads changes nothing.
func (s *Store) begin(ctx context.Context) error {
	was, err := readMarker(s.dir)
	if err != nil {
		return err
	}
	note, err := os.ReadFile(filepath.Join(s.dir, fileRestored))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var is marker
	err = s.view(ctx, func(tx *Tx) error {
		meta := tx.bolt.Bucket(bucketMeta)
		is = marker{string(meta.Get(keyStore)), generationOf(meta)}
		return nil
	})
	if err != nil {
		return err
	}
	s.counted, s.count = max(is.generation, was.generation), true
	older := note != nil || was.generation > is.generation || is.generation > 0 && was.id != is.id
	if !older && was.id == "" {
		return s.mark(is)
	}
	if !older {
		return nil
	}
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer s.release()
	if err := s.updateHeld(ctx, func(tx *Tx) error { return restored(tx, note, s.counted+1) }); err != nil || note == nil {
		return err
	}
	return os.Remove(filepath.Join(s.dir, fileRestored))
}

// nextGeneration has the next write count one more.
func (s *Store) nextGeneration(ctx context.Context) error {
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer s.release()
	s.count = true
	return nil
}

// generate counts the generation in a write transaction, where that is due.
// The caller holds the writer's token.
func (s *Store) generate(b *bolt.Tx) error {
	if !s.count {
		return nil
	}
	return b.Bucket(bucketMeta).Put(keyGeneration, binary.BigEndian.AppendUint64(nil, s.counted+1))
}

// generated writes the marker after the commit of a generation. Where it
// cannot, the next write counts again: a marker that is behind is harmless.
func (s *Store) generated(b *bolt.DB) {
	if !s.count {
		return
	}
	s.counted++
	var is marker
	err := b.View(func(b *bolt.Tx) error {
		meta := b.Bucket(bucketMeta)
		is = marker{string(meta.Get(keyStore)), generationOf(meta)}
		return nil
	})
	if err == nil {
		err = s.mark(is)
	}
	if err != nil {
		s.log.Warn("marker of the store not written", "err", err)
		return
	}
	s.count = false
}

// restored writes down that the store is an older copy.
func restored(tx *Tx, note []byte, generation uint64) error {
	var r Restoration
	if note != nil {
		_ = json.Unmarshal(note, &r) // a damaged note leaves the backup's age unknown
	}
	r.At, r.Generation = instant(tx.s.now()), generation
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	all, err := all(tx, folders, nil)
	if err != nil {
		return err
	}
	for _, f := range all {
		if f.Mark != (message.Mark{}) {
			f.Mark = message.Mark{}
			if err := folders.put(tx, &f); err != nil {
				return err
			}
		}
	}
	return tx.bolt.Bucket(bucketMeta).Put(keyRestored, raw)
}

// marker is what lies beside the database.
type marker struct {
	id         string
	generation uint64
}

// readMarker reads the marker; none is the zero one. Versions before there
// were generations wrote the id alone.
func readMarker(dir string) (marker, error) {
	raw, err := os.ReadFile(filepath.Join(dir, fileMarker))
	if errors.Is(err, fs.ErrNotExist) {
		return marker{}, nil
	}
	if err != nil {
		return marker{}, err
	}
	lines := strings.Split(string(bytes.TrimSpace(raw)), "\n")
	m := marker{id: strings.TrimSpace(lines[0])}
	if len(lines) > 1 {
		n, err := strconv.ParseUint(strings.TrimPrefix(lines[1], "generation "), 10, 64)
		if err == nil {
			m.generation = n
		}
	}
	return m, nil
}

// mark writes the marker, durably.
func (s *Store) mark(m marker) error {
	s.step("marker")
	path, text := filepath.Join(s.dir, fileMarker), fmt.Sprintf("%s\ngeneration %d\n", m.id, m.generation)
	if s.opt.NoSync {
		return os.WriteFile(path, []byte(text), 0o600)
	}
	if err := writeDurably(path, []byte(text)); err != nil {
		return err
	}
	s.step("marked")
	return nil
}

// writeDurably replaces a small file: afterwards the old one or the new one is
// on the disk, whole.
func writeDurably(path string, data []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
