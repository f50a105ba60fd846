package intake

import (
	"errors"
	"fmt"
	"maps"
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
		r, err := t.suggestion(p.Address)
		if err != nil {
			return err
		}
		seen := t.seen(h)
		if !slices.Contains(r.Seen, seen) {
			continue
		}
		r.Seen = slices.DeleteFunc(r.Seen, func(d store.Digest) bool { return d == seen })
		if out {
			r.Out--
		} else {
			r.In--
		}
		r.Exchange = min(r.In, r.Out)
		if !r.counts() { // whoever writes again is new
			r.Suggestion = store.Suggestion{Address: p.Address, Domain: p.Address.Domain()}
		}
		if err := t.changed(r); err != nil {
			return fmt.Errorf("correct suggestion: %w", err)
		}
	}
	return nil
}

// tallied is a correspondent's row while messages are counted.
type tallied struct {
	store.Suggestion
	stored, dirty bool
}

// counts reports whether there is anything to keep in a row.
func (r *tallied) counts() bool { return r.In+r.Out > 0 || r.Ignored }

// suggestion returns a correspondent's row, a new one where there is none.
func (t *taking) suggestion(a contact.Address) (*tallied, error) {
	if r := t.tallies[a]; r != nil {
		return r, nil
	}
	r := &tallied{stored: true}
	var err error
	r.Suggestion, err = t.tx.Suggestions().Get(a)
	if errors.Is(err, store.ErrNotFound) {
		r.Suggestion, r.stored, err = store.Suggestion{Address: a, Domain: a.Domain()}, false, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read suggestion: %w", err)
	}
	if t.tallies != nil {
		t.tallies[a] = r
	}
	return r, nil
}

// changed writes a row, in a batch at its end: most are counted more than once.
func (t *taking) changed(r *tallied) error {
	if r.dirty = true; t.tallies != nil {
		return nil
	}
	return t.putTally(r)
}

func (t *taking) putTally(r *tallied) error {
	switch {
	case r.counts():
		return t.tx.Suggestions().Put(r.Suggestion)
	case r.stored:
		return t.tx.Suggestions().Delete(r.Address)
	}
	return nil
}

// putTallies writes the rows that a batch has changed.
func (t *taking) putTallies() error {
	for _, a := range slices.Sorted(maps.Keys(t.tallies)) {
		if r := t.tallies[a]; r.dirty {
			if err := t.putTally(r); err != nil {
				return fmt.Errorf("keep suggestion: %w", err)
			}
		}
	}
	clear(t.tallies)
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
	stranger, err := remember(t.strangers, p.Address, t.stranger)
	if err != nil || !stranger {
		return err
	}
	r, err := t.suggestion(p.Address)
	if err != nil {
		return err
	}
	seen := t.seen(c.Head)
	if slices.Contains(r.Seen, seen) {
		return nil
	}
	r.Seen = append(r.Seen, seen)
	r.Seen = r.Seen[max(len(r.Seen)-maxSeen, 0):]
	if out {
		r.Out++
	} else {
		r.In++
		if r.Name == "" {
			r.Name = p.Name
		}
	}
	r.Exchange = min(r.In, r.Out)
	at := message.SaneTime(c.Head, c.Received, t.i.now())
	if r.First.IsZero() || at.Before(r.First) {
		r.First = at
	}
	if at.After(r.Last) {
		r.Last = at
	}
	r.Expires = t.i.now().Add(t.i.opts.SuggestTTL)
	return t.changed(r)
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
