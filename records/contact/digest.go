package contact

import (
	"crypto/hmac"
	"crypto/sha256"
)

// AddressDigest names an address without holding it: what a tombstone keeps of
// somebody erased. It is keyed, because the addresses of the world are few
// enough to try them all, and taken over the folded address, so that another
// plus-tag does not bring the person back.
func AddressDigest(key []byte, a Address) (d [16]byte) {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(a.Folded()))
	copy(d[:], mac.Sum(nil))
	return d
}
