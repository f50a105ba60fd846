package app

import (
	"runtime"
	"strconv"
	"testing"

	"rapport/records/message"
)

// statedEngine is an engine in some state.
type statedEngine struct {
	engine
	state message.State
}

func (e *statedEngine) Status() message.MailboxStatus {
	return message.MailboxStatus{State: e.state}
}

// TestM38_RestGivesMemoryBack lets a fleet leave 64 MB of rubbish behind: it
// goes back to the system once no mailbox works, and not before.
func TestM38_RestGivesMemoryBack(t *testing.T) { // alone: it measures the process
	e := &statedEngine{}
	f := &fleet{boxes: []*box{{engine: e}}}
	tries := 0
	for _, state := range []message.State{message.StateSyncing, message.StateStarting, message.StateWatching, message.StateWaiting} {
		e.state = state
		rubbish := make([][]byte, 64)
		for i := range rubbish {
			rubbish[i] = make([]byte, 1<<20)
		}
		runtime.KeepAlive(rubbish)
		rubbish = nil
		runtime.GC() // what is alive is known, and the rest is free
		before := spareMemory()
		f.giveBack()
		after, rests := spareMemory(), state != message.StateSyncing && state != message.StateStarting
		if rests && after > before/2 {
			t.Errorf("%s: %d MB were to spare and %d MB still are", state, before>>20, after>>20)
		}
		if !rests && after < before/2 {
			t.Errorf("%s: %d MB were to spare and only %d MB still are, while it works", state, before>>20, after>>20)
		}
		tries++
	}
	t.Attr("tries", strconv.Itoa(tries))
}
