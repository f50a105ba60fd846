package app

import (
	"crypto/ecdh"
	"crypto/hpke"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The store's key is sealed into backups with HPKE (RFC 9180: X25519,
// HKDF-SHA256, AES-256-GCM) for a key pair of which the private half is kept
// elsewhere: whoever has a backup alone learns nothing of who was erased.
const (
	recipientPrefix = "rapport-recipient-"
	identityPrefix  = "rapport-identity-"
	sealedFor       = "rapport backup: key of the store"
)

// NewIdentity makes a key pair: the identity, with which backups are restored,
// and the recipient for backup.recipient.
func NewIdentity() (identity, recipient string, err error) {
	k, err := hpke.DHKEM(ecdh.X25519()).GenerateKey()
	if err != nil {
		return "", "", fmt.Errorf("make a key pair: %w", err)
	}
	private, err := k.Bytes()
	if err != nil {
		return "", "", fmt.Errorf("make a key pair: %w", err)
	}
	return identityPrefix + base64.RawURLEncoding.EncodeToString(private),
		recipientPrefix + base64.RawURLEncoding.EncodeToString(k.PublicKey().Bytes()), nil
}

// coded reads what stands behind a prefix.
func coded(text, prefix, what string) ([]byte, error) {
	body, ok := strings.CutPrefix(strings.TrimSpace(text), prefix)
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if !ok || err != nil {
		return nil, fmt.Errorf("read %s: it does not begin with %s, or is cut short", what, prefix)
	}
	return raw, nil
}

func sealKey(recipient string, key []byte) ([]byte, error) {
	raw, err := coded(recipient, recipientPrefix, "backup.recipient")
	if err != nil {
		return nil, err
	}
	public, err := hpke.DHKEM(ecdh.X25519()).NewPublicKey(raw)
	if err != nil {
		return nil, fmt.Errorf("read backup.recipient: %w", err)
	}
	sealed, err := hpke.Seal(public, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(sealedFor), key)
	if err != nil {
		return nil, fmt.Errorf("seal the key: %w", err)
	}
	return sealed, nil
}

func openKey(identity string, sealed []byte) ([]byte, error) {
	raw, err := coded(identity, identityPrefix, "the identity")
	if err != nil {
		return nil, err
	}
	private, err := hpke.DHKEM(ecdh.X25519()).NewPrivateKey(raw)
	if err != nil {
		return nil, fmt.Errorf("read the identity: %w", err)
	}
	key, err := hpke.Open(private, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(sealedFor), sealed)
	if err != nil {
		return nil, errors.New("the backup's key was sealed for another identity, or is damaged")
	}
	if len(key) != keySize {
		return nil, fmt.Errorf("the backup's key has %d bytes instead of %d", len(key), keySize)
	}
	return key, nil
}

// putKey gives a data directory its key, unless it has one.
func putKey(dir string, key []byte) error {
	path := filepath.Join(dir, keyFile)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return placeKey(path, key)
}
