package boltstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	"github.com/oklog/ulid/v2"
)

// Keys are put together from parts that each know where they end, so that the
// order of keys is the order of their parts. Every append function has a read
// function that takes the part off the front.

var errKey = errors.New("damaged key")

// appendText adds a string, ended by 00. The bytes 00 and 01 are escaped in a
// way that keeps the order.
func appendText(k []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] <= 1 {
			k = append(k, 1, s[i]+1)
			continue
		}
		k = append(k, s[i])
	}
	return append(k, 0)
}

func readText(k []byte) (string, []byte, error) {
	end := bytes.IndexByte(k, 0)
	if end < 0 {
		return "", nil, errKey
	}
	if bytes.IndexByte(k[:end], 1) < 0 {
		return string(k[:end]), k[end+1:], nil
	}
	out := make([]byte, 0, end)
	for i := 0; i < end; i++ {
		c := k[i]
		if c == 1 {
			i++
			if i == end || k[i] == 0 || k[i] > 2 {
				return "", nil, errKey
			}
			c = k[i] - 1
		}
		out = append(out, c)
	}
	return string(out), k[end+1:], nil
}

// appendID adds an id: the 16 bytes of a ULID, or FF and the text of any
// other. ULIDs sort by time and before all others.
func appendID(k []byte, id string) []byte {
	if u, err := ulid.ParseStrict(id); err == nil && u[0] != 0xFF && u.String() == id {
		return append(k, u[:]...)
	}
	return appendText(append(k, 0xFF), id)
}

func readID(k []byte) (string, []byte, error) {
	if len(k) > 0 && k[0] == 0xFF {
		return readText(k[1:])
	}
	if len(k) < 16 {
		return "", nil, errKey
	}
	return ulid.ULID(k[:16]).String(), k[16:], nil
}

// appendTime adds a time in microseconds; times before 1970 sort first.
func appendTime(k []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(k, uint64(t.UnixMicro())^1<<63)
}

func readTime(k []byte) (time.Time, []byte, error) {
	if len(k) < 8 {
		return time.Time{}, nil, errKey
	}
	return time.UnixMicro(int64(binary.BigEndian.Uint64(k) ^ 1<<63)).UTC(), k[8:], nil
}

func appendUint32(k []byte, n uint32) []byte { return binary.BigEndian.AppendUint32(k, n) }

func readUint32(k []byte) (uint32, []byte, error) {
	if len(k) < 4 {
		return 0, nil, errKey
	}
	return binary.BigEndian.Uint32(k), k[4:], nil
}

// digest stands in keys for strings of any length, such as Message-IDs.
func digest(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:16]
}
