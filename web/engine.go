// Package web is Rapport's JSON API and its client; pages come on top of it.
package web

import (
	"context"
	"io"
	"time"

	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/message"
	"rapport/records/phrase"
	"rapport/records/sale"
	"rapport/records/timeline"
	"rapport/store"
)

// Records are the changes people make; intake implements them. actor names
// who asked, for the audit trail. Errors are the store's sentinels or plain
// sentences fit to show.
type Records interface {
	AddContact(ctx context.Context, actor string, c contact.Contact) (contact.Contact, error)
	// EditContact replaces a contact; store.ErrConflict where c.Updated is not the stored one.
	EditContact(ctx context.Context, actor string, c contact.Contact) (contact.Contact, error)
	AddOrganisation(ctx context.Context, actor string, o contact.Organisation) (contact.Organisation, error)
	EditOrganisation(ctx context.Context, actor string, o contact.Organisation) (contact.Organisation, error)
	// MergeContacts makes lose part of keep; the audit id undoes it.
	MergeContacts(ctx context.Context, actor string, keep, lose contact.ID) (auditID string, err error)
	MergeOrganisations(ctx context.Context, actor string, keep, lose contact.OrganisationID) (auditID string, err error)
	// Undo takes back a merge or a decision by hand, by its audit id.
	Undo(ctx context.Context, actor, auditID string) error
	// Import stores rows all or nothing; dry stores nothing and says what it would.
	Import(ctx context.Context, actor string, rows []contact.Row, dry bool) (contact.ImportResult, error)
	// Erase removes a person and all mail that concerns nobody else.
	Erase(ctx context.Context, actor string, id contact.ID) (EraseResult, error)
	// EraseOrganisation removes an organisation and the mail that only its
	// domains filed; its people stay.
	EraseOrganisation(ctx context.Context, actor string, id contact.OrganisationID) (EraseResult, error)
	File(ctx context.Context, actor string, id message.ID, who store.Subject) (auditID string, err error)
	Unfile(ctx context.Context, actor string, id message.ID, who store.Subject) (auditID string, err error)
	Withdraw(ctx context.Context, actor string, id message.ID) (auditID string, err error)
	Private(ctx context.Context, actor string, thread message.ThreadID) (auditID string, err error)
	// Note adds a note or call by hand; at zero means now.
	Note(ctx context.Context, actor string, who store.Subject, kind timeline.Kind, text string, at time.Time) (timeline.Entry, error)
	Away(ctx context.Context, actor string, member contact.Address, away *contact.Away) error
	Leave(ctx context.Context, actor string, member, to contact.Address) error
	Members(ctx context.Context) ([]contact.Member, error)
	// SaveView keeps a list's filters; one of the same owner, list and name is
	// replaced.
	SaveView(ctx context.Context, v store.SavedView) (store.SavedView, error)
	DeleteView(ctx context.Context, id string) error
	// Accept makes contacts of suggestions: one address, or a whole domain
	// ("@example.org"), and queues the search of the servers. Each has an audit
	// id, which undoes it.
	Accept(ctx context.Context, actor, addressOrDomain string, kind contact.Kind) (made []contact.Contact, audits []string, err error)
	Ignore(ctx context.Context, actor, addressOrDomain string) (audits []string, err error)
	// AddFollowUp writes down what somebody is to come back to.
	AddFollowUp(ctx context.Context, actor string, f followup.FollowUp) (followup.FollowUp, error)
	// EditFollowUp replaces one; store.ErrConflict where f.Updated is not the stored one.
	EditFollowUp(ctx context.Context, actor string, f followup.FollowUp) (followup.FollowUp, error)
	// AddFeed hands a calendar out; RevokeFeeds takes all of a member's back.
	AddFeed(ctx context.Context, actor string, f store.Feed) error
	RevokeFeeds(ctx context.Context, actor string, member contact.Address) (int, error)
	// ImportSales stores sales all or nothing; a known number is brought up to date.
	ImportSales(ctx context.Context, actor string, rows []sale.Row, o sale.ImportOptions) (sale.ImportResult, error)
	RemoveSale(ctx context.Context, actor string, id sale.ID) error
	// Rematch judges every stored message again. progress may be nil.
	Rematch(ctx context.Context, progress func(done, total int)) (RematchResult, error)
	Explain(ctx context.Context, id message.ID) (Explanation, error)
}

// EraseResult is what an erasure removed.
type EraseResult struct {
	Messages int    `json:"messages"` // removed whole
	Shared   int    `json:"shared"`   // kept, as it concerns others too
	Entries  int    `json:"entries"`
	Physical string `json:"physical"` // when the bytes leave the disk
}

// RematchResult is what changed.
type RematchResult struct {
	Messages int `json:"messages"`
	Gained   int `json:"gained"`
	Lost     int `json:"lost"`
	Moved    int `json:"moved"`
	Removed  int `json:"removed"` // match nobody any more and were not kept
}

// Explanation is why a message is filed where it is.
type Explanation struct {
	Message message.ID        `json:"message"`
	Decided message.Decision  `json:"decision"`
	Matches []message.Match   `json:"matches"`
	Review  string            `json:"review,omitempty"`
	Steps   []ExplanationStep `json:"steps"`
	Hand    []store.Decision  `json:"by_hand,omitempty"`
	Filed   []Match           `json:"filed,omitempty"` // Matches with names; the API fills it in
}

// ExplanationStep is what one rule said.
type ExplanationStep struct {
	Rule    string        `json:"rule"`
	Said    string        `json:"said"`   // in English
	Phrase  phrase.Phrase `json:"phrase"` // the same in parts, for other languages
	Decided bool          `json:"decided"`
}

// Daemon is what the running process can be asked for beside records; app
// implements it.
type Daemon interface {
	Status(ctx context.Context) (message.SyncStatus, error)
	// Sync makes one complete pass over every mailbox (or the named ones);
	// progress, when not nil, is called as things change.
	Sync(ctx context.Context, mailboxes []string, progress func(message.SyncStatus)) (message.SyncStatus, error)
	Preview(ctx context.Context) (Preview, error)
	Reconcile(ctx context.Context) ([]Reconciled, error)
	// Discover reads headers and proposes; accept "" creates nothing.
	Discover(ctx context.Context, o DiscoverOptions, progress func(done, total int)) (Discovered, error)
	Doctor(ctx context.Context) ([]Finding, error)
	// Plan says what another configuration would change of what is filed.
	Plan(ctx context.Context, configFile string) (RematchResult, error)
	Reload(ctx context.Context) error
	Configuration(ctx context.Context) (Configuration, error)
	CheckStore(ctx context.Context) ([]string, error) // the faults found
	Backup(ctx context.Context, w io.Writer) error
	Reindex(ctx context.Context, progress func(done, total int)) error
	ReindexSearch(ctx context.Context, progress func(done, total int)) error
	Compact(ctx context.Context) (before, after int64, err error)
	Upkeep(ctx context.Context) (Upkeep, error)
	// BackUpNow makes the scheduled backup now.
	BackUpNow(ctx context.Context) (BackupState, error)
	// Retain enforces the retention, or says what that would remove.
	Retain(ctx context.Context, dry bool, progress func(looked int)) (Retained, error)
}

// Preview is what a sync would do, without storing anything.
type Preview struct {
	Counts  map[string]int  `json:"counts"` // log, inspect, and skip reasons
	Samples []PreviewSample `json:"samples"`
}

// PreviewSample is one filing as it would be.
type PreviewSample struct {
	Date    time.Time       `json:"date"`
	From    string          `json:"from"`
	Subject string          `json:"subject"`
	Matches []message.Match `json:"matches"`
	Names   []string        `json:"names"` // of whom it would be filed under
}

// Reconciled is the proof for one folder.
type Reconciled struct {
	Mailbox string               `json:"mailbox"`
	Folder  message.FolderStatus `json:"folder"`
	Agrees  bool                 `json:"agrees"`
	Missing int                  `json:"missing"` // UIDs the server lists that are in no state
}

// DiscoverOptions say how far to look and what to create.
type DiscoverOptions struct {
	Since  time.Time    `json:"since"`
	Accept string       `json:"accept"` // e.g. "exchanges >= 3 and out > 0"; empty creates nothing
	Kind   contact.Kind `json:"kind"`   // of what is created; empty: customer
}

// Discovered is what discover found.
type Discovered struct {
	Proposals []store.Suggestion `json:"proposals"` // most exchanges first
	Accepted  int                `json:"accepted"`
	Read      int                `json:"read"` // headers read
}

// Finding is one line of doctor.
type Finding struct {
	Object string `json:"object"` // mailbox ada, store …
	OK     bool   `json:"ok"`
	What   string `json:"what"`
	Fix    string `json:"fix,omitempty"`
}
