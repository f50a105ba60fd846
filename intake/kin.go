package intake

import (
	"errors"
	"fmt"
	"slices"

	"rapport/matcher"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
)

// record is whom a match names.
type record struct {
	contact      contact.ID
	organisation contact.OrganisationID
}

// claim counts the messages of a thread that name an address and are filed
// under a record. Where it is one, only says which.
type claim struct {
	messages int
	only     message.ID
}

// kin is what the thread rule reads of a thread: under whom the messages are
// filed that name an address outside. A judgement costs as much as the message
// has addresses, however long the thread is.
type kin map[contact.Address]map[record]claim

// add counts a message; again is for one whose matches have grown. It returns
// the addresses of which others may now know more.
func (k kin) add(id message.ID, theirs []contact.Address, matches []message.Match, counted map[record]bool) []contact.Address {
	var grown []contact.Address
	for _, m := range matches {
		r := record{m.Contact, m.Organisation}
		if counted[r] {
			continue
		}
		counted[r] = true
		for _, a := range theirs {
			if k[a] == nil {
				k[a] = map[record]claim{}
			}
			c := k[a][r]
			if c.messages++; c.messages == 1 {
				c.only = id
			}
			if k[a][r] = c; c.messages <= 2 { // the second tells the first
				grown = append(grown, a)
			}
		}
	}
	return grown
}

// mates are the claims on these addresses, less those of one message itself.
func (k kin) mates(theirs []contact.Address, except message.ID) []matcher.Mate {
	var out []matcher.Mate
	for _, a := range theirs {
		mate := matcher.Mate{Theirs: []contact.Address{a}}
		for r, c := range k[a] {
			if c.messages > 1 || c.only != except {
				mate.Matches = append(mate.Matches, message.Match{Contact: r.contact, Organisation: r.organisation})
			}
		}
		if len(mate.Matches) > 0 {
			out = append(out, mate)
		}
	}
	return out
}

// conversation is what a transaction remembers of a thread it has read.
type conversation struct {
	kin
	names  map[contact.Address]bool // every address outside that its messages name
	open   bool                     // some message may be filed otherwise when another comes
	hidden bool                     // private by hand, and so is whatever joins it
}

// join adds a message to what is remembered. It reports whether the message
// names somebody new.
func (c *conversation) join(team contact.Team, m message.Message) (newcomer bool) {
	addresses := theirs(team, m.Head)
	for _, a := range addresses {
		newcomer = newcomer || !c.names[a]
		c.names[a] = true
	}
	c.add(m.ID, addresses, m.Matches, map[record]bool{})
	c.open = c.open || len(m.Matches) == 0 || byThread(m)
	c.hidden = c.hidden || m.Hidden
	return newcomer
}

// byThread reports whether the thread rule filed a message.
func byThread(m message.Message) bool {
	return slices.ContainsFunc(m.Matches, func(x message.Match) bool { return x.Rule == matcher.RuleThread })
}

// conversation reads a thread, once a transaction and after each change.
func (j *judging) conversation(id message.ThreadID) (*conversation, error) {
	if c, ok := j.read[id]; ok {
		return c, nil
	}
	msgs, _, err := threadMessages(j.tx, id)
	if err != nil {
		return nil, err
	}
	c := &conversation{kin: kin{}, names: map[contact.Address]bool{}}
	for _, m := range msgs {
		c.join(j.team, m)
	}
	j.read[id] = c
	return c, nil
}

// threads lists the threads a header belongs to.
func (j *judging) threads(h message.Head) ([]message.ThreadID, error) {
	var out []message.ThreadID
	for _, id := range h.ThreadIDs() {
		t, err := j.tx.Messages().ThreadOf(id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("find thread: %w", err)
		}
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out, nil
}

// mates are what the thread rule reads of the threads a header belongs to,
// one message left out.
func (j *judging) mates(h message.Head, except message.ID) ([]matcher.Mate, error) {
	threads, err := j.threads(h)
	if err != nil || len(threads) == 0 {
		return nil, err
	}
	addresses := theirs(j.team, h)
	var out []matcher.Mate
	for _, t := range threads {
		c, err := j.conversation(t)
		if err != nil {
			return nil, err
		}
		out = append(out, c.mates(addresses, except)...)
	}
	return out, nil
}

// maxMates bounds how much of one thread is read to judge a message of it.
const maxMates = 2000

// threadMessages reads a thread, oldest first, at most maxMates of it; next
// continues a longer one.
func threadMessages(tx store.Tx, t message.ThreadID) (out []message.Message, next store.Cursor, err error) {
	for len(out) < maxMates {
		var page []message.Message
		if page, next, err = threadPage(tx, t, next); err != nil {
			return nil, "", err
		}
		if out = append(out, page...); next == "" {
			break
		}
	}
	return out, next, nil
}

// threadPage reads a part of a thread.
func threadPage(tx store.Tx, t message.ThreadID, at store.Cursor) ([]message.Message, store.Cursor, error) {
	page, err := tx.Messages().Thread(t, store.Slice{Cursor: at, Limit: 500})
	if err != nil {
		return nil, "", fmt.Errorf("list thread: %w", err)
	}
	out := make([]message.Message, 0, len(page.Items))
	for _, id := range page.Items {
		m, err := tx.Messages().Get(id)
		if err != nil {
			return nil, "", fmt.Errorf("read message %s: %w", id, err)
		}
		out = append(out, m)
	}
	return out, page.Next, nil
}
