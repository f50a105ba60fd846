package mailsync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"rapport/records/message"
)

// HeadsOptions say whose headers to walk.
type HeadsOptions struct {
	Roles []message.Role // empty: all folders that are read
	Since time.Time      // by the day of receipt; zero: all
	// Total, when not nil, hears how many headers there are to read before
	// those of a folder are, folder by folder.
	Total func(n int)
}

// Heads walks the headers of the mailbox, newest first in each folder, and
// settles nothing: for finding out whom the team writes with, and what a
// sync would do. It opens a connection of its own.
func (s *Syncer) Heads(ctx context.Context, o HeadsOptions, visit func(message.Folder, []message.Copy) error) error {
	return s.aside(ctx, func(sess *session, folders []folder) error {
		for _, f := range folders {
			if len(o.Roles) > 0 && !slices.Contains(o.Roles, f.role) {
				continue
			}
			err := s.walk(ctx, sess, f, o, visit)
			if kindOf(err) == Refused && !sess.dead() { // that folder only
				s.o.Log.Warn("folder not read", "mailbox", s.o.Mailbox.Name, "folder", f.name, "err", err)
				continue
			}
			if err != nil {
				return fmt.Errorf("mailbox %s, folder %s: %w", s.o.Mailbox.Name, f.name, err)
			}
		}
		return nil
	})
}

// aside runs work on a connection beside those of Run.
func (s *Syncer) aside(ctx context.Context, work func(*session, []folder) error) error {
	seat, err := s.o.Gate.enter(ctx, nil)
	if err != nil {
		return fmt.Errorf("mailbox %s: wait for a connection: %w", s.o.Mailbox.Name, err)
	}
	defer seat.leave()
	sess, err := s.open(ctx)
	if err != nil {
		return fmt.Errorf("mailbox %s: %w", s.o.Mailbox.Name, err)
	}
	defer func() {
		if sess.dead() {
			sess.close()
			return
		}
		sess.logout()
	}()
	folders, err := s.discover(ctx, sess)
	if err != nil {
		return fmt.Errorf("mailbox %s: %w", s.o.Mailbox.Name, err)
	}
	return work(sess, folders)
}

func (s *Syncer) walk(ctx context.Context, sess *session, f folder, o HeadsOptions, visit func(message.Folder, []message.Copy) error) error {
	sel, err := sess.examine(f.raw)
	if err != nil {
		return err
	}
	mf := message.Folder{Mailbox: s.o.Mailbox.Name, Name: f.name, UIDValidity: sel.uidValidity, Role: f.role}
	var todo message.UIDSet
	if o.Since.IsZero() {
		todo, err = sess.searchAll()
	} else {
		todo, err = sess.searchSince(o.Since)
	}
	if err != nil {
		return err
	}
	if todo.Len() > int(sel.exists)+10_000 {
		return hostile("{uids} UIDs in a folder of {n|message|messages}", "uids", strconv.Itoa(todo.Len()), "n", int(sel.exists))
	}
	if o.Total != nil {
		o.Total(todo.Len())
	}
	for !todo.Empty() {
		chunk := todo.Newest(headChunk)
		todo = todo.Minus(chunk)
		if err := s.ledger.admit(ctx, usage{}, false); err != nil {
			return err
		}
		copies, err := s.walkChunk(sess, chunk)
		if err != nil {
			return err
		}
		if len(copies) == 0 {
			continue
		}
		if err := visit(mf, copies); err != nil {
			return err
		}
		if err := s.spend(ctx, sess, usage{}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Syncer) walkChunk(sess *session, chunk message.UIDSet) ([]message.Copy, error) {
	req := &fetchRequest{asked: chunk, section: sectionHeader, offset: -1}
	sess.start(req, allow(int64(chunk.Len())*16<<10))
	if err := sess.finish(req); err != nil && kindOf(err) != Refused {
		return nil, err
	}
	parts := partsOf(req)
	slices.SortFunc(parts, func(a, b *part) int { return int(int64(b.uid) - int64(a.uid)) })
	copies := make([]message.Copy, 0, len(parts))
	for _, p := range parts {
		if c, err := readCopy(p); err == nil { // a pass quarantines it and says so
			copies = append(copies, c)
		}
	}
	return copies, nil
}

// Missing names UIDs that the server lists and that are in no state.
type Missing struct {
	Folder string
	UIDs   message.UIDSet
}

// Reconcile proves folder by folder that what the server lists is what is
// settled, whatever marks and caches say, and asks once more for what is
// quarantined. It fetches nothing else; what it finds missing the next pass
// fetches.
func (s *Syncer) Reconcile(ctx context.Context) ([]message.FolderStatus, []Missing, error) {
	var all []message.FolderStatus
	var missing []Missing
	var faults []error
	err := s.aside(ctx, func(sess *session, folders []folder) error {
		for _, f := range folders {
			st, lack, err := s.reconcile(ctx, sess, f)
			if kindOf(err) == Refused && !sess.dead() {
				s.fail(ctx, f, err)
				faults = append(faults, fmt.Errorf("folder %s: %w", f.name, err))
				continue
			}
			if err != nil {
				return fmt.Errorf("mailbox %s, folder %s: %w", s.o.Mailbox.Name, f.name, err)
			}
			all = append(all, st)
			if !lack.Empty() {
				missing = append(missing, Missing{f.name, lack})
			}
		}
		return nil
	})
	in := map[string]bool{}
	for _, st := range all {
		if st.Quarantined > 0 {
			in[st.Name] = true
		}
	}
	if err == nil && len(in) > 0 {
		after := s.askAgain(ctx, in)
		for i, st := range all {
			if now, ok := after[st.Name]; ok {
				all[i] = now
			}
		}
	}
	return all, missing, errors.Join(append(faults, err)...)
}

func (s *Syncer) reconcile(ctx context.Context, sess *session, f folder) (message.FolderStatus, message.UIDSet, error) {
	p := &pass{s: s, ctx: ctx, sess: sess, f: f, began: s.o.Now(), sums: map[uint32][16]byte{}}
	if err := p.open(nil); err != nil {
		return message.FolderStatus{}, message.UIDSet{}, err
	}
	if err := p.list(nil); err != nil {
		return message.FolderStatus{}, message.UIDSet{}, err
	}
	out, err := p.report()
	if err != nil {
		return message.FolderStatus{}, message.UIDSet{}, err
	}
	return out.status, p.todo, nil
}
