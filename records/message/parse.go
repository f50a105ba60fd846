package message

import (
	"crypto/sha256"
	"fmt"
	"io"
	"sync"
	"time"

	"rapport/records/contact"
)

// Limits bounds what parsing may cost. The zero value of a field means the
// default.
type Limits struct {
	Depth      int   // nested multiparts and messages read: 32
	Parts      int   // 1,000
	Header     int64 // bytes of the top header that are parsed: 1 MB
	PartHeader int64 // 256 KB
	Text       int64 // bytes of readable text kept: 1 MB
	Documents  int64 // bytes of office and PDF files kept as they are: none
}

// Attachment describes one attached file; its content stays in the raw mail.
type Attachment struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Size   int64  `json:"size"` // decoded bytes
	SHA256 string `json:"sha256"`
	Part   string `json:"part,omitempty"` // path in the tree of parts, e.g. "2.1"
	Inline bool   `json:"inline,omitempty"`
}

// Parsed is everything read out of one mail.
type Parsed struct {
	Head        Head
	Text        string // readable text of the whole mail
	HTML        string // the HTML part as it stands, "" where there is none
	Reply       string // what the author newly wrote
	Attachments []Attachment
	Files       []FileText        // what attached texts, tables and invitations say, within limits
	Documents   []Document        // office and PDF files, as far as Limits has them kept
	ContentIDs  map[string]string // of attachments, by which the HTML shows them: Content-ID -> Part
	Parts       []Part            // the tree of parts, each after the one it is in
	Inner       []Inner           // messages inside, by message/rfc822 or by an inline forward block, outermost first
	Report      *Report3464
	Defects     []string
	TextSum     Sum // over the content, however it was encoded and however it is read; see content.go
	Sum         Sum // over the raw bytes
	Size        int64

	own      string // readable text without that of the messages inside
	failed   []string
	about    *Head  // the mail a report is about
	token    string // X-Rapport-Id of the mail a report is about
	feedback *feedbackReport
	calendar string // the invitation as it stands
	method   string

	formerSum Sum // zero where there is a Message-ID
}

// Part is one node of the tree a mail is made of: a multipart, a message inside,
// or a leaf with content. What the limits kept from being read is missing.
type Part struct {
	Path        string  `json:"path"`  // as an Attachment's Part; a message inside and its content share one
	Depth       int     `json:"depth"` // how many multiparts and messages it is in
	Type        string  `json:"type"`
	Params      []Param `json:"params,omitempty"` // of the type, in their order, decoded
	Encoding    string  `json:"encoding,omitempty"`
	Disposition string  `json:"disposition,omitempty"`
	Name        string  `json:"name,omitempty"`
	Size        int64   `json:"size"` // decoded bytes of a leaf
}

// Param is a parameter of a media type, its name in lower case.
type Param struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Inner is a message found inside another.
type Inner struct {
	Head   Head
	Text   string
	Inline bool // from a forward block in the text, so its addresses may be misread
}

// Kind is what a message is.
type Kind string

// The kinds.
const (
	Personal    Kind = "personal"
	List        Kind = "list"
	Automatic   Kind = "automatic"
	Bounce      Kind = "bounce"
	Complaint   Kind = "complaint"
	Unsubscribe Kind = "unsubscribe"
	Calendar    Kind = "calendar"
)

// Verdict is what a message is, as interface.md prints it.
type Verdict struct {
	Kind      Kind             `json:"kind"`
	Auto      bool             `json:"auto"` // not written by hand: never a human contact, never an answer
	Bounces   []BouncedTo      `json:"bounces,omitempty"`
	Complaint *ComplaintReport `json:"complaint"`
	Original  *Original        `json:"original"`
	AwayUntil *time.Time       `json:"away_until"`
	Successor contact.Address  `json:"successor,omitempty"`
	Calendar  *CalendarEvent   `json:"calendar"`
}

// BouncedTo is one recipient of a delivery report.
type BouncedTo struct {
	Recipient  string `json:"recipient"`
	Status     string `json:"status"` // RFC 3463
	ReplyCode  string `json:"reply_code"`
	Class      string `json:"class"` // address, mailbox, transient, policy, content, quota, config, unknown
	Reason     string `json:"reason"`
	Hard       bool   `json:"hard"`
	Diagnostic string `json:"diagnostic"`
	Action     string `json:"action,omitempty"` // failed, delayed, delivered, relayed or expanded, where the report says
}

// ComplaintReport is a feedback report (RFC 5965).
type ComplaintReport struct {
	Type      string `json:"type"`
	Recipient string `json:"recipient"`
}

// Original names the mail a report is about.
type Original struct {
	MessageID string `json:"message_id"`
	Token     string `json:"token"`
}

// CalendarEvent is an invitation, update, cancellation or answer (RFC 5546).
type CalendarEvent struct {
	Method    string          `json:"method"`
	UID       string          `json:"uid"`
	Summary   string          `json:"summary"`
	Start     time.Time       `json:"start,omitzero"`     // of a whole day its midnight in UTC
	End       time.Time       `json:"end,omitzero"`       // exclusive
	AllDay    bool            `json:"all_day,omitempty"`  // Start and End are days, wherever one is
	Sequence  int             `json:"sequence,omitempty"` // grows with each change of the meeting
	Stamp     time.Time       `json:"stamp,omitzero"`     // when this state of it was written
	Instance  string          `json:"instance,omitempty"` // RECURRENCE-ID: which of a series is meant
	Repeats   bool            `json:"repeats,omitempty"`
	Location  string          `json:"location,omitempty"`
	Organizer contact.Address `json:"organizer,omitempty"`
	Attendee  contact.Address `json:"attendee,omitempty"` // of an answer: whose it is
	State     string          `json:"state,omitempty"`    // invited, changed, cancelled; of an answer accepted, declined, tentative, delegated, or proposed for another time
}

// Report3464 is a delivery report as found, before it is judged.
type Report3464 struct {
	Recipients []BouncedTo
	Original   Original
}

// fill puts the defaults in.
func (l Limits) fill() Limits {
	if l.Depth <= 0 {
		l.Depth = maxDepth
	}
	if l.Parts <= 0 {
		l.Parts = maxParts
	}
	if l.Header <= 0 {
		l.Header = maxHeader
	}
	if l.PartHeader <= 0 {
		l.PartHeader = maxPartHeader
	}
	if l.Text <= 0 {
		l.Text = maxText
	}
	return l
}

// Parse reads a whole mail in one pass, whatever its size, and keeps of it no
// more than lim allows. The error is r's own: there is no mail that cannot be
// read. What was read until then is returned with it.
func Parse(r io.Reader, lim Limits) (Parsed, error) {
	var p Parsed
	c := scratches.Get().(*scratch) // not given back when the walk panics
	w := newWalker(lim.fill(), &p, c)
	sum := sha256.New()
	err := feed(r, func(b []byte) {
		sum.Write(b)
		p.Size += int64(len(b))
		w.lines.write(b)
	})
	sum.Sum(p.Sum[:0])
	w.close()
	w.finish()
	scratches.Put(c)
	if err != nil {
		return p, fmt.Errorf("read mail: %w", err)
	}
	return p, nil
}

// buffers holds what feed reads into.
var buffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// feed reads r to its end.
func feed(r io.Reader, take func([]byte)) error {
	buf := buffers.Get().(*[64 << 10]byte)[:]
	defer func() { buffers.Put((*[64 << 10]byte)(buf)) }()
	for idle := 0; idle < 100; {
		n, err := r.Read(buf)
		if n > 0 {
			take(buf[:n])
			idle = 0
		} else {
			idle++
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
	return io.ErrNoProgress
}
