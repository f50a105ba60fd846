package pdftext

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// layout makes lines of the glyphs of a page, in the order in which they are
// written: a jump makes a line, a gap a space.
type layout struct {
	out    strings.Builder
	line   []placed
	x, y   float64 // where the glyph before ended
	length int     // bytes of the page so far
	dirX   float64 // the way the line runs
	dirY   float64
	size   float64 // of its letters
	begun  bool
}

// placed is a glyph on a line, or a gap.
type placed struct {
	text string
	at   float64 // along the line
}

// put takes one glyph: its matrix, and where it ends.
func (l *layout) put(text string, m matrix, endX, endY float64) {
	dx, dy := m.a, m.b
	n := math.Hypot(dx, dy)
	if n == 0 || math.IsNaN(n) || math.IsInf(n, 0) {
		dx, dy, n = 1, 0, 1
	}
	dx, dy = dx/n, dy/n
	size := max(math.Hypot(m.c, m.d), 1e-6)
	if l.begun {
		along := (m.e-l.x)*dx + (m.f-l.y)*dy
		across := (m.f-l.y)*dx - (m.e-l.x)*dy
		turned := dx*l.dirX+dy*l.dirY < 0.9
		high := max(size, l.size)
		switch {
		case turned, math.Abs(across) > 0.6*high, along < -2*high && !l.backwards(text), along > 40*high:
			l.flush()
		case along > 0.17*size, along < -0.5*high:
			l.add(" ", l.x*dx+l.y*dy)
		}
	}
	l.begun, l.dirX, l.dirY, l.size = true, dx, dy, size
	l.x, l.y = endX, endY
	l.add(text, m.e*dx+m.f*dy)
}

// backwards reports whether the line may go on to the left: it is written in a
// script that does.
func (l *layout) backwards(text string) bool {
	return rightToLeft(text) || len(l.line) > 0 && rightToLeft(l.line[len(l.line)-1].text)
}

func (l *layout) add(text string, at float64) {
	if text == "" {
		return
	}
	l.line = append(l.line, placed{text, at})
	l.length += len(text)
}

// end returns what the page says and begins the next.
func (l *layout) end() string {
	l.flush()
	text := l.out.String()
	*l = layout{}
	return text
}

// flush ends the line.
func (l *layout) flush() {
	line := l.line
	if slices.ContainsFunc(line, func(p placed) bool { return rightToLeft(p.text) }) {
		line = logical(line)
	}
	line = vowelsBehind(line)
	var b strings.Builder
	for _, p := range line {
		b.WriteString(p.text)
	}
	text := strings.Join(strings.Fields(b.String()), " ")
	if strings.ContainsFunc(text, presentation) {
		text = norm.NFKC.String(text)
	}
	if text = norm.NFC.String(text); text != "" {
		l.out.WriteString(text)
		l.out.WriteByte('\n')
	}
	l.line = l.line[:0]
}

// presentation reports whether a letter is one of those that stand for others
// as they are drawn: ligatures, and the forms of Arabic letters.
func presentation(r rune) bool {
	return 0xFB00 <= r && r <= 0xFDFF || 0xFE70 <= r && r <= 0xFEFE
}

func rightToLeft(s string) bool {
	for _, r := range s {
		if unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko) {
			return true
		}
	}
	return false
}

// logical puts a line with words from right to left into the order in which it
// is read: what was drawn goes from left to right.
func logical(line []placed) []placed {
	line = slices.Clone(line)
	slices.SortStableFunc(line, func(a, b placed) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	right, left := 0, 0
	for _, p := range line {
		if rightToLeft(p.text) {
			right++
		} else if strings.ContainsFunc(p.text, unicode.IsLetter) {
			left++
		}
	}
	if right >= left { // the line itself goes from right to left
		slices.Reverse(line)
		turn(line, func(s string) bool { return !rightToLeft(s) && strings.ContainsFunc(s, isWordly) })
		return line
	}
	turn(line, rightToLeft)
	return line
}

func isWordly(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// turn reverses each run of glyphs that are such, with what stands between them.
func turn(line []placed, such func(string) bool) {
	for i := 0; i < len(line); i++ {
		if !such(line[i].text) {
			continue
		}
		last := i
		for k := i + 1; k < len(line) && (such(line[k].text) || neutral(line[k].text)); k++ {
			if such(line[k].text) {
				last = k
			}
		}
		slices.Reverse(line[i : last+1])
		i = last
	}
}

func neutral(s string) bool { return !strings.ContainsFunc(s, isWordly) }

// before are the vowel signs of Indic scripts that are drawn before the
// consonant they are read behind.
const before = "ি\u09c7\u09c8\u093f\u0a3f\u0abf\u0b47\u0b48\u0bc6\u0bc7\u0bc8\u0d46\u0d47\u0d48"

// vowelsBehind puts those signs where they are read.
func vowelsBehind(line []placed) []placed {
	for i := 0; i+1 < len(line); i++ {
		r, n := utf8.DecodeRuneInString(line[i].text)
		next, _ := utf8.DecodeRuneInString(line[i+1].text)
		if n != len(line[i].text) || !strings.ContainsRune(before, r) || !unicode.Is(unicode.Lo, next) {
			continue
		}
		line[i], line[i+1] = line[i+1], line[i]
		i++
	}
	return line
}
