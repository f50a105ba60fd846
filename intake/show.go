package intake

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"rapport/matcher"
	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
)

// show makes a message's line on the timelines agree with the message. Where
// a line has to be made and no document is at hand, the message is noted for
// catchUp, durably.
func (t *taking) show(m message.Message, doc *store.Document) error {
	e, err := t.tx.Entries().OfMessage(m.ID)
	exists := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("read entry of message %s: %w", m.ID, err)
	}
	visible := len(m.Matches) > 0 && !m.Hidden && !t.inHiddenMailboxes(m)
	switch {
	case !visible && exists:
		if err := t.tx.Entries().Delete(e.ID); err != nil {
			return fmt.Errorf("take entry %s off the timelines: %w", e.ID, err)
		}
	case visible && !exists && doc == nil:
		t.unread = true
		return noteUnread(t.tx, m.ID)
	case visible:
		id := e.ID
		if !exists {
			id = timeline.ID(store.NewID(m.Time))
		}
		line := entryOf(id, m, t.team)
		if err := t.tx.Entries().Put(line, doc); err != nil {
			return fmt.Errorf("put message %s on the timelines: %w", m.ID, err)
		}
		if !exists {
			if err := t.i.closeCases(t.tx, line, m); err != nil {
				return err
			}
		}
	}
	return t.meet(m)
}

// inHiddenMailboxes reports whether every copy lies in a mailbox whose
// visibility is private.
func (t *taking) inHiddenMailboxes(m message.Message) bool {
	return len(m.Holdings) > 0 && !slices.ContainsFunc(m.Holdings, func(h message.Holding) bool {
		return !t.mailboxes[h.Mailbox].Hidden
	})
}

// review puts a message into, or takes it out of, the queue for a person.
func (t *taking) review(id message.ID, v matcher.Verdict) error {
	if v.Review != "" {
		at := t.i.now()
		if old, err := t.tx.Reviews().Get(id); err == nil {
			at = old.At
		}
		r := store.Review{Message: id, Reason: v.Review, Candidates: v.Matches, At: at}
		if err := t.tx.Reviews().Put(r); err != nil {
			return fmt.Errorf("queue message %s for review: %w", id, err)
		}
		return nil
	}
	return ignoreNotFound(t.tx.Reviews().Delete(id))
}

func ignoreNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// drop removes a message that is not to be kept any more; its copies become
// skipped for the reason.
func (t *taking) drop(m message.Message, r message.Reason) error {
	if e, err := t.tx.Entries().OfMessage(m.ID); err == nil {
		if err := t.tx.Entries().Delete(e.ID); err != nil {
			return fmt.Errorf("delete entry %s: %w", e.ID, err)
		}
	} else if !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("read entry of message %s: %w", m.ID, err)
	}
	if err := ignoreNotFound(t.tx.Reviews().Delete(m.ID)); err != nil {
		return fmt.Errorf("delete review: %w", err)
	}
	if err := forgetFollowUps(t.tx, aboutMessage(m.ID)); err != nil {
		return err
	}
	if err := t.tx.Messages().Delete(m.ID); err != nil {
		return fmt.Errorf("delete message %s: %w", m.ID, err)
	}
	if err := t.meet(m); err != nil {
		return err
	}
	delete(t.read, m.Thread)
	if err := t.unflagDuplicate(m); err != nil {
		return err
	}
	sums := []message.Sum{m.Raw}
	for _, v := range m.Variants {
		sums = append(sums, v.Raw)
	}
	for _, s := range sums {
		if s == message.Sum(sha256.Sum256(nil)) { // all that are filed by their header share it
			continue
		}
		if err := ignoreNotFound(t.tx.Blobs().Delete(s)); err != nil {
			return fmt.Errorf("delete original: %w", err)
		}
	}
	if r == message.NoMatch && !t.inHiddenMailboxes(m) {
		if err := t.tally(message.Copy{Head: m.Head, Received: m.Received}); err != nil {
			return err
		}
	}
	return t.unhold(m, r)
}

// unhold settles a dropped message's copies as skipped. Numberings that are
// forgotten stay so.
func (t *taking) unhold(m message.Message, r message.Reason) error {
	known, err := t.tx.Folders().List("")
	if err != nil {
		return fmt.Errorf("list folders: %w", err)
	}
	for _, h := range m.Holdings {
		at := slices.IndexFunc(known, func(f message.Folder) bool {
			return f.Mailbox == h.Mailbox && f.Name == h.Folder && f.UIDValidity == h.UIDValidity
		})
		if at < 0 {
			continue
		}
		if len(m.Holdings) > 1 && r == message.Excluded {
			// What made it go may stand in one copy's header only.
			if err := t.tx.Folders().Unsettle(known[at], message.UIDs(h.UID)); err != nil {
				return fmt.Errorf("unsettle UID %d: %w", h.UID, err)
			}
			if !slices.Contains(t.woken, h.Mailbox) {
				t.woken = append(t.woken, h.Mailbox)
			}
			continue
		}
		s := store.Settlement{UIDs: message.UIDs(h.UID), Skipped: r}
		if err := t.tx.Folders().Settle(known[at], s); err != nil {
			return fmt.Errorf("settle UID %d: %w", h.UID, err)
		}
		if err := recount(t.tx, known[at], r); err != nil {
			return err
		}
		if d := t.hintDigests(m.Head); len(d) > 0 && findable(r) {
			if err := t.tx.Folders().Hint(known[at], h.UID, d); err != nil {
				return fmt.Errorf("keep hints: %w", err)
			}
		}
	}
	return nil
}

// another adds a copy whose body was read to the message we have: a holding
// where the text is the same, else a variant under the one entry. Which text
// is the message's own is settled by the digests, not by who came first.
func (t *taking) another(p *prepared, m message.Message) error {
	m, err := resum(t.tx, m)
	if err != nil {
		return err
	}
	switch without := headOnly(m); {
	case without && !headOnly(p.msg):
		return t.complete(p, m)
	case !without && headOnly(p.msg): // what it would say is known
		return t.addHolding(p.Copy, m, 0)
	case p.lacksText():
		t.lacking = append(t.lacking, p.UID)
	}
	if p.msg.TextSum == m.TextSum {
		if p.msg.Trust == message.TrustPass { // the same text, read: one proof is enough
			m.Trust = message.TrustPass
		}
		return t.addHolding(p.Copy, m, 0)
	}
	n := slices.IndexFunc(m.Variants, func(v message.Variant) bool { return v.TextSum == p.msg.TextSum })
	if n < 0 {
		if err := t.keep(p.blob); err != nil {
			return fmt.Errorf("store original of variant: %w", err)
		}
		m.Variants = append(m.Variants, message.Variant{Raw: p.msg.Raw, TextSum: p.msg.TextSum})
		n = len(m.Variants) - 1
		m.Flags = withFlag(m.Flags, "variant")
		if slices.Compare(p.msg.TextSum[:], m.TextSum[:]) < 0 {
			return t.promote(p, m, n)
		}
	}
	return t.addHolding(p.Copy, m, n+1)
}

// promote makes variant n the message's own text.
func (t *taking) promote(p *prepared, m message.Message, n int) error {
	for i, h := range m.Holdings {
		if h.Variant == 0 {
			m.Holdings[i].Variant = n + 1
		}
	}
	m.Variants[n] = message.Variant{Raw: m.Raw, TextSum: m.TextSum}
	return t.shownAnew(p, withText(p, m))
}

// withText makes a copy's text the message's own.
func withText(p *prepared, m message.Message) message.Message {
	own := p.msg
	before := m.Head
	m.Head, m.Inner, m.Size, m.BodySize = own.Head, own.Inner, own.Size, own.BodySize
	m.Verdict, m.Attachments, m.Snippet = own.Verdict, own.Attachments, own.Snippet
	m.Raw, m.TextSum, m.FormerSums = own.Raw, own.TextSum, false
	m.Trust = own.Trust // who vouched for the other text vouches for that alone
	for _, f := range []string{"variant", duplicateID} {
		if slices.Contains(m.Flags, f) {
			own.Flags = withFlag(own.Flags, f)
		}
	}
	m.Flags = own.Flags
	m.Head.Hints = before.Hints // those of the copy come with it
	meet(&m, before)
	return m
}

// shownAnew adds the copy whose text a message has now and shows it by that.
func (t *taking) shownAnew(p *prepared, m message.Message) error {
	if err := t.addHolding(p.Copy, m, 0); err != nil {
		return err
	}
	m, err := t.tx.Messages().Get(m.ID)
	if err != nil {
		return fmt.Errorf("read message %s: %w", m.ID, err)
	}
	if err := t.show(m, p.doc); err != nil {
		return err
	}
	_, err = t.refile(m.Thread)
	return err
}

func withFlag(flags []string, f string) []string {
	if slices.Contains(flags, f) {
		return flags
	}
	flags = append(slices.Clone(flags), f)
	slices.Sort(flags)
	return flags
}
