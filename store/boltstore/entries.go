package boltstore

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
)

// storedEntry is an entry with the number under which the search index knows
// its present document.
type storedEntry struct {
	timeline.Entry
	Doc     uint32 `json:"doc,omitempty"`
	Related bool   `json:"rel,omitempty"` // relations count it: it was put by format 3 or later
}

var entries = &table[storedEntry]{
	name: tableEntry, what: "entry", counted: true,
	key: func(e *storedEntry) []byte { return appendID(nil, string(e.ID)) },
	indexes: []index[storedEntry]{
		{indexSubject, func(e *storedEntry, add func(k, v []byte)) {
			for _, c := range e.Contacts {
				add(appendID(appendTime(appendID([]byte{'c'}, string(c)), e.Time), string(e.ID)), docValue(e))
			}
			for _, o := range e.Organisations {
				add(appendID(appendTime(appendID([]byte{'o'}, string(o)), e.Time), string(e.ID)), docValue(e))
			}
		}},
		{indexTime, func(e *storedEntry, add func(k, v []byte)) {
			add(appendID(appendTime(nil, e.Time), string(e.ID)), docValue(e))
		}},
		{indexOfMessage, func(e *storedEntry, add func(k, v []byte)) {
			if e.Message != "" {
				add(appendID(appendID(nil, string(e.Message)), string(e.ID)), docValue(e))
			}
		}},
		{indexEntryThread, func(e *storedEntry, add func(k, v []byte)) {
			if speaks(e) {
				add(appendID(appendTime(appendID(nil, string(e.Thread)), e.Time), string(e.ID)), saidValue(e))
			}
		}},
		{indexDoc, func(e *storedEntry, add func(k, v []byte)) {
			v := append(appendTime(nil, e.Time), flags(e))
			add(appendUint32(nil, e.Doc), appendID(v, string(e.ID)))
		}},
	},
}

// hasAttachment is the flag in rows by which a search need not read the entry.
const hasAttachment = 1

func flags(e *storedEntry) byte {
	if e.Attachment {
		return hasAttachment
	}
	return 0
}

func docValue(e *storedEntry) []byte { return append(appendUint32(nil, e.Doc), flags(e)) }

type entriesOf struct{ tx *Tx }

func (e entriesOf) Get(id timeline.ID) (timeline.Entry, error) {
	s, err := entries.must(e.tx, appendID(nil, string(id)), string(id))
	return s.Entry, err
}

func (e entriesOf) OfMessage(id message.ID) (timeline.Entry, error) {
	for _, r := range e.tx.ixPrefix(indexOfMessage, appendID(nil, string(id))) {
		s, err := entries.must(e.tx, r.key, string(id))
		return s.Entry, err
	}
	return timeline.Entry{}, fmt.Errorf("entry of message %q: %w", id, store.ErrNotFound)
}

func subjectPrefix(s store.Subject) []byte {
	if s.Contact != "" {
		return appendID([]byte{'c'}, string(s.Contact))
	}
	return appendID([]byte{'o'}, string(s.Organisation))
}

func (e entriesOf) Of(who store.Subject, s store.Slice) (store.Page[timeline.Entry], error) {
	if (who.Contact == "") == (who.Organisation == "") {
		return store.Page[timeline.Entry]{}, errors.New("list history: name a contact or an organisation")
	}
	return e.page(indexSubject, subjectPrefix(who), s)
}

func (e entriesOf) Recent(s store.Slice) (store.Page[timeline.Entry], error) {
	return e.page(indexTime, nil, s)
}

func (e entriesOf) Before(t time.Time, s store.Slice) (store.Page[timeline.Entry], error) {
	if s.Cursor == "" { // the place of an entry at t, were there one
		s.Cursor = store.Cursor(base64.RawURLEncoding.EncodeToString(appendTime(nil, t)))
	}
	return e.Recent(s)
}

func (e entriesOf) page(name string, prefix []byte, s store.Slice) (store.Page[timeline.Entry], error) {
	l := e.tx.listing(name, prefix)
	l.newest = true
	return pageOf(e.tx, l, s, func(rest, _ []byte) (timeline.Entry, bool, error) {
		_, id, err := timedID(rest)
		if err != nil {
			return timeline.Entry{}, false, fmt.Errorf("read index of entries: %w", err)
		}
		v, ok, err := entries.get(e.tx, appendID(nil, id))
		return v.Entry, ok, err
	})
}

func (e entriesOf) Put(v timeline.Entry, d *store.Document) error {
	if v.ID == "" {
		return errors.New("write entry: it has no id")
	}
	if err := e.tx.writable(); err != nil {
		return err
	}
	key := appendID(nil, string(v.ID))
	old, had, err := entries.get(e.tx, key)
	if err != nil {
		return err
	}
	if d != nil && old.Doc != 0 {
		e.tx.notLater(old.Doc, key)
	}
	s := storedEntry{Entry: v, Doc: old.Doc, Related: true}
	if s.Doc == 0 || d != nil {
		if s.Doc, err = e.tx.nextDoc(); err != nil {
			return err
		}
	}
	if d != nil {
		if err := e.putText(key, s.Doc, d); err != nil {
			return fmt.Errorf("write text of entry %s: %w", v.ID, err)
		}
	}
	was := &old
	if !had {
		was = nil
	}
	if err := e.tx.relate(was, &s); err != nil {
		return fmt.Errorf("write entry %s: %w", v.ID, err)
	}
	return entries.put(e.tx, &s)
}

// putText stores what the document was made of and hands its terms to the
// index. A document has its own number for ever: one that is replaced leaves
// its rows behind, which name nothing any more.
func (e entriesOf) putText(key []byte, doc uint32, d *store.Document) error {
	packed, dense := d.Packed, d.Dense
	if packed == nil {
		f := d.Fields
		f.Text = d.Text
		var err error
		if packed, dense, err = f.Pack(); err != nil {
			return err
		}
	}
	format := byte(formatCText)
	if dense {
		format = formatZText
	}
	row := append(append(make([]byte, 0, len(packed)+1+sealSize), format), packed...)
	if err := e.tx.data(bucketText).Put(key, sealed(key, row)); err != nil {
		return err
	}
	if d.Terms == nil {
		e.tx.putLater(doc, key)
		return nil
	}
	return e.tx.addTerms(doc, d.Terms)
}

func (tx *Tx) nextDoc() (uint32, error) { return tx.next(keyNextDoc) }

// next returns the next of the numbers kept under a name, from 1.
func (tx *Tx) next(name []byte) (uint32, error) {
	b := tx.bolt.Bucket(bucketMeta)
	n := uint32(1)
	if v := b.Get(name); len(v) == 4 {
		n = binary.BigEndian.Uint32(v) + 1
	}
	if n == 0 {
		return 0, fmt.Errorf("count %s: more than 4,294,967,295", name)
	}
	return n, b.Put(name, appendUint32(nil, n))
}

func (e entriesOf) Delete(id timeline.ID) error {
	if err := e.tx.writable(); err != nil {
		return err
	}
	key := appendID(nil, string(id))
	old, found, err := entries.get(e.tx, key)
	if err != nil {
		return err
	}
	if found {
		e.tx.notLater(old.Doc, key)
	}
	if err := e.tx.data(bucketText).Delete(key); err != nil {
		return err
	}
	old, ok, err := entries.get(e.tx, key)
	if err != nil || !ok {
		return err
	}
	if err := e.tx.relate(&old, nil); err != nil {
		return fmt.Errorf("delete entry %s: %w", id, err)
	}
	return entries.del(e.tx, key)
}

func (e entriesOf) Text(id timeline.ID) (string, error) {
	f, err := e.Fields(id)
	return f.Text, err
}

func (e entriesOf) Fields(id timeline.ID) (store.Fields, error) {
	f, err := e.fields(appendID(nil, string(id)))
	if err != nil {
		return store.Fields{}, fmt.Errorf("read text of entry %s: %w", id, err)
	}
	return f, nil
}

// fields reads what an entry's document was made of; ErrNotFound without one.
func (e entriesOf) fields(key []byte) (store.Fields, error) {
	var f store.Fields
	raw := e.tx.data(bucketText).Get(key)
	if raw == nil {
		return f, store.ErrNotFound
	}
	return unpackFields(key, raw)
}

// textSize is how many bytes a row of texts unpacks to, as far as it tells.
func textSize(row []byte) int {
	if len(row) == 0 {
		return 0
	}
	switch row[0] {
	case formatCText:
		if n, err := s2.DecodedLen(row[1:]); err == nil {
			return n
		}
	case formatZText, formatZstd:
		var h zstd.Header
		if h.Decode(row[1:]) == nil && h.HasFCS && h.FrameContentSize < 1<<30 {
			return int(h.FrameContentSize)
		}
	}
	return len(row)
}

// unpackFields reads a row of texts.
func unpackFields(key, row []byte) (f store.Fields, err error) {
	var b []byte
	switch {
	case len(row) > 0 && row[0] == formatCText:
		if b, err = unsealed(key, row); err == nil {
			b, err = s2.Decode(nil, b[1:])
		}
	case len(row) > 0 && row[0] == formatZText:
		if b, err = unsealed(key, row); err == nil {
			b, err = textDecoder.DecodeAll(b[1:], nil)
		}
	default:
		b, err = unpackText(row)
	}
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(b, &f)
}
