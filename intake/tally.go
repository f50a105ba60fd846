package intake

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
)

// maxSeen bounds the digests by which a suggestion tells a second copy of a
// message it has counted.
const maxSeen = 64

// tally counts a skipped message towards the suggestions: whom we write to,
// and who writes to us by hand. It keeps no word of the message.
func (t *taking) tally(c message.Copy) error {
	if !t.suggest || t.mailboxes[t.folder.Mailbox].Hidden {
		return nil
	}
	people, out := t.correspondents(c.Head)
	for _, p := range people {
		if err := t.count(p, c, out); err != nil {
			return fmt.Errorf("count correspondent: %w", err)
		}
	}
	return nil
}

// untally takes a message that is stored after all out of the suggestions.
func (t *taking) untally(h message.Head) error {
	people, out := t.correspondents(h)
	for _, p := range people {
		s, err := t.tx.Suggestions().Get(p.Address)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read suggestion: %w", err)
		}
		seen := t.seen(h)
		if !slices.Contains(s.Seen, seen) {
			continue
		}
		s.Seen = slices.DeleteFunc(s.Seen, func(d store.Digest) bool { return d == seen })
		if out {
			s.Out--
		} else {
			s.In--
		}
		s.Exchange = min(s.In, s.Out)
		if s.In+s.Out > 0 || s.Ignored {
			err = t.tx.Suggestions().Put(s)
		} else {
			err = t.tx.Suggestions().Delete(p.Address)
		}
		if err != nil {
			return fmt.Errorf("correct suggestion: %w", err)
		}
	}
	return nil
}

// seen is the keyed digest by which a second copy is not counted.
func (t *taking) seen(h message.Head) store.Digest {
	return digest(t.key, h.MessageID+"\x00"+h.Date.UTC().String())
}

// correspondents are the people outside whom a message counts for, and whether
// we wrote it: none for what no person wrote by hand, or wrote to many.
func (t *taking) correspondents(h message.Head) (people []message.Party, out bool) {
	out = slices.ContainsFunc(h.From, func(p message.Party) bool { return p.Address != "" && t.team.Has(p.Address) })
	from := h.From
	switch {
	case out:
		from = slices.Concat(h.To, h.Cc)
	case h.LooksAutomatic() || h.LooksList() || h.LooksReport():
		return nil, false
	}
	if len(from) > 20 {
		return nil, out // a mailing, not a correspondence
	}
	for _, p := range from {
		if p.Address != "" && !t.team.Has(p.Address) && !noReply(p.Address) {
			people = append(people, p)
		}
	}
	return people, out
}

var unpunctuated = strings.NewReplacer("-", "", "_", "", ".", "")

// noReply reports whether nobody reads what is sent to an address.
func noReply(a contact.Address) bool {
	l := unpunctuated.Replace(a.Local())
	for _, word := range []string{"noreply", "donotreply", "mailerdaemon", "postmaster", "bounce", "notification"} {
		if strings.HasPrefix(l, word) {
			return true
		}
	}
	return false
}

// count adds one message to one correspondent's row.
func (t *taking) count(p message.Party, c message.Copy, out bool) error {
	if stranger, err := t.stranger(p.Address); err != nil || !stranger {
		return err
	}
	s, err := t.tx.Suggestions().Get(p.Address)
	if errors.Is(err, store.ErrNotFound) {
		s = store.Suggestion{Address: p.Address, Domain: p.Address.Domain()}
	} else if err != nil {
		return err
	}
	seen := t.seen(c.Head)
	if slices.Contains(s.Seen, seen) {
		return nil
	}
	s.Seen = append(s.Seen, seen)
	s.Seen = s.Seen[max(len(s.Seen)-maxSeen, 0):]
	if out {
		s.Out++
	} else {
		s.In++
		if s.Name == "" {
			s.Name = p.Name
		}
	}
	s.Exchange = min(s.In, s.Out)
	at := message.SaneTime(c.Head, c.Received, t.i.now())
	if s.First.IsZero() || at.Before(s.First) {
		s.First = at
	}
	if at.After(s.Last) {
		s.Last = at
	}
	s.Expires = t.i.now().Add(t.i.opts.SuggestTTL)
	return t.tx.Suggestions().Put(s)
}

// movedToPrivate takes a message off every timeline because its owner has
// moved a copy into a Private folder. A keyed digest of its identity stays, so
// that other copies do not bring it back.
func (t *taking) movedToPrivate(h message.Head, identities []message.Sum) error {
	// Copies that were skipped before are private too, and count for nobody.
	if err := t.reopenHinted(append([]string{h.MessageID}, h.Aliases...)); err != nil {
		return err
	}
	if err := t.untally(h); err != nil {
		return err
	}
	for _, id := range identities {
		if err := t.tx.Tombstones().Put(privateDigest(t.key, id), t.i.now()); err != nil {
			return fmt.Errorf("remember private message: %w", err)
		}
		mid, err := t.tx.Messages().ByIdentity(id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("find message by identity: %w", err)
		}
		m, err := t.tx.Messages().Get(mid)
		if err != nil {
			return fmt.Errorf("read message %s: %w", mid, err)
		}
		if _, err := t.refile(m.Thread); err != nil {
			return err
		}
		if _, err := t.tx.Messages().Get(mid); err == nil { // it lies deep in a long thread
			err = t.drop(m, message.IsPrivate)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func privateDigest(key []byte, id message.Sum) store.Digest {
	return digest(key, "private\x00"+string(id[:]))
}
