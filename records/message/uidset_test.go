package message

import (
	"maps"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// uids draws UIDs that lie close together, and now and then at either end.
func uids(t *rapid.T, label string) []uint32 {
	one := rapid.OneOf(rapid.Uint32Range(0, 40), rapid.Uint32Range(0, 40), rapid.Uint32Range(math.MaxUint32-3, math.MaxUint32))
	return rapid.SliceOfN(one, 0, 60).Draw(t, label)
}

// model is what a UIDSet is to behave like.
func model(list []uint32) map[uint32]bool {
	m := map[uint32]bool{}
	for _, u := range list {
		if u != 0 {
			m[u] = true
		}
	}
	return m
}

func sorted(m map[uint32]bool) []uint32 { return slices.Sorted(maps.Keys(m)) }

// checkSet compares a set with its model, and the set's own form.
func checkSet(t *rapid.T, what string, s UIDSet, want map[uint32]bool) {
	t.Helper()
	if got := s.Slice(); !slices.Equal(got, sorted(want)) {
		t.Fatalf("%s = %v, want %v", what, got, sorted(want))
	}
	if s.Len() != len(want) || s.Empty() != (len(want) == 0) {
		t.Fatalf("%s: Len %d, Empty %v; want %d members", what, s.Len(), s.Empty(), len(want))
	}
	for i, r := range s.Ranges() {
		if r.Lo > r.Hi || r.Lo == 0 || i > 0 && uint64(s.Ranges()[i-1].Hi)+1 >= uint64(r.Lo) {
			t.Fatalf("%s: ranges %v are not sorted and apart", what, s.Ranges())
		}
	}
	back, err := ParseUIDSet(s.String())
	if err != nil || !back.Equal(s) {
		t.Fatalf("ParseUIDSet(%q) = %v, %v", s.String(), back, err)
	}
}

func TestUIDSetIsASet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := uids(t, "a"), uids(t, "b")
		ma, mb := model(a), model(b)
		s, u := UIDs(a...), UIDs(b...)
		checkSet(t, "UIDs", s, ma)

		union, minus, both := map[uint32]bool{}, map[uint32]bool{}, map[uint32]bool{}
		for k := range ma {
			union[k] = true
			if mb[k] {
				both[k] = true
			} else {
				minus[k] = true
			}
		}
		maps.Copy(union, mb)
		checkSet(t, "Union", s.Union(u), union)
		checkSet(t, "Minus", s.Minus(u), minus)
		checkSet(t, "Intersect", s.Intersect(u), both)
		checkSet(t, "a after the operations", s, ma)

		for k := uint32(0); k < 45; k++ {
			if s.Has(k) != ma[k] {
				t.Fatalf("Has(%d) = %v", k, s.Has(k))
			}
		}
		list := sorted(ma)
		n := rapid.IntRange(0, 70).Draw(t, "n")
		checkSet(t, "Newest", s.Newest(n), model(list[max(0, len(list)-n):]))
		if len(list) > 0 && s.Max() != list[len(list)-1] || len(list) == 0 && s.Max() != 0 {
			t.Fatalf("Max = %d of %v", s.Max(), list)
		}
	})
}

func TestUIDRangesReadAnyOrder(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   []UIDRange
		want string
	}{
		{nil, ""},
		{[]UIDRange{{5, 3}}, "3:5"},
		{[]UIDRange{{0, 0}}, ""},
		{[]UIDRange{{0, 2}}, "1:2"},
		{[]UIDRange{{7, 9}, {1, 2}, {3, 3}, {8, 12}}, "1:3,7:12"},
		{[]UIDRange{{1, math.MaxUint32}, {5, 6}}, "1:4294967295"},
	} {
		if got := UIDRanges(tt.in...).String(); got != tt.want {
			t.Errorf("UIDRanges(%v) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestParseUIDSetRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"*", "1:*", "a", "1,", ",", "1::2", "-1", "4294967296", "1:2:3"} {
		if got, err := ParseUIDSet(in); err == nil {
			t.Errorf("ParseUIDSet(%q) = %v, want an error", in, got)
		}
	}
}
