package message

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// NewText returns what the author of a mail newly wrote of its readable text,
// as [Parsed].Reply. Of the head it looks at the sender, whose name begins a
// signature, and at whether the mail is a forward; the zero value of both does
// no harm.
func NewText(text string, h Head) string { return newText(strings.Split(text, "\n"), h) }

// newText returns what the author newly wrote: the text without quotes, the
// lines that introduce them, forwarded mail, signatures and what programs add.
// Where it is not plain that a passage is one of these, it stays.
//
// lines is the text cut at its line feeds.
func newText(lines []string, h Head) string {
	var text string
	own := ownLines(lines, h)
	by := authorOf(h)
	kept := make([]string, 0, len(lines))
	for n, s := range own {
		part := lines[s.from:s.to]
		if n > 0 && n == len(own)-1 && isNotice(part) && len(paragraphs(part)) == 1 {
			continue // below the quote
		}
		kept = append(kept, cutSignature(part, by)...)
		if strings.TrimSpace(part[len(part)-1]) == "" {
			kept = append(kept, "") // what stands behind the quote is a paragraph of its own
		}
	}
	switch {
	case !blank(kept):
		text = strings.Join(kept, "\n")
	default: // a signature alone is what was written
		for _, s := range own {
			if part := lines[s.from:s.to]; !onlyAdded(part) {
				text += strings.Join(part, "\n") + "\n"
			}
		}
	}
	out := strings.TrimSpace(text)
	for strings.Contains(out, "\n\n\n") {
		out = strings.ReplaceAll(out, "\n\n\n", "\n\n")
	}
	return out
}

// paragraphs cuts lines at the blank ones.
func paragraphs(lines []string) (out [][]string) {
	from := 0
	for i := 0; i <= len(lines); i++ {
		if i < len(lines) && strings.TrimSpace(lines[i]) != "" {
			continue
		}
		if i > from {
			out = append(out, lines[from:i])
		}
		from = i + 1
	}
	return out
}

// blank reports whether no line says anything.
func blank(lines []string) bool {
	for _, line := range lines {
		if strings.TrimSpace(line) != "" {
			return false
		}
	}
	return true
}

// span is a run of lines, without its last.
type span struct{ from, to int }

// ownLines returns the lines that are neither quoted nor introduce a quote.
func ownLines(lines []string, h Head) (own []span) {
	_, kind := cutPrefixes(h.Subject)
	forward := kind&forwardPrefix != 0
	begun := false // the author has said something
	keep := func(i int) {
		if n := len(own) - 1; n >= 0 && own[n].to == i {
			own[n].to++
		} else {
			own = append(own, span{i, i + 1})
		}
	}
	for i := 0; i < len(lines); i++ {
		if begun && isArrowed(lines[i]) && (i+1 == len(lines) || !isQuoted(lines[i+1])) {
			return own
		}
		if isQuoted(lines[i]) && !isEscapedFrom(lines, i) {
			continue
		}
		if strings.TrimSpace(lines[i]) == "" {
			keep(i)
			continue
		}
		in := introductionAt(lines, i)
		if in.kind == noIntroduction {
			keep(i)
			begun = true
			continue
		}
		next := in.end
		for next < len(lines) && strings.TrimSpace(lines[next]) == "" {
			next++
		}
		switch marked := next < len(lines) && isQuoted(lines[next]) && !isEscapedFrom(lines, next); {
		case next == len(lines) && in.kind != weakAttribution, marked:
		case in.kind == mark, in.kind == block && (begun || forward), in.kind == attribution && begun:
			return own // the rest is quoted, or forwarded, without marks
		case in.kind == attribution:
			// Whoever deletes the quote and leaves this line writes below it.
		default:
			keep(i)
			begun = true
			continue
		}
		i = in.end - 1
	}
	return own
}

// isQuoted reports whether a line bears the mark of a quote.
func isQuoted(line string) bool {
	t := skipBlanks(line)
	if t == "" || t[0] != '>' && t[0] != '&' && t[0] != '|' {
		return t != "" && isInitialled(t)
	}
	return strings.HasPrefix(t, ">") || strings.HasPrefix(t, "&gt;") || strings.HasPrefix(t, "| ") && strings.Count(t, "|") == 1
}

// isInitialled recognises the quotes of The Bat!, marked with the capitals of
// whoever is quoted: "CR> ".
func isInitialled(t string) bool {
	n := strings.IndexByte(clip(t, 12), '>')
	if n < 2 || n+1 < len(t) && t[n+1] != ' ' && t[n+1] != '>' {
		return false
	}
	for _, r := range t[:n] {
		if !unicode.IsUpper(r) {
			return false
		}
	}
	return utf8.RuneCountInString(t[:n]) >= 2 && utf8.RuneCountInString(t[:n]) <= 4
}

// isArrowed recognises the line of GroupWise before a quote that has no marks:
// ">>> NAME <ADDRESS> DATE >>>".
func isArrowed(line string) bool {
	return strings.HasPrefix(line, ">>> ") && strings.HasSuffix(line, " >>>") && when(clip(line, 300)).dated()
}

// isEscapedFrom reports whether the mark before a line is that of a mailbox
// file, which puts one before every From at the beginning of a line.
func isEscapedFrom(lines []string, i int) bool {
	return strings.HasPrefix(lines[i], ">From ") && (i == 0 || !isQuoted(lines[i-1])) && (i+1 == len(lines) || !isQuoted(lines[i+1]))
}

// introductionKind says what lines before a quote are.
type introductionKind int

const (
	noIntroduction  introductionKind = iota
	weakAttribution                  // says who wrote, but prose does so as well
	attribution                      // "On DATE, NAME wrote:"
	block                            // header lines, as Outlook puts them
	mark                             // a line that says that a mail follows, with what stands behind it
)

// introduction is what stands before a quote, up to its end.
type introduction struct {
	kind introductionKind
	end  int
}

// introductionAt reads what may introduce a quote at line i, which is not blank.
func introductionAt(lines []string, i int) introduction {
	line := lines[i]
	if len(line) > 400 {
		return introduction{}
	}
	if isMark(lines, i) {
		in := introduction{mark, i + 1}
		if k := afterBlanks(lines, i+1, 3); k < len(lines) {
			if end := blockAt(lines, k, true); end > 0 {
				in.end = end
			} else if end, kind := attributionAt(lines, k); kind == attribution {
				in.end = end
			}
		}
		return in
	}
	if isRule(line) {
		k := afterBlanks(lines, i+1, 2)
		if k < len(lines) && !isRule(lines[k]) {
			if next := introductionAt(lines, k); next.kind >= attribution {
				return next
			}
			if end := looseBlock(lines, k); end > 0 {
				return introduction{block, end}
			}
		}
		return introduction{}
	}
	if end := blockAt(lines, i, false); end > 0 {
		return introduction{block, end}
	}
	end, kind := attributionAt(lines, i)
	return introduction{kind, end}
}

// afterBlanks returns the first line from i on that says something, passing
// at most a number of blank ones.
func afterBlanks(lines []string, i, most int) int {
	for n := 0; i < len(lines) && n < most && strings.TrimSpace(lines[i]) == ""; n++ {
		i++
	}
	return i
}

// isRule recognises a line drawn with signs.
func isRule(line string) bool {
	t := strings.Trim(line, " \t\u00a0*")
	if len(t) < 4 || !startsDrawn(t) {
		return false
	}
	return strings.Trim(t, drawn+" ") == ""
}

// drawn are the signs of which lines are drawn.
const drawn = "-_=~#—–─━═‐‑―＝＿－"

// startsDrawn reports whether a line begins with one of them.
func startsDrawn(line string) bool {
	r, _ := utf8.DecodeRuneInString(line)
	return strings.ContainsRune(drawn, r)
}

// isMark recognises "-----Original Message-----" in any language, and "Begin
// forwarded message:". Without dashes or a colon it needs header lines below.
func isMark(lines []string, i int) bool {
	line := strings.Trim(lines[i], edges)
	if len(line) < 6 || len(line) > 200 {
		return false
	}
	if strings.HasPrefix(line, "##-") && strings.HasSuffix(line, "-##") {
		return true // systems of tickets: "##- Please type your reply above this line -##"
	}
	dashes := isDashed(line)
	colon := strings.HasSuffix(line, ":") || strings.HasSuffix(line, "：")
	if !dashes && !colon && (len(line) > 60 || i+1 >= len(lines) || !isHeaderLine(lines[afterBlanks(lines[:len(lines)-1], i+1, 2)])) {
		return false
	}
	inner := strings.ToLower(strings.Trim(line, drawn+"* \t\u00a0"))
	if inner == "" {
		return false
	}
	for _, marks := range [2][]string{forwardMarks, originalMarks} {
		for _, m := range marks {
			if dashes && strings.Contains(inner, m) || strings.HasPrefix(inner, m) && (colon || len(inner) < len(m)+4) {
				return true
			}
		}
	}
	// A language nobody taught: dashes around words, and header lines below.
	if dashes && len(inner) < 80 {
		k := afterBlanks(lines, i+1, 2)
		return k < len(lines) && looseBlock(lines, k) > 0
	}
	return false
}

// isDashed reports whether a line begins and ends with two signs or more of a
// drawn line, and says something between them.
func isDashed(line string) bool {
	inner := strings.Trim(line, drawn)
	before, after, _ := strings.Cut(line, inner)
	return inner != "" && utf8.RuneCountInString(before) >= 2 && utf8.RuneCountInString(after) >= 2
}

// blockAt returns the index after a block of header lines that begins at i, 0
// where there is none. Outlook names people without their addresses; then the
// date has to be one. After a mark fewer fields will do.
func blockAt(lines []string, i int, marked bool) int {
	found, end := headerFields(lines, i)
	from, n := found["from"], len(found)
	switch {
	case n < 2 || from == "" || when(clip(from, 12)).clock:
		return 0
	case n < 3 && !marked:
		return 0
	case strings.Contains(from+found["to"], "@"):
		return end
	case when(found["date"]).dated() && (marked || found["subject"] != "" || found["to"] != ""):
		return end
	}
	return 0
}

// looseBlock is blockAt for names of fields that are in no list: at least three
// lines of a short name with a value, with an address and a date among them.
func looseBlock(lines []string, i int) int {
	n, address, date := 0, false, false
	for ; i < len(lines) && n < 8; i++ {
		line := unquote(lines[i])
		k := strings.IndexAny(line, ":：")
		if k <= 0 || k > 60 || strings.Count(line[:k], " ") > 3 {
			break
		}
		address = address || strings.Contains(line, "@")
		date = date || when(line[k:]).dated()
		n++
	}
	if n >= 3 && address && date {
		return i
	}
	return 0
}
