package web

import (
	"time"

	"rapport/records/contact"
	"rapport/records/message"
)

// NewMail writes down a parsed mail under the names scripts read. It is a pure
// function, so that parse works without a store.
func NewMail(file string, p message.Parsed, v message.Verdict) Mail {
	m := Mail{
		File: file, MessageID: p.Head.MessageID, Date: when(p.Head.Date),
		From: parties(p.Head.From), To: parties(p.Head.To), Cc: parties(p.Head.Cc), ReplyTo: parties(p.Head.ReplyTo),
		Subject: p.Head.Subject, Text: p.Text, Reply: p.Reply,
		Attachments: attachments(p.Attachments), Verdict: verdict(v), Defects: list(p.Defects),
	}
	if len(p.Inner) > 0 {
		in := p.Inner[0]
		m.Forwarded = &Forwarded{
			MessageID: in.Head.MessageID, Date: when(in.Head.Date),
			From: parties(in.Head.From), To: parties(in.Head.To), Cc: parties(in.Head.Cc),
			Subject: in.Head.Subject, Text: in.Text, Inline: in.Inline,
		}
	}
	return m
}

// list returns s, never nil: an empty list is [] in JSON, not null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func parties(ps []message.Party) []Party {
	out := make([]Party, 0, len(ps))
	for _, p := range ps {
		out = append(out, Party{Name: p.Name, Address: string(p.Address), Raw: p.Raw})
	}
	return out
}

func attachments(as []message.Attachment) []Attachment {
	out := make([]Attachment, 0, len(as))
	for _, a := range as {
		out = append(out, Attachment(a))
	}
	return out
}

func verdict(v message.Verdict) Verdict {
	out := Verdict{
		Kind: v.Kind, Auto: v.Auto, Bounces: list(v.Bounces), Complaint: v.Complaint, Original: v.Original,
		Successor: string(v.Successor), Calendar: v.Calendar,
	}
	if out.Original == nil {
		out.Original = &message.Original{}
	}
	if v.AwayUntil != nil {
		out.AwayUntil = when(*v.AwayUntil)
	}
	return out
}

func holdings(hs []message.Holding) []Holding {
	out := make([]Holding, 0, len(hs))
	for _, h := range hs {
		out = append(out, Holding{Mailbox: h.Mailbox, Folder: h.Folder, UID: h.UID, UIDValidity: h.UIDValidity})
	}
	return out
}

// addresses reads what people type as addresses, in their order.
func addresses(texts []string) ([]contact.Address, error) {
	var out []contact.Address
	for _, t := range texts {
		a, err := contact.ParseAddress(t)
		if err != nil {
			return nil, invalid("%s", oneLine(err.Error()))
		}
		out = append(out, a)
	}
	return out, nil
}
