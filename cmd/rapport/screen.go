package main

import (
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// screen is where text goes, as far as laying it out depends on it.
type screen struct {
	terminal bool
	colour   bool
	width    int // columns; of a file or pipe, enough for whole lines
}

// fileWidth is how wide timelines get outside a terminal.
const fileWidth = 120

func screenOf(w io.Writer, env func(string) string) screen {
	f, ok := w.(*os.File)
	if !ok {
		return screen{width: fileWidth}
	}
	width, ok := columns(f)
	if !ok {
		return screen{width: fileWidth}
	}
	if n, err := strconv.Atoi(env("COLUMNS")); err == nil && n > 0 {
		width = n
	}
	if width < 40 {
		width = 80
	}
	return screen{terminal: true, colour: env("NO_COLOR") == "" && env("TERM") != "dumb", width: width}
}

// style is one way to stand out.
type style string

// The styles, as SGR parameters of the terminal's own palette.
const (
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	blue   style = "34"
	cyan   style = "36"
)

// paint styles text where there is colour.
func (sc screen) paint(st style, text string) string {
	if !sc.colour || text == "" {
		return text
	}
	return "\x1b[" + string(st) + "m" + text + "\x1b[0m"
}

// plain makes foreign text safe for one line of a terminal: escape sequences,
// control characters and what turns the direction of writing are taken out,
// line ends and tabs become spaces.
func plain(s string) string {
	return strings.TrimSpace(strings.Join(strings.Fields(plainLines(s)), " "))
}

// maxMarks bounds the combining marks over one letter; no script needs more,
// and a pile of them paints over other lines.
const maxMarks = 6

// plainLines is plain for text of several lines.
func plainLines(s string) string {
	var b strings.Builder
	marks := 0
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	for i := 0; i < len(s); {
		r, size := decodeRune(s[i:])
		if n := escapeLength(s[i:]); n > 0 {
			i += n
			continue
		}
		i += size
		switch {
		case r == '\n':
			b.WriteByte('\n')
		case r == '\t' || r == '\u2028' || r == '\u2029' || r == '\r':
			b.WriteByte(' ')
		case unicode.IsControl(r) || steers(r):
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r):
			if marks++; marks <= maxMarks {
				b.WriteRune(r)
			}
			continue
		default:
			b.WriteRune(r)
		}
		marks = 0
	}
	return b.String()
}

func decodeRune(s string) (rune, int) {
	for _, r := range s {
		return r, len(string(r))
	}
	return 0, 1
}

// steers reports characters that are not seen and change how others are read:
// embeddings, overrides and isolates of direction, byte order marks, tags.
func steers(r rune) bool {
	return r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069' || r == '\uFEFF' || r == '\u00AD' ||
		r == '\u200B' || r == '\u2060' || r >= 0xE0000 && r <= 0xE007F
}

// escapeLength returns how long an escape sequence at the beginning of s is, 0
// where there is none (ECMA-48: CSI, and the strings OSC, DCS, SOS, PM, APC).
func escapeLength(s string) int {
	intro, rest := 0, byte(0)
	switch {
	case len(s) >= 2 && s[0] == 0x1b:
		intro, rest = 2, s[1]
	case len(s) >= 2 && s[0] == 0xc2 && s[1] >= 0x90 && s[1] <= 0x9f: // C1, of which these have the same meaning
		intro, rest = 2, s[1]-0x40
	default:
		return 0
	}
	switch rest {
	case '[':
		for i := intro; i < len(s) && i < intro+64; i++ {
			if s[i] >= 0x40 && s[i] <= 0x7e {
				return i + 1
			}
			if s[i] < 0x20 || s[i] > 0x7e {
				return i
			}
		}
		return min(len(s), intro+64)
	case ']', 'P', 'X', '^', '_':
		for i := intro; i < len(s) && i < intro+4096; i++ {
			switch {
			case s[i] == 0x07:
				return i + 1
			case s[i] == 0x1b && i+1 < len(s) && s[i+1] == '\\':
				return i + 2
			case s[i] == '\n':
				return i
			}
		}
		return intro
	}
	return 1 // the escape alone; what follows is text
}

// width is how many columns s takes: East Asian characters two, marks none.
func width(s string) int { return uniseg.StringWidth(s) }

// cut shortens s to at most n columns, the last of them an ellipsis.
func cut(s string, n int) string {
	if n <= 0 {
		return ""
	}
	if width(s) <= n {
		return s
	}
	var b strings.Builder
	used, state := 0, -1
	for rest := s; rest != ""; {
		var cluster string
		var w int
		cluster, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+w > n-1 {
			break
		}
		b.WriteString(cluster)
		used += w
	}
	return strings.TrimRight(b.String(), " ") + "…"
}

// pad fills s with spaces to n columns.
func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-width(s)))
}

// padLeft is pad on the other side, for numbers.
func padLeft(s string, n int) string {
	return strings.Repeat(" ", max(0, n-width(s))) + s
}

// wrap breaks s into lines of at most n columns between words; a longer word
// is broken anywhere.
func wrap(s string, n int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		for width(word) > n {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			head := strings.TrimSuffix(cut(word, n), "…")
			if head == "" {
				return append(lines, word)
			}
			lines, word = append(lines, head), word[len(head):]
		}
		switch {
		case line == "":
			line = word
		case width(line)+1+width(word) <= n:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
