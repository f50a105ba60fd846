package boltstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	bolt "go.etcd.io/bbolt"
)

// The engine's pages carry no checksums. What is neither compressed, which has
// one of its own, nor derived from something else, is sealed: a checksum over
// its key and value follows the value, so that a bit that changes on the disk
// is an error and never other content.
const sealSize = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sealOf(key, val []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, val)
}

// sealed adds the checksum to a value, which may be written to.
func sealed(key, val []byte) []byte {
	return binary.BigEndian.AppendUint32(val, sealOf(key, val))
}

var errSeal = errors.New("its bytes are damaged (restore a backup)")

// unsealed takes the checksum off a value and compares it.
func unsealed(key, val []byte) ([]byte, error) {
	n := len(val) - sealSize
	if n < 0 || binary.BigEndian.Uint32(val[n:]) != sealOf(key, val[:n]) {
		return nil, errSeal
	}
	return val[:n:n], nil
}

// sealRows is the migration to format 2: it seals the buckets whose values
// have no format of their own. Records and rows of UIDs say by their first
// byte whether they are sealed, and are as soon as they are written again.
func sealRows(b *bolt.Tx) error {
	for _, name := range sealedBuckets {
		bucket := b.Bucket([]byte(name))
		if bucket == nil {
			continue // reported when the migrations are done
		}
		rows := [][2][]byte{}
		err := bucket.ForEach(func(k, v []byte) error {
			key := append([]byte(nil), k...)
			rows = append(rows, [2][]byte{key, sealed(key, append([]byte(nil), v...))})
			return nil
		})
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := bucket.Put(r[0], r[1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// sealedBuckets are those of which every value is sealed.
var sealedBuckets = []string{bucketState, bucketQuarantine, bucketTombstone, bucketSearchDone}

// seals checks every row of the sealed buckets.
func (c *checking) seals(tx *Tx) {
	for _, name := range sealedBuckets {
		tx.eachRow(tx.data(name), func(k, v []byte) {
			if _, err := unsealed(k, v); err != nil {
				c.fault("%s %x: %v", name, k, err)
			}
		})
	}
}

// pairs checks that the two buckets of hints say the same.
func (c *checking) pairs(tx *Tx) {
	n, m := 0, 0
	by := tx.data(bucketHintUID)
	tx.eachRow(tx.data(bucketHint), func(k, _ []byte) {
		n++
		if len(k) != 24 || by.Get(append(append([]byte{}, k[16:]...), k[:16]...)) == nil {
			c.fault("hint %x: its other half is missing (restore a backup)", k)
		}
	})
	tx.eachRow(by, func(_, _ []byte) { m++ })
	if n != m && tx.ctx.Err() == nil {
		c.fault("hints: %d by digest, %d by copy (restore a backup)", n, m)
	}
}

// rowsOfUIDs checks that every row of UIDs can be read and belongs to a folder.
func (c *checking) rowsOfUIDs(tx *Tx) {
	known := map[uint32]bool{}
	list, err := all(tx, folders, nil)
	if err != nil {
		return // reported with the folders
	}
	for _, f := range list {
		known[f.No] = true
	}
	tx.eachRow(tx.data(bucketUIDs), func(k, v []byte) {
		if len(k) < 9 || !known[binary.BigEndian.Uint32(k)] {
			c.fault("uids %x: of no folder that is known", k)
			return
		}
		if _, err := uidsOf(k, v); err != nil {
			c.fault("uids %x: %v", k, err)
		}
	})
}

// counters checks that no number is given out a second time.
func (c *checking) counters(tx *Tx) {
	meta := tx.bolt.Bucket(bucketMeta)
	count := func(key []byte) uint32 {
		if v := meta.Get(key); len(v) == 4 {
			return binary.BigEndian.Uint32(v)
		}
		return 0
	}
	if k, _ := tx.indexBucket(indexDoc).Cursor().Last(); len(k) == 4 && binary.BigEndian.Uint32(k) > count(keyNextDoc) {
		c.fault("the counter of documents is %d, there is number %d", count(keyNextDoc), binary.BigEndian.Uint32(k))
	}
	list, _ := all(tx, folders, nil) // an error is reported with the folders
	for _, f := range list {
		if f.No > count(keyNextFolder) {
			c.fault("the counter of folders is %d, there is number %d", count(keyNextFolder), f.No)
		}
	}
}

// threads checks the rows that say in which thread an id is.
func (c *checking) threads(tx *Tx) {
	tx.eachRow(tx.data(tableThread), func(k, v []byte) {
		if _, err := threadOf(k, v); err != nil {
			c.fault("thread of %x: %v", k, err)
		}
	})
}

// threadOf reads such a row. Those of format 1 have no seal.
func threadOf(key, v []byte) (string, error) {
	id, seal, err := readID(v)
	if err == nil && len(seal) > 0 {
		_, err = unsealed(key, v)
	}
	return id, err
}

// The format byte of a row of UIDs that is sealed; what follows has one of its
// own. No single bit lies between it and those, or a row could lose its seal
// and name other UIDs. One lies between them and the first, which is read only.
const (
	sealedUIDs      = 4
	firstSealedUIDs = 3
)

func sealUIDs(key, row []byte) []byte { return sealed(key, append([]byte{sealedUIDs}, row...)) }

// openUIDs returns a row of UIDs without its seal, where it has one.
func openUIDs(key, v []byte) ([]byte, error) {
	if len(v) == 0 || v[0] != sealedUIDs && v[0] != firstSealedUIDs {
		return v, nil // written before there were seals
	}
	row, err := unsealed(key, v)
	if err != nil {
		return nil, fmt.Errorf("read settled UIDs: %w", err)
	}
	return row[1:], nil
}
