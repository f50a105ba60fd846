package store

// Where goes through a whole listing, page by page, and returns what keep
// says yes to. It is for listings a transaction may read whole.
func Where[T any](list func(Slice) (Page[T], error), keep func(T) (bool, error)) ([]T, error) {
	var out []T
	s := Slice{Limit: 1000}
	for {
		page, err := list(s)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			kept, err := keep(item)
			if err != nil {
				return nil, err
			}
			if kept {
				out = append(out, item)
			}
		}
		if s.Cursor = page.Next; s.Cursor == "" {
			return out, nil
		}
	}
}
