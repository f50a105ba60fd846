package veil

import (
	"io"
	"slices"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
)

// Redact returns a message as far as a sight shows it. What is not named here
// is not shown below full, so that a new field is kept back until somebody
// has thought of it.
func Redact(m message.Message, s store.Sight) message.Message {
	if s.Tier.Shows(access.Full) {
		m.Holdings = slices.Clone(s.Holdings)
		return m
	}
	if !s.Tier.Shows(access.Metadata) {
		return message.Message{}
	}
	h := m.Head
	out := message.Message{
		ID: m.ID, Thread: m.Thread, Time: m.Time, Received: m.Received, Size: m.Size, Direction: m.Direction,
		Verdict: message.Verdict{Kind: m.Verdict.Kind, Auto: m.Verdict.Auto},
		Trust:   m.Trust, Holdings: slices.Clone(s.Holdings), Matches: withoutInner(m.Matches), Protected: m.Protected,
		Head: message.Head{
			MessageID: h.MessageID, Aliases: h.Aliases, Date: h.Date, Relayed: h.Relayed,
			From: h.From, Sender: h.Sender, ReplyTo: h.ReplyTo, To: h.To, Cc: h.Cc, Bcc: h.Bcc,
			InReplyTo: h.InReplyTo, References: h.References, Private: h.Private, Auto: h.Auto,
		},
	}
	if s.Tier.Shows(access.Subject) {
		out.Head.Subject = h.Subject
	}
	return out
}

// withoutInner leaves out the addresses that were found inside a message.
func withoutInner(ms []message.Match) []message.Match {
	out := slices.Clone(ms)
	for i := range out {
		if out[i].Role == "inner" {
			out[i].Address = ""
		}
	}
	return out
}

type messages struct{ v *Tx }

func (c messages) of() store.Messages { return c.v.tx.Messages() }

func (c messages) Get(id message.ID) (message.Message, error) {
	m, err := c.of().Get(id)
	if err != nil {
		if noNotFound(err) == nil {
			err = absent("message", string(id))
		}
		return message.Message{}, err
	}
	s := c.v.eyes.Message(m)
	if !s.Tier.Shows(access.Metadata) {
		return message.Message{}, absent("message", string(id))
	}
	m = Redact(m, s)
	if s.Tier.Shows(access.Full) {
		c.v.released[m.Raw] = true
		for _, other := range m.Variants {
			c.v.released[other.Raw] = true
		}
	}
	return m, nil
}

// one passes on an id that is shown.
func (c messages) one(id message.ID, err error, name string) (message.ID, error) {
	if err == nil {
		var ok bool
		if ok, err = c.v.shows(id); ok {
			return id, nil
		}
	}
	if noNotFound(err) != nil {
		return "", err
	}
	return "", absent("message", name)
}

func (c messages) ByIdentity(key message.Sum) (message.ID, error) {
	id, err := c.of().ByIdentity(key)
	return c.one(id, err, "identity")
}

func (c messages) ByMessageID(name string) ([]message.ID, error) {
	return c.those(c.of().ByMessageID(name))
}

func (c messages) OfMeeting(meeting string, n int) ([]message.ID, error) {
	return c.those(c.of().OfMeeting(meeting, n))
}

// those leaves out what is not shown.
func (c messages) those(ids []message.ID, err error) ([]message.ID, error) {
	if err != nil {
		return nil, err
	}
	var out []message.ID
	for _, id := range ids {
		ok, err := c.v.shows(id)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, id)
		}
	}
	return out, nil
}

func (c messages) ByHolding(mailbox, folder string, uidValidity, uid uint32) (message.ID, error) {
	if !c.v.eyes.Mailbox(mailbox).Shows(access.Metadata) {
		return "", absent("message", "copy")
	}
	id, err := c.of().ByHolding(mailbox, folder, uidValidity, uid)
	return c.one(id, err, "copy")
}

func (c messages) ThreadOf(messageID string) (message.ThreadID, error) {
	t, err := c.of().ThreadOf(messageID)
	if err == nil {
		var page store.Page[message.ID]
		if page, err = c.Thread(t, store.Slice{Limit: 1}); err == nil && len(page.Items) > 0 {
			return t, nil
		}
	}
	if noNotFound(err) != nil {
		return "", err
	}
	return "", absent("thread", "of a Message-ID")
}

func (c messages) page(s store.Slice, list func(store.Slice) (store.Page[message.ID], error)) (store.Page[message.ID], error) {
	return shown(s, list, func(id message.ID) (message.ID, bool, error) {
		ok, err := c.v.shows(id)
		return id, ok, err
	})
}

func (c messages) Thread(t message.ThreadID, s store.Slice) (store.Page[message.ID], error) {
	return c.page(s, func(s store.Slice) (store.Page[message.ID], error) { return c.of().Thread(t, s) })
}

// OfAddress finds by the addresses inside a message too, which are its body's:
// below full only who takes part itself counts.
func (c messages) OfAddress(a contact.Address, s store.Slice) (store.Page[message.ID], error) {
	return c.taking(s, func(s store.Slice) (store.Page[message.ID], error) { return c.of().OfAddress(a, s) },
		func(o contact.Address) bool { return o.Folded() == a.Folded() })
}

func (c messages) OfDomain(d string, s store.Slice) (store.Page[message.ID], error) {
	return c.taking(s, func(s store.Slice) (store.Page[message.ID], error) { return c.of().OfDomain(d, s) },
		func(o contact.Address) bool { return contact.Within(o.Domain(), d) })
}

func (c messages) taking(s store.Slice, list func(store.Slice) (store.Page[message.ID], error), is func(contact.Address) bool) (store.Page[message.ID], error) {
	return shown(s, list, func(id message.ID) (message.ID, bool, error) {
		sight, err := c.v.sight(id)
		if err != nil || !sight.Tier.Shows(access.Metadata) || sight.Tier.Shows(access.Full) {
			return id, err == nil && sight.Tier.Shows(access.Full), err
		}
		m, err := c.of().Get(id)
		if err != nil {
			return id, false, noNotFound(err)
		}
		h := m.Head
		return id, slices.ContainsFunc(slices.Concat(h.From, h.Sender, h.ReplyTo, h.To, h.Cc, h.Bcc), func(p message.Party) bool {
			return is(p.Address)
		}), nil
	})
}

func (c messages) List(s store.Slice) (store.Page[message.ID], error) {
	return c.page(s, c.of().List)
}

// After returns fewer than n where some of the next n are not shown.
func (c messages) After(id message.ID, n int) ([]message.ID, error) {
	ids, err := c.of().After(id, n)
	out := make([]message.ID, 0, len(ids))
	for _, id := range ids {
		ok, err := c.v.shows(id)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, id)
		}
	}
	return out, err
}

// Count goes through all messages.
func (c messages) Count() (int, error) {
	n := 0
	s := store.Slice{Limit: mostItems}
	for {
		page, err := c.List(s)
		if err != nil {
			return 0, err
		}
		n += len(page.Items)
		if s.Cursor = page.Next; s.Cursor == "" {
			return n, nil
		}
	}
}

func (messages) SetThread(string, message.ThreadID) error { return readOnly("message") }
func (messages) Put(message.Message, []message.Sum) error { return readOnly("message") }
func (messages) Delete(message.ID) error                  { return readOnly("message") }

type blobs struct{ v *Tx }

// Open reads the originals of messages that were shown in full before.
func (c blobs) Open(sum message.Sum) (io.ReadCloser, error) {
	if !c.v.released[sum] {
		return nil, absent("original", "of the message")
	}
	return c.v.tx.Blobs().Open(sum)
}

func (c blobs) Has(sum message.Sum) (bool, error) {
	if !c.v.released[sum] {
		return false, nil
	}
	return c.v.tx.Blobs().Has(sum)
}

func (blobs) Put(store.Blob) error     { return readOnly("original") }
func (blobs) Delete(message.Sum) error { return readOnly("original") }
