package store_test

import (
	"errors"
	"slices"
	"testing"

	"rapport/store"
)

func TestWhere(t *testing.T) {
	pages := map[store.Cursor]store.Page[int]{
		"":  {Items: []int{1, 2, 3}, Next: "b"},
		"b": {Next: "c"}, // an empty page is not the end
		"c": {Items: []int{4, 5}},
	}
	list := func(s store.Slice) (store.Page[int], error) { return pages[s.Cursor], nil }
	even := func(n int) (bool, error) { return n%2 == 0, nil }
	if got, err := store.Where(list, even); err != nil || !slices.Equal(got, []int{2, 4}) {
		t.Errorf("Where() = %v, %v; want [2 4]", got, err)
	}
	fault := errors.New("fault")
	if _, err := store.Where(list, func(int) (bool, error) { return false, fault }); !errors.Is(err, fault) {
		t.Errorf("Where() = %v; want what keep said", err)
	}
	broken := func(store.Slice) (store.Page[int], error) { return store.Page[int]{}, fault }
	if _, err := store.Where(broken, even); !errors.Is(err, fault) {
		t.Errorf("Where() = %v; want what the listing said", err)
	}
}
