package intake

import (
	"errors"
	"fmt"
	"slices"

	"rapport/records/message"
	"rapport/store"
)

// emptyBody flags a message whose server gave no byte of it: it is filed by
// its header alone until some copy brings the text.
const emptyBody = "empty-body"

// whyEmpty is why a copy counts as quarantined though its message is filed.
const whyEmpty = "the server gives no byte of this message; it is filed by its header alone"

// whyUnread is why a copy is quarantined whose text would have told whose it is.
const whyUnread = "the server gives no byte of this message, by which alone it could be judged"

func headOnly(m message.Message) bool { return slices.Contains(m.Flags, emptyBody) }

// lacksText reports whether a copy came empty though there is something to
// it: its header, or a size.
func (p *prepared) lacksText() bool {
	return p.parsed && headOnly(p.msg) && (p.Size > 0 || p.Header > 0)
}

// filedByHeader finds the message that a UID was filed as by its header alone.
// Without a Message-ID nothing but the UID leads there from the text, and the
// header must be the same, lest the server has given the number to another.
func (t *taking) filedByHeader(p *prepared) (*message.Message, error) {
	f := t.folder
	id, err := t.tx.Messages().ByHolding(f.Mailbox, f.Name, f.UIDValidity, p.UID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find message of UID %d: %w", p.UID, err)
	}
	m, err := t.tx.Messages().Get(id)
	if err != nil {
		return nil, fmt.Errorf("read message %s: %w", id, err)
	}
	if !headOnly(m) {
		return nil, nil
	}
	same, err := t.known(message.IdentityKeys(p.msg.Head, &m.TextSum))
	if err != nil || same == nil || same.ID != id {
		return nil, err
	}
	return &m, nil
}

// complete gives a message that was filed by its header alone its text.
func (t *taking) complete(p *prepared, m message.Message) error {
	if err := t.keep(p.blob); err != nil {
		return fmt.Errorf("store original: %w", err)
	}
	m = withText(p, m)
	if err := t.tx.Messages().Put(m, p.identities); err != nil {
		return fmt.Errorf("complete message %s: %w", m.ID, err)
	}
	return t.shownAnew(p, m)
}
