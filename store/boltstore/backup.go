package boltstore

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"rapport/records/message"
	"rapport/store"
)

// A backup is a tar archive, compressed with zstd: the database, the files of
// large mails under blobs/, and at the end manifest.json with the size and
// SHA-256 digest of each. Standard tools can open it.
const fileManifest = "manifest.json"

type manifest struct {
	Format  int            `json:"format"`
	Schema  uint32         `json:"schema"`
	Created time.Time      `json:"created"`
	Files   []manifestFile `json:"files"`
}

type manifestFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

const backupFormat = 1

// Backup writes one consistent copy of the whole store while work goes on. It
// first takes a snapshot of the database into the data directory, so that a
// slow w pins nothing; files of raw mail are not deleted until it has ended.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	s.hold(1)
	defer s.hold(-1)
	snapshot, sums, err := s.snapshot(ctx)
	if err != nil {
		return translate(fmt.Errorf("back up: %w", err))
	}
	defer os.Remove(snapshot)
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		return err
	}
	b := &backup{ctx: ctx, tar: tar.NewWriter(z), at: s.now()}
	b.list = manifest{Format: backupFormat, Schema: schemaOf(s.opt.migrations), Created: b.at.UTC()}
	err = b.file(fileDB, snapshot)
	for _, id := range sums {
		if err != nil {
			break
		}
		name := s.blobPath(id)
		err = b.file("blobs/"+filepath.Base(filepath.Dir(name))+"/"+filepath.Base(name), name)
	}
	if err == nil {
		err = b.end()
	}
	if err = errors.Join(err, z.Close()); err != nil {
		return translate(fmt.Errorf("back up: %w", err))
	}
	return nil
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

// snapshot copies the database and lists the files it names.
func (s *Store) snapshot(ctx context.Context) (string, []message.Sum, error) {
	dir := s.dir
	if s.opt.ReadOnly {
		dir = os.TempDir()
	}
	f, err := os.CreateTemp(dir, fileSnapshot+"-*")
	if err != nil {
		return "", nil, err
	}
	var sums []message.Sum
	err = s.view(ctx, func(tx *Tx) error {
		c := tx.data(tableBlob).Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			if len(v) > 0 && v[0] == formatFile && len(k) == len(message.Sum{}) {
				sums = append(sums, message.Sum(k))
			}
		}
		_, err := tx.bolt.WriteTo(&cancelWriter{ctx, f})
		return err
	})
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return "", nil, err
	}
	return f.Name(), sums, nil
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

type backup struct {
	ctx  context.Context
	tar  *tar.Writer
	at   time.Time
	list manifest
}

func (b *backup) header(name string, size int64) error {
	return b.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: b.at, Typeflag: tar.TypeReg, Format: tar.FormatPAX})
}

func (b *backup) file(name, from string) error {
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
	if _, err := io.Copy(io.MultiWriter(b.tar, h), &cancelReader{b.ctx, f}); err != nil {
		return err
	}
	b.list.Files = append(b.list.Files, manifestFile{name, info.Size(), hex.EncodeToString(h.Sum(nil))})
	return nil
}

func (b *backup) end() error {
	raw, err := json.MarshalIndent(b.list, "", " ")
	if err != nil {
		return err
	}
	if err := b.header(fileManifest, int64(len(raw))); err != nil {
		return err
	}
	if _, err := b.tar.Write(raw); err != nil {
		return err
	}
	return b.tar.Close()
}

// Restore writes the store of a backup into a directory that is empty or does
// not exist. Everything is compared with the manifest before the store gets
// its name: a backup that is cut short or altered restores nothing.
func Restore(ctx context.Context, r io.Reader, dir string) error {
	if err := restore(ctx, r, dir); err != nil {
		return translate(fmt.Errorf("restore into %s: %w", dir, err))
	}
	return nil
}

func restore(ctx context.Context, r io.Reader, dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if found, err := os.ReadDir(dir); err != nil {
		return err
	} else if len(found) > 0 {
		return fmt.Errorf("the directory is not empty, it has %s: %w", found[0].Name(), store.ErrExists)
	}
	part := filepath.Join(dir, "restore.part")
	if err := os.Mkdir(part, 0o700); err != nil {
		return err
	}
	defer os.RemoveAll(part)
	if err := unpackBackup(ctx, r, part); err != nil {
		return err
	}
	if err := checkFile(filepath.Join(part, fileDB)); err != nil {
		return err
	}
	// The database comes last: with it the directory is a store.
	if err := os.Rename(filepath.Join(part, "blobs"), filepath.Join(dir, "blobs")); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(part, fileDB), filepath.Join(dir, fileDB)); err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return syncDir(name)
	})
}

func unpackBackup(ctx context.Context, r io.Reader, part string) error {
	if err := os.Mkdir(filepath.Join(part, "blobs"), 0o700); err != nil {
		return err
	}
	z, err := zstd.NewReader(&cancelReader{ctx, r}, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
	if err != nil {
		return err
	}
	defer z.Close()
	if err := unpackAll(tar.NewReader(z), part); err != nil {
		return readable(err)
	}
	return nil
}

// readable says in words what the readers of the format mean.
func readable(err error) error {
	switch {
	case errors.Is(err, zstd.ErrMagicMismatch), errors.Is(err, tar.ErrHeader):
		return fmt.Errorf("this is no backup of Rapport; name a file that `rapport store backup FILE` wrote (%w)", err)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("the backup is cut short; copy it again from where it was made, or use an older one (%w)", err)
	case slices.ContainsFunc(unreadable, func(known error) bool { return errors.Is(err, known) }):
		return fmt.Errorf("the backup is damaged; copy it again from where it was made, or use an older one (%w)", err)
	}
	return err
}

// unreadable are what the decoder says of bytes that were changed.
var unreadable = []error{
	zstd.ErrCRCMismatch, zstd.ErrReservedBlockType, zstd.ErrCompressedSizeTooBig, zstd.ErrBlockTooSmall, zstd.ErrUnexpectedBlockSize,
	zstd.ErrWindowSizeExceeded, zstd.ErrWindowSizeTooSmall, zstd.ErrUnknownDictionary, zstd.ErrFrameSizeExceeded, zstd.ErrFrameSizeMismatch,
}

// unpackAll writes what the backup holds and compares it with its manifest.
func unpackAll(in *tar.Reader, part string) error {
	got := map[string]manifestFile{}
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("its manifest is missing: %w", io.ErrUnexpectedEOF)
		}
		if err != nil {
			return fmt.Errorf("read the backup: %w", err)
		}
		if h.Name == fileManifest {
			return compare(in, got)
		}
		if !restorable(h.Name) || h.Typeflag != tar.TypeReg {
			return fmt.Errorf("the backup holds %q, which is not part of a store", h.Name)
		}
		f, err := unpackFile(in, filepath.Join(part, filepath.FromSlash(h.Name)))
		if err != nil {
			return err
		}
		f.Name = h.Name
		got[h.Name] = f
	}
}

// restorable allows the database and blobs/xx/name.zst, so that no name leads
// out of the directory.
func restorable(name string) bool {
	if name == fileDB {
		return true
	}
	dir, file := path.Split(name)
	sub, ok := strings.CutPrefix(path.Clean(dir), "blobs/")
	hexes := strings.TrimSuffix(file, ".zst")
	_, err := hex.DecodeString(sub + hexes)
	return ok && err == nil && len(sub) == 2 && len(hexes) == 62 && name == "blobs/"+sub+"/"+file
}

func unpackFile(r io.Reader, to string) (m manifestFile, err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return m, err
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return m, err
	}
	var h hash.Hash = sha256.New()
	m.Size, err = io.Copy(io.MultiWriter(f, h), r)
	if err == nil {
		err = f.Sync()
	}
	m.SHA256 = hex.EncodeToString(h.Sum(nil))
	return m, errors.Join(err, f.Close())
}

// compare holds what was unpacked against the manifest.
func compare(r io.Reader, got map[string]manifestFile) error {
	raw, err := io.ReadAll(io.LimitReader(r, 1<<30))
	if err != nil {
		return fmt.Errorf("read the manifest: %w", err)
	}
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return fmt.Errorf("read the manifest: %w", err)
	}
	if m.Format > backupFormat || m.Schema > schemaOf(migrations) {
		return fmt.Errorf("the backup was made by a newer version: %w", store.ErrNewer)
	}
	for _, want := range m.Files {
		if got[want.Name] != want {
			return fmt.Errorf("the backup is damaged: %s does not match its digest", want.Name)
		}
	}
	if len(m.Files) != len(got) || got[fileDB].Name == "" {
		return errors.New("the backup is damaged: its manifest does not list what it holds")
	}
	return nil
}
