package mailtest

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Response is the honest FETCH response for a message.
func (m ScriptMessage) Response(seq int, items string) string {
	size := m.Size
	if size == 0 {
		size = int64(len(m.Raw))
	}
	var b strings.Builder
	switch {
	case strings.Contains(items, "BODY.PEEK[]<"):
		from, to, _ := section(items)
		b.Grow(200 + min(to-from, len(m.Raw)))
	case strings.Contains(items, "BODY.PEEK[]"):
		b.Grow(200 + len(m.Raw))
	}
	fmt.Fprintf(&b, "* %d FETCH (", seq)
	if strings.Contains(items, "X-GM-LABELS") {
		fmt.Fprintf(&b, "X-GM-THRID %d X-GM-LABELS (%s) ", m.Thread, m.Labels)
	}
	if strings.Contains(items, "THREADID") {
		if m.Thread == 0 {
			b.WriteString("THREADID NIL ")
		} else {
			fmt.Fprintf(&b, "THREADID (T%d) ", m.Thread)
		}
	}
	fmt.Fprintf(&b, "UID %d", m.UID)
	if strings.Contains(items, "FLAGS") {
		fmt.Fprintf(&b, " FLAGS (%s)", m.Flags)
	}
	if strings.Contains(items, "INTERNALDATE") {
		fmt.Fprintf(&b, " INTERNALDATE %q", m.Received.Format("02-Jan-2006 15:04:05 -0700"))
	}
	if strings.Contains(items, "RFC822.SIZE") {
		fmt.Fprintf(&b, " RFC822.SIZE %d", size)
	}
	head, _, _ := bytes.Cut(m.Raw, []byte("\r\n\r\n"))
	switch {
	case strings.Contains(items, "BODY.PEEK[HEADER]"):
		fmt.Fprintf(&b, " BODY[HEADER] {%d}\r\n%s\r\n\r\n", len(head)+4, head)
	case strings.Contains(items, "BODY.PEEK[]<"):
		from, to, _ := section(items)
		from, to = min(from, len(m.Raw)), min(to, len(m.Raw))
		fmt.Fprintf(&b, " BODY[]<%d> {%d}\r\n", from, to-from)
		b.Write(m.Raw[from:to])
	case strings.Contains(items, "BODY.PEEK[]"):
		fmt.Fprintf(&b, " BODY[] {%d}\r\n", len(m.Raw))
		b.Write(m.Raw)
	}
	b.WriteString(")\r\n")
	return b.String()
}

// section reads the range of BODY.PEEK[]<from.length>.
func section(items string) (from, to int, err error) {
	_, rest, _ := strings.Cut(items, "[]<")
	rest, _, _ = strings.Cut(rest, ">")
	a, b, ok := strings.Cut(rest, ".")
	if !ok {
		return 0, 0, errors.New("no range")
	}
	from, err = strconv.Atoi(a)
	length, err2 := strconv.Atoi(b)
	return from, from + length, errors.Join(err, err2)
}
