package message

import (
	"bytes"
	"strings"
	"time"
)

// Defaults of [Limits].
const (
	maxDepth      = 32
	maxParts      = 1000
	maxHeader     = 1 << 20
	maxPartHeader = 256 << 10
	maxText       = 1 << 20
)

// headReader gathers the fields of a header that a [Head] is made of.
type headReader struct {
	head        Head
	contentType string
	content     partHeader
	ids         []string
	dates       []string
	received    []byte // the last, which is the oldest hop
	parties     []partyField
	suppress    string   // X-Auto-Response-Suppress
	listHint    string   // List-Post or List-Unsubscribe
	failed      []string // X-Failed-Recipients
	token       string   // X-Rapport-Id
	index       string   // Thread-Index
	topic       string   // Thread-Topic
}

type partyField struct {
	to    *[]Party
	value []byte
}

// ParseHead reads a header block, with or without the blank line and the body
// after it. Lines that are no field are dropped; at most 1 MB is read. The
// result is what [Parse] finds at the head of the same mail.
func ParseHead(raw []byte) Head {
	h, _ := parseHead(raw)
	return h
}

// parseHead is ParseHead, and also hands out what Head does not keep.
func parseHead(raw []byte) (Head, *headReader) {
	if block, ok := regularHeader(raw); ok {
		return readHead(headerLines{block: block}, partHeader{})
	}
	lines := headerLines{limit: maxHeader, leading: true}
	ended := false
	s := splitter{emit: func(p piece) { ended = ended || lines.line(p) }}
	for len(raw) > 0 && !ended {
		n := min(len(raw), maxPiece)
		s.write(raw[:n])
		raw = raw[n:]
	}
	if !ended {
		s.close()
	}
	return readHead(lines, partHeader{})
}

// readHead reads the fields of a finished header, whose Content fields may
// have been read already.
func readHead(lines headerLines, content partHeader) (Head, *headReader) {
	r := &headReader{content: content}
	if lines.junk {
		r.defect("header-line")
	}
	if lines.cut {
		r.defect("header-truncated")
	}
	eachField(lines.block, r.field)
	r.finish()
	return r.head, r
}

// regularHeader returns the header raw begins with, if it is one that needs no
// repair: nothing but fields and folds up to a blank line or the end.
func regularHeader(raw []byte) ([]byte, bool) {
	if isMboxLine(raw) {
		n := bytes.IndexByte(raw, '\n')
		if n < 0 || n > maxPiece {
			return nil, false
		}
		raw = raw[n+1:]
	}
	for at := 0; at < len(raw); {
		n := bytes.IndexByte(raw[at:], '\n')
		line, next := raw[at:], len(raw)
		if n >= 0 {
			line, next = raw[at:at+n], at+n+1
		} else if at == 0 {
			return nil, false // perhaps one whose lines end with CR
		}
		switch blank := len(bytes.TrimRight(line, "\r")) == 0; {
		case len(line) > maxPiece, next > maxHeader, at == 0 && blank:
			return nil, false
		case blank:
			return raw[:at], bytes.IndexByte(raw[:at], 0) < 0
		case isSpace(line[0]):
			if at == 0 || len(bytes.TrimSpace(line)) == 0 {
				return nil, false
			}
		case fieldColon(line) <= 0, isMboxLine(line):
			return nil, false
		}
		at = next
	}
	return raw, len(raw) > 0 && bytes.IndexByte(raw, 0) < 0
}

// eachField calls f with every field of a header block, the key in lower
// case and valid during the call only. Lines that are no field are left out.
func eachField(raw []byte, f func(key, value []byte)) {
	var key [64]byte
	for len(raw) > 0 {
		line := fieldLines(raw)
		raw = raw[len(line):]
		colon := fieldColon(line)
		if colon <= 0 {
			continue
		}
		name := line[:colon]
		for n := len(name); n > 0 && (name[n-1] == ' ' || name[n-1] == '\t'); n-- {
			name = name[:n-1]
		}
		if len(name) > len(key) {
			continue
		}
		for i, c := range name {
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			key[i] = c
		}
		f(key[:len(name)], line[colon+1:])
	}
}

// fieldLines returns the first line of raw with the folded lines after it.
func fieldLines(raw []byte) []byte {
	for i := 0; ; {
		n := bytes.IndexByte(raw[i:], '\n')
		if n < 0 {
			return raw
		}
		i += n + 1
		if i == len(raw) || raw[i] != ' ' && raw[i] != '\t' {
			return raw[:i]
		}
	}
}

// fieldColon returns the index of the colon that ends a field's name, -1 for
// a line that is no field. Blanks before the colon are forgiven.
func fieldColon(line []byte) int {
	for i, c := range line {
		switch {
		case c == ':':
			if i == 0 {
				return -1
			}
			return i
		case c == ' ' || c == '\t':
			rest := bytes.TrimLeft(line[i:], " \t")
			if i > 0 && len(rest) > 0 && rest[0] == ':' {
				return len(line) - len(rest)
			}
			return -1
		case c <= ' ' || c >= 0x7f:
			return -1
		}
	}
	return -1
}

// isMboxLine recognises the line mbox files put before a message.
func isMboxLine(line []byte) bool {
	return bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From "))
}

// plainField reports whether line begins with a field name that prose does
// not hold before a colon.
func plainField(line []byte) bool {
	colon := fieldColon(line)
	if colon <= 0 {
		return false
	}
	name := bytes.TrimRight(line[:colon], " \t")
	if i := bytes.IndexByte(name, '-'); i > 0 {
		return true
	}
	return knownNames[strings.ToLower(string(name))]
}

var knownNames = map[string]bool{
	"from": true, "to": true, "cc": true, "bcc": true, "date": true, "subject": true, "sender": true, "received": true,
	"references": true, "precedence": true, "importance": true, "priority": true, "sensitivity": true, "organization": true, "lines": true, "status": true, "comments": true, "keywords": true,
}

func (r *headReader) defect(what string) {
	for _, d := range r.head.Defects {
		if d == what {
			return
		}
	}
	r.head.Defects = append(r.head.Defects, what)
}

// field takes one field of the header.
func (r *headReader) field(key, value []byte) {
	h := &r.head
	if to := r.partyList(key); to != nil {
		r.parties = append(r.parties, partyField{to, value})
		return
	}
	switch string(key) {
	case "message-id", "message_id":
		if id := messageIDs(unfold(value), 1, 1); len(id) > 0 {
			r.ids = append(r.ids, id[0])
		}
	case "x-microsoft-original-message-id", "x-ms-exchange-parent-message-id", "x-original-message-id":
		if id := messageIDs(unfold(value), 1, 1); len(id) > 0 && len(h.Aliases) < 8 {
			h.Aliases = appendNew(h.Aliases, id[0])
		}
	case "date":
		r.dates = append(r.dates, unfold(value))
	case "received":
		r.received = value
	case "subject":
		if h.Subject == "" {
			h.Subject = unfold(value)
		}
	case "in-reply-to":
		for _, id := range replyIDs(unfold(value)) {
			if len(h.InReplyTo) < 20 {
				h.InReplyTo = appendNew(h.InReplyTo, id)
			}
		}
	case "references":
		if len(h.References) == 0 {
			h.References = messageIDs(unfold(value), 20, 80)
		}
	case "content-type":
		if r.contentType == "" {
			r.contentType = unfold(value)
		}
	case "sensitivity":
		switch strings.ToLower(unfold(value)) {
		case "private", "personal", "company-confidential":
			h.Private = true
		}
	case "authentication-results":
		if len(h.AuthResults) < 8 {
			h.AuthResults = append(h.AuthResults, authField(unfold(value)))
		}
	case "x-failed-recipients":
		r.failed = append(r.failed, unfold(value))
	case "thread-index":
		r.index = unfold(value)
	case "thread-topic":
		r.topic = unfold(value)
	case "x-rapport-id":
		r.token = clipText(headerText(unfold(value), ""), 200)
	default:
		r.autoField(key, value)
	}
}

// authField makes one Authentication-Results field fit for keeping. Of one
// that is too long only the name before its results stays: it vouches for
// nothing, but what stands below it counts no more than it did.
func authField(v string) string {
	if len(v) > 8<<10 {
		v, _, _ = strings.Cut(v[:1<<10], ";")
		if strings.Contains(v, "=") { // Microsoft's, which bear no name
			v = "oversized=none"
		}
	}
	return cleanText(guessText(v, ""))
}

// partyList returns the list a field of addresses goes to, nil for others.
func (r *headReader) partyList(key []byte) *[]Party {
	h := &r.head
	switch string(key) {
	case "from":
		return &h.From
	case "sender":
		return &h.Sender
	case "reply-to":
		return &h.ReplyTo
	case "to", "apparently-to":
		return &h.To
	case "cc":
		return &h.Cc
	case "bcc":
		return &h.Bcc
	case "resent-from", "resent-sender", "resent-to", "resent-cc", "resent-bcc":
		return &h.Resent
	case "delivered-to", "x-original-to", "envelope-to", "x-delivered-to", "x-envelope-to":
		return &h.DeliveredTo
	}
	return nil
}

// autoField takes the fields that tell automatic and list mail.
func (r *headReader) autoField(key, value []byte) {
	a := &r.head.Auto
	short := func() string { return strings.ToLower(headerText(clip(unfold(value), 200), "")) }
	switch string(key) {
	case "auto-submitted", "x-auto-submitted":
		if a.Submitted == "" {
			v, _, _ := strings.Cut(short(), ";")
			v, _, _ = strings.Cut(v, "(")
			a.Submitted = strings.TrimSpace(v)
		}
	case "precedence", "x-precedence", "preference":
		if a.Precedence == "" {
			a.Precedence = short()
		}
	case "list-id":
		a.ListID = listID(headerText(clip(unfold(value), 1000), ""))
	case "list-post", "list-unsubscribe", "x-mailing-list", "mailing-list":
		if v := headerText(clip(unfold(value), 1000), ""); r.listHint == "" && !strings.EqualFold(v, "no") {
			r.listHint = v
		}
	case "x-autoreply", "x-autorespond", "x-autoreply-from", "x-mail-autoreply", "x-autoresponse", "x-autoresponder", "x-autogenerated", "x-auto-reply", "x-vacation", "x-cisco-autoreply":
		if v := short(); v != "no" && v != "false" {
			a.Responder = true
		}
	case "x-auto-response-suppress":
		r.suppress = short()
	case "return-path":
		if v := strings.TrimSpace(unfold(value)); strings.HasPrefix(v, "<>") {
			a.NullReturn = true
		}
	}
}

// listID returns what stands in the angle brackets of a List-Id.
func listID(s string) string {
	if i := strings.LastIndexByte(s, '<'); i >= 0 {
		if id := strings.TrimSpace(strings.TrimSuffix(s[i+1:], ">")); id != "" {
			return id
		}
	}
	return strings.Trim(s, "<> ")
}

// finish reads what could only be read once every field was seen.
func (r *headReader) finish() {
	h := &r.head
	hint := r.contentFacts()
	h.Subject = headerText(clip(h.Subject, 64<<10), hint)
	if len(h.Subject) > 4<<10 {
		h.Subject = strings.ToValidUTF8(h.Subject[:4<<10], "")
	}
	for _, p := range r.parties {
		if len(*p.to) >= maxParties {
			r.defect("too-many-addresses")
			continue
		}
		list := parseParties(unfold(p.value), hint)
		for _, a := range list {
			if a.Address == "" {
				r.defect("address")
			}
		}
		if len(list) >= maxParties {
			r.defect("too-many-addresses")
		}
		if len(*p.to) == 0 {
			*p.to = list
		} else {
			*p.to = append(*p.to, list...)
		}
	}
	r.finishIDs()
	r.finishDates()
	if h.Conversation.ID = conversationID(r.index, h.Date); h.Conversation.ID != "" {
		h.Conversation.Topic = topicOf(headerText(clip(r.topic, 4<<10), hint), h.Subject)
	}
	if h.Auto.ListID == "" {
		h.Auto.ListID = r.listHint
	}
	if s := r.suppress; len(h.InReplyTo) > 0 && (strings.Contains(s, "all") || strings.Contains(s, "oof") || strings.Contains(s, "autoreply")) {
		h.Auto.Responder = true
	}
}

// contentFacts reads the content type and returns its charset, which is the
// best guess for headers in raw 8-bit.
func (r *headReader) contentFacts() (hint string) {
	if r.contentType == "" {
		return ""
	}
	m := r.content.media
	if r.contentType != r.content.contentType || len(r.contentType) > 4096 {
		m = parseMediaType(clip(r.contentType, 4096), "")
	}
	r.head.MediaType = m.value
	r.head.ReportType = strings.ToLower(cleanText(guessText(m.get("report-type"), "")))
	return m.get("charset")
}

func (r *headReader) finishIDs() {
	h := &r.head
	if len(r.ids) == 0 {
		r.defect("message-id-missing")
		return
	}
	h.MessageID = r.ids[0]
	for _, id := range r.ids[1:] {
		if id != h.MessageID && len(h.Aliases) < 8 {
			h.Aliases = appendNew(h.Aliases, id)
			r.defect("message-id-repeated")
		}
	}
}

func (r *headReader) finishDates() {
	h := &r.head
	for _, d := range r.dates {
		if t, ok := parseDate(d); ok {
			h.Date = t
			break
		}
	}
	switch {
	case len(r.dates) == 0:
		r.defect("date-missing")
	case h.Date.IsZero():
		r.defect("date")
	}
	if r.received != nil {
		v := unfold(clip(r.received, 8<<10))
		if i := strings.LastIndexByte(v, ';'); i >= 0 {
			if t, ok := parseDate(v[i+1:]); ok {
				h.Relayed = t
			}
		}
	}
}

// clip cuts s to at most n bytes.
func clip[T string | []byte](s T, n int) T {
	if len(s) > n {
		return s[:n]
	}
	return s
}

func appendNew(list []string, s string) []string {
	for _, have := range list {
		if have == s {
			return list
		}
	}
	return append(list, s)
}

// sane reports whether t can be the time of a mail at all.
func sane(t time.Time) bool { return !t.IsZero() && t.Year() >= 1970 && t.Year() <= 2100 }
