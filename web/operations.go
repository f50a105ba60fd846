package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"rapport/internal/rescue"
	"rapport/records/message"
	"rapport/store"
)

func (s *Server) operationRoutes() []route {
	return []route{
		{pattern: "GET /version", serve: s.versionOf},
		{pattern: "GET /status", serve: s.status},
		{pattern: "POST /sync", serve: s.sync, long: true},
		{pattern: "POST /preview", serve: s.preview, long: true},
		{pattern: "POST /reconcile", serve: s.reconcile, long: true},
		{pattern: "POST /rematch", serve: s.rematch, long: true},
		{pattern: "POST /discover", serve: s.discover, long: true},
		{pattern: "POST /doctor", serve: s.doctor, long: true},
		{pattern: "POST /config/plan", serve: s.plan, long: true},
		{pattern: "POST /reload", serve: s.reload},
	}
}

// extendDeadline gives the client another while to take what is written.
func extendDeadline(c *http.ResponseController) {
	_ = c.SetWriteDeadline(time.Now().Add(streamTimeout)) // a recorder in a test has none
}

func (s *Server) versionOf(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, Version{Version: s.version})
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) error {
	st, err := s.daemon.Status(r.Context())
	if err != nil {
		return err
	}
	return reply(w, wholeStatus(st))
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
	Mailboxes []string `json:"mailboxes,omitempty"`
}

func (s *Server) sync(w http.ResponseWriter, r *http.Request) error {
	var in syncRequest
	if err := decode(r, &in); err != nil {
		return err
	}
	return stream(w, r, func(ctx context.Context, progress func(Status)) (Status, error) {
		st, err := s.daemon.Sync(ctx, in.Mailboxes, func(st message.SyncStatus) { progress(wholeStatus(st)) })
		return wholeStatus(st), err
	})
}

func (s *Server) preview(w http.ResponseWriter, r *http.Request) error {
	return stream(w, r, func(ctx context.Context, _ func(Count)) (Preview, error) {
		p, err := s.daemon.Preview(ctx)
		if p.Counts == nil {
			p.Counts = map[string]int{}
		}
		p.Samples = list(p.Samples)
		return p, err
	})
}

func (s *Server) reconcile(w http.ResponseWriter, r *http.Request) error {
	return stream(w, r, func(ctx context.Context, _ func(Count)) ([]Reconciled, error) {
		found, err := s.daemon.Reconcile(ctx)
		return list(found), err
	})
}

func (s *Server) rematch(w http.ResponseWriter, r *http.Request) error {
	return stream(w, r, func(ctx context.Context, progress func(Count)) (RematchResult, error) {
		return s.records.Rematch(ctx, counted(progress))
	})
}

func (s *Server) discover(w http.ResponseWriter, r *http.Request) error {
	var in Discover
	if err := decode(r, &in); err != nil {
		return err
	}
	kind, _, err := kindAndStage(in.Kind, "")
	if err != nil {
		return err
	}
	return stream(w, r, func(ctx context.Context, progress func(Count)) (Discovery, error) {
		found, err := s.daemon.Discover(ctx, DiscoverOptions{Since: in.Since, Accept: in.Accept, Kind: kind}, counted(progress))
		out := Discovery{Proposals: []Suggestion{}, Accepted: found.Accepted, Read: found.Read}
		for _, p := range found.Proposals {
			out.Proposals = append(out.Proposals, suggestion(p))
		}
		return out, refused(err)
	})
}

func (s *Server) doctor(w http.ResponseWriter, r *http.Request) error {
	return stream(w, r, func(ctx context.Context, _ func(Count)) ([]Finding, error) {
		found, err := s.daemon.Doctor(ctx)
		return list(found), err
	})
}

// planRequest names a configuration file on the server.
type planRequest struct {
	File string `json:"file"`
}

func (s *Server) plan(w http.ResponseWriter, r *http.Request) error {
	var in planRequest
	if err := decode(r, &in); err != nil {
		return err
	}
	if in.File == "" {
		return invalid("which configuration file?")
	}
	return stream(w, r, func(ctx context.Context, _ func(Count)) (RematchResult, error) {
		result, err := s.daemon.Plan(ctx, in.File)
		return result, refused(err)
	})
}

func (s *Server) reload(w http.ResponseWriter, r *http.Request) error {
	if err := s.daemon.Reload(r.Context()); err != nil {
		return refused(err)
	}
	return s.versionOf(w, r)
}

func (s *Server) storeRoutes() []route {
	return []route{
		{pattern: "POST /store/check", serve: s.checkStore, long: true},
		{pattern: "GET /store/backup", serve: s.backup, long: true},
		{pattern: "POST /store/reindex", serve: s.reindex, long: true},
		{pattern: "POST /store/compact", serve: s.compact, long: true},
		{pattern: "GET /export", serve: s.exportAll, long: true},
	}
}

func (s *Server) checkStore(w http.ResponseWriter, r *http.Request) error {
	return stream(w, r, func(ctx context.Context, _ func(Count)) (StoreFaults, error) {
		faults, err := s.daemon.CheckStore(ctx)
		return StoreFaults{Faults: list(faults)}, err
	})
}

// backup streams a consistent copy of the store. It is written through, so
// that a large store needs neither memory nor a second copy on the disk.
func (s *Server) backup(w http.ResponseWriter, r *http.Request) error {
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
	w.Header().Set("Content-Type", "application/octet-stream")
	return s.send(w, r, io.MultiReader(bytes.NewReader(first), pr))
}

func (s *Server) reindex(w http.ResponseWriter, r *http.Request) error {
	return stream(w, r, func(ctx context.Context, progress func(Count)) (struct{}, error) {
		return struct{}{}, s.daemon.Reindex(ctx, counted(progress))
	})
}

func (s *Server) compact(w http.ResponseWriter, r *http.Request) error {
	return stream(w, r, func(ctx context.Context, _ func(Count)) (Compaction, error) {
		before, after, err := s.daemon.Compact(ctx)
		return Compaction{Before: before, After: after}, err
	})
}

// recordsOf hands a listing over page by page, a short transaction each, so
// that an export pins no pages of the store.
func recordsOf[T any](ctx context.Context, s store.Store, list func(store.Tx, store.Slice) (store.Page[T], error), visit func([]T) error) error {
	cursor := store.Cursor("")
	for {
		var page store.Page[T]
		err := s.View(ctx, func(tx store.Tx) (err error) {
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
