package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// The layout of bbolt's meta pages, of which pages 0 and 1 hold one each:
// a page header of 16 bytes, then magic, version, page size, flags, root,
// freelist, high water mark, transaction and checksum.
const (
	metaAt      = 16
	metaSize    = 64
	boltMagic   = 0xED0CDAED
	boltVersion = 2
)

type boltMeta struct{ pageSize, root, freelist, pages, txid uint64 }

// noFreelist stands for the page of the freelist where none was written.
const noFreelist = 1<<64 - 1

func readMeta(b []byte) (boltMeta, bool) {
	n := binary.NativeEndian
	h := fnv.New64a()
	h.Write(b[:metaSize-8])
	ok := n.Uint32(b) == boltMagic && n.Uint32(b[4:]) == boltVersion && n.Uint64(b[56:]) == h.Sum64()
	return boltMeta{uint64(n.Uint32(b[8:])), n.Uint64(b[16:]), n.Uint64(b[32:]), n.Uint64(b[40:]), n.Uint64(b[48:])}, ok
}

// inspect judges a database file before the engine reads it. The engine would
// quietly fall back to the state before the last commit where the newer meta
// page is damaged, and end the process where another page is; whoever has such
// a file restores a backup instead.
func inspect(f *os.File, size int64) error {
	if size == 0 {
		return damaged("it is empty")
	}
	meta, err := metaOf(f, size)
	if err != nil {
		return err
	}
	if uint64(size) < meta.pages*meta.pageSize || meta.pages > 1<<48 {
		return damaged(fmt.Sprintf("it has %d bytes of at least %d", size, meta.pages*meta.pageSize))
	}
	if err := readThrough(context.Background(), f, size); err != nil {
		return err
	}
	w, done, err := newPageWalk(context.Background(), f, size, meta)
	if err != nil {
		return err
	}
	defer done()
	err = w.page(meta.root, nil, nil, 0)
	if err == nil && meta.freelist != noFreelist {
		err = w.freelist(meta.freelist)
	}
	if err != nil {
		return damaged(err.Error())
	}
	return nil
}

// readThrough reads a file from its beginning to its end, which the system then
// holds as far as there is room. Whoever goes from page to page would wait for
// each: of a file of 8 GB that nobody has read, two minutes instead of thirteen
// seconds.
func readThrough(ctx context.Context, f *os.File, size int64) error {
	_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, &cancelReader{ctx, io.NewSectionReader(f, 0, size)}, make([]byte, 1<<20))
	return err
}

// pageWalk goes through every page a file uses and checks its frame: numbers,
// bounds, and the order of keys.
type pageWalk struct {
	ctx    context.Context // looked at now and then
	data   []byte
	meta   boltMeta
	seen   []uint64 // a bit for each page
	looked int      // pages so far
}

// newPageWalk maps a file to be walked, until done is called.
func newPageWalk(ctx context.Context, f *os.File, size int64, meta boltMeta) (w *pageWalk, done func(), err error) {
	data, done, err := mapFile(f, size)
	if err != nil {
		return nil, nil, err
	}
	return &pageWalk{ctx: ctx, data: data, meta: meta, seen: make([]uint64, meta.pages/64+1)}, done, nil
}

const (
	pageHeader   = 16
	elementSize  = 16
	flagBranch   = 1
	flagLeaf     = 2
	flagFreelist = 16
	flagBucket   = 1
	maxDepth     = 64
)

func (w *pageWalk) page(id uint64, least, limit []byte, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("page %d lies too deep", id)
	}
	if w.looked++; w.looked%256 == 0 && w.ctx.Err() != nil {
		return w.ctx.Err()
	}
	span, err := w.span(id)
	if err != nil {
		return err
	}
	p := w.data[id*w.meta.pageSize:]
	return w.elements(p[:span*w.meta.pageSize], id, least, limit, depth)
}

// freelist checks that no page counts as free that is in use: the engine would
// write over it. It comes after the walk.
func (w *pageWalk) freelist(id uint64) error {
	span, err := w.span(id)
	if err != nil {
		return err
	}
	n := binary.NativeEndian
	p := w.data[id*w.meta.pageSize : (id+span)*w.meta.pageSize]
	count, ids := uint64(n.Uint16(p[10:])), p[pageHeader:]
	if count == 0xFFFF { // too many for the header
		count, ids = n.Uint64(ids), ids[8:]
	}
	if n.Uint16(p[8:]) != flagFreelist || count > uint64(len(ids))/8 {
		return fmt.Errorf("page %d has a damaged header", id)
	}
	for ; count > 0; count, ids = count-1, ids[8:] {
		free := n.Uint64(ids)
		if free < 2 || free >= w.meta.pages {
			return fmt.Errorf("page %d is out of bounds", free)
		}
		if err := w.take(free, 1); err != nil {
			return err
		}
	}
	return nil
}

// span returns how many pages the one at id takes, and takes them.
func (w *pageWalk) span(id uint64) (uint64, error) {
	if id < 2 || id >= w.meta.pages {
		return 0, fmt.Errorf("page %d is out of bounds", id)
	}
	p := w.data[id*w.meta.pageSize:]
	span := uint64(binary.NativeEndian.Uint32(p[12:])) + 1
	if binary.NativeEndian.Uint64(p) != id || id+span > w.meta.pages {
		return 0, fmt.Errorf("page %d has a damaged header", id)
	}
	return span, w.take(id, span)
}

// take notes that pages are used, each once.
func (w *pageWalk) take(id, span uint64) error {
	for n := id; n < id+span; n++ {
		if w.has(n) {
			return fmt.Errorf("page %d is used twice", n)
		}
		w.seen[n/64] |= 1 << (n % 64)
	}
	return nil
}

// has reports whether a page is used, as far as the walk has come.
func (w *pageWalk) has(id uint64) bool { return w.seen[id/64]&(1<<(id%64)) != 0 }

// free compares what is used with what the engine holds free. A page that is
// both would be written over; one that is neither is lost until the store is
// compacted. It comes after the walk of the file as the engine has it now.
func (w *pageWalk) free(b *bolt.Tx) error {
	if w.meta.freelist != noFreelist {
		if _, err := w.span(w.meta.freelist); err != nil {
			return err
		}
	}
	for id := uint64(2); id < w.meta.pages; id++ {
		if id%4096 == 0 && w.ctx.Err() != nil {
			return w.ctx.Err()
		}
		page, err := b.Page(int(id))
		if errors.Is(err, berrors.ErrFreePagesNotLoaded) { // opened to be read
			return nil
		}
		if err != nil || page == nil {
			return fmt.Errorf("page %d cannot be looked up: %w", id, err)
		}
		switch free := page.Type == "free"; {
		case free && w.has(id):
			return fmt.Errorf("page %d is used and counts as free", id)
		case !free && !w.has(id):
			return fmt.Errorf("page %d is neither used nor free (run: rapport store compact)", id)
		}
	}
	return nil
}

// elements checks the entries of a page, which may lie inside a value.
func (w *pageWalk) elements(p []byte, id uint64, least, limit []byte, depth int) error {
	bad := fmt.Errorf("page %d has a damaged entry", id)
	if len(p) < pageHeader {
		return bad
	}
	n := binary.NativeEndian
	flags, count := n.Uint16(p[8:]), int(n.Uint16(p[10:]))
	if flags != flagBranch && flags != flagLeaf || flags == flagBranch && count == 0 || len(p) < pageHeader+count*elementSize {
		return fmt.Errorf("page %d has a damaged header", id)
	}
	var before []byte
	for i := range count {
		at := pageHeader + i*elementSize
		e := p[at:]
		head, pos, ksize, vsize := n.Uint32(e), uint64(n.Uint32(e[4:])), uint64(n.Uint32(e[8:])), uint64(n.Uint32(e[12:]))
		if flags == flagBranch {
			head, pos, ksize, vsize = 0, uint64(n.Uint32(e)), uint64(n.Uint32(e[4:])), 0
		}
		start := uint64(at) + pos
		if start+ksize+vsize > uint64(len(p)) {
			return bad
		}
		key := p[start : start+ksize]
		if i > 0 && bytes.Compare(before, key) >= 0 || i == 0 && least != nil && bytes.Compare(least, key) > 0 || limit != nil && bytes.Compare(key, limit) >= 0 {
			return fmt.Errorf("page %d has its keys out of order", id)
		}
		before = key
		if err := w.below(p, i, count, key, p[start+ksize:start+ksize+vsize], flags, head, id, limit, depth); err != nil {
			return err
		}
	}
	return nil
}

// below follows one entry to the page of a branch or bucket.
func (w *pageWalk) below(p []byte, i, count int, key, val []byte, flags uint16, head uint32, id uint64, limit []byte, depth int) error {
	n := binary.NativeEndian
	if flags == flagBranch {
		if i+1 < count {
			next := pageHeader + (i+1)*elementSize
			start := uint64(next) + uint64(n.Uint32(p[next:]))
			end := start + uint64(n.Uint32(p[next+4:]))
			if end > uint64(len(p)) {
				return fmt.Errorf("page %d has a damaged entry", id)
			}
			limit = p[start:end]
		}
		return w.page(n.Uint64(p[pageHeader+i*elementSize+8:]), key, limit, depth+1)
	}
	if head&flagBucket == 0 {
		return nil
	}
	if len(val) < 16 || depth > maxDepth {
		return fmt.Errorf("page %d has a damaged bucket", id)
	}
	if root := n.Uint64(val); root != 0 {
		return w.page(root, nil, nil, depth+1)
	}
	return w.elements(val[16:], id, nil, nil, depth+1)
}

// metaOf returns the newer meta page; both must be sound.
func metaOf(f io.ReaderAt, size int64) (boltMeta, error) {
	b := make([]byte, metaAt+metaSize)
	first, ok0 := boltMeta{}, false
	if _, err := f.ReadAt(b, 0); err == nil {
		first, ok0 = readMeta(b[metaAt:])
	} else if !errors.Is(err, io.EOF) {
		return boltMeta{}, err
	}
	sizes := []uint64{4096, 8192, 16384, 65536}
	if ok0 {
		sizes = []uint64{min(max(first.pageSize, 1024), 65536)}
	}
	for _, page := range sizes {
		if _, err := f.ReadAt(b, int64(page)); err != nil && !errors.Is(err, io.EOF) {
			return boltMeta{}, err
		}
		second, ok1 := readMeta(b[metaAt:])
		switch {
		case ok0 && ok1 && first.pageSize == page && second.pageSize == page:
			if first.txid > second.txid {
				return first, nil
			}
			return second, nil
		case ok0, ok1:
			return boltMeta{}, damaged("one of its two meta pages does not match its checksum")
		}
	}
	return boltMeta{}, &damage{fileDB + " is not a database of this program (correct data_dir, or restore a backup with `rapport store restore`)"}
}
