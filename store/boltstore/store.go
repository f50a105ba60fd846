package boltstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"rapport/records/message"
	"rapport/store"
)

// Store is a store in one directory; see [Open].
type Store struct {
	dir  string
	opt  Options
	log  *slog.Logger
	lock *os.File // holds the directory for this process

	writer chan struct{} // holds one token while somebody writes
	swap   sync.RWMutex  // guards db: read by transactions, written by Compact
	db     *bolt.DB
	closed bool
	failed atomic.Bool // a commit failed: what the file holds is not known for sure
	walked time.Time   // when every page was last looked at

	counted uint64 // generation last counted; guarded by the writer's token, as count
	count   bool   // the next write counts one more

	files   sync.Mutex               // guards what follows
	packed  map[message.Sum]int      // files packed and not yet named by a commit
	lasting map[string]bool          // directories of files whose own names are durable
	doomed  map[message.Sum]struct{} // files to delete when holds is 0
	holds   int                      // backups that need the files of their snapshot

	toIndex chan struct{} // says that documents wait, see later.go
	late    atomic.Int64  // how many came since they were last indexed

	merge    chan struct{} // asks for a look at the segments
	stop     context.CancelFunc
	merging  sync.WaitGroup
	oneMerge sync.Mutex // a merge sweeps up what it does not know
}

var _ store.Store = (*Store)(nil)

var errClosed = errors.New("the store is closed")

// View implements [store.Store].
func (s *Store) View(ctx context.Context, fn func(store.Tx) error) error {
	return s.view(ctx, func(tx *Tx) error { return fn(tx) })
}

func (s *Store) view(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.swap.RLock()
	defer s.swap.RUnlock()
	if s.closed {
		return errClosed
	}
	b, err := s.db.Begin(false)
	if err != nil {
		return translate(fmt.Errorf("begin to read: %w", err))
	}
	defer b.Rollback()
	return translate(fn(s.tx(ctx, b)))
}

// Update implements [store.Store]. Updates queue up; one that waits gives up
// when its context ends.
func (s *Store) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.update(ctx, func(tx *Tx) error { return fn(tx) })
}

func (s *Store) update(ctx context.Context, fn func(*Tx) error) error {
	if s.opt.ReadOnly {
		return fmt.Errorf("write to a store opened to be read: %w", store.ErrReadOnly)
	}
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer s.release()
	return s.updateHeld(ctx, fn)
}

// acquire waits for the right to write.
func (s *Store) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.writer <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) release() { <-s.writer }

// updateHeld runs a write transaction for whoever holds the writer's token.
func (s *Store) updateHeld(ctx context.Context, fn func(*Tx) error) error {
	s.swap.RLock()
	defer s.swap.RUnlock()
	if s.closed {
		return errClosed
	}
	b, err := s.db.Begin(true)
	if err != nil {
		return translate(fmt.Errorf("begin to write: %w", err))
	}
	defer b.Rollback() // does nothing after a commit
	tx := s.tx(ctx, b)
	if err := fn(tx); err != nil {
		return translate(err)
	}
	if err := tx.finish(); err != nil {
		return translate(err)
	}
	// Every write makes a node of the page it lands on: without one there is
	// nothing to commit, and a commit is two syncs even then.
	if stats := b.Stats(); stats.GetNodeCount() > 0 {
		if err := s.generate(b); err != nil {
			return translate(err)
		}
		s.step("commit")
		if err := b.Commit(); err != nil {
			s.failed.Store(true)
			return translate(fmt.Errorf("commit: %w", err))
		}
		s.step("committed")
		s.generated(s.db)
	}
	s.committed(tx)
	if tx.grown {
		s.wantMerge()
	}
	if tx.late > 0 {
		s.wantIndex(tx.late)
	}
	return nil
}

// named reports whether a committed row names a file of raw mail.
func (s *Store) named(id message.Sum) bool {
	found := true // when in doubt the file stays
	err := s.db.View(func(b *bolt.Tx) error {
		found = b.Bucket([]byte(tableBlob)).Get(id[:]) != nil
		return nil
	})
	return found || err != nil
}

// Close waits for transactions under way and the merging of the search index.
// Closing twice does nothing.
func (s *Store) Close() error {
	if s.stop != nil {
		s.stop()
	}
	s.merging.Wait()
	s.writer <- struct{}{}
	defer s.release()
	s.swap.Lock()
	defer s.swap.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.tidy()
	err := s.db.Close()
	if err == nil {
		s.leave()
	}
	return errors.Join(err, s.lock.Close())
}

// step tells a test that the next durable step is about to happen or just has.
func (s *Store) step(name string) {
	if s.opt.Step != nil {
		s.opt.Step(name)
	}
}

// translate gives errors of the engine and the system their meaning.
func translate(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrFull), errors.Is(err, store.ErrReadOnly):
		return err
	case isFull(err):
		return fmt.Errorf("%w: %w", err, store.ErrFull)
	case errors.Is(err, syscall.EROFS), errors.Is(err, berrors.ErrDatabaseReadOnly), errors.Is(err, berrors.ErrTxNotWritable):
		return fmt.Errorf("%w: %w", err, store.ErrReadOnly)
	}
	return err
}

// isFull recognises a full disk. Where the engine cannot make its file larger
// it passes the system's error on as text.
func isFull(err error) bool {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, berrors.ErrMaxSizeReached} {
		if strings.HasSuffix(err.Error(), full.Error()) {
			return true
		}
	}
	return store.Full(err) || errors.Is(err, berrors.ErrMaxSizeReached)
}

// The collections; see [store.Tx].

// Contacts returns the people.
func (tx *Tx) Contacts() store.Contacts { return contactsOf{tx} }

// Organisations returns the companies and institutions.
func (tx *Tx) Organisations() store.Organisations { return organisationsOf{tx} }

// Members returns what is known of our own people.
func (tx *Tx) Members() store.Members { return membersOf{tx} }

// Messages returns the mails.
func (tx *Tx) Messages() store.Messages { return messagesOf{tx} }

// Blobs returns the raw mail.
func (tx *Tx) Blobs() store.Blobs { return blobsOf{tx} }

// Entries returns the histories.
func (tx *Tx) Entries() store.Entries { return entriesOf{tx} }

// Folders returns what is settled on the servers.
func (tx *Tx) Folders() store.Folders { return foldersOf{tx} }

// Suggestions returns the correspondents nobody knows.
func (tx *Tx) Suggestions() store.Suggestions { return suggestionsOf{tx} }

// Reviews returns what waits for a decision.
func (tx *Tx) Reviews() store.Reviews { return reviewsOf{tx} }

// Decisions returns what people decided.
func (tx *Tx) Decisions() store.Decisions { return decisionsOf{tx} }

// Searches returns the requests to search servers.
func (tx *Tx) Searches() store.Searches { return searchesOf{tx} }

// Tombstones returns what must not come back.
func (tx *Tx) Tombstones() store.Tombstones { return tombstonesOf{tx} }

// Audit returns the trail.
func (tx *Tx) Audit() store.Audit { return auditOf{tx} }

// State returns small named values.
func (tx *Tx) State() store.State { return stateOf{tx} }

// Accounts implements store.Tx.
func (tx *Tx) Accounts() store.Accounts { return accountsOf{tx} }

// Sessions implements store.Tx.
func (tx *Tx) Sessions() store.Sessions { return sessionsOf{tx} }

// APITokens implements store.Tx.
func (tx *Tx) APITokens() store.APITokens { return tokensOf{tx} }

// Relations returns what the entries say of relations. Within an Update they
// are as the entries were before it.
func (tx *Tx) Relations() store.Relations { return relationsOf{tx} }

// FollowUps returns what we have promised to come back to.
func (tx *Tx) FollowUps() store.FollowUps { return followUpsOf{tx} }

// Feeds returns the calendars that are handed out.
func (tx *Tx) Feeds() store.Feeds { return feedsOf{tx} }

// Sales returns orders and invoices.
func (tx *Tx) Sales() store.Sales { return salesOf{tx} }

// now is the store's clock.
func (s *Store) now() time.Time {
	if s.opt.Now != nil {
		return s.opt.Now()
	}
	return time.Now()
}
