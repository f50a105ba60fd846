package boltstore

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"

	"rapport/store"
)

var attachable = []string{AttachErasures, AttachKey}

// dirRestoring holds a restore under way; what a broken-off one left is
// removed by the next.
const dirRestoring = "restoring"

// RestoreOptions are the choices of [Restore]; the zero value is right.
type RestoreOptions struct {
	// Step is called at every durable step, for tests that stop there.
	Step func(name string)
	// Attached takes what was attached to the backup, before the store gets
	// its name: an error of it restores nothing. nil leaves attachments out.
	Attached func(Attachment) error
}

// Restore lays out the store of a backup in a directory that has none; it is
// made where it is missing. It reads the backup once, front to end, in bounded
// memory. Everything is compared with the manifest before the store gets its
// name: a backup that is cut short or altered restores nothing, and a restore
// broken off at any point leaves no store.
func Restore(ctx context.Context, r io.Reader, dir string, o RestoreOptions) (BackupInfo, error) {
	if o.Step == nil {
		o.Step = func(string) {}
	}
	info, err := restore(ctx, r, dir, o)
	if err != nil {
		return info, translate(fmt.Errorf("restore into %s: %w", dir, err))
	}
	return info, nil
}

func restore(ctx context.Context, r io.Reader, dir string, o RestoreOptions) (info BackupInfo, err error) {
	// What is no backup is said before what is in its way.
	in := bufio.NewReaderSize(&cancelReader{ctx, r}, copyBuffer)
	if _, err := ReadBackupInfo(peeked(in)); err != nil {
		return info, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return info, err
	}
	if err := free(dir); err != nil {
		return info, err
	}
	part := filepath.Join(dir, dirRestoring)
	if err := os.RemoveAll(part); err != nil {
		return info, err
	}
	if err := os.Mkdir(part, 0o700); err != nil {
		return info, err
	}
	defer os.RemoveAll(part)
	u := &unpacking{dir: part}
	if info, err = u.run(in); err != nil {
		return info, err
	}
	if err := checkFile(filepath.Join(part, fileDB)); err != nil {
		return info, err
	}
	for _, a := range u.attached {
		if o.Attached == nil {
			break
		}
		if err := o.Attached(a); err != nil {
			return info, err
		}
	}
	o.Step("restore.unpacked")
	if err := syncTree(part); err != nil {
		return info, err
	}
	o.Step("restore.synced")
	return info, settle(part, dir, info, o)
}

// peeked reads what the buffer holds without taking it away.
func peeked(in *bufio.Reader) io.Reader {
	head, _ := in.Peek(copyBuffer) // fewer at the end of a short file
	return bytes.NewReader(head)
}

// free refuses a directory with a store in it. The marker alone is none: it
// tells the restored store that there was one. What a broken-off restore put
// there is taken away.
func free(dir string) error {
	_, noted := os.Lstat(filepath.Join(dir, fileRestored))
	if _, err := os.Lstat(filepath.Join(dir, fileDB)); noted == nil && errors.Is(err, fs.ErrNotExist) {
		if err := os.RemoveAll(filepath.Join(dir, "blobs")); err != nil {
			return err
		}
	}
	for _, name := range []string{fileDB, "blobs"} {
		info, err := os.Lstat(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if names, _ := os.ReadDir(filepath.Join(dir, name)); info.IsDir() && len(names) == 0 {
			continue
		}
		return fmt.Errorf("a store is there already, %s: move it away: %w", name, store.ErrExists)
	}
	return nil
}

// settle moves what was unpacked to its place. The database comes last: with
// it the directory is a store. Each move is on the disk before the next.
func settle(part, dir string, info BackupInfo, o RestoreOptions) error {
	note, err := json.Marshal(Restoration{Backup: info.Created})
	if err != nil {
		return err
	}
	if err := writeDurably(filepath.Join(dir, fileRestored), note); err != nil {
		return err
	}
	for _, name := range []string{"blobs", fileDB} {
		if err := os.Rename(filepath.Join(part, name), filepath.Join(dir, name)); err != nil {
			return err
		}
		o.Step("restore.renamed")
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	o.Step("restore.done")
	return nil
}

// ReadBackupInfo reads what a backup says of itself, from its first bytes. One
// of format 1 says nothing there and yields the zero time.
func ReadBackupInfo(r io.Reader) (BackupInfo, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20), zstd.WithDecoderLowmem(true))
	if err != nil {
		return BackupInfo{}, readable(err)
	}
	defer z.Close()
	in := tar.NewReader(z)
	h, err := in.Next()
	if err != nil {
		return BackupInfo{}, readable(err)
	}
	if h.Name != fileHead {
		return BackupInfo{Format: 1}, nil
	}
	return readHead(in)
}

func readHead(r io.Reader) (info BackupInfo, err error) {
	raw, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err == nil {
		err = json.Unmarshal(raw, &info)
	}
	if err != nil {
		return info, fmt.Errorf("read what the backup says of itself: %w", err)
	}
	return info, tooNew(info)
}

func tooNew(info BackupInfo) error {
	if info.Format > backupFormat || info.Schema > schemaOf(migrations) {
		return fmt.Errorf("the backup was made by a newer version (format %d.%d, this one knows %d.%d): install that version: %w",
			info.Format, info.Schema, backupFormat, schemaOf(migrations), store.ErrNewer)
	}
	return nil
}

// unpacking writes what a backup holds to a directory.
type unpacking struct {
	dir      string
	attached []Attachment
	got      map[string]manifestFile
	buf      []byte
}

func (u *unpacking) run(r io.Reader) (BackupInfo, error) {
	if err := os.Mkdir(filepath.Join(u.dir, "blobs"), 0o700); err != nil {
		return BackupInfo{}, err
	}
	file := &faultyReader{r: r}
	dec, err := zstd.NewReader(file, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxWindow(64<<20))
	if err != nil {
		return BackupInfo{}, err
	}
	defer dec.Close()
	z := decoded{dec, file}
	u.got, u.buf = map[string]manifestFile{}, make([]byte, copyBuffer)
	info, err := u.all(tar.NewReader(z))
	if err == nil {
		// Whatever follows the archive belongs to no backup.
		if n, rest := io.Copy(io.Discard, io.LimitReader(z, 1<<20)); rest != nil {
			err = rest
		} else if n > 64<<10 {
			err = errors.New("the backup is damaged: something follows its end")
		}
	}
	return info, readable(err)
}

// all writes every file and compares it with the manifest.
func (u *unpacking) all(in *tar.Reader) (info BackupInfo, err error) {
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return info, fmt.Errorf("its manifest is missing: %w", io.ErrUnexpectedEOF)
		}
		if err != nil {
			return info, fmt.Errorf("read the backup: %w", err)
		}
		switch {
		case h.Typeflag != tar.TypeReg:
			err = foreign(h.Name)
		case h.Name == fileManifest:
			return u.compare(in)
		case slices.Contains([]string{fileHead, AttachErasures, AttachKey}, h.Name):
			err = u.small(in, h)
		case restorable(h.Name):
			err = u.file(in, h.Name)
		default:
			err = foreign(h.Name)
		}
		if err != nil {
			return info, err
		}
	}
}

func foreign(name string) error {
	return fmt.Errorf("the backup holds %q, which is not part of a store", name)
}

// small reads what is no part of the store itself.
func (u *unpacking) small(in io.Reader, h *tar.Header) error {
	if h.Size > maxAttached {
		return fmt.Errorf("the backup holds %q of %d bytes, more than is allowed", h.Name, h.Size)
	}
	data, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	if err := u.note(manifestFile{h.Name, int64(len(data)), hex.EncodeToString(sum[:])}); err != nil {
		return err
	}
	if h.Name == fileHead {
		_, err := readHead(strings.NewReader(string(data)))
		return err
	}
	u.attached = append(u.attached, Attachment{Name: h.Name, Data: data})
	return nil
}

func (u *unpacking) note(f manifestFile) error {
	if _, twice := u.got[f.Name]; twice {
		return fmt.Errorf("the backup is damaged: it holds %s twice", f.Name)
	}
	u.got[f.Name] = f
	return nil
}

func (u *unpacking) file(r io.Reader, name string) error {
	to := filepath.Join(u.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	h := sha256.New()
	size, err := io.CopyBuffer(io.MultiWriter(onlyWriter{f}, h), r, u.buf)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return u.note(manifestFile{name, size, hex.EncodeToString(h.Sum(nil))})
}

// onlyWriter hides a file's ReadFrom, with which the buffer would not be used.
type onlyWriter struct{ io.Writer }

// compare holds what was unpacked against the manifest.
func (u *unpacking) compare(r io.Reader) (BackupInfo, error) {
	var m manifest
	raw, err := io.ReadAll(io.LimitReader(r, 1<<30))
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	if err != nil {
		return m.BackupInfo, fmt.Errorf("read the manifest: %w", err)
	}
	if err := tooNew(m.BackupInfo); err != nil {
		return m.BackupInfo, err
	}
	for _, want := range m.Files {
		if u.got[want.Name] != want {
			return m.BackupInfo, fmt.Errorf("the backup is damaged: %s does not match its digest", want.Name)
		}
	}
	if len(m.Files) != len(u.got) || u.got[fileDB].Name == "" {
		return m.BackupInfo, errors.New("the backup is damaged: its manifest does not list what it holds")
	}
	return m.BackupInfo, nil
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

// readable says in words what the readers of the format mean.
func readable(err error) error {
	switch {
	case errors.Is(err, zstd.ErrMagicMismatch), errors.Is(err, tar.ErrHeader):
		return fmt.Errorf("this is no backup of Rapport; name a file that `rapport store backup FILE` wrote (%w)", err)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("the backup is cut short; copy it again from where it was made, or use an older one (%w)", err)
	case errors.Is(err, errUndecodable):
		return fmt.Errorf("the backup is damaged; copy it again from where it was made, or use an older one (%w)", err)
	}
	return err
}

// errUndecodable marks what the decoder says of bytes that were changed.
var errUndecodable = errors.New("not what was written")

// decoded marks the errors of a decoder, apart from those of reading the file.
type decoded struct {
	z    *zstd.Decoder
	file *faultyReader
}

func (d decoded) Read(p []byte) (int, error) {
	n, err := d.z.Read(p)
	switch {
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, zstd.ErrMagicMismatch):
	case d.file.err.Load() == nil:
		err = fmt.Errorf("%w: %w", errUndecodable, err)
	}
	return n, err
}

// faultyReader remembers that reading failed.
type faultyReader struct {
	r   io.Reader
	err atomic.Pointer[error]
}

func (f *faultyReader) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err.Store(&err)
	}
	return n, err
}

// VerifyBackup restores a backup into a new directory below temp, opens it,
// looks at every page, every record, its index rows and every original mail,
// counts all rows, compares that with what the backup says was written, and
// removes it again. It needs as much room there as the store takes. The error
// says what is wrong with the backup.
func VerifyBackup(ctx context.Context, r io.Reader, temp string) (BackupInfo, error) {
	dir, err := os.MkdirTemp(temp, "drill-*")
	if err != nil {
		return BackupInfo{}, translate(fmt.Errorf("verify a backup: %w", err))
	}
	defer os.RemoveAll(dir)
	u := &unpacking{dir: dir}
	info, err := u.run(bufio.NewReaderSize(&cancelReader{ctx, r}, copyBuffer))
	if err == nil {
		err = verifyStore(ctx, dir, info)
	}
	if err != nil {
		return info, translate(fmt.Errorf("verify a backup: %w", err))
	}
	return info, nil
}

// verifyStore opens a store to read and looks at everything but the search
// index, which is derived and larger than what may be in memory.
func verifyStore(ctx context.Context, dir string, info BackupInfo) error {
	// Opening goes through every page. Of an older version, it is an upgrade.
	older := info.Schema < schemaOf(migrations)
	s, err := Open(dir, Options{ReadOnly: !older, NoSync: true, NoMerge: true})
	if err != nil {
		return err
	}
	defer s.Close()
	c := &checking{s: s}
	if err := c.records(ctx, false); err != nil {
		return err
	}
	err = s.view(ctx, func(tx *Tx) error {
		for bucket, want := range info.Counts {
			if !slices.Contains(dataBuckets, bucket) {
				continue // of an older version; its upgrade is proved elsewhere
			}
			if n, err := countRows(tx, bucket); err != nil {
				return err
			} else if n != want {
				c.fault("%s: %d rows, %d were written", bucket, n, want)
			}
		}
		return nil
	})
	if err == nil && len(c.faults) > 0 {
		err = fmt.Errorf("the store in it has %d faults, the first: %s", len(c.faults), c.faults[0])
	}
	return err
}
