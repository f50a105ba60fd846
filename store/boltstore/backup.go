package boltstore

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"

	"rapport/records/message"
)

// A backup is a tar archive, compressed with zstd: backup.json, which says
// what it is, the database, the files of large mails under blobs/, what the
// caller attached, and at the end manifest.json with the size and SHA-256
// digest of each. Standard tools can open it. Format 1 had neither
// backup.json nor attachments.
const (
	fileHead     = "backup.json"
	fileManifest = "manifest.json"
	backupFormat = 2
)

// The names under which something may be attached to a backup.
const (
	AttachErasures = "erasures"   // journal of erasures: digests, no addresses
	AttachKey      = "key.sealed" // the store's key, sealed for whoever may restore it
)

// Attachment is a small file that goes into a backup beside the store.
type Attachment struct {
	Name string // one of the names above
	Data []byte // at most 64 MB
}

const maxAttached = 64 << 20

// BackupInfo is what a backup says of itself.
type BackupInfo struct {
	Format     int            `json:"format"`
	Schema     uint32         `json:"schema"`
	Store      string         `json:"store,omitempty"`      // id of the store it was made of
	Generation uint64         `json:"generation,omitempty"` // of that store when it was made
	Created    time.Time      `json:"created"`
	Counts     map[string]int `json:"counts,omitempty"` // rows by bucket
}

type manifest struct {
	BackupInfo
	Files []manifestFile `json:"files"`
}

type manifestFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Backup writes one consistent copy of the whole store while work goes on. It
// first takes a snapshot of the database into the data directory, so that a
// slow w pins nothing; files of raw mail are not deleted until it has ended.
// attach, when not nil, is asked for more files once the snapshot is taken: so
// they are never older than it.
func (s *Store) Backup(ctx context.Context, w io.Writer, attach func() ([]Attachment, error)) (BackupInfo, error) {
	info, err := s.backup(ctx, w, attach)
	if err != nil {
		return info, translate(fmt.Errorf("back up: %w", err))
	}
	return info, nil
}

func (s *Store) backup(ctx context.Context, w io.Writer, attach func() ([]Attachment, error)) (BackupInfo, error) {
	s.hold(1)
	defer s.hold(-1)
	shot, err := s.snapshot(ctx)
	if err != nil {
		return BackupInfo{}, err
	}
	defer os.Remove(shot.file)
	var attached []Attachment
	if attach != nil {
		if attached, err = attach(); err != nil {
			return shot.info, err
		}
	}
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		return shot.info, err
	}
	b := &backupWriter{ctx: ctx, tar: tar.NewWriter(z), at: shot.info.Created, list: manifest{BackupInfo: shot.info}}
	err = b.write(s, shot, attached)
	return shot.info, errors.Join(err, z.Close())
}

// hold changes how many need the files of raw mail as they are.
func (s *Store) hold(by int) {
	s.swap.RLock()
	defer s.swap.RUnlock()
	s.files.Lock()
	defer s.files.Unlock()
	if s.holds += by; s.holds == 0 && !s.closed {
		s.removeDoomed()
	}
}

// snapshot is the state of one moment: the database in a file, and the names
// of the files of raw mail it names.
type snapshot struct {
	file string
	sums []message.Sum
	info BackupInfo
}

// snapshot copies the database, lists the files it names and counts its rows.
// From then on the store is of another generation than the copy.
func (s *Store) snapshot(ctx context.Context) (snapshot, error) {
	shot := snapshot{info: BackupInfo{
		Format: backupFormat, Schema: schemaOf(s.opt.migrations), Created: s.now().UTC().Truncate(time.Second), Counts: map[string]int{},
	}}
	dir := s.dir
	if s.opt.ReadOnly {
		dir = os.TempDir()
	}
	f, err := os.CreateTemp(dir, fileSnapshot+"-*")
	if err != nil {
		return shot, err
	}
	shot.file = f.Name()
	err = s.view(ctx, func(tx *Tx) error {
		meta := tx.bolt.Bucket(bucketMeta)
		shot.info.Store, shot.info.Generation = string(meta.Get(keyStore)), generationOf(meta)
		for _, name := range dataBuckets {
			n, err := countRows(tx, name)
			if err != nil {
				return err
			}
			shot.info.Counts[name] = n
		}
		c := tx.data(tableBlob).Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			if len(v) > 0 && v[0] == formatFile && len(k) == len(message.Sum{}) {
				shot.sums = append(shot.sums, message.Sum(k))
			}
		}
		_, err := tx.bolt.WriteTo(&cancelWriter{ctx, f})
		return err
	})
	if err = errors.Join(err, f.Close()); err == nil && !s.opt.ReadOnly {
		err = s.nextGeneration(ctx)
	}
	if err != nil {
		os.Remove(shot.file)
	}
	return shot, err
}

// countRows walks a bucket: what a counter says might be wrong as well.
func countRows(tx *Tx, bucket string) (int, error) {
	n := 0
	c := tx.data(bucket).Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		if n++; n%4096 == 0 && tx.ctx.Err() != nil {
			return n, tx.ctx.Err()
		}
	}
	return n, nil
}

type cancelWriter struct {
	ctx context.Context
	w   io.Writer
}

func (c *cancelWriter) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}

type backupWriter struct {
	ctx  context.Context
	tar  *tar.Writer
	at   time.Time
	list manifest
}

func (b *backupWriter) write(s *Store, shot snapshot, attached []Attachment) error {
	if err := b.json(fileHead, shot.info); err != nil {
		return err
	}
	if err := b.file(fileDB, shot.file); err != nil {
		return err
	}
	for _, id := range shot.sums {
		name := s.blobPath(id)
		if err := b.file("blobs/"+filepath.Base(filepath.Dir(name))+"/"+filepath.Base(name), name); err != nil {
			return err
		}
	}
	for _, a := range attached {
		if !slices.Contains(attachable, a.Name) || len(a.Data) > maxAttached {
			return fmt.Errorf("attach %q of %d bytes: not allowed", a.Name, len(a.Data))
		}
		if err := b.bytes(a.Name, a.Data); err != nil {
			return err
		}
	}
	raw, err := json.MarshalIndent(b.list, "", " ")
	if err != nil {
		return err
	}
	return errors.Join(b.bytes(fileManifest, raw), b.tar.Close())
}

func (b *backupWriter) header(name string, size int64) error {
	return b.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: b.at, Typeflag: tar.TypeReg, Format: tar.FormatPAX})
}

func (b *backupWriter) json(name string, v any) error {
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return b.bytes(name, raw)
}

func (b *backupWriter) bytes(name string, data []byte) error {
	if err := b.header(name, int64(len(data))); err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	b.list.Files = append(b.list.Files, manifestFile{name, int64(len(data)), hex.EncodeToString(sum[:])})
	_, err := b.tar.Write(data)
	return err
}

func (b *backupWriter) file(name, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := b.header(name, info.Size()); err != nil {
		return err
	}
	h := sha256.New()
	if _, err := io.CopyBuffer(io.MultiWriter(b.tar, h), &cancelReader{b.ctx, f}, make([]byte, copyBuffer)); err != nil {
		return err
	}
	b.list.Files = append(b.list.Files, manifestFile{name, info.Size(), hex.EncodeToString(h.Sum(nil))})
	return nil
}

// copyBuffer is what is read at once of a backup on its way.
const copyBuffer = 256 << 10
