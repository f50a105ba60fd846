package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
)

// Upkeep is how the store is looked after.
type Upkeep struct {
	Backup    *BackupState    `json:"backup"`    // null: none is configured
	Erasure   *ErasureState   `json:"erasure"`   // null: no bytes of what was erased are left
	Retention *RetentionState `json:"retention"` // null: everything is kept
	Restored  *RestoredState  `json:"restored"`  // null: never
	Files     *FilesState     `json:"files"`     // null: attached office and PDF files are not read, or all have been
	// Sales are the directories that are watched for files of sales and purchases.
	Sales []SaleFolder `json:"sale_folders,omitempty"`
}

// SaleFolder is how a directory is whose files are imported by themselves.
type SaleFolder struct {
	Dir       string       `json:"dir"`
	Direction string       `json:"direction"`
	Waiting   int          `json:"waiting"` // files whose turn has not come
	Failed    int          `json:"failed"`  // files that somebody has to mend
	Last      SaleImported `json:"last,omitzero"`
	Error     string       `json:"error,omitempty"` // why the directory cannot be read
}

// SaleImported is how the import of one file of a directory went.
type SaleImported struct {
	File      string    `json:"file"`
	At        time.Time `json:"at"`
	Failed    bool      `json:"failed,omitempty"`
	Added     int       `json:"added"`
	Updated   int       `json:"updated"`
	Unchanged int       `json:"unchanged"`
	Skipped   int       `json:"skipped,omitempty"`
}

// FilesState is how far attached office and PDF files of older mail have been
// read.
type FilesState struct {
	Done  int `json:"done"` // messages looked at
	Total int `json:"total"`
}

// BackupState is how the scheduled backups are.
type BackupState struct {
	Dir      string    `json:"dir"`
	Last     time.Time `json:"last,omitzero"` // when the last sound one was made; zero: there is none
	File     string    `json:"file,omitempty"`
	Bytes    int64     `json:"bytes"`
	Seconds  float64   `json:"seconds"`           // that making it took
	SHA256   string    `json:"sha256,omitempty"`  // of the file
	Verified time.Time `json:"verified,omitzero"` // when it was opened, checked and counted
	Rows     int       `json:"rows"`              // that were counted, as many as were written
	Kept     int       `json:"kept"`              // backups in the directory
	Next     time.Time `json:"next,omitzero"`
	Error    string    `json:"error,omitempty"` // of the last try, where it failed
	ErrorAt  time.Time `json:"error_at,omitzero"`
}

// ErasureState says that bytes of what was erased are still on the disk.
type ErasureState struct {
	Since    time.Time `json:"since"`
	Deadline time.Time `json:"deadline"` // by when they are gone
	Overdue  bool      `json:"overdue"`
}

// RetentionState is how keeping no longer than configured goes.
type RetentionState struct {
	Last    time.Time      `json:"last,omitzero"` // when all that was due had been removed
	Removed map[string]int `json:"removed"`       // by kind, in the last run
	Held    int            `json:"held"`          // that stay for a tag or a decision, in the last run
	Next    time.Time      `json:"next,omitzero"`
	Done    int            `json:"done"` // of a run under way: entries looked at
	Error   string         `json:"error,omitempty"`
	ErrorAt time.Time      `json:"error_at,omitzero"`
}

// RestoredState says that the store was replaced by an older copy of it.
type RestoredState struct {
	At         time.Time `json:"at"`
	Backup     time.Time `json:"backup,omitzero"` // when the copy was made; zero: unknown
	Generation uint64    `json:"generation"`
	Reconciled bool      `json:"reconciled"` // every folder was proven since
}

func (s *Server) describeUpkeep(api huma.API) {
	const tag = "upkeep"
	describe(s, api, operation{id: "get-upkeep", pattern: "GET /upkeep", tag: tag, need: access.Manage,
		summary: "Say how the store is looked after: backups, erasure, retention"}, s.upkeep)
	describeStream(s, api, operation{id: "back-up-now", pattern: "POST /backup", tag: tag, need: access.Manage,
		summary: "Make the scheduled backup now, its drill included"}, s.backUpNow)
	describeStream(s, api, operation{id: "enforce-retention", pattern: "POST /retention", tag: tag, need: access.Manage,
		summary: "Remove what is older than it may be kept, or say what that is"}, s.retain)
}

func (s *Server) upkeep(ctx context.Context, _ *struct{}) (Upkeep, error) {
	u, err := s.daemon.Upkeep(ctx)
	if u.Retention != nil && u.Retention.Removed == nil {
		u.Retention.Removed = map[string]int{}
	}
	return u, err
}

func (s *Server) backUpNow(context.Context, *struct{}) (run[Count, BackupState], error) {
	return func(ctx context.Context, _ func(Count)) (BackupState, error) { return s.daemon.BackUpNow(ctx) }, nil
}

// Retained is what enforcing the retention removed, or would remove.
type Retained struct {
	Removed map[string]int `json:"removed"` // by kind
	Held    int            `json:"held"`    // old enough, and kept all the same
	Looked  int            `json:"looked"`  // entries old enough for some kind
	Dry     bool           `json:"dry"`     // nothing was removed
}

type retainRequest struct {
	Dry bool `json:"dry,omitempty" doc:"Remove nothing, and say what would be."`
}

func (s *Server) retain(_ context.Context, in *struct{ Body *retainRequest }) (run[Count, Retained], error) {
	return func(ctx context.Context, progress func(Count)) (Retained, error) {
		dry := in.Body != nil && in.Body.Dry
		out, err := s.daemon.Retain(ctx, dry, func(looked int) { progress(Count{Done: looked}) })
		if out.Removed == nil {
			out.Removed = map[string]int{}
		}
		return out, err
	}, nil
}

// Retain removes what is older than it may be kept; dry only says what that is.
func (c *Client) Retain(ctx context.Context, dry bool, progress func(Count)) (Retained, error) {
	return follow[Count, Retained](ctx, c, "/retention", retainRequest{Dry: dry}, progress)
}

// Upkeep says how the store is looked after.
func (c *Client) Upkeep(ctx context.Context) (Upkeep, error) {
	return call[Upkeep](ctx, c, http.MethodGet, "/upkeep", nil, nil)
}

// BackUpNow makes the scheduled backup now, its drill included.
func (c *Client) BackUpNow(ctx context.Context) (BackupState, error) {
	return follow[Count, BackupState](ctx, c, "/backup", nil, nil)
}
