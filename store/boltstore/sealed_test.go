package boltstore

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"rapport/records/message"
)

// TestRowsOfUIDsNoticeEachBit flips each bit of rows of settled UIDs, of the
// byte that names their form above all: none is read as other UIDs.
func TestRowsOfUIDsNoticeEachBit(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(3, 7))
	for n := range uint32(20_000) {
		var uids []uint32
		for range 1 + rnd.IntN(6) {
			uids = append(uids, rnd.Uint32N(rowSpan))
		}
		key := appendUint32(appendUint32(nil, n), 0)
		key = append(key, stateStored)
		row := sealUIDs(key, encodeUIDs(0, message.UIDs(uids...)))
		bits := 8 // of the first byte
		if n%100 == 0 {
			bits = 8 * len(row)
		}
		for bit := range bits {
			flipped := bytes.Clone(row)
			flipped[bit/8] ^= 1 << (bit % 8)
			if got, err := uidsOf(key, flipped); err == nil {
				t.Fatalf("row %x with bit %d flipped is %v", row, bit, got)
			}
		}
	}
}
