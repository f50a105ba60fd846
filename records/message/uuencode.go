package message

import "bytes"

// uuReader takes uuencoded files out of the lines of a text.
type uuReader struct {
	files int
	begin []byte      // a line that may begin a file, until the next one tells
	eol   []byte      // its end
	open  *insideFile // the file that is being read
}

// line takes a line of a text; it reports whether the line belongs to a file.
// back is a line that was held and turned out to be text.
func (u *uuReader) line(l *leaf, p piece) (taken bool, back piece) {
	switch {
	case u.open != nil:
		return u.inside(l, p), piece{}
	case u.begin != nil:
		held := piece{text: u.begin, eol: u.eol, first: true, last: true}
		_, name, _ := bytes.Cut(u.begin[len("begin "):], []byte(" "))
		name = bytes.TrimSpace(name)
		u.begin, u.eol = nil, nil
		data, ok := uuLine(p.text)
		if !ok || !p.first || !p.last || len(data) == 0 || len(name) == 0 && len(data) != fullUULine {
			return false, held
		}
		u.files++
		u.open = l.openInside(u.files)
		u.open.name = fileName(guessText(string(name), l.head.media.get("charset")), "")
		return u.inside(l, p), piece{}
	case p.first && p.last && isUUBegin(p.text) && u.files < maxUUFiles:
		u.begin, u.eol = bytes.Clone(p.text), lineEnd(p.eol)
		return true, piece{}
	}
	return false, piece{}
}

// fullUULine is how many bytes a line holds that is not a file's last.
const fullUULine = 45

// maxUUFiles bounds the files taken out of one text.
const maxUUFiles = 100

// inside takes a line of the open file. A line that cannot be one ends it and
// is text again.
func (u *uuReader) inside(l *leaf, p piece) bool {
	text := bytes.TrimRight(p.text, " \t")
	if string(text) == "end" {
		u.close(l)
		return true
	}
	data, ok := uuLine(p.text)
	if !ok || !p.first || !p.last {
		l.w.defect("uuencode-damaged")
		u.close(l)
		return false
	}
	u.open.write(data)
	return true
}

// close ends the open file.
func (u *uuReader) close(l *leaf) {
	if u.open != nil {
		l.inside = append(l.inside, u.open)
		u.open = nil
	}
}

// isUUBegin recognises "begin 644 name"; the name may be missing.
func isUUBegin(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("begin "))
	if !ok || len(line) > 300 {
		return false
	}
	mode, _, _ := bytes.Cut(rest, []byte(" "))
	if len(mode) < 3 || len(mode) > 4 {
		return false
	}
	for _, c := range mode {
		if c < '0' || c > '7' {
			return false
		}
	}
	return true
}

// maxLostBlanks is how many characters may be missing at a line's end.
const maxLostBlanks = 8

// uuLine decodes a line of uuencoded data. Blanks lost at its end count as
// zeros; one character more is a checksum some programs add.
func uuLine(line []byte) ([]byte, bool) {
	if len(line) == 0 {
		return nil, true // a zero length whose character was lost
	}
	for _, c := range line {
		if c < ' ' || c > '`' {
			return nil, false
		}
	}
	n := int(line[0]-' ') & 0x3f
	body := line[1:]
	want := (n + 2) / 3 * 4
	if len(body) > want+1 || len(body) < want-maxLostBlanks {
		return nil, false
	}
	out := make([]byte, 0, want)
	at := func(i int) byte {
		if i < len(body) {
			return (body[i] - ' ') & 0x3f
		}
		return 0
	}
	for i := 0; i < want; i += 4 {
		a, b, c, d := at(i), at(i+1), at(i+2), at(i+3)
		out = append(out, a<<2|b>>4, b<<4|c>>2, c<<6|d)
	}
	return out[:min(n, len(out))], true
}
