package message

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// finish puts together what the walk found.
func (w *walker) finish() {
	out := w.out
	own := w.joined(-1)
	for i := range out.Inner {
		if out.Inner[i].Text == "" {
			out.Inner[i].Text = w.joined(i)
		}
	}
	w.report()
	out.Text = clipText(withInner(own, out.Inner), w.lim.Text)
	out.TextSum = w.contentSum()
	if out.Head.MessageID == "" {
		out.formerSum = w.formerSum()
	}
	if w.top != nil {
		out.failed = w.top.failed
	}
	out.own, out.feedback, out.calendar, out.method = own, w.feedback, w.calendar, w.method
	lines := strings.Split(own, "\n")
	out.Inner = append(out.Inner, forwardBlocks(own, lines, out.Head)...)
	out.Reply = newText(lines, out.Head)
	found := out.Defects
	out.Defects = slices.Clone(out.Head.Defects)
	for _, d := range found {
		w.defect(d)
	}
}

// joined returns the readable text of the mail itself (-1) or of the message
// inside with the given index.
func (w *walker) joined(inner int) string {
	var parts []string
	left := w.lim.Text
	for _, s := range w.segments {
		if s.inner != inner || left <= 0 {
			continue
		}
		text := s.text
		if s.html {
			text = htmlText(text, left)
		}
		text = clipText(strings.Trim(trimLines(text), "\n"), left)
		if strings.TrimSpace(text) != "" {
			parts = append(parts, text)
			left -= int64(len(text))
		}
	}
	return strings.Join(parts, "\n\n")
}

// withInner adds the text of the messages inside, each under its own heading.
func withInner(own string, inner []Inner) string {
	if len(inner) == 0 {
		return own
	}
	var b strings.Builder
	b.WriteString(own)
	for _, in := range inner {
		if b.Len() > 0 {
			b.WriteString("\n\n")
		}
		b.WriteString("---------- Message ----------\n")
		for _, p := range in.Head.From {
			b.WriteString("From: " + p.String() + "\n")
		}
		if !in.Head.Date.IsZero() {
			b.WriteString("Date: " + in.Head.Date.Format("2006-01-02 15:04") + " UTC\n")
		}
		if in.Head.Subject != "" {
			b.WriteString("Subject: " + in.Head.Subject + "\n")
		}
		for i, p := range in.Head.To {
			if i < 20 {
				b.WriteString("To: " + p.String() + "\n")
			}
		}
		b.WriteString("\n" + in.Text)
	}
	return b.String()
}

// String returns the party as it is shown.
func (p Party) String() string {
	switch {
	case p.Address == "":
		return p.Raw
	case p.Name == "":
		return string(p.Address)
	}
	return p.Name + " <" + string(p.Address) + ">"
}

// clipText cuts s to at most n bytes without cutting a character.
func clipText(s string, n int64) string {
	if int64(len(s)) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:max(n, 0)], "")
}

// trimLines removes the blanks at the ends of lines, but not of a signature's
// "-- ".
func trimLines(s string) string {
	if !strings.Contains(s, " \n") && !strings.Contains(s, "\t\n") && !strings.HasSuffix(s, " ") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for line := range strings.SplitAfterSeq(s, "\n") {
		body, nl := strings.CutSuffix(line, "\n")
		if body != "-- " {
			body = trimBlanks(body)
		}
		b.WriteString(body)
		if nl {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// trimBlanks removes the blanks at the end of a line.
func trimBlanks(line string) string {
	for n := len(line); n > 0; n = len(line) {
		switch {
		case line[n-1] == ' ', line[n-1] == '\t':
			line = line[:n-1]
		case n > 1 && line[n-1] == 0xa0 && line[n-2] == 0xc2: // a no-break space
			line = line[:n-2]
		default:
			return line
		}
	}
	return line
}

// skipBlanks removes the blanks at the beginning of a line.
func skipBlanks(line string) string {
	for line != "" {
		switch {
		case line[0] == ' ', line[0] == '\t':
			line = line[1:]
		case strings.HasPrefix(line, "\u00a0"):
			line = line[2:]
		default:
			return line
		}
	}
	return line
}

// unflow joins the soft line breaks of format=flowed (RFC 3676).
func unflow(s string, delsp bool) string {
	var b strings.Builder
	b.Grow(len(s))
	open, depth := false, 0 // the line before ended softly, at this depth
	for line := range strings.SplitSeq(s, "\n") {
		q := 0
		for q < len(line) && line[q] == '>' {
			q++
		}
		text := strings.TrimPrefix(line[q:], " ")
		switch {
		case open && q == depth && text != "-- ":
		default:
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			if q > 0 {
				b.WriteString(strings.Repeat(">", min(q, 50)) + " ")
			}
		}
		depth = q
		if open = strings.HasSuffix(text, " ") && text != "-- "; open && delsp {
			text = text[:len(text)-1]
		}
		b.WriteString(text)
	}
	return b.String()
}

// writeFolded digests s without white space.
func (c *scratch) writeFolded(s string) {
	n := 0
	for i := 0; i < len(s); {
		if n > len(c.folded)-utf8.UTFMax {
			c.digest.Write(c.folded[:n])
			n = 0
		}
		if b := s[i]; b < utf8.RuneSelf {
			c.folded[n] = b
			if b > ' ' || b < '\t' || b > '\r' && b < ' ' {
				n++
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if !unicode.IsSpace(r) {
			n += copy(c.folded[n:], s[i:i+size])
		}
		i += size
	}
	c.digest.Write(c.folded[:n])
}
