package store

import "time"

// SavedView is a list with filters, kept under a name.
type SavedView struct {
	ID      string    `json:"id"`
	List    string    `json:"list"`  // contacts | organisations
	Name    string    `json:"name"`  // as its owner wrote it
	Query   string    `json:"query"` // the filters, as the query of an address
	Owner   string    `json:"owner"` // who saved it: the id of a user or token; "" is whoever needs no sign-in
	Shared  bool      `json:"shared,omitempty"`
	Created time.Time `json:"created"`
}

// SavedViews are the lists people keep; there are few.
type SavedViews interface {
	Get(id string) (SavedView, error)
	// List returns all of them by id, which is the order they were made in.
	List() ([]SavedView, error)
	Put(SavedView) error
	Delete(id string) error
}
