package boltstore

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// endsAt is a context that ends when it has been asked so often.
type endsAt struct {
	context.Context
	left, after atomic.Int64 // after: how often it was asked since
}

func (c *endsAt) Err() error {
	if c.left.Add(-1) >= 0 {
		return nil
	}
	c.after.Add(1)
	return context.Canceled
}

// TestCheckStopsAnywhere ends a check at every look it takes at its context: it
// must return soon after, also from among the pages of the file, of which it
// may see no more than a few hundred between two looks.
func TestCheckStopsAnywhere(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true, NoMerge: true})
	everyKind(t, s)
	must(t, s.update(t.Context(), func(tx *Tx) (err error) {
		for n := range 3000 { // two to a page
			err = errors.Join(err, tx.State().Put("page"+strconv.Itoa(n), noise(1500, uint64(n))))
		}
		return err
	}))
	whole := &endsAt{Context: t.Context()}
	whole.left.Store(1 << 40)
	if faults, err := s.Check(whole); err != nil || len(faults) > 0 {
		t.Fatalf("Check: %v, %v", faults, err)
	}
	looks := 1<<40 - whole.left.Load()
	for n := int64(0); n < looks; n += 1 + looks/40 {
		ctx := &endsAt{Context: t.Context()}
		ctx.left.Store(n)
		if _, err := s.Check(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("ended at look %d of %d: %v", n, looks, err)
		}
		if more := ctx.after.Load(); more > 12 {
			t.Fatalf("ended at look %d of %d, it went on to look %d times", n, looks, more)
		}
	}
	var pages uint64
	must(t, s.view(t.Context(), func(tx *Tx) error {
		pages = uint64(tx.bolt.Size()) / uint64(os.Getpagesize())
		ctx := &endsAt{Context: t.Context()}
		ctx.left.Store(1 << 40)
		err := s.walk(ctx, tx.bolt)
		if seen := uint64(1<<40 - ctx.left.Load()); seen < pages/1024 {
			t.Errorf("the walk of %d pages looked at its context %d times", pages, seen)
		}
		return err
	}))
	if pages < 1500 {
		t.Errorf("the file has %d pages: too few to tell", pages)
	}
}

// TestCheckNamesALostPage shortens the list of free pages by one: nothing is
// damaged, but the page would never be used again.
func TestCheckNamesALostPage(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s, err := Open(dir, Options{NoMerge: true})
	must(t, err)
	stuff(t, s, 50, noise(30<<10, 1))
	for n := range uint32(10) {
		must(t, s.writeNumbered(t.Context(), n+1))
	}
	must(t, s.Close())
	f, err := os.OpenFile(filepath.Join(dir, fileDB), os.O_RDWR, 0)
	must(t, err)
	info, err := f.Stat()
	must(t, err)
	meta, err := metaOf(f, info.Size())
	must(t, err)
	head := make([]byte, pageHeader)
	_, err = f.ReadAt(head, int64(meta.freelist*meta.pageSize))
	must(t, err)
	count := binary.NativeEndian.Uint16(head[10:])
	if count < 2 {
		t.Fatalf("%d free pages", count)
	}
	binary.NativeEndian.PutUint16(head[10:], count-1)
	_, err = f.WriteAt(head, int64(meta.freelist*meta.pageSize))
	must(t, errors.Join(err, f.Close()))
	s = reopen(t, dir)
	defer s.Close()
	faults, err := s.Check(t.Context())
	if err != nil || len(faults) != 1 || !strings.Contains(faults[0], "neither used nor free") {
		t.Fatalf("Check: %q, %v", faults, err)
	}
}
