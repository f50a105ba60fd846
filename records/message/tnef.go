package message

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// tnefReader takes the files out of winmail.dat, which Outlook makes of a mail
// in Microsoft's Transport Neutral Encapsulation Format ([MS-OXTNEF]): a stream
// of attributes, each with its length, of which only those of attachments and
// the text count. Of a file the content is passed on, of everything else no
// more than maxTNEFAttribute is held.
type tnefReader struct {
	l     *leaf
	head  []byte // of the attribute that begins; the stream's own at first
	begun bool
	bad   bool // what follows cannot be read
	whole bool // the stream ended where an attribute does
	id    uint32
	left  uint32 // bytes of the attribute still to come
	tail  int    // bytes of its checksum still to come
	data  []byte // of the attribute
	file  *insideFile
	text  string
}

// The attributes that count.
const (
	tnefSignature   = 0x223e9f78
	tnefBody        = 0x0002800c
	tnefAttachTitle = 0x00018010
	tnefAttachData  = 0x0006800f
	tnefAttachStart = 0x00069002
	tnefAttachProps = 0x00069005
)

// maxTNEFAttribute bounds what is held of one attribute, in bytes, and
// maxTNEFFiles the files taken out of one stream.
const (
	maxTNEFAttribute = 256 << 10
	maxTNEFFiles     = 1000
)

// write takes the next bytes of the stream.
func (t *tnefReader) write(b []byte) {
	for len(b) > 0 && !t.bad {
		switch {
		case t.left > 0:
			n := min(int(min(t.left, 1<<30)), len(b))
			t.content(b[:n])
			t.left -= uint32(n)
			b = b[n:]
			if t.left == 0 {
				t.ended()
			}
		case t.tail > 0:
			n := min(t.tail, len(b))
			t.tail -= n
			b = b[n:]
			t.whole = t.tail == 0
		default:
			b = t.header(b)
		}
	}
}

// header gathers the bytes before an attribute, or those before the first.
func (t *tnefReader) header(b []byte) []byte {
	want := 9 // level, id, length
	if !t.begun {
		want = 6 // signature, key
	}
	n := min(want-len(t.head), len(b))
	t.head, t.whole = append(t.head, b[:n]...), false
	if len(t.head) < want {
		return b[n:]
	}
	head := t.head
	t.head = t.head[:0]
	if !t.begun {
		t.begun, t.bad = true, binary.LittleEndian.Uint32(head) != tnefSignature
		return b[n:]
	}
	if head[0] != 1 && head[0] != 2 {
		t.bad = true
		return nil
	}
	t.id, t.left, t.tail = binary.LittleEndian.Uint32(head[1:]), binary.LittleEndian.Uint32(head[5:]), 2
	t.data = t.data[:0]
	if t.left == 0 {
		t.ended()
	}
	return b[n:]
}

// content takes bytes of the attribute that is being read.
func (t *tnefReader) content(b []byte) {
	switch t.id {
	case tnefAttachData:
		if t.file != nil {
			t.file.write(b)
		}
	case tnefBody, tnefAttachTitle, tnefAttachProps:
		t.data = append(t.data, b[:min(len(b), maxTNEFAttribute-len(t.data))]...)
	}
}

// ended settles a whole attribute.
func (t *tnefReader) ended() {
	switch t.id {
	case tnefAttachStart:
		t.settle()
		if len(t.l.inside) < maxTNEFFiles {
			t.file = t.l.openInside(len(t.l.inside) + 1)
		}
	case tnefAttachTitle:
		if t.file != nil && t.file.name == "" {
			t.file.name = fileName(guessText(string(bytes.TrimRight(t.data, "\x00")), ""), "")
		}
	case tnefAttachProps:
		if t.file != nil {
			t.properties(t.data)
		}
	case tnefBody:
		t.text = guessText(string(bytes.TrimRight(t.data, "\x00")), "")
	}
}

// settle lists the file that is being read.
func (t *tnefReader) settle() {
	if t.file != nil {
		t.l.inside = append(t.l.inside, t.file)
		t.file = nil
	}
}

// close ends the stream. Its text counts where the mail has none beside it.
func (t *tnefReader) close() {
	t.settle()
	if t.bad || !t.whole {
		t.l.w.defect("tnef-damaged")
	}
	w := t.l.w
	if text := cleanText(t.text); strings.TrimSpace(text) != "" && !w.hasText(w.inner()) {
		w.segments = append(w.segments, segment{text: clipText(text, w.lim.Text), inner: w.inner()})
	}
}

// hasText reports whether readable text was found for a message inside, or for
// the mail itself.
func (w *walker) hasText(inner int) bool {
	for _, s := range w.segments {
		if s.inner == inner && strings.TrimSpace(s.text) != "" {
			return true
		}
	}
	return false
}

// The properties of an attachment that count: its long name and media type.
const (
	propLongName = 0x3707
	propMimeTag  = 0x370e
)

// properties reads a list of MAPI properties: a count, and for each its type,
// id, for a named one its name, and its value. A type that is not known ends
// the reading.
func (t *tnefReader) properties(b []byte) {
	p := propReader{b: b}
	for n := min(p.uint32(), 1000); n > 0 && !p.bad; n-- {
		kind, id := p.uint16(), p.uint16()
		if id >= 0x8000 {
			p.skipName()
		}
		value := p.value(kind)
		if p.bad || value == "" {
			continue
		}
		switch id {
		case propLongName:
			t.file.name = fileName(value, "")
		case propMimeTag:
			t.file.kind = clipText(strings.ToLower(cleanText(value)), 127)
		}
	}
}

// propReader reads MAPI properties; bad once there is nothing left to read.
type propReader struct {
	b   []byte
	bad bool
}

func (p *propReader) take(n uint32) []byte {
	if p.bad || uint64(n) > uint64(len(p.b)) {
		p.bad = true
		return nil
	}
	b := p.b[:n]
	p.b = p.b[n:]
	return b
}

func (p *propReader) uint16() uint16 {
	if b := p.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (p *propReader) uint32() uint32 {
	if b := p.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// skipName passes the name of a named property.
func (p *propReader) skipName() {
	p.take(16)
	if p.uint32() == 0 {
		p.take(4)
		return
	}
	p.padded(p.uint32())
}

// padded takes n bytes and those that fill them up to a multiple of four.
func (p *propReader) padded(n uint32) []byte {
	b := p.take(n)
	if n%4 != 0 {
		p.take(4 - n%4)
	}
	return b
}

// value passes a property's value and returns it where it is text. Types with
// the bit 0x1000 have several values.
func (p *propReader) value(kind uint16) string {
	switch kind &^ 0x1000 {
	case 0x0002, 0x0003, 0x0004, 0x000a, 0x000b: // of up to four bytes
		p.several(kind, 4)
	case 0x0005, 0x0006, 0x0007, 0x0014, 0x0040: // of eight
		p.several(kind, 8)
	case 0x0048: // an id
		p.several(kind, 16)
	case 0x000d, 0x001e, 0x001f, 0x0102: // of any length, with a count before them
		text := ""
		for n := min(p.uint32(), 1000); n > 0 && !p.bad; n-- {
			b := p.padded(p.uint32())
			switch kind &^ 0x1000 {
			case 0x001e:
				text = guessText(string(bytes.TrimRight(b, "\x00")), "")
			case 0x001f:
				text = strings.TrimRight(fromUTF16(b), "\x00")
			}
		}
		return text
	default:
		p.bad = true
	}
	return ""
}

// several passes one value of a fixed size, or as many as are counted.
func (p *propReader) several(kind uint16, size uint32) {
	n := uint32(1)
	if kind&0x1000 != 0 {
		n = min(p.uint32(), 1<<16)
	}
	p.take(n * size)
}

func fromUTF16(b []byte) string {
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(u))
}
