package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rapport/internal/rescue"
	"rapport/records/access"
	"rapport/records/message"
	"rapport/store"
	"rapport/store/veil"
)

func (s *Server) describeDaemon(api huma.API) {
	const tag = "daemon"
	describe(s, api, operation{id: "get-version", pattern: "GET /version", tag: tag, need: access.Read,
		summary: "Say what answers"}, s.versionOf)
	describe(s, api, operation{id: "get-status", pattern: "GET /status", tag: tag, need: access.Read,
		summary: "Say how the mailboxes are, folder by folder"}, s.status)
	describeStream(s, api, operation{id: "sync", pattern: "POST /sync", tag: tag, need: access.Manage,
		summary: "Make one complete pass over every mailbox, or the named ones"}, s.sync)
	describeStream(s, api, operation{id: "preview", pattern: "POST /preview", tag: tag, need: access.Manage,
		summary: "Say what a pass would file, and store nothing"}, s.preview)
	describeStream(s, api, operation{id: "reconcile", pattern: "POST /reconcile", tag: tag, need: access.Manage,
		summary: "Prove every folder against its server"}, s.reconcile)
	describeStream(s, api, operation{id: "rematch", pattern: "POST /rematch", tag: tag, need: access.Manage,
		summary: "Judge every stored message again"}, s.rematch)
	describeStream(s, api, operation{id: "discover", pattern: "POST /discover", tag: tag, need: access.Manage,
		summary: "Propose people from the mailboxes' headers"}, s.discover)
	describeStream(s, api, operation{id: "doctor", pattern: "POST /doctor", tag: tag, need: access.Manage,
		summary: "Try everything that is configured"}, s.doctor)
	describeStream(s, api, operation{id: "plan-configuration", pattern: "POST /config/plan", tag: tag, need: access.Manage,
		summary: "Say what another configuration file would change of what is filed"}, s.plan)
	describe(s, api, operation{id: "reload", pattern: "POST /reload", tag: tag, need: access.Manage,
		summary: "Read the configuration again"}, s.reload)
}

func (s *Server) describeStore(api huma.API) {
	const tag = "store"
	describeStream(s, api, operation{id: "check-store", pattern: "POST /store/check", tag: tag, need: access.Manage,
		summary: "Look for faults in the store"}, s.checkStore)
	describeDownload(s, api, operation{id: "back-up-store", pattern: "GET /store/backup", tag: tag, need: access.Manage, long: true,
		summary: "Download a consistent copy of the store"}, octets, s.backup)
	describeStream(s, api, operation{id: "reindex-store", pattern: "POST /store/reindex", tag: tag, need: access.Manage,
		summary: "Rebuild everything derived in the store"}, s.reindex)
	describeStream(s, api, operation{id: "reindex-search", pattern: "POST /store/reindex/search", tag: tag, need: access.Manage,
		summary: "Rebuild the search index, while everything else goes on"}, s.reindexSearch)
	describeStream(s, api, operation{id: "compact-store", pattern: "POST /store/compact", tag: tag, need: access.Manage,
		summary: "Make the store as small as it can be"}, s.compact)
}

const octets = "application/octet-stream"

// extendDeadline gives the client another while to take what is written.
func extendDeadline(c *http.ResponseController) {
	_ = c.SetWriteDeadline(time.Now().Add(streamTimeout)) // a recorder in a test has none
}

func (s *Server) versionOf(context.Context, *struct{}) (Version, error) {
	return Version{Version: s.version}, nil
}

func (s *Server) status(ctx context.Context, _ *struct{}) (Status, error) {
	return s.statusShown(ctx)
}

// wholeStatus leaves no list or map null.
func wholeStatus(st Status) Status {
	st.Mailboxes = append([]message.MailboxStatus{}, st.Mailboxes...)
	for i := range st.Mailboxes {
		fs := append([]message.FolderStatus{}, st.Mailboxes[i].Folders...)
		for j := range fs {
			if fs[j].Skipped == nil {
				fs[j].Skipped = map[message.Reason]int{}
			}
		}
		st.Mailboxes[i].Folders = fs
	}
	if st.Totals.Skipped == nil {
		st.Totals.Skipped = map[message.Reason]int{}
	}
	return st
}

// syncRequest names the mailboxes to read; none means all.
type syncRequest struct {
	Mailboxes []string `json:"mailboxes,omitempty" doc:"By their names in the configuration; none means all."`
}

func (s *Server) sync(_ context.Context, in *struct{ Body *syncRequest }) (run[Status, Status], error) {
	var mailboxes []string
	if in.Body != nil {
		mailboxes = in.Body.Mailboxes
	}
	return func(ctx context.Context, progress func(Status)) (Status, error) {
		st, err := s.daemon.Sync(ctx, mailboxes, func(st message.SyncStatus) { progress(wholeStatus(st)) })
		return wholeStatus(st), err
	}, nil
}

func (s *Server) preview(context.Context, *struct{}) (run[Count, Preview], error) {
	return func(ctx context.Context, _ func(Count)) (Preview, error) {
		p, err := s.daemon.Preview(ctx)
		if p.Counts == nil {
			p.Counts = map[string]int{}
		}
		p.Samples = list(p.Samples)
		for i := range p.Samples {
			p.Samples[i].Matches, p.Samples[i].Names = list(p.Samples[i].Matches), list(p.Samples[i].Names)
		}
		if !veil.Everything(principal(ctx)) { // which mailbox a sample is of, nobody noted
			p.Samples = []PreviewSample{}
		}
		return p, err
	}, nil
}

func (s *Server) reconcile(context.Context, *struct{}) (run[Count, []Reconciled], error) {
	return func(ctx context.Context, _ func(Count)) ([]Reconciled, error) {
		found, err := s.daemon.Reconcile(ctx)
		return list(found), err
	}, nil
}

func (s *Server) rematch(context.Context, *struct{}) (run[Count, RematchResult], error) {
	return func(ctx context.Context, progress func(Count)) (RematchResult, error) {
		return s.records.Rematch(ctx, counted(progress))
	}, nil
}

func (s *Server) discover(_ context.Context, in *struct{ Body *Discover }) (run[Count, Discovery], error) {
	var o DiscoverOptions
	if in.Body != nil {
		kind, _, err := kindAndStage(in.Body.Kind, "")
		if err != nil {
			return nil, err
		}
		o = DiscoverOptions{Since: in.Body.Since, Accept: in.Body.Accept, Kind: kind}
	}
	return func(ctx context.Context, progress func(Count)) (Discovery, error) {
		found, err := s.daemon.Discover(ctx, o, counted(progress))
		out := Discovery{Proposals: []Suggestion{}, Accepted: found.Accepted, Read: found.Read}
		for _, p := range found.Proposals {
			out.Proposals = append(out.Proposals, suggestion(p))
		}
		return out, refused(err)
	}, nil
}

func (s *Server) doctor(context.Context, *struct{}) (run[Count, []Finding], error) {
	return func(ctx context.Context, _ func(Count)) ([]Finding, error) {
		found, err := s.daemon.Doctor(ctx)
		return list(found), err
	}, nil
}

// planRequest names a configuration file on the server.
type planRequest struct {
	File string `json:"file" doc:"The path of a configuration file on the server." example:"/etc/rapport/new.yaml"`
}

func (s *Server) plan(_ context.Context, in *struct{ Body planRequest }) (run[Count, RematchResult], error) {
	if in.Body.File == "" {
		return nil, invalid("which configuration file?")
	}
	return func(ctx context.Context, _ func(Count)) (RematchResult, error) {
		result, err := s.daemon.Plan(ctx, in.Body.File)
		return result, refused(err)
	}, nil
}

func (s *Server) reload(ctx context.Context, _ *struct{}) (Version, error) {
	return Version{Version: s.version}, refused(s.daemon.Reload(ctx))
}

func (s *Server) checkStore(context.Context, *struct{}) (run[Count, StoreFaults], error) {
	return func(ctx context.Context, _ func(Count)) (StoreFaults, error) {
		faults, err := s.daemon.CheckStore(ctx)
		return StoreFaults{Faults: list(faults)}, err
	}, nil
}

// backup streams a consistent copy of the store. It is written through, so
// that a large store needs neither memory nor a second copy on the disk.
func (s *Server) backup(_ context.Context, _ *struct{}, w http.ResponseWriter, r *http.Request) error {
	if !veil.Everything(principal(r.Context())) {
		return &Problem{Status: http.StatusForbidden, Code: codeForbidden,
			Detail: "a copy of the store holds everybody's mail: make it on the server, with `rapport store backup`"}
	}
	w.Header().Set("Content-Type", octets)
	if r.Method == http.MethodHead {
		return nil
	}
	pr, pw := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		pw.CloseWithError(rescue.Do(func() error { return s.daemon.Backup(r.Context(), pw) }))
	}()
	defer func() { pr.Close(); <-ended }()
	first := make([]byte, 1)
	if _, err := io.ReadFull(pr, first); err != nil {
		return fmt.Errorf("back up the store: %w", err) // before anything went out
	}
	return s.send(w, r, io.MultiReader(bytes.NewReader(first), pr))
}

func (s *Server) reindex(context.Context, *struct{}) (run[Count, Done], error) {
	return func(ctx context.Context, progress func(Count)) (Done, error) {
		return Done{}, s.daemon.Reindex(ctx, counted(progress))
	}, nil
}

func (s *Server) reindexSearch(context.Context, *struct{}) (run[Count, Done], error) {
	return func(ctx context.Context, progress func(Count)) (Done, error) {
		return Done{}, s.daemon.ReindexSearch(ctx, counted(progress))
	}, nil
}

func (s *Server) compact(context.Context, *struct{}) (run[Count, Compaction], error) {
	return func(ctx context.Context, _ func(Count)) (Compaction, error) {
		before, after, err := s.daemon.Compact(ctx)
		return Compaction{Before: before, After: after}, err
	}, nil
}

// recordsOf hands a listing over page by page, a short transaction each, so
// that an export pins no pages of the store.
func recordsOf[T any](ctx context.Context, view func(context.Context, func(store.Tx) error) error, list func(store.Tx, store.Slice) (store.Page[T], error), visit func([]T) error) error {
	cursor := store.Cursor("")
	for {
		var page store.Page[T]
		err := view(ctx, func(tx store.Tx) (err error) {
			page, err = list(tx, store.Slice{Cursor: cursor, Limit: 200})
			return err
		})
		if err != nil {
			return err
		}
		if err := visit(page.Items); err != nil {
			return err
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}
