// Package storetest is the suite every implementation of the store passes, and
// the wrappers tests put around a store: [Twice], [Failing] and [Dump].
package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"rapport/records/message"
	"rapport/store"
)

var errPractice = errors.New("rolled back for practice")

// Twice wraps a store so that every Update runs once for practice, in a
// transaction that is rolled back, and once for real. Whoever appends to
// something outside fn, or relies on running once, is found out.
func Twice(s store.Store) store.Store { return twice{s} }

type twice struct{ store.Store }

func (t twice) Update(ctx context.Context, fn func(store.Tx) error) error {
	err := t.Store.Update(ctx, func(tx store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return errPractice
	})
	if !errors.Is(err, errPractice) {
		return err
	}
	return t.Store.Update(ctx, fn)
}

// ErrInjected is what a [Faulty] store fails with.
var ErrInjected = errors.New("injected failure")

// Failing wraps a store of which the n-th call (from 1) of View, Update or
// Pack fails with [ErrInjected]: a View or Pack without being tried, an Update
// after its fn has run, as a commit does that fails. With n = 0 no call fails,
// and Calls tells how many there are to fail.
func Failing(s store.Store, n int) *Faulty { return &Faulty{Store: s, at: n} }

// Faulty is a store that fails once; see [Failing].
type Faulty struct {
	store.Store
	mu    sync.Mutex
	at    int
	calls int
}

// Calls returns how many calls were made so far.
func (f *Faulty) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// Failed reports whether the failure was injected.
func (f *Faulty) Failed() bool { return f.at > 0 && f.Calls() >= f.at }

func (f *Faulty) next(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls++; f.calls == f.at {
		return fmt.Errorf("%s, call %d: %w", what, f.calls, ErrInjected)
	}
	return nil
}

// View implements [store.Store].
func (f *Faulty) View(ctx context.Context, fn func(store.Tx) error) error {
	if err := f.next("view"); err != nil {
		return err
	}
	return f.Store.View(ctx, fn)
}

// Update implements [store.Store].
func (f *Faulty) Update(ctx context.Context, fn func(store.Tx) error) error {
	fault := f.next("update")
	return f.Store.Update(ctx, func(tx store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return fault
	})
}

// Pack implements [store.Store].
func (f *Faulty) Pack(ctx context.Context, src message.Source) (store.Blob, error) {
	if err := f.next("pack"); err != nil {
		return store.Blob{}, err
	}
	return f.Store.Pack(ctx, src)
}
