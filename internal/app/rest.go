package app

import (
	"context"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"slices"
	"time"

	"rapport/records/message"
)

// How a daemon at rest gives memory back. The runtime does so by itself, but
// only down to what it may soon need again, which after a first pass over a
// thousand mailboxes is several times what they need while they wait.
const (
	restLook  = 30 * time.Second
	restSpare = 16 << 20 // bytes not worth the trouble
)

// giveBack returns what is free to the system whenever no mailbox works, until
// ctx ends.
func (d *daemonRun) giveBack(ctx context.Context) {
	tick := time.NewTicker(restLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		d.fleet.giveBack()
	}
}

func (f *fleet) giveBack() {
	if f.rests() && spareMemory() > restSpare {
		debug.FreeOSMemory()
	}
}

// rests reports whether no mailbox is at work.
func (f *fleet) rests() bool {
	boxes, err := f.all()
	return err == nil && !slices.ContainsFunc(boxes, func(b *box) bool {
		s := b.engine.Status().State
		return s == message.StateSyncing || s == message.StateStarting
	})
}

// spareMemory is what the heap holds of the system's memory beyond what was
// alive at the last collection.
func spareMemory() int64 {
	samples := []runtimemetrics.Sample{
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/gc/heap/live:bytes"},
	}
	runtimemetrics.Read(samples)
	var n [3]int64
	for i, s := range samples {
		if s.Value.Kind() == runtimemetrics.KindUint64 {
			n[i] = int64(s.Value.Uint64())
		}
	}
	return n[0] + n[1] - n[2]
}
