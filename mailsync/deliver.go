package mailsync

// requestFor finds the request that asked for this section of this message.
func (w *wire) requestFor(uid uint32, b *content) *fetchRequest {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, req := range w.fetches {
		if req.wants(uid, b) {
			return req
		}
	}
	return nil
}

func (r *fetchRequest) wants(uid uint32, b *content) bool {
	if uid == 0 || !r.asked.Has(uid) || r.section != b.section {
		return false
	}
	if old := r.got[uid]; old != nil && old.have {
		return false
	}
	return r.offset == b.offset || r.offset == 0 && b.offset < 0
}

// deliver gives a complete answer to the requests that asked for it. What
// nobody asked for is dropped; a second answer fills what the first left open
// and changes nothing else.
func (w *wire) deliver(a *answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.uid == 0 {
		return
	}
	for _, req := range w.fetches {
		if !req.asked.Has(a.uid) {
			continue
		}
		if req.section == sectionNone {
			req.uids.add(a.uid, a.uid)
			continue
		}
		p := req.got[a.uid]
		if p == nil {
			p = &part{uid: a.uid}
			req.got[a.uid] = p
		}
		if p.received.IsZero() {
			p.received = a.received
		}
		if p.size == 0 {
			p.size = a.size
		}
		if a.hasFlags {
			p.flags = a.flags
		}
		if a.labels != nil {
			p.labels = a.labels
		}
		for i := range a.bodies {
			b := &a.bodies[i]
			if !req.wants(a.uid, b) {
				continue
			}
			p.have, p.null, p.data, p.file, p.length = true, b.null, b.data, b.file, b.length
			p.whole = req.offset >= 0 && b.offset < 0
			b.file = nil
			if b.bad != nil {
				req.broken = b.bad
			}
		}
	}
}
