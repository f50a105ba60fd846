package mailtest

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options say how large a world is. The zero value is the full one: 10,000
// copies, 500 customers in 100 companies, 40 partners.
type Options struct {
	Seed      uint64
	Messages  int // copies in all mailboxes, about; 0: 10,000
	Customers int // 0: one for 20 messages, at least 12
	Companies int // 0: one for 5 customers, at least 8
	Partners  int // 0: two for 25 customers, at least 4
	// Now is when the world ends; 0: the first of this month. All mail but that
	// older than Since lies in the 18 months before.
	Now time.Time
	// MeanText and MeanAttachment scale the sizes; 0: 1, which gives about 32 KB
	// a message on average.
	Scale float64
}

// Expected says what is to become of a message.
type Expected string

// What may become of a message. Of Skipped and Unread ones nothing may be kept.
const (
	Filed   Expected = "filed"
	Skipped Expected = "skipped"
	Unread  Expected = "unread" // its folders are not read
	Review  Expected = "review" // stored, filed nowhere, waits for a person
)

// Place is where a copy lies. Mailbox is the name in the configuration.
type Place struct{ Mailbox, Folder string }

// ShortName is the name of an account's mailbox in the configuration: the part
// before the @.
func ShortName(account string) string {
	name, _, _ := strings.Cut(account, "@")
	return name
}

// Mail is one copy of a message in one folder.
type Mail struct {
	Mailbox      string // the account's name
	Folder       string
	InternalDate time.Time
	Flags        []string
	Message      int // index into World.Truth

	world *World
	copy  int
}

// Raw returns the copy's bytes, the same ones each time.
func (m Mail) Raw() []byte {
	l := m.world.letters[m.Message]
	return l.render(&l.copies[m.copy])
}

// Truth is what the generator knows of one message.
type Truth struct {
	Expected  Expected
	Records   []string  // contacts by primary address, organisations by name; sorted
	Rule      string    // address, domain, thread, forward, bounce: how it is found; internal, blocked …: why not
	Holdings  []Place   // in folders that are read; sorted, one for each copy
	MessageID string    // without brackets, "" where it has none
	Date      time.Time // zero where the header has none
	From      string    // address, lower case
	Subject   string
	Marker    string // a word of its text, "" where nothing may be stored
	Sample    string // a sentence of its text
	Texts     int    // different texts among the copies: 2 for one with a variant
}

// Member is one of our people.
type Member struct {
	Name      string
	Addresses []string
	Mailbox   string // the account, "" without
}

// Organisation is a company or institution outside.
type Organisation struct {
	Name    string
	Domains []string
	Shared  bool   // its domains are another's too
	Kind    string // customer | partner
	Role    string
}

// Contact is a person outside whom we know.
type Contact struct {
	Name         string
	Addresses    []string // first is primary
	Organisation string   // name, "" for none
	Kind         string   // customer | partner
	Role         string
	Language     string
	Tags         []string
}

// World is a team, the people it knows, and its mail. It does not change and
// may be used concurrently.
type World struct {
	Now           time.Time
	Since         time.Time // older mail is not to be read
	TeamName      string
	TeamDomains   []string
	Members       []Member
	LogAddress    string
	Blocked       []string // excluded domains and addresses
	Organisations []Organisation
	Contacts      []Contact
	Mails         []Mail
	Truth         []Truth // one for each message

	letters   []*letter
	contacts  []*person // like Contacts
	strangers []*person
	sumsOnce  sync.Once
	sumsOf    map[[32]byte]int // digest of every copy, by message
}

// NewWorld makes the world of the options: the same for the same options.
func NewWorld(o Options) *World {
	o = o.withDefaults()
	b := &builder{
		w: &World{Now: o.Now, Since: o.Now.AddDate(-3, 0, 0)}, o: o,
		r: rand.New(rand.NewPCG(o.Seed, 0x52617070)), words: map[string]bool{},
	}
	b.people()
	b.letters()
	b.judge()
	b.finish()
	return b.w
}

func (o Options) withDefaults() Options {
	o.Messages = orDefault(o.Messages, 10000)
	o.Customers = orDefault(o.Customers, max(o.Messages/20, 12))
	o.Companies = orDefault(o.Companies, max(o.Customers/5, 8))
	o.Partners = orDefault(o.Partners, max(o.Customers*2/25, 4))
	if o.Now.IsZero() {
		y, m, _ := time.Now().UTC().Date()
		o.Now = time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
	}
	if o.Scale == 0 {
		o.Scale = 1
	}
	return o
}

// finish turns letters into mails and truths.
func (b *builder) finish() {
	w := b.w
	for i, l := range w.letters {
		l.index = i
		b.mark(l)
		w.Truth = append(w.Truth, l.truth())
		for c, k := range l.copies {
			w.Mails = append(w.Mails, Mail{
				Mailbox: k.mailbox, Folder: k.folder, InternalDate: k.at, Flags: k.flags, Message: i, world: w, copy: c,
			})
		}
	}
	slices.SortStableFunc(w.Mails, func(a, b Mail) int { return a.InternalDate.Compare(b.InternalDate) })
}

// mark puts words into a letter by which it is recognised: a marker where it
// is to be stored, canaries where nothing of it may be.
func (b *builder) mark(l *letter) {
	if l.expected == Filed || l.expected == Review {
		l.marker = "wq" + b.unique(10)
		return
	}
	l.canary, l.titleCanary = canaryPrefix+b.unique(canaryLetters), canaryPrefix+b.unique(canaryLetters)
	l.subject = l.subject + " " + l.titleCanary
	l.rule = orString(l.rule, "nobody known")
}

// unique returns a word that was not used before.
func (b *builder) unique(n int) string {
	for {
		if w := word(b.r, n); !b.words[w] {
			b.words[w] = true
			return w
		}
	}
}

func (l *letter) truth() Truth {
	t := Truth{
		Expected: l.expected, Records: l.records, Rule: l.rule, MessageID: l.id, Date: l.date, From: normal(l.from.addr),
		Subject: l.subject, Marker: l.marker, Sample: l.sample, Texts: max(l.texts, 1),
	}
	if l.noDate {
		t.Date = time.Time{}
	}
	if l.expected != Filed && l.expected != Review {
		return t
	}
	for _, c := range l.copies {
		if !unread(c.folder) {
			t.Holdings = append(t.Holdings, Place{ShortName(c.mailbox), c.folder})
		}
	}
	slices.SortFunc(t.Holdings, comparePlaces)
	return t
}

// Summary counts the messages by what is to become of them, and how they are found.
func (w *World) Summary() string {
	counts := map[string]int{}
	for _, t := range w.Truth {
		counts[string(t.Expected)+" ("+t.Rule+")"]++
	}
	return fmt.Sprintf("%d mails, %d messages, %d contacts, %d organisations: %v", len(w.Mails), len(w.Truth), len(w.Contacts), len(w.Organisations), counts)
}

func rawSum(raw []byte) [32]byte { return sha256.Sum256(raw) }

func orString(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
