package mailsync

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"rapport/internal/rescue"
	"rapport/records/message"
	"rapport/records/phrase"
)

// headChunk is how many messages' headers are asked for at once.
const headChunk = 250

// errRenumbered says that the folder got new numbers under our hands.
var errRenumbered = phrase.Errorf("the server re-numbered the folder while it was being read")

// pass reads one folder to its end: what the server lists and the sink has
// not settled is fetched, newest first.
type pass struct {
	s      *Syncer
	ctx    context.Context
	sess   *session
	f      folder
	mf     message.Folder
	sel    selection // at the beginning
	began  time.Time
	prog   message.Progress
	listed message.UIDSet
	todo   message.UIDSet
	known  uint32 // the highest UID that was settled at the beginning
	gone   message.UIDSet
	spoilt message.UIDSet      // quarantined by this pass
	sums   map[uint32][16]byte // fingerprints seen on the way
	newest message.UIDSet      // whose fingerprints are to be kept
	taker  *taker
	said   string // by the server when it last refused a FETCH
	again  bool   // for what is quarantined: see askAgain
}

// outcome is what a pass leaves for the next one on the same connection.
type outcome struct {
	status  message.FolderStatus
	listed  message.UIDSet
	sel     selection
	settled bool
}

// pass runs one pass. last, when not nil, is the outcome of the one before on
// this connection, with the folder still open.
func (s *Syncer) pass(ctx context.Context, sess *session, f folder, last *outcome) (*outcome, error) {
	p := &pass{s: s, ctx: ctx, sess: sess, f: f, began: s.o.Now(), sums: map[uint32][16]byte{}}
	if err := p.open(last); err != nil {
		return nil, err
	}
	if out := p.unchanged(last); out != nil {
		return out, nil
	}
	if err := p.list(last); err != nil {
		return nil, err
	}
	if err := p.bound(); err != nil {
		return nil, err
	}
	if last == nil { // within a session UIDs stay what they are
		if err := p.verify(); err != nil {
			return nil, err
		}
	}
	if err := p.fetchAll(); err != nil {
		return nil, err
	}
	if err := p.fingerprint(); err != nil {
		return nil, err
	}
	return p.report()
}

// open opens the folder, or uses it as it stands open.
func (p *pass) open(last *outcome) (err error) {
	if last != nil {
		p.sel = p.sess.w.selected()
		p.sel.uidNext = max(p.sel.uidNext, last.listed.Max()+1)
	} else if p.sel, err = p.sess.examine(p.f.raw); err != nil {
		return err
	}
	p.mf = message.Folder{Mailbox: p.s.o.Mailbox.Name, Name: p.f.name, UIDValidity: p.sel.uidValidity, Role: p.f.role}
	p.prog, err = p.s.o.Sink.Resume(p.ctx, p.mf)
	return ofSink(err, "resume %s", p.f.name)
}

func ofSink(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &sinkError{fmt.Errorf(format+": %w", append(args, err)...)}
}

// mark is what is compared with the mark of an earlier pass. Numbers alone do
// not do: another account that is read under the same name may have the same.
func (p *pass) mark() message.Mark {
	return message.Mark{Account: p.s.o.Mailbox.account(), UIDNext: p.sel.uidNext, Exists: p.sel.exists, ModSeq: p.sel.modSeq}
}

// unchanged returns an outcome without any listing where the server's numbers
// are those of an earlier complete pass.
func (p *pass) unchanged(last *outcome) *outcome {
	if last != nil || p.sel.uidNext == 0 || p.sel.uidValidity == 0 || p.prog.Mark != p.mark() || p.prog.Mark == (message.Mark{}) {
		return nil
	}
	st, ok := p.s.settledStatus(p.f, p.mf, p.prog)
	if !ok || p.s.listDue(p.f.name) || p.sinceGrew() {
		return nil
	}
	return &outcome{status: st, sel: p.sel, settled: true}
}

// list finds every UID the folder has, and those that are not settled.
func (p *pass) list(last *outcome) error {
	if last != nil && p.growBy(last) {
		return p.plan()
	}
	for try := 0; ; try++ {
		listed, err := p.sess.searchAll()
		if err != nil && kindOf(err) != Refused {
			return err
		}
		exists := int(p.sess.w.selected().exists)
		if err == nil && listed.Len() == exists {
			p.listed = listed
			return p.plan()
		}
		if try == 0 && err == nil { // something came or went in between
			if err := p.sess.noop(); err != nil {
				return err
			}
			continue
		}
		if listed.Len() > exists+10_000 {
			return hostile("{uids} UIDs in a folder of {n|message|messages}", "uids", strconv.Itoa(listed.Len()), "n", int(exists))
		}
		return p.listByFetch(listed)
	}
}

// growBy looks for new UIDs above those known, and tells whether the known
// and the new are all there are.
func (p *pass) growBy(last *outcome) bool {
	if last.listed.Empty() {
		return false
	}
	more, err := p.sess.searchAbove(last.listed.Max())
	if err != nil {
		return false
	}
	p.listed = last.listed.Union(more)
	return p.listed.Len() == int(p.sess.w.selected().exists)
}

// listByFetch lists the UIDs where SEARCH is refused or leaves some out.
func (p *pass) listByFetch(found message.UIDSet) error {
	p.listed = found
	if p.sess.w.selected().exists == 0 {
		return p.plan()
	}
	req := &fetchRequest{asked: message.UIDRanges(message.UIDRange{Lo: 1, Hi: 1<<32 - 1}), offset: -1}
	p.sess.start(req, 20*time.Minute)
	if err := p.sess.finish(req); err != nil {
		return err
	}
	fetched, err := req.uids.take()
	if err != nil {
		return err
	}
	p.listed = found.Union(fetched)
	if p.listed.Len() > int(p.sess.w.selected().exists)+10_000 {
		return hostile("more UIDs than messages")
	}
	return p.plan()
}

// plan works out what there is to do.
func (p *pass) plan() error {
	settled := p.prog.Settled()
	p.todo, p.known = p.listed.Minus(settled), settled.Max()
	p.newest = p.listed.Newest(fingerprints)
	p.s.listedNow(p.f.name)
	return nil
}

func (p *pass) sinceGrew() bool {
	since := p.s.o.Mailbox.Since
	return p.prog.Scanned && !p.prog.Since.IsZero() && (since.IsZero() || since.Before(p.prog.Since))
}

// bound settles what lies before the configured beginning without reading it,
// on the first scan only, and reopens it when the beginning moves back.
func (p *pass) bound() error {
	since := p.s.o.Mailbox.Since
	sink := p.s.o.Sink
	switch {
	case p.prog.Scanned && !p.sinceGrew():
		return nil
	case p.prog.Scanned:
		again := p.prog.Skipped[message.BeforeSince].Intersect(p.listed)
		if !since.IsZero() {
			recent, err := p.sess.searchSince(since)
			if err != nil && kindOf(err) != Refused {
				return err
			}
			if err == nil {
				again = again.Intersect(recent)
			}
		}
		if err := sink.Reopen(p.ctx, p.mf, again); err != nil {
			return ofSink(err, "reopen what lies after %s in %s", since.Format(time.DateOnly), p.f.name)
		}
		p.todo = p.todo.Union(again)
	}
	b := message.Batch{Folder: p.mf, Scanned: &since}
	if !p.prog.Scanned && p.prog.Renumbered == 0 && !since.IsZero() {
		recent, err := p.sess.searchSince(since)
		if err != nil && kindOf(err) != Refused {
			return err
		}
		if err == nil {
			old := p.todo.Minus(recent)
			b.Skipped = map[message.Reason]message.UIDSet{message.BeforeSince: old}
			p.todo = p.todo.Minus(old)
		}
	}
	return ofSink(sink.Take(p.ctx, b), "begin %s", p.f.name)
}

// fetchAll settles what is to do, newest first, and what comes meanwhile.
func (p *pass) fetchAll() error {
	if p.todo.Empty() {
		return nil
	}
	p.s.progress(p.f.name, 0, p.todo.Len())
	p.taker = newTaker(p.ctx, p.s.o.Sink, p.mf, func(n int) { p.s.progress(p.f.name, n, 0) })
	err := p.quarantineStruck()
	if err == nil {
		err = rescue.Do(p.fetchChunks) // the taker must end whatever happens
	}
	taken := p.taker.finish()
	p.s.spend(p.ctx, p.sess, usage{})
	if taken != nil {
		return taken
	}
	return err
}

// between looks after what may have changed while a chunk was read.
func (p *pass) between() error {
	if p.s.yields() {
		return errYield
	}
	if now := p.sess.w.selected(); now.uidValidity != p.sel.uidValidity {
		return errRenumbered
	} else if int(now.exists) > p.listed.Minus(p.gone).Len() {
		more, err := p.sess.searchAbove(p.listed.Max())
		if err != nil {
			return err
		}
		if more = more.Minus(p.listed); more.Len() > maxExists {
			return hostile("{n} new UIDs", "n", more.Len())
		}
		p.listed, p.todo = p.listed.Union(more), p.todo.Union(more)
	}
	return p.s.spend(p.ctx, p.sess, usage{})
}

// judge has the sink judge a chunk and returns whose bodies it wishes; the
// others are settled.
func (p *pass) judge(heads []*part) ([]message.Item, error) {
	slices.SortFunc(heads, func(a, b *part) int { return int(int64(b.uid) - int64(a.uid)) })
	copies := make([]message.Copy, 0, len(heads))
	for _, h := range heads {
		if p.newest.Has(h.uid) {
			p.sums[h.uid] = p.s.digest(h.data)
		}
		c, err := readCopy(h)
		if err != nil {
			if err := p.quarantine(message.UIDs(h.uid), "the header cannot be read: "+err.Error()); err != nil {
				return nil, err
			}
			continue
		}
		copies = append(copies, c)
		h.data = nil
	}
	if len(copies) == 0 {
		return nil, nil
	}
	wishes, err := p.s.wanted(p.ctx, p.mf, copies)
	if err != nil {
		return nil, err
	}
	var bodies []message.Item
	for i, c := range copies {
		item := message.Item{Copy: c, Wish: wishes[i]}
		if a := wishes[i].Action; a == message.Log || a == message.Inspect {
			bodies = append(bodies, item)
			continue
		}
		if err := p.taker.put(item); err != nil {
			return nil, err
		}
	}
	return bodies, nil
}

// readCopy is copyOf for headers that a stranger wrote: a panic is an error.
func readCopy(h *part) (c message.Copy, err error) {
	err = rescue.Do(func() error { c = copyOf(h); return nil })
	return c, err
}

// copyOf reads what a header fetch brought.
func copyOf(h *part) message.Copy {
	c := message.Copy{UID: h.uid, Received: h.received, Size: h.size, Header: int64(len(h.data)), Flags: h.flags, Thread: h.thread, Head: message.ParseHead(h.data)}
	for _, l := range h.labels {
		c.Labels = append(c.Labels, decodeName(l))
	}
	return c
}

// wanted asks the sink, and holds it to one answer for each copy, in order.
// Copies under an excluded label are not shown to it.
func (s *Syncer) wanted(ctx context.Context, mf message.Folder, copies []message.Copy) ([]message.Wish, error) {
	wishes, err := s.o.Sink.Wanted(ctx, mf, copies)
	if err != nil {
		return nil, ofSink(err, "judge %d messages of %s", len(copies), mf.Name)
	}
	if len(wishes) != len(copies) {
		return nil, ofSink(fmt.Errorf("%d answers to %d questions", len(wishes), len(copies)), "judge messages of %s", mf.Name)
	}
	for i, c := range copies {
		if wishes[i].UID != c.UID {
			return nil, ofSink(fmt.Errorf("answer for UID %d where %d was asked", wishes[i].UID, c.UID), "judge messages of %s", mf.Name)
		}
		if s.excluded(c.Labels) {
			wishes[i] = message.Wish{UID: c.UID, Decision: message.Decision{Action: message.Skip, Reason: message.Excluded}, Generation: wishes[i].Generation}
		}
	}
	return wishes, nil
}

func (s *Syncer) excluded(labels []string) bool {
	return slices.ContainsFunc(labels, func(l string) bool {
		return matchAny(s.o.Mailbox.Exclude, folder{name: l, path: l})
	})
}

// report closes the pass.
func (p *pass) report() (*outcome, error) {
	now := p.sess.w.selected()
	listed := p.listed.Minus(p.gone)
	if now.changes != p.sel.changes && listed.Len() != int(now.exists) {
		all, err := p.sess.searchAll()
		if err != nil && kindOf(err) != Refused {
			return nil, err
		}
		if err == nil {
			listed = all
		}
	}
	prog, err := p.s.o.Sink.Resume(p.ctx, p.mf)
	if err != nil {
		return nil, ofSink(err, "resume %s", p.f.name)
	}
	r := message.Report{Folder: p.mf, Listed: listed, At: p.s.o.Now(), Looked: p.began}
	settled := listed.Minus(prog.Settled()).Empty()
	// A mark promises that this many were all seen. Where the server counted more
	// than it let us see, or fewer, the next pass looks again.
	if settled && listed.Len() == int(p.sel.exists) {
		if r.Mark = p.mark(); r.Mark.UIDNext == 0 { // a server that does not tell gets one that says "complete" and nothing more
			r.Mark.UIDNext = listed.Max() + 1
		}
	}
	st, err := p.s.o.Sink.Report(p.ctx, r)
	if err != nil {
		return nil, ofSink(err, "report %s", p.f.name)
	}
	p.s.folderDone(st)
	return &outcome{status: st, listed: listed, sel: now, settled: settled}, nil
}
