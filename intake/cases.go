package intake

import (
	"fmt"
	"slices"

	"rapport/records/followup"
	"rapport/records/message"
	"rapport/records/phrase"
	"rapport/records/timeline"
	"rapport/store"
)

// OpenCase opens a case inside a transaction, for the program itself.
func (i *Intake) OpenCase(tx store.Tx, actor string, f followup.FollowUp) (followup.FollowUp, error) {
	if err := f.Normalize(); err != nil {
		return f, err
	}
	return i.addFollowUp(tx, actor, f)
}

// closeCases closes the cases of those whom one of us has written to after they
// were opened: nobody has to remember to.
func (i *Intake) closeCases(tx store.Tx, line timeline.Entry, m message.Message) error {
	if m.Direction != message.Out || m.Verdict.Kind != message.Personal || m.Verdict.Auto {
		return nil
	}
	var about []store.Subject
	for _, c := range line.Contacts {
		if !slices.Contains(line.Aside, c) {
			about = append(about, store.Subject{Contact: c})
		}
	}
	for _, o := range line.Organisations {
		if !slices.Contains(line.AsideOrganisations, o) {
			about = append(about, store.Subject{Organisation: o})
		}
	}
	for _, who := range about {
		open, err := store.Where(func(s store.Slice) (store.Page[followup.FollowUp], error) {
			return tx.FollowUps().List(store.FollowUpFilter{Who: who, Cases: true}, s)
		}, func(f followup.FollowUp) (bool, error) { return m.Time.After(f.Created), nil })
		if err != nil {
			return fmt.Errorf("list cases: %w", err)
		}
		for _, f := range open {
			f.Done, f.DoneBy, f.Updated = i.now(), followup.ByReply, later(i.now(), f.Updated)
			if err := tx.FollowUps().Put(f); err != nil {
				return fmt.Errorf("close case %s: %w", f.ID, err)
			}
			if err := i.audit(tx, followup.ByReply, "followup.done", string(f.ID), phrase.New("due {day}", "day", f.Due), nil); err != nil {
				return err
			}
		}
	}
	return nil
}
