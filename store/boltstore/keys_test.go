package boltstore

import (
	"bytes"
	"cmp"
	"strings"
	"testing"
	"time"

	"rapport/store"
)

func sign(n int) int { return cmp.Compare(n, 0) }

func FuzzText(f *testing.F) {
	f.Add("", "a")
	f.Add("a\x00b", "a")
	f.Add("a\x01", "a\x00\x01")
	f.Add("\xff", "\x01\x02")
	f.Fuzz(func(t *testing.T, a, b string) {
		ka, kb := appendText(nil, a), appendText(nil, b)
		got, rest, err := readText(append(bytes.Clone(ka), "rest"...))
		if err != nil || got != a || string(rest) != "rest" {
			t.Fatalf("readText(appendText(%q)) = %q, %q, %v", a, got, rest, err)
		}
		if sign(bytes.Compare(ka, kb)) != sign(strings.Compare(a, b)) {
			t.Fatalf("keys of %q and %q are ordered otherwise", a, b)
		}
		if a != b && bytes.HasPrefix(kb, ka) {
			t.Fatalf("key of %q begins key of %q", a, b)
		}
	})
}

func FuzzReadKey(f *testing.F) {
	f.Add([]byte{1, 0})
	f.Add([]byte{0xFF, 'a', 0})
	f.Fuzz(func(t *testing.T, k []byte) {
		if s, rest, err := readText(k); err == nil && !bytes.Equal(append(appendText(nil, s), rest...), k) {
			t.Fatalf("readText(%x) = %q does not round-trip", k, s)
		}
		_, _, _ = readID(k)
		_, _, _ = readTime(k)
		_, _ = decodeUIDs(4096, k)
		_, _, _, _ = readBlobValue(k)
		if r, err := newBlockReader(append([]byte{formatZstd}, k...)); err == nil {
			for more := true; more && err == nil; {
				more, err = r.next(everyTerm)
			}
		}
	})
}

func FuzzID(f *testing.F) {
	f.Add("01ARZ3NDEKTSV4RRFFQ69G5FAV", "x")
	f.Add("", "01arz3ndektsv4rrffq69g5fav")
	f.Add("7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "00000000000000000000000000")
	f.Fuzz(func(t *testing.T, a, b string) {
		ka, kb := appendID(nil, a), appendID(nil, b)
		got, rest, err := readID(append(bytes.Clone(ka), 7))
		if err != nil || got != a || len(rest) != 1 {
			t.Fatalf("readID(appendID(%q)) = %q, %x, %v", a, got, rest, err)
		}
		if bytes.Equal(ka, kb) != (a == b) {
			t.Fatalf("keys of %q and %q", a, b)
		}
		if len(ka) == 16 && len(kb) == 16 && sign(bytes.Compare(ka, kb)) != sign(strings.Compare(a, b)) {
			t.Fatalf("keys of %q and %q are ordered otherwise", a, b)
		}
	})
}

func FuzzTime(f *testing.F) {
	f.Add(int64(0), int64(-1))
	f.Add(time.Time{}.UnixMicro(), int64(1<<50))
	f.Fuzz(func(t *testing.T, a, b int64) {
		ka, kb := appendTime(nil, time.UnixMicro(a)), appendTime(nil, time.UnixMicro(b))
		if got, _, err := readTime(ka); err != nil || got.UnixMicro() != a {
			t.Fatalf("readTime(appendTime(%d)) = %v, %v", a, got, err)
		}
		if sign(bytes.Compare(ka, kb)) != cmp.Compare(a, b) {
			t.Fatalf("keys of %d and %d are ordered otherwise", a, b)
		}
	})
}

func TestIDsAreShortAndSortByTime(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	a, b := appendID(nil, store.NewID(now)), appendID(nil, store.NewID(now.Add(time.Millisecond)))
	if len(a) != 16 || bytes.Compare(a, b) >= 0 {
		t.Errorf("keys %x and %x", a, b)
	}
}

func TestSuccessor(t *testing.T) {
	for in, want := range map[string]string{"a": "b", "a\xff": "b", "\xff": "", "": "", "ab\xff\xff": "ac"} {
		if got := successor([]byte(in)); string(got) != want {
			t.Errorf("successor(%q) = %q, want %q", in, got, want)
		}
	}
}
