package mailsync

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/message"
)

// taking runs do with a taker over a sink in a bubble, and finishes it.
func taking(t *testing.T, sink *memSink, do func(*taker)) error {
	t.Helper()
	y := newTaker(t.Context(), sink, message.Folder{Mailbox: "m", Name: "INBOX", UIDValidity: 1}, func(int) {})
	do(y)
	return y.finish()
}

func bodiless(uid int) message.Item {
	return message.Item{
		Copy: message.Copy{UID: uint32(uid), Header: 500},
		Wish: message.Wish{UID: uint32(uid), Decision: message.Decision{Action: message.Skip, Reason: message.NoMatch}},
	}
}

func bodily(uid, bytes int) message.Item {
	return message.Item{
		Copy: message.Copy{UID: uint32(uid)}, Body: message.Bytes(strings.Repeat("x", bytes)),
		Wish: message.Wish{UID: uint32(uid), Decision: message.Decision{Action: message.Log}},
	}
}

// TestCopiesWithoutBodiesWaitForEachOther: they come to the sink together, when
// there are many, when a second has passed, and at the end.
func TestCopiesWithoutBodiesWaitForEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sink := newSink()
		size := func() (n []int) {
			synctest.Wait()
			sink.mu.Lock()
			defer sink.mu.Unlock()
			return append(n, sink.batches...)
		}
		err := taking(t, sink, func(y *taker) {
			for uid := range lightItems - 1 {
				y.put(bodiless(uid + 1))
			}
			if got := size(); len(got) != 0 {
				t.Errorf("batches %v before there were many", got)
			}
			y.put(bodiless(lightItems))
			y.put(bodiless(lightItems + 1))
			time.Sleep(lightFor)
			if got := size(); len(got) != 1 || got[0] != lightItems {
				t.Errorf("batches %v, want all of the first %d in one", got, lightItems)
			}
			y.put(bodiless(lightItems + 2))
			if got := size(); len(got) != 2 || got[1] != 2 {
				t.Errorf("batches %v, want the two that waited long enough", got)
			}
			y.put(bodiless(lightItems + 3))
		})
		if got := size(); err != nil || len(got) != 3 || got[2] != 1 {
			t.Errorf("finish returned %v, batches %v; want the last one taken", err, got)
		}
	})
}

// TestTwoBatchesAtOnce: one batch is read while another is written.
func TestTwoBatchesAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sink := newSink()
		var both sync.WaitGroup
		both.Add(2)
		var first [2]sync.Once
		calls := make(chan int, 1000)
		for n := range 1000 {
			calls <- n
		}
		met := make(chan struct{})
		go func() { both.Wait(); close(met) }()
		sink.slow = func() {
			if n := <-calls; n < 2 {
				first[n].Do(both.Done)
				select {
				case <-met:
				case <-time.After(time.Hour):
					t.Error("the sink is given one batch at a time")
				}
			}
		}
		err := taking(t, sink, func(y *taker) {
			for uid := range 20 {
				y.put(bodily(uid+1, 1<<20))
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := sink.state(t, "INBOX").Stored.Len(); n != 20 {
			t.Errorf("%d taken, want 20", n)
		}
	})
}

// TestTakerHoldsItsBudget: bodies larger than all that may be under way, alone
// and behind others, still come through.
func TestTakerHoldsItsBudget(t *testing.T) {
	t.Parallel()
	sink := newSink()
	err := taking(t, sink, func(y *taker) {
		for n, bytes := range []int{10, batchBytes, flightBytes + 1, 10, 3 * flightBytes, batchBytes - 1, flightBytes} {
			if err := y.put(bodily(n+1, bytes)); err != nil {
				t.Error(err)
			}
			y.put(bodiless(100 + n))
		}
	})
	if p := sink.state(t, "INBOX"); err != nil || p.Stored.Len() != 7 || p.Skipped[message.NoMatch].Len() != 7 {
		t.Errorf("finish returned %v with %d stored and %d skipped, want 7 and 7", err, p.Stored.Len(), p.Skipped[message.NoMatch].Len())
	}
}

// TestTakerEndsAtAFault: the first fault comes back from put and finish, for
// items with and without bodies, and nobody waits for ever.
func TestTakerEndsAtAFault(t *testing.T) {
	t.Parallel()
	broken := errors.New("no room")
	for name, item := range map[string]func(int) message.Item{
		"bodies": func(uid int) message.Item { return bodily(uid, 1<<20) }, "without": bodiless,
	} {
		sink := newSink()
		sink.takeErr = broken
		var put error
		err := taking(t, sink, func(y *taker) {
			for uid := 1; uid < 10*lightItems && put == nil; uid++ {
				put = y.put(item(uid))
			}
		})
		if !errors.Is(err, broken) || !errors.Is(put, broken) {
			t.Errorf("%s: put returned %v, finish %v; want the sink's fault", name, put, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	y := newTaker(ctx, newSink(), message.Folder{}, func(int) {})
	y.put(bodiless(1))
	cancel()
	if err := y.finish(); err == nil {
		t.Error("what was held back when the context ended is said to be taken")
	}
}

// TestRequestsFlyAhead: before the first answer is complete the next request
// is on its way, for headers and for bodies, so that a long line is filled.
func TestRequestsFlyAhead(t *testing.T) {
	t.Parallel()
	faulty(t, 1200, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		sent := make(chan string, 1000)
		said := o.Transcript
		o.Transcript = func(line string) {
			said(line)
			if strings.Contains(line, " UID FETCH ") {
				sent <- line
			}
		}
		ahead := map[bool]int{}
		asked := map[string]bool{}
		s.Fetch = func(c *mailtest.ScriptConn, _ *mailtest.ScriptFolder, m mailtest.ScriptMessage, items, usual string) string {
			if asked[c.Tag] { // once a command
				return usual
			}
			asked[c.Tag] = true
			synctest.Wait() // all that will be sent before this answer has been
			if len(sent) > len(asked) {
				ahead[strings.Contains(items, "HEADER")]++
			}
			return usual
		}
		if err := syncer(t, o).Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		oracle(t, sink, f)
		if ahead[true] < 3 || ahead[false] < 5 {
			t.Errorf("%d answers with headers and %d with bodies found a further request sent; want 3 and 5 of 5 and 12", ahead[true], ahead[false])
		}
	})
}
