package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rapport/records/message"
	"rapport/store"
)

// merge is one thread becoming part of another. Where it has more messages
// than one transaction moves, a job goes on with it. The other thread is known
// by a Message-ID of it: it may become part of a third in between.
type merge struct {
	From message.ThreadID `json:"from"`
	Via  string           `json:"via"`
}

// merges are the merges under way: from which thread, by which Message-ID.
func (t *taking) merges() (map[message.ThreadID]string, error) {
	if t.merging != nil {
		return t.merging, nil
	}
	js, err := jobs(t.tx)
	if err != nil {
		return nil, err
	}
	t.merging = map[message.ThreadID]string{}
	for _, j := range js {
		if j.Merge != nil {
			t.merging[j.Merge.From] = j.Merge.Via
		}
	}
	return t.merging, nil
}

// withTargets adds to some threads those they are becoming part of: whoever
// joins the one joins the other.
func (t *taking) withTargets(threads []message.ThreadID) ([]message.ThreadID, error) {
	merging, err := t.merges()
	if err != nil {
		return nil, err
	}
	for n := 0; n < len(threads); n++ { // a target may itself be on its way
		via, ok := merging[threads[n]]
		if !ok {
			continue
		}
		to, err := t.mergeTarget(merge{From: threads[n], Via: via})
		if err != nil {
			return nil, err
		}
		if to != "" && !slices.Contains(threads, to) {
			threads = append(threads, to)
		}
	}
	return threads, nil
}

// unfinished are the threads of which a part is in another one still.
func (t *taking) unfinished() (map[message.ThreadID]bool, error) {
	merging, err := t.merges()
	if err != nil {
		return nil, err
	}
	half := map[message.ThreadID]bool{}
	for from, via := range merging {
		to, err := t.mergeTarget(merge{From: from, Via: via})
		if err != nil {
			return nil, err
		}
		half[from], half[to] = true, true
	}
	return half, nil
}

// mergeInto makes one thread part of another, or begins to.
func (t *taking) mergeInto(keep, from message.ThreadID, via string) error {
	t.again[keep], t.widen[keep] = true, true
	more, err := t.moveThread(from, keep)
	if err != nil || !more {
		return err
	}
	merging, err := t.merges()
	if err != nil {
		return err
	}
	if _, known := merging[from]; known {
		return nil
	}
	merging[from], t.queued = via, true
	return t.i.queue(t.tx, job{Merge: &merge{From: from, Via: via}})
}

// moveThread moves the messages of one thread to another, as many as this
// transaction may still move; more says that some are left.
func (t *taking) moveThread(from, to message.ThreadID) (more bool, err error) {
	for _, th := range []message.ThreadID{from, to} {
		delete(t.read, th)
	}
	for {
		page, err := t.tx.Messages().Thread(from, store.Slice{Limit: 200})
		if err != nil {
			return false, fmt.Errorf("list thread: %w", err)
		}
		if len(page.Items) == 0 {
			delete(t.again, from)
			delete(t.widen, from)
			return false, nil
		}
		for _, id := range page.Items {
			if t.moves == 0 {
				return true, nil
			}
			t.moves--
			m, err := t.tx.Messages().Get(id)
			if err != nil {
				return false, fmt.Errorf("read message %s: %w", id, err)
			}
			if err := t.move(m, to); err != nil {
				return false, err
			}
		}
	}
}

// finishMerge moves what is left of a thread, and files the whole again.
func (i *Intake) finishMerge(ctx context.Context, m merge, total *changes) error {
	for more := true; more; {
		err := i.filing(ctx, total, func(t *taking) (ch changes, err error) {
			more = false
			to, err := t.mergeTarget(m)
			if err != nil || to == "" {
				return ch, err
			}
			if more, err = t.moveThread(m.From, to); err != nil || more {
				return ch, err
			}
			if _, err := t.merges(); err != nil {
				return ch, err
			}
			delete(t.merging, m.From) // this one has come to its end
			t.again[to], t.widen[to] = true, true
			return ch, t.followThreads()
		})
		if err != nil {
			return fmt.Errorf("merge thread %s: %w", m.From, err)
		}
	}
	return nil
}

// mergeTarget finds the thread that another is becoming part of: by the id that
// joined them, or where that has gone from the store meanwhile, by what the
// messages left have in common with those moved. It is "" where nothing is left
// to be merged.
func (t *taking) mergeTarget(m merge) (message.ThreadID, error) {
	to, err := t.tx.Messages().ThreadOf(m.Via)
	if err == nil && to != m.From {
		return to, nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", fmt.Errorf("find thread: %w", err)
	}
	for at := store.Cursor(""); ; {
		msgs, next, err := threadPage(t.tx, m.From, at)
		if err != nil {
			return "", err
		}
		for _, left := range msgs {
			threads, err := t.threads(left.Head)
			if err != nil {
				return "", err
			}
			for _, th := range threads {
				if th != m.From {
					return th, nil
				}
			}
		}
		if at = next; at == "" {
			return "", nil
		}
	}
}
