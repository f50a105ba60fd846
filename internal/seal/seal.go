// Package seal encrypts what the store keeps and must read again: whoever has
// the store without the key file of the data directory reads nothing of it.
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
)

// Derive returns a key of the data directory's for one purpose; what one
// purpose gives away tells nothing of another.
func Derive(key []byte, purpose string, size int) []byte {
	out, err := hkdf.Key(sha256.New, key, nil, "rapport "+purpose, size)
	if err != nil {
		panic(err) // only of sizes beyond the digest's reach
	}
	return out
}

// Box seals for one purpose, with AES-256-GCM. It may be used concurrently.
type Box struct{ aead cipher.AEAD }

// NewBox returns a Box for one purpose with the data directory's key.
func NewBox(key []byte, purpose string) Box {
	block, err := aes.NewCipher(Derive(key, purpose, 32))
	if err != nil {
		panic(err) // the size is right
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return Box{aead}
}

// Seal encrypts, bound to whose it is: under another name it does not open.
func (b Box) Seal(plain []byte, whose string) []byte {
	nonce := make([]byte, b.aead.NonceSize())
	rand.Read(nonce) // never fails: crypto/rand ends the program instead
	return b.aead.Seal(nonce, nonce, plain, []byte(whose))
}

// Open reads what Seal wrote.
func (b Box) Open(sealed []byte, whose string) ([]byte, error) {
	n := b.aead.NonceSize()
	if len(sealed) < n {
		return nil, errors.New("open what is sealed: it is cut short")
	}
	plain, err := b.aead.Open(nil, sealed[:n], bytes.Clone(sealed[n:]), []byte(whose))
	if err != nil {
		return nil, errors.New("open what is sealed: it was sealed with another key than this data directory's, or is damaged")
	}
	return plain, nil
}
