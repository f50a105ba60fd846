package intake

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"rapport/records/message"
	"rapport/store"
)

// Resume implements mailsync.Sink.
func (i *Intake) Resume(ctx context.Context, f message.Folder) (message.Progress, error) {
	var p message.Progress
	err := i.store.View(ctx, func(tx store.Tx) error {
		got, err := tx.Folders().Progress(f)
		if err != nil {
			return fmt.Errorf("read progress of %s/%s: %w", f.Mailbox, f.Name, err)
		}
		old, err := olderNumbering(tx, f)
		if err != nil {
			return err
		}
		if old != nil {
			got.Renumbered = old.UIDValidity
		}
		p = got
		return nil
	})
	return p, err
}

// Reopen implements mailsync.Sink.
func (i *Intake) Reopen(ctx context.Context, f message.Folder, uids message.UIDSet) error {
	if uids.Empty() {
		return nil
	}
	return i.store.Update(ctx, func(tx store.Tx) error {
		return tx.Folders().Unsettle(f, uids)
	})
}

// reopenSkipped unsettles everything skipped for one of these reasons, in all
// folders, and returns the mailboxes that have work now.
func reopenSkipped(tx store.Tx, reasons ...message.Reason) ([]string, error) {
	all, err := tx.Folders().List("")
	if err != nil {
		return nil, fmt.Errorf("list folders: %w", err)
	}
	var boxes []string
	for _, f := range all {
		p, err := tx.Folders().Progress(f)
		if err != nil {
			return nil, fmt.Errorf("read progress: %w", err)
		}
		var uids message.UIDSet
		for _, r := range reasons {
			uids = uids.Union(p.Skipped[r])
		}
		if uids.Empty() {
			continue
		}
		if err := tx.Folders().Unsettle(f, uids); err != nil {
			return nil, fmt.Errorf("unsettle: %w", err)
		}
		if !slices.Contains(boxes, f.Mailbox) {
			boxes = append(boxes, f.Mailbox)
		}
	}
	return boxes, nil
}

// Report implements mailsync.Sink: it counts, from what is settled and what
// the server lists, and ends a re-mapping that is complete.
func (i *Intake) Report(ctx context.Context, r message.Report) (message.FolderStatus, error) {
	var out message.FolderStatus
	for again := true; again; {
		err := i.store.Update(ctx, func(tx store.Tx) (err error) {
			out, again, err = report(tx, r)
			return err
		})
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// report does one transaction's part of a report; again asks for another.
func report(tx store.Tx, r message.Report) (st message.FolderStatus, again bool, err error) {
	last, err := lastStatus(tx, r.Folder)
	if err != nil {
		return st, false, err
	}
	if r.Err != "" {
		last.Name, last.UIDValidity = r.Folder.Name, r.Folder.UIDValidity
		last.InSync, last.Error, last.Said, last.At = false, r.Err, r.Said, r.At
		return last, false, tx.Folders().SetStatus(r.Folder.Mailbox, last)
	}
	p, err := tx.Folders().Progress(r.Folder)
	if err != nil {
		return st, false, fmt.Errorf("read progress: %w", err)
	}
	st = count(p, r)
	st.Renumbered = last.Renumbered
	if st.InSync {
		ended, more, err := endRenumbering(tx, r.Folder)
		if err != nil || more {
			return st, more, err
		}
		if ended {
			st.Renumbered = r.At
		}
		if err := tx.Folders().SetMark(r.Folder, r.Mark); err != nil {
			return st, false, fmt.Errorf("set mark: %w", err)
		}
	}
	return st, false, tx.Folders().SetStatus(r.Folder.Mailbox, st)
}

func lastStatus(tx store.Tx, f message.Folder) (message.FolderStatus, error) {
	all, err := tx.Folders().Status(f.Mailbox)
	if err != nil {
		return message.FolderStatus{}, fmt.Errorf("read status: %w", err)
	}
	for _, s := range all {
		if s.Name == f.Name {
			return s, nil
		}
	}
	return message.FolderStatus{}, nil
}

// count computes a folder's status: it is in sync only if every UID the server
// lists now is settled.
func count(p message.Progress, r message.Report) message.FolderStatus {
	st := message.FolderStatus{
		Name:        r.Folder.Name,
		UIDValidity: r.Folder.UIDValidity,
		Exists:      r.Listed.Len(),
		Stored:      p.Stored.Intersect(r.Listed).Len(),
		Quarantined: p.Quarantined.Intersect(r.Listed).Len(),
		Skipped:     map[message.Reason]int{},
		Gone:        p.Settled().Minus(r.Listed).Len(),
		At:          r.At,
		Looked:      r.Looked,
	}
	sum := st.Stored + st.Quarantined
	for reason, uids := range p.Skipped {
		if n := uids.Intersect(r.Listed).Len(); n > 0 {
			st.Skipped[reason] = n
			sum += n
		}
	}
	st.InSync = sum == st.Exists
	return st
}

// recount keeps the counts of a folder true between passes when a stored UID
// becomes a skipped one. Where settled UIDs are gone from the server or
// quarantined, only a pass can tell whether this one is among them: clearing
// the mark asks for it, and until then the folder does not show as in sync.
func recount(tx store.Tx, f message.Folder, r message.Reason) error {
	st, err := lastStatus(tx, f)
	if err != nil || st.UIDValidity != f.UIDValidity {
		return err
	}
	if st.Gone > 0 || st.Quarantined > 0 || st.Stored == 0 {
		if err := tx.Folders().SetMark(f, message.Mark{}); err != nil {
			return fmt.Errorf("clear mark: %w", err)
		}
		return nil
	}
	skipped := maps.Clone(st.Skipped)
	if skipped == nil {
		skipped = map[message.Reason]int{}
	}
	skipped[r]++
	st.Stored, st.Skipped = st.Stored-1, skipped
	return tx.Folders().SetStatus(f.Mailbox, st)
}

// renumberedAtOnce bounds how many old holdings one transaction drops.
const renumberedAtOnce = 250

// endRenumbering forgets the numberings a folder had before. Holdings that
// were found again under the new numbers go; those that were not stay as
// history. A large folder takes several transactions: more asks for the next.
// An old UID that has been looked after is unsettled, so that the next one, or
// the one after a crash, goes on behind it.
func endRenumbering(tx store.Tx, f message.Folder) (ended, more bool, err error) {
	for left := renumberedAtOnce; ; {
		old, err := olderNumbering(tx, f)
		if err != nil || old == nil {
			return ended, false, err
		}
		p, err := tx.Folders().Progress(*old)
		if err != nil {
			return ended, false, fmt.Errorf("read progress: %w", err)
		}
		held := p.Stored.Union(p.Quarantined) // of the latter, what was filed by its header
		some := held.Newest(left)
		for _, uid := range some.Slice() {
			if err := dropRenumbered(tx, *old, f, uid); err != nil {
				return ended, false, err
			}
		}
		if left -= some.Len(); some.Len() < held.Len() {
			if err := tx.Folders().Unsettle(*old, some); err != nil {
				return ended, false, fmt.Errorf("unsettle old numbers: %w", err)
			}
			return ended, true, nil
		}
		if err := tx.Folders().SetScanned(f, p.Since); err != nil {
			return ended, false, fmt.Errorf("carry over since: %w", err)
		}
		if err := tx.Folders().Forget(*old); err != nil {
			return ended, false, fmt.Errorf("forget old numbering: %w", err)
		}
		ended = true
	}
}

// dropRenumbered removes an old holding where the message has one in the new
// numbering.
func dropRenumbered(tx store.Tx, old, now message.Folder, uid uint32) error {
	id, err := tx.Messages().ByHolding(old.Mailbox, old.Name, old.UIDValidity, uid)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find holding: %w", err)
	}
	m, err := tx.Messages().Get(id)
	if err != nil {
		return fmt.Errorf("read message %s: %w", id, err)
	}
	isIn := func(h message.Holding, f message.Folder) bool {
		return h.Mailbox == f.Mailbox && h.Folder == f.Name && h.UIDValidity == f.UIDValidity
	}
	if !slices.ContainsFunc(m.Holdings, func(h message.Holding) bool { return isIn(h, now) }) {
		return nil
	}
	m.Holdings = slices.DeleteFunc(m.Holdings, func(h message.Holding) bool { return isIn(h, old) && h.UID == uid })
	return tx.Messages().Put(m, nil)
}

// Listed implements mailsync.Sink: what the server has no longer goes out of
// the status. The holdings stay as history; where the folder comes back, its
// mail is recognised by identity.
func (i *Intake) Listed(ctx context.Context, mailbox string, folders []string) error {
	if len(folders) == 0 {
		return nil // a server that lists nothing is a server with a fault
	}
	var lost []message.Folder
	err := i.store.View(ctx, func(tx store.Tx) (err error) {
		lost, err = unlisted(tx, mailbox, folders)
		return err
	})
	if err != nil || len(lost) == 0 { // nearly always: nothing is written then
		return err
	}
	return i.store.Update(ctx, func(tx store.Tx) error {
		lost, err := unlisted(tx, mailbox, folders)
		if err != nil {
			return err
		}
		for _, f := range lost {
			if err := tx.Folders().Forget(f); err != nil {
				return fmt.Errorf("forget folder %s: %w", f.Name, err)
			}
		}
		return nil
	})
}

// unlisted returns what is known of folders a mailbox does not list: their
// numberings, and the status of those that were gone before they were opened.
func unlisted(tx store.Tx, mailbox string, folders []string) ([]message.Folder, error) {
	all, err := tx.Folders().List(mailbox)
	if err != nil {
		return nil, fmt.Errorf("list folders: %w", err)
	}
	status, err := tx.Folders().Status(mailbox)
	if err != nil {
		return nil, fmt.Errorf("read status: %w", err)
	}
	for _, st := range status {
		all = append(all, message.Folder{Mailbox: mailbox, Name: st.Name, UIDValidity: st.UIDValidity})
	}
	return slices.DeleteFunc(all, func(f message.Folder) bool { return slices.Contains(folders, f.Name) }), nil
}

// Pending implements mailsync.Sink.
func (i *Intake) Pending(ctx context.Context, mailbox string) ([]message.Search, error) {
	var out []message.Search
	err := i.store.View(ctx, func(tx store.Tx) error {
		var err error
		out, err = tx.Searches().Pending(mailbox)
		return err
	})
	return out, err
}

// Searched implements mailsync.Sink.
func (i *Intake) Searched(ctx context.Context, mailbox, id string) error {
	return i.store.Update(ctx, func(tx store.Tx) error {
		return tx.Searches().Done(id, mailbox, i.setup.Load().names)
	})
}

// Status returns the last computed status of every folder of a mailbox.
func (i *Intake) Status(ctx context.Context, mailbox string) ([]message.FolderStatus, error) {
	var out []message.FolderStatus
	err := i.store.View(ctx, func(tx store.Tx) error {
		var err error
		out, err = tx.Folders().Status(mailbox)
		return err
	})
	return out, err
}
