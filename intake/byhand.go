package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"rapport/records/message"
	"rapport/records/phrase"
	"rapport/store"
)

// The kinds of decisions by hand.
const (
	decideFile     = "file"
	decideUnfile   = "unfile"
	decideWithdraw = "withdraw"
	decidePrivate  = "private"
)

// File puts a message on somebody's timeline by a person's decision.
func (i *Intake) File(ctx context.Context, actor string, id message.ID, who store.Subject) (string, error) {
	return i.decide(ctx, actor, id, store.Decision{Kind: decideFile, Who: who})
}

// Unfile takes a message off somebody's timeline. Where it is on none of
// theirs, and nobody waits for the answer whether it should be, there is
// nothing to do and no audit id.
func (i *Intake) Unfile(ctx context.Context, actor string, id message.ID, who store.Subject) (string, error) {
	return i.decide(ctx, actor, id, store.Decision{Kind: decideUnfile, Who: who})
}

// Withdraw removes a message; other copies of it do not come back.
func (i *Intake) Withdraw(ctx context.Context, actor string, id message.ID) (string, error) {
	return i.decide(ctx, actor, id, store.Decision{Kind: decideWithdraw})
}

// decide records a decision on one message and files it accordingly.
func (i *Intake) decide(ctx context.Context, actor string, id message.ID, d store.Decision) (string, error) {
	var audit string
	err := i.change(ctx, func(tx store.Tx) error {
		m, err := tx.Messages().Get(id)
		if err != nil {
			return fmt.Errorf("read message %s: %w", id, err)
		}
		if err := subjectExists(tx, d); err != nil {
			return err
		}
		d.Message, d.Identity = m.ID, message.IdentityKeys(m.Head, &m.TextSum)
		if d.Kind == decideUnfile {
			if there, err := i.concerns(tx, m, d); err != nil || !there {
				return err
			}
		}
		if audit, err = said(tx, string(id), d); err != nil || audit != "" {
			return err
		}
		if err := i.opposite(tx, d); err != nil {
			return err
		}
		audit, err = i.record(tx, actor, string(id), d)
		return err
	})
	return audit, err
}

// concerns reports whether a message is filed under whom a decision names, by
// rule or by hand, or may yet be: as a question to a person.
func (i *Intake) concerns(tx store.Tx, m message.Message, d store.Decision) (bool, error) {
	about := func(match message.Match) bool {
		return d.Who.Contact != "" && match.Contact == d.Who.Contact ||
			d.Who.Organisation != "" && match.Organisation == d.Who.Organisation
	}
	if slices.ContainsFunc(m.Matches, about) {
		return true, nil
	}
	e, err := tx.Entries().OfMessage(m.ID)
	if err == nil && (slices.Contains(e.Contacts, d.Who.Contact) || slices.Contains(e.Organisations, d.Who.Organisation)) {
		return true, nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return false, fmt.Errorf("read entry of %s: %w", m.ID, err)
	}
	r, err := tx.Reviews().Get(m.ID)
	if err == nil && slices.ContainsFunc(r.Candidates, about) {
		return true, nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return false, fmt.Errorf("read review of %s: %w", m.ID, err)
	}
	for _, key := range d.Identity {
		standing, err := tx.Decisions().ByIdentity(key)
		if err != nil {
			return false, fmt.Errorf("read decisions: %w", err)
		}
		for _, o := range standing {
			if o.Kind == decideFile && o.Who == d.Who {
				return true, nil
			}
		}
	}
	return false, nil
}

func subjectExists(tx store.Tx, d store.Decision) error {
	if d.Kind != decideFile && d.Kind != decideUnfile {
		return nil
	}
	_, _, err := concerned(tx, d.Who)
	return err
}

// said returns the line of the trail of a standing decision that says the same
// of the same object, "" where there is none: the answer to whoever said it
// first may have got lost.
func said(tx store.Tx, object string, d store.Decision) (audit string, err error) {
	same := func(o store.Decision) bool {
		return o.Kind == d.Kind && o.Message == d.Message && o.Who == d.Who && slices.Equal(o.Thread, d.Thread)
	}
	for _, key := range d.Identity {
		standing, err := tx.Decisions().ByIdentity(key)
		if err != nil {
			return "", fmt.Errorf("read decisions: %w", err)
		}
		if i := slices.IndexFunc(standing, same); i >= 0 {
			return lineOf(tx, object, standing[i].ID)
		}
	}
	return "", nil
}

// lineOf finds the line of the trail by which a decision on an object was made.
func lineOf(tx store.Tx, object, decision string) (string, error) {
	for at := (store.Slice{}); ; {
		page, err := tx.Audit().List(object, at)
		if err != nil {
			return "", fmt.Errorf("read trail of %s: %w", object, err)
		}
		for _, r := range page.Items {
			var u undo
			if len(r.Before) > 0 && json.Unmarshal(r.Before, &u) == nil && u.Decision == decision {
				return r.ID, nil
			}
		}
		if at.Cursor = page.Next; at.Cursor == "" {
			return "", nil // the line was redacted: the decision is made anew
		}
	}
}

// opposite lifts standing decisions that the new one contradicts: who files a
// message again after unfiling it means the latter no longer.
func (i *Intake) opposite(tx store.Tx, d store.Decision) error {
	for _, key := range d.Identity {
		standing, err := tx.Decisions().ByIdentity(key)
		if err != nil {
			return fmt.Errorf("read decisions: %w", err)
		}
		for _, o := range standing {
			contrary := o.Kind == decideFile && d.Kind == decideUnfile || o.Kind == decideUnfile && d.Kind == decideFile
			if contrary && o.Who == d.Who {
				o.Undone = i.now()
				if err := tx.Decisions().Put(o); err != nil {
					return fmt.Errorf("lift decision %s: %w", o.ID, err)
				}
			}
		}
	}
	return nil
}

// Private hides a whole thread, mail that is still to come included.
func (i *Intake) Private(ctx context.Context, actor string, thread message.ThreadID) (string, error) {
	var audit string
	err := i.change(ctx, func(tx store.Tx) error {
		msgs, _, err := threadMessages(tx, thread)
		if err != nil {
			return err
		}
		if len(msgs) == 0 {
			return fmt.Errorf("read thread %s: %w", thread, store.ErrNotFound)
		}
		d := store.Decision{Kind: decidePrivate, Message: msgs[0].ID}
		for _, m := range msgs {
			d.Thread = append(d.Thread, m.Head.ThreadIDs()...)
			d.Identity = append(d.Identity, message.IdentityKeys(m.Head, &m.TextSum)...)
		}
		slices.Sort(d.Thread)
		d.Thread = slices.Compact(d.Thread)
		if audit, err = said(tx, string(thread), d); err != nil || audit != "" {
			return err
		}
		audit, err = i.record(tx, actor, string(thread), d)
		return err
	})
	return audit, err
}

// record stores a decision, with its audit line, and files what it concerns.
func (i *Intake) record(tx store.Tx, actor, object string, d store.Decision) (string, error) {
	d.ID, d.By, d.At = store.NewID(i.now()), actor, i.now()
	if err := tx.Decisions().Put(d); err != nil {
		return "", fmt.Errorf("keep decision: %w", err)
	}
	if err := bump(tx); err != nil {
		return "", err
	}
	if _, err := i.refileDecided(tx, d); err != nil {
		return "", err
	}
	detail := string(d.Who.Contact) + string(d.Who.Organisation)
	return i.auditID(tx, actor, "message."+d.Kind, object, phrase.Verbatim(detail), &undo{Decision: d.ID})
}

// refileDecided files the threads a decision speaks of again.
func (i *Intake) refileDecided(tx store.Tx, d store.Decision) (changes, error) {
	var total changes
	t, err := i.taking(tx, message.Folder{})
	if err != nil {
		return total, err
	}
	var threads []message.ThreadID
	add := func(th message.ThreadID) {
		if th != "" && !slices.Contains(threads, th) {
			threads = append(threads, th)
		}
	}
	for _, key := range d.Identity {
		id, err := tx.Messages().ByIdentity(key)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return total, fmt.Errorf("find message: %w", err)
		}
		m, err := tx.Messages().Get(id)
		if err != nil {
			return total, fmt.Errorf("read message %s: %w", id, err)
		}
		add(m.Thread)
	}
	for _, id := range d.Thread {
		th, err := tx.Messages().ThreadOf(id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return total, fmt.Errorf("find thread: %w", err)
		}
		add(th)
	}
	for _, th := range threads {
		ch, err := t.refile(th)
		if err != nil {
			return total, err
		}
		total.add(ch)
	}
	return total, nil
}
