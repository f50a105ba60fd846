package store

import (
	"time"

	"rapport/records/hook"
)

// Webhooks are the addresses that are told what happens; there are few.
type Webhooks interface {
	Get(id string) (hook.Webhook, error)
	// List returns all of them by id, which is the order they were made in.
	List() ([]hook.Webhook, error)
	Put(hook.Webhook) error
	// Delete removes a webhook; its dispatches are Dispatches' matter.
	Delete(id string) error
}

// Dispatches are the events on their way to webhooks, and the last that ended.
type Dispatches interface {
	Get(webhook, id string) (hook.Dispatch, error)
	// Of lists those of a webhook, newest first.
	Of(webhook string, s Slice) (Page[hook.Dispatch], error)
	// Due lists those of a webhook that wait and are due at a time or before,
	// first due first, at most n; a zero time lists whatever waits.
	Due(webhook string, at time.Time, n int) ([]hook.Dispatch, error)
	// Waiting counts those of a webhook that wait, up to most.
	Waiting(webhook string, most int) (int, error)
	Put(hook.Dispatch) error
	Delete(webhook, id string) error
	// Trim removes those of a webhook that ended, but for the last keep of
	// them, at most n, and says how many it removed.
	Trim(webhook string, keep, n int) (int, error)
	// Drop removes all of a webhook's that wait.
	Drop(webhook string) error
}
