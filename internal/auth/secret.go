package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// secretSize is 256 bits.
const secretSize = 32

// newSecret returns a random secret as text and its digest. Rand never fails:
// crypto/rand ends the program instead.
func newSecret() (text string, digest []byte) {
	raw := make([]byte, secretSize)
	rand.Read(raw)
	text = base64.RawURLEncoding.EncodeToString(raw)
	return text, digestOf(text)
}

// digestOf is what is kept of a secret. Secrets are random and long, so a
// plain digest cannot be guessed back.
func digestOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// idOf names a secret in lists and as a key.
func idOf(digest []byte) string { return hex.EncodeToString(digest[:16]) }

func sameDigest(a, b []byte) bool {
	return len(a) == sha256.Size && subtle.ConstantTimeCompare(a, b) == 1
}

// cost is what a password's digest takes.
type cost struct {
	memory, rounds uint32 // KiB, passes over it
	threads        uint8
}

// fullCost is OWASP's proposal for argon2id, which keeps a small server able
// to answer. maxHashing bounds the memory of many attempts at once.
var fullCost = cost{memory: 19 << 10, rounds: 2, threads: 1}

const (
	hashSize   = 32
	saltSize   = 16
	maxHashing = 2
)

// hash makes a digest of a password in the PHC form.
func (s *Service) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt)
	sum, err := s.argon(ctx, password, salt, s.cost)
	if err != nil {
		return "", err
	}
	return s.cost.phc(salt, sum), nil
}

func (c cost) phc(salt, sum []byte) string {
	e := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.rounds, c.threads,
		e.EncodeToString(salt), e.EncodeToString(sum))
}

// matches compares a password with a digest; with none it takes as long and
// says no.
func (s *Service) matches(ctx context.Context, password, digest string) (bool, error) {
	known := digest != ""
	if !known {
		digest = s.cost.phc(make([]byte, saltSize), make([]byte, hashSize))
	}
	c, salt, want, err := readPHC(digest)
	if err != nil {
		return false, err
	}
	sum, err := s.argon(ctx, password, salt, c)
	return err == nil && known && subtle.ConstantTimeCompare(sum, want) == 1, err
}

func readPHC(digest string) (c cost, salt, sum []byte, err error) {
	parts := strings.Split(digest, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return c, nil, nil, errors.New("read the digest of a password: its form is unknown")
	}
	var version int
	_, err1 := fmt.Sscanf(parts[2], "v=%d", &version)
	_, err2 := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.rounds, &c.threads)
	salt, err3 := base64.RawStdEncoding.DecodeString(parts[4])
	sum, err4 := base64.RawStdEncoding.DecodeString(parts[5])
	if err := errors.Join(err1, err2, err3, err4); err != nil || version != argon2.Version || c.memory > 1<<20 || c.rounds == 0 || c.threads == 0 || len(sum) != hashSize {
		return c, nil, nil, errors.New("read the digest of a password: it is damaged")
	}
	return c, salt, sum, nil
}

func (s *Service) argon(ctx context.Context, password string, salt []byte, c cost) ([]byte, error) {
	select {
	case s.hashing <- struct{}{}:
		defer func() { <-s.hashing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, c.rounds, c.memory, c.threads, hashSize), nil
}
