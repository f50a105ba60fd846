package intake

import (
	"errors"
	"fmt"
	"slices"

	"rapport/matcher"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/phrase"
	"rapport/store"
)

// judging is what one transaction's judgements share.
type judging struct {
	*setup
	tx   store.Tx
	dir  *directory
	key  []byte
	read map[message.ThreadID]*conversation
	kept map[message.ID]*message.Message // read before, where nothing is written; nil elsewhere
	own  func(message.Head) bool         // see Options.Own
}

func (i *Intake) judging(tx store.Tx) *judging {
	return &judging{setup: i.setup.Load(), tx: tx, dir: newDirectory(tx, i.opts.Key), key: i.opts.Key, read: map[message.ThreadID]*conversation{}, own: i.opts.Own}
}

// candidate is a message to be judged, stored or not.
type candidate struct {
	head       message.Head
	folder     message.Folder
	flags      []string
	inner      []message.Inner
	bodyRead   bool
	identities []message.Sum
}

// judge says whose the message is, its thread included.
func (j *judging) judge(c candidate) (matcher.Verdict, error) {
	v, err := j.alone(c)
	if err != nil {
		return v, err
	}
	return j.inThread(c, v, "")
}

// inThread judges a message again that its thread may file; except is the
// message itself where it is stored.
func (j *judging) inThread(c candidate, v matcher.Verdict, except message.ID) (matcher.Verdict, error) {
	if !v.Open() {
		return v, nil
	}
	mates, err := j.mates(c.head, except)
	if err != nil {
		return v, err
	}
	return j.amongMates(c, v, mates)
}

// amongMates is v, or what the thread's mates make of it: they may file a
// message, and take nothing away from what it is by itself.
func (j *judging) amongMates(c candidate, v matcher.Verdict, mates []matcher.Mate) (matcher.Verdict, error) {
	if len(mates) == 0 {
		return v, nil
	}
	w, err := j.with(c, mates)
	if err != nil || w.Action != message.Log || w.Review != "" {
		return v, err
	}
	return w, nil
}

// alone judges without looking at the thread.
func (j *judging) alone(c candidate) (matcher.Verdict, error) { return j.with(c, nil) }

func (j *judging) with(c candidate, mates []matcher.Mate) (matcher.Verdict, error) {
	hand, err := j.byHand(c)
	if err != nil {
		return matcher.Verdict{}, err
	}
	v, err := j.matcher.Judge(j.dir, c.head, matcher.Known{
		Folder:   c.folder,
		Flags:    c.flags,
		Inner:    c.inner,
		BodyRead: c.bodyRead,
		Hand:     hand,
		Thread:   mates,
	})
	if err != nil {
		return v, fmt.Errorf("judge message: %w", err)
	}
	if v.Reason == message.Excluded {
		return v, nil // nothing is said of it, not even that
	}
	for _, id := range c.identities {
		private, err := j.tx.Tombstones().Has(privateDigest(j.key, id))
		if err != nil {
			return matcher.Verdict{}, fmt.Errorf("read tombstones: %w", err)
		}
		if private {
			return privateVerdict, nil
		}
	}
	return v, nil
}

// privateVerdict is the judgement on a message of which a copy was moved into
// a Private folder.
var privateVerdict = matcher.Verdict{
	Decision: message.Decision{Action: message.Skip, Reason: message.IsPrivate, Rule: matcher.RuleExcluded},
	Steps: []matcher.Step{{
		Rule: matcher.RuleExcluded, Said: phrase.New("a copy of it was moved into a Private folder"), Decided: true,
	}},
}

// byHand collects the standing decisions on a message and its thread. Who a
// decision names may have been merged since; the winner stands in.
func (j *judging) byHand(c candidate) ([]matcher.ByHand, error) {
	found, err := j.decisions(c)
	if err != nil {
		return nil, err
	}
	var out []matcher.ByHand
	for _, d := range found {
		m, err := j.handMatch(d.Who)
		if errors.Is(err, store.ErrNotFound) {
			continue // whoever it named has been erased since
		}
		if err != nil {
			return nil, err
		}
		out = append(out, matcher.ByHand{Kind: d.Kind, Match: m})
	}
	return out, nil
}

// decisions lists the standing decisions, each once.
func (j *judging) decisions(c candidate) ([]store.Decision, error) {
	var found []store.Decision
	add := func(ds []store.Decision, err error) error {
		if err != nil {
			return fmt.Errorf("read decisions: %w", err)
		}
		for _, d := range ds {
			if !slices.ContainsFunc(found, func(o store.Decision) bool { return o.ID == d.ID }) {
				found = append(found, d)
			}
		}
		return nil
	}
	for _, id := range c.identities {
		if err := add(j.tx.Decisions().ByIdentity(id)); err != nil {
			return nil, err
		}
	}
	for _, id := range c.head.ThreadIDs() {
		if err := add(j.tx.Decisions().ByMessageID(id)); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// handMatch is the match a decision by hand makes.
func (j *judging) handMatch(who store.Subject) (message.Match, error) {
	m := message.Match{Rule: matcher.RuleHand, Certain: true}
	if who.Contact != "" {
		c, err := liveContact(j.tx, who.Contact)
		if err != nil {
			return m, err
		}
		m.Contact = c.ID
		if len(c.Affiliations) > 0 {
			m.Organisation = c.Affiliations[0].Organisation
		}
		return m, nil
	}
	if who.Organisation != "" {
		o, err := liveOrganisation(j.tx, who.Organisation)
		if err != nil {
			return m, err
		}
		m.Organisation = o.ID
	}
	return m, nil
}

// liveContact follows merges to whoever stands for the id now.
func liveContact(tx store.Tx, id contact.ID) (contact.Contact, error) {
	for range 32 {
		c, err := tx.Contacts().Get(id)
		if err != nil {
			return c, fmt.Errorf("read contact %s: %w", id, err)
		}
		if c.MergedInto == "" {
			return c, nil
		}
		id = c.MergedInto
	}
	return contact.Contact{}, fmt.Errorf("read contact %s: merged in a circle", id)
}

// liveOrganisation follows merges to whatever stands for the id now.
func liveOrganisation(tx store.Tx, id contact.OrganisationID) (contact.Organisation, error) {
	for range 32 {
		o, err := tx.Organisations().Get(id)
		if err != nil {
			return o, fmt.Errorf("read organisation %s: %w", id, err)
		}
		if o.MergedInto == "" {
			return o, nil
		}
		id = o.MergedInto
	}
	return contact.Organisation{}, fmt.Errorf("read organisation %s: merged in a circle", id)
}

// stored returns the candidate that a stored message is.
func stored(m message.Message) candidate {
	c := candidate{
		head:       m.Head,
		bodyRead:   true,
		identities: message.IdentityKeys(m.Head, &m.TextSum),
	}
	for _, h := range m.Inner {
		c.inner = append(c.inner, message.Inner{Head: h})
	}
	return c
}
