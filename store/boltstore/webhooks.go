package boltstore

import (
	"errors"
	"fmt"
	"time"

	"rapport/records/hook"
	"rapport/store"
)

var webhooks = &table[hook.Webhook]{
	name: tableWebhook, what: "webhook", plain: true,
	key: func(w *hook.Webhook) []byte { return appendID(nil, w.ID) },
}

// The states of a dispatch in keys.
const (
	keyWaits = 'w'
	keyEnded = 'e'
)

var dispatches = &table[hook.Dispatch]{
	name: tableDispatch, what: "dispatch", plain: true,
	key: func(d *hook.Dispatch) []byte { return dispatchKey(d.Webhook, d.ID) },
	indexes: []index[hook.Dispatch]{
		{indexDispatchTurn, func(d *hook.Dispatch, add func(k, v []byte)) {
			k, at := turnPrefix(d.Webhook, keyWaits), d.Due
			if !d.Waits() {
				k, at = turnPrefix(d.Webhook, keyEnded), d.Ended
			}
			add(appendID(appendTime(k, at), d.ID), nil)
		}},
	},
}

func dispatchKey(webhook, id string) []byte { return appendID(appendID(nil, webhook), id) }

func turnPrefix(webhook string, state byte) []byte { return append(appendID(nil, webhook), state) }

type webhooksOf struct{ tx *Tx }

// Webhooks implements store.Tx.
func (tx *Tx) Webhooks() store.Webhooks { return webhooksOf{tx} }

func (w webhooksOf) Get(id string) (hook.Webhook, error) {
	return webhooks.must(w.tx, appendID(nil, id), id)
}

func (w webhooksOf) List() ([]hook.Webhook, error) { return all(w.tx, webhooks, nil) }

func (w webhooksOf) Put(v hook.Webhook) error {
	if v.ID == "" {
		return fmt.Errorf("write webhook %q: it has no id", v.Name)
	}
	return webhooks.put(w.tx, &v)
}

func (w webhooksOf) Delete(id string) error { return webhooks.del(w.tx, appendID(nil, id)) }

type dispatchesOf struct{ tx *Tx }

// Dispatches implements store.Tx.
func (tx *Tx) Dispatches() store.Dispatches { return dispatchesOf{tx} }

func (d dispatchesOf) Get(webhook, id string) (hook.Dispatch, error) {
	return dispatches.must(d.tx, dispatchKey(webhook, id), id)
}

func (d dispatchesOf) Of(webhook string, s store.Slice) (store.Page[hook.Dispatch], error) {
	of := listing{bucket: d.tx.data(tableDispatch), prefix: appendID(nil, webhook), newest: true}
	return pageOf(d.tx, of, s, func(rest, raw []byte) (hook.Dispatch, bool, error) {
		var v hook.Dispatch
		if err := decode(append(appendID(nil, webhook), rest...), raw, &v); err != nil {
			return v, false, fmt.Errorf("read dispatch %x: %w", rest, err)
		}
		return v, true, nil
	})
}

func (d dispatchesOf) Due(webhook string, at time.Time, n int) ([]hook.Dispatch, error) {
	var out []hook.Dispatch
	err := d.turns(webhook, keyWaits, func(due time.Time, id string) (bool, error) {
		if len(out) == n || !at.IsZero() && due.After(at) {
			return false, nil
		}
		v, err := d.Get(webhook, id)
		out = append(out, v)
		return err == nil, err
	})
	return out, err
}

// turns goes through a webhook's dispatches of a state by their time, until
// visit is content.
func (d dispatchesOf) turns(webhook string, state byte, visit func(at time.Time, id string) (more bool, err error)) error {
	prefix := turnPrefix(webhook, state)
	l := d.tx.listing(indexDispatchTurn, prefix)
	c := l.bucket.Cursor()
	for k, _ := c.Seek(prefix); l.holds(k); k, _ = c.Next() {
		at, rest, err := readTime(k[len(prefix):])
		if err != nil {
			return fmt.Errorf("read index %s: %w", indexDispatchTurn, err)
		}
		id, _, err := readID(rest)
		if err != nil {
			return fmt.Errorf("read index %s: %w", indexDispatchTurn, err)
		}
		if more, err := visit(at, id); !more || err != nil {
			return err
		}
	}
	return nil
}

func (d dispatchesOf) Waiting(webhook string, most int) (n int, err error) {
	err = d.turns(webhook, keyWaits, func(time.Time, string) (bool, error) {
		n++
		return n < most, nil
	})
	return n, err
}

func (d dispatchesOf) Put(v hook.Dispatch) error {
	if v.ID == "" || v.Webhook == "" {
		return errors.New("write dispatch: the id or the webhook is missing")
	}
	return dispatches.put(d.tx, &v)
}

func (d dispatchesOf) Delete(webhook, id string) error {
	return dispatches.del(d.tx, dispatchKey(webhook, id))
}

func (d dispatchesOf) Trim(webhook string, keep, n int) (int, error) {
	var ended []string
	err := d.turns(webhook, keyEnded, func(_ time.Time, id string) (bool, error) {
		ended = append(ended, id)
		return len(ended) < keep+n, nil
	})
	if err != nil {
		return 0, err
	}
	return d.remove(webhook, ended[:max(0, len(ended)-keep)])
}

func (d dispatchesOf) Drop(webhook string) error {
	var waiting []string
	err := d.turns(webhook, keyWaits, func(_ time.Time, id string) (bool, error) {
		waiting = append(waiting, id)
		return true, nil
	})
	if err == nil {
		_, err = d.remove(webhook, waiting)
	}
	return err
}

func (d dispatchesOf) remove(webhook string, ids []string) (int, error) {
	for n, id := range ids {
		if err := d.Delete(webhook, id); err != nil {
			return n, err
		}
	}
	return len(ids), nil
}
