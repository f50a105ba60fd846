package oauth

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"
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
	Code string    `json:"code"`
	Text string    `json:"text"`
	Fix  string    `json:"fix"`
	At   time.Time `json:"at"`
}

// seal makes of a record what may lie anywhere. Its first byte is the format;
// the id is bound to it, so that records cannot be exchanged.
type seal struct{ aead cipher.AEAD }

const sealFormat = 1

// newSeal derives the key of the records from the store's, which lies outside
// the store.
func newSeal(key []byte) (seal, error) {
	own, err := hkdf.Key(sha256.New, key, nil, "rapport oauth tokens 1", 32)
	if err != nil {
		return seal{}, fmt.Errorf("derive the key of the tokens: %w", err)
	}
	block, err := aes.NewCipher(own)
	if err != nil {
		return seal{}, fmt.Errorf("derive the key of the tokens: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return seal{aead}, err
}

func (s seal) close(id string, r record) ([]byte, error) {
	raw, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return append([]byte{sealFormat}, s.aead.Seal(nil, nil, raw, []byte(id))...), nil
}

var errSealed = errors.New("the stored sign-in cannot be opened: it was sealed with another key than the one beside the store, or is damaged")

func (s seal) open(id string, sealed []byte) (r record, err error) {
	if len(sealed) == 0 {
		return r, nil
	}
	if sealed[0] != sealFormat {
		return r, errSealed
	}
	raw, err := s.aead.Open(nil, nil, sealed[1:], []byte(id))
	if err != nil || json.Unmarshal(raw, &r) != nil {
		return record{}, errSealed
	}
	return r, nil
}
