package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/words"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/unicode/norm"
)

// maxTerm bounds the bytes of one index term; longer words are cut, and a
// search for one is checked against the text.
const maxTerm = 64

// Token is one word of a text, or one character of a script that is written
// without spaces between words, folded so that spellings meet: Müller and
// muller, Straße and strasse, full width and half width.
type Token struct {
	Text   string
	Single bool // a character of a script without spaces
	Joined bool // Single, and directly after another Single
}

// Tokens splits a text into its words in order. Punctuation and white space
// yield nothing. The fold removes marks from Latin, Greek and Cyrillic only:
// elsewhere, as in Bengali, they are part of the word.
func Tokens(text string) []Token {
	out := make([]Token, 0, len(text)/6+1)
	if !utf8.ValidString(text) { // whose broken characters reach beyond a piece
		return segment(out, text)
	}
	slow := 0 // from here to the present piece the segmentation of Unicode decides
	for at := 0; at < len(text); {
		from, to, next, plain := plainPiece(text, at)
		if plain {
			out = segment(out, text[slow:at])
			slow = next
			if from < to {
				out = append(out, Token{Text: Fold(text[from:to])})
			}
		}
		at = next
	}
	return segment(out, text[slow:])
}

// The kinds of bytes for plainPiece.
const (
	oddByte   = iota // not ASCII, or one that Unicode joins words with
	spaceByte        // no word goes on over it
	wordByte
	punctByte
)

var byteKind = func() (kinds [256]byte) {
	for c := '!'; c <= '~'; c++ {
		kinds[c] = punctByte
		if isAlnum(c) {
			kinds[c] = wordByte
		}
	}
	kinds['_'] = oddByte
	for _, c := range " \t\r\n" {
		kinds[c] = spaceByte
	}
	return kinds
}()

// plainPiece looks at the piece of text from at to behind the next white
// space. Most of Latin script are plain: one run of ASCII letters and digits
// with punctuation around it at most, which is a word by every rule: from and to
// say where it stands; there is none where they are the same.
func plainPiece(text string, at int) (from, to, next int, plain bool) {
	from, to = -1, -1
	plain = true
	i := at
	for ; i < len(text); i++ {
		kind := byteKind[text[i]]
		if kind == spaceByte {
			i++
			break
		}
		switch {
		case kind == oddByte, kind == wordByte && to >= 0 && to != i:
			plain = false // and to the end of the piece
		case kind == wordByte && from < 0:
			from, to = i, i+1
		case kind == wordByte:
			to = i + 1
		}
	}
	return from, to, i, plain
}

// segment adds the words of a text that is whole pieces, by the rules of
// Unicode.
func segment(out []Token, text string) []Token {
	if text == "" {
		return out
	}
	end := -1 // where the last single character ended
	for it := words.FromString(text); it.Next(); {
		word := strings.TrimLeft(it.Value(), " \t") // a mark behind a space is one word with it
		r, _ := utf8.DecodeRuneInString(word)
		if spaceless(r) {
			out, end = appendSingles(out, word, it.Start()+len(it.Value())-len(word), end)
			continue
		}
		if !wordy(word) {
			continue
		}
		if w := Fold(word); w != "" {
			out = append(out, Token{Text: w})
		}
	}
	return out
}

// appendSingles adds each character of word with the marks that follow it.
func appendSingles(out []Token, word string, start, end int) ([]Token, int) {
	for i := 0; i < len(word); {
		r, n := utf8.DecodeRuneInString(word[i:])
		j := i + n
		for j < len(word) {
			m, k := utf8.DecodeRuneInString(word[j:])
			if !unicode.Is(unicode.M, m) {
				break
			}
			j += k
		}
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			if w := Fold(word[i:j]); w != "" {
				out = append(out, Token{Text: w, Single: true, Joined: end == start+i})
				end = start + j
			}
		}
		i = j
	}
	return out, end
}

// spaceless reports whether r belongs to a script written without spaces, or
// to Hangul, whose words carry their particles.
func spaceless(r rune) bool {
	return r >= 0x0E00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana,
		unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar) ||
		r == 'ー' || r == 'ｰ'
}

func wordy(s string) bool {
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return true
		}
	}
	return false
}

// Fold returns the form of a word under which it is searched for.
func Fold(word string) string {
	ascii, lower := true, true
	for i := 0; i < len(word); i++ {
		ascii = ascii && word[i] < utf8.RuneSelf
		lower = lower && (word[i] < 'A' || word[i] > 'Z')
	}
	if ascii && lower {
		return word
	}
	if ascii {
		return strings.ToLower(word)
	}
	if r, n := utf8.DecodeRuneInString(word); n == len(word) && foldsToItself(r) {
		return word
	}
	if folded, ok := foldKnown(word); ok {
		return folded
	}
	return foldWide(word)
}

// foldsToItself recognises the ideographs, kana and syllables that texts
// without spaces are split into, save those made for compatibility.
func foldsToItself(r rune) bool {
	return r >= 0x4E00 && r <= 0x9FFF || r >= 0x3041 && r <= 0x3096 || r >= 0x30A1 && r <= 0x30FA || r >= 0xAC00 && r <= 0xD7A3
}

// maxKnown bounds the letters whose fold is known beforehand: Latin, Greek and
// Cyrillic as they are written, without marks that stand by themselves.
const maxKnown = 0x530

// knownFolds holds the fold of each letter that yields the same whatever its
// neighbours are; "" for the others.
var knownFolds = sync.OnceValue(func() *[maxKnown]string {
	var known [maxKnown]string
	for r := range rune(maxKnown) {
		if unicode.Is(unicode.M, r) || r == 0xAD {
			continue
		}
		folded := foldWide(string(r))
		if strings.IndexFunc(folded, func(r rune) bool { return unicode.Is(unicode.M, r) }) < 0 {
			known[r] = folded
		}
	}
	return &known
})

// foldKnown is foldWide of a word all of whose letters are known, which most
// are: normalising costs thirty times as much as looking them up.
func foldKnown(word string) (string, bool) {
	known := knownFolds()
	out := make([]byte, 0, len(word)+8)
	for _, r := range word {
		if r >= maxKnown || known[r] == "" {
			return "", false
		}
		out = append(out, known[r]...)
	}
	return string(out), true
}

func foldWide(word string) string {
	var b strings.Builder
	strip := false // the last base character loses its marks
	for _, r := range norm.NFKD.String(word) {
		if unicode.Is(unicode.Mn, r) {
			if !strip {
				b.WriteRune(r)
			}
			continue
		}
		if r == 0xAD || r == 0x200B || r == 0xFEFF { // soft hyphen and zero-width spaces: invisible
			continue
		}
		strip = unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic)
		r = unicode.ToLower(r)
		if s, ok := spelled[r]; ok {
			b.WriteString(s)
			continue
		}
		b.WriteRune(r)
	}
	return norm.NFC.String(b.String())
}

// spelled holds letters that no decomposition takes apart, as people without
// the key type them.
var spelled = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d",
	'þ': "th", 'ı': "i", 'ς': "σ",
}

// cut bounds a term, at a character's boundary.
func cut(s string) string {
	if len(s) <= maxTerm {
		return s
	}
	n := maxTerm
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// parts returns the pieces of a word that holds joining punctuation, such as
// the labels of example.org; nil where it holds none.
func parts(word string) []string {
	joined := false
	for _, r := range word {
		if r < utf8.RuneSelf && !isAlnum(r) || r == '’' || r == '‿' {
			joined = true
			break
		}
	}
	if !joined {
		return nil
	}
	return strings.FieldsFunc(word, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.Is(unicode.M, r)
	})
}

func isAlnum(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z'
}

// The prefixes of terms that hold in one field only. A word never holds a
// control character, so they cannot be mistaken for text.
const (
	fromTerm    = "\x01"
	toTerm      = "\x02"
	subjectTerm = "\x03"
	fileTerm    = "\x04"
)

// Fields are the texts of one entry that can be searched.
type Fields struct {
	Subject     string   `json:"s,omitempty"`
	Text        string   `json:"t,omitempty"`
	From        []string `json:"f,omitempty"` // names and addresses
	To          []string `json:"r,omitempty"` // To, Cc and Bcc likewise
	Attachments []string `json:"a,omitempty"` // names

	Files []FileText `json:"x,omitempty"` // what attachments say that can be read
}

// FileText is the readable text of one attachment.
type FileText struct {
	Name string `json:"n,omitempty"`
	Text string `json:"t"`
}

// Document is what can be searched for of one entry, made by [NewDocument]
// outside the transaction.
type Document struct {
	Text   string
	Terms  []Term // sorted, each once; nil where the store is to make them when it has time
	Fields Fields // what the terms were made of, so that they can be made again
	Packed []byte // Fields as [Fields.Pack] returns them: what a store keeps of it; nil where it is to compress
	Dense  bool   // Packed is so
}

// denseFrom is from how many bytes of texts on zstd earns what it costs: tables
// and long texts that attachments say. Most texts are short, and most of what
// zstd does on one is preparing its tables.
const denseFrom = 16 << 10

var dense = sync.OnceValues(func() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithAllLitEntropyCompression(true),
		zstd.WithWindowSize(1<<18), zstd.WithEncoderConcurrency(2), zstd.WithLowerEncoderMem(true))
})

// Pack returns Fields as JSON, compressed with s2, or with zstd where they are
// long: then it is dense.
func (f Fields) Pack() (packed []byte, long bool, err error) {
	raw, err := json.Marshal(f)
	if err != nil {
		return nil, false, fmt.Errorf("pack the texts of an entry: %w", err)
	}
	if len(raw) < denseFrom {
		return bytes.Clone(s2.Encode(nil, raw)), false, nil
	}
	e, err := dense()
	if err != nil {
		return nil, false, fmt.Errorf("pack the texts of an entry: %w", err)
	}
	return e.EncodeAll(raw, nil), true, nil
}

// NewDocument makes what the index needs of an entry's texts.
func NewDocument(f Fields) *Document {
	d := LaterDocument(f)
	d.Terms = f.Terms()
	return d
}

// LaterDocument is NewDocument without the terms: the store makes them of
// Fields when it has time, and looks through the text until then.
func LaterDocument(f Fields) *Document {
	packed, long, err := f.Pack()
	if err != nil {
		packed = nil // the store tries again and says why
	}
	return &Document{Text: f.Text, Fields: f, Packed: packed, Dense: long}
}

// all returns the texts one by one.
func (f Fields) all() []string {
	out := make([]string, 0, 2+len(f.From)+len(f.To)+len(f.Attachments)+len(f.Files))
	out = append(out, f.Subject, f.Text)
	out = append(out, f.From...)
	out = append(out, f.To...)
	out = append(out, f.Attachments...)
	for _, file := range f.Files {
		out = append(out, file.Text)
	}
	return out
}
