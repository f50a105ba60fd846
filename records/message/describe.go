package message

import (
	"time"
)

// Description is what `rapport parse --json` prints of one mail file. Lists
// are empty rather than absent.
type Description struct {
	File        string            `json:"file"`
	MessageID   string            `json:"message_id"`
	Date        *time.Time        `json:"date"`
	From        []DescribedParty  `json:"from"`
	To          []DescribedParty  `json:"to"`
	Cc          []DescribedParty  `json:"cc"`
	ReplyTo     []DescribedParty  `json:"reply_to"`
	Subject     string            `json:"subject"`
	Text        string            `json:"text"`
	Reply       string            `json:"reply"`
	Attachments []Attachment      `json:"attachments"`
	Verdict     DescribedVerdict  `json:"verdict"`
	Forwarded   *DescribedForward `json:"forwarded"`
	Defects     []string          `json:"defects"`
}

// DescribedParty is a party with both fields always there; an address that
// could not be read stands as it was written.
type DescribedParty struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

// DescribedVerdict is a verdict with every field always there.
type DescribedVerdict struct {
	Kind      Kind             `json:"kind"`
	Auto      bool             `json:"auto"`
	Bounces   []BouncedTo      `json:"bounces"`
	Complaint *ComplaintReport `json:"complaint"`
	Original  Original         `json:"original"`
	AwayUntil *time.Time       `json:"away_until"`
	Successor *string          `json:"successor"`
	Calendar  *CalendarEvent   `json:"calendar"`
}

// DescribedForward is the outermost message inside a mail.
type DescribedForward struct {
	MessageID string           `json:"message_id"`
	Date      *time.Time       `json:"date"`
	From      []DescribedParty `json:"from"`
	To        []DescribedParty `json:"to"`
	Cc        []DescribedParty `json:"cc"`
	Subject   string           `json:"subject"`
	Text      string           `json:"text"`
	Inline    bool             `json:"inline"`
}

// Describe puts a parsed mail into the form scripts read.
func Describe(file string, p Parsed) Description {
	h := p.Head
	d := Description{
		File: file, MessageID: h.MessageID, Date: timeOrNil(h.Date), Subject: h.Subject, Text: p.Text, Reply: p.Reply,
		From: describeParties(h.From), To: describeParties(h.To), Cc: describeParties(h.Cc), ReplyTo: describeParties(h.ReplyTo),
		Attachments: append([]Attachment{}, p.Attachments...), Defects: append([]string{}, p.Defects...),
	}
	v := Classify(p)
	d.Verdict = DescribedVerdict{Kind: v.Kind, Auto: v.Auto, Bounces: append([]BouncedTo{}, v.Bounces...), Complaint: v.Complaint, AwayUntil: v.AwayUntil, Calendar: v.Calendar}
	if v.Original != nil {
		d.Verdict.Original = *v.Original
	}
	if v.Successor != "" {
		s := string(v.Successor)
		d.Verdict.Successor = &s
	}
	if len(p.Inner) > 0 && v.Kind != Bounce && v.Kind != Complaint {
		in := p.Inner[0]
		d.Forwarded = &DescribedForward{
			MessageID: in.Head.MessageID, Date: timeOrNil(in.Head.Date), From: describeParties(in.Head.From), To: describeParties(in.Head.To), Cc: describeParties(in.Head.Cc),
			Subject: in.Head.Subject, Text: in.Text, Inline: in.Inline,
		}
	}
	return d
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func describeParties(list []Party) []DescribedParty {
	out := make([]DescribedParty, 0, len(list))
	for _, p := range list {
		address := string(p.Address)
		if address == "" {
			address = p.Raw
		}
		out = append(out, DescribedParty{p.Name, address})
	}
	return out
}
