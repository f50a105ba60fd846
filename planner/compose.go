// Package planner plans campaigns: it chooses whom they reach, renders their
// mails into the outbox, decides at the last moment whether one may leave, and
// keeps what comes back.
package planner

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/outbox"
)

// Envelope is what stands above a mail: from whom to whom, and what lets
// answers, reports and objections find back.
type Envelope struct {
	From      string          // one author, with a display name or without
	To        contact.Address // one recipient
	ToName    string
	ReplyTo   contact.Address // a mailbox that is read; "" where From is
	Date      time.Time
	MessageID string // without angle brackets
	Token     string // of the delivery, for reply headers
	Language  string

	ListID   string // list.example.com; "" for mail that belongs to no list
	ListName string
	// Unsubscribe are the ways out: an https address for one click (RFC 8058), an
	// address to write to with the subject to use (RFC 2369).
	UnsubscribeURL  string
	UnsubscribeMail string // mailto:…
	Feedback        string // Feedback-ID
}

// header names are from this list alone: no data becomes the name of a field.
const (
	fieldToken     = "X-Rapport-Id"
	fieldSuppress  = "X-Auto-Response-Suppress"
	fieldAuto      = "Auto-Submitted"
	fieldFeedback  = "Feedback-ID"
	fieldListID    = "List-ID"
	fieldUnsub     = "List-Unsubscribe"
	fieldUnsubPost = "List-Unsubscribe-Post"
)

// Compose returns the bytes of a mail as they go over the wire: CRLF, lines of
// at most 998 octets, ASCII. Composing the same mail twice gives other boundaries:
// what is to be sent is composed once and kept.
func Compose(e Envelope, r campaign.Rendered) ([]byte, error) {
	if strings.TrimSpace(r.Text) == "" || strings.TrimSpace(r.HTML) == "" {
		return nil, errors.New("compose mail: a part of it is empty")
	}
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithEncoding(mail.EncodingQP))
	from, err := netmail.ParseAddress(e.From)
	if err != nil {
		return nil, fmt.Errorf("compose mail from %q: %w", e.From, err)
	}
	for field, set := range map[mail.AddrHeader]*netmail.Address{
		mail.HeaderFrom: {Name: campaign.OneLine(from.Name), Address: from.Address},
		mail.HeaderTo:   {Name: campaign.OneLine(e.ToName), Address: string(e.To)},
	} {
		if err := outbox.CheckAddress(set.Address); err != nil {
			return nil, fmt.Errorf("compose mail: %s: %w", field, err)
		}
		msg.SetAddrHeaderFromMailAddress(field, set)
	}
	if e.ReplyTo != "" {
		if err := errors.Join(outbox.CheckAddress(string(e.ReplyTo)), msg.ReplyTo(string(e.ReplyTo))); err != nil {
			return nil, fmt.Errorf("compose mail: Reply-To: %w", err)
		}
	}
	msg.Subject(campaign.OneLine(r.Subject))
	msg.SetDateWithValue(e.Date)
	msg.SetMessageIDWithValue(e.MessageID)
	if err := setFields(msg, e); err != nil {
		return nil, err
	}
	msg.SetBodyString(mail.TypeTextPlain, r.Text)
	msg.AddAlternativeString(mail.TypeTextHTML, r.HTML)
	for _, f := range r.Pictures {
		msg.EmbedReadSeeker(f.Name, bytes.NewReader(f.Data), along(f, "inline"))
	}
	for _, f := range r.Files {
		msg.AttachReadSeeker(f.Name, bytes.NewReader(f.Data), along(f, "attachment"))
	}
	var out bytes.Buffer
	if _, err := msg.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("compose mail: %w", err)
	}
	return checkBytes(out.Bytes())
}

// along writes the header of what goes along with a mail. The library would write
// names that are not ASCII as encoded words, which RFC 2231 does not know.
func along(f campaign.File, disposition string) mail.FileOption {
	name := map[string]string{"name": campaign.OneLine(f.Name)}
	return func(out *mail.File) {
		out.Header.Set("Content-Type", mime.FormatMediaType(f.Type, name))
		out.Header.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": name["name"]}))
		if disposition == "inline" {
			out.Header.Set("Content-ID", "<"+f.ContentID+">")
		}
	}
}

// setFields writes what lets machines know the mail for what it is.
func setFields(msg *mail.Msg, e Envelope) error {
	set := func(field, value string) error {
		if strings.ContainsAny(value, "\r\n\x00") || len(value) > 900 {
			return fmt.Errorf("compose mail: the value of %s cannot stand in a header", field)
		}
		if value != "" {
			msg.SetGenHeader(mail.Header(field), value)
		}
		return nil
	}
	list := e.ListID
	if list != "" {
		list = "<" + list + ">"
		if name := campaign.OneLine(e.ListName); name != "" {
			list = mime.QEncoding.Encode("utf-8", name) + " " + list
		}
	}
	var ways []string
	post := ""
	if e.UnsubscribeURL != "" {
		if !strings.HasPrefix(e.UnsubscribeURL, "https://") {
			return fmt.Errorf("compose mail: the way out %q is not https", e.UnsubscribeURL)
		}
		ways, post = append(ways, "<"+e.UnsubscribeURL+">"), "List-Unsubscribe=One-Click"
	}
	if e.UnsubscribeMail != "" {
		ways = append(ways, "<"+e.UnsubscribeMail+">")
	}
	return errors.Join(
		set(fieldToken, e.Token),
		set("Content-Language", e.Language),
		// Not "All": its NDR would keep Exchange from sending bounces.
		set(fieldSuppress, "OOF, AutoReply, RN, NRN, DR"),
		set(fieldAuto, "auto-generated"),
		set("Precedence", "bulk"),
		set(fieldListID, list),
		set(fieldUnsub, strings.Join(ways, ", ")),
		set(fieldUnsubPost, post),
		set(fieldFeedback, e.Feedback),
	)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// checkBytes is the last look at a mail: what it ends with and what its lines
// are must be the same for every server it passes.
func checkBytes(b []byte) ([]byte, error) {
	if !bytes.HasSuffix(b, []byte("\r\n")) {
		b = append(b, "\r\n"...)
	}
	for line := range bytes.SplitSeq(bytes.TrimSuffix(b, []byte("\r\n")), []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n\x00") || !ascii(string(line)) {
			return nil, fmt.Errorf("compose mail: the line %.60q cannot be sent", line)
		}
	}
	return b, nil
}
