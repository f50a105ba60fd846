package outbox

import (
	"crypto/hmac"
	"encoding/binary"
	"time"
)

// forStamp is the purpose of the keys that stamps are made with.
const forStamp Purpose = 'n'

const stampBytes = 1 + 8 + tokenMAC

// Stamp returns a word for a form on the page of a delivery's token: it says when
// the page was shown, and that we showed it.
func (ks Keys) Stamp(p Purpose, id ID, at time.Time) (string, error) {
	if len(ks) == 0 {
		return "", ErrToken
	}
	raw := binary.BigEndian.AppendUint64([]byte{ks[0].ID}, uint64(at.UnixMilli()))
	mac, err := ks[0].sign(forStamp, stamped(raw, p, id))
	if err != nil {
		return "", err
	}
	return tokenEncoding.EncodeToString(append(raw, mac...)), nil
}

// Stamped returns when the page was shown that a stamp is of; ErrToken where it
// was not for this purpose and delivery.
func (ks Keys) Stamped(p Purpose, id ID, stamp string) (time.Time, error) {
	raw, err := tokenEncoding.DecodeString(stamp)
	if err != nil || len(raw) != stampBytes || tokenEncoding.EncodeToString(raw) != stamp {
		return time.Time{}, ErrToken
	}
	head, mac := raw[:stampBytes-tokenMAC], raw[stampBytes-tokenMAC:]
	for _, k := range ks {
		if k.ID != raw[0] {
			continue
		}
		want, err := k.sign(forStamp, stamped(head, p, id))
		if err != nil {
			return time.Time{}, err
		}
		if hmac.Equal(mac, want) {
			return time.UnixMilli(int64(binary.BigEndian.Uint64(head[1:]))), nil
		}
	}
	return time.Time{}, ErrToken
}

// stamped are the bytes a stamp is signed over.
func stamped(head []byte, p Purpose, id ID) []byte {
	return append(append(append([]byte{}, head...), byte(p)), id...)
}
