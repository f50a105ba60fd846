package pdftext

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"

	metrics "github.com/pdfcpu/pdfcpu/pkg/font"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
)

// font says what the codes of a string mean and how wide they are.
type font struct {
	wide    bool              // codes of several bytes (a composite font)
	said    *cmap             // ToUnicode: what codes mean
	codes   *cmap             // a CMap of the file's own: how long codes are
	charset encoding.Encoding // what codes are in, where they are characters of a charset
	utf16   bool
	letters [256]string     // of a simple font
	widths  map[int]float64 // in parts of the size
	missing float64
}

// glyph is one code of a string.
type glyph struct {
	text  string
	width float64
}

// maxFonts bounds how many fonts are read of one file.
const maxFonts = 1000

// fontOf reads a font, once; nil where there is none.
func (r *reading) fontOf(o types.Object) *font {
	ref, isRef := o.(types.IndirectRef)
	if f, ok := r.fonts[ref]; isRef && ok {
		return f
	}
	d := r.dict(o)
	if d == nil || len(r.fonts) >= maxFonts {
		return nil
	}
	f := r.newFont(d)
	if !isRef { // counted, and never found again
		ref = types.IndirectRef{ObjectNumber: types.Integer(-len(r.fonts))}
	}
	r.fonts[ref] = f
	return f
}

func (r *reading) newFont(d types.Dict) *font {
	f := &font{widths: map[int]float64{}, missing: 0.5}
	if d["ToUnicode"] != nil {
		f.said = parseCMap(r.stream(d["ToUnicode"]))
	}
	if isName(d["Subtype"], "Type0") {
		f.wide = true
		r.composite(f, d)
		return f
	}
	r.simple(f, d)
	return f
}

// charsets are the encodings that codes of composite fonts may be in, by a part
// of the name of their CMap (ISO 32000-1, table 118).
var charsets = []struct {
	part string
	in   encoding.Encoding
}{
	{"RKSJ", japanese.ShiftJIS}, {"EUC-H", japanese.EUCJP}, {"EUC-V", japanese.EUCJP},
	{"GBK", simplifiedchinese.GBK}, {"GBpc", simplifiedchinese.GBK}, {"GB-EUC", simplifiedchinese.GBK},
	{"B5pc", traditionalchinese.Big5}, {"ETen", traditionalchinese.Big5}, {"HKscs", traditionalchinese.Big5},
	{"KSC", korean.EUCKR},
}

// composite reads a font whose codes are several bytes long.
func (r *reading) composite(f *font, d types.Dict) {
	called := r.name(d["Encoding"])
	switch {
	case called == "":
		f.codes = parseCMap(r.stream(d["Encoding"]))
	case strings.Contains(called, "UCS2"), strings.Contains(called, "UTF16"):
		f.utf16 = true
	default:
		for _, c := range charsets {
			if strings.Contains(called, c.part) && !strings.HasPrefix(called, "Identity") {
				f.charset = c.in
				// A Chinese one in EUC is called GB-EUC, a Korean KSC-EUC.
				if strings.HasPrefix(called, "GB") {
					f.charset = simplifiedchinese.GBK
				}
				if strings.HasPrefix(called, "KSC") {
					f.charset = korean.EUCKR
				}
				break
			}
		}
	}
	below := r.array(d["DescendantFonts"])
	if len(below) == 0 {
		return
	}
	cid := r.dict(below[0])
	f.missing = r.number(cid["DW"], 1000) / 1000
	if f.charset == nil && !f.utf16 { // elsewhere widths go by numbers that only the charset's tables know
		r.cidWidths(f, r.array(cid["W"]))
	}
}

// maxWidths bounds how many widths are kept of one font.
const maxWidths = 1 << 16

// cidWidths reads "c [w1 w2 …]" and "first last w".
func (r *reading) cidWidths(f *font, w types.Array) {
	for i := 0; i+1 < len(w); {
		first := int(r.number(w[i], 0))
		if list := r.array(w[i+1]); list != nil {
			for k, v := range list {
				if len(f.widths) < maxWidths {
					f.widths[first+k] = r.number(v, 0) / 1000
				}
			}
			i += 2
			continue
		}
		if i+2 >= len(w) {
			return
		}
		last, v := int(r.number(w[i+1], 0)), r.number(w[i+2], 0)/1000
		for c := first; c <= last && c-first < maxWidths && len(f.widths) < maxWidths; c++ {
			f.widths[c] = v
		}
		i += 3
	}
}

// simple reads a font of at most 256 codes.
func (r *reading) simple(f *font, d types.Dict) {
	base := r.name(d["BaseFont"])
	r.letters(f, d)
	scale := 1.0 / 1000
	if m := r.array(d["FontMatrix"]); len(m) == 6 { // a font drawn by the file itself
		scale = r.number(m[0], scale)
	}
	if m, ok := r.dict(d["FontDescriptor"])["MissingWidth"]; ok {
		f.missing = r.number(m, 500) * scale
	}
	first := int(r.number(d["FirstChar"], 0))
	list := r.array(d["Widths"])
	for i, w := range list[:min(len(list), 256)] {
		f.widths[first+i] = r.number(w, 0) * scale
	}
	if list == nil && metrics.IsCoreFont(base) {
		for c, s := range f.letters {
			letter, _ := utf8.DecodeRuneInString(s)
			if w, err := metrics.CharWidth(base, letter); err == nil && s != "" {
				f.widths[c] = float64(w) / 1000
			}
		}
	}
}

// letters tells what the codes of a simple font mean: an encoding, and what
// differs from it.
func (r *reading) letters(f *font, d types.Dict) {
	enc := r.value(d["Encoding"])
	base := ""
	var differences types.Array
	switch e := enc.(type) {
	case types.Name:
		base = string(e)
	case types.Dict:
		base, differences = r.name(e["BaseEncoding"]), r.array(e["Differences"])
	}
	switch {
	case base == "MacRomanEncoding":
		f.letters = ofCharmap(charmap.Macintosh)
	case base == "WinAnsiEncoding", isName(d["Subtype"], "TrueType"):
		f.letters = ofCharmap(charmap.Windows1252)
	default:
		f.letters = standard()
	}
	code := 0
	for _, o := range differences {
		switch v := r.value(o).(type) {
		case types.Integer:
			code = int(v)
		case types.Name:
			if code >= 0 && code < len(f.letters) {
				f.letters[code] = letterNamed(string(v))
			}
			code++
		}
	}
}

func ofCharmap(m *charmap.Charmap) (out [256]string) {
	for c := range out {
		if l := m.DecodeByte(byte(c)); l >= ' ' && l != 0xFFFD {
			out[c] = string(l)
		}
	}
	return out
}

// glyph reads the first code of b, and says how many bytes it has.
func (f *font) glyph(b []byte) (glyph, int) {
	if !f.wide {
		c := int(b[0])
		g := glyph{text: f.letters[c], width: f.width(c)}
		if said, ok := f.said.get(c, 1); ok {
			g.text = said
		}
		return g, 1
	}
	n := min(f.length(b), len(b))
	code := 0
	for _, c := range b[:n] {
		code = code<<8 | int(c)
	}
	g := glyph{width: f.width(code)}
	said, ok := f.said.get(code, n)
	switch {
	case ok:
		g.text = said
	case f.utf16 && n == 2:
		g.text = clean(string(rune(code)))
	case f.utf16 && n == 4:
		g.text = clean(string(utf16.DecodeRune(rune(code>>16), rune(code&0xFFFF))))
	case f.charset != nil:
		if s, err := f.charset.NewDecoder().Bytes(b[:n]); err == nil {
			g.text = clean(string(s))
		}
	}
	if (f.utf16 || f.charset != nil) && len(g.text) == 1 {
		g.width = 0.5 // Latin letters are half as wide there
	}
	return g, n
}

// length is how many bytes the first code of b has.
func (f *font) length(b []byte) int {
	switch {
	case f.charset == japanese.ShiftJIS:
		if b[0] < 0x80 || 0xA0 <= b[0] && b[0] < 0xE0 {
			return 1
		}
	case f.charset != nil:
		if b[0] < 0x80 {
			return 1
		}
	case f.utf16:
		if 0xD8 <= b[0] && b[0] < 0xDC {
			return 4
		}
	case f.codes != nil:
		return f.codes.length(b)
	}
	return 2
}

func (f *font) width(code int) float64 {
	if w, ok := f.widths[code]; ok {
		return w
	}
	return f.missing
}
