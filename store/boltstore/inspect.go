package boltstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
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

type boltMeta struct{ pageSize, pages, txid uint64 }

func readMeta(b []byte) (boltMeta, bool) {
	n := binary.NativeEndian
	h := fnv.New64a()
	h.Write(b[:metaSize-8])
	ok := n.Uint32(b) == boltMagic && n.Uint32(b[4:]) == boltVersion && n.Uint64(b[56:]) == h.Sum64()
	return boltMeta{uint64(n.Uint32(b[8:])), n.Uint64(b[40:]), n.Uint64(b[48:])}, ok
}

// inspect judges the frame of a database file. The engine would quietly fall
// back to the state before the last commit where the newer meta page is
// damaged; whoever wants that restores a backup instead.
func inspect(f io.ReaderAt, size int64) error {
	if size == 0 {
		return damaged("it is empty")
	}
	meta, err := metaOf(f, size)
	if err != nil {
		return err
	}
	if uint64(size) < meta.pages*meta.pageSize {
		return damaged(fmt.Sprintf("it has %d bytes of at least %d", size, meta.pages*meta.pageSize))
	}
	return nil
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
	for _, page := range []uint64{first.pageSize, 4096, 16384, 65536} {
		if page < 1024 || page > 65536 || !ok0 && page == first.pageSize {
			continue
		}
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
	return boltMeta{}, fmt.Errorf("%s is not a database of this program (correct data_dir, or restore a backup with `rapport store restore`)", fileDB)
}
