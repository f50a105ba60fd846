package message

import (
	"bytes"
	"encoding/base64"
)

// base64Decoder decodes a stream of base64 pieces. It skips what is not
// base64 and goes on after padding, so that a damaged part yields what it can.
type base64Decoder struct {
	group  [4]byte
	n      int
	padded bool // padding was seen: lines that are not wholly base64 are footers
	dirty  bool // something was skipped
}

// decode appends the bytes of src to dst.
func (d *base64Decoder) decode(dst, src []byte) []byte {
	for len(src) > 0 && (src[len(src)-1] == '\r' || src[len(src)-1] == '\n') {
		src = src[:len(src)-1]
	}
	if d.n == 0 && len(src)%4 == 0 && len(src) > 0 {
		at := len(dst)
		dst = append(dst, make([]byte, len(src)/4*3)...)
		n, err := base64.StdEncoding.Decode(dst[at:], src)
		if err == nil {
			d.padded = d.padded || src[len(src)-1] == '='
			return dst[:at+n]
		}
		dst = dst[:at]
	}
	if d.padded && bytes.ContainsFunc(src, func(r rune) bool { return r > 127 || base64Value[byte(r)] == 0xff && r != '=' }) {
		d.dirty = true
		return dst
	}
	for _, c := range src {
		switch v := base64Value[c]; {
		case v != 0xff:
			d.group[d.n] = v
			if d.n++; d.n == 4 {
				g := d.group
				dst = append(dst, g[0]<<2|g[1]>>4, g[1]<<4|g[2]>>2, g[2]<<6|g[3])
				d.n = 0
			}
		case c == '=':
			dst = d.finish(dst)
			d.padded = true
		case !isSpace(c):
			d.dirty = true
		}
	}
	return dst
}

// finish appends what an incomplete last group still yields.
func (d *base64Decoder) finish(dst []byte) []byte {
	g := d.group
	switch d.n {
	case 2:
		dst = append(dst, g[0]<<2|g[1]>>4)
	case 3:
		dst = append(dst, g[0]<<2|g[1]>>4, g[1]<<4|g[2]>>2)
	}
	d.n = 0
	return dst
}

// base64Value maps a character to its six bits, 0xff for others. The URL
// alphabet is accepted as well.
var base64Value = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = byte(i)
	}
	t['-'], t['_'] = 62, 63
	return t
}()

// qpDecoder decodes a stream of quoted-printable lines or pieces of lines.
type qpDecoder struct {
	held  [2]byte // an escape cut by the end of a piece
	n     int
	dirty bool
}

// decode appends the bytes of piece to dst; end says that a line ends here.
func (d *qpDecoder) decode(dst, piece []byte, end bool) []byte {
	if d.n > 0 {
		piece = append(append(make([]byte, 0, d.n+len(piece)), d.held[:d.n]...), piece...)
		d.n = 0
	}
	if end {
		for n := len(piece); n > 0 && isSpace(piece[n-1]); n-- {
			piece = piece[:n-1]
		}
	}
	for i := 0; i < len(piece); {
		j := bytes.IndexByte(piece[i:], '=')
		if j < 0 {
			dst = append(dst, piece[i:]...)
			break
		}
		dst = append(dst, piece[i:i+j]...)
		i += j
		left := len(piece) - i
		switch {
		case left >= 3 && isHex(piece[i+1]) && isHex(piece[i+2]):
			dst = append(dst, unhex(piece[i+1])<<4|unhex(piece[i+2]))
			i += 3
		case left == 1 && end:
			return dst // a soft line break
		case left < 3 && !end:
			d.n = copy(d.held[:], piece[i:])
			return dst
		default:
			d.dirty = true
			dst = append(dst, '=')
			i++
		}
	}
	if end {
		dst = append(dst, '\n')
	}
	return dst
}
