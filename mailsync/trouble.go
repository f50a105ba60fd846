package mailsync

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"slices"

	"rapport/records/message"
	"rapport/records/phrase"
)

// strikes is how often a message may end the connection, asked for alone,
// before it is quarantined.
const strikes = 3

// trouble is what is known of a message that ends connections: it is one of
// uids, which are asked for in ever smaller groups until it stands alone.
type trouble struct {
	uids    message.UIDSet
	size    int // of the next group
	struck  map[uint32]struck
	last    string // the fault
	narrows int    // in a row, without anything settled
}

// struck is a message that ended connections when it was asked for alone.
type struck struct {
	times int
	size  int64 // as the server says; 0: not known
}

// blame notes what was asked for when a connection ended. err comes back.
func (p *pass) blame(err error, req *fetchRequest) error {
	if p.again || !endsConnections(err) || p.ctx.Err() != nil {
		return err
	}
	open := p.sess.missing(req)
	if open.Empty() {
		return err
	}
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	t := p.s.troubles[p.f.name]
	if t == nil {
		t = &trouble{struck: map[uint32]struck{}}
		p.s.troubles[p.f.name] = t
	}
	if req.asked.Len() == 1 {
		uid := req.asked.Max()
		t.struck[uid] = struck{t.struck[uid].times + 1, max(t.struck[uid].size, req.size)}
	}
	t.uids, t.size, t.last = open, max(1, open.Len()/2), err.Error()
	t.narrows++
	return err
}

// trouble returns a copy of what is known, nil where all is well.
func (s *Syncer) trouble(name string) *trouble {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.troubles[name]
	if t == nil {
		return nil
	}
	c := *t
	return &c
}

func (s *Syncer) troubled(name string) bool { return s.trouble(name) != nil }

// relieved clears UIDs that came through.
func (s *Syncer) relieved(name string, uids message.UIDSet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.troubles[name]
	if t == nil {
		return
	}
	t.narrows = 0
	if t.uids = t.uids.Minus(uids); t.uids.Empty() {
		delete(s.troubles, name)
	}
}

// narrowing tells whether a folder's fault is being searched for, so that the
// next try may come soon.
func (s *Syncer) narrowing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.troubles {
		if t.narrows > 0 && t.narrows <= 16 {
			return true
		}
	}
	return false
}

// quarantineStruck settles the messages that ended the connection each time
// they were asked for.
func (p *pass) quarantineStruck() error {
	t := p.s.trouble(p.f.name)
	if t == nil {
		return nil
	}
	for uid, hit := range t.struck {
		if hit.times < strikes || !p.todo.Has(uid) {
			continue
		}
		set, what := message.UIDs(uid), "this message"
		if hit.size > 0 {
			what += " of " + sized(hit.size)
		}
		if err := p.quarantine(set, fmt.Sprintf("the connection ended all %d times %s was asked for: %s", hit.times, what, t.last)); err != nil {
			return err
		}
		p.todo = p.todo.Minus(set)
		p.s.relieved(p.f.name, set)
	}
	return nil
}

// fingerprints is how many of the newest messages are watched for UID reuse.
const fingerprints = 16

// digest is what tells one message's header from another's. Servers add
// fields of their own as they please, so only those count that no server
// changes; where there are none, the bytes as they stand do.
func (s *Syncer) digest(header []byte) [16]byte {
	mac := hmac.New(sha256.New, s.o.FingerprintKey)
	found, keep := false, false
	for line := range bytes.Lines(header) {
		if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
			if keep {
				mac.Write(bytes.TrimSpace(line))
			}
			continue
		}
		name, _, _ := bytes.Cut(line, []byte(":"))
		keep = slices.Contains([]string{"message-id", "date", "from", "subject"}, string(bytes.ToLower(bytes.TrimSpace(name))))
		if keep {
			found = true
			mac.Write(bytes.TrimSpace(line))
		}
	}
	if !found {
		mac.Write(header)
	}
	return [16]byte(mac.Sum(nil)[:16])
}

// fetchDigests returns the fingerprints of some messages.
func (p *pass) fetchDigests(uids message.UIDSet) (map[uint32][16]byte, error) {
	out := map[uint32][16]byte{}
	if uids.Empty() {
		return out, nil
	}
	req := p.requestHeads(uids)
	if err := p.finish(req); err != nil {
		return nil, p.blame(err, req)
	}
	for uid, part := range req.got {
		if part.have {
			out[uid] = p.s.digest(part.data)
		}
	}
	return out, nil
}

// verify compares the fingerprints kept with what the server has under those
// UIDs now. Another message under a known UID means that the server gives
// UIDs twice: then everything is judged again, as it is where another account
// is read and not one message is known to be the same.
func (p *pass) verify() error {
	var kept message.UIDSet
	for _, fp := range p.prog.Fingerprints {
		kept = kept.Union(message.UIDs(fp.UID))
	}
	kept = kept.Minus(p.prog.Quarantined)
	if t := p.s.trouble(p.f.name); t != nil { // first find what ends connections
		kept = kept.Minus(t.uids)
	}
	now, err := p.fetchDigests(kept.Intersect(p.listed))
	if err != nil {
		return err
	}
	reused := 0
	for _, fp := range p.prog.Fingerprints {
		sum, ok := now[fp.UID]
		if ok && sum != fp.Sum {
			reused++
		}
		if ok {
			p.sums[fp.UID] = sum
		}
	}
	again := p.listed.Intersect(p.prog.Settled())
	was := p.prog.Mark.Account
	moved := was != 0 && was != p.s.o.Mailbox.account() && len(now) == 0
	if reused == 0 && !moved || again.Empty() {
		return nil
	}
	p.s.o.Log.Warn("known UIDs are other messages; the folder is judged again", "mailbox", p.mf.Mailbox, "folder", p.mf.Name, "uids", reused)
	p.s.say(p.f.name, phrase.New("the server gave known UIDs to other messages, or another account is read; everything in the folder is judged again"))
	if err := p.s.o.Sink.Reopen(p.ctx, p.mf, again); err != nil {
		return ofSink(err, "reopen %s", p.f.name)
	}
	p.todo = p.todo.Union(again)
	p.prog.Scanned = false // which mail is too old is another question now
	return p.bound()
}

// fingerprint keeps the fingerprints of the newest messages.
func (p *pass) fingerprint() error {
	// What was quarantined is not asked for again: it may end this connection too.
	newest := p.listed.Minus(p.gone).Minus(p.prog.Quarantined).Minus(p.spoilt).Newest(fingerprints)
	var lack message.UIDSet
	same := len(p.prog.Fingerprints) == newest.Len()
	old := map[uint32][16]byte{}
	for _, fp := range p.prog.Fingerprints {
		old[fp.UID] = fp.Sum
	}
	for _, uid := range newest.Slice() {
		if _, ok := p.sums[uid]; ok {
			continue
		}
		if sum, ok := old[uid]; ok {
			p.sums[uid] = sum
			continue
		}
		lack = lack.Union(message.UIDs(uid))
	}
	more, err := p.fetchDigests(lack)
	if err != nil {
		return err
	}
	fps := []message.Fingerprint{}
	for _, uid := range newest.Slice() {
		sum, ok := p.sums[uid]
		if !ok {
			sum, ok = more[uid]
		}
		if !ok {
			continue
		}
		same = same && old[uid] == sum
		fps = append(fps, message.Fingerprint{UID: uid, Sum: sum})
	}
	if same {
		return nil
	}
	return ofSink(p.s.o.Sink.Take(p.ctx, message.Batch{Folder: p.mf, Fingerprints: fps}), "keep fingerprints of %s", p.f.name)
}
