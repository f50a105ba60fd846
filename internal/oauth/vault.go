package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"rapport/records/phrase"
)

// Vault keeps sealed records. Save is durable when it returns; nil removes.
// Load returns nil where there is none.
type Vault interface {
	Load(ctx context.Context, id string) ([]byte, error)
	Save(ctx context.Context, id string, sealed []byte) error
}

// record is what is kept of a source.
type record struct {
	Refresh  string    `json:"refresh,omitempty"`
	Access   string    `json:"access,omitempty"`
	Expires  time.Time `json:"expires,omitzero"`
	Renewed  time.Time `json:"renewed,omitzero"`
	SignedIn time.Time `json:"signed_in,omitzero"` // when a person did
	Account  string    `json:"account,omitempty"`  // who that was, where it can be told
	Scopes   []string  `json:"scopes,omitempty"`   // what the sign-in covers
	Refused  *refused  `json:"refused,omitempty"`  // for good, until somebody acts
}

// refused is a final fault that must not be met again at every start.
type refused struct {
	Code string        `json:"code"`
	Text phrase.Phrase `json:"what"`
	Fix  phrase.Phrase `json:"help,omitzero"`
	At   time.Time     `json:"at"`
}

// sealed makes of a record what may lie anywhere, bound to the id it is of.
func (k *Keeper) sealed(id string, r record) ([]byte, error) {
	raw, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return k.box.Seal(raw, id), nil
}

// opened reads what sealed wrote; nothing is the empty record.
func (k *Keeper) opened(id string, sealed []byte) (r record, err error) {
	if len(sealed) == 0 {
		return r, nil
	}
	raw, err := k.box.Open(sealed, id)
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	if err != nil {
		return record{}, fmt.Errorf("the stored sign-in cannot be opened: %w", err)
	}
	return r, nil
}
