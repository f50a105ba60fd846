package mailsync

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"rapport/internal/mailtest"
	"rapport/records/message"
)

// TestM38_LimitIdleMailboxes lets mailboxes fetch all they have and then wait:
// none keeps what it fetched, or the room for it.
func TestM38_LimitIdleMailboxes(t *testing.T) {
	const heapEach, goroutinesEach = 140 << 10, 14 // the server's included
	flow := mailtest.NewFlow(1, idleMailboxes, 120*idleMailboxes, 50)
	server, err := mailtest.ServeFlow(flow, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	before, routines := heap(), runtime.NumGoroutine()

	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var all []*Syncer
	for i := range flow.Mailboxes {
		u, sink := flow.Account(i), &lightSink{memSink: newSink()}
		s, err := New(Options{Sink: sink, SpoolDir: t.TempDir(), Mailbox: Mailbox{
			Name: fmt.Sprintf("m%d", i), Host: server.Addr, TLS: TLSNone, User: u.Name, Password: password(u.Password),
		}})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
		wg.Go(func() { _ = s.Run(ctx) }) // it ends with its context
	}
	defer wg.Wait()
	defer cancel()
	for _, s := range all {
		if err := s.Sync(ctx); err != nil {
			t.Fatal(err)
		}
	}
	grown := float64(int64(heap())-int64(before)) / float64(len(all))
	started := float64(runtime.NumGoroutine()-routines) / float64(len(all))
	t.Logf("%d mailboxes, %d connections: %.0f KB and %.1f goroutines each", len(all), server.Connections(), grown/1024, started)
	if !raced && grown > heapEach {
		t.Errorf("an idle mailbox holds %.0f KB, want at most %d", grown/1024, heapEach>>10)
	}
	if started > goroutinesEach {
		t.Errorf("an idle mailbox has %.1f goroutines, want at most %d", started, goroutinesEach)
	}
	runtime.KeepAlive(all)
	t.Attr("tries", strconv.Itoa(len(all)))
}

func heap() uint64 {
	var m runtime.MemStats
	for range 2 { // what a pool holds goes with the second
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// lightSink settles what it is given and keeps nothing else of it.
type lightSink struct{ *memSink }

func (s *lightSink) Take(ctx context.Context, b message.Batch) error {
	err := s.memSink.Take(ctx, b)
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range s.bodies {
		clear(s.bodies[k])
		clear(s.texts[k])
		clear(s.copies[k])
	}
	s.reports, s.batches = nil, nil
	return err
}

func (s *lightSink) Wanted(ctx context.Context, f message.Folder, heads []message.Copy) ([]message.Wish, error) {
	out, err := s.memSink.Wanted(ctx, f, heads)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.copies {
		clear(c)
	}
	return out, err
}
