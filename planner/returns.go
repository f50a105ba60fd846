package planner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/outbox"
	"rapport/records/timeline"
	"rapport/store"
)

// stateSentCopies is where the store keeps, by sender, the folder in which a
// copy of what went through it was found, and when the newest mail was sent of
// which one was.
const stateSentCopies = "sent-copies."

// sentCopies reads such a state; a zero time where no copy was ever found.
func sentCopies(tx store.Tx, sender string) (folder string, newest time.Time, err error) {
	raw, err := tx.State().Get(stateSentCopies + sender)
	if err != nil || len(raw) == 0 {
		return "", newest, err
	}
	folder, at, _ := strings.Cut(string(raw), "\x00")
	if newest, err = time.Parse(time.RFC3339Nano, at); err != nil {
		return "", newest, fmt.Errorf("read where sender %s keeps what it sent: %w", sender, err)
	}
	return folder, newest, nil
}

// Own reports whether a mail is one that a campaign sent, or a test of one. It
// is kept as a delivery; its copies are no messages.
func (p *Planner) Own(h message.Head) bool {
	_, ok := p.copied(h)
	return ok
}

// copied returns the delivery a mail is a copy of; "" for a test.
func (p *Planner) copied(h message.Head) (outbox.ID, bool) {
	for _, id := range append([]string{h.MessageID}, h.Aliases...) {
		if !strings.HasPrefix(id, "d.r") {
			continue
		}
		if d, ok := p.o.Keys.Find(outbox.ForReply, id); ok {
			return d, true
		}
		if _, ok := p.o.Keys.Find(outbox.ForTest, id); ok {
			return "", true
		}
	}
	return "", false
}

// Returned hears of every mail the mailboxes show, inside the transaction that
// settles it: kept or not, and read or, where m is nil, known by its header
// alone. What a mail says of a delivery counts only where it bears a token of
// ours. It may hear of a mail more than once.
func (p *Planner) Returned(tx store.Tx, folder message.Folder, h message.Head, m *message.Message) error {
	if id, own := p.copied(h); own {
		return p.sentCopy(tx, folder, id)
	}
	if id, ok := p.confirms(h); ok {
		return p.tell(tx, id, func(d *outbox.Delivery, _ campaign.Run) error {
			_, err := p.confirmed(tx, d, byMail, h.MessageID)
			return err
		})
	}
	if id, ok := p.leaves(h); ok {
		return p.tell(tx, id, func(d *outbox.Delivery, run campaign.Run) error {
			return p.unsubscribed(tx, d, run.Purpose, byMail, h.MessageID)
		})
	}
	if heard, err := p.answered(tx, h, m); heard || err != nil {
		return err
	}
	if m == nil {
		return nil
	}
	id, ok := p.about(h, m.Verdict)
	if !ok {
		return nil
	}
	return p.tell(tx, id, func(d *outbox.Delivery, run campaign.Run) error { return p.outcome(tx, d, run, *m) })
}

// leaves finds the token of an objection: in the subject, or in the address it
// was written to.
func (p *Planner) leaves(h message.Head) (outbox.ID, bool) {
	return p.tokenIn(h, outbox.ForUnsubscribe)
}

// tokenIn finds a token that a mailto link put into the subject, or into the
// address a mail was written to.
func (p *Planner) tokenIn(h message.Head, purpose outbox.Purpose) (outbox.ID, bool) {
	texts := []string{h.Subject}
	for _, to := range slices.Concat(h.To, h.DeliveredTo) {
		texts = append(texts, string(to.Address), to.Raw)
	}
	for _, text := range texts {
		if id, ok := p.o.Keys.Find(purpose, text); ok {
			return id, true
		}
	}
	return "", false
}

// about finds the delivery a mail answers, or a report is about.
func (p *Planner) about(h message.Head, v message.Verdict) (outbox.ID, bool) {
	var texts []string
	if v.Original != nil {
		texts = append(texts, v.Original.Token, v.Original.MessageID)
	}
	texts = append(append(texts, h.InReplyTo...), h.References...)
	for _, text := range texts {
		if id, ok := p.o.Keys.Find(outbox.ForReply, text); ok {
			return id, true
		}
	}
	return "", false
}

// tell changes a delivery by evidence, which also proves that it arrived.
func (p *Planner) tell(tx store.Tx, id outbox.ID, change func(*outbox.Delivery, campaign.Run) error) error {
	d, err := tx.Outbox().Get(id)
	if errors.Is(err, store.ErrNotFound) {
		return nil // of another store, or gone with its person
	}
	if err != nil {
		return fmt.Errorf("read delivery %s: %w", id, err)
	}
	run, err := tx.Runs().Get(d.Run)
	if err != nil {
		return fmt.Errorf("read the run of delivery %s: %w", id, err)
	}
	before := d
	// Whoever answers it has it.
	if d.Dots > 0 && d.State != outbox.Accepted && d.State != outbox.Intent {
		if found, err := d.Apply(outbox.Event{What: outbox.Find, Reason: "evidence came back"}, p.o.Now()); err == nil {
			d = found
		}
	}
	if err := change(&d, run); err != nil {
		return err
	}
	// What it says may hold back what waits for the address, this one included.
	held, err := tx.Outbox().Get(id)
	if err != nil {
		return fmt.Errorf("read delivery %s: %w", id, err)
	}
	if held.State != before.State {
		held.Evidence = d.Evidence
		d = held
	}
	if d == before {
		return nil
	}
	if err := tx.Outbox().Put(d); err != nil {
		return err
	}
	return p.Changed(tx, before, d)
}

// sentCopy keeps that the server of a sender keeps what it sends.
func (p *Planner) sentCopy(tx store.Tx, folder message.Folder, id outbox.ID) error {
	if id == "" || folder.Role != message.RoleSent && folder.Role != message.RoleAll {
		return nil
	}
	return p.tell(tx, id, func(d *outbox.Delivery, _ campaign.Run) error {
		if !d.Evidence.SentCopy.IsZero() {
			return nil
		}
		if d.State.Waiting() { // of a restored store, or put off by a server that took it
			found, err := d.Apply(outbox.Event{What: outbox.Find, Copy: true, Reason: "its copy is in the Sent folder"}, p.o.Now())
			if err != nil {
				return err
			}
			*d = found
		}
		d.Evidence.SentCopy = p.moment()
		if s := p.o.Settings().Senders[d.Sender]; s.Mailbox != folder.Mailbox {
			return nil
		}
		_, newest, err := sentCopies(tx, d.Sender)
		if err != nil || !d.Dotted.After(newest) {
			return err
		}
		return tx.State().Put(stateSentCopies+d.Sender, []byte(folder.Name+"\x00"+d.Dotted.UTC().Format(time.RFC3339Nano)))
	})
}

func (p *Planner) moment() time.Time { return p.o.Now().UTC().Truncate(time.Microsecond) }

// outcome is what a mail that was read says of a delivery.
func (p *Planner) outcome(tx store.Tx, d *outbox.Delivery, run campaign.Run, m message.Message) error {
	switch m.Verdict.Kind {
	case message.Bounce:
		return p.bounced(tx, d, m)
	case message.Complaint:
		if !d.Evidence.Complained.IsZero() {
			return nil
		}
		d.Evidence.Complained = p.moment()
		if err := p.stop(tx, d.Address, "", "complaint", byMail, m.Head.MessageID); err != nil {
			return err
		}
		return p.entry(tx, *d, timeline.Outcome, timeline.Complained)
	case message.Unsubscribe:
		return p.unsubscribed(tx, d, run.Purpose, byMail, m.Head.MessageID)
	case message.Personal, message.Calendar:
		if d.Evidence.Replied.IsZero() && !m.Verdict.Auto {
			d.Evidence.Replied = p.moment()
		}
		return p.hear(tx, d, run, "", m.Head, &m)
	}
	return nil
}

// bounced keeps a report of failure. Only an address that is dead, or full for
// long, is not written to any more; what a policy refused may pass.
func (p *Planner) bounced(tx store.Tx, d *outbox.Delivery, m message.Message) error {
	dead, full, failed := false, false, false
	for _, b := range m.Verdict.Bounces {
		if b.Action == "delayed" {
			continue
		}
		failed = true
		dead = dead || b.Hard && b.Class == string(outbox.ClassAddress)
		full = full || b.Class == string(outbox.ClassMailbox)
	}
	if !failed || !d.Evidence.Bounced.IsZero() {
		return nil
	}
	d.Evidence.Bounced = p.moment()
	if full && !dead {
		d.Evidence.Full = d.Evidence.Bounced
		var err error
		if dead, err = p.fullForLong(tx, *d); err != nil {
			return err
		}
	}
	if dead {
		if err := p.stop(tx, d.Address, "", "bounce", byMail, m.Head.MessageID); err != nil {
			return err
		}
	}
	return p.entry(tx, *d, timeline.Outcome, timeline.Bounced)
}

// byMail is who suppresses where a mail says so.
const byMail = "mail"

// Object keeps that whoever got a delivery wants no more mail for its purpose,
// or with all of any campaign; by is how they said so. It is durable once this
// returns. Of a delivery that is not known, and where it is known already, it
// changes nothing.
func (p *Planner) Object(ctx context.Context, id outbox.ID, all bool, by string) error {
	err := p.o.Store.Update(ctx, func(tx store.Tx) error {
		return p.tell(tx, id, func(d *outbox.Delivery, run campaign.Run) error {
			if all {
				return p.unsubscribed(tx, d, "", by, string(id))
			}
			return p.unsubscribed(tx, d, run.Purpose, by, string(id))
		})
	})
	if err != nil {
		return fmt.Errorf("keep the objection to delivery %s: %w", id, err)
	}
	return nil
}

// unsubscribed keeps that the recipient of a delivery wants no more mail for a
// purpose, "" for all.
func (p *Planner) unsubscribed(tx store.Tx, d *outbox.Delivery, scope, by, source string) error {
	known, err := tx.Suppressions().Of(p.digest(d.Address))
	if err != nil {
		return fmt.Errorf("read what %s has said: %w", d.Address, err)
	}
	if !slices.ContainsFunc(known, func(s store.Suppression) bool { return s.Scope == scope }) {
		if err := p.stop(tx, d.Address, scope, "unsubscribe", by, source); err != nil {
			return err
		}
	}
	if !d.Evidence.Unsubscribed.IsZero() {
		return nil
	}
	d.Evidence.Unsubscribed = p.moment()
	return p.entry(tx, *d, timeline.Outcome, timeline.Unsubscribed)
}

// stop suppresses an address for a purpose, "" for all, and whatever waits for
// it there.
func (p *Planner) stop(tx store.Tx, a contact.Address, scope, why, by, source string) error {
	err := tx.Suppressions().Put(store.Suppression{
		Digest: p.digest(a), Scope: scope, Why: why, At: p.moment(), By: by, Source: source, Address: string(a),
	})
	if err != nil {
		return fmt.Errorf("suppress %s: %w", a, err)
	}
	return p.holdBack(tx, a, scope, why)
}

// holdBack suppresses what waits for an address.
func (p *Planner) holdBack(tx store.Tx, a contact.Address, scope, why string) error {
	waiting, err := store.Where(func(s store.Slice) (store.Page[outbox.Delivery], error) {
		return tx.Outbox().List(store.OutboxFilter{Address: a}, s)
	}, func(d outbox.Delivery) (bool, error) { return d.State.Waiting() || d.State == outbox.Planned, nil })
	if err != nil {
		return fmt.Errorf("read what waits for %s: %w", a, err)
	}
	for _, d := range waiting {
		run, err := tx.Runs().Get(d.Run)
		if err != nil {
			return err
		}
		if scope != "" && run.Purpose != scope {
			continue
		}
		held, err := d.Apply(heldBy(campaign.Hold{Why: campaign.Stopped, Detail: why, At: p.moment()}), p.moment())
		if err != nil {
			return err
		}
		if err := errors.Join(tx.Outbox().Put(held), tx.Outbox().Drop(d.ID)); err != nil {
			return err
		}
	}
	return nil
}

// Changed hears of every change of a delivery, inside the transaction that
// writes it: what reached somebody stands on the timeline, and what a server
// refused.
func (p *Planner) Changed(tx store.Tx, before, after outbox.Delivery) error {
	switch {
	case after.State == before.State:
		return nil
	case after.State == outbox.Accepted:
		return errors.Join(p.takes(tx, after), p.entry(tx, after, timeline.Delivery, ""))
	case after.State == outbox.Rejected:
		if err := p.refused(tx, after); err != nil {
			return err
		}
		dead := after.Class == outbox.ClassAddress
		if after.Class == outbox.ClassMailbox {
			var err error
			if dead, err = p.fullForLong(tx, after); err != nil {
				return err
			}
		}
		if dead {
			if err := p.stop(tx, after.Address, "", "bounce", "server", string(after.ID)); err != nil {
				return err
			}
		}
		return p.entry(tx, after, timeline.Outcome, timeline.Rejected)
	}
	return nil
}

// entry puts a line about a delivery on the timelines of whom it is for.
func (p *Planner) entry(tx store.Tx, d outbox.Delivery, kind timeline.Kind, text string) error {
	_, err := p.entryAs(tx, "", d, kind, text)
	return err
}

// entryAs does so in the place of an entry of before; id is "" where there is none.
func (p *Planner) entryAs(tx store.Tx, id timeline.ID, d outbox.Delivery, kind timeline.Kind, text string) (timeline.ID, error) {
	c, err := liveContact(tx, d.Contact)
	if err != nil || c == nil {
		return id, err
	}
	now := p.moment()
	made := now
	if kind == timeline.Delivery && !d.Dotted.IsZero() {
		// What answers it stands after it, though its Date knows seconds only and
		// its id is made of that.
		now = d.Dotted.Truncate(time.Second)
		made = now.Add(-time.Millisecond)
	}
	e := timeline.Entry{ID: cmp.Or(id, timeline.ID(store.NewID(made))), Time: now, Kind: kind, Direction: message.Out, Subject: d.Subject, Text: text,
		Contacts: []contact.ID{c.ID}, Auto: true}
	if kind != timeline.Delivery {
		e.Direction = message.In
	}
	if len(c.Affiliations) > 0 {
		e.Organisations = append(e.Organisations, c.Affiliations[0].Organisation)
	}
	if err := tx.Entries().Put(e, nil); err != nil {
		return id, fmt.Errorf("put delivery %s on its timeline: %w", d.ID, err)
	}
	return e.ID, nil
}

// liveContact reads a contact, or whom it was merged into; nil where it is gone.
func liveContact(tx store.Tx, id contact.ID) (*contact.Contact, error) {
	for range 20 { // merges are not nested deeper
		c, err := tx.Contacts().Get(id)
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read contact %s: %w", id, err)
		}
		if c.MergedInto == "" {
			return &c, nil
		}
		id = c.MergedInto
	}
	return nil, nil
}
