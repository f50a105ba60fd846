package boltstore

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	bolt "go.etcd.io/bbolt"

	"rapport/store"
)

// postings are the documents that have a term, and the places where each has
// it, packed, one behind the other.
type postings struct {
	docs []uint32
	at   []byte   // empty where no document's places are known
	ends []uint32 // where those of each end, along with at
}

// noPlaces stands for the places of a document of which only the text tells
// them. It is the place 0 in more bytes than it needs, which nobody packs.
var noPlaces = []byte{0x80, 0x40}

// add adds a document; at is empty where its places are not known.
func (p *postings) add(doc uint32, at []byte) {
	if p.docs = append(p.docs, doc); len(at) == 0 && len(p.at) == 0 {
		return
	}
	for len(p.ends) < len(p.docs)-1 {
		p.place(noPlaces)
	}
	if len(at) == 0 {
		at = noPlaces
	}
	p.place(at)
}

func (p *postings) place(at []byte) {
	p.at = append(p.at, at...)
	p.ends = append(p.ends, uint32(len(p.at)))
}

// of returns the places of the document number i, nil where they are not known.
func (p *postings) of(i int) []byte {
	if len(p.at) == 0 {
		return nil
	}
	from := uint32(0)
	if i > 0 {
		from = p.ends[i-1]
	}
	if at := p.at[from:p.ends[i]]; !bytes.Equal(at, noPlaces) {
		return at
	}
	return nil
}

// sorted returns the postings with ascending documents, each once.
func (p *postings) sorted() *postings {
	ascends := true
	for i := 1; i < len(p.docs) && ascends; i++ {
		ascends = p.docs[i-1] < p.docs[i]
	}
	if ascends {
		return p
	}
	if len(p.at) == 0 {
		return &postings{docs: ascending(p.docs)}
	}
	order := make([]int, len(p.docs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p.docs[a], p.docs[b]) })
	out := &postings{}
	for n, i := range order {
		if n == 0 || p.docs[i] != p.docs[order[n-1]] {
			out.add(p.docs[i], p.of(i))
		}
	}
	return out
}

// placeReader goes through the places of a block, term by term. The zero value
// is that of a block of which no places are known.
type placeReader struct{ raw []byte }

// placesOf opens the places beside the block of a key.
func placesOf(b *bolt.Bucket, block []byte) (placeReader, error) {
	v := b.Get(placesKey(block))
	if v == nil {
		return placeReader{}, nil
	}
	raw, err := unpackBlock(v)
	return placeReader{raw}, err
}

// next returns the places of the next term's documents.
func (r *placeReader) next() ([]byte, error) {
	if r.raw == nil {
		return nil, nil
	}
	size, n := binary.Uvarint(r.raw)
	if n <= 0 || size > uint64(len(r.raw)-n) {
		return nil, errSegment
	}
	at := r.raw[n : n+int(size)]
	r.raw = r.raw[n+int(size):]
	if len(r.raw) == 0 {
		r.raw = []byte{} // which is not nil: no more than these
	}
	return at, nil
}

// walker goes through the documents of a term, forward.
type walker struct {
	docs []uint32
	at   []byte // places of docs[0] and those behind; empty where not known
}

// to moves to a document, and reports whether it is there.
func (w *walker) to(doc uint32) (bool, error) {
	for len(w.docs) > 0 && w.docs[0] < doc {
		if err := w.step(); err != nil {
			return false, err
		}
	}
	return len(w.docs) > 0 && w.docs[0] == doc, nil
}

// places are those of the document it is at, nil where they are not known.
func (w *walker) places() []byte {
	if len(w.at) == 0 || bytes.HasPrefix(w.at, noPlaces) {
		return nil
	}
	return w.at[:store.SkipPlaces(w.at)]
}

func (w *walker) step() error {
	if w.docs = w.docs[1:]; len(w.at) == 0 {
		return nil
	}
	n := store.SkipPlaces(w.at)
	if w.at = w.at[n:]; n == 0 || len(w.docs) > 0 && len(w.at) == 0 {
		return errSegment
	}
	return nil
}

// together visits the documents in which terms stand as far from each other as
// offsets say, and those of which only the text tells.
func together(terms []walker, offsets []int, visit func(doc uint32)) error {
	offsets = slices.Clone(offsets)
	for k := range terms { // the one in the fewest documents leads
		if len(terms[k].docs) < len(terms[0].docs) {
			terms[0], terms[k], offsets[0], offsets[k] = terms[k], terms[0], offsets[k], offsets[0]
		}
	}
	var p phrasePlaces
	for len(terms[0].docs) > 0 {
		doc, all := terms[0].docs[0], true
		for k := 1; k < len(terms) && all; k++ {
			var err error
			if all, err = terms[k].to(doc); err != nil {
				return err
			}
		}
		if all {
			ok, err := p.stand(terms, offsets)
			if err != nil {
				return err
			}
			if ok {
				visit(doc)
			}
		}
		if err := terms[0].step(); err != nil {
			return err
		}
	}
	return nil
}

// phrasePlaces is room to compare places in.
type phrasePlaces struct{ begins, here []uint32 }

// stand reports whether the terms, all at one document, may stand together.
func (p *phrasePlaces) stand(terms []walker, offsets []int) (bool, error) {
	known := false
	for k := range terms {
		if at := terms[k].at; len(at) == 0 || bytes.HasPrefix(at, noPlaces) {
			continue
		}
		var ok bool
		if p.here, _, ok = store.Places(p.here[:0], terms[k].at); !ok {
			return false, errSegment
		}
		for i := range p.here { // where the phrase begins; what begins before the text is no place of another
			p.here[i] -= uint32(offsets[k])
		}
		if !known {
			known, p.begins, p.here = true, p.here, p.begins
			continue
		}
		if p.begins = intersectPlaces(p.begins, p.here); len(p.begins) == 0 {
			return false, nil
		}
	}
	return true, nil
}

// intersectPlaces leaves in a what is also in b. Both are a few.
func intersectPlaces(a, b []uint32) []uint32 {
	return slices.DeleteFunc(a, func(at uint32) bool { return !slices.Contains(b, at) })
}
