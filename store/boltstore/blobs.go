package boltstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/klauspost/compress/zstd"

	"rapport/records/message"
	"rapport/store"
)

// maxInline is the largest compressed mail that lies in the database.
const maxInline = 128 << 10

// packing is where mail and texts are packed before the length is known.
var packing = sync.Pool{New: func() any { return new([]byte) }}

// Pack implements [store.Store].
func (s *Store) Pack(ctx context.Context, src message.Source) (store.Blob, error) {
	b, err := s.pack(ctx, src)
	if err != nil {
		return b, translate(fmt.Errorf("pack mail of %d bytes: %w", src.Size(), err))
	}
	return b, nil
}

// pack works on one chunk at a time: in bounded memory, whatever the mail.
func (s *Store) pack(ctx context.Context, src message.Source) (store.Blob, error) {
	in, err := chunksOf(src)
	if err != nil {
		return store.Blob{}, err
	}
	defer in.close()
	room := packing.Get().(*[]byte)
	defer packing.Put(room)
	first, last, err := in.next()
	if err != nil {
		return store.Blob{}, err
	}
	*room = packMail((*room)[:0], first)
	if last && len(*room) <= maxInline {
		return store.Blob{Sum: in.sum(), Size: in.size, Packed: append([]byte{}, *room...)}, ctx.Err()
	}
	if s.opt.ReadOnly {
		return store.Blob{}, store.ErrReadOnly
	}
	f, err := os.CreateTemp(s.blobDir(), "new-*")
	if err != nil {
		return store.Blob{}, err
	}
	b, err := s.packFile(ctx, f, in, last, room)
	if f.Close(); err != nil || b.Packed != nil {
		os.Remove(f.Name())
		return b, err
	}
	return b, s.publish(f.Name(), b.Sum)
}

// packFile writes what room holds and then the other chunks to f, which stays
// unless the mail turns out small.
func (s *Store) packFile(ctx context.Context, f *os.File, in *chunks, last bool, room *[]byte) (b store.Blob, err error) {
	at := 0
	for {
		n, err := f.Write(*room)
		if at += n; err != nil {
			return b, err
		}
		if last {
			break
		}
		if err := ctx.Err(); err != nil {
			return b, err
		}
		var chunk []byte
		if chunk, last, err = in.next(); err != nil {
			return b, err
		}
		*room = packMail((*room)[:0], chunk)
	}
	b = store.Blob{Sum: in.sum(), Size: in.size}
	if at <= maxInline {
		b.Packed = make([]byte, at)
		_, err = f.ReadAt(b.Packed, 0)
		return b, err
	}
	s.step("blob.sync")
	return b, s.sync(f)
}

// chunks hands out a mail piece by piece.
type chunks struct {
	left  message.Bytes // of a mail in memory
	known *message.Sum
	r     io.ReadCloser // of any other
	buf   *[]byte
	hash  hash.Hash
	size  int64 // handed out so far
}

var chunkBuffers = sync.Pool{New: func() any { b := make([]byte, packChunk); return &b }}

func chunksOf(src message.Source) (*chunks, error) {
	switch b := src.(type) {
	case message.Bytes:
		return &chunks{left: b, hash: sha256.New()}, nil
	case message.Summed:
		return &chunks{left: b.Bytes, known: &b.Sum}, nil
	}
	r, err := src.Open()
	if err != nil {
		return nil, err
	}
	return &chunks{r: r, buf: chunkBuffers.Get().(*[]byte), hash: sha256.New()}, nil
}

// next returns the next piece, valid until it is called again, and whether it
// is the last.
func (c *chunks) next() (chunk []byte, last bool, err error) {
	if c.r == nil {
		n := min(len(c.left), packChunk)
		chunk, c.left = c.left[:n], c.left[n:]
		last = len(c.left) == 0
	} else {
		n, err := io.ReadFull(c.r, *c.buf)
		if last = errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF); err != nil && !last {
			return nil, false, err
		}
		chunk = (*c.buf)[:n]
	}
	c.size += int64(len(chunk))
	if c.known == nil {
		c.hash.Write(chunk)
	}
	return chunk, last, nil
}

// sum is the digest of what was handed out.
func (c *chunks) sum() message.Sum {
	if c.known != nil {
		return *c.known
	}
	return message.Sum(c.hash.Sum(nil))
}

func (c *chunks) close() {
	if c.r != nil {
		c.r.Close()
		chunkBuffers.Put(c.buf)
	}
}

// Discard implements [store.Store].
func (s *Store) Discard(b store.Blob) {
	if b.Packed != nil || b.Sum == (message.Sum{}) {
		return // it lies in memory, or was never packed
	}
	s.swap.RLock()
	defer s.swap.RUnlock()
	s.files.Lock()
	defer s.files.Unlock()
	if s.packed[b.Sum]--; s.packed[b.Sum] > 0 || s.closed {
		return
	}
	delete(s.packed, b.Sum)
	s.doomed[b.Sum] = struct{}{}
	if s.holds == 0 {
		s.removeDoomed()
	}
}

// publish gives a packed file its name and makes it durable. From here on it
// is not collected until it was named by a commit, or the store was opened anew.
func (s *Store) publish(temp string, id message.Sum) error {
	dir := filepath.Dir(s.blobPath(id))
	fresh, err := s.rename(temp, dir, id)
	if err != nil {
		os.Remove(temp)
		return err
	}
	s.step("blob.renamed")
	if s.opt.NoSync {
		return nil
	}
	if err := syncDir(dir); err != nil || !fresh {
		return err
	}
	if err := syncDir(s.blobDir()); err != nil {
		return err
	}
	s.files.Lock()
	s.lasting[dir] = true
	s.files.Unlock()
	return nil
}

// rename moves a packed file to its place; fresh is true while the directory
// it lies in may not be durable itself.
func (s *Store) rename(temp, dir string, id message.Sum) (fresh bool, err error) {
	s.files.Lock()
	defer s.files.Unlock()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return false, err
	}
	s.step("blob.rename")
	if err := os.Rename(temp, s.blobPath(id)); err != nil {
		return false, err
	}
	s.packed[id]++
	return !s.lasting[dir], nil
}

func (s *Store) sync(f *os.File) error {
	if s.opt.NoSync {
		return nil
	}
	return f.Sync()
}

func (s *Store) blobDir() string { return filepath.Join(s.dir, "blobs") }

func (s *Store) blobPath(id message.Sum) string {
	name := hex.EncodeToString(id[:])
	return filepath.Join(s.blobDir(), name[:2], name[2:]+".zst")
}

// cancelReader stops a long copy when its context ends.
type cancelReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

type blobsOf struct{ tx *Tx }

// blobValue is format byte, size of the original, and the packed bytes where
// they do not lie in a file.
func blobValue(b store.Blob) []byte {
	if b.Packed == nil {
		return binary.AppendUvarint([]byte{formatFile}, uint64(b.Size))
	}
	out := make([]byte, 0, len(b.Packed)+binary.MaxVarintLen64+1)
	out = binary.AppendUvarint(append(out, formatZstd), uint64(b.Size))
	return append(out, b.Packed...)
}

func readBlobValue(v []byte) (format byte, size int64, packed []byte, err error) {
	if len(v) > 1 && (v[0] == formatFile || v[0] == formatZstd) {
		if n, used := binary.Uvarint(v[1:]); used > 0 && n < 1<<62 {
			return v[0], int64(n), v[1+used:], nil
		}
	}
	return 0, 0, nil, errors.New("damaged row of raw mail")
}

// Put implements [store.Blobs]. Bytes the store has already are left alone.
func (b blobsOf) Put(v store.Blob) error {
	if err := b.tx.writable(); err != nil {
		return err
	}
	if v.Packed == nil {
		if _, err := os.Stat(b.tx.s.blobPath(v.Sum)); err != nil {
			return fmt.Errorf("put raw mail %x: its file is missing: %w", v.Sum[:8], err)
		}
		if b.tx.named == nil {
			b.tx.named = map[message.Sum]int{}
		}
		b.tx.named[v.Sum]++
	}
	delete(b.tx.dropped, v.Sum)
	bucket := b.tx.data(tableBlob)
	if bucket.Get(v.Sum[:]) != nil {
		return nil
	}
	return bucket.Put(v.Sum[:], blobValue(v))
}

// Open implements [store.Blobs]. The digest is compared while reading: bytes
// that are not those that were put end in an error instead of io.EOF.
func (b blobsOf) Open(id message.Sum) (io.ReadCloser, error) {
	v := b.tx.data(tableBlob).Get(id[:])
	if v == nil {
		return nil, fmt.Errorf("raw mail %x: %w", id[:8], store.ErrNotFound)
	}
	format, size, packed, err := readBlobValue(v)
	if err != nil {
		return nil, fmt.Errorf("open raw mail %x: %w", id[:8], err)
	}
	var src io.ReadCloser
	if format == formatFile {
		if src, err = os.Open(b.tx.s.blobPath(id)); err != nil {
			return nil, fmt.Errorf("open raw mail %x: %w", id[:8], err)
		}
	} else {
		src = io.NopCloser(bytes.NewReader(bytes.Clone(packed)))
	}
	return newVerifier(src, id, size)
}

func (b blobsOf) Has(id message.Sum) (bool, error) {
	return b.tx.data(tableBlob).Get(id[:]) != nil, nil
}

// Delete implements [store.Blobs]. A file goes once the transaction is
// committed.
func (b blobsOf) Delete(id message.Sum) error {
	if err := b.tx.writable(); err != nil {
		return err
	}
	bucket := b.tx.data(tableBlob)
	if v := bucket.Get(id[:]); len(v) > 0 && v[0] == formatFile {
		if b.tx.dropped == nil {
			b.tx.dropped = map[message.Sum]struct{}{}
		}
		b.tx.dropped[id] = struct{}{}
	}
	return bucket.Delete(id[:])
}

// verifier decompresses and compares size and digest at the end.
type verifier struct {
	src  io.ReadCloser
	dec  *zstd.Decoder
	hash hash.Hash
	id   message.Sum
	left int64
}

func newVerifier(src io.ReadCloser, id message.Sum, size int64) (io.ReadCloser, error) {
	dec, err := zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		src.Close()
		return nil, fmt.Errorf("open raw mail %x: %w", id[:8], err)
	}
	return &verifier{src: src, dec: dec, hash: sha256.New(), id: id, left: size}, nil
}

func (v *verifier) Read(p []byte) (int, error) {
	n, err := v.dec.Read(p)
	v.hash.Write(p[:n])
	if v.left -= int64(n); v.left < 0 {
		return n, fmt.Errorf("read raw mail %x: longer than it was stored", v.id[:8])
	}
	if errors.Is(err, io.EOF) && (v.left != 0 || message.Sum(v.hash.Sum(nil)) != v.id) {
		return n, fmt.Errorf("read raw mail %x: the bytes are damaged (restore them from a backup)", v.id[:8])
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("read raw mail %x: %w", v.id[:8], err)
	}
	return n, err
}

func (v *verifier) Close() error {
	v.dec.Close()
	return v.src.Close()
}

// committed settles the files of a transaction that is on disk: those it
// named may be collected with it from now on, those it dropped go unless
// somebody put them again meanwhile.
func (s *Store) committed(tx *Tx) {
	if len(tx.named) == 0 && len(tx.dropped) == 0 {
		return
	}
	s.files.Lock()
	defer s.files.Unlock()
	for id := range tx.named {
		if s.packed[id]--; s.packed[id] <= 0 {
			delete(s.packed, id)
		}
	}
	for id := range tx.dropped {
		s.doomed[id] = struct{}{}
	}
	if s.holds == 0 {
		s.removeDoomed()
	}
}

// removeDoomed deletes files nothing names. The caller holds s.files.
func (s *Store) removeDoomed() {
	for id := range s.doomed {
		delete(s.doomed, id)
		if s.packed[id] > 0 || s.named(id) {
			continue
		}
		s.step("blob.remove")
		if err := os.Remove(s.blobPath(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
			s.log.Warn("raw mail file stays until orphans are collected", "err", err)
		}
	}
}

// CollectOrphans deletes the files of raw mail that no committed row names and
// nobody packed since the store was opened, and returns how many.
func (s *Store) CollectOrphans(ctx context.Context) (int, error) {
	names, err := fs.Glob(os.DirFS(s.blobDir()), "*/*.zst") // the directory's own name may look like a pattern
	if err != nil {
		return 0, err
	}
	n := 0
	for _, name := range names {
		if ctx.Err() != nil {
			return n, ctx.Err()
		}
		id, ok := sumOfPath(name)
		if !ok {
			continue
		}
		gone, err := s.collect(id, filepath.Join(s.blobDir(), name))
		if err != nil {
			return n, fmt.Errorf("collect orphans: %w", err)
		}
		if gone {
			n++
		}
	}
	return n, nil
}

func (s *Store) collect(id message.Sum, name string) (bool, error) {
	s.swap.RLock()
	defer s.swap.RUnlock()
	if s.closed {
		return false, errClosed
	}
	s.files.Lock()
	defer s.files.Unlock()
	if s.holds > 0 || s.packed[id] > 0 || s.named(id) {
		return false, nil
	}
	return true, os.Remove(name)
}

func sumOfPath(name string) (message.Sum, bool) {
	dir, file := filepath.Split(name)
	raw, err := hex.DecodeString(filepath.Base(dir) + file[:len(file)-len(".zst")])
	if err != nil || len(raw) != len(message.Sum{}) {
		return message.Sum{}, false
	}
	return message.Sum(raw), true
}
