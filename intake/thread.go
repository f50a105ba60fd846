package intake

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
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
	threads, err := t.threads(m.Head)
	if err == nil {
		threads, err = t.withTargets(threads)
	}
	if err != nil {
		return "", err
	}
	if len(threads) == 0 {
		threads = append(threads, message.ThreadID(store.NewID(t.i.now())))
	}
	slices.Sort(threads)
	keep := threads[0]
	for _, th := range threads[1:] {
		if err := t.mergeInto(keep, th, m.Head.ThreadIDs()[0]); err != nil {
			return "", err
		}
	}
	for _, id := range m.Head.ThreadIDs() {
		if err := t.tx.Messages().SetThread(id, keep); err != nil {
			return "", fmt.Errorf("join thread: %w", err)
		}
	}
	return keep, nil
}

// duplicateID flags messages that share a Message-ID but not Date or From.
const duplicateID = "duplicate-message-id"

// flagDuplicates flags a new message whose Message-ID another bears, and the
// other. Where that one is flagged already, so are all.
func (t *taking) flagDuplicates(m *message.Message) error {
	if t.clashing[m.Head.MessageID] {
		m.Flags = withFlag(m.Flags, duplicateID)
		return nil
	}
	others, err := t.bearers(*m, 1)
	if err != nil || len(others) == 0 {
		return err
	}
	t.clashing[m.Head.MessageID] = true
	m.Flags = withFlag(m.Flags, duplicateID)
	return t.putFlags(others[0], withFlag(others[0].Flags, duplicateID))
}

// unflagDuplicate takes the flag off a message that is the last to bear its
// Message-ID.
func (t *taking) unflagDuplicate(gone message.Message) error {
	if !slices.Contains(gone.Flags, duplicateID) {
		return nil
	}
	delete(t.clashing, gone.Head.MessageID)
	others, err := t.bearers(gone, 2)
	if err != nil || len(others) != 1 {
		return err
	}
	flags := slices.DeleteFunc(slices.Clone(others[0].Flags), func(f string) bool { return f == duplicateID })
	return t.putFlags(others[0], flags)
}

func (t *taking) putFlags(m message.Message, flags []string) error {
	if slices.Equal(m.Flags, flags) {
		return nil
	}
	m.Flags = flags
	if err := t.tx.Messages().Put(m, nil); err != nil {
		return fmt.Errorf("flag message %s: %w", m.ID, err)
	}
	return nil
}

// bearers finds other messages with the same Message-ID, at most so many. An
// alias is no clash.
func (t *taking) bearers(m message.Message, most int) ([]message.Message, error) {
	if m.Head.MessageID == "" {
		return nil, nil
	}
	ids, err := t.tx.Messages().ByMessageID(m.Head.MessageID)
	if err != nil {
		return nil, fmt.Errorf("find Message-ID: %w", err)
	}
	var out []message.Message
	for _, id := range ids {
		if id == m.ID {
			continue
		}
		o, err := t.tx.Messages().Get(id)
		if err != nil {
			return nil, fmt.Errorf("read message %s: %w", id, err)
		}
		if o.Head.MessageID == m.Head.MessageID {
			if out = append(out, o); len(out) == most {
				break
			}
		}
	}
	return out, nil
}

// joined follows up a message that has come into a thread: those that are in
// the thread by its rule, or wait for a person, may gain, and skipped copies of
// the thread may now belong to somebody. What concerns the whole thread is done
// once, at the end of the batch: see followThreads.
func (t *taking) joined(m message.Message) error {
	c, err := t.conversation(m.Thread)
	if err != nil {
		return err
	}
	open, hidden := c.open, c.hidden
	newcomer := c.join(t.team, m)
	if m.Hidden != hidden || open && len(m.Matches) > 0 {
		t.again[m.Thread] = true
	}
	if len(m.Matches) == 0 { // it waits for a person; other copies of it are its own
		return t.reopenHinted(append([]string{m.Head.MessageID}, m.Head.Aliases...))
	}
	if newcomer {
		t.widen[m.Thread] = true
		return nil
	}
	return t.reopenHinted(m.Head.ThreadIDs())
}

// followThreads files the threads again that a batch has added to, and looks
// for what was skipped of those that name more people now.
func (t *taking) followThreads() error {
	half, err := t.unfinished()
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(t.again)) {
		if half[id] {
			continue // half a thread is no ground to judge by: the merge files it again
		}
		if _, err := t.refile(id); err != nil {
			return err
		}
	}
	clear(t.again)
	for _, id := range slices.Sorted(maps.Keys(t.widen)) {
		if half[id] {
			continue
		}
		if err := t.reopenThread(id); err != nil {
			return err
		}
	}
	clear(t.widen)
	return nil
}

// reopenThread unsettles skipped copies that bear or refer to any id of a
// thread, of its beginning where it is long.
func (t *taking) reopenThread(id message.ThreadID) error {
	var ids []string
	var at store.Cursor
	for n := 0; n < maxMates; {
		page, err := t.tx.Messages().Thread(id, store.Slice{Cursor: at, Limit: 500})
		if err != nil {
			return fmt.Errorf("list thread: %w", err)
		}
		for _, m := range page.Items {
			borne, err := remember(t.ids, m, t.threadIDs)
			if err != nil {
				return err
			}
			ids = append(ids, borne...)
		}
		if n, at = n+len(page.Items), page.Next; at == "" {
			break
		}
	}
	return t.reopenHinted(ids)
}

// threadIDs are the ids a stored message bears and refers to.
func (t *taking) threadIDs(id message.ID) ([]string, error) {
	m, err := t.tx.Messages().Get(id)
	if err != nil {
		return nil, fmt.Errorf("read message %s: %w", id, err)
	}
	return m.Head.ThreadIDs(), nil
}

// reopenHinted unsettles skipped copies that bear or refer to one of the ids.
func (t *taking) reopenHinted(ids []string) error {
	found := map[message.Folder][]uint32{}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if id == "" {
			continue
		}
		copies, err := t.tx.Folders().Hinted(digest(t.key, id))
		if err != nil {
			return fmt.Errorf("find skipped copies of the thread: %w", err)
		}
		for _, s := range copies {
			found[s.Folder] = append(found[s.Folder], s.UID)
		}
	}
	for f, uids := range found {
		if err := t.tx.Folders().Unsettle(f, message.UIDs(uids...)); err != nil {
			return fmt.Errorf("unsettle %d copies: %w", len(uids), err)
		}
		if !slices.Contains(t.woken, f.Mailbox) {
			t.woken = append(t.woken, f.Mailbox)
		}
	}
	return nil
}

// changes counts what filing again changed.
type changes struct {
	messages, gained, lost, moved, removed int

	shrunk int // messages that lost a match and stay
	hidden int // messages that are private by hand now, or no longer
	found  int // messages that matched nobody before
}

func (c *changes) add(o changes) {
	c.messages += o.messages
	c.gained += o.gained
	c.lost += o.lost
	c.moved += o.moved
	c.removed += o.removed
	c.shrunk += o.shrunk
	c.hidden += o.hidden
	c.found += o.found
}

// refile judges every message of a thread anew: first each by itself, then by
// the thread rule to a fixpoint. Matches only grow on the way, so the fixpoint
// is one and the same whatever the order. Of a thread longer than maxMates the
// rest is filed again by a job where the beginning has changed.
func (t *taking) refile(id message.ThreadID) (changes, error) {
	ch, next, err := t.refileBeginning(id)
	if err != nil || next == "" || ch.gained+ch.lost+ch.removed+ch.hidden == 0 {
		return ch, err
	}
	t.queued = true
	return ch, t.i.queue(t.tx, job{Threads: []message.ThreadID{id}})
}

// refileBeginning files what is read of a thread to judge its messages.
func (t *taking) refileBeginning(id message.ThreadID) (changes, store.Cursor, error) {
	var ch changes
	msgs, next, err := threadMessages(t.tx, id)
	if err != nil {
		return ch, "", err
	}
	verdicts, err := t.fixpoint(msgs)
	if err != nil {
		return ch, "", err
	}
	for n, m := range msgs {
		if ch.removed > 0 { // whose going may have changed others
			if m, err = t.tx.Messages().Get(m.ID); err != nil {
				return ch, "", fmt.Errorf("read message %s: %w", m.ID, err)
			}
		}
		c, err := t.adjust(m, verdicts[n])
		if err != nil {
			return ch, "", err
		}
		ch.add(c)
	}
	delete(t.read, id)
	if ch.removed > 0 && next == "" {
		parts, err := t.split(id, msgs)
		if err != nil {
			return ch, "", err
		}
		for _, part := range parts { // what is left stands on its own now
			c, _, err := t.refileBeginning(part)
			if err != nil {
				return ch, "", err
			}
			c.messages = 0
			ch.add(c)
		}
	}
	if ch.found > 0 {
		if err := t.reopenThread(id); err != nil {
			return ch, "", err
		}
	}
	return ch, next, nil
}

// refileRest files a page of what lies behind the beginning of a long thread,
// each message by itself and by the beginning.
func (t *taking) refileRest(id message.ThreadID, at store.Cursor) (changes, store.Cursor, error) {
	var ch changes
	c, err := t.conversation(id)
	if err != nil {
		return ch, "", err
	}
	msgs, next, err := threadPage(t.tx, id, at)
	if err != nil {
		return ch, "", err
	}
	for _, m := range msgs {
		v, err := t.alone(stored(m))
		if err == nil && v.Open() {
			v, err = t.amongMates(stored(m), v, c.mates(theirs(t.team, m.Head), m.ID))
		}
		if err != nil {
			return ch, "", err
		}
		v.Hidden = v.Hidden || c.hidden
		one, err := t.adjust(m, v)
		if err != nil {
			return ch, "", err
		}
		ch.add(one)
	}
	return ch, next, nil
}

// fixpoint judges the messages of one thread together. Whoever gains a record
// tells those that name one of the same people, until nobody has news.
func (t *taking) fixpoint(msgs []message.Message) ([]matcher.Verdict, error) {
	f := filing{
		kin: kin{}, verdicts: make([]matcher.Verdict, len(msgs)), theirs: make([][]contact.Address, len(msgs)),
		counted: make([]map[record]bool, len(msgs)), waiting: map[contact.Address][]int{}, queued: make([]bool, len(msgs)),
	}
	hidden := false
	alone := make([]matcher.Verdict, len(msgs))
	for n, m := range msgs {
		v, err := t.alone(stored(m))
		if err != nil {
			return nil, err
		}
		alone[n] = v
		f.verdicts[n], f.theirs[n], f.counted[n] = v, theirs(t.team, m.Head), map[record]bool{}
		hidden = hidden || v.Hidden && v.Action == message.Log
		if v.Open() {
			for _, a := range f.theirs[n] {
				f.waiting[a] = append(f.waiting[a], n)
			}
		}
	}
	for n, m := range msgs {
		f.tell(n, m.ID)
	}
	for len(f.queue) > 0 {
		n := f.queue[0]
		f.queue, f.queued[n] = f.queue[1:], false
		v, err := t.with(stored(msgs[n]), f.mates(f.theirs[n], msgs[n].ID))
		if err != nil {
			return nil, err
		}
		if v.Action == message.Log && v.Review == "" {
			f.verdicts[n] = v
			f.tell(n, msgs[n].ID)
		}
	}
	if len(msgs) <= maxExact && !linked(msgs, alone, f.verdicts) {
		var err error
		if f.verdicts, err = t.exact(msgs, alone); err != nil {
			return nil, err
		}
	}
	for n := range f.verdicts {
		f.verdicts[n].Hidden = f.verdicts[n].Hidden || hidden
	}
	return f.verdicts, nil
}

// filing is a thread on its way to the fixpoint.
type filing struct {
	kin
	verdicts []matcher.Verdict
	theirs   [][]contact.Address
	counted  []map[record]bool         // what each message has told
	waiting  map[contact.Address][]int // messages only the thread can file, by whom they name
	queue    []int
	queued   []bool
}

// tell makes known under whom message n is filed.
func (f *filing) tell(n int, id message.ID) {
	v := f.verdicts[n]
	if v.Action != message.Log || v.Review != "" {
		return
	}
	for _, a := range f.add(id, f.theirs[n], v.Matches, f.counted[n]) {
		for _, k := range f.waiting[a] {
			if !f.queued[k] {
				f.queue, f.queued[k] = append(f.queue, k), true
			}
		}
	}
}
