package intake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rapport/matcher"
	"rapport/records/message"
	"rapport/store"
)

// Wanted implements mailsync.Sink: it says of each copy, from its header
// alone, whether its body is needed.
func (i *Intake) Wanted(ctx context.Context, f message.Folder, copies []message.Copy) ([]message.Wish, error) {
	var wishes []message.Wish
	err := i.store.View(ctx, func(tx store.Tx) error {
		gen, err := generation(tx)
		if err != nil {
			return err
		}
		since, err := renumberedSince(tx, f)
		if err != nil {
			return err
		}
		j := i.judging(tx)
		j.kept = map[message.ID]*message.Message{}
		out := make([]message.Wish, 0, len(copies))
		for _, c := range copies {
			w, err := j.wish(f, c, since)
			if err != nil {
				return fmt.Errorf("judge UID %d of %s/%s: %w", c.UID, f.Mailbox, f.Name, err)
			}
			w.UID, w.Generation = c.UID, gen
			out = append(out, w)
		}
		wishes = out
		return nil
	})
	return wishes, err
}

// renumberedSince returns the bound of a folder that is being re-mapped after
// its UIDVALIDITY changed: there the first scan is not bounded by the server's
// SEARCH, since mail stored before must be found again whatever its date.
func renumberedSince(tx store.Tx, f message.Folder) (time.Time, error) {
	old, err := olderNumbering(tx, f)
	if err != nil || old == nil {
		return time.Time{}, err
	}
	p, err := tx.Folders().Progress(*old)
	if err != nil {
		return time.Time{}, fmt.Errorf("read progress: %w", err)
	}
	return p.Since, nil
}

// olderNumbering finds another UIDVALIDITY under which the folder is known.
func olderNumbering(tx store.Tx, f message.Folder) (*message.Folder, error) {
	all, err := tx.Folders().List(f.Mailbox)
	if err != nil {
		return nil, fmt.Errorf("list folders: %w", err)
	}
	for _, o := range all {
		if o.Name == f.Name && o.UIDValidity != f.UIDValidity {
			return &o, nil
		}
	}
	return nil, nil
}

// wish judges one copy.
func (j *judging) wish(f message.Folder, c message.Copy, since time.Time) (message.Wish, error) {
	c.Head.Hints = j.hints(j.key, f.Mailbox, c, c.Head)
	cand := candidate{
		head:       c.Head,
		folder:     f,
		flags:      flagsOf(c),
		identities: message.IdentityKeys(c.Head, nil),
	}
	if j.own != nil && j.own(c.Head) {
		return message.Wish{Decision: message.Decision{Action: message.Skip, Reason: message.OwnCampaign}}, nil
	}
	v, err := j.alone(cand)
	if err != nil {
		return message.Wish{}, err
	}
	if v.Action == message.Skip && final(v.Reason) {
		if v.Reason == message.IsPrivate && f.Role == message.RolePrivate && len(cand.identities) == 0 {
			// Which message this is only its text tells.
			return message.Wish{Decision: message.Decision{Action: message.Inspect, Rule: v.Rule}}, nil
		}
		return message.Wish{Decision: v.Decision}, nil
	}
	known, err := j.known(cand.identities)
	if err != nil {
		return message.Wish{}, err
	}
	if known != nil {
		if sameSize(known, c) && !headOnly(*known) {
			return message.Wish{Decision: message.Decision{Action: message.Hold, Rule: v.Rule}, Known: known.ID}, nil
		}
		// Of another size, or without a text yet: its own has to be compared.
		return message.Wish{Decision: message.Decision{Action: message.Log, Rule: v.Rule}}, nil
	}
	if v, err = j.inThread(cand, v, ""); err != nil {
		return message.Wish{}, err
	}
	if v.Action != message.Skip && !since.IsZero() && !c.Received.IsZero() && c.Received.Before(since) {
		return message.Wish{Decision: message.Decision{Action: message.Skip, Reason: message.BeforeSince}}, nil
	}
	return message.Wish{Decision: v.Decision}, nil
}

// final reports whether a copy is skipped for this reason even where the
// message is stored: what lies in a Private folder is nobody's, a draft is no
// message yet.
func final(r message.Reason) bool {
	switch r {
	case message.IsPrivate, message.Draft, message.Excluded, message.Withdrawn:
		return true
	}
	return false
}

// known finds the stored message with one of these identities.
func (j *judging) known(ids []message.Sum) (*message.Message, error) {
	for _, id := range ids {
		mid, err := j.tx.Messages().ByIdentity(id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("find message by identity: %w", err)
		}
		if m, ok := j.kept[mid]; ok {
			return m, nil
		}
		m, err := j.tx.Messages().Get(mid)
		if err != nil {
			return nil, fmt.Errorf("read message %s: %w", mid, err)
		}
		if j.kept != nil {
			j.kept[mid] = &m
		}
		return &m, nil
	}
	return nil, nil
}

// sameSize reports whether a copy is taken for the same text without
// downloading it. Headers differ from copy to copy (Received lines), so bodies
// are compared: servers that store what they got agree to the byte. Where the
// header's length is unknown the whole may differ by what headers differ.
func sameSize(m *message.Message, c message.Copy) bool {
	if c.Size <= 0 {
		return false
	}
	if m.BodySize > 0 && c.Header > 0 {
		return m.BodySize == c.Size-c.Header
	}
	const headers = 1024
	return max(m.Size-c.Size, c.Size-m.Size) <= headers
}

// skipStands reports whether a judgement made with an older directory still
// says skip.
func (j *judging) skipStands(f message.Folder, it message.Item) (bool, error) {
	if it.Wish.Reason == message.BeforeSince || it.Wish.Reason == message.OwnCampaign {
		return true, nil
	}
	var v matcher.Verdict
	c := candidate{
		head:       it.Head,
		folder:     f,
		flags:      flagsOf(it.Copy),
		identities: message.IdentityKeys(it.Head, nil),
	}
	v, err := j.judge(c)
	return v.Action == message.Skip && v.Reason == it.Wish.Reason, err
}
