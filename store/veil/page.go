package veil

import (
	"errors"

	"rapport/store"
)

func noNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// The limits of a page, as the contract of the store has them.
const (
	usualLimit = 100
	mostItems  = 1000
	ahead      = 64 // items read at a time to learn whether another one is shown
)

func limitOf(s store.Slice) int {
	switch {
	case s.Limit <= 0:
		return usualLimit
	case s.Limit > mostItems:
		return mostItems
	}
	return s.Limit
}

// shown pages through a listing as if what is not shown were not in it: a page
// is full while there is more, and Next is empty where no more is shown,
// whatever else follows.
func shown[T any](s store.Slice, list func(store.Slice) (store.Page[T], error), show func(T) (T, bool, error)) (store.Page[T], error) {
	var out store.Page[T]
	n := limitOf(s)
	var last store.Slice // reads up to and with the last item shown
	var next store.Cursor
	at := s.Cursor
	for {
		size := max(n-len(out.Items), ahead)
		if len(out.Items) == 0 {
			size = n
		}
		page, err := list(store.Slice{Cursor: at, Limit: size})
		if err != nil {
			return store.Page[T]{}, err
		}
		for i, item := range page.Items {
			item, ok, err := show(item)
			if err != nil {
				return store.Page[T]{}, err
			}
			if !ok {
				continue
			}
			if len(out.Items) == n {
				out.Next, err = cursorAfter(last, next, list)
				return out, err
			}
			out.Items = append(out.Items, item)
			last, next = store.Slice{Cursor: at, Limit: i + 1}, ""
			if i == len(page.Items)-1 {
				next = page.Next
			}
		}
		if at = page.Next; at == "" {
			return out, nil
		}
	}
}

// cursorAfter returns the cursor behind the last item shown; known is set
// where a page ended with it.
func cursorAfter[T any](last store.Slice, known store.Cursor, list func(store.Slice) (store.Page[T], error)) (store.Cursor, error) {
	if known != "" {
		return known, nil
	}
	page, err := list(last)
	return page.Next, err
}
