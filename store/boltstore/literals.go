package boltstore

import (
	"bytes"
	"encoding/binary"
	"sync"

	"github.com/klauspost/compress/huff0"
)

// Most bytes of mail are attachments in base64. They repeat nothing, so looking
// for repetitions only costs: all there is to gain is that 64 letters need six
// bits each. Such stretches become frames of zstd (RFC 8878) that hold nothing
// but Huffman-coded literals, at three times the speed; the rest goes through
// the compressor. Frames stand one behind the other, as any decoder reads them.

const (
	// packChunk is how much of a mail is packed at a time.
	packChunk = 256 << 10
	// packStep is the stretch that is looked at to tell base64 from text.
	packStep = 8 << 10
	// maxLiterals is the most one block of a frame may hold.
	maxLiterals = 128 << 10
	// minLiterals is what base64 a mail must hold at a stretch before it is
	// told from text: short parts are texts, which do repeat.
	minLiterals = 16 << 10
)

// packMail adds frames that hold a chunk of a mail to dst.
func packMail(dst, chunk []byte) []byte {
	for len(chunk) > 0 {
		n := stretch(chunk, true)
		if n < minLiterals {
			n += stretch(chunk[n:], false)
			dst = textEncoder.EncodeAll(chunk[:n], dst)
		} else {
			dst = packLiterals(dst, chunk[:n])
		}
		chunk = chunk[n:]
	}
	return dst
}

// stretch returns how many bytes at the beginning look like base64, or do not;
// of base64 less than minLiterals does not count.
func stretch(b []byte, base64 bool) int {
	n, since := 0, 0 // since: base64 at the end
	for n < len(b) {
		step := b[n:min(n+packStep, len(b))]
		// Text has a space in every ten letters, base64 has none.
		is := bytes.Count(step, []byte{' '})*256 < len(step)
		switch {
		case base64 && !is:
			return n
		case !base64 && is:
			if since += len(step); since >= minLiterals {
				return n + len(step) - since
			}
		default:
			since = 0
		}
		n += len(step)
	}
	return n
}

// literals are the tables of the Huffman coder.
var literals = sync.Pool{New: func() any { return &huff0.Scratch{} }}

// The parts of a frame, RFC 8878, 3.1.1.
const (
	frameMagic      = 0xFD2FB528
	frameSingle     = 2<<6 | 1<<5 // its size in four bytes, one segment, no checksum: originals have their digest
	blockRaw        = 0
	blockCompressed = 2
	litsCompressed  = 2
	litsTreeless    = 3
)

// packLiterals adds a frame of Huffman-coded blocks to dst.
func packLiterals(dst, b []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, frameMagic)
	dst = append(dst, frameSingle)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(b)))
	s := literals.Get().(*huff0.Scratch)
	defer literals.Put(s)
	s.Reuse = huff0.ReusePolicyNone // what an earlier frame left
	for len(b) > 0 {
		block := b[:min(len(b), maxLiterals)]
		b = b[len(block):]
		dst = packBlock(dst, block, len(b) == 0, s)
	}
	return dst
}

// packBlock adds one block: a section of literals and no sequences, or the
// bytes as they are.
func packBlock(dst, block []byte, last bool, s *huff0.Scratch) []byte {
	header := uint32(0)
	if last {
		header = 1
	}
	out, reused, err := huff0.Compress4X(block, s)
	if err != nil || len(out)+6 >= len(block) {
		header |= blockRaw<<1 | uint32(len(block))<<3
		dst = append(dst, byte(header), byte(header>>8), byte(header>>16))
		s.Reuse = huff0.ReusePolicyNone // no table went out with this block
		return append(dst, block...)
	}
	kind := uint64(litsCompressed)
	if reused {
		kind = litsTreeless
	}
	s.Reuse = huff0.ReusePolicyAllow
	header |= blockCompressed<<1 | uint32(5+len(out)+1)<<3
	dst = append(dst, byte(header), byte(header>>8), byte(header>>16))
	sizes := kind | 3<<2 | uint64(len(block))<<4 | uint64(len(out))<<22 // both in 18 bits
	dst = append(dst, byte(sizes), byte(sizes>>8), byte(sizes>>16), byte(sizes>>24), byte(sizes>>32))
	dst = append(dst, out...)
	return append(dst, 0)
}
