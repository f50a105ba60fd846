package veil

import (
	"fmt"
	"time"

	"rapport/store"
)

// noAnswers has none, and takes none.
type noAnswers struct{}

func (noAnswers) Get(key string) (store.Answer, error) {
	return store.Answer{}, fmt.Errorf("answer %q: %w", key, store.ErrNotFound)
}
func (noAnswers) Put(store.Answer) error        { return store.ErrReadOnly }
func (noAnswers) Delete(string) error           { return store.ErrReadOnly }
func (noAnswers) Expire(time.Time) (int, error) { return 0, store.ErrReadOnly }
