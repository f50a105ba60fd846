package intake

import (
	"context"
	"encoding/json"
	"fmt"

	"rapport/records/message"
	"rapport/store"
)

// stateFiles is where the store keeps how far attached files of stored mail have
// been read; unset where they are not to be.
const stateFiles = "attached-files"

// FilesRead is how far attached office and PDF files of stored mail have been
// read.
type FilesRead struct {
	Done  int          `json:"done"`  // messages looked at
	Total int          `json:"total"` // when it began; mail that comes later is read as it comes
	At    store.Cursor `json:"at,omitempty"`
	All   bool         `json:"all"`
}

// FilesRead returns how far ReadFiles is, nil where files are not read.
func (i *Intake) FilesRead(ctx context.Context) (*FilesRead, error) {
	var f *FilesRead
	err := i.store.View(ctx, func(tx store.Tx) (err error) {
		f, err = filesRead(tx)
		return err
	})
	return f, err
}

func filesRead(tx store.Tx) (*FilesRead, error) {
	raw, err := tx.State().Get(stateFiles)
	if err != nil || len(raw) == 0 {
		return nil, err
	}
	var f FilesRead
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, fmt.Errorf("read how far attached files were read: %w", err)
	}
	return &f, nil
}

func putFilesRead(tx store.Tx, f FilesRead) error {
	raw, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return tx.State().Put(stateFiles, raw)
}

// ReadFiles reads the attached office and PDF files of mail that was stored
// when they were not to be read, a bounded part at a time, while mail flows. One
// that is interrupted goes on where it was; where nothing is left it costs a
// look. Where files are not to be read any more it forgets that they were: what
// comes from then on has to be read once they are again.
func (i *Intake) ReadFiles(ctx context.Context) error {
	for more := true; more; {
		on := i.opts.Documents != nil && i.opts.Documents.Limit() > 0
		f, err := i.FilesRead(ctx)
		switch {
		case err != nil:
		case !on && f == nil, on && f != nil && f.All:
			return nil
		case !on:
			return i.store.Update(ctx, func(tx store.Tx) error { return tx.State().Put(stateFiles, nil) })
		default:
			if err = i.store.Update(ctx, func(tx store.Tx) (err error) { more, err = findFiles(tx); return err }); err == nil {
				err = i.catchUp(ctx)
			}
		}
		if err != nil {
			return fmt.Errorf("read attached files of older mail: %w", err)
		}
	}
	return nil
}

// findFiles notes which of the next messages have to be read again for their
// files, and reports whether there are more.
func findFiles(tx store.Tx) (more bool, err error) {
	f, err := filesRead(tx)
	if err != nil {
		return false, err
	}
	if f == nil {
		f = &FilesRead{}
		if f.Total, err = tx.Messages().Count(); err != nil {
			return false, err
		}
	}
	page, err := tx.Messages().List(store.Slice{Limit: readAtOnce, Cursor: f.At})
	if err != nil {
		return false, err
	}
	for _, id := range page.Items {
		m, err := tx.Messages().Get(id)
		if err != nil {
			return false, fmt.Errorf("read message %s: %w", id, err)
		}
		if !message.HasDocument(m.Attachments) {
			continue
		}
		// What is shown already is worth more than the header, which would be shown
		// where there is no original.
		there, err := tx.Blobs().Has(m.Raw)
		if err == nil && there {
			err = noteUnread(tx, id)
		}
		if err != nil {
			return false, err
		}
	}
	f.Done, f.At, f.All = f.Done+len(page.Items), page.Next, page.Next == ""
	f.Total = max(f.Total, f.Done)
	return !f.All, putFilesRead(tx, *f)
}
