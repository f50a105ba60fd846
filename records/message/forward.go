package message

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// maxForwards bounds the forward blocks read of one text.
const maxForwards = 8

// forwardBlocks finds the messages that were forwarded inside the text: a
// block of header lines in any language that names From and two more fields.
// In an answer, where such a block quotes what is answered, it counts only
// behind a forward's mark.
func forwardBlocks(text string, lines []string, h Head) []Inner {
	if !strings.Contains(text, "@") {
		return nil
	}
	_, kind := cutPrefixes(h.Subject)
	answer := kind&forwardPrefix == 0 && (kind&replyPrefix != 0 || len(h.InReplyTo) > 0)
	var out []Inner
	starts, ends := []int{}, []int{}
	for i := 0; i < len(lines) && len(starts) < maxForwards; i++ {
		if len(lines[i]) > 1000 {
			continue
		}
		head, end, ok := headerBlock(lines, i)
		if !ok {
			continue
		}
		if !answer || marked(lines, i) {
			starts, ends = append(starts, i), append(ends, end)
			out = append(out, Inner{Head: head, Inline: true})
		}
		i = end
	}
	for k := range out {
		stop := len(lines)
		if k+1 < len(starts) {
			stop = starts[k+1]
		}
		out[k].Text = clipText(strings.TrimSpace(unquoteAll(lines[ends[k]:stop])), 256<<10)
	}
	return out
}

// unquoteAll joins lines; where all are quoted, as Apple's forwards are, one
// level of marks comes off.
func unquoteAll(lines []string) string {
	bare := make([]string, len(lines))
	for i, line := range lines {
		rest, ok := strings.CutPrefix(line, ">")
		if !ok && line != "" {
			return strings.Join(lines, "\n")
		}
		bare[i] = strings.TrimPrefix(rest, " ")
	}
	return strings.Join(bare, "\n")
}

// marked reports whether a forward's mark stands in the lines before i.
func marked(lines []string, i int) bool {
	for k := i - 1; k >= 0 && k >= i-3; k-- {
		if says(lines[k], forwardMarks) {
			return true
		}
	}
	return false
}

// says reports whether one of the marks stands in a short line.
func says(line string, marks []string) bool {
	low := strings.ToLower(clip(unquote(line), 200))
	return low != "" && slices.ContainsFunc(marks, func(m string) bool { return strings.Contains(low, m) })
}

// unquote removes the quote marks and emphasis around a line.
func unquote(line string) string {
	return strings.Trim(strings.TrimLeft(line, "> \t\u00a0|"), edges)
}

// edges are what may stand around the name or the value of a header line:
// emphasis, blanks, and the marks that tell the direction of writing.
const edges = "* \t\u00a0\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

// headerBlock reads header lines beginning at lines[i]; it returns the index
// after them. It is sure of them where From and two more fields stand there,
// with an address.
func headerBlock(lines []string, i int) (h Head, end int, ok bool) {
	found, end := headerFields(lines, i)
	if found["from"] == "" || len(found) < 3 || !strings.Contains(found["from"]+found["to"], "@") {
		return h, 0, false
	}
	h.From = parseParties(clip(found["from"], 2000), "")
	h.To = parseParties(clip(found["to"], 16<<10), "")
	h.Cc = parseParties(clip(found["cc"], 16<<10), "")
	h.ReplyTo = parseParties(clip(found["reply-to"], 2000), "")
	h.Subject = clipText(squeeze(found["subject"]), 4<<10)
	h.Date, _ = parseDate(found["date"])
	if ids := messageIDs(found["message-id"], 1, 1); len(ids) > 0 {
		h.MessageID = ids[0]
	}
	return h, end, true
}

// headerFields gathers the fields of a block of header lines that begins at
// lines[i], and the index after it; none where it does not begin like one.
func headerFields(lines []string, i int) (found map[string]string, end int) {
	field, value := headerLine(lines[i])
	if field != "from" && field != "date" && field != "subject" {
		return nil, i
	}
	found = map[string]string{field: value}
	last := field
	k, blanks, strange := i+1, 0, 0
	for ; k < len(lines) && k < i+24; k++ {
		line := unquote(lines[k])
		if line == "" {
			// HTML clients put a blank line between the fields.
			if blanks++; blanks > 1 || len(found) >= 4 || k+1 < len(lines) && !isHeaderLine(lines[k+1]) {
				break
			}
			continue
		}
		f, v := headerLine(lines[k])
		_, again := found[f]
		switch {
		case f == "" && blanks == 0 && goesOn(last, line):
			found[last] += " " + line
			continue
		case f != "" && !again:
			found[f], last, blanks = v, f, 0
			continue
		case f == "" && blanks == 0 && strange < 2 && likeHeaderLine(line) && k+1 < len(lines) && isHeaderLine(lines[k+1]):
			strange++ // a name in no list
			last = ""
			continue
		}
		break
	}
	return found, k
}

// goesOn reports whether a line belongs to the field of the line before: a
// long list of recipients, or the address of a sender with a long name.
func goesOn(field, line string) bool {
	switch field {
	case "to", "cc":
		return strings.Contains(line, "@")
	case "from":
		return line[0] == '<' && strings.Contains(line, "@")
	}
	return false
}

// likeHeaderLine reports whether a line begins with a short name before a
// colon, whatever it says.
func likeHeaderLine(line string) bool {
	k := strings.IndexAny(line, ":：")
	return k > 0 && k <= 60 && k < len(line)-1 && strings.Count(strings.TrimSpace(line[:k]), " ") <= 2
}

func isHeaderLine(line string) bool {
	f, _ := headerLine(line)
	return f != ""
}

// headerLine reads one line "Von: Ada <ada@example.com>".
func headerLine(line string) (field, value string) {
	if start := clip(line, 100); strings.IndexByte(start, ':') < 0 && !strings.Contains(start, "：") {
		return "", ""
	}
	line = clip(line, 4<<10)
	line = unquote(line)
	i := strings.IndexByte(line, ':')
	if k := strings.Index(line, "："); k > 0 && (i < 0 || k < i) {
		i = k
	}
	if i <= 0 || i > 60 {
		return "", ""
	}
	field = labelled(strings.Trim(line[:i], edges))
	if field == "" {
		return "", ""
	}
	_, n := utf8.DecodeRuneInString(line[i:])
	return field, strings.Trim(line[i+n:], edges)
}
