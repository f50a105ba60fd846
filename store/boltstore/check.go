package boltstore

import "fmt"

// derived is a table as check and reindex see it.
type derived interface {
	bucket() string
	indexNames() []string
	// rowsOfRecord adds the index rows of one record.
	rowsOfRecord(raw []byte, add func(index string, key, val []byte)) error
	isCounted() bool
}

func (t *table[T]) bucket() string  { return t.name }
func (t *table[T]) isCounted() bool { return t.counted }

func (t *table[T]) indexNames() []string {
	var out []string
	for _, ix := range t.indexes {
		out = append(out, ix.name)
	}
	return out
}

func (t *table[T]) rowsOfRecord(raw []byte, add func(index string, key, val []byte)) error {
	var v T
	if err := decode(raw, &v); err != nil {
		return fmt.Errorf("read %s: %w", t.what, err)
	}
	for _, ix := range t.indexes {
		for k, val := range rowsOf(ix, &v) {
			add(ix.name, []byte(k), val)
		}
	}
	return nil
}
