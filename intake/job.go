package intake

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
)

// job names stored mail that has to be filed again because whom we know has
// changed. It is written in the transaction of the change and goes when it is
// done, so that a crash in between loses nothing; doing it twice is harmless.
type job struct {
	ID        string             `json:"id"`
	Addresses []contact.Address  `json:"addresses,omitempty"`
	Domains   []string           `json:"domains,omitempty"`
	Subjects  []store.Subject    `json:"subjects,omitempty"`
	Threads   []message.ThreadID `json:"threads,omitempty"`
	All       bool               `json:"all,omitempty"`
	Merge     *merge             `json:"merge,omitempty"` // done before the rest
}

func jobs(tx store.Tx) ([]job, error) {
	b, err := tx.State().Get(stateRefile)
	if err != nil || len(b) == 0 {
		return nil, err
	}
	var js []job
	if err := json.Unmarshal(b, &js); err != nil {
		return nil, fmt.Errorf("read %s: %w", stateRefile, err)
	}
	return js, nil
}

func putJobs(tx store.Tx, js []job) error {
	b, err := json.Marshal(js)
	if err != nil {
		return err
	}
	return tx.State().Put(stateRefile, b)
}

// queue adds a job and counts the change of the directory.
func (i *Intake) queue(tx store.Tx, j job) error {
	js, err := jobs(tx)
	if err != nil {
		return err
	}
	j.ID = store.NewID(i.now())
	if err := putJobs(tx, append(js, j)); err != nil {
		return err
	}
	return bump(tx)
}

// settleJobs does what is queued and returns what it changed. Every change of
// records ends with it; a start begins with it. What fails of it stays queued,
// and Unfinished hears of it.
func (i *Intake) settleJobs(ctx context.Context, progress func(done, total int)) (changes, error) {
	ch, err := i.settle(ctx, progress)
	if err != nil && i.opts.Unfinished != nil {
		i.opts.Unfinished()
	}
	return ch, err
}

func (i *Intake) settle(ctx context.Context, progress func(done, total int)) (changes, error) {
	var total changes
	for {
		var next *job
		err := i.store.View(ctx, func(tx store.Tx) error {
			js, err := jobs(tx)
			next = nil
			if len(js) > 0 {
				next = &js[0]
			}
			return err
		})
		if err != nil {
			return total, err
		}
		if next == nil {
			return total, i.catchUp(ctx)
		}
		ch, err := i.do(ctx, *next, progress)
		total.add(ch)
		if err != nil {
			return total, fmt.Errorf("file mail again: %w", err)
		}
		err = i.store.Update(ctx, func(tx store.Tx) error {
			js, err := jobs(tx)
			if err != nil {
				return err
			}
			return putJobs(tx, slices.DeleteFunc(js, func(j job) bool { return j.ID == next.ID }))
		})
		if err != nil {
			return total, err
		}
	}
}

// threadsPerUpdate bounds a transaction that files again.
const threadsPerUpdate = 25

// do files the threads of a job again, some at a time.
func (i *Intake) do(ctx context.Context, j job, progress func(done, total int)) (changes, error) {
	var total changes
	if j.Merge != nil {
		if err := i.finishMerge(ctx, *j.Merge, &total); err != nil {
			return total, err
		}
	}
	threads, err := i.threadsOf(ctx, j)
	if err != nil {
		return total, err
	}
	for n := 0; n < len(threads); n += threadsPerUpdate {
		some := threads[n:min(n+threadsPerUpdate, len(threads))]
		rest := map[message.ThreadID]store.Cursor{}
		err := i.filing(ctx, &total, func(t *taking) (changes, error) {
			var ch changes
			clear(rest)
			for _, th := range some {
				c, next, err := t.refileBeginning(th)
				if err != nil {
					return ch, err
				}
				if next != "" {
					rest[th] = next
				}
				ch.add(c)
			}
			return ch, nil
		})
		if err != nil {
			return total, err
		}
		for th, at := range rest {
			for at != "" {
				next := at
				err := i.filing(ctx, &total, func(t *taking) (ch changes, err error) {
					ch, next, err = t.refileRest(th, at)
					return ch, err
				})
				if err != nil {
					return total, err
				}
				at = next
			}
		}
		if progress != nil {
			progress(n+len(some), len(threads))
		}
	}
	return total, nil
}

// filing files again in one transaction, and adds what that changed.
func (i *Intake) filing(ctx context.Context, total *changes, fn func(*taking) (changes, error)) error {
	var ch changes
	var woken []string
	err := i.store.Update(ctx, func(tx store.Tx) error {
		t, err := i.taking(tx, message.Folder{})
		if err != nil {
			return err
		}
		ch, err = fn(t)
		woken = t.woken
		return err
	})
	if err != nil {
		return err
	}
	total.add(ch)
	i.wake(woken...)
	return nil
}

// threadsOf lists the threads a job concerns, page by page.
func (i *Intake) threadsOf(ctx context.Context, j job) ([]message.ThreadID, error) {
	seen := map[message.ThreadID]bool{}
	for _, th := range j.Threads {
		seen[th] = true
	}
	add := func(tx store.Tx, ids []message.ID) error {
		for _, id := range ids {
			m, err := tx.Messages().Get(id)
			if err != nil {
				return fmt.Errorf("read message %s: %w", id, err)
			}
			seen[m.Thread] = true
		}
		return nil
	}
	lists := i.listings(j)
	for _, list := range lists {
		at := store.Cursor("")
		for {
			err := i.store.View(ctx, func(tx store.Tx) error {
				page, err := list(tx, store.Slice{Cursor: at, Limit: 500})
				if err != nil {
					return err
				}
				at = page.Next
				return add(tx, page.Items)
			})
			if err != nil {
				return nil, fmt.Errorf("list mail to file again: %w", err)
			}
			if at == "" {
				break
			}
		}
	}
	out := make([]message.ThreadID, 0, len(seen))
	for th := range seen {
		out = append(out, th)
	}
	slices.Sort(out)
	return out, nil
}

type listing func(store.Tx, store.Slice) (store.Page[message.ID], error)

// listings are the queries that together find a job's messages.
func (i *Intake) listings(j job) []listing {
	if j.All {
		return []listing{func(tx store.Tx, s store.Slice) (store.Page[message.ID], error) {
			return tx.Messages().List(s)
		}}
	}
	var out []listing
	for _, a := range j.Addresses {
		out = append(out, func(tx store.Tx, s store.Slice) (store.Page[message.ID], error) {
			return tx.Messages().OfAddress(a, s)
		})
	}
	for _, d := range j.Domains {
		out = append(out, func(tx store.Tx, s store.Slice) (store.Page[message.ID], error) {
			return tx.Messages().OfDomain(d, s)
		})
	}
	for _, who := range j.Subjects {
		out = append(out, func(tx store.Tx, s store.Slice) (store.Page[message.ID], error) {
			page, err := tx.Entries().Of(who, s)
			ids := store.Page[message.ID]{Next: page.Next}
			for _, e := range page.Items {
				if e.OfMail() {
					ids.Items = append(ids.Items, e.Message)
				}
			}
			return ids, err
		})
	}
	return out
}

// Recover finishes what a crash or an older configuration left undone. It is
// called once, before mail flows.
func (i *Intake) Recover(ctx context.Context) error {
	if err := i.adopt(ctx, i.opts.Rules); err != nil {
		return err
	}
	return i.Finish(ctx)
}

// Finish does what earlier changes left undone, as Unfinished said. Doing it
// where nothing is left costs a look.
func (i *Intake) Finish(ctx context.Context) error {
	_, err := i.settleJobs(ctx, nil)
	return err
}
