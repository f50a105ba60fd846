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
	if !t.suggest {
		return nil
	}
	out := slices.ContainsFunc(c.Head.From, func(p message.Party) bool { return p.Address != "" && t.team.Has(p.Address) })
	people := c.Head.From
	switch {
	case out:
		people = slices.Concat(c.Head.To, c.Head.Cc)
	case c.Head.LooksAutomatic() || c.Head.LooksList() || c.Head.LooksLikeReport():
		return nil
	}
	if len(people) > 20 {
		return nil // a mailing, not a correspondence
	}
	for _, p := range people {
		if p.Address == "" || t.team.Has(p.Address) || noReply(p.Address) {
			continue
		}
		if err := t.count(p, c, out); err != nil {
			return fmt.Errorf("count correspondent: %w", err)
		}
	}
	return nil
}

// noReply reports whether nobody reads what is sent to an address.
func noReply(a contact.Address) bool {
	l := strings.NewReplacer("-", "", "_", "", ".", "").Replace(a.Local())
	for _, word := range []string{"noreply", "donotreply", "mailerdaemon", "postmaster", "bounce", "notification"} {
		if strings.HasPrefix(l, word) {
			return true
		}
	}
	return false
}

// count adds one message to one correspondent's row.
func (t *taking) count(p message.Party, c message.Copy, out bool) error {
	known, err := t.dir.ByAddress(p.Address)
	if err != nil || len(known) > 0 {
		return err
	}
	if gone, err := t.dir.Erased(p.Address); err != nil || gone {
		return err
	}
	s, err := t.tx.Suggestions().Get(p.Address)
	if errors.Is(err, store.ErrNotFound) {
		s = store.Suggestion{Address: p.Address, Domain: p.Address.Domain()}
	} else if err != nil {
		return err
	}
	seen := digest(t.key, c.Head.MessageID+"\x00"+c.Head.Date.UTC().String())
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
func (t *taking) movedToPrivate(h message.Head) error {
	for _, id := range message.IdentityKeys(h, nil) {
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
		if err := t.drop(m, message.IsPrivate); err != nil {
			return err
		}
		if _, err := t.refile(m.Thread); err != nil {
			return err
		}
	}
	return nil
}

func privateDigest(key []byte, id message.Sum) store.Digest {
	return digest(key, "private\x00"+string(id[:]))
}
