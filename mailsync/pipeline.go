package mailsync

import (
	"errors"
	"slices"

	"rapport/records/message"
)

// What is asked for ahead of its use: enough that the server always has the
// next answer to prepare, over a line with a long round trip too.
const (
	headsAhead  = 2 // requests for headers
	groupsAhead = 2 // requests for bodies
	wantAhead   = 500
)

// pipeline keeps requests under way while what came before is judged and
// stored. A server answers in the order in which it was asked.
type pipeline struct {
	*pass
	flying []flight       // asked for and not used yet, oldest first
	want   []message.Item // whose bodies are to be asked for
	large  []message.Item // whose bodies are to be asked for alone
	spent  error          // the day's budget is used up, or another mailbox's turn has come: what is under way is used, and only new mail is asked for
}

// flight is a request under way: for headers, or for the bodies of items.
type flight struct {
	*fetchRequest
	items []message.Item
}

// fetchChunks settles what is to do. While a culprit is being searched for,
// one request at a time goes out.
func (p *pass) fetchChunks() error {
	for p.s.troubled(p.f.name) {
		if more, err := p.carefully(); err != nil || !more {
			return err
		}
	}
	l := &pipeline{pass: p}
	defer l.abandon()
	for {
		l.ask()
		var err error
		switch {
		case len(l.flying) > 0:
			if err = l.use(); errors.Is(err, errYield) {
				l.spent, err = err, nil
			}
		case len(l.large) > 0 && (l.spent == nil || l.isFresh(l.large[0].UID)):
			err = p.fetchLarge(l.large[0])
			l.large = l.large[1:]
		default:
			return l.spent
		}
		if err != nil {
			return err
		}
	}
}

// ask sends requests as long as there is room for their answers. Bodies are
// asked for together where that makes none wait for long.
func (l *pipeline) ask() {
	heads, groups := 0, 0
	for _, f := range l.flying {
		if f.section == sectionHeader {
			heads++
		} else {
			groups++
		}
	}
	for l.spent == nil && heads < headsAhead && len(l.large) == 0 && len(l.want)+heads*headChunk < wantAhead {
		req, err := l.askHeads()
		if err != nil {
			l.spent = err
		}
		if req == nil {
			break
		}
		l.flying = append(l.flying, flight{fetchRequest: req})
		heads++
	}
	for groups < groupsAhead && len(l.want) > 0 {
		if l.spent != nil && !l.isFresh(l.want[0].UID) {
			return
		}
		n := groupOf(l.want)
		if i := slices.IndexFunc(l.want[:n], func(it message.Item) bool { return l.isFresh(it.UID) != l.isFresh(l.want[0].UID) }); i > 0 {
			n = i
		}
		if n == len(l.want) && groups > 0 && heads > 0 {
			break // more may come to go with these
		}
		req, err := l.requestBodies(l.want[:n])
		for kindOf(err) == Spent && n > 1 { // what is left of the day may do for some of them
			n /= 2
			req, err = l.requestBodies(l.want[:n])
		}
		if err != nil {
			l.spent = err
			return
		}
		l.flying = append(l.flying, flight{req, l.want[:n:n]})
		l.want = l.want[n:]
		groups++
	}
}

// use waits for the oldest answer and does with it what is to be done.
func (l *pipeline) use() error {
	f := l.flying[0]
	l.flying = l.flying[1:]
	defer f.discard()
	var err error
	if f.section == sectionHeader {
		err = l.useHeads(f.fetchRequest)
	} else {
		err = l.takeGroup(f.items, f.fetchRequest)
	}
	if err == nil {
		return l.between()
	}
	if l.sess.missing(f.fetchRequest).Empty() { // it is not this request that ended the connection
		for _, next := range l.flying {
			if !l.sess.missing(next.fetchRequest).Empty() {
				return l.blame(err, next.fetchRequest)
			}
		}
	}
	return err
}

func (l *pipeline) useHeads(req *fetchRequest) error {
	heads, err := l.heads(req)
	if err != nil {
		return err
	}
	wished, err := l.judge(heads)
	for _, it := range wished {
		if it.Size > rangeBody {
			l.large = append(l.large, it)
		} else {
			l.want = append(l.want, it)
		}
	}
	return err
}

// abandon gives up what is still under way: after a fault the connection is of
// no further use, or the caller closes it.
func (l *pipeline) abandon() {
	for _, f := range l.flying {
		l.sess.abandon(f.fetchRequest)
		l.s.spend(l.ctx, l.sess, f.price)
	}
}

// carefully settles one chunk with one request at a time, and tells whether
// there may be more to do.
func (p *pass) carefully() (bool, error) {
	req, err := p.askHeads()
	if req == nil {
		return false, err
	}
	heads, err := p.heads(req)
	if err != nil {
		return false, err
	}
	wished, err := p.judge(heads)
	if err != nil {
		return false, err
	}
	if err := p.fetchBodies(wished); err != nil {
		return false, err
	}
	p.s.relieved(p.f.name, req.asked)
	return true, p.between()
}
