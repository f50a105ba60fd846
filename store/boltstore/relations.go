package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/relation"
	"rapport/records/timeline"
	"rapport/store"
)

// What relations say follows from the entries and is derived like an index,
// but from many entries at once. A transaction notes whom the entries it
// changes concern, and the conversations they are of; before it commits it
// brings each of these up to date once, however many entries changed:
//
//   - a row of relation is a sum: what came is added, what went is taken away.
//     Only where the first or last contact went, the next is looked for, within
//     the month that the row says it is in.
//   - of a conversation the newest rows of entry.thread are judged as they were
//     before the transaction and as they are after it; the rows that differ are
//     changed.

// relating is what a transaction has changed for relations.
type relating struct {
	before   map[string][]relation.Outcome // of conversations, by the thread's key
	subjects map[string][]counted          // by the subject's key
}

// counted is an entry that came to a history, or went from it.
type counted struct {
	entry *timeline.Entry
	way   relation.Way
	by    int
}

// party is one of those an entry concerns.
type party struct {
	key   []byte
	aside bool
}

func partiesOf(e *timeline.Entry) []party {
	out := make([]party, 0, len(e.Contacts)+len(e.Organisations))
	for _, c := range e.Contacts {
		out = append(out, party{subjectPrefix(store.Subject{Contact: c}), slices.Contains(e.Aside, c)})
	}
	for _, o := range e.Organisations {
		out = append(out, party{subjectPrefix(store.Subject{Organisation: o}), slices.Contains(e.AsideOrganisations, o)})
	}
	return out
}

// speaks reports whether an entry is a message that counts in its conversation.
func speaks(e *storedEntry) bool {
	way := relation.WayOf(e.Entry, false)
	return e.Related && e.Thread != "" && (way == relation.In || way == relation.Out)
}

// The flags of those named in a row of entry.thread.
const (
	flagWith  = 'w'
	flagAside = 'a'
)

// saidValue is the value of a row of entry.thread.
func saidValue(e *storedEntry) []byte {
	v := []byte{byte(relation.WayOf(e.Entry, false)), string(e.Turn)[0]}
	for _, p := range partiesOf(&e.Entry) {
		flag := byte(flagWith)
		if p.aside {
			flag = flagAside
		}
		v = append(append(v, flag), p.key...)
	}
	return v
}

// readSaid reads a row of entry.thread, without its thread.
func readSaid(rest, v []byte) (relation.Said, error) {
	at, id, err := timedID(rest)
	if err != nil || len(v) < 2 {
		return relation.Said{}, errKey
	}
	m := relation.Said{Time: at, Entry: timeline.ID(id), Way: relation.Way(v[0])}
	for _, t := range []timeline.Turn{timeline.Asks, timeline.Told, timeline.Closes} {
		if t[0] == v[1] {
			m.Turn = t
		}
	}
	for v = v[2:]; len(v) > 0; {
		flag := v[0]
		size, err := subjectSize(v[1:])
		if err != nil {
			return m, err
		}
		who := relation.Who(v[1 : 1+size])
		if flag == flagAside {
			m.Aside = append(m.Aside, who)
		} else {
			m.With = append(m.With, who)
		}
		v = v[1+size:]
	}
	return m, nil
}

// subjectSize returns how long the key of a subject is that stands at the
// beginning of b.
func subjectSize(b []byte) (int, error) {
	if len(b) < 2 {
		return 0, errKey
	}
	_, rest, err := readID(b[1:])
	return len(b) - len(rest), err
}

// readSubject takes the key of a subject off the front.
func readSubject(b []byte) (store.Subject, []byte, error) {
	size, err := subjectSize(b)
	if err != nil {
		return store.Subject{}, nil, err
	}
	id, _, err := readID(b[1:])
	if b[0] == byte(store.OfContacts) {
		return store.Subject{Contact: contact.ID(id)}, b[size:], err
	}
	return store.Subject{Organisation: contact.OrganisationID(id)}, b[size:], err
}

// relate notes that an entry takes the place of another; either may be nil.
func (tx *Tx) relate(old, now *storedEntry) error {
	if old != nil && !old.Related {
		old = nil // written before there were relations, and counted nowhere
	}
	if old != nil && now != nil && sameForRelations(old, now) {
		return nil
	}
	if tx.related == nil {
		tx.related = &relating{before: map[string][]relation.Outcome{}, subjects: map[string][]counted{}}
	}
	for _, e := range []*storedEntry{old, now} {
		if e == nil {
			continue
		}
		if speaks(e) {
			if err := tx.aboutToChange(e.Thread); err != nil {
				return err
			}
		}
		by := 1
		if e == old {
			by = -1
		}
		for _, p := range partiesOf(&e.Entry) {
			if way := relation.WayOf(e.Entry, p.aside); way != relation.None {
				tx.related.subjects[string(p.key)] = append(tx.related.subjects[string(p.key)], counted{&e.Entry, way, by})
			}
		}
	}
	return nil
}

// sameForRelations reports whether two states of an entry say the same of
// everybody.
func sameForRelations(a, b *storedEntry) bool {
	return a.Time.Equal(instant(b.Time)) && a.Kind == b.Kind && a.Direction == b.Direction && a.Thread == b.Thread &&
		a.Private == b.Private && a.Turn == b.Turn && slices.Equal(a.Members, b.Members) &&
		slices.Equal(a.Contacts, b.Contacts) && slices.Equal(a.Organisations, b.Organisations) &&
		slices.Equal(a.Aside, b.Aside) && slices.Equal(a.AsideOrganisations, b.AsideOrganisations)
}

// aboutToChange keeps how a conversation stands before its first change: no row
// of it has been kept back yet.
func (tx *Tx) aboutToChange(thread message.ThreadID) error {
	key := appendID(nil, string(thread))
	if _, known := tx.related.before[string(key)]; known {
		return nil
	}
	out, err := judged(tx.indexBucket(indexEntryThread), key)
	if err != nil {
		return fmt.Errorf("judge conversation %s: %w", thread, err)
	}
	tx.related.before[string(key)] = out
	return nil
}

// judged judges a conversation by its newest messages.
func judged(b *bolt.Bucket, thread []byte) ([]relation.Outcome, error) {
	var said []relation.Said
	c := b.Cursor()
	k, v := listing{prefix: thread, newest: true}.first(c, nil)
	for ; k != nil && bytes.HasPrefix(k, thread) && len(said) < relation.MaxConversation; k, v = previous(c, k) {
		m, err := readSaid(k[len(thread):], v)
		if err != nil {
			return nil, err
		}
		said = append(said, m)
	}
	slices.Reverse(said)
	return relation.Judge(said), nil
}

// bringRelations writes what the changed entries change of relations.
func (tx *Tx) bringRelations() error {
	if tx.related == nil {
		return nil
	}
	b := tx.index(indexEntryThread)
	before, after := map[derivedRow][]byte{}, map[derivedRow][]byte{} // of all together: an answer may move to another
	for thread, was := range tx.related.before {
		is, err := judged(b, []byte(thread))
		if err != nil {
			return fmt.Errorf("judge conversation %x: %w", thread, err)
		}
		conversationRows(before, []byte(thread), was)
		conversationRows(after, []byte(thread), is)
	}
	tx.changeRows(before, after)
	for key, changes := range tx.related.subjects {
		if err := tx.bringRelation([]byte(key), changes); err != nil {
			return fmt.Errorf("bring relation %x up to date: %w", key, err)
		}
	}
	tx.related = nil
	return nil
}

// derivedRow is a row of an index that no record of a table makes.
type derivedRow struct{ index, key string }

// changeRows replaces rows.
func (tx *Tx) changeRows(before, after map[derivedRow][]byte) {
	for r, v := range before {
		if _, kept := after[r]; !kept {
			tx.ixDelete(r.index, r.key, v)
		}
	}
	for r, v := range after {
		if was, had := before[r]; !had || !bytes.Equal(was, v) {
			tx.ixPut(r.index, r.key, v)
		}
	}
}

// conversationRows adds the rows that follow from how a conversation stands.
func conversationRows(rows map[derivedRow][]byte, thread []byte, outcomes []relation.Outcome) {
	for _, o := range outcomes {
		who := []byte(o.Who)
		for _, open := range o.Open {
			since := appendTime(nil, open.Since)
			turn := slices.Concat(who, []byte{byte(open.Side)}, since, thread)
			rows[derivedRow{indexRelationTurn, string(turn)}] = appendID(nil, string(open.Entry))
			wait := slices.Concat([]byte{byte(open.Side), who[0]}, since, who[1:], thread)
			rows[derivedRow{indexRelationWait, string(wait)}] = []byte{}
		}
		for _, a := range o.Answers {
			key := slices.Concat(who, []byte{byte(a.Side)}, appendTime(nil, a.Answered), appendID(nil, string(a.Entry)))
			rows[derivedRow{indexRelationAnswer, string(key)}] = appendTime(nil, a.Asked)
		}
	}
}

// relationRows are the rows of one record.
func relationRows(key []byte, r *relation.Record) map[derivedRow][]byte {
	if r.Empty() {
		return nil
	}
	rows := map[derivedRow][]byte{{indexRelation, string(key)}: r.Pack()}
	last := slices.Concat(key[:1], appendTime(nil, r.Last()), key[1:])
	rows[derivedRow{indexRelationLast, string(last)}] = []byte{}
	if at := r.QuietAt(); !at.IsZero() {
		rows[derivedRow{indexRelationQuiet, string(slices.Concat(key[:1], appendTime(nil, at), key[1:]))}] = []byte{}
	}
	return rows
}

func (tx *Tx) bringRelation(key []byte, changes []counted) error {
	r, err := relationAt(tx, key)
	if err != nil {
		return err
	}
	before := relationRows(key, &r)
	for _, by := range []int{1, -1} { // what comes first: no month goes and comes again
		for _, c := range changes {
			if c.by == by {
				e := *c.entry
				e.Time = instant(e.Time)
				r.Count(e, c.way, by)
			}
		}
	}
	for _, c := range changes {
		if c.by > 0 {
			continue
		}
		if err := tx.mendSpan(key, &r, c.way, c.entry.Time); err != nil {
			return err
		}
	}
	tx.changeRows(before, relationRows(key, &r))
	return nil
}

// mendSpan looks for the first and last contact of a way where those it had are
// taken away.
func (tx *Tx) mendSpan(key []byte, r *relation.Record, w relation.Way, gone time.Time) error {
	staleFirst, staleLast := r.Stale(w, gone)
	if !staleFirst && !staleLast {
		return nil
	}
	first, last, any := r.Ends(w)
	if !any {
		*r.Span(w) = relation.Span{}
		return nil
	}
	var err error
	if staleFirst {
		if r.Span(w).First, err = tx.extreme(key, w, first, false); err != nil {
			return err
		}
	}
	if staleLast {
		r.Span(w).Last, err = tx.extreme(key, w, last, true)
	}
	return err
}

// extreme returns when the first or the last contact of a way was in a month
// that has some.
func (tx *Tx) extreme(key []byte, w relation.Way, in relation.Month, latest bool) (time.Time, error) {
	from := append(slices.Clone(key), appendTime(nil, in.Begin())...)
	end := append(slices.Clone(key), appendTime(nil, relation.Month{Month: in.Month + 1}.Begin())...)
	c := tx.index(indexSubject).Cursor()
	k, _ := c.Seek(from)
	step := c.Next
	if latest {
		if k, _ = c.Seek(end); k == nil {
			k, _ = last(c)
		} else {
			k, _ = previous(c, end)
		}
		step = func() ([]byte, []byte) { return previous(c, k) }
	}
	for ; k != nil && bytes.Compare(k, from) >= 0 && bytes.Compare(k, end) < 0; k, _ = step() {
		at, id, err := timedID(k[len(key):])
		if err != nil {
			return at, err
		}
		e, ok, err := entries.get(tx, appendID(nil, id))
		if err != nil {
			return at, err
		}
		if ok && e.Related && slices.ContainsFunc(partiesOf(&e.Entry), func(p party) bool {
			return bytes.Equal(p.key, key) && relation.WayOf(e.Entry, p.aside) == w
		}) {
			return at, nil
		}
	}
	return time.Time{}, errors.New("it counts an entry that is not there (run: rapport store reindex)")
}
