package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rapport/matcher"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/relation"
	"rapport/records/timeline"
	"rapport/store"
)

// Take implements mailsync.Sink: it files a batch in one transaction. Bodies
// are parsed and compressed before it. Repeating a batch changes nothing.
func (i *Intake) Take(ctx context.Context, b message.Batch) error {
	leave, err := i.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	items, err := i.prepare(ctx, b)
	if err != nil {
		return err
	}
	var woken []string
	var unread, queued bool
	var kept map[message.Sum]bool
	defer func() { i.discard(items, kept) }()
	err = i.store.Update(ctx, func(tx store.Tx) error {
		t, err := i.taking(tx, b.Folder)
		if err != nil {
			return err
		}
		if err := t.batch(b, items); err != nil {
			return err
		}
		woken, unread, queued, kept = t.woken, t.unread, t.queued, t.kept
		return nil
	})
	if err != nil {
		kept = nil
		return fmt.Errorf("file batch of %s/%s: %w", b.Folder.Mailbox, b.Folder.Name, err)
	}
	leave() // what follows reads no mail, and may take its time
	i.wake(woken...)
	if queued || unread {
		return i.Finish(ctx)
	}
	return nil
}

// taking is one transaction that files mail.
type taking struct {
	*judging
	i          *Intake
	folder     message.Folder
	generation uint64
	woken      []string // mailboxes with UIDs to judge again
	unread     bool     // some message needs its text read again: see catchUp
	settled    map[message.Reason][]uint32
	stored     []uint32
	lacking    []uint32 // filed by their header alone: quarantined beside it
	hints      []hint
	again      map[message.ThreadID]bool    // threads to file again at the end of the batch
	widen      map[message.ThreadID]bool    // threads that name more people now
	queued     bool                         // a job was queued
	moves      int                          // messages that merges of threads may still move
	merging    map[message.ThreadID]string  // see merges; nil before it was read
	kept       map[message.Sum]bool         // original bytes this transaction puts
	ids        map[message.ID][]string      // of the messages stored here: what they bear and refer to
	clashing   map[string]bool              // Message-IDs known to be borne by several messages, all flagged
	strangers  map[contact.Address]bool     // who may be suggested, as far as asked
	tallies    map[contact.Address]*tallied // rows to write at the end of a batch; nil outside of one
}

// hint is what flush keeps of one skipped copy, once it is settled as such.
type hint struct {
	uid     uint32
	digests []store.Digest
}

func (i *Intake) taking(tx store.Tx, f message.Folder) (*taking, error) {
	gen, err := generation(tx)
	if err != nil {
		return nil, err
	}
	return &taking{
		judging: i.judging(tx), i: i, folder: f, generation: gen,
		settled: map[message.Reason][]uint32{},
		again:   map[message.ThreadID]bool{}, widen: map[message.ThreadID]bool{}, clashing: map[string]bool{},
		strangers: map[contact.Address]bool{}, kept: map[message.Sum]bool{}, ids: map[message.ID][]string{},
		moves: i.mergeAtOnce,
	}, nil
}

// batch settles skipped copies first: what is stored after them may belong to
// their threads and finds them by their hints.
func (t *taking) batch(b message.Batch, items []prepared) error {
	t.tallies = map[contact.Address]*tallied{}
	if b.Scanned != nil {
		if err := t.tx.Folders().SetScanned(b.Folder, *b.Scanned); err != nil {
			return fmt.Errorf("record first scan: %w", err)
		}
	}
	for reason, uids := range b.Skipped {
		if err := t.tx.Folders().Settle(b.Folder, store.Settlement{UIDs: uids, Skipped: reason}); err != nil {
			return fmt.Errorf("settle skipped: %w", err)
		}
	}
	for n := range items {
		if err := t.unwanted(&items[n]); err != nil {
			return fmt.Errorf("settle UID %d: %w", items[n].UID, err)
		}
	}
	if err := t.flush(); err != nil {
		return err
	}
	if err := t.held(items); err != nil {
		return err
	}
	for n := range items {
		if err := t.wanted(&items[n]); err != nil {
			return fmt.Errorf("store UID %d: %w", items[n].UID, err)
		}
	}
	if err := t.returned(items); err != nil {
		return err
	}
	if err := t.flush(); err != nil {
		return err
	}
	if err := t.followThreads(); err != nil {
		return fmt.Errorf("file threads again: %w", err)
	}
	if err := t.putTallies(); err != nil {
		return err
	}
	if b.Fingerprints != nil {
		if err := t.tx.Folders().SetFingerprints(b.Folder, b.Fingerprints); err != nil {
			return fmt.Errorf("keep fingerprints: %w", err)
		}
	}
	return nil
}

// returned tells whoever waits for answers of what came, once it is filed.
func (t *taking) returned(items []prepared) error {
	hear := t.i.opts.Returned
	if hear == nil {
		return nil
	}
	for n := range items {
		p := &items[n]
		head, m := p.Head, (*message.Message)(nil)
		if p.parsed {
			head, m = p.msg.Head, &p.msg
		}
		if err := hear(t.tx, t.folder, head, m); err != nil {
			return fmt.Errorf("hear what UID %d answers: %w", p.UID, err)
		}
	}
	return nil
}

// flush writes what has been settled since the last flush.
func (t *taking) flush() error {
	if len(t.stored) > 0 {
		s := store.Settlement{UIDs: message.UIDs(t.stored...), Stored: true}
		if err := t.tx.Folders().Settle(t.folder, s); err != nil {
			return fmt.Errorf("settle stored: %w", err)
		}
		t.stored = t.stored[:0]
	}
	if len(t.lacking) > 0 { // after stored, where they stand too
		s := store.Settlement{UIDs: message.UIDs(t.lacking...), Quarantined: whyEmpty}
		if err := t.tx.Folders().Settle(t.folder, s); err != nil {
			return fmt.Errorf("settle what has no text: %w", err)
		}
		t.lacking = t.lacking[:0]
	}
	for reason, uids := range t.settled {
		s := store.Settlement{UIDs: message.UIDs(uids...), Skipped: reason}
		if err := t.tx.Folders().Settle(t.folder, s); err != nil {
			return fmt.Errorf("settle skipped: %w", err)
		}
	}
	clear(t.settled)
	for _, h := range t.hints {
		if err := t.tx.Folders().Hint(t.folder, h.uid, h.digests); err != nil {
			return fmt.Errorf("keep hints: %w", err)
		}
	}
	t.hints = t.hints[:0]
	return nil
}

// unwanted settles an item that is not stored: quarantined or skipped.
func (t *taking) unwanted(p *prepared) error {
	switch {
	case p.Quarantine != "":
		s := store.Settlement{UIDs: message.UIDs(p.UID), Quarantined: p.Quarantine}
		return t.tx.Folders().Settle(t.folder, s)
	case p.notOurs != "":
		return t.inspected(p)
	case p.Wish.Action != message.Skip:
		return nil
	}
	if p.Wish.Generation != t.generation {
		stands, err := t.skipStands(t.folder, p.Item)
		if err != nil || !stands {
			return err // left unsettled: the next pass judges it anew
		}
	}
	c := candidate{head: p.Head, folder: t.folder, flags: flagsOf(p.Copy), identities: message.IdentityKeys(p.Head, nil)}
	if gone, err := t.overtaken(c, p.Wish.Reason); err != nil || gone {
		return err
	}
	return t.skip(p.Copy, p.Wish.Reason)
}

// flagsOf are a copy's flags, keywords and labels.
func flagsOf(c message.Copy) []string { return slices.Concat(c.Flags, c.Labels) }

// overtaken reports whether a copy that was nobody's when it was judged would
// be somebody's now: the message itself or its thread has been stored in
// between, from another mailbox. A copy that is settled leaves hints by which
// whatever is stored later finds it; before that nothing can.
func (t *taking) overtaken(c candidate, r message.Reason) (bool, error) {
	if !findable(r) {
		return false, nil
	}
	if known, err := t.known(c.identities); err != nil || known != nil {
		return known != nil, err
	}
	for _, id := range c.head.ThreadIDs() {
		_, err := t.tx.Messages().ThreadOf(id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("find thread: %w", err)
		}
		v, err := t.judge(c)
		return v.Action != message.Skip && v.Action != message.Inspect, err
	}
	return false, nil
}

// inspected settles a mail that was read and found to be nobody's, unless whom
// we know has changed since: then it stays unsettled and is read again.
func (t *taking) inspected(p *prepared) error {
	if p.Wish.Generation != t.generation {
		v, err := t.judge(p.candidate(t.folder))
		if err != nil || v.Action == message.Log {
			return err
		}
	}
	if gone, err := t.overtaken(p.candidate(t.folder), p.notOurs); err != nil || gone {
		return err
	}
	if p.notOurs == message.IsPrivate && t.folder.Role == message.RolePrivate {
		t.settled[p.notOurs] = append(t.settled[p.notOurs], p.UID)
		return t.movedToPrivate(p.Head, p.bears())
	}
	return t.skip(p.Copy, p.notOurs)
}

// skip settles a copy as skipped. Of one that matches nobody, keyed digests of
// ids stay, by which it is found again when its thread turns out to be
// somebody's, or another copy of it names more people; and a row about the
// correspondent.
func (t *taking) skip(c message.Copy, r message.Reason) error {
	t.settled[r] = append(t.settled[r], c.UID)
	if findable(r) {
		t.hint(c.UID, c.Head)
	}
	switch r {
	case message.IsPrivate:
		if t.folder.Role == message.RolePrivate {
			return t.movedToPrivate(c.Head, message.IdentityKeys(c.Head, nil))
		}
	case message.NoMatch, message.NotOurs:
		return t.tally(c)
	}
	return t.untally(c.Head) // it may have counted before
}

// findable reports whether a copy skipped for this reason may become somebody's
// by its thread or by another copy, and so leaves hints.
func findable(r message.Reason) bool {
	switch r {
	case message.NoMatch, message.NotOurs, message.Internal, message.Erased:
		return true
	}
	return false
}

// hint keeps by which Message-IDs a skipped copy can be found again.
func (t *taking) hint(uid uint32, h message.Head) {
	if d := t.hintDigests(h); d != nil {
		t.hints = append(t.hints, hint{uid, d})
	}
}

func (t *taking) hintDigests(h message.Head) []store.Digest {
	ids := append([]string{h.MessageID}, h.Aliases...)
	if t.oursTakePart(h) && len(theirs(t.team, h)) > 0 {
		ids = append(append(ids, threadHints(h)...), h.Hints...)
	}
	slices.Sort(ids)
	ids = slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" })
	digests := make([]store.Digest, len(ids))
	for n, id := range ids {
		digests[n] = digest(t.key, id)
	}
	return digests
}

// threadHints are what a message answers, and the root and last of its
// references: enough to meet its thread, at a bounded cost per copy.
func threadHints(h message.Head) []string {
	ids := slices.Clone(h.InReplyTo[:min(len(h.InReplyTo), 2)])
	if n := len(h.References); n > 0 {
		ids = append(ids, h.References[0])
		ids = append(ids, h.References[max(n-4, 1):]...)
	}
	return ids
}

// oursTakePart reports whether one of us wrote or was written to: without
// that, the thread rule files nothing.
func (t *taking) oursTakePart(h message.Head) bool {
	return slices.ContainsFunc(h.Participants(), func(p message.Party) bool {
		return p.Address != "" && t.team.Has(p.Address)
	})
}

// wanted stores an item, or adds it to the message we have.
func (t *taking) wanted(p *prepared) error {
	if !p.parsed || p.notOurs != "" || p.Quarantine != "" {
		return nil
	}
	known, err := t.known(p.bears())
	if err == nil && known == nil && p.Head.MessageID == "" {
		known, err = t.filedByHeader(p)
	}
	if err != nil {
		return err
	}
	if known != nil {
		return t.another(p, *known)
	}
	v, err := t.judge(p.candidate(t.folder))
	if err != nil {
		return err
	}
	if v.Action == message.Log {
		old, err := t.tooOld(p, v)
		if err != nil {
			return err
		}
		if !old {
			return t.insert(p, v)
		}
		v.Reason = message.Expired
	}
	reason := v.Reason
	if reason == "" {
		reason = message.NotOurs
	}
	if err := t.skip(p.Copy, reason); err != nil {
		return err
	}
	return t.flush() // what is stored next may belong to the same thread
}

// insert stores a message we do not have and files it.
func (t *taking) insert(p *prepared, v matcher.Verdict) error {
	m := p.msg
	m.ID = message.ID(store.NewID(t.i.now()))
	m.Holdings = []message.Holding{{
		Mailbox: t.folder.Mailbox, Folder: t.folder.Name,
		UIDValidity: t.folder.UIDValidity, UID: p.UID, Size: p.Size,
	}}
	if _, err := t.holds(p.UID, m.ID); err != nil {
		return err
	}
	var err error
	if m.Thread, err = t.joinThreads(m); err != nil {
		return err
	}
	if err := t.flagDuplicates(&m); err != nil {
		return err
	}
	if err := t.keep(p.blob); err != nil {
		return fmt.Errorf("store original: %w", err)
	}
	t.stored = append(t.stored, p.UID)
	if p.lacksText() {
		t.lacking = append(t.lacking, p.UID)
	}
	apply(&m, v)
	if c, err := t.conversation(m.Thread); err != nil {
		return err
	} else if c.hidden {
		m.Hidden = true
	}
	if err := t.tx.Messages().Put(m, p.identities); err != nil {
		return fmt.Errorf("store message: %w", err)
	}
	t.ids[m.ID] = m.Head.ThreadIDs()
	if err := t.untally(m.Head); err != nil {
		return err
	}
	if err := t.review(m.ID, v); err != nil {
		return err
	}
	if err := t.show(m, p.doc); err != nil {
		return err
	}
	return t.joined(m)
}

// keep makes packed bytes part of the store.
func (t *taking) keep(b store.Blob) error {
	t.kept[b.Sum] = true
	return t.tx.Blobs().Put(b)
}

// apply writes a verdict into a message.
func apply(m *message.Message, v matcher.Verdict) {
	m.Direction = v.Direction
	m.Protected = v.Protected
	m.Hidden = v.Hidden
	m.Matches = v.Matches
	if v.Review != "" {
		m.Matches = nil
	}
}

// entryOf is the line a filed message has on the timelines of all it concerns.
func entryOf(id timeline.ID, m message.Message, team contact.Team) timeline.Entry {
	e := timeline.Entry{
		ID: id, Time: m.Time, Kind: timeline.Message, Direction: m.Direction,
		Subject: m.Head.Subject, Snippet: m.Snippet, Message: m.ID, Thread: m.Thread,
		Attachment: len(m.Attachments) > 0, Auto: m.Verdict.Auto, Private: m.Protected,
	}
	for _, match := range m.Matches {
		if match.Contact != "" && !slices.Contains(e.Contacts, match.Contact) {
			e.Contacts = append(e.Contacts, match.Contact)
		}
		if match.Organisation != "" && !slices.Contains(e.Organisations, match.Organisation) {
			e.Organisations = append(e.Organisations, match.Organisation)
		}
	}
	relation.Tell(&e, m, team)
	return e
}
