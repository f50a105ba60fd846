package boltstore

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPending compares with a map that is sorted when it is asked.
func TestPending(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		p, want := &pending{}, map[string]string{}
		for n := range 5000 {
			key := fmt.Sprintf("%06d", rnd.IntN(8000))
			if seed%3 == 0 {
				key = fmt.Sprintf("%06d", n) // in order
			}
			val := fmt.Sprint(n)
			p.set(key, []byte(val))
			want[key] = val
			if got, ok := p.get(key); !ok || string(got) != val {
				t.Fatalf("seed %d: just set %s = %s, got %s, %v", seed, key, val, got, ok)
			}
		}
		if _, ok := p.get("none"); ok {
			t.Errorf("seed %d: there is what was never set", seed)
		}
		keys := slices.Sorted(maps.Keys(want))
		for _, start := range []string{"", "004000", keys[len(keys)-1], "z"} {
			var got []string
			for c := range p.from(start) {
				if string(c.val) != want[c.key] {
					t.Fatalf("seed %d: %s = %s, want %s", seed, c.key, c.val, want[c.key])
				}
				got = append(got, c.key)
			}
			at, _ := slices.BinarySearch(keys, start)
			if !slices.Equal(got, keys[at:]) {
				t.Errorf("seed %d: from %q come %d keys, want %d in order", seed, start, len(got), len(keys)-at)
			}
		}
		for i, r := range p.runs {
			if len(r) == 0 || len(r) > runLength {
				t.Errorf("seed %d: run %d of %d has %d changes", seed, i, len(p.runs), len(r))
			}
		}
	}
}
