package intake

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
)

// held adds copies to messages by the judgement of their headers, all of one
// message in one write. Where the message has gone since, they stay unsettled.
func (t *taking) held(items []prepared) error {
	copies := map[message.ID][]message.Copy{}
	for _, p := range items {
		if p.Wish.Action == message.Hold && p.Quarantine == "" {
			copies[p.Wish.Known] = append(copies[p.Wish.Known], p.Copy)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(copies)) {
		m, err := t.tx.Messages().Get(id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read message %s: %w", id, err)
		}
		if err := t.addHoldings(copies[id], m, 0); err != nil {
			return err
		}
	}
	return nil
}

// addHolding records one more copy and settles it.
func (t *taking) addHolding(c message.Copy, m message.Message, variant int) error {
	return t.addHoldings([]message.Copy{c}, m, variant)
}

// addHoldings records more copies and settles them.
func (t *taking) addHoldings(copies []message.Copy, m message.Message, variant int) error {
	secret, more, met := t.inHiddenMailboxes(m), false, false
	var hints []string
	for _, c := range copies {
		t.stored = append(t.stored, c.UID)
		has, err := t.holds(c.UID, m.ID)
		if err != nil {
			return err
		}
		if has {
			continue
		}
		met = meet(&m, c.Head) || met
		hints = append(hints, c.Head.Hints...)
		m.Holdings = append(m.Holdings, message.Holding{
			Mailbox: t.folder.Mailbox, Folder: t.folder.Name,
			UIDValidity: t.folder.UIDValidity, UID: c.UID, Size: c.Size, Variant: variant,
		})
		more = true
	}
	if !more {
		return nil
	}
	if err := t.tx.Messages().Put(m, nil); err != nil {
		return fmt.Errorf("add holding: %w", err)
	}
	if secret && !t.inHiddenMailboxes(m) {
		if err := t.show(m, nil); err != nil {
			return err
		}
	}
	if met { // whom only this copy names concerns the message too, and can be searched
		t.unread = true
		t.again[m.Thread], t.widen[m.Thread] = true, true
		if err := noteUnread(t.tx, m.ID); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(hints, func(h string) bool { return !slices.Contains(m.Head.Hints, h) }) {
		return t.hinted(m, hints)
	}
	return nil
}

// holds reports whether a message has the copy of a UID. Where another message
// has it, the server has given the number to something else without saying so:
// what it was once stays as history, under no number.
func (t *taking) holds(uid uint32, id message.ID) (bool, error) {
	f := t.folder
	other, err := t.tx.Messages().ByHolding(f.Mailbox, f.Name, f.UIDValidity, uid)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil || other == id {
		return err == nil, err
	}
	m, err := t.tx.Messages().Get(other)
	if err != nil {
		return false, fmt.Errorf("read message %s: %w", other, err)
	}
	for n, h := range m.Holdings {
		if h.Mailbox == f.Mailbox && h.Folder == f.Name && h.UIDValidity == f.UIDValidity && h.UID == uid {
			m.Holdings[n].UIDValidity, m.Holdings[n].UID = 0, 0
		}
	}
	if err := t.tx.Messages().Put(m, nil); err != nil {
		return false, fmt.Errorf("part message %s from its number: %w", other, err)
	}
	return false, nil
}

// maxMet bounds whom the headers of all copies of one message name together.
const maxMet = 10_000

// meet adds the participants whom only another copy's header names: the
// sender's own copy lists the Bcc recipients. It reports whether there were any.
func meet(m *message.Message, h message.Head) bool {
	known := map[contact.Address]bool{}
	for _, p := range m.Head.Participants() {
		known[p.Address] = true
	}
	met := false
	for _, l := range []struct {
		to   *[]message.Party
		from []message.Party
	}{
		{&m.Head.Sender, h.Sender}, {&m.Head.ReplyTo, h.ReplyTo}, {&m.Head.To, h.To},
		{&m.Head.Cc, h.Cc}, {&m.Head.Bcc, h.Bcc}, {&m.Head.Resent, h.Resent},
	} {
		for _, p := range l.from {
			if p.Address != "" && !known[p.Address] && len(known) < maxMet {
				*l.to = append(slices.Clip(*l.to), p)
				known[p.Address], met = true, true
			}
		}
	}
	return met
}
