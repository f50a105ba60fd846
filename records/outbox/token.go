package outbox

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"

	"github.com/oklog/ulid/v2"
)

// Purpose is what a token may be used for. Each has a key of its own, so that a
// token of one purpose is worth nothing for another.
type Purpose byte

// The purposes.
const (
	ForUnsubscribe Purpose = 'u'
	ForSurvey      Purpose = 's'
	ForOptIn       Purpose = 'o'
	ForReturn      Purpose = 'v' // the envelope's sender: bounces
	ForReply       Purpose = 'r' // the header that comes back with replies
	ForTest        Purpose = 't' // test mails: speaks for nobody
)

// Key is a master key of tokens. Its ID is in each token, so that tokens of
// older keys go on verifying.
type Key struct {
	ID     byte
	Secret [32]byte
}

// Keys makes and verifies tokens. The first key makes; all verify. It may be
// used concurrently.
type Keys []Key

const (
	tokenFirst   = 'r' // the first letter of every token: some systems rewrite words that begin with a digit
	tokenVersion = 1
	tokenMAC     = 16
	tokenBytes   = 3 + 16 + tokenMAC
	// TokenLength is the length of a token in characters.
	TokenLength = 1 + (tokenBytes*8+4)/5
)

// Tokens are lower-case so that what folds case does no harm, and letters and
// digits only.
var tokenEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// ErrToken is what a token ends in that none of our keys made.
var ErrToken = errors.New("no token of ours")

// Token returns the token of a delivery for a purpose.
func (ks Keys) Token(p Purpose, id ID) (string, error) {
	u, err := ulid.ParseStrict(string(id))
	if err != nil {
		return "", fmt.Errorf("make token of delivery %q: %w", id, err)
	}
	if len(ks) == 0 {
		return "", errors.New("make token: there is no key")
	}
	raw := append([]byte{tokenVersion, ks[0].ID, byte(p)}, u[:]...)
	mac, err := ks[0].sign(p, raw)
	if err != nil {
		return "", err
	}
	return string(rune(tokenFirst)) + tokenEncoding.EncodeToString(append(raw, mac...)), nil
}

// Open returns the delivery a token for a purpose stands for. Case does not
// count, and neither does what rewriters of links are known to put behind it:
// quotes, brackets, dots and slashes, also percent-encoded. The comparison
// takes the same time whatever is wrong.
func (ks Keys) Open(p Purpose, token string) (ID, error) {
	if len(token) < TokenLength || len(token) > TokenLength+16 || !junk(token[TokenLength:]) {
		return "", ErrToken
	}
	token = strings.ToLower(token[:TokenLength])
	raw, err := tokenEncoding.DecodeString(token[1:])
	if err != nil || token[0] != tokenFirst || len(raw) != tokenBytes ||
		tokenEncoding.EncodeToString(raw) != token[1:] { // unused bits are zero
		return "", ErrToken
	}
	if raw[0] != tokenVersion || raw[2] != byte(p) {
		return "", ErrToken
	}
	body := raw[:len(raw)-tokenMAC]
	for _, k := range ks {
		if k.ID != raw[1] {
			continue
		}
		mac, err := k.sign(p, body)
		if err != nil {
			return "", err
		}
		if hmac.Equal(mac, raw[len(body):]) {
			return ID(ulid.ULID(body[3:]).String()), nil
		}
	}
	return "", ErrToken
}

// junk reports whether only such characters stand behind a token as rewriters
// of links leave there.
func junk(s string) bool {
	for s != "" {
		switch {
		case strings.ContainsRune(`'")>].,;:!/`, rune(s[0])):
			s = s[1:]
		case len(s) >= 3 && s[0] == '%' && (s[1] == '2' || s[1] == '3' || s[1] == '5'):
			s = s[3:]
		default:
			return false
		}
	}
	return true
}

// sign returns the MAC of a token's bytes, with the purpose's own key.
func (k Key) sign(p Purpose, body []byte) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, k.Secret[:], nil, "rapport token "+string(rune(p)), 32)
	if err != nil {
		return nil, fmt.Errorf("derive key of tokens: %w", err)
	}
	h := hmac.New(sha256.New, key)
	h.Write(body)
	return h.Sum(nil)[:tokenMAC], nil
}

// Find returns the first token for a purpose that stands in a text, such as a
// header field, and the delivery it stands for. It looks at MaxFind bytes.
func (ks Keys) Find(p Purpose, text string) (ID, bool) {
	text = text[:min(len(text), MaxFind)]
	for at := 0; at+TokenLength <= len(text); at++ {
		if text[at]|0x20 != tokenFirst {
			continue
		}
		if at > 0 && alphanumeric(text[at-1]) {
			continue
		}
		if id, err := ks.Open(p, text[at:at+TokenLength]); err == nil {
			return id, true
		}
	}
	return "", false
}

// MaxFind bounds how much of a text is searched for a token, in bytes.
const MaxFind = 64 << 10

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}
