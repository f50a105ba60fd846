package intake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	"rapport/records/contact"
	"rapport/records/message"
)

// Bounds on the hints of one message.
const (
	maxHinted = 8  // people a mail may be to; one to more is no conversation
	maxHints  = 64 // of all its copies together
)

// hints are by what a message may join its conversation beside Message-IDs:
// where its server, or the program it was written with, takes it to be of one
// with another. Such ids are forged, used again and shared by whole batches of
// mail, so each counts only together with the subject and with the one outside
// our team who wrote the mail, or to whom it was written: a stranger's mail
// meets nobody's thread but the stranger's own. They are digests with our key
// and hold a blank, so that no Message-ID a sender thinks up is one.
func (s *setup) hints(key []byte, mailbox string, c message.Copy, h message.Head) []string {
	var ids []string
	if c.Thread != "" {
		ids = append(ids, "server\x00"+mailbox+"\x00"+c.Thread)
	}
	if h.Conversation.ID != "" {
		ids = append(ids, "thread-index\x00"+h.Conversation.ID)
	}
	topic := h.Conversation.Topic
	if topic == "" {
		topic = h.BaseSubject()
	}
	if topic = strings.ToLower(strings.Join(strings.Fields(topic), " ")); topic == "" || len(ids) == 0 || h.Auto.ListID != "" {
		return nil
	}
	with := s.correspondents(mailbox, h)
	out := make([]string, 0, len(ids)*len(with))
	for _, a := range with {
		for _, id := range ids {
			d := hmac.New(sha256.New, key)
			io.WriteString(d, "conversation\x00"+id+"\x00"+string(a)+"\x00"+topic)
			out = append(out, "hint "+hex.EncodeToString(d.Sum(nil)[:16]))
		}
	}
	slices.Sort(out)
	return out
}

// correspondents are who writes a mail to us, or to whom we write it; nobody
// where its sender is not who they say, or it is to very many.
func (s *setup) correspondents(mailbox string, h message.Head) []contact.Address {
	if len(h.From) != 1 || h.From[0].Address == "" || h.Trust(s.mailboxes[mailbox].Authserv) == message.TrustFail {
		return nil
	}
	if from := h.From[0].Address; !s.team.Has(from) {
		return []contact.Address{from}
	}
	with := theirs(s.team, message.Head{To: h.To, Cc: h.Cc, Bcc: h.Bcc})
	if len(with) > maxHinted {
		return nil
	}
	return with
}

// hinted adds the hints of another copy to a message that is stored, and the
// threads they lead to to its own.
func (t *taking) hinted(m message.Message, more []string) error {
	for _, hint := range more {
		if len(m.Head.Hints) < maxHints && !slices.Contains(m.Head.Hints, hint) {
			m.Head.Hints = append(slices.Clip(m.Head.Hints), hint)
		}
	}
	slices.Sort(m.Head.Hints)
	if err := t.tx.Messages().Put(m, nil); err != nil {
		return fmt.Errorf("note the conversation of message %s: %w", m.ID, err)
	}
	thread, err := t.joinThreads(m)
	if err != nil {
		return err
	}
	if m, err = t.tx.Messages().Get(m.ID); err != nil { // a merge may have moved it
		return fmt.Errorf("read message %s: %w", m.ID, err)
	}
	if m.Thread != thread {
		if err := t.move(m, thread); err != nil {
			return err
		}
	}
	delete(t.read, thread)
	t.again[thread], t.widen[thread] = true, true
	return nil
}
