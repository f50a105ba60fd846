package message

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The bounds of what counts as a signature.
const (
	maxSignatureLines = 14 // that say something
	maxSignatureRunes = 80 // of one of them
	maxSignatureSpan  = 40 // with blank ones
	maxParagraph      = 80 // lines of what is added below a text
	maxAdded          = 16 // paragraphs of it
)

// author is who wrote a mail, as far as its signature shows it.
type author struct {
	names   []string // the words of the name, folded, of two letters or more
	address string   // lower case
}

func authorOf(h Head) (a author) {
	if len(h.From) == 0 {
		return a
	}
	p := h.From[0]
	a.address = strings.ToLower(string(p.Address))
	name := p.Name
	if name == "" {
		name, _, _ = strings.Cut(a.address, "@")
	}
	a.names = slices.DeleteFunc(nameWords(name), func(w string) bool { return utf8.RuneCountInString(w) < 2 })
	return a
}

// nameWords are the words of a line in lower case, without what is no letter.
func nameWords(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) })
}

// isName reports whether a line is the author's name: nothing but words of it,
// or it begins with one and goes on with capitals, as titles do.
func (a author) isName(line string) bool {
	line = strings.Trim(strings.TrimSpace(line), edges+"-–—~/_")
	if line == "" || len(line) > 80 || len(a.names) == 0 || strings.ContainsAny(line, "?!:") {
		return false
	}
	words := nameWords(line)
	if len(words) == 0 || len(words) > 6 {
		return false
	}
	known, capitals := 0, true
	for _, w := range words {
		if slices.Contains(a.names, w) {
			known++
		}
	}
	for w := range strings.FieldsSeq(line) {
		r, _ := utf8.DecodeRuneInString(w)
		capitals = capitals && !unicode.IsLower(r)
	}
	return known == len(words) || known > 0 && capitals && (slices.Contains(a.names, words[0]) || len(words) > 1 && slices.Contains(a.names, words[1]))
}

// cutSignature returns lines up to what its author or a program puts below
// every mail.
func cutSignature(lines []string, by author) []string {
	lines = cutAdded(lines)
	for i, line := range lines {
		if line == "-- " || i >= len(lines)-maxSignatureSpan && isDelimiter(line) && likeSigned(line, lines[i+1:], by) {
			lines = append(slices.Clone(cutAdded(lines[:i])), afterthought(lines[i+1:])...)
			break
		}
	}
	if short := cutNamed(lines, by); len(short) < len(lines) {
		return cutAdded(short)
	}
	return lines
}

// isDelimiter recognises the line between text and signature: "-- " by custom
// (RFC 3676, 4.3), and what programs make of it.
func isDelimiter(line string) bool {
	if len(line) < 2 || !startsDrawn(line) {
		return false
	}
	switch strings.TrimSpace(trimBlanks(line)) {
	case "--", "—", "–", "__", "---":
		return true
	}
	return isRule(line)
}

// likeSigned reports whether lines behind something like a delimiter are a
// signature: few, short, and no sentences; behind a rule one of them has to say
// who or where.
func likeSigned(delimiter string, rest []string, by author) bool {
	n, plain, contact := 0, true, false
	for _, line := range rest {
		if t := trimEdges(line); t != "" {
			n++
			plain = plain && likeSignature(t)
			contact = contact || hasContact(t, by) || n == 1 && by.isName(t)
		}
	}
	return n > 0 && n <= maxSignatureLines && plain && (contact || n <= 4 && !isRule(delimiter))
}

// afterthought returns the lines from a postscript on.
func afterthought(lines []string) []string {
	for i, line := range lines {
		if isPostscript(line) {
			return append([]string{""}, lines[i:]...)
		}
	}
	return nil
}

func isPostscript(line string) bool {
	t := strings.ToLower(clip(strings.TrimSpace(line), 8))
	return strings.HasPrefix(t, "ps ") || strings.HasPrefix(t, "ps:") || strings.HasPrefix(t, "p.s.") || strings.HasPrefix(t, "p.s ") || strings.HasPrefix(t, "pps") || strings.HasPrefix(t, "p. s.")
}

// cutNamed ends the text where a closing formula or the author's name begins a
// signature. It leaves a text that would say nothing then.
func cutNamed(lines []string, by author) []string {
	seen := 0
	at := -1
	for i := len(lines) - 1; i >= max(0, len(lines)-maxSignatureSpan) && seen <= maxSignatureLines; i-- {
		line := trimEdges(lines[i])
		if line == "" {
			continue
		}
		rest := lines[i+1:]
		if seen++; opensSignature(lines, i, line, rest, by) {
			at = i
		}
		if !likeSignature(line) && at != i {
			break
		}
	}
	if at < 0 || blank(lines[:at]) {
		return lines
	}
	return lines[:at]
}

// opensSignature reports whether a signature begins with line i; the lines
// after it are known to be like one.
func opensSignature(lines []string, i int, line string, rest []string, by author) bool {
	low := strings.TrimSpace(strings.TrimRightFunc(strings.ToLower(clip(line, 120)), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r)
	}))
	alone := i == 0 || strings.TrimSpace(lines[i-1]) == ""
	switch {
	case closes(low):
		return true
	case lightClosings[low]:
		return !blank(rest) && startsWithName(rest, by)
	case closesWithName(low, by):
		return true
	case by.isName(line):
		return (alone || closesLine(lines, i)) && !endsWith(lines[:i], ":：")
	case by.address != "" && strings.EqualFold(line, by.address):
		return alone && !endsWith(lines[:i], ":：")
	}
	return alone && blank(rest) && len(line) < 40 && isDashedName(line)
}

// closes reports whether a line is a closing formula, or two of them in two
// languages: "Mit freundlichen Grüßen / Best regards". Between the characters
// of scripts that have no blanks, one may stand.
func closes(low string) bool {
	if closings[low] || low != "" && low[0] >= utf8.RuneSelf && closings[strings.ReplaceAll(low, " ", "")] {
		return true
	}
	one, other, two := strings.Cut(low, "/")
	return two && closings[strings.Trim(one, " ,")] && closings[strings.Trim(other, " ,")]
}

// closesLine reports whether the line before i is a closing formula.
func closesLine(lines []string, i int) bool {
	low := strings.ToLower(strings.Trim(lines[i-1], edges+",.!"))
	return closes(low) || lightClosings[low]
}

// closesWithName recognises a formula with the author's name in one line:
// "Viele Grüße, Ada".
func closesWithName(low string, by author) bool {
	for n, r := range low {
		if r != ' ' && r != ',' {
			continue
		}
		if before := strings.TrimRight(low[:n], ", "); closings[before] || lightClosings[before] {
			if name := strings.Trim(low[n:], ", "); name != "" && len(name) < 60 && (author{names: by.names}).isName(name) {
				return true
			}
		}
	}
	return false
}

// startsWithName reports whether the first line that says something is a name:
// the author's, or of an unknown author a few words with capitals.
func startsWithName(lines []string, by author) bool {
	for _, line := range lines {
		if line = trimEdges(line); line == "" {
			continue
		}
		if len(by.names) > 0 {
			return by.isName(line)
		}
		for w := range strings.FieldsSeq(line) {
			if r, _ := utf8.DecodeRuneInString(w); unicode.IsLower(r) || !unicode.IsLetter(r) {
				return false
			}
		}
		return utf8.RuneCountInString(line) <= 30 && !strings.ContainsAny(line, ".?!:")
	}
	return false
}

// endsWith reports whether the last line that says something ends with one of
// the signs.
func endsWith(lines []string, signs string) bool {
	for i := len(lines) - 1; i >= 0; i-- {
		if t := trimEdges(lines[i]); t != "" {
			r, _ := utf8.DecodeLastRuneInString(t)
			return strings.ContainsRune(signs, r)
		}
	}
	return false
}

// isDashedName recognises "-Ada Example" below a text.
func isDashedName(line string) bool {
	name, ok := strings.CutPrefix(line, "-")
	if !ok || name == "" || strings.Count(name, " ") > 2 {
		return false
	}
	for w := range strings.SplitSeq(name, " ") {
		if r, _ := utf8.DecodeRuneInString(w); !unicode.IsUpper(r) {
			return false
		}
	}
	return !strings.ContainsAny(name, ".,:;?!")
}

// likeSignature reports whether a line that is not blank may stand in a
// signature: it is short, and no sentence.
func likeSignature(line string) bool {
	n := utf8.RuneCountInString(line)
	if n > maxSignatureRunes && !strings.Contains(line, "|") && !strings.Contains(line, "://") || n > 2*maxSignatureRunes || isPostscript(line) {
		return false
	}
	last, _ := utf8.DecodeLastRuneInString(line)
	words := strings.Count(line, " ") + 1
	switch last {
	case '?', '？', '؟', ':':
		return words < 2
	case '.', '!', '。', '！', '।', '۔':
		return words < 5 && n < 30 && last != '。'
	case ',':
		return words <= 6
	}
	return words <= 9 || strings.ContainsAny(line, "|@•·")
}

// hasContact reports whether a line says how the author is reached.
func hasContact(line string, by author) bool {
	if strings.Contains(line, "@") || strings.Contains(line, "://") || strings.Contains(strings.ToLower(line), "www.") {
		return true
	}
	digits, others := 0, 0
	for _, r := range line {
		switch {
		case unicode.IsDigit(r):
			digits++
		case unicode.IsLetter(r):
			others++
		}
	}
	return digits >= 6 && others <= 24
}

// cutAdded ends the text before what programs, lists and companies put below
// it, and the blank lines before that.
func cutAdded(lines []string) []string {
	for range maxAdded {
		n := len(lines)
		for n > 0 && strings.TrimSpace(lines[n-1]) == "" {
			n--
		}
		lines = lines[:n]
		if n == 0 {
			return lines
		}
		start := n - 1 // of the last paragraph
		for start > 0 && n-start <= maxParagraph && strings.TrimSpace(lines[start-1]) != "" {
			start--
		}
		switch {
		case isSentFrom(lines, n-1):
			lines = lines[:n-1]
		case start < n-1 && isSentFrom(lines, start) && likeAddress(lines[start+1:]):
			lines = lines[:start]
		case isRule(lines[n-1]) && n > 1:
			lines = lines[:n-1]
		case isListFooter(lines[start:]):
			lines = lines[:start]
		case isFooter(lines[start]), isNotice(lines[start:]) && start > 0:
			lines = lines[:start]
		default:
			return lines
		}
	}
	return lines
}

// onlyAdded reports whether lines hold nothing but what programs add, or a
// signature behind its delimiter.
func onlyAdded(lines []string) bool {
	lines = cutAdded(lines)
	for i, line := range lines {
		if strings.TrimSpace(line) != "" {
			return isDelimiter(line) && i < len(lines)
		}
	}
	return true
}

// likeAddress reports whether lines are the rest of a link.
func likeAddress(lines []string) bool {
	return len(lines) == 1 && (strings.Contains(lines[0], "://") || strings.HasPrefix(strings.TrimSpace(lines[0]), "<"))
}

// isSentFrom recognises what a phone or a program adds: a line by itself that
// names a device or a program, "Sent from my iPhone" in many languages.
func isSentFrom(lines []string, i int) bool {
	alone := i == 0 || strings.TrimSpace(lines[i-1]) == "" || isDelimiter(lines[i-1]) || closesLine(lines, i)
	return alone && saysSentFrom(trimEdges(lines[i]))
}

func saysSentFrom(line string) bool {
	if line == "" || len(line) > 400 {
		return false
	}
	low := strings.ToLower(line)
	if offersProgram(low) {
		return true
	}
	if k := strings.Index(low, "http"); k > 0 {
		line, low = line[:min(k, len(line))], low[:k]
	}
	low = strings.TrimRight(low, " <(")
	way := slices.ContainsFunc(sentWays, func(w string) bool { return strings.HasPrefix(low, w) }) ||
		slices.ContainsFunc(sentEnds, func(w string) bool { return strings.HasSuffix(strings.TrimRight(low, ". "), w) })
	if !way || strings.ContainsAny(line, "?;") || strings.Contains(line, ",") && strings.HasSuffix(line, ".") {
		return false
	}
	if strings.Contains(low, "sent from my ") && !strings.Contains(low, ",") && strings.Count(low, " ") < 8 {
		return true
	}
	return strings.HasSuffix(low, " windows") || slices.ContainsFunc(devices, func(d string) bool { return strings.Contains(low, d) })
}

// offersProgram recognises the line that programs for phones add, in whatever
// language: the names of the program and the system with the link to get it,
// or "Get … for Android".
func offersProgram(low string) bool {
	if strings.Count(low, " ") > 9 {
		return false
	}
	system := strings.Contains(low, "android") || strings.Contains(low, "ios")
	if system && strings.Contains(low, "outlook") && strings.Contains(low, "://") {
		return true
	}
	return strings.HasPrefix(low, "get ") && strings.Count(low, " ") <= 5 && (strings.HasSuffix(low, " for android") || strings.HasSuffix(low, " for ios") || strings.HasSuffix(low, " for mobile"))
}

// isFooter recognises the lines of footers.
func isFooter(line string) bool {
	low := strings.ToLower(clip(trimEdges(line), 80))
	return slices.ContainsFunc(footers, func(f string) bool { return strings.HasPrefix(low, f) })
}

// isListFooter recognises what list software adds: a rule, and the name and
// the address of the list.
func isListFooter(lines []string) bool {
	if len(lines) < 2 || len(lines) > 6 || strings.Trim(lines[0], "_-= ") != "" || len(lines[0]) < 2 {
		return false
	}
	text := strings.ToLower(strings.Join(lines, " "))
	return strings.Contains(text, "mailing list") || strings.Contains(text, "listinfo") || strings.Contains(text, "mailman") || strings.Contains(text, "unsubscribe")
}

// isNotice recognises a notice on who may read the mail.
func isNotice(lines []string) bool {
	text := strings.ToLower(clip(strings.Join(lines, " "), 2<<10))
	if len(text) < 60 || !slices.ContainsFunc(noticeSelf.in(text), func(w string) bool { return strings.Contains(text, w) }) {
		return false
	}
	said := 0
	for _, w := range noticeSays.in(text) {
		if strings.Contains(text, w) {
			if said++; said == 3 {
				return true
			}
		}
	}
	return said == 2 && len(text) >= 250
}
