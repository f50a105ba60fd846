package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Fault is one thing wrong with a configuration file, and where.
type Fault struct {
	File string
	Line int // from 1; 0 where the fault has no place in the file
	Col  int // from 1, in characters
	What string
	Hint string // what to do about it; may be empty
}

// String gives the fault as FILE:LINE:COL: what (hint), always one line.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Col)
	}
	b.WriteString(": " + shorten(f.What))
	if f.Hint != "" {
		b.WriteString(" (" + f.Hint + ")")
	}
	return oneLine(b.String())
}

// Faults are all faults of a file, in the order of their places. As an error
// it prints one a line.
type Faults []Fault

// Error gives every fault on a line of its own, without a final newline.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// sorted returns the faults by place. A value that several sections share
// through an alias is wrong in each of them and reported once.
func (fs Faults) sorted() Faults {
	slices.SortStableFunc(fs, func(a, b Fault) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Col - b.Col
	})
	return slices.CompactFunc(fs, func(a, b Fault) bool {
		return a.Line == b.Line && a.Col == b.Col && sectionOf(a.What) == sectionOf(b.What)
	})
}

// maxWhat bounds one fault, which quotes the file.
const maxWhat = 500

func shorten(s string) string {
	if len(s) <= maxWhat {
		return s
	}
	return s[:maxWhat/2] + " … " + s[len(s)-maxWhat/2:] // oneLine mends a character cut in two
}

// oneLine keeps what a file says from steering the terminal it is shown on.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// problem is what a value's own reading finds wrong; the reader adds the place.
type problem struct{ what, hint string }

func (p *problem) Error() string {
	if p.hint == "" {
		return p.what
	}
	return p.what + " (" + p.hint + ")"
}
