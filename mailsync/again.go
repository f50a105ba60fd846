package mailsync

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"rapport/internal/rescue"
	"rapport/records/message"
)

// Bounds on one round of asking again for what is quarantined in a mailbox.
const (
	againAtOnce = 300              // messages
	againDeaths = 10               // connections they may end
	againFor    = 30 * time.Minute // after which no more is asked for
)

// again is one round of asking for what is quarantined. Each message is asked
// for alone, on a connection beside those of Run, so that one that ends
// connections costs nobody else anything; until it comes, it stays quarantined.
type again struct {
	s     *Syncer
	tried map[string]message.UIDSet // by folder
	left  int                       // messages that may still be asked for
	until time.Time
	alone bool // a message is under way: what ends the connection now is its doing
}

// askAgain asks for what is quarantined in the folders named, and returns
// their statuses after it. Of more than [againAtOnce] a random choice is asked
// for: over the nights each has its turn, whichever end connections.
func (s *Syncer) askAgain(ctx context.Context, in map[string]bool) map[string]message.FolderStatus {
	a := &again{s: s, tried: map[string]message.UIDSet{}, left: againAtOnce, until: s.o.Now().Add(againFor)}
	after := map[string]message.FolderStatus{}
	for range againDeaths {
		err := s.aside(ctx, func(sess *session, folders []folder) error {
			rand.Shuffle(len(folders), func(i, j int) { folders[i], folders[j] = folders[j], folders[i] })
			for _, f := range folders {
				if !in[f.name] {
					continue
				}
				st, err := a.folder(ctx, sess, f)
				if err != nil {
					return fmt.Errorf("folder %s: %w", f.name, err)
				}
				after[f.name] = st
				delete(in, f.name)
			}
			return nil
		})
		if err == nil || ctx.Err() != nil {
			break
		}
		s.o.Log.Info("a quarantined message still cannot be had", "mailbox", s.o.Mailbox.Name, "err", err)
		if !a.alone || !endsConnections(err) {
			break
		}
		a.alone = false
	}
	return after
}

// endsConnections reports whether a fault is one that a message may bring
// about by the answer to it.
func endsConnections(err error) bool {
	switch kindOf(err) {
	case Lost, Silent, Malformed, Hostile:
		return true
	}
	return false
}

// folder asks for what is quarantined in one folder and reports on it.
func (a *again) folder(ctx context.Context, sess *session, f folder) (message.FolderStatus, error) {
	p := &pass{s: a.s, ctx: ctx, sess: sess, f: f, began: a.s.o.Now(), again: true, sums: map[uint32][16]byte{}}
	if err := p.open(nil); err != nil {
		return message.FolderStatus{}, err
	}
	if err := p.list(nil); err != nil {
		return message.FolderStatus{}, err
	}
	uids := p.prog.Quarantined.Intersect(p.listed).Minus(a.tried[f.name]).Slice()
	rand.Shuffle(len(uids), func(i, j int) { uids[i], uids[j] = uids[j], uids[i] })
	p.taker = newTaker(ctx, a.s.o.Sink, p.mf, func(int) {})
	err := rescue.Do(func() error { return a.each(p, uids) })
	if taken := p.taker.finish(); taken != nil {
		a.alone = false
		err = taken
	}
	if err != nil {
		return message.FolderStatus{}, err
	}
	out, err := p.report()
	if err != nil {
		return message.FolderStatus{}, err
	}
	return out.status, nil
}

// each asks for one message after the other.
func (a *again) each(p *pass, uids []uint32) error {
	for _, uid := range uids {
		if a.left == 0 || a.s.o.Now().After(a.until) {
			return nil
		}
		a.left--
		one := message.UIDs(uid)
		a.tried[p.f.name] = a.tried[p.f.name].Union(one)
		a.alone = true
		heads, err := p.heads(p.requestHeads(one))
		if err != nil {
			return err
		}
		wished, err := p.judge(heads)
		if err != nil {
			return err
		}
		if err := p.fetchBodies(wished); err != nil {
			return err
		}
		a.alone = false
		if err := p.between(); err != nil {
			return err
		}
	}
	return nil
}
