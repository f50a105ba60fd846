package web

import (
	"time"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/phrase"
	"rapport/records/timeline"
	"rapport/store"
)

// The shapes below are what scripts read: names are added, never changed.
// Lists are never null, times are UTC.

// A mail is described in one form, by parse as by the API.
type (
	Mail       = message.Description
	Party      = message.DescribedParty
	Verdict    = message.DescribedVerdict
	Attachment = message.Attachment
)

// Message is a stored message, read, with where it lies and whose it is.
type Message struct {
	ID message.ID `json:"id"`
	Mail
	Thread    message.ThreadID  `json:"thread"`
	Time      time.Time         `json:"time"`
	Direction message.Direction `json:"direction"`
	Size      int64             `json:"size"`
	Trust     message.Trust     `json:"trust"`
	Flags     []string          `json:"flags"`
	Holdings  []Holding         `json:"holdings"`
	Matches   []Match           `json:"matches"`
	Variants  int               `json:"variants"` // copies whose text differs
	Protected bool              `json:"protected"`
	Shown     access.Tier       `json:"shown"` // how much of it whoever asks sees: full, subject or metadata
}

// Holding is one copy on a server.
type Holding struct {
	Mailbox     string `json:"mailbox"`
	Folder      string `json:"folder"`
	UID         uint32 `json:"uid"`
	UIDValidity uint32 `json:"uidvalidity"`
}

// Match is whose a message is, with names for people to read.
type Match struct {
	Contact          contact.ID             `json:"contact"`
	Organisation     contact.OrganisationID `json:"organisation"`
	Rule             string                 `json:"rule"`
	Certain          bool                   `json:"certain"`
	Role             string                 `json:"role,omitempty"`
	Address          contact.Address        `json:"address,omitempty"`
	ContactName      string                 `json:"contact_name,omitempty"`
	OrganisationName string                 `json:"organisation_name,omitempty"`
}

// MessageRef is the message of an entry.
type MessageRef struct {
	ID          message.ID       `json:"id"`
	MessageID   string           `json:"message_id"`
	Thread      message.ThreadID `json:"thread"`
	From        []Party          `json:"from"`
	To          []Party          `json:"to"`
	Cc          []Party          `json:"cc"`
	Attachments []Attachment     `json:"attachments"`
}

// Named is a record by its id and name.
type Named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Entry is one line of a history. Contact and Organisation are those of the
// history asked for, else the first of Contacts and Organisations.
type Entry struct {
	ID            timeline.ID            `json:"id"`
	Time          time.Time              `json:"time"`
	Kind          timeline.Kind          `json:"kind"`
	Direction     message.Direction      `json:"direction"`
	Subject       string                 `json:"subject"`
	Snippet       string                 `json:"snippet"`
	Contact       contact.ID             `json:"contact"`
	Organisation  contact.OrganisationID `json:"organisation"`
	Message       *MessageRef            `json:"message"`
	Holdings      []Holding              `json:"holdings"`
	Matches       []Match                `json:"matches"`
	Verdict       *Verdict               `json:"verdict"` // null where the entry is no message
	Text          string                 `json:"text,omitempty"`
	By            contact.Address        `json:"by,omitempty"`
	Contacts      []Named                `json:"contacts"`
	Organisations []Named                `json:"organisations"`
	Trust         message.Trust          `json:"trust,omitempty"`
	Auto          bool                   `json:"auto"`
	Protected     bool                   `json:"protected"` // elsewhere seen by the mailbox's owner only
	Shown         access.Tier            `json:"shown"`     // how much of it whoever asks sees: full, subject or metadata
	// Of what a search found: where its words stand.
	SubjectPassage []store.Fragment   `json:"subject_passage,omitempty"`
	Passages       [][]store.Fragment `json:"passages,omitempty"`
	// Of the attachments whose name or text has the words, the first few.
	FilePassages []FilePassages `json:"file_passages,omitempty"`
}

// Came says in words what the entry tells of a mail of a campaign; "" where it
// is about none.
func (e Entry) Came() string { return timeline.Came(e.Kind, e.Text) }

// Contact is a person with the organisations by name.
type Contact struct {
	contact.Contact
	Organisations []Affiliation `json:"organisations"`
	Revision      string        `json:"revision"`           // changes with every change of the record; see [IfRevision]
	Relation      *Standing     `json:"relation,omitempty"` // in lists only: GET /relations/{who} says more
}

func (c Contact) revision() string { return c.Revision }

// Affiliation is a place in an organisation, with its name.
type Affiliation struct {
	ID    contact.OrganisationID `json:"id"`
	Name  string                 `json:"name"`
	Title string                 `json:"title,omitempty"`
	Role  string                 `json:"role,omitempty"`
}

// Organisation is an organisation; Contacts, filled for one record only, are
// its people, the first hundred of them.
type Organisation struct {
	contact.Organisation
	Contacts []Named   `json:"contacts,omitempty"`
	Revision string    `json:"revision"`           // changes with every change of the record; see [IfRevision]
	Relation *Standing `json:"relation,omitempty"` // in lists only: GET /relations/{who} says more
}

func (o Organisation) revision() string { return o.Revision }

// Page is a part of a list; Next continues it and is empty at its end.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

func (p Page[T]) next() string { return p.Next }

// Slice asks for a part of a list: at most Limit items, from Cursor on.
type Slice struct {
	Cursor string
	Limit  int
}

// Filter narrows a list of contacts or organisations.
type Filter struct {
	Kind, Stage, Role, Owner, Tag, Text string

	Waiting    string // us | them
	QuietSince string // RFC 3339
	Sort       string // name | contact | quiet | waiting
}

// ContactInput is a new contact as a person writes it.
type ContactInput struct {
	Name         string            `json:"name,omitempty"` // needed where there is no address
	Emails       []string          `json:"emails,omitempty"`
	Organisation string            `json:"organisation,omitempty"` // id, name or domain
	Title        string            `json:"title,omitempty"`
	DecisionRole string            `json:"decision_role,omitempty"`
	Kind         string            `json:"kind,omitempty"`
	Stage        string            `json:"stage,omitempty"`
	Role         string            `json:"role,omitempty"`
	Owner        string            `json:"owner,omitempty"`
	Tags         []string          `json:"tags,omitempty"`
	Phones       []string          `json:"phones,omitempty"`
	Language     string            `json:"language,omitempty"`
	TimeZone     string            `json:"timezone,omitempty"`
	Note         string            `json:"note,omitempty"`
	Custom       map[string]string `json:"custom,omitempty"`
}

// OrganisationInput is a new organisation as a person writes it.
type OrganisationInput struct {
	Name     string            `json:"name"`
	Domains  []string          `json:"domains,omitempty"`
	Shared   bool              `json:"shared,omitempty"` // the domains serve several organisations
	Kind     string            `json:"kind,omitempty"`
	Stage    string            `json:"stage,omitempty"`
	Role     string            `json:"role,omitempty"`
	Owner    string            `json:"owner,omitempty"`
	Tags     []string          `json:"tags,omitempty"`
	Phones   []string          `json:"phones,omitempty"`
	Language string            `json:"language,omitempty"`
	TimeZone string            `json:"timezone,omitempty"`
	Note     string            `json:"note,omitempty"`
	Custom   map[string]string `json:"custom,omitempty"`
}

// Edit changes fields of a record. Set names a field and its new value, ""
// empties it, and "custom.NAME" is a custom field; Add and Remove change the
// lists: tags, emails or domains, phones, organisations.
type Edit struct {
	Set    map[string]string   `json:"set,omitempty"`
	Add    map[string][]string `json:"add,omitempty"`
	Remove map[string][]string `json:"remove,omitempty"`
}

// Note is an entry by hand.
type Note struct {
	Who  string    `json:"who"`
	Kind string    `json:"kind,omitempty"` // empty: note
	Text string    `json:"text"`
	At   time.Time `json:"at,omitzero"` // zero: now
}

// Audited is the answer to a change that can be taken back.
type Audited struct {
	Audit string `json:"audit"` // give it to undo; empty: nothing was done
	// Note says what a person must know of the outcome.
	Note string `json:"note,omitempty"`
}

// AuditLine is one line of the trail.
type AuditLine struct {
	ID       string        `json:"id"`
	At       time.Time     `json:"at"`
	Actor    string        `json:"actor"`
	Action   string        `json:"action"`
	Object   string        `json:"object"`
	Name     string        `json:"name,omitempty"` // of the object, where it is still here
	Detail   string        `json:"detail"`
	Said     phrase.Phrase `json:"said,omitzero"` // the detail in parts, for other languages
	Who      string        `json:"who,omitempty"` // the name where the detail is an id
	Undoable bool          `json:"undoable"`
}

// Review is a message that waits for a person's decision.
type Review struct {
	Message    message.ID `json:"message"`
	Reason     string     `json:"reason"`
	At         time.Time  `json:"at"`
	Candidates []Match    `json:"candidates"`
	From       []Party    `json:"from"`
	Subject    string     `json:"subject"`
	Time       time.Time  `json:"time"`
}

// Suggestion is a correspondent nobody knows.
type Suggestion struct {
	Address   contact.Address `json:"address"`
	Name      string          `json:"name"`
	Domain    string          `json:"domain"`
	In        int             `json:"in"`
	Out       int             `json:"out"`
	Exchanges int             `json:"exchanges"`
	First     time.Time       `json:"first"`
	Last      time.Time       `json:"last"`
	Expires   time.Time       `json:"expires,omitzero"`
}

// Discovery is what discover found and did.
type Discovery struct {
	Proposals []Suggestion `json:"proposals"`
	Accepted  int          `json:"accepted"`
	Read      int          `json:"read"`
}

// Discover says how far discover looks and what it creates.
type Discover struct {
	Since  time.Time `json:"since,omitzero"`
	Accept string    `json:"accept,omitempty"`
	Kind   string    `json:"kind,omitempty"`
}

// Compaction is the store's size in bytes before and after.
type Compaction struct {
	Before int64 `json:"before"`
	After  int64 `json:"after"`
}

// Version says what answers.
type Version struct {
	Version string `json:"version"`
}

// Ignored is how many suggestions will not come back.
type Ignored struct {
	Ignored int      `json:"ignored"`
	Audits  []string `json:"audits"` // one for each, to be given to undo
}

// StoreFaults are what a check of the store found; none is good.
type StoreFaults struct {
	Faults []string `json:"faults"`
}

// Status is what status and sync print.
type Status = message.SyncStatus

// Member is somebody of our own team.
type Member = contact.Member
