package message

import (
	"regexp"
	"strings"
)

// Classify judges what a message is. Auto is set for everything that no human
// wrote by hand to somebody.
func Classify(p Parsed) Verdict {
	h := p.Head
	switch {
	case p.feedback != nil:
		return complaint(p)
	case strings.HasPrefix(strings.ToLower(h.Subject), "complaint about message from") && len(p.Inner) > 0:
		p.feedback, p.about = &feedbackReport{kind: "abuse"}, &p.Inner[0].Head // Outlook.com's junk mail reports
		return complaint(p)
	case len(reportRecipients(p)) > 0:
		return bounced(p)
	}
	if v, ok := calendarVerdict(p); ok {
		return v
	}
	if v, ok := notification(p); ok {
		return v
	}
	if (h.autoReplySubject() || h.Auto.Responder) && !h.fromReporter() {
		return automatic(p)
	}
	if h.LooksReport() || len(p.failed) > 0 {
		if v, ok := plainBounce(p); ok {
			return v
		}
	}
	switch {
	case wantsOut(p) && h.Auto.ListID == "" && !h.fromReporter(): // also what a mail program sends for its user
		return Verdict{Kind: Unsubscribe, Auto: h.Auto.Submitted != "" && h.Auto.Submitted != "no", Original: originalOf(p)}
	case h.LooksList():
		return Verdict{Kind: List, Auto: true}
	case h.LooksAutomatic():
		return automatic(p)
	}
	return Verdict{Kind: Personal}
}

// complaint judges a feedback report.
func complaint(p Parsed) Verdict {
	c := &ComplaintReport{Type: p.feedback.kind, Recipient: p.feedback.recipient}
	v := Verdict{Kind: Complaint, Auto: true, Complaint: c, Original: originalOf(p)}
	if v.Original == nil && p.feedback.messageID != "" {
		v.Original = &Original{MessageID: p.feedback.messageID}
	}
	if c.Recipient == "" && p.about != nil && len(p.about.To) > 0 {
		c.Recipient = string(p.about.To[0].Address)
	}
	return v
}

// originalOf names the mail a report is about, or a reply answers.
func originalOf(p Parsed) *Original {
	o := Original{Token: p.token}
	switch {
	case p.Report != nil && p.Report.Original.MessageID != "":
		o.MessageID = p.Report.Original.MessageID
	case p.about != nil:
		o.MessageID = p.about.MessageID
	case len(p.Inner) > 0 && !p.Inner[0].Inline:
		o.MessageID = p.Inner[0].Head.MessageID
	case len(p.Head.InReplyTo) > 0:
		o.MessageID = p.Head.InReplyTo[0]
	}
	// Servers without RFC 3464 quote the header of the mail in their text.
	if o.MessageID == "" {
		o.MessageID = quotedField(quotedMessageID, p.Text)
	}
	if o.Token == "" {
		o.Token = quotedField(quotedToken, p.Text)
	}
	if o == (Original{}) {
		return nil
	}
	return &o
}

var (
	quotedMessageID = regexp.MustCompile(`(?im)^[> \t|]*Message-ID:\s*<([^<>\s]{1,250})>`)
	quotedToken     = regexp.MustCompile(`(?im)^[> \t|]*X-Rapport-Id:\s*([a-z2-7]{1,200})\s*$`)
)

// quotedField returns the last field of that kind in a text: that of a mail
// stands below what is said about it.
func quotedField(field *regexp.Regexp, text string) string {
	found := field.FindAllStringSubmatch(text, 100)
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1][1]
}

// reportRecipients returns the recipients a delivery report judges.
func reportRecipients(p Parsed) []BouncedTo {
	if p.Report == nil {
		return nil
	}
	return p.Report.Recipients
}

// bounced judges a delivery report. One that only tells of success is
// automatic mail.
func bounced(p Parsed) Verdict {
	v := Verdict{Kind: Bounce, Auto: true, Original: originalOf(p)}
	for _, r := range p.Report.Recipients {
		switch r.Action {
		case "delivered", "relayed", "expanded":
			continue
		}
		if strings.HasPrefix(r.Status, "2.") && r.Action != "failed" && r.Action != "delayed" {
			continue
		}
		v.Bounces = append(v.Bounces, judge(r, p.own))
	}
	if len(v.Bounces) == 0 {
		v.Kind = Automatic
	}
	if len(v.Bounces) == 1 && v.Bounces[0].Recipient == "" && len(p.failed) > 0 {
		v.Bounces[0].Recipient = recipientOf(p.failed[0])
	}
	return v
}

// automatic judges mail of machines; of an absence it reads the end and who
// stands in.
func automatic(p Parsed) Verdict {
	v := Verdict{Kind: Automatic, Auto: true, Original: originalOf(p)}
	text := clip(p.Reply, 4<<10)
	if text == "" {
		text = clip(p.own, 4<<10)
	}
	subject := p.Head.Subject + "\n" + text
	if answers := p.Head.Auto.Responder || p.Head.autoReplySubject(); answers || isAbsence(strings.ToLower(subject)) { // invoices name days as well
		if until, ok := awayUntil(subject, p.Head.Date); ok {
			v.AwayUntil = &until
		}
	}
	v.Successor = successor(text, p.Head)
	return v
}
