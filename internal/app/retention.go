package app

import (
	"context"
	"errors"
	"time"

	"rapport/intake"
	"rapport/internal/config"
	"rapport/web"
)

// jobRetention is the name of the job that enforces the retention.
const jobRetention = "retention"

// stateRetained is where the store keeps how enforcing the retention went.
const stateRetained = "retention"

// retainedBook is what is known of it.
type retainedBook struct {
	Last    time.Time      `json:"last,omitzero"`
	Removed map[string]int `json:"removed"`
	Held    int            `json:"held"`
	Error   string         `json:"error,omitempty"`
	ErrorAt time.Time      `json:"error_at,omitzero"`
}

// retention is how long the configuration keeps what is filed.
func retention(cfg *config.Config) intake.Retention {
	r := intake.Retention{Spans: map[string]intake.Span{}, Hold: cfg.Retention.Hold}
	for kind, d := range cfg.Retention.Spans() {
		r.Spans[kind] = intake.Span(d)
	}
	return r
}

// retainNightly removes what is older than it may be kept. Where all is kept
// now, mail that was removed is wanted again: intake looks after that.
func (d *daemonRun) retainNightly(ctx context.Context) error {
	if len(d.config().Retention.Spans()) > 0 {
		_, err := d.Retain(ctx, false, nil)
		return err
	}
	d.retaining.Lock()
	defer d.retaining.Unlock()
	_, err := d.intake.Enforce(ctx, false, nil)
	return err
}

// Retain implements web.Daemon.
func (s *system) Retain(ctx context.Context, dry bool, progress func(looked int)) (web.Retained, error) {
	s.retaining.Lock()
	defer s.retaining.Unlock()
	if len(s.config().Retention.Spans()) == 0 {
		return web.Retained{Dry: dry}, web.Invalid(errors.New("everything is kept: the configuration's retention names no kind"))
	}
	if dry {
		x, err := s.intake.Enforce(ctx, true, progress)
		return web.Retained{Removed: x.Removed, Held: x.Held, Looked: x.Looked, Dry: true}, err
	}
	would, err := s.intake.Enforce(ctx, true, nil)
	if err == nil && len(would.Removed) > 0 {
		err = noteErasure(ctx, s.store, s.now()) // before it: a compaction too many is harmless
	}
	var x intake.Expired
	if err == nil {
		looked := func(n int) {
			s.retained.Store(int64(n))
			if progress != nil {
				progress(n)
			}
		}
		x, err = s.intake.Enforce(ctx, false, looked)
		s.retained.Store(0)
	}
	if ctx.Err() != nil {
		return web.Retained{}, ctx.Err() // the next run goes on
	}
	book, bookErr := upkeepBook[retainedBook](ctx, s.store, stateRetained)
	if err != nil {
		book.Error, book.ErrorAt = escape(err.Error()), s.now().UTC()
	} else {
		book = retainedBook{Last: s.now().UTC(), Removed: x.Removed, Held: x.Held}
		s.log.Info("retention enforced", "removed", x.Removed, "held", x.Held, "looked", x.Looked)
	}
	return web.Retained{Removed: x.Removed, Held: x.Held, Looked: x.Looked}, errors.Join(err, bookErr, keepBook(ctx, s.store, stateRetained, book))
}

func (s *system) retentionState(ctx context.Context) (*web.RetentionState, error) {
	if len(s.config().Retention.Spans()) == 0 {
		return nil, nil
	}
	book, err := upkeepBook[retainedBook](ctx, s.store, stateRetained)
	if err != nil {
		return nil, err
	}
	st := &web.RetentionState{
		Last: book.Last, Removed: book.Removed, Held: book.Held, Next: s.due(ctx, jobRetention), Done: int(s.retained.Load()),
		Error: book.Error, ErrorAt: book.ErrorAt,
	}
	if st.Removed == nil {
		st.Removed = map[string]int{}
	}
	return st, nil
}
