package message

import (
	"crypto/sha256"
	"hash"
	"sync"
)

// scratch is the memory one reading borrows and gives back. Nothing that
// outlives the reading may refer to it.
type scratch struct {
	digest hash.Hash // SHA-256
	folded [4 << 10]byte
	free   [][]byte
}

var scratches = sync.Pool{New: func() any { return &scratch{digest: sha256.New()} }}

// Bounds on what a scratch keeps between two readings.
const (
	scratchBuffers = 8
	scratchBuffer  = 256 << 10 // bytes
	smallBuffer    = 4 << 10
)

// take lends an empty buffer.
func (c *scratch) take() []byte {
	n := len(c.free)
	if n == 0 {
		return make([]byte, 0, smallBuffer)
	}
	b := c.free[n-1]
	c.free = c.free[:n-1]
	return b[:0]
}

// give takes a buffer back, or leaves one that grew large to the collector.
func (c *scratch) give(b []byte) {
	if cap(b) >= smallBuffer && cap(b) <= scratchBuffer && len(c.free) < scratchBuffers {
		c.free = append(c.free, b)
	}
}
