package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"rapport/records/access"
	"rapport/records/message"
	"rapport/store"
	"rapport/store/veil"
)

// rawOf finds a message and opens its original bytes, which whoever does not
// see all of it is refused.
func (s *Server) rawOf(ctx context.Context, name string) (m message.Message, raw io.ReadCloser, err error) {
	err = s.view(ctx, func(tx store.Tx) (err error) {
		m, raw, err = original(tx, name)
		return err
	})
	return m, raw, err
}

// original is rawOf within a transaction, which the reader may outlive.
func original(tx store.Tx, name string) (message.Message, io.ReadCloser, error) {
	m, err := readable(tx, name)
	if err != nil {
		return m, nil, err
	}
	raw, err := tx.Blobs().Open(m.Raw)
	return m, raw, err
}

// readable finds a message of which whoever asks sees everything.
func readable(tx store.Tx, name string) (message.Message, error) {
	m, err := stored(tx, name)
	if err != nil {
		return m, err
	}
	tier, err := veil.Shown(tx, m.ID)
	if err == nil && !tier.Shows(access.Full) {
		err = withheld(tier)
	}
	return m, err
}

// withheld refuses what a tier does not show.
func withheld(t access.Tier) error {
	what := "who wrote to whom, and when"
	if t.Shows(access.Subject) {
		what += ", and the subject"
	}
	return &Problem{Status: http.StatusForbidden, Code: codeForbidden,
		Detail: "of this message you see " + what + "; the owner of the mailbox it lies in sees the rest"}
}

// readMessage reads a message as far as whoever asks may see it.
func (s *Server) readMessage(ctx context.Context, name string) (Message, error) {
	var m message.Message
	var out Message
	var raw io.ReadCloser
	err := s.view(ctx, func(tx store.Tx) (err error) {
		if m, err = stored(tx, name); err != nil {
			return err
		}
		if out, err = messageView(tx, m); err != nil || !out.Shown.Shows(access.Full) {
			return err
		}
		raw, err = tx.Blobs().Open(m.Raw)
		return err
	})
	if err != nil || raw == nil {
		return out, err
	}
	defer raw.Close()
	parsed, err := message.Parse(raw, message.Limits{})
	if err != nil {
		return Message{}, fmt.Errorf("read message %s: %w", m.ID, err)
	}
	out.Mail = message.Describe("", parsed)
	return out, nil
}

// messageView writes down what is kept of a message; its text is not.
func messageView(tx store.Tx, m message.Message) (Message, error) {
	out := Message{
		ID: m.ID, Thread: m.Thread, Time: m.Time.UTC(), Direction: m.Direction,
		Size: m.Size, Trust: m.Trust, Flags: list(m.Flags), Holdings: holdings(m.Holdings),
		Variants: len(m.Variants), Protected: m.Protected,
	}
	out.Mail = message.Describe("", message.Parsed{Head: m.Head})
	out.Verdict = message.DescribeVerdict(m.Verdict)
	var err error
	if out.Shown, err = veil.Shown(tx, m.ID); err != nil {
		return out, err
	}
	out.Matches, err = newViews(tx).matches(m.Matches)
	return out, err
}

// statusShown is the status of the mailboxes of which whoever asks may know.
// Whoever looks after the daemon knows of all of them, not of their folders'
// names where nothing of their mail is shown.
func (s *Server) statusShown(ctx context.Context) (Status, error) {
	st, err := s.daemon.Status(ctx)
	if err != nil {
		return st, err
	}
	st = wholeStatus(st)
	eyes := s.eyes(ctx)
	if veil.Everything(eyes.Who) {
		return st, nil
	}
	looksAfter := eyes.Who.May(access.Manage) == nil
	shown := []message.MailboxStatus{}
	for _, m := range st.Mailboxes {
		switch {
		case eyes.Mailbox(m.Name).Shows(access.Metadata):
		case looksAfter:
			m.Folders = []message.FolderStatus{}
		default:
			continue
		}
		shown = append(shown, m)
	}
	if !looksAfter && len(shown) < len(st.Mailboxes) {
		st.Totals = message.Totals(shown)
	}
	st.Mailboxes = shown
	return wholeStatus(st), nil
}

// steady is the beat on which the answers to searches come that had to look
// at texts their reader may not see: how long the looking took would tell of
// them.
const steady = 50 * time.Millisecond

// onTheBeat waits until an answer that began to be made at a time is due.
func (s *Server) onTheBeat(ctx context.Context, began time.Time) error {
	eyes := s.eyes(ctx)
	if veil.Everything(eyes.Who) || eyes.AllFull() {
		return nil
	}
	passed := time.Since(began)
	select {
	case <-time.After(passed.Truncate(steady) + steady - passed):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
