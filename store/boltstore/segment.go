package boltstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"rapport/store"
)

// The search index is a list of segments. A segment maps terms to the numbers
// of the documents that have them, both ascending. One is written with each
// transaction that puts documents, and never changed; merging makes one of
// several. Documents that are gone stay in segments until a merge: whatever a
// search finds is looked up by number before it counts.
//
// Rows of the bucket: "m" segment -> level, documents; "b" segment first-term
// -> a block. A block is zstd over: for each term uvarint bytes shared with
// the term before, uvarint bytes of its own, those, uvarint count, uvarint
// differences of the numbers. "p" segment first-term -> the places of the same
// terms, read for phrases only: for each term uvarint bytes, the packed places of
// each document or noPlaces. Where the row is missing, or a term has no bytes, only
// the texts tell, as of what was indexed before format 4.

const (
	rowManifest = 'm'
	rowBlock    = 'b'
	rowPlaces   = 'p'
	// blockSize is how many bytes a block has before it is compressed, save
	// that one term's numbers always stay together.
	blockSize = 8 << 10
)

var errSegment = errors.New("damaged search index (run: rapport store reindex)")

type segmentInfo struct {
	id    uint32
	level byte
	docs  uint32 // postings of documents when it was written
}

func manifestKey(id uint32) []byte { return appendUint32([]byte{rowManifest}, id) }

func blockKey(id uint32, term []byte) []byte {
	return append(appendUint32([]byte{rowBlock}, id), term...)
}

// placesKey is the key of the places beside the block of a key.
func placesKey(block []byte) []byte { return append([]byte{rowPlaces}, block[1:]...) }

func (i segmentInfo) value() []byte { return appendUint32([]byte{i.level}, i.docs) }

// segments lists the segments in use.
func segments(b *bolt.Bucket) ([]segmentInfo, error) {
	var out []segmentInfo
	c := b.Cursor()
	for k, v := c.Seek([]byte{rowManifest}); k != nil && k[0] == rowManifest; k, v = c.Next() {
		if len(k) != 5 || len(v) != 5 {
			return nil, errSegment
		}
		out = append(out, segmentInfo{binary.BigEndian.Uint32(k[1:]), v[0], binary.BigEndian.Uint32(v[1:])})
	}
	return out, nil
}

// segmentBuilder gathers the terms of a transaction's documents.
type segmentBuilder struct {
	postings map[string]*postings
	docs     uint32
	size     int
}

// maxBuilt bounds the postings a transaction gathers before a segment is cut.
const maxBuilt = 2_000_000

func (tx *Tx) addTerms(doc uint32, terms []store.Term) error {
	if tx.terms == nil {
		tx.terms = &segmentBuilder{}
	}
	if tx.terms.add(doc, terms); tx.terms.size > maxBuilt {
		return tx.flushTerms()
	}
	return nil
}

// add adds the terms of a document.
func (b *segmentBuilder) add(doc uint32, terms []store.Term) {
	if b.postings == nil {
		b.postings = map[string]*postings{}
	}
	for _, t := range terms {
		if t.Text == "" {
			continue
		}
		list := b.postings[t.Text]
		if list == nil {
			list = &postings{}
			b.postings[t.Text] = list
		}
		list.add(doc, t.At)
	}
	b.docs++
	b.size += len(terms)
}

// flushTerms writes what was gathered as a segment of level 0.
func (tx *Tx) flushTerms() error {
	b := tx.terms
	if b == nil || len(b.postings) == 0 {
		return nil
	}
	tx.terms = nil
	info, err := b.write(tx)
	if err != nil {
		return err
	}
	tx.grown = true
	return tx.indexBucket(indexSegment).Put(manifestKey(info.id), info.value())
}

// write writes the blocks of a segment of level 0, which nothing names yet.
func (b *segmentBuilder) write(tx *Tx) (segmentInfo, error) {
	id, err := tx.next(keySegment)
	if err != nil {
		return segmentInfo{}, err
	}
	terms := make([]string, 0, len(b.postings))
	for t := range b.postings {
		terms = append(terms, t)
	}
	slices.Sort(terms)
	w := blockWriter{id: id, put: tx.indexBucket(indexSegment).Put}
	for _, t := range terms {
		// Numbers ascend as documents are put, but not in a reindex.
		if err := w.add([]byte(t), b.postings[t].sorted()); err != nil {
			return segmentInfo{}, fmt.Errorf("write search index: %w", err)
		}
	}
	if err := w.close(); err != nil {
		return segmentInfo{}, fmt.Errorf("write search index: %w", err)
	}
	return segmentInfo{id: id, docs: b.docs}, nil
}

// blockWriter cuts ascending terms into blocks.
type blockWriter struct {
	id          uint32
	put         func(k, v []byte) error
	raw         []byte
	places      []byte
	placed      bool // some are known
	first, last []byte
	written     int // compressed bytes handed to put
}

func (w *blockWriter) add(term []byte, p *postings) error {
	if len(p.docs) == 0 {
		return nil
	}
	if w.first == nil {
		w.first, w.last = bytes.Clone(term), nil
	}
	shared := 0
	for shared < min(len(term), len(w.last)) && term[shared] == w.last[shared] {
		shared++
	}
	w.raw = binary.AppendUvarint(w.raw, uint64(shared))
	w.raw = binary.AppendUvarint(w.raw, uint64(len(term)-shared))
	w.raw = append(w.raw, term[shared:]...)
	w.raw = binary.AppendUvarint(w.raw, uint64(len(p.docs)))
	before := uint32(0)
	for _, d := range p.docs {
		w.raw = binary.AppendUvarint(w.raw, uint64(d-before))
		before = d
	}
	w.places = append(binary.AppendUvarint(w.places, uint64(len(p.at))), p.at...)
	w.placed = w.placed || len(p.at) > 0
	w.last = append(w.last[:0], term...)
	if len(w.raw) >= blockSize {
		return w.close()
	}
	return nil
}

func (w *blockWriter) close() error {
	if w.first == nil {
		return nil
	}
	key, v := blockKey(w.id, w.first), packText(w.raw)
	w.written += len(v)
	err := w.put(key, v)
	if w.placed {
		v = packText(w.places)
		w.written += len(v)
		err = errors.Join(err, w.put(placesKey(key), v))
	}
	w.raw, w.places, w.placed, w.first, w.last = w.raw[:0], w.places[:0], false, nil, nil
	return err
}

// blockReader goes through the terms of a block.
type blockReader struct {
	raw  []byte
	term []byte
	docs []uint32
	// visit, when not nil, is given the numbers in pieces instead of docs.
	visit func(docs []uint32)
}

func newBlockReader(v []byte) (*blockReader, error) {
	raw, err := unpackBlock(v)
	return &blockReader{raw: raw}, err
}

func unpackBlock(v []byte) ([]byte, error) {
	raw, err := unpackText(v)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSegment, err)
	}
	return raw, nil
}

// next moves to the next term; false at the end. The numbers are decoded only
// where wanted says so.
func (r *blockReader) next(wanted func(term []byte) bool) (bool, error) {
	if len(r.raw) == 0 {
		return false, nil
	}
	shared, ok1 := r.uvarint()
	own, ok2 := r.uvarint()
	if !ok1 || !ok2 || shared > uint64(len(r.term)) || own > uint64(len(r.raw)) {
		return false, errSegment
	}
	r.term = append(r.term[:shared], r.raw[:own]...)
	r.raw = r.raw[own:]
	n, ok := r.uvarint()
	if !ok || n > uint64(len(r.raw)) {
		return false, errSegment
	}
	if !wanted(r.term) {
		return true, r.skip(n)
	}
	return true, r.decode(int(n))
}

// pieceSize is how many numbers visit is given at a time.
const pieceSize = 2048

// decode reads the n numbers of a term.
func (r *blockReader) decode(n int) error {
	if r.visit == nil {
		r.docs = make([]uint32, 0, n)
	} else if r.docs == nil {
		r.docs = make([]uint32, 0, min(n, pieceSize))
	}
	docs, at := r.docs[:0], uint64(0)
	for range n {
		d, ok := r.uvarint()
		if at += d; !ok || at > 1<<32-1 {
			return errSegment
		}
		if docs = append(docs, uint32(at)); r.visit != nil && len(docs) == pieceSize {
			r.visit(docs)
			docs = docs[:0]
		}
	}
	if r.docs = docs; r.visit != nil && len(docs) > 0 {
		r.visit(docs)
	}
	return nil
}

func (r *blockReader) skip(n uint64) error {
	for i := 0; n > 0; i++ {
		if i == len(r.raw) {
			return errSegment
		}
		if r.raw[i] < 0x80 {
			if n--; n == 0 {
				r.raw = r.raw[i+1:]
			}
		}
	}
	return nil
}

func (r *blockReader) uvarint() (uint64, bool) {
	if len(r.raw) > 0 && r.raw[0] < 0x80 { // most are
		d := uint64(r.raw[0])
		r.raw = r.raw[1:]
		return d, true
	}
	v, n := binary.Uvarint(r.raw)
	if n <= 0 {
		return 0, false
	}
	r.raw = r.raw[n:]
	return v, true
}

// blockOf moves a cursor to the block of a segment in which a term lies if
// anywhere, or to the first one.
func blockOf(c *bolt.Cursor, prefix, term []byte) (k, v []byte) {
	key := append(bytes.Clone(prefix), term...)
	if k, v = c.Seek(key); bytes.Equal(k, key) {
		return k, v
	}
	// The term lies in the block that begins before it, if any.
	if k == nil {
		k, v = last(c)
	} else {
		k, v = previous(c, k)
	}
	if k == nil || !bytes.HasPrefix(k, prefix) {
		return c.Seek(prefix)
	}
	return k, v
}

// walk opens the documents of a term in one segment, none where it has none.
func walk(b *bolt.Bucket, id uint32, term []byte) (walker, error) {
	prefix := blockKey(id, nil)
	k, v := blockOf(b.Cursor(), prefix, term)
	if k == nil || !bytes.HasPrefix(k, prefix) {
		return walker{}, nil
	}
	r, err := newBlockReader(v)
	if err != nil {
		return walker{}, err
	}
	p, err := placesOf(b, k)
	if err != nil {
		return walker{}, err
	}
	wanted := func(t []byte) bool { return bytes.Equal(t, term) }
	for {
		more, err := r.next(wanted)
		if err != nil || !more || bytes.Compare(r.term, term) > 0 {
			return walker{}, err
		}
		at, err := p.next()
		if err != nil {
			return walker{}, err
		}
		if bytes.Equal(r.term, term) {
			return walker{r.docs, at}, nil
		}
	}
}

// lookUp visits the numbers of a term, or of every term that begins with it,
// in one segment. The slice visit is given is used again.
func lookUp(b *bolt.Bucket, id uint32, term []byte, begins bool, visit func(docs []uint32)) error {
	prefix := blockKey(id, nil)
	c := b.Cursor()
	k, v := blockOf(c, prefix, term)
	wanted := func(t []byte) bool {
		return bytes.Equal(t, term) || begins && bytes.HasPrefix(t, term)
	}
	for ; k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
		if first := k[len(prefix):]; bytes.Compare(first, term) > 0 && !(begins && bytes.HasPrefix(first, term)) {
			return nil
		}
		r, err := newBlockReader(v)
		if err != nil {
			return err
		}
		r.visit = visit
		for {
			more, err := r.next(wanted)
			if err != nil {
				return err
			}
			if !more || bytes.Compare(r.term, term) > 0 && !(begins && bytes.HasPrefix(r.term, term)) {
				break
			}
		}
	}
	return nil
}
