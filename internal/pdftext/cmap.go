package pdftext

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
)

// cmap is a table of codes as files bring them (Adobe Technical Note 5014): how
// long codes are, and which characters they stand for.
type cmap struct {
	spaces []codespace
	ranges []codeRange // sorted
}

type codespace struct {
	low, high []byte
}

// codeRange maps codes one after the other; all of them to the same text where
// it says so.
type codeRange struct {
	low, high int
	bytes     int // of a code; 0 where any will do
	to        []uint16
}

// maxRanges bounds how many ranges of one table are kept.
const maxRanges = 1 << 17

// parseCMap reads a table; nil where there is nothing in it.
func parseCMap(content []byte) *cmap {
	if len(content) == 0 {
		return nil
	}
	m := &cmap{}
	l := &lexer{in: content}
	var args []token
	for {
		t := l.next()
		if t.kind == ended || len(m.ranges) > maxRanges {
			break
		}
		if t.kind != operator {
			if len(args) < maxRanges {
				args = append(args, t)
			}
			continue
		}
		switch string(t.bytes) {
		case "endcodespacerange":
			m.codespaces(args)
		case "endbfchar":
			m.characters(args)
		case "endbfrange":
			m.bfranges(args)
		}
		args = args[:0]
	}
	slices.SortStableFunc(m.ranges, func(a, b codeRange) int { return cmp.Compare(a.low, b.low) })
	return m
}

func (m *cmap) codespaces(args []token) {
	for i := 0; i+1 < len(args) && len(m.spaces) < 100; i += 2 {
		if low, high := args[i].bytes, args[i+1].bytes; len(low) == len(high) && len(low) > 0 && len(low) <= 4 {
			m.spaces = append(m.spaces, codespace{low, high})
		}
	}
}

func (m *cmap) characters(args []token) {
	for i := 0; i+1 < len(args); i += 2 {
		m.add(args[i].bytes, args[i].bytes, args[i+1].bytes)
	}
}

// bfranges reads <low> <high> <first> and <low> <high> [<one> <two> …].
func (m *cmap) bfranges(args []token) {
	for i := 0; i+2 < len(args); {
		low, high := args[i].bytes, args[i+1].bytes
		if args[i+2].kind != open_ {
			m.add(low, high, args[i+2].bytes)
			i += 3
			continue
		}
		i += 3
		for c := codeOf(low); i < len(args) && args[i].kind == text; c, i = c+1, i+1 {
			m.put(c, c, len(low), args[i].bytes)
		}
		i++
	}
}

func codeOf(b []byte) int {
	c := 0
	for _, x := range b[:min(len(b), 4)] {
		c = c<<8 | int(x)
	}
	return c
}

func (m *cmap) add(low, high, to []byte) { m.put(codeOf(low), codeOf(high), len(low), to) }

// maxLetters bounds what one code may stand for.
const maxLetters = 32

func (m *cmap) put(low, high, n int, to []byte) {
	if high < low || len(to) == 0 || len(m.ranges) > maxRanges {
		return
	}
	if len(to) == 1 { // some write a letter as one byte
		to = []byte{0, to[0]}
	}
	units := make([]uint16, 0, len(to)/2)
	for i := 0; i+1 < min(len(to), 2*maxLetters); i += 2 {
		units = append(units, uint16(to[i])<<8|uint16(to[i+1]))
	}
	m.ranges = append(m.ranges, codeRange{low: low, high: high, bytes: n, to: units})
}

// get tells what a code stands for, and whether the table knows. Code lengths
// of tables are often wrong in files whose codes are plain.
func (m *cmap) get(code, _ int) (string, bool) {
	if m == nil {
		return "", false
	}
	i, _ := slices.BinarySearchFunc(m.ranges, code+1, func(r codeRange, c int) int { return cmp.Compare(r.low, c) })
	if i == 0 || m.ranges[i-1].high < code {
		return "", false
	}
	r := m.ranges[i-1]
	to := slices.Clone(r.to)
	to[len(to)-1] += uint16(code - r.low)
	return clean(string(utf16.Decode(to))), true
}

// length is how many bytes the first code of b has.
func (m *cmap) length(b []byte) int {
	for n := 1; n <= min(4, len(b)); n++ {
		for _, s := range m.spaces {
			if len(s.low) == n && within(b[:n], s) {
				return n
			}
		}
	}
	if len(m.spaces) > 0 {
		return len(m.spaces[0].low)
	}
	return 2
}

func within(b []byte, s codespace) bool {
	for i, c := range b {
		if c < s.low[i] || c > s.high[i] {
			return false
		}
	}
	return true
}

// clean leaves out what no reader shows: codes of a font's own, controls.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == 0xA0, r == '\r':
			return ' '
		case r == unicode.ReplacementChar, r == 0xAD, unicode.Is(unicode.Co, r), r < ' ', 0x7F <= r && r < 0xA0, r == 0xFEFF:
			return -1
		}
		return r
	}, s)
}

// textString decodes a string that is no content of a page: UTF-16 or UTF-8
// with their marks, or PDFDocEncoding, whose letters are nearly Latin 1.
func textString(b []byte) string {
	if len(b) >= 2 && b[0] == 0xFE && b[1] == 0xFF {
		units := make([]uint16, 0, len(b)/2)
		for i := 2; i+1 < len(b); i += 2 {
			units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
		}
		return clean(string(utf16.Decode(units)))
	}
	if rest, ok := strings.CutPrefix(string(b), "\xef\xbb\xbf"); ok {
		return clean(rest)
	}
	var out strings.Builder
	for _, c := range b {
		out.WriteRune(rune(c))
	}
	return clean(out.String())
}
