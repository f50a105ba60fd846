package app

import (
	"context"
	"errors"
	"io"

	"rapport/records/contact"
	"rapport/store/boltstore"
)

var errUnavailable = errors.New("not available")

// boltStorage is the store with its size.
type boltStorage struct {
	*boltstore.Store
	dir string
}

func (b boltStorage) Check(ctx context.Context) ([]string, error)   { return nil, errUnavailable }
func (b boltStorage) Backup(ctx context.Context, w io.Writer) error { return errUnavailable }
func (b boltStorage) Reindex(ctx context.Context, _ func(done, total int)) error {
	return errUnavailable
}
func (b boltStorage) Compact(ctx context.Context) (before, after int64, err error) {
	return 0, 0, errUnavailable
}
func (b boltStorage) Collect(ctx context.Context) (int, error) { return b.CollectOrphans(ctx) }
func (b boltStorage) Size() int64                              { return 0 }

// Import implements web.Records.
func (r records) Import(ctx context.Context, actor string, rows []contact.Row, dry bool) (contact.ImportResult, error) {
	if i, ok := any(r.Intake).(interface {
		Import(context.Context, string, []contact.Row, bool) (contact.ImportResult, error)
	}); ok {
		return i.Import(ctx, actor, rows, dry)
	}
	return contact.ImportResult{}, errUnavailable
}
