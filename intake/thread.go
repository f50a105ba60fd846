package intake

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"rapport/matcher"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
)

// digest is the keyed digest of a Message-ID.
func digest(key []byte, id string) store.Digest {
	h := hmac.New(sha256.New, key)
	io.WriteString(h, "message-id\x00"+id)
	return store.Digest(h.Sum(nil)[:16])
}

// joinThreads finds the thread of a new message: that of any id it bears or
// refers to, present or not (JWZ's absent parents). Threads it connects become
// one.
func (t *taking) joinThreads(m message.Message) (message.ThreadID, error) {
	ids := m.Head.ThreadIDs()
	var threads []message.ThreadID
	for _, id := range ids {
		th, err := t.tx.Messages().ThreadOf(id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("find thread: %w", err)
		}
		if !slices.Contains(threads, th) {
			threads = append(threads, th)
		}
	}
	if len(threads) == 0 {
		threads = append(threads, message.ThreadID(store.NewID(t.i.now())))
	}
	slices.Sort(threads)
	keep := threads[0]
	for _, th := range threads[1:] {
		if err := t.mergeThread(th, keep); err != nil {
			return "", err
		}
	}
	for _, id := range ids {
		if err := t.tx.Messages().SetThread(id, keep); err != nil {
			return "", fmt.Errorf("join thread: %w", err)
		}
	}
	return keep, nil
}

// mergeThread moves every message of one thread to another.
func (t *taking) mergeThread(from, to message.ThreadID) error {
	for {
		page, err := t.tx.Messages().Thread(from, store.Slice{Limit: 200})
		if err != nil {
			return fmt.Errorf("list thread: %w", err)
		}
		if len(page.Items) == 0 {
			return nil
		}
		for _, id := range page.Items {
			m, err := t.tx.Messages().Get(id)
			if err != nil {
				return fmt.Errorf("read message %s: %w", id, err)
			}
			m.Thread = to
			if err := t.tx.Messages().Put(m, nil); err != nil {
				return fmt.Errorf("move message %s to its thread: %w", id, err)
			}
			for _, mid := range m.Head.ThreadIDs() {
				if err := t.tx.Messages().SetThread(mid, to); err != nil {
					return fmt.Errorf("join thread: %w", err)
				}
			}
			if err := t.show(m, nil); err != nil {
				return err
			}
		}
	}
}

// flagDuplicates marks messages that share a Message-ID but not Date or From.
func (t *taking) flagDuplicates(m *message.Message) error {
	if m.Head.MessageID == "" {
		return nil
	}
	others, err := t.tx.Messages().ByMessageID(m.Head.MessageID)
	if err != nil {
		return fmt.Errorf("find Message-ID: %w", err)
	}
	const flag = "duplicate-message-id"
	for _, id := range others {
		o, err := t.tx.Messages().Get(id)
		if err != nil {
			return fmt.Errorf("read message %s: %w", id, err)
		}
		if o.Head.MessageID != m.Head.MessageID {
			continue // an alias; that is not a clash
		}
		m.Flags = withFlag(m.Flags, flag)
		o.Flags = withFlag(o.Flags, flag)
		if err := t.tx.Messages().Put(o, nil); err != nil {
			return fmt.Errorf("flag message %s: %w", id, err)
		}
	}
	return nil
}

// joined follows up a message that has come into a thread: those that are in
// the thread by its rule may gain, and skipped copies of the thread may now
// belong to somebody.
func (t *taking) joined(m message.Message) error {
	if len(m.Matches) == 0 {
		return nil
	}
	siblings, err := threadMessages(t.tx, m.Thread)
	if err != nil {
		return err
	}
	ids := m.Head.ThreadIDs()
	known := map[contact.Address]bool{}
	again := false
	for _, s := range siblings {
		if s.ID == m.ID {
			continue
		}
		for _, a := range theirs(t.team, s.Head) {
			known[a] = true
		}
		again = again || byThread(s)
	}
	if again {
		if _, err := t.refile(m.Thread); err != nil {
			return err
		}
	}
	newcomer := slices.ContainsFunc(theirs(t.team, m.Head), func(a contact.Address) bool { return !known[a] })
	if newcomer {
		for _, s := range siblings {
			ids = append(ids, s.Head.ThreadIDs()...)
		}
	}
	return t.reopenHinted(ids)
}

// byThread reports whether the thread rule filed a message.
func byThread(m message.Message) bool {
	return slices.ContainsFunc(m.Matches, func(x message.Match) bool { return x.Rule == matcher.RuleThread })
}

// reopenHinted unsettles skipped copies that bear or refer to one of the ids.
func (t *taking) reopenHinted(ids []string) error {
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		found, err := t.tx.Folders().Hinted(digest(t.key, id))
		if err != nil {
			return fmt.Errorf("find skipped copies of the thread: %w", err)
		}
		for _, s := range found {
			if err := t.tx.Folders().Unsettle(s.Folder, message.UIDs(s.UID)); err != nil {
				return fmt.Errorf("unsettle UID %d: %w", s.UID, err)
			}
			if !slices.Contains(t.woken, s.Folder.Mailbox) {
				t.woken = append(t.woken, s.Folder.Mailbox)
			}
		}
	}
	return nil
}

// changes counts what filing again changed.
type changes struct{ messages, gained, lost, moved, removed int }

func (c *changes) add(o changes) {
	c.messages += o.messages
	c.gained += o.gained
	c.lost += o.lost
	c.moved += o.moved
	c.removed += o.removed
}

// refile judges every message of a thread anew: first each by itself, then by
// the thread rule to a fixpoint. Matches only grow on the way, so the fixpoint
// is one and the same whatever the order.
func (t *taking) refile(id message.ThreadID) (changes, error) {
	var ch changes
	msgs, err := threadMessages(t.tx, id)
	if err != nil {
		return ch, err
	}
	verdicts, err := t.fixpoint(msgs)
	if err != nil {
		return ch, err
	}
	for n, m := range msgs {
		c, err := t.adjust(m, verdicts[n])
		if err != nil {
			return ch, err
		}
		ch.add(c)
	}
	return ch, nil
}

// fixpoint judges the messages of one thread together.
func (t *taking) fixpoint(msgs []message.Message) ([]matcher.Verdict, error) {
	verdicts := make([]matcher.Verdict, len(msgs))
	var open []int // those only the thread can file
	for n, m := range msgs {
		v, err := t.alone(stored(m))
		if err != nil {
			return nil, err
		}
		verdicts[n] = v
		if v.Open() {
			open = append(open, n)
		}
	}
	for changed := len(open) > 0; changed; {
		changed = false
		for _, n := range open {
			var mates []matcher.Mate
			for k, m := range msgs {
				if k != n && verdicts[k].Action == message.Log && verdicts[k].Review == "" {
					m.Matches = verdicts[k].Matches
					mates = t.appendMate(mates, m)
				}
			}
			v, err := t.with(stored(msgs[n]), mates)
			if err != nil {
				return nil, err
			}
			if v.Action != message.Log || v.Review != "" {
				continue
			}
			if verdicts[n].Review != "" || !sameMatches(v.Matches, verdicts[n].Matches) {
				verdicts[n], changed = v, true
			}
		}
	}
	return verdicts, nil
}

// adjust makes a stored message agree with its verdict.
func (t *taking) adjust(m message.Message, v matcher.Verdict) (changes, error) {
	ch := changes{messages: 1}
	if v.Action != message.Log {
		reason := v.Reason
		if reason == "" {
			reason = message.NoMatch
		}
		ch.lost, ch.removed = len(m.Matches), 1
		return ch, t.drop(m, reason)
	}
	was := m
	apply(&m, v)
	ch.gained, ch.lost = countMatches(was.Matches, m.Matches)
	if ch.gained > 0 && ch.lost > 0 {
		ch.moved = 1
	}
	if err := t.review(m.ID, v); err != nil {
		return ch, err
	}
	if sameMatches(was.Matches, m.Matches) && was.Hidden == m.Hidden &&
		was.Protected == m.Protected && was.Direction == m.Direction {
		return ch, t.show(m, nil)
	}
	if err := t.tx.Messages().Put(m, nil); err != nil {
		return ch, fmt.Errorf("file message %s: %w", m.ID, err)
	}
	if err := t.show(m, nil); err != nil {
		return ch, err
	}
	if ch.gained > 0 {
		return ch, t.reopenHinted(m.Head.ThreadIDs())
	}
	return ch, nil
}

// sameMatches compares matches as sets.
func sameMatches(a, b []message.Match) bool {
	gained, lost := countMatches(a, b)
	return gained == 0 && lost == 0
}

func countMatches(was, is []message.Match) (gained, lost int) {
	for _, m := range is {
		if !slices.Contains(was, m) {
			gained++
		}
	}
	for _, m := range was {
		if !slices.Contains(is, m) {
			lost++
		}
	}
	return gained, lost
}

// storedSource reads a stored message's original bytes.
type storedSource struct {
	ctx   context.Context // of the one call it serves
	store store.Store
	sum   message.Sum
	size  int64
}

// Open implements message.Source.
func (s storedSource) Open() (io.ReadCloser, error) {
	var r io.ReadCloser
	err := s.store.View(s.ctx, func(tx store.Tx) error {
		var err error
		r, err = tx.Blobs().Open(s.sum)
		return err
	})
	return r, err
}

// Size implements message.Source.
func (s storedSource) Size() int64 { return s.size }
