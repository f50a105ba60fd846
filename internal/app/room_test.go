package app

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rapport/records/message"
	"rapport/store"
)

// TestM73_Reserve keeps a part of the disk for decisions and erasures, and says
// what it lacks, of which directory.
func TestM73_Reserve(t *testing.T) {
	t.Parallel()
	const gb = 1 << 30
	for _, tt := range []struct {
		has  space
		want string // part of the error, "" for none
	}{
		{space{free: 10 * gb, total: 100 * gb}, ""},
		{space{free: 65 << 20, total: 100 * gb}, ""},
		{space{free: 63 << 20, total: 100 * gb}, "66.1 MB free, of which 67.1 MB"},
		{space{free: 2 << 20, total: 64 << 20}, ""},
		{space{free: 1000 << 10, total: 64 << 20}, "1.0 MB free"},
		{space{free: 0, total: 0}, ""},
		{space{free: 10 * gb, total: 100 * gb, files: 5, all: 1 << 20}, "only 5 more files"},
		{space{free: 10 * gb, total: 100 * gb, files: 500_000, all: 1 << 20}, ""},
	} {
		r := newRoom("/data")
		r.stat = func(string) (space, error) { return tt.has, nil }
		err := r.left()
		if tt.want == "" {
			if err != nil {
				t.Errorf("%+v: %v, want room", tt.has, err)
			}
			continue
		}
		if !errors.Is(err, store.ErrFull) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "/data") {
			t.Errorf("%+v: %v, want %q", tt.has, err, tt.want)
		}
		if err := (spared{room: r}).Take(t.Context(), message.Batch{}); !errors.Is(err, store.ErrFull) {
			t.Errorf("%+v: mail is taken: %v", tt.has, err)
		}
	}
	t.Attr("tries", "8")
}

// TestM73_OneSentenceForEveryWrite says the same of a full disk whichever write
// met it, and leaves other faults alone.
func TestM73_OneSentenceForEveryWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		has := space{free: 0, total: 1 << 30}
		r := newRoom("/data")
		r.stat = func(string) (space, error) { return has, nil }
		said := map[string]bool{}
		for _, err := range []error{syscall.ENOSPC, fmt.Errorf("spool: %w", syscall.EDQUOT), fmt.Errorf("commit: %w", store.ErrFull), syscall.EFBIG} {
			said[r.explain(err).Error()] = true
		}
		if len(said) != 1 {
			t.Errorf("said %v, want one sentence", said)
		}
		other := errors.New("another fault")
		if got := r.explain(other); got != other {
			t.Errorf("explain = %v, want it untouched", got)
		}
		time.Sleep(2 * roomFresh)
		has.free = 1 << 29
		if got := r.explain(syscall.EDQUOT); !strings.Contains(got.Error(), "quota") || !store.Full(got) {
			t.Errorf("with room on the disk explain = %v, want a hint at a quota", got)
		}
		t.Attr("tries", "6")
	})
}
