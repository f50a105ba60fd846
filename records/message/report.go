package message

import (
	"bytes"
	"strings"
)

// feedbackReport is the machine-readable part of an ARF report (RFC 5965).
type feedbackReport struct {
	kind      string
	recipient string
	messageID string
}

// deliveryStatus reads message/delivery-status (RFC 3464): groups of fields
// apart by blank lines, one for the message, one for each recipient. Missing
// blank lines and repeated ones are forgiven.
func (w *walker) deliveryStatus(buf []byte) {
	if w.out.Report == nil {
		w.out.Report = &Report3464{}
	}
	var cur *BouncedTo
	final := ""
	flush := func() {
		if cur != nil && len(w.out.Report.Recipients) < maxRecipients {
			if cur.Recipient == "" {
				cur.Recipient = final
			}
			w.out.Report.Recipients = append(w.out.Report.Recipients, *cur)
		}
		cur, final = nil, ""
	}
	buf = bytes.ReplaceAll(buf, []byte("\r"), nil)
	for group := range bytes.SplitSeq(buf, []byte("\n\n")) {
		eachField(group, func(key, value []byte) {
			v := cleanText(guessText(clip(unfold(value), 4096), ""))
			switch string(key) {
			case "final-recipient", "original-recipient", "action", "status", "diagnostic-code":
				if cur == nil {
					cur = &BouncedTo{}
				}
			}
			switch string(key) {
			case "final-recipient":
				if final != "" {
					flush()
					cur = &BouncedTo{}
				}
				final = recipientOf(v)
			case "original-recipient":
				cur.Recipient = recipientOf(v)
			case "action":
				word, _, _ := strings.Cut(strings.ToLower(v), " ")
				cur.Action = strings.Trim(word, "();,")
			case "status":
				cur.Status = enhancedCode(v)
			case "diagnostic-code":
				cur.Diagnostic = squeeze(cutType(v))
			case "x-original-message-id", "original-message-id", "x-message-id":
				if ids := messageIDs(v, 1, 1); len(ids) > 0 {
					w.out.Report.Original.MessageID = ids[0]
				}
			}
		})
		flush()
	}
}

// maxRecipients bounds the recipients read of one report.
const maxRecipients = 1000

// cutType removes the "smtp;" before a diagnostic code.
func cutType(v string) string {
	if i := strings.IndexByte(v, ';'); i > 0 && i < 40 && !strings.ContainsAny(v[:i], " .") {
		return strings.TrimSpace(v[i+1:])
	}
	return v
}

// recipientOf reads "rfc822; ada@example.com", xtext decoded.
func recipientOf(v string) string {
	if i := strings.IndexByte(v, ';'); i > 0 && i < 20 && !strings.Contains(v[:i], "@") {
		v = v[i+1:]
	}
	v = strings.Trim(v, " <>\"'")
	if strings.Contains(v, "+") {
		if d := decodeXtext(v); d != v {
			v = d
		}
	}
	if a, ok := readAddress(v); ok {
		return string(a)
	}
	return clipText(v, 320)
}

// decodeXtext decodes RFC 3461: + with two capital hexadecimal digits, which
// stands only for characters an address would not bear bare.
func decodeXtext(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '+' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) && s[i+1] < 'a' && s[i+2] < 'a' {
			if c := unhex(s[i+1])<<4 | unhex(s[i+2]); c == '+' || c == '=' || c == '@' || c < '0' && c > ' ' {
				b.WriteByte(c)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// feedbackReport reads the second part of an ARF report.
func (w *walker) feedbackReport(buf []byte) {
	if w.feedback != nil {
		return
	}
	f := &feedbackReport{}
	eachField(bytes.ReplaceAll(buf, []byte("\r"), nil), func(key, value []byte) {
		v := headerText(clip(unfold(value), 1000), "")
		switch string(key) {
		case "feedback-type":
			f.kind = strings.ToLower(v)
		case "original-rcpt-to", "removal-recipient":
			if f.recipient == "" || string(key) == "original-rcpt-to" {
				f.recipient = recipientOf(v)
			}
		case "original-message-id", "message-id":
			if ids := messageIDs(v, 1, 1); len(ids) > 0 {
				f.messageID = ids[0]
			}
		}
	})
	w.feedback = f
}

// report completes the delivery report with the mail it is about.
func (w *walker) report() {
	head := w.original
	if head == nil && (w.out.Report != nil || w.feedback != nil) && len(w.out.Inner) > 0 {
		head = &w.out.Inner[0].Head
	}
	w.out.about, w.out.token = head, w.token
	if w.out.Report == nil || head == nil {
		return
	}
	if head.MessageID != "" {
		w.out.Report.Original.MessageID = head.MessageID
	}
}

// noteToken remembers the token of a mail of ours that is quoted whole.
func (w *walker) noteToken(r *headReader) {
	if w.token == "" {
		w.token = r.token
	}
}
