package intake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/message"
	"rapport/records/phrase"
	"rapport/store"
)

// AddFollowUp writes down what somebody is to come back to. Whom it is about
// may have been merged since; the winner stands in.
func (i *Intake) AddFollowUp(ctx context.Context, actor string, f followup.FollowUp) (followup.FollowUp, error) {
	if err := f.Normalize(); err != nil {
		return f, err
	}
	added := f
	err := i.store.Update(ctx, func(tx store.Tx) (err error) {
		added, err = i.addFollowUp(tx, actor, f)
		return err
	})
	return added, err
}

func (i *Intake) addFollowUp(tx store.Tx, actor string, f followup.FollowUp) (followup.FollowUp, error) {
	f.ID = followup.ID(store.NewID(i.now()))
	f.By, f.Created, f.Updated = actor, i.now(), i.now()
	f.Done, f.DoneBy = time.Time{}, ""
	f, err := liveAbout(tx, f)
	if err != nil {
		return f, err
	}
	if err := tx.FollowUps().Put(f); err != nil {
		return f, fmt.Errorf("add follow-up: %w", err)
	}
	return f, i.audit(tx, actor, "followup.add", string(f.ID), phrase.New("due {day}", "day", f.Due), nil)
}

// liveAbout names in a follow-up whoever stands for whom it is about.
func liveAbout(tx store.Tx, f followup.FollowUp) (followup.FollowUp, error) {
	switch {
	case f.Contact != "":
		c, err := liveContact(tx, f.Contact)
		f.Contact = c.ID
		return f, err
	case f.Organisation != "":
		o, err := liveOrganisation(tx, f.Organisation)
		f.Organisation = o.ID
		return f, err
	}
	if _, err := tx.Messages().Get(f.Message); err != nil {
		return f, fmt.Errorf("read message %s: %w", f.Message, err)
	}
	return f, nil
}

// EditFollowUp replaces a follow-up: its day, owner and note, and whether it is
// done. store.ErrConflict where f.Updated is not the stored one.
func (i *Intake) EditFollowUp(ctx context.Context, actor string, f followup.FollowUp) (followup.FollowUp, error) {
	if err := f.Normalize(); err != nil {
		return f, err
	}
	out := f
	err := i.store.Update(ctx, func(tx store.Tx) error {
		was, err := tx.FollowUps().Get(f.ID)
		if err != nil {
			return err
		}
		if !was.Updated.Equal(f.Updated) {
			return fmt.Errorf("change follow-up %s: %w: it was changed since", f.ID, store.ErrConflict)
		}
		out = was // whom it is about and who wrote it down stays
		out.Due, out.Owner, out.Note, out.Updated = f.Due, f.Owner, f.Note, later(i.now(), was.Updated)
		action := "followup.edit"
		switch {
		case was.Open() && !f.Open():
			out.Done, out.DoneBy, action = i.now(), actor, "followup.done"
		case !was.Open() && f.Open():
			out.Done, out.DoneBy, action = f.Done, "", "followup.reopen"
		}
		if err := tx.FollowUps().Put(out); err != nil {
			return fmt.Errorf("change follow-up %s: %w", f.ID, err)
		}
		return i.audit(tx, actor, action, string(f.ID), phrase.New("due {day}", "day", out.Due), nil)
	})
	return out, err
}

// AddFeed keeps a calendar under the digest of its token.
func (i *Intake) AddFeed(ctx context.Context, actor string, f store.Feed) error {
	f.By, f.Created = actor, i.now()
	return i.store.Update(ctx, func(tx store.Tx) error {
		if err := tx.Feeds().Put(f); err != nil {
			return fmt.Errorf("hand out a calendar: %w", err)
		}
		return i.audit(tx, actor, "calendar.add", string(f.Member), phrase.Phrase{}, nil)
	})
}

// RevokeFeeds takes back every calendar of a member and returns how many.
func (i *Intake) RevokeFeeds(ctx context.Context, actor string, member contact.Address) (int, error) {
	n := 0
	err := i.store.Update(ctx, func(tx store.Tx) error {
		found, err := tx.Feeds().Of(member)
		if n = len(found); err != nil || n == 0 {
			return err
		}
		for _, f := range found {
			if err := tx.Feeds().Delete(f.Token); err != nil {
				return fmt.Errorf("take a calendar back: %w", err)
			}
		}
		return i.audit(tx, actor, "calendar.revoke", string(member), phrase.Phrase{}, nil)
	})
	return n, err
}

// eachFollowUp calls fn for the follow-ups about somebody or a message, those
// done included.
func eachFollowUp(tx store.Tx, about store.FollowUpFilter, fn func(followup.FollowUp) error) error {
	for _, done := range []bool{false, true} {
		about.Done = done
		found, err := store.Where(func(s store.Slice) (store.Page[followup.FollowUp], error) { return tx.FollowUps().List(about, s) },
			func(followup.FollowUp) (bool, error) { return true, nil })
		if err != nil {
			return fmt.Errorf("list follow-ups: %w", err)
		}
		for _, f := range found {
			if err := fn(f); err != nil {
				return fmt.Errorf("change follow-up %s: %w", f.ID, err)
			}
		}
	}
	return nil
}

// forgetFollowUps removes what is about somebody or a message that goes.
func forgetFollowUps(tx store.Tx, about store.FollowUpFilter) error {
	return eachFollowUp(tx, about, func(f followup.FollowUp) error {
		return errors.Join(tx.FollowUps().Delete(f.ID), tx.Audit().Redact(string(f.ID)))
	})
}

// moveFollowUps hands those about the loser of a merge to the winner and
// returns them as they were.
func (i *Intake) moveFollowUps(tx store.Tx, from, to store.Subject) (were []followup.FollowUp, err error) {
	err = eachFollowUp(tx, store.FollowUpFilter{Who: from}, func(f followup.FollowUp) error {
		were = append(were, f)
		f.Contact, f.Organisation, f.Updated = to.Contact, to.Organisation, later(i.now(), f.Updated)
		return tx.FollowUps().Put(f)
	})
	return were, err
}

// restoreFollowUps has follow-ups that are still there be about whom they were
// about before a merge.
func (i *Intake) restoreFollowUps(tx store.Tx, were []followup.FollowUp) error {
	for _, w := range were {
		f, err := tx.FollowUps().Get(w.ID)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err == nil {
			f.Contact, f.Organisation, f.Updated = w.Contact, w.Organisation, later(i.now(), f.Updated)
			err = tx.FollowUps().Put(f)
		}
		if err != nil {
			return fmt.Errorf("put follow-up %s back: %w", w.ID, err)
		}
	}
	return nil
}

// handFollowUpsOver gives what a member is to do to another.
func (i *Intake) handFollowUpsOver(tx store.Tx, from, to contact.Address) error {
	return eachFollowUp(tx, store.FollowUpFilter{Owner: from}, func(f followup.FollowUp) error {
		if !f.Open() {
			return nil // who did it stays who did it
		}
		f.Owner, f.Updated = to, later(i.now(), f.Updated)
		return tx.FollowUps().Put(f)
	})
}

// aboutMessage is the filter of what is about a message.
func aboutMessage(id message.ID) store.FollowUpFilter { return store.FollowUpFilter{Message: id} }
