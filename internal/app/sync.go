package app

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"rapport/internal/rescue"
	"rapport/records/message"
	"rapport/store"
	"rapport/web"
)

// maxRounds bounds how often one sync goes over the mailboxes: what one shows
// can make mail in another wanted, and that in turn.
const maxRounds = 50

// behindRounds bounds how often a mailbox is gone over again only because a
// folder is not in sync: it may have to stay so.
const behindRounds = 3

// progressTick is how often a sync tells how far it has come.
const progressTick = 200 * time.Millisecond

var _ web.Daemon = (*system)(nil)

// Status implements web.Daemon.
func (s *system) Status(ctx context.Context) (message.SyncStatus, error) {
	boxes, err := s.fleet.all()
	if err != nil {
		return message.SyncStatus{}, err
	}
	st, err := s.statusOf(ctx, boxes)
	for i, b := range boxes {
		if err == nil && b.supervisor() == nil {
			err = s.recall(ctx, &st.Mailboxes[i])
		}
	}
	return st, err
}

// statusOf puts together what the engines say and what the store proves. A
// folder shows as in sync only while nothing speaks against it: neither work
// given to it since, nor a fault of its mailbox.
func (s *system) statusOf(ctx context.Context, boxes []*box) (message.SyncStatus, error) {
	var out message.SyncStatus
	for _, b := range boxes {
		out.Mailboxes = append(out.Mailboxes, b.status())
	}
	err := s.store.View(ctx, func(tx store.Tx) (err error) {
		for i, b := range boxes {
			if out.Mailboxes[i].Folders, err = folders(tx, b.cfg.Name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	for _, m := range out.Mailboxes {
		for i := range m.Folders {
			m.Folders[i].InSync = m.Folders[i].InSync && m.Error == ""
		}
	}
	out.Totals = message.Totals(out.Mailboxes)
	return out, nil
}

// folders returns the last proven status of a mailbox's folders, where work
// has come up since without in sync.
func folders(tx store.Tx, mailbox string) ([]message.FolderStatus, error) {
	out, err := tx.Folders().Status(mailbox)
	if err != nil {
		return nil, fmt.Errorf("read status of %s: %w", mailbox, err)
	}
	// A search that waits may still find mail of somebody added since.
	searches, err := tx.Searches().Pending(mailbox)
	if err != nil {
		return nil, fmt.Errorf("read the searches of %s: %w", mailbox, err)
	}
	for i, f := range out {
		if !f.InSync {
			continue
		}
		mark, err := tx.Folders().Mark(message.Folder{Mailbox: mailbox, Name: f.Name, UIDValidity: f.UIDValidity})
		if err != nil {
			return nil, fmt.Errorf("read the mark of %s in %s: %w", f.Name, mailbox, err)
		}
		out[i].InSync = mark != (message.Mark{}) && len(searches) == 0
	}
	return out, nil
}

// Sync implements web.Daemon. The mailboxes are read side by side, again and
// again until none has given another anything to do.
func (s *system) Sync(ctx context.Context, names []string, progress func(message.SyncStatus)) (message.SyncStatus, error) {
	began := s.now()
	boxes, err := s.fleet.all(names...)
	if err != nil {
		return message.SyncStatus{}, err
	}
	if err := s.freed(ctx); err != nil {
		return message.SyncStatus{}, err
	}
	told := s.telling(ctx, boxes, began, progress)
	err = s.rounds(ctx, boxes)
	told()
	if err != nil {
		return message.SyncStatus{}, err
	}
	st, err := s.statusOf(ctx, boxes)
	st.Seconds = s.now().Sub(began).Seconds()
	return st, err
}

// freed does first what could not be done before, and may keep the mailboxes
// from beginning: whoever asks for a sync does not wait until it is tried again
// by itself.
func (s *system) freed(ctx context.Context) error {
	held := s.fleet.isHeld()
	finish := s.intake.Finish
	if held {
		finish = s.intake.Recover
	}
	if err := finish(ctx); err != nil {
		return fmt.Errorf("finish what was left undone: %w", err)
	}
	if held {
		s.fleet.held(nil)
	}
	return nil
}

// rounds makes passes until there is nothing left to do. A mailbox that fails
// is not asked again, and is nobody else's trouble: its status says it.
func (s *system) rounds(ctx context.Context, boxes []*box) error {
	failed := map[*box]bool{}
	todo := boxes
	s.takeDirty() // the first round does whatever was asked before it
	for round := 0; round < maxRounds && len(todo) > 0; round++ {
		passed := s.pass(ctx, todo)
		if ctx.Err() != nil {
			return fmt.Errorf("sync: %w", ctx.Err())
		}
		for b, err := range passed {
			if failed[b] = err != nil; !failed[b] {
				s.fleet.passed(b)
			}
			s.remember(ctx, b.cfg.Name, err)
		}
		dirty := s.takeDirty()
		todo = nil
		for _, b := range boxes {
			if failed[b] {
				continue
			}
			more := dirty[""] || dirty[b.cfg.Name]
			if !more {
				waiting, err := s.intake.Pending(ctx, b.cfg.Name)
				if err != nil {
					return fmt.Errorf("list searches of %s: %w", b.cfg.Name, err)
				}
				more = len(waiting) > 0
			}
			if !more && round < behindRounds {
				behind, err := s.behind(ctx, b.cfg.Name)
				if err != nil {
					return err
				}
				more = behind
			}
			if more {
				todo = append(todo, b)
			}
		}
	}
	return nil
}

// behind reports whether a folder has work that came up after the pass went
// over it: a daemon that watches the mailbox may have found some meanwhile.
func (s *system) behind(ctx context.Context, mailbox string) (behind bool, err error) {
	err = s.store.View(ctx, func(tx store.Tx) error {
		known, err := folders(tx, mailbox)
		behind = slices.ContainsFunc(known, func(f message.FolderStatus) bool { return !f.InSync && f.Error == "" })
		return err
	})
	return behind, err
}

// pass lets mailboxes make one complete pass each, side by side.
func (s *system) pass(ctx context.Context, boxes []*box) map[*box]error {
	var wg sync.WaitGroup
	errs := make([]error, len(boxes))
	for i, b := range boxes {
		wg.Go(func() {
			errs[i] = rescue.Do(func() error { return b.engine.Sync(ctx) })
		})
	}
	wg.Wait()
	out := map[*box]error{}
	for i, b := range boxes {
		out[b] = errs[i]
	}
	return out
}

// telling calls progress every so often until it is told to stop.
func (s *system) telling(ctx context.Context, boxes []*box, began time.Time, progress func(message.SyncStatus)) (stop func()) {
	if progress == nil {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		if err := rescue.Do(func() error { s.tell(ctx, boxes, began, progress, done); return nil }); err != nil {
			s.log.Error("progress not told", "err", err)
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// tell calls progress until done is closed.
func (s *system) tell(ctx context.Context, boxes []*box, began time.Time, progress func(message.SyncStatus), done <-chan struct{}) {
	ticker := time.NewTicker(progressTick)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
		}
		if st, err := s.statusOf(ctx, boxes); err == nil {
			st.Seconds = s.now().Sub(began).Seconds()
			progress(st)
		}
	}
}

// Reconcile implements web.Daemon.
func (s *system) Reconcile(ctx context.Context) ([]web.Reconciled, error) {
	boxes, err := s.fleet.all()
	if err != nil {
		return nil, err
	}
	var wg sync.WaitGroup
	found := make([][]web.Reconciled, len(boxes))
	for i, b := range boxes {
		wg.Go(func() {
			if err := rescue.Do(func() error { found[i] = reconcile(ctx, b); return nil }); err != nil {
				found[i] = []web.Reconciled{unproven(b, err)}
			}
		})
	}
	wg.Wait()
	var out []web.Reconciled
	for _, f := range found {
		out = append(out, f...)
	}
	if err := ctx.Err(); err != nil {
		return out, err
	}
	if slices.ContainsFunc(out, func(r web.Reconciled) bool { return !r.Agrees }) {
		return out, nil
	}
	return out, s.reconciled(ctx)
}

// reconcile proves one mailbox. What could not be asked agrees with nothing.
func reconcile(ctx context.Context, b *box) []web.Reconciled {
	folders, missing, err := b.engine.Reconcile(ctx)
	var out []web.Reconciled
	for _, f := range folders {
		r := web.Reconciled{Mailbox: b.cfg.Name, Folder: f}
		for _, m := range missing {
			if m.Folder == f.Name {
				r.Missing = m.UIDs.Len()
			}
		}
		r.Agrees = f.InSync && r.Missing == 0 && f.Error == ""
		out = append(out, r)
	}
	if err != nil {
		out = append(out, unproven(b, err))
	}
	return out
}

func unproven(b *box, err error) web.Reconciled {
	return web.Reconciled{Mailbox: b.cfg.Name, Folder: message.FolderStatus{Error: escape(err.Error())}}
}
