package boltstore

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/phrase"
	"rapport/store"
)

var suggestions = &table[store.Suggestion]{
	name: tableSuggestion, what: "suggestion", plain: true,
	key: func(s *store.Suggestion) []byte { return appendText(nil, shorten(string(s.Address))) },
	indexes: []index[store.Suggestion]{
		{indexRank, func(s *store.Suggestion, add func(k, v []byte)) {
			if s.Ignored {
				return
			}
			k := appendUint32(nil, ^clamp(s.Exchange))
			k = appendUint32(k, ^clamp(s.In+s.Out))
			add(appendText(k, shorten(string(s.Address))), nil)
		}},
		{indexExpires, func(s *store.Suggestion, add func(k, v []byte)) {
			if !s.Expires.IsZero() {
				add(appendText(appendTime(nil, s.Expires), shorten(string(s.Address))), nil)
			}
		}},
	},
}

func clamp(n int) uint32 { return uint32(min(max(n, 0), 1<<31)) }

type suggestionsOf struct{ tx *Tx }

func (s suggestionsOf) Get(a contact.Address) (store.Suggestion, error) {
	return suggestions.must(s.tx, appendText(nil, shorten(string(a))), string(a))
}

func (s suggestionsOf) List(sl store.Slice) (store.Page[store.Suggestion], error) {
	return pageOf(s.tx, s.tx.listing(indexRank, nil), sl, func(k, _ []byte) (store.Suggestion, bool, error) {
		if len(k) < 8 {
			return store.Suggestion{}, false, errKey
		}
		return suggestions.get(s.tx, k[8:])
	})
}

func (s suggestionsOf) Put(v store.Suggestion) error {
	if v.Address == "" {
		return errors.New("write suggestion: it has no address")
	}
	return suggestions.put(s.tx, &v)
}

func (s suggestionsOf) Delete(a contact.Address) error {
	return suggestions.del(s.tx, appendText(nil, shorten(string(a))))
}

func (s suggestionsOf) Expire(t time.Time) (int, error) {
	if err := s.tx.writable(); err != nil {
		return 0, err
	}
	end := string(appendTime(nil, t))
	var gone [][]byte
	c := s.tx.index(indexExpires).Cursor()
	for k, _ := c.First(); k != nil && string(k[:8]) < end; k, _ = c.Next() {
		gone = append(gone, slices.Clone(k[8:]))
	}
	for _, k := range gone {
		if err := suggestions.del(s.tx, k); err != nil {
			return 0, err
		}
	}
	return len(gone), nil
}

var reviews = &table[store.Review]{
	name: tableReview, what: "review",
	key: func(r *store.Review) []byte { return appendID(nil, string(r.Message)) },
}

type reviewsOf struct{ tx *Tx }

func (r reviewsOf) Get(id message.ID) (store.Review, error) {
	return reviews.must(r.tx, appendID(nil, string(id)), string(id))
}
func (r reviewsOf) List(s store.Slice) (store.Page[store.Review], error) {
	return records(r.tx, reviews, s)
}
func (r reviewsOf) Put(v store.Review) error {
	if v.Message == "" {
		return errors.New("write review: it names no message")
	}
	return reviews.put(r.tx, &v)
}
func (r reviewsOf) Delete(id message.ID) error { return reviews.del(r.tx, appendID(nil, string(id))) }

// storedDecision is a decision with its digests as text.
type storedDecision struct {
	store.Decision
	Identity []sum `json:"identity,omitempty"`
}

func (d *storedDecision) unpack() store.Decision {
	v := d.Decision
	v.Identity = nil
	for _, s := range d.Identity {
		v.Identity = append(v.Identity, message.Sum(s))
	}
	return v
}

var decisions = &table[storedDecision]{
	name: tableDecision, what: "decision",
	key: func(d *storedDecision) []byte { return appendID(nil, d.ID) },
	indexes: []index[storedDecision]{
		{indexDecisionSum, func(d *storedDecision, add func(k, v []byte)) {
			for _, s := range d.Identity {
				if d.Undone.IsZero() {
					add(appendID(s[:16:16], d.ID), nil)
				}
			}
		}},
		{indexDecisionThread, func(d *storedDecision, add func(k, v []byte)) {
			for _, id := range d.Thread {
				if d.Undone.IsZero() {
					add(appendID(digest(id), d.ID), nil)
				}
			}
		}},
	},
}

type decisionsOf struct{ tx *Tx }

func (d decisionsOf) Get(id string) (store.Decision, error) {
	v, err := decisions.must(d.tx, appendID(nil, id), id)
	if err != nil {
		return store.Decision{}, err
	}
	return v.unpack(), nil
}

func (d decisionsOf) ByIdentity(s message.Sum) ([]store.Decision, error) {
	return d.standing(indexDecisionSum, s[:16])
}

func (d decisionsOf) ByMessageID(id string) ([]store.Decision, error) {
	return d.standing(indexDecisionThread, digest(id))
}

func (d decisionsOf) standing(name string, prefix []byte) ([]store.Decision, error) {
	found, err := load(d.tx, decisions, name, prefix)
	var out []store.Decision
	for i := range found {
		out = append(out, found[i].unpack())
	}
	return out, err
}

func (d decisionsOf) List(s store.Slice) (store.Page[store.Decision], error) {
	p, err := records(d.tx, decisions, s)
	out := store.Page[store.Decision]{Next: p.Next}
	for i := range p.Items {
		out.Items = append(out.Items, p.Items[i].unpack())
	}
	return out, err
}

func (d decisionsOf) Put(v store.Decision) error {
	if v.ID == "" {
		return errors.New("write decision: it has no id")
	}
	s := storedDecision{Decision: v}
	for _, i := range v.Identity {
		s.Identity = append(s.Identity, sum(i))
	}
	return decisions.put(d.tx, &s)
}

func (d decisionsOf) Delete(id string) error { return decisions.del(d.tx, appendID(nil, id)) }

var searches = &table[message.Search]{
	name: tableSearch, what: "search request",
	key: func(s *message.Search) []byte { return appendID(nil, s.ID) },
}

type searchesOf struct{ tx *Tx }

func doneKey(id, mailbox string) []byte { return appendText(appendID(nil, id), shorten(mailbox)) }

func (s searchesOf) Put(v message.Search) error {
	if v.ID == "" {
		return errors.New("write search request: it has no id")
	}
	return searches.put(s.tx, &v)
}

func (s searchesOf) Pending(mailbox string) ([]message.Search, error) {
	found, err := all(s.tx, searches, nil)
	done := s.tx.data(bucketSearchDone)
	return slices.DeleteFunc(found, func(v message.Search) bool {
		return done.Get(doneKey(v.ID, mailbox)) != nil
	}), err
}

func (s searchesOf) Done(id, mailbox string, known []string) error {
	if err := s.tx.writable(); err != nil {
		return err
	}
	key := appendID(nil, id)
	if _, ok, err := searches.get(s.tx, key); err != nil || !ok {
		return err
	}
	done := s.tx.data(bucketSearchDone)
	mark := doneKey(id, mailbox)
	if err := done.Put(mark, sealed(mark, nil)); err != nil {
		return err
	}
	for _, m := range known {
		if done.Get(doneKey(id, m)) == nil {
			return nil
		}
	}
	if err := deletePrefix(done, key); err != nil {
		return err
	}
	return searches.del(s.tx, key)
}

type tombstonesOf struct{ tx *Tx }

func (t tombstonesOf) Has(d store.Digest) (bool, error) {
	return t.tx.data(bucketTombstone).Get(d[:]) != nil, nil
}

func (t tombstonesOf) Put(d store.Digest, at time.Time) error {
	if err := t.tx.writable(); err != nil {
		return err
	}
	return t.tx.data(bucketTombstone).Put(d[:], sealed(d[:], appendTime(nil, at)))
}

func (t tombstonesOf) Delete(d store.Digest) error {
	if err := t.tx.writable(); err != nil {
		return err
	}
	return t.tx.data(bucketTombstone).Delete(d[:])
}

var audits = &table[store.AuditRecord]{
	name: tableAudit, what: "audit record",
	key: func(a *store.AuditRecord) []byte { return appendID(nil, a.ID) },
	indexes: []index[store.AuditRecord]{
		{indexAuditTime, func(a *store.AuditRecord, add func(k, v []byte)) {
			add(appendID(appendTime(nil, a.At), a.ID), nil)
		}},
		{indexAuditObject, func(a *store.AuditRecord, add func(k, v []byte)) {
			add(appendID(appendTime(appendText(nil, shorten(a.Object)), a.At), a.ID), nil)
		}},
	},
}

type auditOf struct{ tx *Tx }

func (a auditOf) Add(r store.AuditRecord) error {
	if r.ID == "" {
		return errors.New("add audit record: it has no id")
	}
	if _, ok, err := audits.get(a.tx, appendID(nil, r.ID)); err != nil || ok {
		if err == nil {
			err = fmt.Errorf("add audit record %s: %w", r.ID, store.ErrExists)
		}
		return err
	}
	return audits.put(a.tx, &r)
}

func (a auditOf) Get(id string) (store.AuditRecord, error) {
	return audits.must(a.tx, appendID(nil, id), id)
}

func (a auditOf) List(object string, s store.Slice) (store.Page[store.AuditRecord], error) {
	l := a.tx.listing(indexAuditTime, nil)
	if object != "" {
		l = a.tx.listing(indexAuditObject, appendText(nil, shorten(object)))
	}
	l.newest = true
	return pageOf(a.tx, l, s, func(rest, _ []byte) (store.AuditRecord, bool, error) {
		_, id, err := timedID(rest)
		if err != nil {
			return store.AuditRecord{}, false, fmt.Errorf("read audit index: %w", err)
		}
		return audits.get(a.tx, appendID(nil, id))
	})
}

func (a auditOf) Redact(object string) error {
	for _, r := range a.tx.ixPrefix(indexAuditObject, appendText(nil, shorten(object))) {
		_, id, err := timedID(r.key)
		if err != nil {
			return fmt.Errorf("read audit index: %w", err)
		}
		v, ok, err := audits.get(a.tx, appendID(nil, id))
		if err != nil {
			return err
		}
		if !ok || v.Detail == "" && v.Before == nil && v.After == nil {
			continue
		}
		v.Detail, v.Said, v.Before, v.After = "", phrase.Phrase{}, nil, nil
		if err := audits.put(a.tx, &v); err != nil {
			return err
		}
	}
	return nil
}

func (a auditOf) Trim(before time.Time, most int) (int, error) {
	if err := a.tx.writable(); err != nil {
		return 0, err
	}
	end := string(appendTime(nil, before))
	var gone [][]byte
	c := a.tx.index(indexAuditTime).Cursor()
	for k, _ := c.First(); k != nil && len(gone) < most && string(k[:8]) < end; k, _ = c.Next() {
		gone = append(gone, slices.Clone(k[8:]))
	}
	for _, k := range gone {
		if err := audits.del(a.tx, k); err != nil {
			return 0, err
		}
	}
	return len(gone), nil
}

type stateOf struct{ tx *Tx }

func (s stateOf) Get(name string) ([]byte, error) {
	key := appendText(nil, name)
	raw := s.tx.data(bucketState).Get(key)
	if raw == nil {
		return nil, nil
	}
	v, err := unsealed(key, raw)
	if err != nil {
		return nil, fmt.Errorf("read the value %q: %w", name, err)
	}
	return slices.Clone(v), nil
}

func (s stateOf) Put(name string, value []byte) error {
	if err := s.tx.writable(); err != nil {
		return err
	}
	if value == nil {
		return s.tx.data(bucketState).Delete(appendText(nil, name))
	}
	key := appendText(nil, name)
	return s.tx.data(bucketState).Put(key, sealed(key, slices.Clone(value)))
}
