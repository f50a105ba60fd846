package boltstore

import (
	"math/bits"
	"slices"
)

// maxListed is how many numbers a docSet holds as a list. A bitmap of all
// documents is not much larger, and needs neither sorting nor searching.
const maxListed = 16 << 10

// docSet is a set of document numbers. It is filled with add, then sealed, and
// not changed after that.
type docSet struct {
	list []uint32 // ascending once sealed; nil when bits is used
	bits []uint64
	n    int // of bits
}

func (s *docSet) add(docs []uint32) {
	if s.bits == nil {
		if len(s.list)+len(docs) <= maxListed {
			s.list = append(s.list, docs...)
			return
		}
		s.mark(s.list)
		s.list = nil
	}
	s.mark(docs)
}

// mark sets bits.
func (s *docSet) mark(docs []uint32) {
	if len(docs) == 0 {
		return
	}
	if need := int(slices.Max(docs)>>6) + 1; need > len(s.bits) {
		s.bits = append(s.bits, make([]uint64, max(need, len(s.bits)*5/4)-len(s.bits))...)
	}
	for _, d := range docs {
		s.bits[d>>6] |= 1 << (d & 63)
	}
}

// join adds another sealed set.
func (s *docSet) join(o docSet) {
	if o.bits == nil {
		s.add(o.list)
		return
	}
	if s.bits == nil {
		listed := s.list
		s.list, s.bits = nil, slices.Clone(o.bits)
		s.mark(listed)
		return
	}
	if len(o.bits) > len(s.bits) {
		s.bits = append(s.bits, make([]uint64, len(o.bits)-len(s.bits))...)
	}
	for i, w := range o.bits {
		s.bits[i] |= w
	}
}

func (s *docSet) seal() {
	if s.bits == nil {
		s.list = ascending(s.list)
		return
	}
	s.n = 0
	for _, w := range s.bits {
		s.n += bits.OnesCount64(w)
	}
}

// size is how many numbers are in a sealed set.
func (s *docSet) size() int {
	if s.bits != nil {
		return s.n
	}
	return len(s.list)
}

func (s *docSet) has(d uint32) bool {
	if s.bits != nil {
		i := int(d >> 6)
		return i < len(s.bits) && s.bits[i]&(1<<(d&63)) != 0
	}
	_, ok := slices.BinarySearch(s.list, d)
	return ok
}

// all returns the numbers, ascending.
func (s *docSet) all() []uint32 {
	if s.bits == nil {
		return s.list
	}
	out := make([]uint32, 0, s.n)
	for i, w := range s.bits {
		for ; w != 0; w &= w - 1 {
			out = append(out, uint32(i<<6+bits.TrailingZeros64(w)))
		}
	}
	return out
}

// common returns what two sealed sets have in common.
func (s *docSet) common(o docSet) docSet {
	switch {
	case s.bits == nil && o.bits == nil:
		return docSet{list: intersect(s.list, o.list)}
	case s.bits == nil:
		return docSet{list: filtered(s.list, o.has)}
	case o.bits == nil:
		return docSet{list: filtered(o.list, s.has)}
	}
	out := docSet{bits: make([]uint64, min(len(s.bits), len(o.bits)))}
	for i := range out.bits {
		out.bits[i] = s.bits[i] & o.bits[i]
	}
	out.seal()
	return out
}

func filtered(docs []uint32, keep func(uint32) bool) []uint32 {
	out := make([]uint32, 0, len(docs))
	for _, d := range docs {
		if keep(d) {
			out = append(out, d)
		}
	}
	return out
}

func ascending(docs []uint32) []uint32 {
	if !slices.IsSorted(docs) {
		slices.Sort(docs)
	}
	return slices.Compact(docs)
}

func intersect(a, b []uint32) []uint32 {
	if len(a) > len(b) {
		a, b = b, a
	}
	out := make([]uint32, 0, len(a))
	if len(b) > 16*len(a) {
		for _, d := range a {
			if i, ok := slices.BinarySearch(b, d); ok {
				out, b = append(out, d), b[i:]
			}
		}
		return out
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] < b[j]:
			i++
		case a[i] > b[j]:
			j++
		default:
			out = append(out, a[i])
			i, j = i+1, j+1
		}
	}
	return out
}
