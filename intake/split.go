package intake

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"rapport/records/message"
	"rapport/store"
)

// split takes a thread apart that messages have gone from. Who was joined by
// them alone is so no longer, and what they alone named is in no thread, as if
// they had never been there. was is the thread before. It returns the threads
// there are now.
func (t *taking) split(id message.ThreadID, was []message.Message) ([]message.ThreadID, error) {
	var left []message.Message
	for _, m := range was {
		m, err := t.tx.Messages().Get(m.ID)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read thread: %w", err)
		}
		left = append(left, m)
	}
	parts := apart(left)
	for _, m := range was {
		for _, mid := range m.Head.ThreadIDs() {
			if _, named := parts[mid]; !named {
				if err := t.tx.Messages().SetThread(mid, ""); err != nil {
					return nil, fmt.Errorf("leave thread: %w", err)
				}
			}
		}
	}
	threads := map[int]message.ThreadID{}
	for _, m := range left {
		ids := m.Head.ThreadIDs()
		if len(ids) == 0 {
			continue // it is alone in its thread
		}
		part := parts[ids[0]]
		if _, ok := threads[part]; !ok {
			threads[part] = id
			if len(threads) > 1 {
				threads[part] = message.ThreadID(store.NewID(t.i.now()))
			}
		}
		if to := threads[part]; to != m.Thread {
			if err := t.move(m, to); err != nil {
				return nil, err
			}
		}
	}
	return slices.Collect(maps.Values(threads)), nil
}

// apart numbers the parts that messages fall into: two are in one part where
// they name an id in common, by however many others. It returns the part of
// every id they name.
func apart(msgs []message.Message) map[string]int {
	parts := map[string]int{}
	var same []int // the part that a part became
	root := func(n int) int {
		for same[n] != n {
			same[n] = same[same[n]]
			n = same[n]
		}
		return n
	}
	for _, m := range msgs {
		n := len(same)
		same = append(same, n)
		for _, id := range m.Head.ThreadIDs() {
			if other, ok := parts[id]; ok {
				same[root(other)] = root(n)
			}
			parts[id] = n
		}
	}
	for id, n := range parts {
		parts[id] = root(n)
	}
	return parts
}

// move puts a message, and whatever it names, into a thread.
func (t *taking) move(m message.Message, to message.ThreadID) error {
	m.Thread = to
	if err := t.tx.Messages().Put(m, nil); err != nil {
		return fmt.Errorf("move message %s to its thread: %w", m.ID, err)
	}
	for _, id := range m.Head.ThreadIDs() {
		if err := t.tx.Messages().SetThread(id, to); err != nil {
			return fmt.Errorf("join thread: %w", err)
		}
	}
	return t.show(m, nil)
}
