package intake

import (
	"context"
	"errors"
	"fmt"
	"io"

	"rapport/records/message"
	"rapport/store"
)

// readAtOnce bounds the messages that one transaction looks through.
const readAtOnce = 100

// original is a stored mail, read within a transaction.
type original struct {
	tx   store.Tx
	sum  message.Sum
	size int64
}

// Open implements [message.Source].
func (o original) Open() (io.ReadCloser, error) { return o.tx.Blobs().Open(o.sum) }

// Size implements [message.Source].
func (o original) Size() int64 { return o.size }

// Recognise has a store of format 3 know mail without a Message-ID by its
// content, which that format knew by its text as it was shown: a bounded part
// at a time, while mail flows. One that is interrupted goes on where it was;
// where nothing is left it costs a look. Other mail is known by its
// Message-ID, and its digests are made when a copy asks for them.
func (i *Intake) Recognise(ctx context.Context) error {
	for more := true; more; {
		err := i.store.View(ctx, func(tx store.Tx) error {
			at, err := tx.State().Get(store.StateUnrecognised)
			more = len(at) > 0
			return err
		})
		if err == nil && more {
			err = i.store.Update(ctx, recogniseSome)
		}
		if err != nil {
			return fmt.Errorf("read older mail without a Message-ID: %w", err)
		}
	}
	return nil
}

// recogniseSome looks through the next messages.
func recogniseSome(tx store.Tx) error {
	at, err := tx.State().Get(store.StateUnrecognised)
	if err != nil || len(at) == 0 {
		return err
	}
	slice := store.Slice{Limit: readAtOnce}
	if string(at) != store.Unrecognised {
		slice.Cursor = store.Cursor(at)
	}
	page, err := tx.Messages().List(slice)
	if err != nil {
		return err
	}
	for _, id := range page.Items {
		m, err := tx.Messages().Get(id)
		if err != nil {
			return fmt.Errorf("read message %s: %w", id, err)
		}
		if m.FormerSums && m.Head.MessageID == "" {
			if err := recognise(tx, m); err != nil {
				return fmt.Errorf("message %s: %w", id, err)
			}
		}
		if err := meetOf(tx, m); err != nil {
			return err
		}
	}
	if page.Next == "" {
		return tx.State().Put(store.StateUnrecognised, nil)
	}
	return tx.State().Put(store.StateUnrecognised, []byte(page.Next))
}

// recognise gives a message the identity of its content; what was decided of
// it by hand goes with it.
func recognise(tx store.Tx, m message.Message) error {
	former := message.IdentityKeys(m.Head, &m.TextSum)
	m, err := resum(tx, m)
	if err != nil || m.FormerSums {
		return err
	}
	now := message.IdentityKeys(m.Head, &m.TextSum)
	if err := tx.Messages().Put(m, now); err != nil {
		return err
	}
	for _, id := range former {
		found, err := tx.Decisions().ByIdentity(id)
		if err != nil {
			return fmt.Errorf("find decisions: %w", err)
		}
		for _, d := range found {
			d.Identity = append(d.Identity, now...)
			if err := tx.Decisions().Put(d); err != nil {
				return fmt.Errorf("keep decision %s: %w", d.ID, err)
			}
		}
	}
	return nil
}

// resum makes the digests of a message that has those of format 3, from its
// original bytes. Where those are not there it stays as it is.
func resum(tx store.Tx, m message.Message) (message.Message, error) {
	if !m.FormerSums {
		return m, nil
	}
	read := func(raw message.Sum) (message.Sum, error) {
		p, _, err := parseGuarded(original{tx, raw, m.Size}, m.Head, message.Limits{})
		return p.TextSum, err
	}
	own, err := read(m.Raw)
	variants := make([]message.Variant, len(m.Variants))
	for n, v := range m.Variants {
		variants[n].Raw = v.Raw
		if err == nil {
			variants[n].TextSum, err = read(v.Raw)
		}
	}
	if errors.Is(err, store.ErrNotFound) {
		return m, nil
	}
	if err != nil {
		return m, fmt.Errorf("digest the content of message %s: %w", m.ID, err)
	}
	if m.TextSum, m.FormerSums = own, false; len(variants) > 0 {
		m.Variants = variants
	}
	return m, nil
}
