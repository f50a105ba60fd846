package message

import "strings"

// NewText returns what the author of a mail newly wrote of its readable text,
// as [Parsed].Reply.
func NewText(text string) string { return newText(text, strings.Split(text, "\n")) }

// newText returns what the author newly wrote: the text without quotes, the
// lines that introduce them, forwarded mail and the signature. Where it is
// not plain that a passage is quoted, it stays.
//
// lines is text cut at its line feeds; its elements are moved.
func newText(text string, lines []string) string {
	all := len(lines)
	lines = cutForward(lines)
	lines = dropQuotes(lines)
	lines = cutSignature(lines)
	if len(lines) < all {
		text = strings.Join(lines, "\n")
	}
	out := strings.TrimSpace(text)
	for strings.Contains(out, "\n\n\n") {
		out = strings.ReplaceAll(out, "\n\n\n", "\n\n")
	}
	return out
}

// cutForward ends the text where a forwarded or quoted mail begins with a
// block of header lines, or with a line that announces one.
func cutForward(lines []string) []string {
	for i, line := range lines {
		if len(line) > 400 || strings.HasPrefix(line, ">") {
			continue
		}
		if isDivider(line) || isUnderscores(line) && i+1 < len(lines) && isBlockAt(lines, i+1) || isBlockAt(lines, i) {
			if strings.TrimSpace(strings.Join(lines[:i], "")) == "" && i == 0 && !isDivider(line) {
				continue // a mail that begins like this has nothing else
			}
			return lines[:i]
		}
	}
	return lines
}

func isBlockAt(lines []string, i int) bool {
	field, _ := headerLine(lines[i])
	if field != "from" && field != "date" {
		return false
	}
	_, _, ok := headerBlock(lines, i)
	return ok
}

// isDivider recognises "-----Original Message-----" in any language, and
// "Begin forwarded message:".
func isDivider(line string) bool {
	t := strings.TrimSpace(line)
	if t == "" || t[0] != '-' && t[0] != '_' && t[len(t)-1] != ':' {
		return false
	}
	dashes := strings.HasPrefix(t, "---") && strings.HasSuffix(t, "---") && strings.Trim(t, "- ") != ""
	if !dashes && !strings.HasSuffix(t, ":") && !strings.HasPrefix(t, "_____") {
		return false
	}
	low := strings.ToLower(t)
	anywhere, introduces := dashes || strings.HasPrefix(t, "_____"), strings.HasSuffix(low, ":")
	for _, m := range forwardMarks {
		if anywhere && strings.Contains(low, m) || introduces && strings.HasPrefix(low, m) {
			return true
		}
	}
	return false
}

func isUnderscores(line string) bool {
	if strings.IndexByte(line, '_') < 0 {
		return false
	}
	t := strings.TrimSpace(line)
	return len(t) >= 10 && strings.Trim(t, "_") == ""
}

// dropQuotes removes quoted lines with the lines that introduce them. Where
// an introduction is followed by no quote mark at all, everything after it is
// the quote.
func dropQuotes(lines []string) []string {
	last := len(lines) - 1 // the last quoted line
	for last >= 0 && !isQuoted(lines[last]) {
		last--
	}
	out := lines[:0] // it never overtakes i
	for i := 0; i < len(lines); i++ {
		if isQuoted(lines[i]) {
			continue
		}
		if n := attribution(lines, i); n > 0 {
			next := i + n
			for next < len(lines) && strings.TrimSpace(lines[next]) == "" {
				next++
			}
			if next >= len(lines) {
				break
			}
			if isQuoted(lines[next]) {
				i = next - 1
				continue
			}
			if next > last {
				break
			}
		}
		out = append(out, lines[i])
	}
	return out
}

func isQuoted(line string) bool {
	t := skipBlanks(line)
	if t == "" || t[0] != '>' && t[0] != '&' && t[0] != '|' {
		return false
	}
	return strings.HasPrefix(t, ">") || strings.HasPrefix(t, "&gt;") || strings.HasPrefix(t, "| ") && strings.Count(t, "|") == 1
}

// wroteWords end or hold the middle of an attribution line, lower case.
var wroteWords = []string{
	" wrote:", " writes:", " schrieb", " a écrit", " escribió", " ha scritto", " escreveu", " schreef", " skrev", " kirjoitti", " napisał", " napisal", " пишет", " написал", " έγραψε", " yazdı", " şunu yazdı", " írta:", " napsal", " napísal", "写道", "寫道", "のメール:", "さんは書きました", "님이 작성:", " כתב", " כתבה", " كتب", " লিখেছেন", " va escriure", " a scris", " scrisse", " rašė", " wrote ---", " said:", " dixit:",
}

// attribution returns how many lines, beginning at i, say "On DATE, NAME
// wrote:" in any language; 0 where they do not.
func attribution(lines []string, i int) int {
	joined := ""
	for n := 1; n <= 4 && i+n <= len(lines); n++ {
		line := strings.TrimSpace(lines[i+n-1])
		if line == "" || len(line) > 300 || n > 1 && isQuoted(lines[i+n-1]) {
			return 0
		}
		if !strings.HasSuffix(line, ":") && !strings.HasSuffix(line, "：") && !strings.HasSuffix(line, "---") {
			if n == 1 && !opensAttribution(line) || strings.ContainsAny(line[len(line)-1:], ".!?") {
				return 0
			}
			continue
		}
		joined = " " + strings.Join(lines[i:i+n], " ")
		if !saysWhen(joined) {
			continue
		}
		joined = strings.ToLower(joined)
		for _, w := range wroteWords {
			if k := strings.LastIndex(joined, w); k >= 0 && len(joined)-k < len(w)+160 {
				return n
			}
		}
	}
	return 0
}

// openers begin the lines that introduce a quote, lower case.
var openers = []string{"on ", "am ", "le ", "el ", "il ", "em ", "op ", "den ", "på ", "w dniu ", "dnia ", "ma ", "dne ", "στις ", "tarih", "в ", "at ", "in article ", "> on ", "em ", "a ", "vào ", "pada ", "from: ", "quoting ", "il giorno ", "no dia ", "ti ", "la "}

// opensAttribution reports whether a line may be the first of several that
// say when and who: prose before them is not.
func opensAttribution(line string) bool {
	line = clip(line, 40)
	switch line[0] {
	case '<', '"':
		return true
	}
	for _, c := range []byte(line) {
		if c >= '0' && c <= '9' {
			return true
		}
	}
	if !isASCII(line) {
		line = strings.ToLower(line)
	}
	for _, o := range openers {
		if hasPrefixFold(line, o) {
			return true
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

// saysWhen reports whether a line that says "wrote:" also says when or who
// by address: prose does so rarely.
func saysWhen(joined string) bool {
	digits := 0
	for _, c := range []byte(joined) {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	return digits >= 3 || strings.Contains(joined, "@")
}

// sentFrom begin the lines that phones add, lower case.
var sentFrom = []string{"sent from my ", "sent from outlook", "get outlook for", "von meinem iphone gesendet", "von meinem ipad gesendet", "gesendet von mein", "envoyé de mon", "enviado desde mi", "inviato da ", "enviado do meu", "verzonden vanaf mijn", "verstuurd vanaf mijn", "skickat från min", "sendt fra min", "lähetetty iphone", "wysłane z iphone", "отправлено с iphone", "从我的", "iphoneから送信"}

// cutSignature ends the text at the line "-- ", or at what phones add.
func cutSignature(lines []string) []string {
	for i, line := range lines {
		if i == 0 {
			continue
		}
		if strings.HasPrefix(line, "--") || strings.HasPrefix(line, "—") {
			if t := trimBlanks(line); t == "--" || t == "—" && i >= len(lines)-10 {
				return lines[:i]
			}
		}
		if i < len(lines)-6 {
			continue
		}
		low := strings.TrimSpace(trimBlanks(line))
		if !isASCII(low) {
			low = strings.ToLower(low)
		}
		if len(low) < 80 {
			for _, s := range sentFrom {
				if hasPrefixFold(low, s) {
					return lines[:i]
				}
			}
		}
	}
	return lines
}
