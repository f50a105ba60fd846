package mailsync

import (
	"context"
	"fmt"
	"io"
	"os"

	"golang.org/x/sync/semaphore"

	"rapport/internal/rescue"
	"rapport/records/message"
)

// Bounds on a batch and on what waits to become one. What may wait is more
// than a batch holds, so that filling a batch never waits for itself.
const (
	batchItems  = 250
	batchBytes  = 4 << 20
	flightBytes = 16 << 20
	itemCost    = 2 << 10 // of a copy without its body
)

// taker gathers items into batches and gives them to the sink while the next
// are being fetched. It flushes whenever nothing more is at hand, so no item
// ever waits for another.
type taker struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	sink   Sink
	folder message.Folder
	room   *semaphore.Weighted
	items  chan costed
	done   chan struct{}
	err    error // read after done
	took   func(n int)
}

type costed struct {
	message.Item
	cost int64
}

func newTaker(ctx context.Context, sink Sink, f message.Folder, took func(int)) *taker {
	t := &taker{sink: sink, folder: f, room: semaphore.NewWeighted(flightBytes), items: make(chan costed, batchItems), done: make(chan struct{}), took: took}
	t.ctx, t.cancel = context.WithCancelCause(ctx)
	go t.work()
	return t
}

// put hands over an item; it waits while too much is under way.
func (t *taker) put(item message.Item) error {
	cost := int64(itemCost)
	if b, ok := item.Body.(message.Bytes); ok {
		cost += int64(len(b))
	}
	cost = min(cost, flightBytes)
	if err := t.room.Acquire(t.ctx, cost); err != nil {
		drop(item)
		return context.Cause(t.ctx)
	}
	t.items <- costed{item, cost} // run reads until the channel is closed
	return nil
}

// finish waits until all is taken and returns the first fault.
func (t *taker) finish() error {
	close(t.items)
	<-t.done
	t.cancel(nil)
	return t.err
}

// work runs until the channel is closed; whoever puts never waits in vain.
func (t *taker) work() {
	defer close(t.done)
	if err := rescue.Do(t.run); err != nil {
		t.err = err
		t.cancel(err)
		for item := range t.items {
			drop(item.Item)
		}
	}
}

func (t *taker) run() error {
	for item := range t.items {
		batch, cost := t.gather(item)
		if t.err == nil {
			if err := t.sink.Take(t.ctx, message.Batch{Folder: t.folder, Items: batch}); err != nil {
				t.err = &sinkError{fmt.Errorf("take %d messages of %s: %w", len(batch), t.folder.Name, err)}
				t.cancel(t.err)
			} else {
				t.took(len(batch))
			}
		}
		for _, it := range batch {
			drop(it)
		}
		t.room.Release(cost)
	}
	return nil
}

// gather fills a batch with what is at hand already.
func (t *taker) gather(first costed) (batch []message.Item, cost int64) {
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
