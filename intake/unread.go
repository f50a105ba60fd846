package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"rapport/records/message"
	"rapport/store"
)

// Messages whose text has to be read again are listed in many short lists, so
// that noting one of very many costs no more than noting one of a few.
const unreadLists = 256

func unreadList(n int) string { return fmt.Sprintf("unread-messages-%02x", n) }

func unreadListOf(id message.ID) string {
	return unreadList(int(crc32.ChecksumIEEE([]byte(id)) % unreadLists))
}

// noteUnread remembers a message whose text has to be read again.
func noteUnread(tx store.Tx, id message.ID) error {
	list := unreadListOf(id)
	ids, err := unread(tx, list)
	if err != nil || slices.Contains(ids, id) {
		return err
	}
	return putUnread(tx, list, append(ids, id))
}

func unread(tx store.Tx, list string) ([]message.ID, error) {
	b, err := tx.State().Get(list)
	if err != nil || len(b) == 0 {
		return nil, err
	}
	var ids []message.ID
	if err := json.Unmarshal(b, &ids); err != nil {
		return nil, fmt.Errorf("read %s: %w", list, err)
	}
	return ids, nil
}

func putUnread(tx store.Tx, list string, ids []message.ID) error {
	if len(ids) == 0 {
		return tx.State().Put(list, nil)
	}
	b, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	return tx.State().Put(list, b)
}

// unreadAtOnce bounds what is read again for one transaction.
const unreadAtOnce = 25

// catchUp reads the text of messages that came onto a timeline without it:
// a review that was decided, a private thread that is shown again.
func (i *Intake) catchUp(ctx context.Context) error {
	for n := 0; n < unreadLists; {
		var some []message.Message
		var ids []message.ID
		err := i.store.View(ctx, func(tx store.Tx) error {
			some, ids = nil, nil
			var err error
			for ; n < unreadLists && len(ids) == 0; n++ {
				if ids, err = unread(tx, unreadList(n)); err != nil {
					return err
				}
			}
			n-- // where something was found, it is asked again
			if len(ids) == 0 {
				n = unreadLists
			}
			ids = ids[:min(len(ids), unreadAtOnce)]
			for _, id := range ids {
				m, err := tx.Messages().Get(id)
				if err == nil {
					some = append(some, m)
				} else if !errors.Is(err, store.ErrNotFound) {
					return fmt.Errorf("read message %s: %w", id, err)
				}
			}
			return nil
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		docs := map[message.ID]*store.Document{}
		for _, m := range some {
			if docs[m.ID], err = i.reread(ctx, m); err != nil {
				return fmt.Errorf("read message %s again: %w", m.ID, err)
			}
		}
		if err := i.showRead(ctx, ids, docs); err != nil {
			return err
		}
	}
	return nil
}

// reread makes the document of a stored message from its original bytes. Of
// bytes that are damaged or missing the header remains: one bad message holds
// nothing up.
func (i *Intake) reread(ctx context.Context, m message.Message) (*store.Document, error) {
	src := storedSource{ctx: ctx, store: i.store, sum: m.Raw, size: m.Size}
	p, _, err := i.parse(src, m.Head)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		i.log.Error("original of a message cannot be read; it is shown by its header", "message", m.ID, "err", err)
		p = message.Parsed{Head: m.Head, Text: m.Snippet, Attachments: m.Attachments}
	}
	return document(m.Head, p), nil
}

func (i *Intake) showRead(ctx context.Context, ids []message.ID, docs map[message.ID]*store.Document) error {
	return i.store.Update(ctx, func(tx store.Tx) error {
		t, err := i.taking(tx, message.Folder{})
		if err != nil {
			return err
		}
		for _, id := range ids {
			list := unreadListOf(id)
			left, err := unread(tx, list)
			if err != nil {
				return err
			}
			left = slices.DeleteFunc(left, func(o message.ID) bool { return o == id })
			if err := putUnread(tx, list, left); err != nil {
				return err
			}
			m, err := tx.Messages().Get(id)
			if errors.Is(err, store.ErrNotFound) || docs[id] == nil {
				continue
			}
			if err != nil {
				return fmt.Errorf("read message %s: %w", id, err)
			}
			if err := t.show(m, docs[id]); err != nil {
				return err
			}
		}
		return nil
	})
}
