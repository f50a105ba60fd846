package message

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// UIDSet is a set of IMAP unique identifiers, kept as sorted, disjoint,
// non-adjacent ranges. The zero value is the empty set. Methods return new
// sets and leave their receiver alone. UID 0 is never a member (RFC 9051).
type UIDSet struct{ ranges []UIDRange }

// UIDRange is the UIDs from Lo to Hi, both included.
type UIDRange struct{ Lo, Hi uint32 }

// UIDs returns the set of the given UIDs.
func UIDs(uids ...uint32) UIDSet {
	ranges := make([]UIDRange, 0, len(uids))
	for _, u := range uids {
		ranges = append(ranges, UIDRange{u, u})
	}
	return UIDRanges(ranges...)
}

// UIDRanges returns the union of the given ranges, in any order; a range with
// Lo > Hi is read as Hi to Lo.
func UIDRanges(ranges ...UIDRange) UIDSet {
	rs := make([]UIDRange, 0, len(ranges))
	for _, r := range ranges {
		r = UIDRange{min(r.Lo, r.Hi), max(r.Lo, r.Hi)}
		if r.Hi == 0 {
			continue
		}
		rs = append(rs, UIDRange{max(r.Lo, 1), r.Hi})
	}
	slices.SortFunc(rs, func(a, b UIDRange) int {
		switch {
		case a.Lo < b.Lo:
			return -1
		case a.Lo > b.Lo:
			return 1
		}
		return 0
	})
	return UIDSet{merge(rs)}
}

// merge joins overlapping and adjacent ranges of a sorted list, in place.
func merge(rs []UIDRange) []UIDRange {
	out := rs[:0]
	for _, r := range rs {
		if n := len(out); n > 0 && uint64(r.Lo) <= uint64(out[n-1].Hi)+1 {
			out[n-1].Hi = max(out[n-1].Hi, r.Hi)
			continue
		}
		out = append(out, r)
	}
	return out
}

// Ranges returns the ranges of s in ascending order. The caller must not
// change them.
func (s UIDSet) Ranges() []UIDRange { return s.ranges }

// Empty reports whether s has no member.
func (s UIDSet) Empty() bool { return len(s.ranges) == 0 }

// Len returns the number of members.
func (s UIDSet) Len() int {
	n := 0
	for _, r := range s.ranges {
		n += int(r.Hi-r.Lo) + 1
	}
	return n
}

// Max returns the largest member, 0 for the empty set.
func (s UIDSet) Max() uint32 {
	if s.Empty() {
		return 0
	}
	return s.ranges[len(s.ranges)-1].Hi
}

// Has reports whether uid is a member.
func (s UIDSet) Has(uid uint32) bool {
	i := sort.Search(len(s.ranges), func(i int) bool { return s.ranges[i].Hi >= uid })
	return i < len(s.ranges) && s.ranges[i].Lo <= uid
}

// Union returns the members of s or t.
func (s UIDSet) Union(t UIDSet) UIDSet {
	if s.Empty() {
		return t
	}
	if t.Empty() {
		return s
	}
	return UIDRanges(append(slices.Clone(s.ranges), t.ranges...)...)
}

// Minus returns the members of s that are not in t.
func (s UIDSet) Minus(t UIDSet) UIDSet {
	var out []UIDRange
	j := 0
	for _, r := range s.ranges {
		lo, done := r.Lo, false
		for j > 0 && t.ranges[j-1].Hi >= r.Lo {
			j--
		}
		for ; j < len(t.ranges) && t.ranges[j].Lo <= r.Hi; j++ {
			if t.ranges[j].Hi < lo {
				continue
			}
			if t.ranges[j].Lo > lo {
				out = append(out, UIDRange{lo, t.ranges[j].Lo - 1})
			}
			if t.ranges[j].Hi >= r.Hi || t.ranges[j].Hi == math.MaxUint32 {
				done = true
				break
			}
			lo = t.ranges[j].Hi + 1
		}
		if !done {
			out = append(out, UIDRange{lo, r.Hi})
		}
	}
	return UIDSet{out}
}

// Intersect returns the members of both s and t.
func (s UIDSet) Intersect(t UIDSet) UIDSet { return s.Minus(s.Minus(t)) }

// Slice returns the members in ascending order.
func (s UIDSet) Slice() []uint32 {
	out := make([]uint32, 0, s.Len())
	for _, r := range s.ranges {
		for u := uint64(r.Lo); u <= uint64(r.Hi); u++ {
			out = append(out, uint32(u))
		}
	}
	return out
}

// Newest returns the up to n largest members.
func (s UIDSet) Newest(n int) UIDSet {
	var out []UIDRange
	for i := len(s.ranges) - 1; i >= 0 && n > 0; i-- {
		r := s.ranges[i]
		if size := int(r.Hi-r.Lo) + 1; size > n {
			r.Lo = r.Hi - uint32(n) + 1
		}
		n -= int(r.Hi-r.Lo) + 1
		out = append(out, r)
	}
	slices.Reverse(out)
	return UIDSet{out}
}

// Equal reports whether s and t have the same members.
func (s UIDSet) Equal(t UIDSet) bool { return slices.Equal(s.ranges, t.ranges) }

// String returns s as an IMAP sequence-set (RFC 9051), "" for the empty set.
func (s UIDSet) String() string {
	var b strings.Builder
	for i, r := range s.ranges {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatUint(uint64(r.Lo), 10))
		if r.Hi != r.Lo {
			b.WriteByte(':')
			b.WriteString(strconv.FormatUint(uint64(r.Hi), 10))
		}
	}
	return b.String()
}

// ParseUIDSet reads what String wrote. "*" is refused: it names no fixed UID.
func ParseUIDSet(text string) (UIDSet, error) {
	if text == "" {
		return UIDSet{}, nil
	}
	var rs []UIDRange
	for part := range strings.SplitSeq(text, ",") {
		lo, hi, ranged := strings.Cut(part, ":")
		if !ranged {
			hi = lo
		}
		l, err := strconv.ParseUint(lo, 10, 32)
		if err != nil {
			return UIDSet{}, fmt.Errorf("parse UID set %q: %w", text, err)
		}
		h, err := strconv.ParseUint(hi, 10, 32)
		if err != nil {
			return UIDSet{}, fmt.Errorf("parse UID set %q: %w", text, err)
		}
		rs = append(rs, UIDRange{uint32(l), uint32(h)})
	}
	return UIDRanges(rs...), nil
}
