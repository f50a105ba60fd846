package store

import "time"

// Answer is what a request with an idempotency key was answered, for whoever
// sends it again.
type Answer struct {
	Key     string    `json:"key"`     // digest of who asked and of the key they gave
	Request string    `json:"request"` // digest of what was asked
	At      time.Time `json:"at"`
	Status  int       `json:"status,omitempty"` // 0: begun, and not ended
	Kind    string    `json:"kind,omitempty"`   // media type of the body
	Body    []byte    `json:"body,omitempty"`
}

// Answers are kept for a day.
type Answers interface {
	Get(key string) (Answer, error)
	Put(Answer) error
	Delete(key string) error
	// Expire removes those from before a time and returns how many they were.
	Expire(before time.Time) (int, error)
}
