package mailtest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"mime"
	"path/filepath"
	"strings"
	"time"
)

// Flow is mail that is made when it is asked for, so that a million messages
// take no memory: a message depends on nothing but the seed and its place. Its
// words follow Zipf's law in several languages, as do its correspondents.
// Every message is from or to a contact. Methods may be used concurrently.
type Flow struct {
	Mailboxes int
	Inbox     int // messages in each Inbox
	Sent      int // messages in each Sent folder; message n answers Inbox message 3n-1
	Contacts  int
	Now       time.Time
	// Paper, when not 0, is the size of an attachment that every message has.
	Paper int

	seed   uint64
	tongue []vocabulary
	people []uint32 // contacts, each as often as it writes
}

// The measures of a Flow.
const (
	flowYears   = 5     // how far back it goes
	flowWords   = 20000 // of each language
	flowTable   = 1 << 16
	flowPerFirm = 5 // contacts of an organisation
)

// NewFlow makes a flow of about messages messages over the mailboxes, three
// quarters of them in the Inbox.
func NewFlow(seed uint64, mailboxes, messages, contacts int) *Flow {
	each := messages / max(mailboxes, 1)
	f := &Flow{
		Mailboxes: mailboxes, Sent: each / 4, Inbox: each - each/4, Contacts: max(contacts, 1),
		Now: time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC), seed: seed,
	}
	r := rand.New(rand.NewPCG(seed, 0x466c6f77))
	for _, s := range sounds {
		f.tongue = append(f.tongue, newVocabulary(r, s))
	}
	often := rand.NewZipf(r, 1.1, 8, uint64(f.Contacts-1))
	for range flowTable {
		f.people = append(f.people, uint32(often.Uint64()))
	}
	return f
}

// Address returns a contact's address.
func (f *Flow) Address(contact int) string {
	return fmt.Sprintf("c%d@firm%d.example", contact, contact/flowPerFirm)
}

// Name returns a contact's name.
func (f *Flow) Name(contact int) string {
	l := &languages[contact%len(languages)]
	return l.given[contact/7%len(l.given)] + " " + l.family[contact/3%len(l.family)] + " " + f.tongue[0].words[contact%flowWords]
}

// Word returns a word of the first language by how often it is written: 0 is
// the most frequent of 20,000.
func (f *Flow) Word(rank int) string { return f.tongue[0].words[rank] }

// Account returns the name of a mailbox's account; mailboxes count from 0.
func (f *Flow) Account(mailbox int) User {
	return User{Name: fmt.Sprintf("m%d@quillon.example", mailbox), Password: fmt.Sprintf("secret of %d", mailbox)}
}

// ContactsCSV renders all contacts and organisations as a file to import.
func (f *Flow) ContactsCSV() []byte {
	var b bytes.Buffer
	c := csv.NewWriter(&b)
	rows := [][]string{{"name", "email", "organisation", "domain", "kind"}}
	for i := range f.Contacts {
		firm := i / flowPerFirm
		rows = append(rows, []string{f.Name(i), f.Address(i), fmt.Sprintf("Firm %d", firm), fmt.Sprintf("firm%d.example", firm), "customer"})
	}
	_ = c.WriteAll(rows) // a buffer takes everything
	return b.Bytes()
}

// Config renders a configuration file for the mailboxes on a server. poll is
// empty for the default.
func (f *Flow) Config(dataDir string, s Server, poll string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "data_dir: %q\nteam:\n  domains: [quillon.example]\nweb: {listen: \"off\"}\nmailboxes:\n", dataDir)
	for i := range f.Mailboxes {
		u := f.Account(i)
		fmt.Fprintf(&b, "  - {name: m%d, host: %q, tls: %s, user: %q, password_file: %q, since: all", i, s.Addr, s.TLS, u.Name, filepath.Join(s.Passwords, u.Name))
		if s.CAFile != "" {
			fmt.Fprintf(&b, ", ca_file: %q", s.CAFile)
		}
		if poll != "" {
			fmt.Fprintf(&b, ", poll: %s", poll)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// at returns what decides about one message: always the same numbers.
func (f *Flow) at(mailbox int, sent bool, uid uint32) *rand.Rand {
	place := uint64(mailbox)<<33 | uint64(uid)<<1
	if sent {
		place |= 1
	}
	return rand.New(rand.NewPCG(f.seed, place*0x9e3779b97f4a7c15))
}

// Contact returns who wrote an Inbox message, or to whom a sent one goes.
func (f *Flow) Contact(mailbox int, sent bool, uid uint32) int {
	if sent {
		uid = 3*uid - 1
	}
	return int(f.people[f.at(mailbox, false, uid).IntN(flowTable)])
}

// Received returns a message's INTERNALDATE: UIDs ascend with time.
func (f *Flow) Received(mailbox int, sent bool, uid uint32) time.Time {
	if sent {
		return f.Received(mailbox, false, 3*uid-1).Add(2 * time.Hour)
	}
	span := flowYears * 365 * 24 * time.Hour
	step := span / time.Duration(f.Inbox+1)
	return f.Now.Add(-span + step*time.Duration(uid) + time.Duration(mailbox)*time.Second)
}

func (f *Flow) messageID(mailbox int, sent bool, uid uint32) string {
	box := "in"
	if sent {
		box = "out"
	}
	return fmt.Sprintf("<%s.%d.%d.%d@quillon.example>", box, f.seed, mailbox, uid)
}

// Raw makes a message: about a kilobyte, one in twenty with a small
// attachment, one in three with a number of its own.
func (f *Flow) Raw(mailbox int, sent bool, uid uint32) []byte {
	who := f.Contact(mailbox, sent, uid)
	r := f.at(mailbox, sent, uid)
	r.IntN(flowTable) // the contact's
	v := &f.tongue[(who+r.IntN(10)/9)%len(f.tongue)]
	var b bytes.Buffer
	us, them := f.Account(mailbox).Name, mime.BEncoding.Encode("utf-8", f.Name(who))+" <"+f.Address(who)+">"
	from, to := them, us
	if sent {
		from, to = us, them
	}
	subject := strings.TrimSpace(v.sentence(r, 3+r.IntN(4)))
	fmt.Fprintf(&b, "Message-ID: %s\r\nDate: %s\r\nFrom: %s\r\nTo: %s\r\nSubject: %s\r\n", f.messageID(mailbox, sent, uid),
		f.Received(mailbox, sent, uid).Format(time.RFC1123Z), from, to, mime.BEncoding.Encode("utf-8", subject))
	if sent {
		question := f.messageID(mailbox, false, 3*uid-1)
		fmt.Fprintf(&b, "In-Reply-To: %s\r\nReferences: %s\r\n", question, question)
	}
	b.WriteString("MIME-Version: 1.0\r\n")
	const plain = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
	attached, size := r.IntN(20) == 0 || f.Paper > 0, max(f.Paper, 1500)
	if attached {
		b.WriteString("Content-Type: multipart/mixed; boundary=\"=flow\"\r\n\r\n--=flow\r\n")
	}
	b.WriteString(plain)
	f.text(&b, r, v)
	if attached {
		paper := make([]byte, 0, size+8)
		for len(paper) < size {
			paper = binary.LittleEndian.AppendUint64(paper, r.Uint64())
		}
		fmt.Fprintf(&b, "\r\n--=flow\r\nContent-Type: application/pdf; name=\"order-%d.pdf\"\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n--=flow--\r\n",
			uid, folded(base64.StdEncoding.EncodeToString(paper)))
	}
	return b.Bytes()
}

// text writes a body of a few sentences, most short, some long.
func (f *Flow) text(b *bytes.Buffer, r *rand.Rand, v *vocabulary) {
	for range 2 + int(6*r.ExpFloat64()) {
		b.WriteString(v.sentence(r, 5+r.IntN(12)))
		if b.Len() > 16<<10 {
			break
		}
	}
	if r.IntN(3) == 0 {
		fmt.Fprintf(b, "%s%d\r\n", word(r, 3), r.IntN(1e9))
	}
}

// folded breaks base64 into lines of 76.
func folded(text string) string {
	var b strings.Builder
	for ; len(text) > 76; text = text[76:] {
		b.WriteString(text[:76])
		b.WriteString("\r\n")
	}
	b.WriteString(text)
	return b.String()
}
