package mailsync

import (
	"strings"
	"testing"
	"time"
)

// TestOverlappingCommandsAreCountedApart answers one command after the other
// with less than one may, always with the next one under way, as a first sync
// of a large folder does; and one without end.
func TestOverlappingCommandsAreCountedApart(t *testing.T) {
	t.Parallel()
	w := newWire(&memConn{strings.NewReader("")}, nil)
	begin := func() func() { return w.begin(time.Minute, time.Hour) }
	end := begin()
	for n := range 40 {
		next := begin()
		if err := w.count(maxText / 4); err != nil {
			t.Fatalf("command %d: %v", n, err)
		}
		end()
		end = next
	}
	var err error
	for range 8 {
		if err = w.count(maxText / 4); err != nil {
			break
		}
	}
	if kindOf(err) != Hostile {
		t.Errorf("an answer without end: %v", err)
	}
}
