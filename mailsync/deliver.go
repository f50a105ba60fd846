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
		if req.section == sectionHeader {
			cost := weight(a.flags) + weight(a.labels)
			if p != nil {
				cost -= weight(p.flags) + weight(p.labels)
			}
			if cost > 0 && req.held+cost > maxHeaders { // it is asked for again with fewer others
				continue
			}
			req.held += cost
		}
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
		if req.section == sectionHeader && a.hasFlags {
			p.flags = a.flags
		}
		if req.section == sectionHeader && a.labels != nil {
			p.labels = a.labels
		}
		if req.section == sectionHeader && a.thread != "" {
			p.thread = a.thread
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

// weight is what words take in memory.
func weight(words []string) (n int64) {
	for _, w := range words {
		n += int64(len(w)) + 16
	}
	return n
}
