package intake

import (
	"rapport/matcher"
	"rapport/records/message"
)

// maxExact bounds the threads whose links are followed one by one.
const maxExact = 200

// links are Message-IDs joined by the messages that bear and refer to them.
type links map[string]string

// of returns what stands for everything joined with an id, "" for one that no
// message has joined.
func (l links) of(id string) string {
	up, ok := l[id]
	if !ok {
		return ""
	}
	if up == id {
		return id
	}
	root := l.of(up)
	l[id] = root
	return root
}

// join makes one of the ids of a message.
func (l links) join(ids []string) {
	root := ""
	for _, id := range ids {
		if l[id] == "" {
			l[id] = id
		}
		if at := l.of(id); root == "" {
			root = at
		} else {
			l[at] = root
		}
	}
}

// touch reports whether a message with these ids is joined to one with those.
func (l links) touch(these, those []string) bool {
	for _, a := range these {
		root := l.of(a)
		if root == "" {
			continue
		}
		for _, b := range those {
			if l.of(b) == root {
				return true
			}
		}
	}
	return false
}

// linked reports whether a thread holds together by the messages that are
// stored for their own sake, and whatever its thread files refers to those. It
// then does not matter by which messages the thread was joined.
func linked(msgs []message.Message, alone, verdicts []matcher.Verdict) bool {
	l := links{}
	var first []string
	for n, v := range alone {
		if v.Action == message.Log {
			ids := msgs[n].Head.ThreadIDs()
			l.join(ids)
			if first == nil {
				first = ids
			}
		}
	}
	for n, v := range verdicts {
		if v.Action == message.Log && !l.touch(msgs[n].Head.ThreadIDs(), first) {
			return false
		}
	}
	return true
}

// exact is the fixpoint of a thread of which a part may hang together only by
// messages that nothing but this thread files: a message counts as a mate, and
// joins others, once it is filed.
func (t *taking) exact(msgs []message.Message, alone []matcher.Verdict) ([]matcher.Verdict, error) {
	verdicts := append([]matcher.Verdict(nil), alone...)
	l := links{}
	for n, v := range verdicts {
		if v.Action == message.Log {
			l.join(msgs[n].Head.ThreadIDs())
		}
	}
	for changed := true; changed; {
		changed = false
		for n, m := range msgs {
			if !alone[n].Open() {
				continue
			}
			v, err := t.amongMates(stored(m), verdicts[n], t.linkedMates(l, msgs, verdicts, n))
			if err != nil {
				return nil, err
			}
			if v.Action != message.Log || v.Review == verdicts[n].Review && sameMatches(v.Matches, verdicts[n].Matches) {
				continue
			}
			verdicts[n], changed = v, true
			l.join(m.Head.ThreadIDs())
		}
	}
	return verdicts, nil
}

// linkedMates are the filed messages joined to message n.
func (t *taking) linkedMates(l links, msgs []message.Message, verdicts []matcher.Verdict, n int) []matcher.Mate {
	var mates []matcher.Mate
	ids := msgs[n].Head.ThreadIDs()
	for k, m := range msgs {
		v := verdicts[k]
		if k == n || v.Action != message.Log || v.Review != "" || len(v.Matches) == 0 || !l.touch(ids, m.Head.ThreadIDs()) {
			continue
		}
		mates = append(mates, matcher.Mate{Theirs: theirs(t.team, m.Head), Matches: v.Matches})
	}
	return mates
}
