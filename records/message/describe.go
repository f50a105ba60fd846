package message

import (
	"time"
)

// Description is a mail as scripts read it: what `rapport message show --json`
// prints of a stored mail, and part of a [Reading]. Lists are empty
// rather than absent.
type Description struct {
	File        string            `json:"file,omitempty"`
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

// Reading is all that is read out of a mail file: what `rapport parse --json`
// prints. Lists are empty rather than absent.
type Reading struct {
	Description
	Sender     []DescribedParty `json:"sender"`
	Bcc        []DescribedParty `json:"bcc"`
	Aliases    []string         `json:"aliases"`
	InReplyTo  []string         `json:"in_reply_to"`
	References []string         `json:"references"`
	List       string           `json:"list"`
	Private    bool             `json:"private"`
	Parts      []Part           `json:"parts"`
	Files      []FileText       `json:"files,omitempty"` // what attachments say that are texts; absent where there is none
}

// DescribeFile puts a parsed mail file into the form scripts read.
func DescribeFile(file string, p Parsed) Reading {
	h := p.Head
	return Reading{
		Description: Describe(file, p), Sender: DescribeParties(h.Sender), Bcc: DescribeParties(h.Bcc), List: h.Auto.ListID, Private: h.Private,
		Aliases: append([]string{}, h.Aliases...), InReplyTo: append([]string{}, h.InReplyTo...), References: append([]string{}, h.References...), Parts: append([]Part{}, p.Parts...),
		Files: p.Files,
	}
}

// DescribedParty is a party with name and address always there. Raw stands in
// for an address that could not be read.
type DescribedParty struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Raw     string `json:"raw,omitempty"`
}

// DescribedVerdict is a verdict with every field always there.
type DescribedVerdict struct {
	Kind      Kind             `json:"kind"`
	Auto      bool             `json:"auto"`
	Bounces   []BouncedTo      `json:"bounces"`
	Complaint *ComplaintReport `json:"complaint"`
	Original  Original         `json:"original"`
	AwayUntil *time.Time       `json:"away_until"`
	Successor string           `json:"successor"`
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
		From: DescribeParties(h.From), To: DescribeParties(h.To), Cc: DescribeParties(h.Cc), ReplyTo: DescribeParties(h.ReplyTo),
		Attachments: append([]Attachment{}, p.Attachments...), Defects: append([]string{}, p.Defects...),
	}
	v := Classify(p)
	d.Verdict = DescribeVerdict(v)
	if len(p.Inner) > 0 && v.Kind != Bounce && v.Kind != Complaint {
		in := p.Inner[0]
		d.Forwarded = &DescribedForward{
			MessageID: in.Head.MessageID, Date: timeOrNil(in.Head.Date), From: DescribeParties(in.Head.From), To: DescribeParties(in.Head.To), Cc: DescribeParties(in.Head.Cc),
			Subject: in.Head.Subject, Text: in.Text, Inline: in.Inline,
		}
	}
	return d
}

// DescribeVerdict puts a verdict into the form scripts read.
func DescribeVerdict(v Verdict) DescribedVerdict {
	d := DescribedVerdict{
		Kind: v.Kind, Auto: v.Auto, Bounces: append([]BouncedTo{}, v.Bounces...), Complaint: v.Complaint,
		Successor: string(v.Successor), Calendar: v.Calendar,
	}
	if v.Original != nil {
		d.Original = *v.Original
	}
	if v.AwayUntil != nil {
		d.AwayUntil = timeOrNil(*v.AwayUntil)
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

// DescribeParties puts parties into the form scripts read.
func DescribeParties(list []Party) []DescribedParty {
	out := make([]DescribedParty, 0, len(list))
	for _, p := range list {
		out = append(out, DescribedParty{p.Name, string(p.Address), p.Raw})
	}
	return out
}
