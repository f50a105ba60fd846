// Package store is the storage contract: what Rapport remembers, and how it is
// asked for.
//
// It speaks of queries, never of keys. Times are kept in microseconds UTC,
// strings are valid UTF-8 without NUL, ids are made by [NewID]. Values handed
// out are copies and stay valid after the transaction.
//
// Every implementation passes package storetest.
package store

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/phrase"
	"rapport/records/relation"
	"rapport/records/timeline"
)

// The errors callers tell apart with errors.Is. Engine errors are translated
// to these where they have one of these meanings.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
	ErrConflict = errors.New("conflict")
	ErrReadOnly = errors.New("read-only")
	ErrNewer    = errors.New("written by a newer version")
	ErrFull     = errors.New("no space left")
	ErrLocked   = errors.New("in use by another process")
	ErrCursor   = errors.New("no listing gave this cursor")
)

// Full reports whether an error means that there is no room to write: ErrFull,
// or what the system says of a full disk, a quota or a limit on a file's size.
func Full(err error) bool {
	for _, full := range []error{ErrFull, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, full) {
			return true
		}
	}
	return false
}

// Store is one store of one team. Its methods may be called concurrently.
type Store interface {
	// View runs fn on a consistent snapshot. fn must be short: it pins pages.
	View(ctx context.Context, fn func(Tx) error) error
	// Update runs fn and commits what it wrote, durably, or nothing where it
	// returns an error. fn may run more than once: it assigns results,
	// appends nothing outside, and neither waits, parses, renders nor logs.
	Update(ctx context.Context, fn func(Tx) error) error
	// Pack compresses a message's original bytes outside any transaction, on
	// the caller's goroutine. A large one is written and synced to a file
	// here; it becomes part of the store with Blobs.Put. Where no transaction
	// that puts it was committed, Discard lets go of it.
	Pack(ctx context.Context, src message.Source) (Blob, error)
	// Discard is said once for each Pack whose bytes no committed transaction
	// put: a file that nothing else names goes. What a crash leaves of such
	// files is collected later.
	Discard(Blob)
	Close() error
}

// Blob is packed raw mail on its way into the store.
type Blob struct {
	Sum    message.Sum // of the original bytes
	Size   int64       // of the original bytes
	Packed []byte      // nil where the bytes lie in a file already
}

// Tx is one transaction. It and its collections must not be used after fn
// has returned, nor by several goroutines at once.
//
// In every collection a question for one thing that is not there ends in
// [ErrNotFound], a question for a list in an empty one; deleting what is not
// there is no error. A write inside a View ends in [ErrReadOnly].
type Tx interface {
	Contacts() Contacts
	Organisations() Organisations
	Members() Members
	Messages() Messages
	Blobs() Blobs
	Entries() Entries
	Folders() Folders
	Suggestions() Suggestions
	Reviews() Reviews
	Decisions() Decisions
	Searches() Searches
	Tombstones() Tombstones
	Audit() Audit
	State() State
	Accounts() Accounts
	Sessions() Sessions
	APITokens() APITokens
	Views() SavedViews
	Answers() Answers
	Relations() Relations
	FollowUps() FollowUps
	Feeds() Feeds
	Webhooks() Webhooks
	Dispatches() Dispatches
	Outbox() Outbox
	Runs() Runs
	Suppressions() Suppressions
	SignUps() SignUps
	Sales() Sales
	Surveys() Surveys
}

// Cursor continues a listing; opaque; "" starts one, and ends one when
// returned.
type Cursor string

// Page is a part of a listing.
type Page[T any] struct {
	Items []T
	Next  Cursor
}

// Slice bounds a listing. Limit 0 means 100; above 1,000 it is 1,000.
type Slice struct {
	Cursor Cursor
	Limit  int
}

// Filter narrows lists of contacts and organisations. Zero fields do not
// narrow. Text matches the beginnings of words of name, address and domain.
type Filter struct {
	Kind  contact.Kind
	Stage contact.Stage
	Role  string
	Owner contact.Address
	Tag   string
	Text  string
	// Merged includes the losers of merges, which are left out otherwise.
	Merged bool
	// Waiting, not 0, leaves those who wait for this side's answer, or for whom
	// it waits, since WaitingFrom or later.
	Waiting     relation.Side
	WaitingFrom time.Time
	// QuietSince leaves those with whom there was contact once and none from
	// then on.
	QuietSince time.Time
	Order      Order
}

// Order is how a list of contacts or organisations is ordered.
type Order string

// The orders. Who never was in contact comes last in the order of contact,
// by name, and is left out where the filter asks for contact.
const (
	ByName    Order = ""        // by name; with Waiting by ByWaiting, with QuietSince by ByQuiet
	ByContact Order = "contact" // latest contact first
	ByQuiet   Order = "quiet"   // longest without contact first
	ByWaiting Order = "waiting" // longest waiting first: Waiting must be set
)

// Contacts are the people.
type Contacts interface {
	Get(contact.ID) (contact.Contact, error)
	// ByAddress finds whoever has exactly this address; losers of merges are left out.
	ByAddress(contact.Address) ([]contact.Contact, error)
	// ByFolded finds whoever has an address with the same folded form.
	ByFolded(contact.Address) ([]contact.Contact, error)
	// ByName finds whoever has this name, case and white space folded; of very
	// many, the 100 who were added first.
	ByName(string) ([]contact.Contact, error)
	// Of lists the contacts of an organisation by name.
	Of(contact.OrganisationID, Slice) (Page[contact.Contact], error)
	// List goes by name, then id.
	List(Filter, Slice) (Page[contact.Contact], error)
	Put(contact.Contact) error
	Delete(contact.ID) error
}

// Organisations are companies and institutions.
type Organisations interface {
	Get(contact.OrganisationID) (contact.Organisation, error)
	// ByDomain finds whoever lists exactly this domain.
	ByDomain(string) ([]contact.Organisation, error)
	// ByName finds whoever has this name, case and white space folded.
	ByName(string) ([]contact.Organisation, error)
	List(Filter, Slice) (Page[contact.Organisation], error)
	Put(contact.Organisation) error
	Delete(contact.OrganisationID) error
}

// Members holds what is not in the configuration: who is away or has left.
type Members interface {
	Get(contact.Address) (contact.Member, error)
	List() ([]contact.Member, error)
	Put(contact.Member) error
}

// Messages are the mails, with their holdings and matches.
type Messages interface {
	Get(message.ID) (message.Message, error)
	// ByIdentity finds the message put with this identity; see IdentityKeys
	// of records/message.
	ByIdentity(key message.Sum) (message.ID, error)
	// ByMessageID finds all messages that bear this Message-ID or alias.
	ByMessageID(string) ([]message.ID, error)
	// OfMeeting lists the messages about a meeting, at most n; see
	// [message.CalendarEvent.Meeting].
	OfMeeting(meeting string, n int) ([]message.ID, error)
	// ByHolding finds the message of one copy.
	ByHolding(mailbox, folder string, uidValidity, uid uint32) (message.ID, error)
	// ThreadOf finds the thread in which a Message-ID is borne or referred to.
	ThreadOf(messageID string) (message.ThreadID, error)
	// SetThread records that a Message-ID is borne or referred to in a thread,
	// "" that it is in none.
	SetThread(messageID string, t message.ThreadID) error
	// Thread lists a thread's messages by time, oldest first.
	Thread(message.ThreadID, Slice) (Page[message.ID], error)
	// OfAddress lists messages with this participant, inner ones and other
	// spellings of the address (the same when folded) included, newest first.
	OfAddress(contact.Address, Slice) (Page[message.ID], error)
	// OfDomain lists messages with a participant at this domain or a
	// subdomain of it, newest first.
	OfDomain(string, Slice) (Page[message.ID], error)
	// List goes through all messages by id.
	List(Slice) (Page[message.ID], error)
	// After returns the first n messages with a greater id, by id.
	After(id message.ID, n int) ([]message.ID, error)
	// Put writes a message and its index rows. identities replace those of
	// an earlier Put; nil leaves them.
	Put(m message.Message, identities []message.Sum) error
	// Delete removes a message and its index rows, not its blobs.
	Delete(message.ID) error
	// Count returns how many there are.
	Count() (int, error)
}

// Blobs are the original bytes of messages.
type Blobs interface {
	Put(Blob) error
	// Open reads the original bytes. The reader must be closed; it may
	// outlive the transaction.
	Open(message.Sum) (io.ReadCloser, error)
	Delete(message.Sum) error
	Has(message.Sum) (bool, error)
}

// Subject is whose history is asked for: a contact's or an organisation's.
type Subject struct {
	Contact      contact.ID
	Organisation contact.OrganisationID
}

// Entries are the lines of all histories, and the full-text index over them.
type Entries interface {
	Get(timeline.ID) (timeline.Entry, error)
	OfMessage(message.ID) (timeline.Entry, error)
	// Of lists one history, newest first.
	Of(Subject, Slice) (Page[timeline.Entry], error)
	// Recent lists all histories together, newest first.
	Recent(Slice) (Page[timeline.Entry], error)
	// Before lists those before a time, newest first.
	Before(time.Time, Slice) (Page[timeline.Entry], error)
	// Put writes an entry. A nil document leaves the text and index rows of
	// an earlier Put as they are.
	Put(timeline.Entry, *Document) error
	Delete(timeline.ID) error
	// Text returns the document's Text as it was put.
	Text(timeline.ID) (string, error)
	// Fields returns all that can be searched for of an entry as it was put.
	Fields(timeline.ID) (Fields, error)
	// Search finds entries, newest first; see ParseQuery. Every hit holds
	// for the whole query.
	Search(Query, Slice) (Page[timeline.Entry], error)
}

// Folders hold the settled UIDs: the truth about every folder.
type Folders interface {
	// Progress returns the zero value for a folder never seen. Renumbered is
	// left at 0: whether another numbering is still kept, List tells.
	Progress(message.Folder) (message.Progress, error)
	// Mark returns the mark of a Progress alone, whatever is settled.
	Mark(message.Folder) (message.Mark, error)
	// Settle moves UIDs to a state, out of whichever they were in.
	Settle(f message.Folder, s Settlement) error
	// Quarantined lists the quarantined UIDs of a folder in ascending order,
	// with the reasons they were settled with.
	Quarantined(f message.Folder, s Slice) (Page[Quarantine], error)
	// Unsettle makes UIDs unknown again and clears the mark.
	Unsettle(f message.Folder, uids message.UIDSet) error
	SetScanned(f message.Folder, since time.Time) error
	SetFingerprints(f message.Folder, fp []message.Fingerprint) error
	SetMark(f message.Folder, m message.Mark) error
	// List returns every numbering known of a mailbox ("" for all), by mailbox,
	// name and UIDVALIDITY.
	List(mailbox string) ([]message.Folder, error)
	// Forget removes one numbering, and the folder's status where it is of this
	// numbering.
	Forget(message.Folder) error
	// Status and SetStatus keep the last computed status of a folder.
	Status(mailbox string) ([]message.FolderStatus, error)
	SetStatus(mailbox string, s message.FolderStatus) error
	// Hint records keyed digests by which a skipped copy can be found again
	// when a message of its thread is stored; they go when the UID leaves
	// the skipped state.
	Hint(f message.Folder, uid uint32, digests []Digest) error
	// Hinted finds the skipped copies that bear a digest.
	Hinted(Digest) ([]Skipped, error)
}

// Digest is a keyed digest of a Message-ID, an address or an identity.
type Digest [16]byte

// MarshalText writes a digest in base64, a third of what JSON makes of bytes.
func (d Digest) MarshalText() ([]byte, error) {
	return base64.RawStdEncoding.AppendEncode(nil, d[:]), nil
}

// UnmarshalText reads what MarshalText wrote.
func (d *Digest) UnmarshalText(text []byte) error {
	b, err := base64.RawStdEncoding.AppendDecode(make([]byte, 0, len(d)), text)
	if err != nil || len(b) != len(d) {
		return fmt.Errorf("read digest %q: want %d bytes in base64", text, len(d))
	}
	copy(d[:], b)
	return nil
}

// Skipped names one skipped copy.
type Skipped struct {
	Folder message.Folder
	UID    uint32
}

// Settlement is a set of UIDs and the state they are in now; exactly one of
// the three is said.
type Settlement struct {
	UIDs        message.UIDSet
	Stored      bool
	Skipped     message.Reason
	Quarantined string // why
}

// Quarantine is one copy that could not be read, and why.
type Quarantine struct {
	UID uint32
	Why string
}

// Suggestion is a correspondent nobody knows. It holds no word of a message.
type Suggestion struct {
	Address  contact.Address `json:"address"`
	Name     string          `json:"name,omitempty"`
	Domain   string          `json:"domain"`
	In       int             `json:"in"`        // messages from them
	Out      int             `json:"out"`       // messages from us to them
	Exchange int             `json:"exchanges"` // messages one way answered the other way
	First    time.Time       `json:"first"`
	Last     time.Time       `json:"last"`
	Ignored  bool            `json:"ignored,omitempty"`
	Seen     []Digest        `json:"seen,omitempty"` // keyed digests of the last messages counted, so that a second copy is not
	Expires  time.Time       `json:"expires"`
}

// Suggestions are correspondents nobody knows.
type Suggestions interface {
	Get(contact.Address) (Suggestion, error)
	// List goes by exchanges, then number of messages, most first; ignored ones are left out.
	List(Slice) (Page[Suggestion], error)
	Put(Suggestion) error
	Delete(contact.Address) error
	// Expire deletes what expired before t and returns how many.
	Expire(t time.Time) (int, error)
}

// Review is a message that waits for a person's decision.
type Review struct {
	Message    message.ID      `json:"message"`
	Reason     string          `json:"reason"`
	Candidates []message.Match `json:"candidates"`
	At         time.Time       `json:"at"`
}

// Reviews are the messages that wait for a decision.
type Reviews interface {
	Get(message.ID) (Review, error)
	List(Slice) (Page[Review], error)
	Put(Review) error
	Delete(message.ID) error
}

// Decision is what a person decided about a message or thread by hand.
type Decision struct {
	ID       string        `json:"id"`
	Kind     string        `json:"kind"`               // file | unfile | withdraw | private
	Identity []message.Sum `json:"identity,omitempty"` // of the message, so that it outlives it
	Message  message.ID    `json:"message,omitempty"`
	Thread   []string      `json:"thread,omitempty"` // Message-IDs of the thread it was said of
	Who      Subject       `json:"who,omitzero"`
	By       string        `json:"by"`
	At       time.Time     `json:"at"`
	Undone   time.Time     `json:"undone,omitzero"`
}

// Decisions are what people decided.
type Decisions interface {
	Get(id string) (Decision, error)
	// ByIdentity lists the standing decisions on a message.
	ByIdentity(message.Sum) ([]Decision, error)
	// ByMessageID lists the standing decisions on the thread that bears this Message-ID.
	ByMessageID(string) ([]Decision, error)
	List(Slice) (Page[Decision], error)
	Put(Decision) error
	Delete(id string) error
}

// Searches are requests to look on the servers for mail that may match now.
type Searches interface {
	Put(message.Search) error
	// Pending lists what a mailbox has not yet done, oldest first.
	Pending(mailbox string) ([]message.Search, error)
	// Done records that a mailbox has done it. known is all mailboxes: when
	// every one has done it, the request goes.
	Done(id, mailbox string, known []string) error
}

// Tombstones are keyed digests of what must not come back.
type Tombstones interface {
	Has(Digest) (bool, error)
	Put(Digest, time.Time) error
	Delete(Digest) error
}

// AuditRecord is one line of the trail.
type AuditRecord struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Action string    `json:"action"`           // contact.add, message.file …
	Object string    `json:"object"`           // id or address
	Detail string    `json:"detail,omitempty"` // in English, or an id or name
	// Said is Detail in parts, for other languages; empty where nothing of it is ours.
	Said phrase.Phrase `json:"said,omitzero"`
	// Before and After hold what is needed to undo it, as JSON; empty where it cannot be.
	Before []byte `json:"before,omitempty"`
	After  []byte `json:"after,omitempty"`
}

// Audit is the trail; it is only ever added to, save that an erasure redacts
// the erased person's lines and the retention removes old ones.
type Audit interface {
	Add(AuditRecord) error
	Get(id string) (AuditRecord, error)
	// List goes newest first; object "" means all.
	List(object string, s Slice) (Page[AuditRecord], error)
	// Redact empties Detail, Said, Before and After of an object's lines.
	Redact(object string) error
	// Trim removes lines before a time, at most so many, and says how many.
	Trim(before time.Time, most int) (int, error)
}

// State holds small named values, e.g. the directory's generation.
type State interface {
	Get(name string) ([]byte, error) // nil when unset
	Put(name string, value []byte) error
}

// Accounts are the people who sign in.
type Accounts interface {
	Get(id string) (access.Account, error)
	// List goes by address.
	List() ([]access.Account, error)
	// Put writes a user; [ErrExists] where another one has the address.
	Put(access.Account) error
	Delete(id string) error
}

// Sessions are the browsers people are signed in with.
type Sessions interface {
	Get(id string) (access.Session, error)
	// List lists the sessions of a user, "" of all, latest used first.
	List(user string) ([]access.Session, error)
	Put(access.Session) error
	Delete(id string) error
}

// APITokens let programs in.
type APITokens interface {
	Get(id string) (access.APIToken, error)
	// List lists the tokens of a user, "" of all, by name.
	List(user string) ([]access.APIToken, error)
	Put(access.APIToken) error
	Delete(id string) error
}
