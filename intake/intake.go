// Package intake is the single gate for facts from outside: mail from
// mailsync, and what people say of records and messages. Each fact becomes
// records in one transaction, with everything that follows from it.
//
// What is stored is a function of the directory, the rules, the decisions by
// hand and the mail the servers show; it does not depend on the order in which
// mail or changes arrived. The unit that keeps it so is the thread: whenever
// something about one message changes, its thread is filed again to a fixpoint.
package intake

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"rapport/matcher"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
)

// Options are what an Intake works with.
type Options struct {
	Store store.Store
	Rules matcher.Rules
	// Key makes the digests of tombstones and hints. It never changes for a store.
	Key []byte
	// Suggest keeps rows about correspondents nobody knows; false keeps none.
	Suggest bool
	// SuggestTTL is how long such a row lives after its last message; 0: 30 days.
	SuggestTTL time.Duration
	// Mailboxes lists the configured mailboxes.
	Mailboxes []Mailbox
	Now       func() time.Time // nil: time.Now
	Log       *slog.Logger     // nil: discarded
	// Wake, when not nil, is called after a commit that gave a mailbox work:
	// UIDs to judge again, or a search ("" means every mailbox). It must not block.
	Wake func(mailbox string)
	// Unfinished, when not nil, is called where work that a committed change
	// queued could not be done now: Finish does it later. It must not block.
	Unfinished func()
	// Erased, when not nil, is called with the digests of an erased person's
	// addresses before the erasure is committed: the journal outside the store.
	Erased func([]store.Digest) error
	// Own, when not nil, reports whether a mail is a copy of what a campaign
	// sent: it is no message, and is kept elsewhere.
	Own func(message.Head) bool
	// Returned, when not nil, hears of every mail inside the transaction that
	// settles it: kept or not; m is nil where its header alone was read. It may
	// hear of one more than once.
	Returned func(tx store.Tx, f message.Folder, h message.Head, m *message.Message) error
	// Doubted, when not nil, reports whether the clock may be wrong: then no
	// mail is too old to be filed. It must not block.
	Doubted func() bool
	// Documents, when not nil, reads attached office and PDF files.
	Documents Documents
}

// Documents reads what attached office and PDF files say. Its methods may be called
// concurrently.
type Documents interface {
	// Limit is how many bytes of one mail's office files are read; 0: none are.
	Limit() int64
	// Text returns what a file says. It bounds time and memory itself.
	Text(content []byte) (string, error)
}

// Mailbox is what filing needs to know of a configured mailbox.
type Mailbox struct {
	Name     string
	Authserv string // whose Authentication-Results are believed; "": none are
	Hidden   bool   // visibility: private; what only such mailboxes hold is on no timeline
}

// Intake files mail and records. Its methods may be called concurrently.
type Intake struct {
	store store.Store
	opts  Options
	now   func() time.Time
	log   *slog.Logger
	setup atomic.Pointer[setup]

	retention   atomic.Pointer[Retention] // nil: everything is kept
	mergeAtOnce int                       // messages that one transaction moves between threads
	reading     chan struct{}             // a token for each batch that is read and not yet filed
}

// batchesAtOnce is how many batches may be read and not yet filed: as many as
// keep all cores and the one writer busy. A batch takes up to ten times its
// bytes, and every mailbox may bring one.
func batchesAtOnce() int { return runtime.GOMAXPROCS(0) + 2 }

// enter waits until another batch may be read; leave lets the next one in.
func (i *Intake) enter(ctx context.Context) (leave func(), err error) {
	select {
	case i.reading <- struct{}{}:
		return sync.OnceFunc(func() { <-i.reading }), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// setup is the part of the options a reload replaces.
type setup struct {
	matcher   *matcher.Matcher
	team      contact.Team
	suggest   bool
	freemail  []string
	mailboxes map[string]Mailbox
	names     []string
}

// New returns an Intake over an open store.
func New(o Options) (*Intake, error) {
	if o.Store == nil || len(o.Key) < 16 {
		return nil, errors.New("build intake: a store and a key of at least 16 bytes are needed")
	}
	i := &Intake{store: o.Store, opts: o, now: o.Now, log: o.Log, mergeAtOnce: 250, reading: make(chan struct{}, batchesAtOnce())}
	if i.now == nil {
		i.now = time.Now
	}
	if i.log == nil {
		i.log = slog.New(slog.DiscardHandler)
	}
	if i.opts.SuggestTTL == 0 {
		i.opts.SuggestTTL = 30 * 24 * time.Hour
	}
	i.install(o.Rules, o.Suggest, o.Mailboxes)
	return i, nil
}

func (i *Intake) install(r matcher.Rules, suggest bool, boxes []Mailbox) {
	s := &setup{
		matcher:   matcher.New(r),
		team:      r.Team,
		suggest:   suggest,
		freemail:  r.Freemail,
		mailboxes: make(map[string]Mailbox, len(boxes)),
	}
	if old := i.setup.Load(); old != nil {
		// A private mailbox that is taken out of the configuration stays so.
		for name, b := range old.mailboxes {
			if b.Hidden {
				s.mailboxes[name] = Mailbox{Name: name, Hidden: true}
			}
		}
	}
	for _, b := range boxes {
		s.mailboxes[b.Name] = b
		s.names = append(s.names, b.Name)
	}
	slices.Sort(s.names)
	i.setup.Store(s)
}

// Reconfigure replaces rules and mailboxes. Where the rules may judge
// differently now, every stored message is judged again and every skipped one
// is unsettled, so that the mailboxes' next passes judge it again.
func (i *Intake) Reconfigure(ctx context.Context, r matcher.Rules, suggest bool, boxes []Mailbox) error {
	i.install(r, suggest, boxes)
	return i.adopt(ctx, r)
}

// wake tells a mailbox that there is work; see Options.Wake.
func (i *Intake) wake(mailboxes ...string) {
	if i.opts.Wake == nil {
		return
	}
	for _, m := range mailboxes {
		i.opts.Wake(m)
	}
}

// The names of small values in the store.
const (
	stateGeneration = "directory-generation"
	stateRules      = "rules-digest"
	stateHidden     = "hidden-mailboxes"
	stateStrangers  = "strangers-judged"
	stateRefile     = "refile-pending"
)

// generation counts the changes of whom we know and how we judge.
func generation(tx store.Tx) (uint64, error) {
	b, err := tx.State().Get(stateGeneration)
	if err != nil {
		return 0, fmt.Errorf("read directory generation: %w", err)
	}
	if len(b) != 8 {
		return 0, nil
	}
	return binary.BigEndian.Uint64(b), nil
}

// bump must be part of every transaction that changes what Judge reads.
func bump(tx store.Tx) error {
	g, err := generation(tx)
	if err != nil {
		return err
	}
	return tx.State().Put(stateGeneration, binary.BigEndian.AppendUint64(nil, g+1))
}

// directory shows the matcher whom the store knows. It remembers answers, so
// it must not outlive its transaction or a change of contacts in it.
type directory struct {
	tx      store.Tx
	key     []byte
	exact   map[contact.Address][]contact.Contact
	folded  map[contact.Address][]contact.Contact
	domains map[string][]contact.Organisation
	erased  map[contact.Address]bool
}

func newDirectory(tx store.Tx, key []byte) *directory {
	return &directory{
		tx: tx, key: key,
		exact:   map[contact.Address][]contact.Contact{},
		folded:  map[contact.Address][]contact.Contact{},
		domains: map[string][]contact.Organisation{},
		erased:  map[contact.Address]bool{},
	}
}

// remember answers from the map, asking once.
func remember[K comparable, V any](known map[K]V, key K, ask func(K) (V, error)) (V, error) {
	if v, ok := known[key]; ok {
		return v, nil
	}
	v, err := ask(key)
	if err == nil {
		known[key] = v
	}
	return v, err
}

// ByAddress implements matcher.Directory.
func (d *directory) ByAddress(a contact.Address) ([]contact.Contact, error) {
	return remember(d.exact, a, d.tx.Contacts().ByAddress)
}

// ByFolded implements matcher.Directory.
func (d *directory) ByFolded(a contact.Address) ([]contact.Contact, error) {
	return remember(d.folded, a.Folded(), d.tx.Contacts().ByFolded)
}

// ByDomain implements matcher.Directory.
func (d *directory) ByDomain(domain string) ([]contact.Organisation, error) {
	return remember(d.domains, domain, d.tx.Organisations().ByDomain)
}

// Erased implements matcher.Directory.
func (d *directory) Erased(a contact.Address) (bool, error) {
	return remember(d.erased, a.Folded(), func(f contact.Address) (bool, error) {
		return d.tx.Tombstones().Has(tombstone(d.key, f))
	})
}

func tombstone(key []byte, a contact.Address) store.Digest {
	return store.Digest(contact.AddressDigest(key, a))
}

// theirs lists the participants who are not ours.
func theirs(team contact.Team, h message.Head) []contact.Address {
	var out []contact.Address
	seen := map[contact.Address]bool{}
	for _, p := range h.Participants() {
		if p.Address != "" && !seen[p.Address] && !team.Has(p.Address) {
			seen[p.Address] = true
			out = append(out, p.Address)
		}
	}
	return out
}
