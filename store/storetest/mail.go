package storetest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
)

func testMessages(t *testing.T, s store.Store) {
	m := message.Message{ID: newID[message.ID](0), Thread: newID[message.ThreadID](0), Time: at(0), Received: at(1), Size: 9,
		Head: message.Head{MessageID: "m@x", Aliases: []string{"alias@x"}, Subject: "S", From: []message.Party{{Name: "Ada", Address: "ada@x.example"}}},
		Raw:  message.Sum{1}, TextSum: message.Sum{2}, Variants: []message.Variant{{Raw: message.Sum{3}, TextSum: message.Sum{4}}},
		Verdict: message.Verdict{Kind: message.Calendar, Calendar: &message.CalendarEvent{UID: "u", Instance: "1"}}, Flags: []string{"variant"},
		Holdings: []message.Holding{{Mailbox: "info", Folder: "INBOX", UIDValidity: 7, UID: 1, Size: 9}, {Mailbox: "info", Folder: "Sent/Ümlaut", UIDValidity: 8, UID: 4294967295, Variant: 1}},
		Matches:  []message.Match{{Contact: "c", Rule: "address", Certain: true}}}
	update(t, s, func(tx store.Tx) error { return tx.Messages().Put(m, []message.Sum{{9}, {8}}) })
	get := func(tx store.Tx) (message.Message, error) { return tx.Messages().Get(m.ID) }
	equal(t, "Get", view(t, s, get), m)
	ids := func(fn func(store.Messages) ([]message.ID, error)) []message.ID {
		return view(t, s, func(tx store.Tx) ([]message.ID, error) { return fn(tx.Messages()) })
	}
	for _, id := range []string{"m@x", "alias@x"} {
		equal(t, "ByMessageID "+id, ids(func(c store.Messages) ([]message.ID, error) { return c.ByMessageID(id) }), []message.ID{m.ID})
	}
	meeting := func(name string, n int) []message.ID {
		return ids(func(c store.Messages) ([]message.ID, error) { return c.OfMeeting(name, n) })
	}
	equal(t, "OfMeeting", meeting("u\n1", 5), []message.ID{m.ID})
	equal(t, "OfMeeting, none of them", meeting("u\n1", 0), nil)
	equal(t, "OfMeeting of another", meeting("u\n", 5), nil)
	equal(t, "ByMessageID of none", ids(func(c store.Messages) ([]message.ID, error) { return c.ByMessageID("M@x") }), nil)
	identity := func(sum message.Sum) func(store.Tx) (message.ID, error) {
		return func(tx store.Tx) (message.ID, error) { return tx.Messages().ByIdentity(sum) }
	}
	holding := func(folder string, v, uid uint32) func(store.Tx) (message.ID, error) {
		return func(tx store.Tx) (message.ID, error) { return tx.Messages().ByHolding("info", folder, v, uid) }
	}
	equal(t, "ByIdentity", view(t, s, identity(message.Sum{8})), m.ID)
	equal(t, "ByHolding", view(t, s, holding("Sent/Ümlaut", 8, 4294967295)), m.ID)
	missing(t, s, "ByHolding of another UID", holding("INBOX", 7, 2))

	m.Holdings = m.Holdings[:1]
	update(t, s, func(tx store.Tx) error { return tx.Messages().Put(m, nil) })
	equal(t, "ByIdentity after Put with nil", view(t, s, identity(message.Sum{9})), m.ID)
	missing(t, s, "ByHolding of a lost copy", holding("Sent/Ümlaut", 8, 4294967295))
	update(t, s, func(tx store.Tx) error { return tx.Messages().Put(m, []message.Sum{{5}}) })
	missing(t, s, "ByIdentity of a replaced one", identity(message.Sum{9}))
	equal(t, "ByIdentity of the new one", view(t, s, identity(message.Sum{5})), m.ID)

	count := func() int { return view(t, s, func(tx store.Tx) (int, error) { return tx.Messages().Count() }) }
	equal(t, "Count", count(), 1)
	update(t, s, func(tx store.Tx) error {
		return errors.Join(tx.Messages().Delete(m.ID), tx.Messages().Delete("none"))
	})
	equal(t, "Count after Delete", count(), 0)
	missing(t, s, "Get of a deleted one", get)
	missing(t, s, "ByIdentity of a deleted one", identity(message.Sum{5}))
	missing(t, s, "ByHolding of a deleted one", holding("INBOX", 7, 1))
}

func testMessageIndexes(t *testing.T, s store.Store) {
	var ids []message.ID
	from := []contact.Address{"a@x.example", "b@mail.x.example", "c@y.example", "a+tag@x.example"}
	update(t, s, func(tx store.Tx) error {
		ids = nil
		for i, a := range from {
			m := message.Message{ID: newID[message.ID](9 - i), Time: at(i), Head: message.Head{From: []message.Party{{Address: a}},
				Cc: []message.Party{{Address: a}, {Raw: "unreadable"}}, DeliveredTo: []message.Party{{Address: "not@part.example"}}}}
			if i == 2 {
				m.Inner = []message.Head{{To: []message.Party{{Address: "inner@z.example"}}}}
			}
			ids = append(ids, m.ID)
			if err := tx.Messages().Put(m, nil); err != nil {
				return err
			}
		}
		return nil
	})
	address := func(a contact.Address, sl store.Slice) store.Page[message.ID] {
		return view(t, s, func(tx store.Tx) (store.Page[message.ID], error) { return tx.Messages().OfAddress(a, sl) })
	}
	domain := func(d string) []message.ID {
		return view(t, s, func(tx store.Tx) (store.Page[message.ID], error) { return tx.Messages().OfDomain(d, store.Slice{}) }).Items
	}
	equal(t, "OfAddress", address("a@x.example", store.Slice{}).Items, []message.ID{ids[3], ids[0]})
	first := address("a@x.example", store.Slice{Limit: 1})
	equal(t, "OfAddress, second page", address("a@x.example", store.Slice{Cursor: first.Next}).Items, []message.ID{ids[0]})
	equal(t, "OfAddress of an inner one", address("inner@z.example", store.Slice{}).Items, []message.ID{ids[2]})
	equal(t, "OfAddress of a delivery", address("not@part.example", store.Slice{}).Items, nil)
	equal(t, "OfDomain with subdomains", domain("x.example"), []message.ID{ids[3], ids[1], ids[0]})
	equal(t, "OfDomain of a subdomain", domain("mail.x.example"), []message.ID{ids[1]})
	equal(t, "OfDomain of a part of a label", domain("example"), nil)
}

func testThreads(t *testing.T, s store.Store) {
	one, two := newID[message.ThreadID](0), newID[message.ThreadID](1)
	var ids []message.ID
	update(t, s, func(tx store.Tx) error {
		ids = nil
		for i := range 4 {
			id := newID[message.ID](i)
			ids = append(ids, id)
			thread := one
			if i == 3 {
				thread = two
			}
			if err := tx.Messages().Put(message.Message{ID: id, Thread: thread, Time: at(10 - i)}, nil); err != nil {
				return err
			}
		}
		return errors.Join(tx.Messages().SetThread("a@x", one), tx.Messages().SetThread("a@x", one), tx.Messages().SetThread("b@x", two))
	})
	list := func() []message.ID {
		return view(t, s, func(tx store.Tx) (store.Page[message.ID], error) { return tx.Messages().Thread(one, store.Slice{}) }).Items
	}
	of := func(id string) func(store.Tx) (message.ThreadID, error) {
		return func(tx store.Tx) (message.ThreadID, error) { return tx.Messages().ThreadOf(id) }
	}
	equal(t, "Thread, oldest first", list(), []message.ID{ids[2], ids[1], ids[0]})
	equal(t, "ThreadOf", view(t, s, of("b@x")), two)
	missing(t, s, "ThreadOf", of("c@x"))
	update(t, s, func(tx store.Tx) error {
		m, err := tx.Messages().Get(ids[3])
		m.Thread = one
		return errors.Join(err, tx.Messages().Put(m, nil), tx.Messages().SetThread("b@x", one))
	})
	equal(t, "Thread after a merge", list(), []message.ID{ids[3], ids[2], ids[1], ids[0]})
	equal(t, "ThreadOf after a merge", view(t, s, of("b@x")), one)
	update(t, s, func(tx store.Tx) error { return tx.Messages().SetThread("b@x", "") })
	missing(t, s, "ThreadOf what has left", of("b@x"))
}

func testBlobs(t *testing.T, s store.Store) {
	noise := make([]byte, 700<<10)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	for name, raw := range map[string][]byte{
		"empty": {}, "short": []byte("Subject: x\r\n\r\nbody\x00\xff"), "compressible": bytes.Repeat([]byte("line\r\n"), 1<<20), "large": noise,
	} {
		b, err := s.Pack(t.Context(), message.Bytes(raw))
		if err != nil {
			t.Fatalf("Pack %s: %v", name, err)
		}
		if b.Sum != sha256.Sum256(raw) || b.Size != int64(len(raw)) {
			t.Errorf("Pack %s: wrong digest or size %d", name, b.Size)
		}
		has := func() bool {
			return view(t, s, func(tx store.Tx) (bool, error) { return tx.Blobs().Has(b.Sum) })
		}
		equal(t, "Has before Put of "+name, has(), false)
		missing(t, s, "Open before Put", func(tx store.Tx) (io.ReadCloser, error) { return tx.Blobs().Open(b.Sum) })
		update(t, s, func(tx store.Tx) error { return errors.Join(tx.Blobs().Put(b), tx.Blobs().Put(b)) })
		equal(t, "Has of "+name, has(), true)
		readBack(t, s, name, b.Sum, raw)
		update(t, s, func(tx store.Tx) error { return errors.Join(tx.Blobs().Delete(b.Sum), tx.Blobs().Put(b)) })
		readBack(t, s, name+" deleted and put in one", b.Sum, raw)
		update(t, s, func(tx store.Tx) error { return tx.Blobs().Delete(b.Sum) })
		equal(t, "Has after Delete of "+name, has(), false)
	}
}

func readBack(t *testing.T, s store.Store, name string, id message.Sum, want []byte) {
	t.Helper()
	r := view(t, s, func(tx store.Tx) (io.ReadCloser, error) { return tx.Blobs().Open(id) })
	got, err := io.ReadAll(r) // after the transaction
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %s: %d bytes, %v; want %d", name, len(got), err, len(want))
	}
	if err := r.Close(); err != nil {
		t.Errorf("close %s: %v", name, err)
	}
}
