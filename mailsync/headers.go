package mailsync

import (
	"time"

	"rapport/records/message"
	"rapport/records/phrase"
)

// askHeads sends the request for the newest headers that are still to do.
func (p *pass) askHeads() (*fetchRequest, error) {
	n := headChunk
	if t := p.s.trouble(p.f.name); t != nil && !t.uids.Intersect(p.todo).Empty() {
		n = t.size
	}
	chunk := p.todo.Newest(n)
	if fresh := p.fresh(chunk); !fresh.Empty() { // which may use more of the day's budget
		chunk = fresh
	}
	if chunk.Empty() {
		return nil, nil
	}
	price, err := p.admit(int64(chunk.Len())*headEstimate, 0, chunk.Max())
	if err != nil {
		return nil, err
	}
	p.todo = p.todo.Minus(chunk)
	req := p.requestHeads(chunk)
	req.price = price
	return req, nil
}

func (p *pass) requestHeads(uids message.UIDSet) *fetchRequest {
	req := &fetchRequest{asked: uids, section: sectionHeader, offset: -1}
	p.sess.start(req, allow(int64(uids.Len())*16<<10))
	return req
}

// allow returns the time a response of so many bytes may take in all: a slow
// line is waited for, a trickle is not.
func allow(n int64) time.Duration {
	return 2*time.Minute + time.Duration(n/2048)*time.Second
}

// heads waits for a header request, asks again for what did not come, and
// quarantines what the server lists but does not give.
func (p *pass) heads(req *fetchRequest) ([]*part, error) {
	p.said = ""
	if err := p.finish(req); err != nil {
		return nil, p.blame(err, req)
	}
	heads := partsOf(req)
	missing, together := req.missing(), true
	for !missing.Empty() {
		left, err := p.still(missing)
		if err != nil || left.Empty() {
			return heads, err
		}
		together = together && left.Len() > 16
		before := left.Len()
		for _, group := range split(left, together) {
			again := p.requestHeads(group)
			if err := p.finish(again); err != nil {
				return nil, p.blame(err, again)
			}
			heads = append(heads, partsOf(again)...)
			left = left.Minus(again.asked.Minus(again.missing()))
		}
		switch {
		case left.Len() < before:
		case together: // none of them came; now each alone
			together = false
		case len(heads) == 0 && before > 16: // it is the folder, not a message
			return nil, &Fault{Kind: Refused, Text: p.refused(phrase.New("the server gives none of {n|header|headers}", "n", before))}
		default:
			return heads, p.quarantine(left, p.refused(phrase.Verbatim("the server lists this message but gives no header of it")).String())
		}
		missing = left
	}
	return heads, nil
}

// finish waits for a request. A refusal is no fault yet: servers refuse a
// whole range for one message in it, often after giving the others.
func (p *pass) finish(req *fetchRequest) error {
	err := p.sess.finish(req)
	if counted := p.s.spend(p.ctx, p.sess, req.price); err == nil && counted != nil {
		return counted
	}
	req.price = usage{}
	if err == nil || kindOf(err) != Refused {
		return err
	}
	p.said = err.Error()
	if req.section == sectionHeader && len(req.got) == 0 {
		return p.askLess(err)
	}
	return nil
}

// askLess has the next connection ask for headers alone, where the server has
// refused to tell more of them than others do.
func (p *pass) askLess(refused error) error {
	less := &Fault{Kind: Lost, err: refused}
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	switch p.sess.w.asksFor() {
	case askLabels:
		p.s.noLabels = true
		less.Text = phrase.New("the server promises labels and gives none; its labels are read as folders instead")
	case askThread:
		p.s.noThreads = true
		less.Text = phrase.New("the server promises ids of threads and gives none; it is read without them")
	default:
		return nil
	}
	p.sess.w.Close()
	return less
}

// refused adds what the server said last to the reason for a quarantine.
func (p *pass) refused(why phrase.Phrase) phrase.Phrase {
	if p.said == "" {
		return why
	}
	return phrase.New("{what}: {said}", "what", why, "said", p.said)
}

// split returns UIDs all together or each alone.
func split(uids message.UIDSet, together bool) []message.UIDSet {
	if together {
		return []message.UIDSet{uids}
	}
	var out []message.UIDSet
	for _, uid := range uids.Slice() {
		out = append(out, message.UIDs(uid))
	}
	return out
}

func partsOf(req *fetchRequest) []*part {
	var out []*part
	for _, part := range req.got {
		if part.have {
			out = append(out, part)
		}
	}
	return out
}

// still asks which of the UIDs the folder still has; the others are gone.
func (p *pass) still(uids message.UIDSet) (message.UIDSet, error) {
	left, err := p.sess.searchUIDs(uids)
	if err != nil {
		if kindOf(err) == Refused {
			return uids, nil
		}
		return uids, err
	}
	left = left.Intersect(uids)
	p.gone = p.gone.Union(uids.Minus(left))
	return left, nil
}

// quarantine settles UIDs whose message cannot be had.
func (p *pass) quarantine(uids message.UIDSet, why string) error {
	p.spoilt = p.spoilt.Union(uids)
	for _, uid := range uids.Slice() {
		item := message.Item{Copy: message.Copy{UID: uid}, Wish: message.Wish{UID: uid}, Quarantine: why}
		if err := p.taker.put(item); err != nil {
			return err
		}
		if p.again { // it was said when it was quarantined
			continue
		}
		p.s.o.Log.Warn("message quarantined", "mailbox", p.mf.Mailbox, "folder", p.mf.Name, "uid", uid, "reason", why)
	}
	return nil
}
