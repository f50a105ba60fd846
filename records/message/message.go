// Package message reads mail: what a message says of itself, what it is, and
// how its copies on servers are named.
//
// Parsing never fails: whatever the bytes, there is a [Head] and a [Parsed]
// with the defects listed. Every text is valid UTF-8 without NUL. Nothing here
// does I/O beyond the readers it is handed, reads a clock or logs.
package message

import (
	"bytes"
	"io"
	"time"

	"rapport/records/contact"
	"rapport/records/phrase"
)

// ID names one stored message for ever; a ULID as text.
type ID string

// ThreadID names one conversation; a ULID as text. Threads can merge, so it
// is a key for grouping, not a name to keep.
type ThreadID string

// Party is somebody named in a header. Address is empty when Raw could not be
// read as an address; such a party is shown and matches nobody.
type Party struct {
	Name    string          `json:"name,omitempty"`
	Address contact.Address `json:"address,omitempty"`
	Raw     string          `json:"raw,omitempty"` // set only where Address is empty
}

// Head is what a message's header says, as far as filing needs it.
// Message-IDs stand without angle brackets and are compared byte by byte.
type Head struct {
	MessageID   string    `json:"message_id,omitempty"` // empty when missing
	Aliases     []string  `json:"aliases,omitempty"`    // ids the message also bears: X-Microsoft-Original-Message-ID, X-MS-Exchange-Parent-Message-Id
	Date        time.Time `json:"date,omitzero"`        // zero when absent or absurd
	Relayed     time.Time `json:"relayed,omitzero"`     // date of the oldest Received field: when the first server had it
	From        []Party   `json:"from,omitempty"`
	Sender      []Party   `json:"sender,omitempty"`
	ReplyTo     []Party   `json:"reply_to,omitempty"`
	To          []Party   `json:"to,omitempty"`
	Cc          []Party   `json:"cc,omitempty"`
	Bcc         []Party   `json:"bcc,omitempty"`
	Resent      []Party   `json:"resent,omitempty"`       // all Resent-From, -Sender, -To, -Cc, -Bcc
	DeliveredTo []Party   `json:"delivered_to,omitempty"` // Delivered-To, X-Original-To, Envelope-To: where the copy went, never a participant
	Subject     string    `json:"subject,omitempty"`
	InReplyTo   []string  `json:"in_reply_to,omitempty"`
	References  []string  `json:"references,omitempty"` // oldest first; the first 20 and the last 80 of a longer list
	// Hints are keyed digests by which the message may join its conversation
	// too: of what its server or its sender's program takes to be one.
	Hints        []string     `json:"hints,omitempty"`
	Conversation Conversation `json:"-"`                    // of which hints are made
	MediaType    string       `json:"media_type,omitempty"` // lower case, without parameters
	ReportType   string       `json:"report_type,omitempty"`
	Private      bool         `json:"private,omitempty"` // Sensitivity: private, personal or company-confidential
	Auto         Auto         `json:"auto,omitzero"`
	AuthResults  []string     `json:"auth_results,omitempty"` // Authentication-Results as they stand, topmost first, the first 8
	Defects      []string     `json:"defects,omitempty"`
}

// Auto holds the header facts that tell automatic and list mail.
type Auto struct {
	Submitted  string `json:"submitted,omitempty"`  // Auto-Submitted, lower case, without parameters
	Precedence string `json:"precedence,omitempty"` // lower case
	ListID     string `json:"list_id,omitempty"`    // List-Id, or List-Post/List-Unsubscribe where that is missing
	Responder  bool   `json:"responder,omitempty"`  // X-Autoreply, X-Autorespond, X-Auto-Response-Suppress on a reply …
	NullReturn bool   `json:"null_return,omitempty"`
}

// Role is what a folder is for.
type Role string

// The roles of folders; see mailsync for how they are told.
const (
	RoleInbox   Role = "inbox"
	RoleSent    Role = "sent"
	RoleArchive Role = "archive"
	RoleAll     Role = "all" // Gmail's All Mail
	RoleDrafts  Role = "drafts"
	RoleJunk    Role = "junk"
	RoleTrash   Role = "trash"
	RolePrivate Role = "private" // a folder named Private: what lies in it is seen by nobody
	RoleOther   Role = "other"
)

// Folder names one folder of one mailbox in one numbering.
type Folder struct {
	Mailbox     string `json:"mailbox"`
	Name        string `json:"name"` // decoded to UTF-8; where the server's name cannot be decoded, its raw bytes quoted
	UIDValidity uint32 `json:"uidvalidity"`
	Role        Role   `json:"role,omitempty"` // not part of the identity
}

// Holding is one copy of a message.
type Holding struct {
	Mailbox     string `json:"mailbox"`
	Folder      string `json:"folder"`
	UIDValidity uint32 `json:"uidvalidity"`
	UID         uint32 `json:"uid"`
	Size        int64  `json:"size"`              // RFC822.SIZE as the server said; may lie
	Variant     int    `json:"variant,omitempty"` // index into Message.Variants + 1; 0: the message's own text
}

// Copy is one message as a folder lists it: what the header pass yields.
type Copy struct {
	UID      uint32
	Received time.Time // INTERNALDATE; zero when the server sent none
	Size     int64     // RFC822.SIZE
	Header   int64     // bytes of the header as fetched; 0 when unknown
	Flags    []string  // flags and keywords, as sent
	Labels   []string  // Gmail's X-GM-LABELS, where they could be had
	Thread   string    // what the server takes to be one conversation: Gmail's X-GM-THRID, THREADID of RFC 8474; "" where it says nothing
	Head     Head
}

// Action is what is to become of a copy.
type Action string

// The actions. Hold means: the message is known and stored, so this copy is
// one more holding and its body is not needed.
const (
	Log     Action = "log"
	Inspect Action = "inspect"
	Hold    Action = "hold"
	Skip    Action = "skip"
)

// Reason says why a copy was skipped, from a short closed list.
type Reason string

// The reasons to skip.
const (
	NoMatch     Reason = "no_match"
	BeforeSince Reason = "before_since"
	Internal    Reason = "internal"
	Excluded    Reason = "excluded" // blocked by configuration
	IsPrivate   Reason = "private"  // marked private, or in a Private folder
	Erased      Reason = "erased"   // a tombstone forbids it
	Withdrawn   Reason = "withdrawn"
	Draft       Reason = "draft"
	Expired     Reason = "expired"  // older than mail of its kind is kept
	OwnCampaign Reason = "campaign" // a copy of what a campaign sent, which is kept as a delivery
	NotOurs     Reason = "not_ours" // inspected: bears no token of ours and matches nobody
)

// Decision is a judgement on one copy or message: what to do, and why.
type Decision struct {
	Action    Action `json:"action"`
	Reason    Reason `json:"reason,omitempty"` // for Skip
	Rule      string `json:"rule,omitempty"`   // the matcher's rule that decided
	Protected bool   `json:"protected,omitempty"`
}

// Wish answers one Copy. Known is set with Hold.
type Wish struct {
	UID uint32
	Decision
	Known      ID
	Generation uint64 // of the directory that judged, for Take to notice a change in between
}

// Match ties a message to a contact, an organisation, or both (the contact's
// own), with the rule that made it.
type Match struct {
	Contact      contact.ID             `json:"contact,omitempty"`
	Organisation contact.OrganisationID `json:"organisation,omitempty"`
	Rule         string                 `json:"rule"`
	Certain      bool                   `json:"certain"`
	Role         string                 `json:"role,omitempty"`    // from | to | cc | bcc | inner
	Address      contact.Address        `json:"address,omitempty"` // that made the match
}

// Direction says which way a message went.
type Direction string

// The directions, as seen from our team.
const (
	In       Direction = "in"
	Out      Direction = "out"
	Within   Direction = "internal"
	Sideways Direction = "other" // neither From nor a recipient is ours: we were told of it by Bcc or list
)

// Trust is the verdict on who sent a message, from the mailbox's own provider.
type Trust string

// The trust verdicts. TrustNone: the provider wrote nothing that can be relied on.
const (
	TrustPass Trust = "pass"
	TrustFail Trust = "fail"
	TrustNone Trust = "none"
)

// MaxReply is how much of a reply [Message] hands on, in bytes.
const MaxReply = 8 << 10

// Message is one stored mail, however many copies exist.
type Message struct {
	ID          ID           `json:"id"`
	Thread      ThreadID     `json:"thread"`
	Head        Head         `json:"head"`
	Inner       []Head       `json:"inner,omitempty"` // forwarded messages' heads, outermost first
	Time        time.Time    `json:"time"`            // where it stands in a history; see SaneTime
	Received    time.Time    `json:"received,omitzero"`
	Size        int64        `json:"size"`
	BodySize    int64        `json:"body_size"` // RFC822.SIZE less the header's bytes, by which copies are told without downloading; 0 when unknown
	Direction   Direction    `json:"direction"`
	Verdict     Verdict      `json:"verdict"`
	Trust       Trust        `json:"trust"`
	Attachments []Attachment `json:"attachments,omitempty"`
	Snippet     string       `json:"snippet,omitempty"` // first words newly written, at most 200 runes
	Raw         Sum          `json:"raw"`               // names the original bytes in the store
	TextSum     Sum          `json:"text_sum"`          // digest of the content, for telling copies from variants; see Parsed
	FormerSums  bool         `json:"-"`                 // TextSum and those of the variants are of the kind that format 3 of the store kept
	Variants    []Variant    `json:"variants,omitempty"`
	Flags       []string     `json:"flags,omitempty"` // duplicate-message-id, variant, unparsable, empty-body …
	Holdings    []Holding    `json:"holdings"`
	Matches     []Match      `json:"matches"`
	Protected   bool         `json:"protected,omitempty"` // seen by the owner of the mailbox only
	Hidden      bool         `json:"hidden,omitempty"`    // private by hand: on no timeline
	// Reply is what its author newly wrote, the first MaxReply bytes, while the
	// mail is being filed; it is not kept with it.
	Reply string `json:"-"`
}

// Variant is a copy of a message whose text differs from the message's own.
type Variant struct {
	Raw     Sum `json:"raw"`
	TextSum Sum `json:"text_sum"`
}

// Sum is a SHA-256 digest.
type Sum [32]byte

// Source is a message's original bytes, which may lie in memory or in a file.
// Open may be called more than once, also concurrently.
type Source interface {
	Open() (io.ReadCloser, error)
	Size() int64
}

// Bytes is a Source in memory.
type Bytes []byte

// Open returns a reader over b.
func (b Bytes) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }

// Size returns the number of bytes.
func (b Bytes) Size() int64 { return int64(len(b)) }

// Summed is a Source in memory whose digest is known already.
type Summed struct {
	Bytes
	Sum Sum // SHA-256 of Bytes
}

// Item is one copy with what became of its body, on the way to intake.
type Item struct {
	Copy
	Wish       Wish
	Body       Source // nil for Hold and Skip, and where Quarantine is set
	Quarantine string // why the body could not be fetched or read; "" otherwise
}

// Batch is what one commit settles: all of it or nothing.
type Batch struct {
	Folder Folder
	Items  []Item
	// Skipped settles many UIDs unseen: before_since on the first scan.
	Skipped map[Reason]UIDSet
	// Scanned, when not nil, records that the first scan has begun with this since.
	Scanned *time.Time
	// Fingerprints, when not nil, replaces those kept.
	Fingerprints []Fingerprint
}

// Fingerprint is a keyed digest of one UID's header, by which UID reuse
// without a change of UIDVALIDITY is noticed.
type Fingerprint struct {
	UID uint32   `json:"uid"`
	Sum [16]byte `json:"sum"`
}

// Progress is what is settled in a folder: the resume point.
type Progress struct {
	Stored       UIDSet
	Skipped      map[Reason]UIDSet
	Quarantined  UIDSet
	Scanned      bool      // the first scan has begun, so Since no longer bounds new UIDs
	Since        time.Time // that the first scan used
	Fingerprints []Fingerprint
	Mark         Mark   // of the last complete pass; zero if there was none
	Renumbered   uint32 // the UIDVALIDITY this folder had before, while its mail is being re-mapped; 0 otherwise
}

// Settled returns every settled UID, whatever its state.
func (p Progress) Settled() UIDSet {
	all := p.Stored.Union(p.Quarantined)
	for _, s := range p.Skipped {
		all = all.Union(s)
	}
	return all
}

// Mark is what the server said at the end of a complete pass in which every
// UID was settled. While it is unchanged there is nothing to do. Intake clears
// it whenever it unsettles a UID.
type Mark struct {
	// Account tells accounts apart that were read under one mailbox name; 0 in
	// marks that were made before it was kept.
	Account uint64 `json:"account,omitzero"`
	UIDNext uint32 `json:"uidnext"`
	Exists  uint32 `json:"exists"`
	ModSeq  uint64 `json:"modseq"`
}

// Report closes a pass over a folder: everything the server lists now.
type Report struct {
	Folder Folder
	Listed UIDSet
	Mark   Mark
	At     time.Time
	Looked time.Time     // before the server was asked what it lists: what came later may be missing
	Err    string        // the folder could not be read; Listed is then ignored
	Said   phrase.Phrase // Err in parts, for other languages
}

// FolderStatus is what status shows of a folder. Stored, Skipped and
// Quarantined count UIDs the server lists now and sum to Exists when InSync;
// Gone counts settled UIDs it no longer lists.
type FolderStatus struct {
	Name        string         `json:"name"`
	UIDValidity uint32         `json:"uidvalidity"`
	Exists      int            `json:"exists"`
	Stored      int            `json:"stored"`
	Skipped     map[Reason]int `json:"skipped"`
	Quarantined int            `json:"quarantined"`
	Gone        int            `json:"gone"`
	InSync      bool           `json:"in_sync"`
	Renumbered  time.Time      `json:"renumbered,omitzero"` // when the server last re-numbered it
	Error       string         `json:"error,omitempty"`
	Said        phrase.Phrase  `json:"said,omitzero"` // Error in parts, for other languages
	At          time.Time      `json:"at,omitzero"`
	Looked      time.Time      `json:"looked,omitzero"` // as [Report.Looked], of the last pass that ended
}

// Search asks every mailbox's server for mail that earlier passes skipped and
// that may match now.
type Search struct {
	ID        string            `json:"id"`
	Addresses []contact.Address `json:"addresses,omitempty"`
	Domains   []string          `json:"domains,omitempty"`
	All       bool              `json:"all,omitempty"`  // a rule changed: every skipped UID is judged again
	Since     time.Time         `json:"since,omitzero"` // when it was asked
}
