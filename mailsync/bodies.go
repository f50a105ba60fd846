package mailsync

import (
	"fmt"
	"os"
	"slices"

	"rapport/records/message"
	"rapport/records/phrase"
)

// Bounds on what one request for bodies asks for.
const (
	groupItems = 100
	groupBytes = 4 << 20
	maxSpooled = 2 << 30 // of one message
)

// fetchBodies fetches the wished bodies one request after the other, small
// ones together, large ones in ranges, each alone.
func (p *pass) fetchBodies(items []message.Item) error {
	var small []message.Item
	for _, it := range items {
		if it.Size <= rangeBody {
			small = append(small, it)
		} else if err := p.fetchLarge(it); err != nil {
			return err
		}
	}
	for len(small) > 0 {
		n := groupOf(small)
		if err := p.fetchGroup(small[:n]); err != nil {
			return err
		}
		small = small[n:]
	}
	return nil
}

// groupOf returns how many of the items one request asks for.
func groupOf(items []message.Item) int {
	n, bytes := 0, int64(0)
	for n < len(items) && n < groupItems && (n == 0 || bytes+items[n].Size <= groupBytes) {
		bytes += items[n].Size
		n++
	}
	return n
}

func (p *pass) fetchGroup(items []message.Item) error {
	req, err := p.requestBodies(items)
	if err != nil {
		return err
	}
	defer req.discard()
	return p.takeGroup(items, req)
}

// takeGroup waits for bodies that were asked for and hands them on.
func (p *pass) takeGroup(items []message.Item, req *fetchRequest) error {
	if err := p.finish(req); err != nil {
		return p.blame(err, req)
	}
	return p.hand(items, req)
}

func (p *pass) requestBodies(items []message.Item) (*fetchRequest, error) {
	var uids []uint32
	var bytes int64
	for _, it := range items {
		uids = append(uids, it.UID)
		bytes += it.Size
	}
	price, err := p.admit(bytes, len(items), slices.Max(uids))
	if err != nil {
		return nil, err
	}
	req := &fetchRequest{asked: message.UIDs(uids...), section: sectionBody, offset: -1, size: bytes, spool: p.s.spool, price: price}
	p.sess.start(req, allow(bytes))
	return req, nil
}

// hand gives a group's items with their bodies to the taker; what did not
// come, or came empty, is asked for again alone.
func (p *pass) hand(items []message.Item, req *fetchRequest) error {
	var again []message.Item
	for _, it := range items {
		got := req.got[it.UID]
		if got == nil || !got.have || got.length == 0 {
			again = append(again, it)
			continue
		}
		it.Body = p.body(got)
		if err := p.taker.put(it); err != nil {
			return err
		}
	}
	for _, it := range again {
		if err := p.fetchAlone(it); err != nil {
			return err
		}
	}
	return nil
}

// body makes a part's bytes a source; its file, if there is one, is the
// taker's from here on.
func (p *pass) body(got *part) message.Source {
	if got.file == nil {
		return message.Bytes(got.data)
	}
	src := spooled{path: got.file.Name(), size: got.length}
	if err := got.file.Close(); err != nil {
		p.s.o.Log.Debug("spool file", "mailbox", p.mf.Mailbox, "err", err)
	}
	got.file = nil
	return src
}

// fetchAlone asks once more for one message. Empty twice is accepted as
// empty; nothing twice is settled by whether the message is still there.
func (p *pass) fetchAlone(it message.Item) error {
	p.said = ""
	req, err := p.requestBodies([]message.Item{it})
	if err != nil {
		return err
	}
	defer req.discard()
	if err := p.finish(req); err != nil {
		return p.blame(err, req)
	}
	if got := req.got[it.UID]; got != nil && got.have {
		it.Body = p.body(got)
		return p.taker.put(it)
	}
	left, err := p.still(message.UIDs(it.UID))
	if err != nil || left.Empty() {
		return err
	}
	p.spoilt = p.spoilt.Union(message.UIDs(it.UID))
	it.Quarantine = p.refused(phrase.Verbatim(fmt.Sprintf("the server lists this message of %s but gives no body of it", sized(it.Size)))).String()
	return p.taker.put(it)
}

// fetchLarge fetches one long body range by range into a file. Where the line
// breaks off, the next try goes on behind the last range that came.
func (p *pass) fetchLarge(it message.Item) error {
	f, from, err := p.resume(it)
	if err != nil {
		return &sinkError{fmt.Errorf("make room for a message of %d bytes: %w", it.Size, err)}
	}
	size, whole, err := p.ranges(it, f, from)
	if cerr := ofSink(f.Close(), "keep a message of %d bytes", it.Size); err == nil {
		err = cerr
	}
	switch kind := kindOf(err); {
	case err == nil && whole:
		it.Body = spooled{path: f.Name(), size: size}
		return p.taker.put(it)
	case err != nil && size > 0 && !p.again && (kind == Lost || kind == Silent || kind == Spent):
		p.breakOff(it, f.Name(), from, size)
	default:
		os.Remove(f.Name())
	}
	if err != nil {
		return err
	}
	return p.fetchAlone(it) // not given in ranges; once more as a whole
}

// ranges appends range after range, from an offset on, until one comes short.
// It returns how many bytes there are, and whether that is the whole: without
// an error the server does not give ranges otherwise.
func (p *pass) ranges(it message.Item, f *os.File, from int64) (at int64, whole bool, err error) {
	for at = from; at < maxSpooled; {
		last := int64(0) // counted as a message with its last range
		if at+rangeBody >= it.Size {
			last = 1
		}
		price, err := p.admit(max(0, min(rangeBody, it.Size-at)), int(last), it.UID)
		if err != nil {
			return at, false, err
		}
		req := &fetchRequest{asked: message.UIDs(it.UID), section: sectionBody, offset: at, length: rangeBody, size: it.Size, spool: p.s.spool, price: price}
		p.sess.start(req, allow(rangeBody))
		if err := p.finish(req); err != nil {
			req.discard()
			return at, false, p.blame(err, req)
		}
		got := req.got[it.UID]
		if got == nil || !got.have || got.whole && at > 0 {
			req.discard()
			return at, false, nil
		}
		n, err := appendPart(f, got)
		req.discard()
		if err != nil {
			return 0, false, ofSink(err, "keep a message of %d bytes", it.Size)
		}
		if at += n; got.whole || n < rangeBody {
			return at, true, nil
		}
	}
	return at, false, nil
}

func appendPart(f *os.File, got *part) (int64, error) {
	if got.file == nil {
		n, err := f.Write(got.data)
		return int64(n), err
	}
	if _, err := got.file.Seek(0, 0); err != nil {
		return 0, err
	}
	return f.ReadFrom(got.file)
}

// sized says a number of bytes as people do.
func sized(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%d MB", n>>20)
	case n >= 1<<10:
		return fmt.Sprintf("%d KB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

// spool makes a file for a long body.
func (s *Syncer) spool() (*os.File, error) { return os.CreateTemp(s.o.SpoolDir, "rapport-*.eml") }
