package mailsync

import (
	"fmt"
	"os"
	"time"

	"rapport/records/message"
)

// begun is a long body of which whole ranges came before the connection ended:
// the next try goes on behind them. There is at most one for each mailbox, the
// last that broke off.
type begun struct {
	folder    message.Folder
	uid       uint32
	size      int64
	messageID string // with the time, lest a server gives the UID to another message
	received  time.Time
	path      string
	at        int64 // bytes that are there
}

// is reports whether b is the beginning of this message.
func (b *begun) is(f message.Folder, it message.Item) bool {
	return b != nil && b.folder == f && b.uid == it.UID && b.size == it.Size && b.messageID == it.Head.MessageID && b.received.Equal(it.Received)
}

// resume opens the file of a long body: the one that was begun, or a new one.
func (p *pass) resume(it message.Item) (f *os.File, at int64, err error) {
	p.s.mu.Lock()
	b := p.s.begun
	if !b.is(p.mf, it) {
		b = nil
	} else {
		p.s.begun = nil // it is ours now
	}
	p.s.mu.Unlock()
	if b == nil {
		f, err = p.s.spool()
		return f, 0, err
	}
	f, err = os.OpenFile(b.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil, 0, fmt.Errorf("go on with a message begun: %w", err)
	}
	return f, b.at, nil
}

// breakOff keeps what came of a long body for the next try, and makes nothing
// of the tries before where there was more than last time.
func (p *pass) breakOff(it message.Item, path string, from, at int64) {
	p.s.mu.Lock()
	old := p.s.begun
	p.s.begun = &begun{folder: p.mf, uid: it.UID, size: it.Size, messageID: it.Head.MessageID, received: it.Received, path: path, at: at}
	if t := p.s.troubles[p.f.name]; t != nil && at > from {
		delete(t.struck, it.UID)
	}
	p.s.mu.Unlock()
	old.remove()
}

// remove removes the file of what nobody goes on with.
func (b *begun) remove() {
	if b != nil {
		os.Remove(b.path)
	}
}

// dropBegun removes what was begun, at the end of all tries.
func (s *Syncer) dropBegun() {
	s.mu.Lock()
	b := s.begun
	s.begun = nil
	s.mu.Unlock()
	b.remove()
}
