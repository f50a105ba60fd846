package message

import (
	"time"

	"rapport/records/phrase"
)

// State says what a mailbox is doing.
type State string

// The states of a mailbox.
const (
	StateStarting State = "starting"
	StateSyncing  State = "syncing"
	StateWatching State = "watching" // in sync, waiting for news
	StateWaiting  State = "waiting"  // after a fault, before the next try
	StateStopped  State = "stopped"  // needs a hand: the sign-in was refused
	StateIdle     State = "idle"     // no daemon looks after it at the moment
)

// MailboxStatus is what status shows of a mailbox.
type MailboxStatus struct {
	Name     string         `json:"name"`
	State    State          `json:"state"`
	Error    string         `json:"error"`             // in English, with the fix
	Said     phrase.Phrase  `json:"said,omitzero"`     // the same in parts, for other languages
	ErrorAt  time.Time      `json:"error_at,omitzero"` // of an error an earlier process left
	Since    time.Time      `json:"since,omitzero"`    // when the state began
	NextTry  time.Time      `json:"next_try,omitzero"`
	LastPass time.Time      `json:"last_pass,omitzero"`
	Backfill *Backfill      `json:"backfill,omitempty"` // while a pass is under way
	Folders  []FolderStatus `json:"folders"`
}

// Backfill is how far a pass has come.
type Backfill struct {
	Folder string        `json:"folder"`
	Done   int           `json:"done"`  // messages settled in this pass
	Total  int           `json:"total"` // messages this pass is to settle, as far as known
	Rate   float64       `json:"rate"`  // messages a second
	ETA    time.Duration `json:"eta"`   // nanoseconds; 0 when unknown
}

// SyncStatus is what sync and status print.
type SyncStatus struct {
	Mailboxes []MailboxStatus `json:"mailboxes"`
	Totals    FolderStatus    `json:"totals"`
	Seconds   float64         `json:"seconds"`
}

// Totals sums up what the folders of mailboxes hold; they are in sync where all
// of them are.
func Totals(boxes []MailboxStatus) FolderStatus {
	t := FolderStatus{InSync: len(boxes) > 0, Skipped: map[Reason]int{}}
	for _, m := range boxes {
		t.InSync = t.InSync && len(m.Folders) > 0 && m.Error == ""
		for _, f := range m.Folders {
			t.Exists += f.Exists
			t.Stored += f.Stored
			t.Quarantined += f.Quarantined
			t.Gone += f.Gone
			for r, n := range f.Skipped {
				t.Skipped[r] += n
			}
			t.InSync = t.InSync && f.InSync
		}
	}
	return t
}
