package mailsync

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"rapport/internal/rescue"
	"rapport/records/message"
)

// Bounds on a batch and on what waits to become one. What may wait is more
// than a batch holds, so that filling a batch never waits for itself.
const (
	batchItems  = 250
	batchBytes  = 4 << 20
	flightBytes = 11 << 20
	itemCost    = 2 << 10 // of a copy without its body

	// Copies without a body are cheap to judge and to lose: they wait for each
	// other, so that the sink writes what many of them share once.
	lightItems = 3072
	lightBytes = 8 << 20
	lightFor   = time.Second
)

// bodyTakers is how many batches with bodies the sink has at once: one is
// written while the other is parsed.
const bodyTakers = 2

// taker gathers items into batches and gives them to the sink while the next
// are being fetched. Items with bodies it hands on whenever nothing more is at
// hand, so that none waits for another; those without wait for [lightFor] or
// until there are many. One goroutine puts and finishes.
type taker struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	sink   Sink
	folder message.Folder
	room   *semaphore.Weighted
	items  chan *costed // pointers: the channel is made for a whole batch
	light  chan []message.Item
	took   func(n int)

	held     []message.Item // without bodies, not yet handed over
	heldCost int64
	since    time.Time // when the first of held came

	running sync.WaitGroup
	mu      sync.Mutex // guards err
	err     error      // the first fault
}

type costed struct {
	message.Item
	cost int64
}

func newTaker(ctx context.Context, sink Sink, f message.Folder, took func(int)) *taker {
	t := &taker{
		sink: sink, folder: f, room: semaphore.NewWeighted(flightBytes), took: took,
		items: make(chan *costed, batchItems), light: make(chan []message.Item),
	}
	t.ctx, t.cancel = context.WithCancelCause(ctx)
	for range bodyTakers {
		t.running.Go(t.takeBodies)
	}
	t.running.Go(t.takeLight)
	return t
}

// put hands over an item; it waits while too much is under way.
func (t *taker) put(item message.Item) error {
	if item.Body == nil {
		return t.hold(item)
	}
	cost := int64(itemCost)
	if b, ok := item.Body.(message.Bytes); ok {
		cost += int64(len(b))
	}
	cost = min(cost, flightBytes)
	if err := t.room.Acquire(t.ctx, cost); err != nil {
		drop(item)
		return context.Cause(t.ctx)
	}
	t.items <- &costed{item, cost} // takeBodies reads until the channel is closed
	return nil
}

// hold keeps an item without a body back for a while.
func (t *taker) hold(item message.Item) error {
	if len(t.held) == 0 {
		t.since = time.Now()
	}
	t.held = append(t.held, item)
	t.heldCost += itemCost + item.Header
	if len(t.held) < lightItems && t.heldCost < lightBytes && time.Since(t.since) < lightFor {
		return nil
	}
	return t.release()
}

// release hands over what was held back.
func (t *taker) release() error {
	if len(t.held) == 0 {
		return nil
	}
	batch := t.held
	t.held, t.heldCost = nil, 0
	if err := context.Cause(t.ctx); err != nil { // select would take either
		return err
	}
	select {
	case t.light <- batch:
		return nil
	case <-t.ctx.Done():
		return context.Cause(t.ctx)
	}
}

// finish waits until all is taken and returns the first fault.
func (t *taker) finish() error {
	if err := t.release(); err != nil {
		t.fail(err)
	}
	close(t.items)
	close(t.light)
	t.running.Wait()
	t.cancel(nil)
	return t.fault()
}

func (t *taker) fault() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// fail keeps the first fault and ends what is under way.
func (t *taker) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
		t.cancel(err)
	}
}

// takeBodies runs until the channel is closed; whoever puts never waits in vain.
func (t *taker) takeBodies() {
	for item := range t.items {
		t.guard(func() {
			batch, cost := t.gather(item)
			defer t.room.Release(cost)
			for _, it := range batch {
				defer drop(it)
			}
			t.take(batch)
		})
	}
}

// guard keeps a panic from ending the process: it is the taker's fault then.
func (t *taker) guard(work func()) {
	if err := rescue.Do(func() error { work(); return nil }); err != nil {
		t.fail(err)
	}
}

func (t *taker) takeLight() {
	for batch := range t.light {
		t.guard(func() { t.take(batch) })
	}
}

// take gives a batch to the sink, unless something went wrong before.
func (t *taker) take(batch []message.Item) {
	if t.fault() != nil {
		return
	}
	err := rescue.Do(func() error {
		return t.sink.Take(t.ctx, message.Batch{Folder: t.folder, Items: batch})
	})
	if err != nil {
		t.fail(&sinkError{fmt.Errorf("take %d messages of %s: %w", len(batch), t.folder.Name, err)})
		return
	}
	t.took(len(batch))
}

// gather fills a batch with what is at hand already.
func (t *taker) gather(first *costed) (batch []message.Item, cost int64) {
	batch, cost = append(batch, first.Item), first.cost
	for len(batch) < batchItems && cost < batchBytes {
		select {
		case next, open := <-t.items:
			if !open {
				return batch, cost
			}
			batch, cost = append(batch, next.Item), cost+next.cost
		default: // nothing at hand: take what there is
			return batch, cost
		}
	}
	return batch, cost
}

// drop removes the file of an item that has one.
func drop(item message.Item) {
	if f, ok := item.Body.(spooled); ok {
		os.Remove(f.path)
	}
}

// spooled is a body in a file, which is removed after the batch is taken.
type spooled struct {
	path string
	size int64
}

// Open opens the file.
func (s spooled) Open() (io.ReadCloser, error) { return os.Open(s.path) }

// Size returns the number of bytes.
func (s spooled) Size() int64 { return s.size }
