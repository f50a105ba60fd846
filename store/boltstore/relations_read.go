package boltstore

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"rapport/records/message"
	"rapport/records/relation"
	"rapport/records/timeline"
	"rapport/store"
)

// relationAt reads a record; the zero one where there is none.
func relationAt(tx *Tx, key []byte) (relation.Record, error) {
	raw := tx.ixGet(indexRelation, key)
	if raw == nil {
		return relation.Record{}, nil
	}
	return relation.Unpack(raw)
}

type relationsOf struct{ tx *Tx }

func (r relationsOf) Get(who store.Subject) (relation.Record, error) {
	return relationAt(r.tx, subjectPrefix(who))
}

func (r relationsOf) Open(who store.Subject, side relation.Side, from time.Time, n int) ([]store.Waiting, error) {
	key := subjectPrefix(who)
	from, err := r.notSpokenSince(key, from)
	if err != nil {
		return nil, err
	}
	prefix := append(key, byte(side))
	c := r.tx.index(indexRelationTurn).Cursor()
	var out []store.Waiting
	for k, v := c.Seek(append(slices.Clone(prefix), appendTime(nil, from)...)); k != nil && bytes.HasPrefix(k, prefix) && len(out) < n; k, v = c.Next() {
		w := store.Waiting{Who: who}
		if w.Thread, w.Open, err = readTurn(side, k[len(prefix):], v); err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	return out, nil
}

// notSpokenSince returns from when on questions count: a call or meeting
// settles those before it, both sides'.
func (r relationsOf) notSpokenSince(key []byte, from time.Time) (time.Time, error) {
	rec, err := relationAt(r.tx, key)
	if spoken := rec.Calls.Last; !spoken.IsZero() && !spoken.Before(from) {
		from = spoken.Add(time.Microsecond)
	}
	return from, err
}

// readTurn reads a row of relation.turn behind its subject and side.
func readTurn(side relation.Side, rest, v []byte) (message.ThreadID, relation.Open, error) {
	at, thread, err := timedID(rest)
	if err != nil {
		return "", relation.Open{}, fmt.Errorf("read whose turn it is: %w", err)
	}
	id, _, err := readID(v)
	return message.ThreadID(thread), relation.Open{Side: side, Since: at, Entry: timeline.ID(id)}, err
}

func (r relationsOf) Waiting(of store.Kind, side relation.Side, from time.Time, s store.Slice) (store.Page[store.Waiting], error) {
	return pageOf(r.tx, r.tx.listing(indexRelationWait, []byte{byte(side), byte(of)}), startAt(s, from), func(rest, _ []byte) (store.Waiting, bool, error) {
		w, key, err := readWait(of, side, rest)
		if err != nil {
			return w, false, err
		}
		counts, err := r.notSpokenSince(key, w.Since)
		if err != nil || !counts.Equal(w.Since) {
			return w, false, err
		}
		turn := slices.Concat(key, []byte{byte(side)}, appendTime(nil, w.Since), appendID(nil, string(w.Thread)))
		if v := r.tx.ixGet(indexRelationTurn, turn); v != nil {
			var id string
			id, _, err = readID(v)
			w.Entry = timeline.ID(id)
		}
		return w, w.Entry != "", err
	})
}

// startAt has a listing begin with what is at a time or later.
func startAt(s store.Slice, from time.Time) store.Slice {
	if s.Cursor == "" {
		s.Cursor = store.Cursor(base64.RawURLEncoding.EncodeToString(appendTime(nil, from)))
	}
	return s
}

// readWait reads a row of relation.wait behind side and kind, and the key of
// whom it is about.
func readWait(of store.Kind, side relation.Side, rest []byte) (store.Waiting, []byte, error) {
	at, rest, err := readTime(rest)
	if err != nil {
		return store.Waiting{}, nil, err
	}
	key := append([]byte{byte(of)}, rest...)
	who, thread, err := readSubject(key)
	if err != nil {
		return store.Waiting{}, nil, err
	}
	id, _, err := readID(thread)
	w := store.Waiting{Who: who, Thread: message.ThreadID(id), Open: relation.Open{Side: side, Since: at}}
	return w, key[:len(key)-len(thread)], err
}

func (r relationsOf) Quiet(of store.Kind, at time.Time, s store.Slice) (store.Page[store.Silence], error) {
	l := r.tx.listing(indexRelationQuiet, []byte{byte(of)})
	l.newest = true
	return pageOf(r.tx, l, startAt(s, at.Add(time.Microsecond)), func(rest, _ []byte) (store.Silence, bool, error) {
		since, rest, err := readTime(rest)
		if err != nil {
			return store.Silence{}, false, err
		}
		who, _, err := readSubject(append([]byte{byte(of)}, rest...))
		return store.Silence{Who: who, Since: since}, err == nil, err
	})
}

func (r relationsOf) Answers(who store.Subject, side relation.Side, n int) ([]relation.Answer, error) {
	prefix := append(subjectPrefix(who), byte(side))
	l := r.tx.listing(indexRelationAnswer, prefix)
	l.newest = true
	c := l.bucket.Cursor()
	var out []relation.Answer
	for k, v := l.first(c, nil); k != nil && bytes.HasPrefix(k, prefix) && len(out) < n; k, v = previous(c, k) {
		at, id, err := timedID(k[len(prefix):])
		if err != nil {
			return nil, fmt.Errorf("read answers: %w", err)
		}
		asked, _, err := readTime(v)
		if err != nil {
			return nil, fmt.Errorf("read answers: %w", err)
		}
		out = append(out, relation.Answer{Side: side, Asked: asked, Answered: at, Entry: timeline.ID(id)})
	}
	return out, nil
}
