package store

import (
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

var ids = struct {
	sync.Mutex
	entropy *ulid.MonotonicEntropy
}{entropy: ulid.Monotonic(rand.Reader, 0)}

// NewID returns a new id: 26 characters, sortable by t, never reused. It may
// be called concurrently, inside and outside transactions. A time before 1970
// counts as 1970.
func NewID(t time.Time) string {
	ids.Lock()
	defer ids.Unlock()
	ms := uint64(min(max(t.UnixMilli(), 0), int64(ulid.MaxTime())))
	id, err := ulid.New(ms, ids.entropy)
	if err != nil { // 2^80 ids in one millisecond: start the entropy anew
		id = ulid.MustNew(ms, rand.Reader)
	}
	return id.String()
}

// MadeAt returns the time an id was made for, in milliseconds.
func MadeAt(id string) (time.Time, error) {
	u, err := ulid.ParseStrict(id)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the time of id %q: %w", id, err)
	}
	return ulid.Time(u.Time()), nil
}
