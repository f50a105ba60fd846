package message

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxAttribution bounds the lines and bytes over which somebody is said to
// have written what follows.
const (
	maxAttributionLines = 5
	maxAttribution      = 400
	shortAttribution    = 60 // bytes of one that says neither when nor an address
)

// attributionAt returns the index after the lines from i on that say "On DATE,
// NAME wrote:" in any language, and how sure that is.
//
// It knows the words of many languages, and needs them only where nothing else
// is plain: a date with a time and an address in brackets before a colon are
// an attribution in languages nobody taught.
func attributionAt(lines []string, i int) (end int, kind introductionKind) {
	for n := 1; n <= maxAttributionLines && i+n <= len(lines); n++ {
		line := trimEdges(lines[i+n-1])
		if line == "" || len(line) > 300 || n > 1 && isQuoted(lines[i+n-1]) && !closesAngle(lines[i+n-2], line) {
			return 0, noIntroduction
		}
		if n == 1 && !opensAttribution(line) && !endsAttribution(line) && !namesSender(lines, i) {
			return 0, noIntroduction
		}
		if n == 1 && runsOn(line) {
			return len(lines), attribution
		}
		if !endsAttribution(line) {
			if strings.IndexByte(".!?", line[len(line)-1]) >= 0 && when(line) == (clues{}) {
				return 0, noIntroduction
			}
			continue
		}
		joined := strings.Join(lines[i:i+n], " ")
		if len(joined) > maxAttribution {
			return 0, noIntroduction
		}
		kind = judgeAttribution(joined)
		if kind == attribution && proseBefore(lines[i:i+n]) {
			return 0, noIntroduction
		}
		if kind == noIntroduction {
			return 0, kind
		}
		return i + n, kind
	}
	return 0, noIntroduction
}

// namesSender reports whether a line is a name whose address begins the next.
func namesSender(lines []string, i int) bool {
	if i+1 >= len(lines) || strings.Count(lines[i], " ") > 4 {
		return false
	}
	next := trimEdges(lines[i+1])
	k := strings.IndexByte(next, '>')
	return next != "" && next[0] == '<' && k > 0 && strings.IndexByte(next[:k], '@') > 0
}

// runsOn reports whether a line says who wrote and goes on with what: Yahoo's
// program for phones puts both in one line, with a gap between them.
func runsOn(line string) bool {
	k := strings.Index(line, ":  ")
	return k > 0 && k < maxAttribution && strings.IndexByte(line[:k], '@') > 0 && judgeAttribution(line[:k+1]) == attribution
}

// closesAngle reports whether a line that looks quoted ends an address that
// the line before it began.
func closesAngle(before, line string) bool {
	return strings.HasPrefix(line, ">") && strings.LastIndexByte(before, '<') > strings.LastIndexByte(before, '>')
}

// proseBefore reports whether the first of the lines says nothing of who and
// when: what follows it is an attribution by itself.
func proseBefore(lines []string) bool {
	first := trimEdges(lines[0])
	if len(lines) < 2 || opensWithDate(first) || namesSender(lines, 0) {
		return false
	}
	for k := 1; k < len(lines); k++ {
		rest := strings.Join(lines[k:], " ")
		if when(rest).dated() && judgeAttribution(rest) == attribution {
			return true
		}
	}
	return false
}

// trimEdges removes blanks, emphasis and direction marks around a line.
func trimEdges(line string) string { return strings.Trim(strings.TrimSpace(line), edges+"_") }

// endsAttribution reports whether an attribution may end with this line.
func endsAttribution(line string) bool {
	if line == "" {
		return false
	}
	switch line[len(line)-1] {
	case ':':
		return true
	case '-':
		return strings.HasSuffix(line, "---")
	case 'e': // some drop the colon
		return strings.HasSuffix(line, " wrote") || line == "wrote"
	}
	return strings.HasSuffix(line, "：")
}

// judgeAttribution says what a passage that ends like an attribution is.
func judgeAttribution(s string) introductionKind {
	c := when(s)
	at := strings.Contains(s, "@")
	if !at && c.digits < 3 && len(s) >= shortAttribution {
		return noIntroduction
	}
	angle := at && (strings.IndexByte(s, '<') >= 0 || strings.IndexByte(s, '(') >= 0 || strings.Contains(s, "&lt;"))
	low := strings.ToLower(" " + s)
	wrote := slices.ContainsFunc(wroteWords.in(low), func(w string) bool {
		k := strings.LastIndex(low, w)
		return k >= 0 && len(low)-k < len(w)+160
	})
	switch {
	case wrote && c.dated() && (at || c.clock || opensWithDate(strings.TrimSpace(s))):
		return attribution
	case angle && c.dated() && c.clock:
		return attribution
	case wrote && angle:
		return attribution
	case !wrote && saysSo(low):
		return weakAttribution // prose tells what people said
	case wrote && (c.digits >= 3 || at), c.dated() && c.clock && len(s) < 160, angle && c.dated():
		return weakAttribution
	case wrote && len(s) < shortAttribution: // "Carol Roe wrote:"
		return weakAttribution
	}
	return noIntroduction
}

// saysSo reports whether a passage in lower case ends with "said:".
func saysSo(low string) bool { return strings.HasSuffix(strings.TrimRight(low, ":"), " said") }

// opensAttribution reports whether a line may be the first of several that
// say when and who: prose before them is not.
func opensAttribution(line string) bool {
	start := clip(line, 40)
	if start[0] == '<' || start[0] == '"' || strings.IndexFunc(start, unicode.IsDigit) >= 0 || strings.IndexByte(line, '@') >= 0 {
		return true
	}
	if !isASCII(start) {
		start = strings.ToLower(start)
	}
	return opens(start)
}

// opens reports whether a line begins with one of the openers.
func opens(line string) bool {
	c := line[0]
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return slices.ContainsFunc(openersBy[c], func(o string) bool { return hasPrefixFold(line, o) })
}

// openersBy holds the openers by their first byte: every line is asked.
var openersBy = func() (by [256][]string) {
	for _, o := range openers {
		by[o[0]] = append(by[o[0]], o)
	}
	return by
}()

// opensWithDate reports whether a date begins the line, or follows a word such
// as "On" and the day of the week.
func opensWithDate(line string) bool {
	opened := line != "" && opens(line) || !isASCII(clip(line, 8))
	for n, word := range strings.Fields(clip(line, 80)) {
		if n > 3 {
			break
		}
		r, _ := utf8.DecodeRuneInString(strings.TrimLeft(word, edges+"("))
		if unicode.IsDigit(r) {
			return true
		}
		if n == 0 {
			opened = opened || strings.HasSuffix(word, ",") || strings.HasSuffix(word, ".")
		}
		if n == 1 && !opened {
			return false
		}
	}
	return false
}

// hasPrefixFold reports whether s begins with prefix, which is in lower case;
// capital ASCII letters of s count as small ones.
func hasPrefixFold(s, prefix string) bool {
	if len(s) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != prefix[i] {
			return false
		}
	}
	return true
}

// clues are what the digits of a passage tell.
type clues struct {
	digits int
	year   bool // 1970 to 2099, or one of the Thai and Persian calendars
	clock  bool // 10:00, 10.00, 10h00
	full   bool // 21.11.2022, 11/21/22, 2022-11-21
	groups int  // runs of digits
}

// dated reports whether there is a date.
func (c clues) dated() bool { return c.full || c.year && c.groups >= 2 || c.clock && c.groups >= 3 }

// when looks for dates and times in a passage, in the digits of any script.
func when(s string) (c clues) {
	var run, before int      // the digits of this run and of the one before
	var value, chain int     // its value; runs joined by the sign between them
	dotted := 0              // 10.00 is a time where it is no beginning of 10.00.2022
	var sep, gap rune = 0, 0 // the sign before this run, and what has come since the last
	end := func() {
		if run == 0 {
			return
		}
		c.groups++
		c.year = c.year || run == 4 && (value >= 1970 && value < 2100 || value >= 2500 && value < 2600 || value >= 1380 && value < 1450)
		c.clock = c.clock || (sep == ':' || sep == 'h') && run == 2 && before > 0 && before <= 2 && chain == 1
		switch {
		case sep != '.':
		case chain == 1 && run == 2 && before <= 2:
			dotted++
		case chain == 2 && dotted > 0:
			dotted--
		}
		if chain >= 2 && (sep == '.' || sep == '/' || sep == '-' || sep == '年' || sep == '月') {
			c.full = true
		}
		before, run, value, gap = run, 0, 0, 0
	}
	for _, r := range s {
		if d, ok := digit(r); ok {
			if run == 0 {
				if sep = gap; sep != 0 && before > 0 {
					chain++
				} else {
					chain = 0
				}
			}
			run++
			c.digits++
			value = min(value*10+d, 1<<20)
			continue
		}
		end()
		switch {
		case r == ' ' && gap == '.', r == '\u200f', r == '\u200e': // 21. 11. 2022
		case before > 0 && gap == 0 && strings.ContainsRune(".:/-h年月", r):
			gap = r
		default:
			gap, before = 0, 0
		}
	}
	end()
	c.clock = c.clock || dotted > 0
	return c
}

// digit returns the value of a decimal digit of any script.
func digit(r rune) (int, bool) {
	if r < utf8.RuneSelf {
		return int(r - '0'), r >= '0' && r <= '9'
	}
	if !unicode.Is(unicode.Nd, r) {
		return 0, false
	}
	zero := r // the digits of a script stand in a row of ten
	for n := 0; n < 9 && unicode.Is(unicode.Nd, zero-1); n++ {
		zero--
	}
	return int(r-zero) % 10, true
}
