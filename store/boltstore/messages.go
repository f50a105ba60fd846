package boltstore

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
)

// storedMessage is a message as it is written: digests as text, with the
// identities it was put with.
type storedMessage struct {
	message.Message
	Raw        sum             `json:"raw"`
	TextSum    contentSum      `json:"text_sum"`
	Variants   []storedVariant `json:"variants,omitempty"`
	Identities []identity      `json:"identities,omitempty"`
}

type storedVariant struct {
	Raw     sum        `json:"raw"`
	TextSum contentSum `json:"text_sum"`
}

// sum is a digest in base64; the zero digest is empty.
type sum message.Sum

// MarshalText implements [encoding.TextMarshaler].
func (s sum) MarshalText() ([]byte, error) {
	if s == (sum{}) {
		return []byte{}, nil
	}
	return base64.RawStdEncoding.AppendEncode(nil, s[:]), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *sum) UnmarshalText(b []byte) error { return decodeDigest(s[:], b) }

// contentSum is the digest of a mail's content. Format 3 kept another, of the
// text as it was shown, which stands in its rows without the leading mark.
type contentSum struct {
	sum    message.Sum
	former bool
}

const contentMark = '='

// MarshalText implements [encoding.TextMarshaler].
func (s contentSum) MarshalText() ([]byte, error) {
	if s.former {
		return sum(s.sum).MarshalText()
	}
	return base64.RawStdEncoding.AppendEncode([]byte{contentMark}, s.sum[:]), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *contentSum) UnmarshalText(b []byte) error {
	rest, marked := bytes.CutPrefix(b, []byte{contentMark})
	s.former = !marked
	return decodeDigest(s.sum[:], rest)
}

// identity is the first half of an identity: enough to be sure.
type identity [16]byte

// MarshalText implements [encoding.TextMarshaler].
func (i identity) MarshalText() ([]byte, error) {
	return base64.RawStdEncoding.AppendEncode(nil, i[:]), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (i *identity) UnmarshalText(b []byte) error { return decodeDigest(i[:], b) }

var errDigest = errors.New("digest has a wrong length")

func decodeDigest(dst, b []byte) error {
	clear(dst)
	if len(b) == 0 {
		return nil
	}
	if base64.RawStdEncoding.DecodedLen(len(b)) != len(dst) {
		return errDigest
	}
	_, err := base64.RawStdEncoding.Decode(dst, b)
	return err
}

func pack(m message.Message, ids []identity) storedMessage {
	s := storedMessage{Message: m, Raw: sum(m.Raw), TextSum: contentSum{m.TextSum, m.FormerSums}, Identities: ids}
	for _, v := range m.Variants {
		s.Variants = append(s.Variants, storedVariant{sum(v.Raw), contentSum{v.TextSum, m.FormerSums}})
	}
	return s
}

func (s *storedMessage) unpack() message.Message {
	m := s.Message
	m.Raw, m.TextSum, m.FormerSums, m.Variants = message.Sum(s.Raw), s.TextSum.sum, s.TextSum.former, nil
	for _, v := range s.Variants {
		m.Variants = append(m.Variants, message.Variant{Raw: message.Sum(v.Raw), TextSum: v.TextSum.sum})
	}
	return m
}

var messages = &table[storedMessage]{
	name: tableMessage, what: "message", counted: true,
	key: func(m *storedMessage) []byte { return appendID(nil, string(m.ID)) },
	indexes: []index[storedMessage]{
		{indexIdentity, func(m *storedMessage, add func(k, v []byte)) {
			for _, i := range m.Identities {
				add(appendID(i[:len(i):len(i)], string(m.ID)), nil)
			}
		}},
		{indexMessageID, func(m *storedMessage, add func(k, v []byte)) {
			for _, id := range append([]string{m.Head.MessageID}, m.Head.Aliases...) {
				if id != "" {
					add(appendID(digest(id), string(m.ID)), nil)
				}
			}
		}},
		{indexMeeting, func(m *storedMessage, add func(k, v []byte)) {
			if c := m.Verdict.Calendar; c != nil && c.UID != "" {
				add(appendID(digest(c.Meeting()), string(m.ID)), nil)
			}
		}},
		{indexThread, func(m *storedMessage, add func(k, v []byte)) {
			if m.Thread != "" {
				add(appendID(appendTime(appendID(nil, string(m.Thread)), m.Time), string(m.ID)), nil)
			}
		}},
		{indexAddress, func(m *storedMessage, add func(k, v []byte)) {
			for a := range participants(m) {
				add(appendID(appendTime(appendText(nil, shorten(string(a.Folded()))), m.Time), string(m.ID)), nil)
			}
		}},
		{indexDomain, func(m *storedMessage, add func(k, v []byte)) {
			for a := range participants(m) {
				for _, d := range parents(a.Domain()) {
					add(appendID(appendTime(appendText(nil, shorten(d)), m.Time), string(m.ID)), nil)
				}
			}
		}},
		{indexHolding, func(m *storedMessage, add func(k, v []byte)) {
			for n, h := range m.Holdings {
				key := holdingKey(h.Mailbox, h.Folder, h.UIDValidity, h.UID)
				if h.UID == 0 { // a copy that lost its number is not alone without one
					key = appendUint32(appendID(key, string(m.ID)), uint32(n))
				}
				add(key, appendID(nil, string(m.ID)))
			}
		}},
	},
}

func holdingKey(mailbox, folder string, validity, uid uint32) []byte {
	return appendUint32(appendUint32(appendText(appendText(nil, shorten(mailbox)), shorten(folder)), validity), uid)
}

// participants are the addresses of everybody a message and the messages
// inside it name. Where a copy was delivered to is no participant.
func participants(m *storedMessage) map[contact.Address]struct{} {
	out := map[contact.Address]struct{}{}
	heads := append([]message.Head{m.Head}, m.Inner...)
	for i := range heads {
		h := &heads[i]
		for _, list := range [][]message.Party{h.From, h.Sender, h.ReplyTo, h.To, h.Cc, h.Bcc, h.Resent} {
			for _, p := range list {
				if p.Address != "" {
					out[p.Address] = struct{}{}
				}
			}
		}
	}
	return out
}

// parents returns a domain and those above it that have a dot.
func parents(domain string) []string {
	var out []string
	for d := domain; d != "" && len(out) < 10; {
		out = append(out, d)
		_, rest, _ := strings.Cut(d, ".")
		if !strings.Contains(rest, ".") {
			break
		}
		d = rest
	}
	return out
}

type messagesOf struct{ tx *Tx }

func (m messagesOf) Get(id message.ID) (message.Message, error) {
	s, err := messages.must(m.tx, appendID(nil, string(id)), string(id))
	if err != nil {
		return message.Message{}, err
	}
	return s.unpack(), nil
}

func (m messagesOf) ByIdentity(key message.Sum) (message.ID, error) {
	for _, r := range m.tx.ixPrefix(indexIdentity, key[:16]) {
		id, _, err := readID(r.key)
		return message.ID(id), err
	}
	return "", fmt.Errorf("message of identity %x: %w", key[:8], store.ErrNotFound)
}

func (m messagesOf) ByMessageID(id string) ([]message.ID, error) {
	var out []message.ID
	for _, r := range m.tx.ixPrefix(indexMessageID, digest(id)) {
		found, _, err := readID(r.key)
		if err != nil {
			return nil, fmt.Errorf("read messages of Message-ID: %w", err)
		}
		out = append(out, message.ID(found))
	}
	return out, nil
}

func (m messagesOf) OfMeeting(meeting string, n int) ([]message.ID, error) {
	var out []message.ID
	for _, r := range m.tx.ixPrefix(indexMeeting, digest(meeting)) {
		if len(out) == n {
			break
		}
		id, _, err := readID(r.key)
		if err != nil {
			return nil, fmt.Errorf("read messages of a meeting: %w", err)
		}
		out = append(out, message.ID(id))
	}
	return out, nil
}

func (m messagesOf) ByHolding(mailbox, folder string, uidValidity, uid uint32) (message.ID, error) {
	v := m.tx.ixGet(indexHolding, holdingKey(mailbox, folder, uidValidity, uid))
	if v == nil {
		return "", fmt.Errorf("message of UID %d of %s/%s: %w", uid, mailbox, folder, store.ErrNotFound)
	}
	id, _, err := readID(v)
	return message.ID(id), err
}

func (m messagesOf) ThreadOf(messageID string) (message.ThreadID, error) {
	key := digest(messageID)
	v := m.tx.data(tableThread).Get(key)
	if v == nil {
		return "", fmt.Errorf("thread of a Message-ID: %w", store.ErrNotFound)
	}
	id, err := threadOf(key, v)
	return message.ThreadID(id), err
}

func (m messagesOf) SetThread(messageID string, t message.ThreadID) error {
	if err := m.tx.writable(); err != nil {
		return err
	}
	b, key := m.tx.data(tableThread), digest(messageID)
	val := sealed(key, appendID(nil, string(t)))
	if t == "" {
		return b.Delete(key)
	}
	if bytes.Equal(b.Get(key), val) {
		return nil
	}
	return b.Put(key, val)
}

func (m messagesOf) Thread(t message.ThreadID, s store.Slice) (store.Page[message.ID], error) {
	return pageOf(m.tx, m.tx.listing(indexThread, appendID(nil, string(t))), s, timedMessage)
}

func (m messagesOf) OfAddress(a contact.Address, s store.Slice) (store.Page[message.ID], error) {
	l := m.tx.listing(indexAddress, appendText(nil, shorten(string(a.Folded()))))
	l.newest = true
	return pageOf(m.tx, l, s, timedMessage)
}

func (m messagesOf) OfDomain(d string, s store.Slice) (store.Page[message.ID], error) {
	l := m.tx.listing(indexDomain, appendText(nil, shorten(d)))
	l.newest = true
	return pageOf(m.tx, l, s, timedMessage)
}

func timedMessage(rest, _ []byte) (message.ID, bool, error) {
	_, id, err := timedID(rest)
	return message.ID(id), true, err
}

// timedID reads a time and an id.
func timedID(k []byte) (t time.Time, id string, err error) {
	if t, k, err = readTime(k); err == nil {
		id, _, err = readID(k)
	}
	return t, id, err
}

func (m messagesOf) List(s store.Slice) (store.Page[message.ID], error) {
	return pageOf(m.tx, listing{bucket: m.tx.data(tableMessage)}, s, func(k, _ []byte) (message.ID, bool, error) {
		id, _, err := readID(k)
		return message.ID(id), true, err
	})
}

func (m messagesOf) After(id message.ID, n int) ([]message.ID, error) {
	behind := base64.RawURLEncoding.EncodeToString(appendID(nil, string(id)))
	page, err := m.List(store.Slice{Cursor: store.Cursor(behind), Limit: n})
	return page.Items, err
}

func (m messagesOf) Put(v message.Message, identities []message.Sum) error {
	if v.ID == "" {
		return errors.New("write message: it has no id")
	}
	var ids []identity
	if identities == nil {
		old, _, err := messages.get(m.tx, appendID(nil, string(v.ID)))
		if err != nil {
			return err
		}
		ids = old.Identities
	}
	for _, i := range identities {
		ids = append(ids, identity(i[:16]))
	}
	s := pack(v, ids)
	return messages.put(m.tx, &s)
}

func (m messagesOf) Delete(id message.ID) error { return messages.del(m.tx, appendID(nil, string(id))) }

func (m messagesOf) Count() (int, error) { return m.tx.counted(tableMessage), nil }
