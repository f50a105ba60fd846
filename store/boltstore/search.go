package boltstore

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"rapport/records/access"
	"rapport/records/timeline"
	"rapport/store"
)

// searchBounds are the numbers at which a search changes its way.
type searchBounds struct {
	// fetched is how many candidates are looked up one by one; where there are
	// more it goes through all entries from the newest and stops at a page.
	fetched int
	// held is how many copies in a folder are listed before a search; where
	// there are more, fewer entries need to be looked at to fill a page.
	held int
	// looked is how many entries are looked at one by one before all that lie
	// in a folder are listed after all: it may hold none of the newest.
	looked int
	// named is how many of a list are put in order at once; where more may fit,
	// the names are gone through until a page is full.
	named int
	// dated is how many are put in the order of their last contact at once.
	dated int
}

var usualBounds = searchBounds{fetched: 4096, held: 16 << 10, looked: 2048, named: 16 << 10, dated: 1000}

// bounds are the numbers at which searches and lists change their way.
func (tx *Tx) bounds() searchBounds {
	if tx.s.opt.bounds.fetched > 0 {
		return tx.s.opt.bounds
	}
	return usualBounds
}

// hit is a candidate with what its index rows say.
type hit struct {
	doc   uint32
	flags byte
	time  time.Time
	stamp []byte // the time as in keys
	key   []byte // of the entry
}

// at appends a hit's place in a history, as keys have it.
func (h *hit) at(to []byte) []byte { return append(append(to, h.stamp...), h.key...) }

func (h *hit) compare(o *hit) int {
	if c := bytes.Compare(h.stamp, o.stamp); c != 0 {
		return c
	}
	return bytes.Compare(h.key, o.key)
}

// Search implements [store.Entries].
func (e entriesOf) Search(q store.Query, s store.Slice) (store.Page[timeline.Entry], error) {
	var page store.Page[timeline.Entry]
	if e.tx.bolt.Writable() {
		if err := errors.Join(e.tx.flushTerms(), e.tx.flushAll()); err != nil {
			return page, err
		}
	}
	start, err := base64.RawURLEncoding.DecodeString(string(s.Cursor))
	if err != nil {
		return page, fmt.Errorf("read cursor %q: %w", s.Cursor, store.ErrCursor)
	}
	se := &searching{tx: e.tx, e: e, bounds: e.tx.bounds(), sight: q.Sight}
	root, err := se.prepare(q.Root)
	if err != nil {
		return page, fmt.Errorf("search: %w", err)
	}
	n := limit(s)
	var last []byte
	err = se.candidates(root, start, func(h *hit) (bool, error) {
		shown, err := se.look(h)
		if err != nil || !shown {
			return true, err
		}
		ok, err := se.holds(root, h)
		if err != nil || !ok {
			return true, err
		}
		if len(page.Items) == n {
			page.Next = store.Cursor(base64.RawURLEncoding.EncodeToString(last))
			return false, nil
		}
		v, found, err := entries.get(e.tx, h.key)
		if found {
			page.Items, last = append(page.Items, v.Entry), h.at(last[:0])
		}
		return true, err
	})
	if err != nil {
		return store.Page[timeline.Entry]{}, fmt.Errorf("search: %w", err)
	}
	return page, nil
}

// searching is the work on one query.
type searching struct {
	tx       *Tx
	e        entriesOf
	bounds   searchBounds
	segments []segmentInfo
	late     []waitingDoc // in no segment yet
	listed   bool
	fields   store.Fields // of the entry fieldsOf
	fieldsOf uint32
	sight    func(timeline.Entry) (store.Sight, error) // nil: everything is seen
	seen     store.Sight                               // of the hit looked at
}

// look settles what of a hit may be known; false: not even that it is there.
func (s *searching) look(h *hit) (shown bool, err error) {
	if s.sight == nil {
		return true, nil
	}
	e, found, err := entries.get(s.tx, h.key)
	if err != nil || !found {
		return false, err
	}
	s.seen, err = s.sight(e.Entry)
	return err == nil && s.seen.Tier.Shows(access.Metadata), err
}

// whole reports whether everything of the hit looked at may be known, so that
// what the index says of its texts can be believed.
func (s *searching) whole() bool { return s.sight == nil || s.seen.Tier.Shows(access.Full) }

// part is a node of the query with what the index says of it.
type part struct {
	store.Node
	kids  []*part
	bound bool // docs holds every document for which the part may hold
	exact bool // and no other
	docs  docSet
	// Of in: and with: that hold for more than would be listed quickly.
	subject []byte // prefix of its history in indexSubject
	looked  int    // entries looked at one by one
}

func (s *searching) prepare(n store.Node) (*part, error) {
	p := &part{Node: n}
	for _, k := range n.Kids {
		kid, err := s.prepare(k)
		if err != nil {
			return nil, err
		}
		p.kids = append(p.kids, kid)
	}
	var err error
	switch n.Op {
	case store.OpAnd:
		p.and()
	case store.OpOr:
		p.or()
	case store.OpWord, store.OpFrom, store.OpTo, store.OpSubject, store.OpFile:
		p.bound = true
		p.docs, p.exact, err = s.word(n)
	case store.OpIn:
		err = s.in(p, s.bounds.held)
	case store.OpWith:
		err = s.with(p)
	}
	return p, err
}

// and bounds by the kids that are bounded.
func (p *part) and() {
	p.exact = len(p.kids) > 0
	for _, k := range p.kids {
		p.exact = p.exact && k.exact
		switch {
		case !k.bound:
		case !p.bound:
			p.bound, p.docs = true, k.docs
		default:
			p.docs = p.docs.common(k.docs)
		}
	}
	p.exact = p.exact && p.bound
}

// or bounds only if every kid is bounded.
func (p *part) or() {
	p.bound, p.exact = true, true
	for _, k := range p.kids {
		p.bound, p.exact = p.bound && k.bound, p.exact && k.exact
	}
	if !p.bound {
		p.exact = false
		return
	}
	for _, k := range p.kids {
		p.docs.join(k.docs)
	}
	p.docs.seal()
}

// word asks the index for a word, phrase, sender or recipient, or for words of
// a subject or a file's name.
func (s *searching) word(n store.Node) (docs docSet, exact bool, err error) {
	l := n.Lookup()
	if (n.Op == store.OpSubject || n.Op == store.OpFile) && s.tx.bolt.Bucket(bucketMeta).Get(keyUnfielded) != nil {
		l = n.LookupAnywhere()
	}
	first := true
	narrow := func(term string, begins bool) error {
		if !first && docs.size() == 0 {
			return nil
		}
		found, err := s.term(term, begins)
		if first {
			docs, first = found, false
		} else {
			docs = docs.common(found)
		}
		return err
	}
	all := l.All
	if len(l.At) > 1 {
		if docs, err = s.phrase(l); err != nil {
			return docSet{}, false, err
		}
		first, all = false, nil
	}
	for _, t := range all {
		if err := narrow(t, false); err != nil {
			return docSet{}, false, err
		}
	}
	for _, t := range l.Begins {
		if err := narrow(t, true); err != nil {
			return docSet{}, false, err
		}
	}
	return docs, l.Exact, nil
}

// phrase asks the index for terms that stand as far from each other as in a
// phrase.
func (s *searching) phrase(l store.Lookup) (out docSet, err error) {
	if err := s.list(); err != nil {
		return out, err
	}
	b := s.tx.index(indexSegment)
	var docs []uint32
	visit := func(doc uint32) { docs = append(docs, doc) }
	for _, seg := range s.segments {
		if err := s.tx.ctx.Err(); err != nil {
			return out, err
		}
		terms := make([]walker, len(l.All))
		for k := 0; k < len(terms) && err == nil && (k == 0 || len(terms[k-1].docs) > 0); k++ {
			terms[k], err = walk(b, seg.id, []byte(l.All[k]))
		}
		if err == nil && len(terms[len(terms)-1].docs) > 0 {
			err = together(terms, l.At, visit)
		}
		if err != nil {
			return out, err
		}
	}
	for n := range s.late {
		if !slices.ContainsFunc(l.All, func(t string) bool { return !s.late[n].has(t, false) }) {
			visit(s.late[n].doc)
		}
	}
	out.add(docs)
	out.seal()
	return out, nil
}

// list finds out which segments there are, and what is in none yet.
func (s *searching) list() (err error) {
	if s.listed {
		return nil
	}
	if s.segments, err = segments(s.tx.index(indexSegment)); err != nil {
		return err
	}
	s.late, err = s.unindexed()
	s.listed = err == nil
	return err
}

func (s *searching) term(term string, begins bool) (out docSet, err error) {
	if err := s.list(); err != nil {
		return out, err
	}
	b := s.tx.index(indexSegment)
	for _, seg := range s.segments {
		if err := s.tx.ctx.Err(); err != nil {
			return out, err
		}
		if err := lookUp(b, seg.id, []byte(term), begins, out.add); err != nil {
			return out, err
		}
	}
	for n := range s.late {
		if s.late[n].has(term, begins) {
			out.add([]uint32{s.late[n].doc})
		}
	}
	out.seal()
	return out, nil
}

// candidates visits the entries for which root may hold, newest first, after
// the cursor; visit returns false to stop.
func (s *searching) candidates(root *part, start []byte, visit func(*hit) (bool, error)) error {
	if root.bound && root.docs.size() <= s.bounds.fetched {
		return s.fetched(root.docs.all(), start, visit)
	}
	from, until := times(root)
	var upper []byte
	switch {
	case len(start) > 0 && (until.IsZero() || bytes.Compare(start, appendTime(nil, until)) < 0):
		upper = start
	case !until.IsZero():
		upper = appendTime(nil, until)
	}
	l := s.tx.listing(indexTime, nil)
	if prefix := historyOf(root); prefix != nil {
		l = s.tx.listing(indexSubject, prefix)
	}
	l.newest = true
	c := l.bucket.Cursor()
	k, v := l.first(c, upper)
	for steps := 0; k != nil && bytes.HasPrefix(k, l.prefix); k, v = previous(c, k) {
		if steps++; steps%1024 == 0 && s.tx.ctx.Err() != nil {
			return s.tx.ctx.Err()
		}
		h, err := hitOf(k[len(l.prefix):], v)
		if err != nil {
			return err
		}
		if !from.IsZero() && h.time.Before(from) {
			return nil
		}
		if root.bound && !root.docs.has(h.doc) {
			continue
		}
		if more, err := visit(&h); err != nil || !more {
			return err
		}
	}
	return nil
}

func hitOf(k, v []byte) (hit, error) {
	t, rest, err := readTime(k)
	if err != nil || len(v) != 5 {
		return hit{}, errSegment
	}
	doc, fl, err := readUint32(v)
	return hit{doc: doc, flags: fl[0], time: t, stamp: k[:len(k)-len(rest)], key: rest}, err
}

// fetched visits a few candidates. Numbers without a row are of documents
// that are gone.
func (s *searching) fetched(docs []uint32, start []byte, visit func(*hit) (bool, error)) error {
	hits := make([]hit, 0, len(docs))
	c := s.tx.index(indexDoc).Cursor()
	var key, at []byte
	for _, d := range docs {
		key = appendUint32(key[:0], d)
		k, v := c.Seek(key)
		if !bytes.Equal(k, key) {
			continue
		}
		t, rest, err := readTime(v)
		if err != nil || len(rest) < 2 {
			return errSegment
		}
		h := hit{doc: d, flags: rest[0], time: t, stamp: v[:len(v)-len(rest)], key: rest[1:]}
		if at = h.at(at[:0]); len(start) == 0 || bytes.Compare(at, start) < 0 {
			hits = append(hits, h)
		}
	}
	slices.SortFunc(hits, func(a, b hit) int { return b.compare(&a) })
	for i := range hits {
		if more, err := visit(&hits[i]); err != nil || !more {
			return err
		}
	}
	return nil
}

// historyOf returns the one history outside which nothing can hold, nil where
// there is none.
func historyOf(p *part) []byte {
	if p.Op == store.OpAnd {
		for _, k := range p.kids {
			if h := historyOf(k); h != nil {
				return h
			}
		}
	}
	return p.subject
}

// times returns the span a query is bound to by operators that must hold.
func times(p *part) (from, until time.Time) {
	switch p.Op {
	case store.OpAfter:
		return p.Time, time.Time{}
	case store.OpBefore:
		return time.Time{}, p.Time
	case store.OpAnd:
		for _, k := range p.kids {
			f, u := times(k)
			if f.After(from) {
				from = f
			}
			if !u.IsZero() && (until.IsZero() || u.Before(until)) {
				until = u
			}
		}
	}
	return from, until
}

// holds decides whether the whole query holds for one entry.
func (s *searching) holds(p *part, h *hit) (bool, error) {
	if p.bound && (p.exact && s.whole() || !p.docs.has(h.doc)) {
		return p.docs.has(h.doc), nil
	}
	switch p.Op {
	case store.OpAnd:
		for _, k := range p.kids {
			if ok, err := s.holds(k, h); err != nil || !ok {
				return false, err
			}
		}
		return true, nil
	case store.OpOr:
		for _, k := range p.kids {
			if ok, err := s.holds(k, h); err != nil || ok {
				return ok, err
			}
		}
		return false, nil
	case store.OpNot:
		ok, err := s.holds(p.kids[0], h)
		return !ok, err
	case store.OpBefore:
		return h.time.Before(p.Time), nil
	case store.OpAfter:
		return !h.time.Before(p.Time), nil
	case store.OpAttachment:
		return h.flags&hasAttachment != 0 && s.whole(), nil
	case store.OpWith:
		if p.bound {
			return p.docs.has(h.doc), nil
		}
		return s.tx.ixGet(indexSubject, h.at(p.subject[:len(p.subject):len(p.subject)])) != nil, nil
	case store.OpIn:
		if s.sight != nil {
			return p.names(s.seen.Holdings), nil
		}
		return s.inNow(p, h)
	}
	return s.text(p, h)
}

// text compares a phrase with what was put.
func (s *searching) text(p *part, h *hit) (bool, error) {
	if s.fieldsOf != h.doc {
		f, err := s.e.fields(h.key)
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		s.fields, s.fieldsOf = f, h.doc
	}
	if !s.whole() {
		return p.Holds(s.fields.Shown(s.seen.Tier)), nil
	}
	return p.Holds(s.fields), nil
}
