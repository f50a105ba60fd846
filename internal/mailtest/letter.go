package mailtest

import (
	"strings"
	"time"
)

// side says on whose side of the world somebody stands.
type side int

const (
	stranger side = iota
	ours
	known     // a contact, or somebody at the domain of an organisation
	ambiguous // somebody at a domain of several organisations: a person decides
	blocked   // excluded by configuration
)

// person is somebody who writes mail.
type person struct {
	name    string
	addrs   []string // first is primary
	side    side
	records []string // what mail with this person is filed under
	lang    *language
	mailbox string         // of one of ours, "" without
	zone    *time.Location // what the Date header shows
}

// party is a person as one header names it.
type party struct {
	name string // display name, "" for none
	addr string // as written
	who  *person
}

func (p *person) as() party          { return party{p.name, p.addrs[0], p} }
func (p *person) by(a string) party  { return party{p.name, a, p} }
func (p *person) only() []party      { return []party{p.as()} }
func list(people ...*person) []party { return parties(people) }

func parties(people []*person) []party {
	var all []party
	for _, p := range people {
		all = append(all, p.as())
	}
	return all
}

// shape is how a letter's body is built.
type shape int

const (
	plain shape = iota
	htmlOnly
	alternative
	mixed     // alternative and an attachment
	related   // HTML with an inline image
	attached  // a message/rfc822 part: inner
	inline    // inner quoted in a client's forward block
	report    // a delivery report about inner
	calendar  // an invitation
	autoReply // plain, marked automatic by its headers
)

// letter is one message as its author wrote it, before copies were made.
type letter struct {
	id              string // without brackets, "" for none
	date            time.Time
	noDate          bool // the header is missing; date is when it came
	from            party
	sender, replyTo *party
	to, cc, bcc     []party // bcc is seen in the author's own copy only
	resent          []party
	subject         string
	irt             string
	refs            []string
	extra           []string // header lines
	garbled         string   // instead of brackets and commas: lines that are no valid References
	undisclosed     bool     // To: undisclosed-recipients:;
	rawHeaders      bool     // 8-bit UTF-8 headers, not encoded

	lang     *language
	charset  string
	transfer string // quoted-printable, base64, 8bit
	shape    shape
	size     int // of the text, about
	attach   int // bytes of the attachment
	kind     int // of the attachment
	inner    *letter
	style    int    // of an inline forward or a report
	note     string // written above a forward
	quote    string // what the letter answers
	seed     uint64

	copies []copyOf

	// What the oracle knows.
	index               int
	expected            Expected
	records             []string
	rule                string
	private, draft      bool
	marker              string // a word in the text, of stored letters
	sample              string // a sentence in the text
	canary, titleCanary string // words in text and subject, of letters that must not be stored
	texts               int    // different texts among the copies
}

// copyOf is one copy in one mailbox.
type copyOf struct {
	mailbox, folder string
	at              time.Time
	flags           []string
	sent            bool   // the author's own: Bcc shown, no Received
	footer          string // a text a server added
	deliveredTo     string
}

// participants are all whom the header names, Bcc included.
func (l *letter) participants() []party {
	all := append([]party{l.from}, l.to...)
	all = append(append(append(all, l.cc...), l.bcc...), l.resent...)
	if l.sender != nil {
		all = append(all, *l.sender)
	}
	if l.replyTo != nil {
		all = append(all, *l.replyTo)
	}
	return all
}

// outside are the participants' addresses that are not ours, folded to what
// makes two spellings one person.
func (l *letter) outside() map[*person]bool {
	out := map[*person]bool{}
	for _, p := range l.participants() {
		if p.who != nil && p.who.side != ours {
			out[p.who] = true
		}
	}
	return out
}

func (l *letter) readable() bool {
	for _, c := range l.copies {
		if !unread(c.folder) {
			return true
		}
	}
	return false
}

// unread reports whether a folder's mail is none of our business.
func unread(folder string) bool {
	return folder == "Junk" || folder == "Trash" || folder == "Drafts" || strings.HasPrefix(folder, "Trash/")
}
