package message

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"slices"
	"strings"
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
	out.TextSum = w.textSum()
	if w.top != nil {
		out.failed = w.top.failed
	}
	out.own, out.feedback, out.calendar, out.method = own, w.feedback, w.calendar, w.method
	out.Inner = append(out.Inner, forwardBlocks(own, out.Head)...)
	out.Reply = newText(own, out.Head)
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
			body = strings.TrimRight(body, " \t\u00a0")
		}
		b.WriteString(body)
		if nl {
			b.WriteByte('\n')
		}
	}
	return b.String()
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

// textSum digests the readable text without its white space, and the digests
// of the attachments: what stays the same however a server re-encodes a mail.
func (w *walker) textSum() Sum {
	h := sha256.New()
	writeFolded(h, w.out.Text)
	for _, t := range w.tails {
		h.Write(t[:])
	}
	for _, a := range w.out.Attachments {
		if d, err := hex.DecodeString(a.SHA256); err == nil {
			h.Write([]byte{0})
			h.Write(d)
		}
	}
	return Sum(h.Sum(nil))
}

// writeFolded writes s without white space.
func writeFolded(h hash.Hash, s string) {
	buf := make([]byte, 0, 4096)
	for f := range strings.FieldsSeq(s) {
		for len(f) > 0 {
			n := min(len(f), cap(buf)-len(buf))
			buf = append(buf, f[:n]...)
			if f = f[n:]; len(buf) == cap(buf) {
				h.Write(buf)
				buf = buf[:0]
			}
		}
	}
	h.Write(buf)
}
