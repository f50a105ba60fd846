package boltstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
)

// prepared is what intake hands to one transaction for one mail.
type prepared struct {
	m  message.Message
	e  timeline.Entry
	d  *store.Document
	b  store.Blob
	id message.Sum
}

// prepare makes n mails of about 1.3 KB as intake would, outside transactions.
func prepare(tb testing.TB, s *Store, rnd *rand.Rand, from, n int) []prepared {
	tb.Helper()
	out := make([]prepared, n)
	for i := range out {
		no := from + i
		var words strings.Builder
		for range 150 {
			fmt.Fprintf(&words, "w%d ", int(rnd.ExpFloat64()*2000))
		}
		at := epoch.Add(time.Duration(no) * time.Minute)
		cust, mid := rnd.IntN(500), fmt.Sprintf("CAF%dxQ%d@mail.example.org", no, rnd.Uint64())
		who := contact.Address(fmt.Sprintf("person%d@company%d.example", cust, cust%100))
		b, err := s.Pack(context.Background(), message.Bytes("From: x\r\nMessage-ID: <"+mid+">\r\n\r\n"+words.String()))
		if err != nil {
			tb.Fatal(err)
		}
		id, cid := store.NewID(at), contact.ID(fmt.Sprintf("01KDVDNA00V4QWH59W%08d", cust))
		m := message.Message{ID: message.ID(id), Thread: message.ThreadID(id), Time: at, Received: at, Size: b.Size, Direction: message.In, Raw: b.Sum, TextSum: b.Sum,
			Head: message.Head{MessageID: mid, Date: at, Subject: fmt.Sprint("Re: order ", no), MediaType: "text/plain",
				From: []message.Party{{Name: fmt.Sprint("Person ", cust), Address: who}}, To: []message.Party{{Name: "Info", Address: "info@our.example"}}, References: []string{mid + "1", mid + "2"}},
			Verdict: message.Verdict{Kind: message.Personal}, Trust: message.TrustNone, Snippet: words.String()[:120],
			Holdings: []message.Holding{{Mailbox: "info", Folder: "INBOX", UIDValidity: 1, UID: uint32(no + 1), Size: b.Size}},
			Matches:  []message.Match{{Contact: cid, Organisation: "01KDVDNA00V4QWH59WBYTB4R93", Rule: "address", Certain: true, Role: "from", Address: who}}}
		e := timeline.Entry{ID: timeline.ID(id), Time: at, Kind: timeline.Message, Direction: message.In, Subject: m.Head.Subject, Snippet: m.Snippet, Message: m.ID, Thread: m.Thread,
			Contacts: []contact.ID{cid}, Organisations: []contact.OrganisationID{"01KDVDNA00V4QWH59WBYTB4R93"}}
		out[i] = prepared{m, e, store.NewDocument(store.Fields{Subject: e.Subject, Text: words.String(), From: []string{m.Head.From[0].Name, string(who)}, To: []string{"info@our.example"}}), b, b.Sum}
	}
	return out
}

func put(tb testing.TB, s *Store, batch []prepared) {
	tb.Helper()
	err := s.Update(context.Background(), func(tx store.Tx) error {
		var uids []uint32
		for _, p := range batch {
			if _, err := tx.Messages().ByMessageID(p.m.Head.MessageID); err != nil {
				return err
			}
			for _, err := range []error{tx.Blobs().Put(p.b), tx.Messages().Put(p.m, []message.Sum{p.id}), tx.Messages().SetThread(p.m.Head.MessageID, p.m.Thread), tx.Entries().Put(p.e, p.d)} {
				if err != nil {
					return err
				}
			}
			uids = append(uids, p.m.Holdings[0].UID)
		}
		return tx.Folders().Settle(message.Folder{Mailbox: "info", Name: "INBOX", UIDValidity: 1}, store.Settlement{UIDs: message.UIDs(uids...), Stored: true})
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func BenchmarkBatch(b *testing.B) {
	for _, size := range []int{1, 250, 500, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := openTest(b, Options{})
			rnd := rand.New(rand.NewPCG(1, 1))
			n := 0
			for b.Loop() {
				b.StopTimer()
				batch := prepare(b, s, rnd, n, size)
				n += size
				b.StartTimer()
				put(b, s, batch)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "mails/s")
			if size, err := s.Size(); err == nil {
				b.ReportMetric(float64(size.Database)/float64(n), "bytes/mail")
			}
		})
	}
}

func BenchmarkSearch(b *testing.B) {
	s := openTest(b, Options{NoSync: true})
	rnd := rand.New(rand.NewPCG(1, 1))
	const docs = 20000
	for n := 0; n < docs; n += 500 {
		put(b, s, prepare(b, s, rnd, n, 500))
	}
	before, after, err := s.Compact(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d mails: %d bytes, %d after Compact", docs, before, after)
	for _, query := range []string{"w1", "w6000", "w100 w200", `"w1 w2"`, "w99*", "from:person7", "with:person7@company7.example", "in:inbox", "w1 before:2026-01-05", "-w1"} {
		q, err := store.ParseQuery(query)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(query, func(b *testing.B) {
			for b.Loop() {
				if err := s.View(context.Background(), func(tx store.Tx) error {
					_, err := tx.Entries().Search(q, store.Slice{Limit: 50})
					return err
				}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("recent", func(b *testing.B) {
		for b.Loop() {
			if err := s.View(context.Background(), func(tx store.Tx) error {
				_, err := tx.Entries().Recent(store.Slice{Limit: 50})
				return err
			}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkPack(b *testing.B) {
	for _, size := range []int{1300, 32 << 10, 4 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := openTest(b, Options{NoSync: true})
			raw := noise(size, 1)
			copy(raw[size/2:], strings.Repeat("some text that shrinks ", size/46))
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := s.Pack(context.Background(), message.Bytes(raw)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSingleUpdate changes the text of one entry in a transaction of its
// own, in turns with a bare transaction of the engine that puts one record of
// the same size, both durable. share is our pace by the bare one's, and is to be
// 0.5 at least.
func BenchmarkSingleUpdate(b *testing.B) {
	s := openTest(b, Options{})
	rnd := rand.New(rand.NewPCG(3, 4))
	mails := prepare(b, s, rnd, 0, 1000)
	put(b, s, mails)
	if err := s.Index(b.Context()); err != nil {
		b.Fatal(err)
	}
	bare := []byte("bench")
	err := s.db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket(bare)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	var ours, theirs time.Duration
	for n := 0; b.Loop(); n++ {
		p := mails[n%len(mails)]
		doc := store.LaterDocument(p.d.Fields)
		began := time.Now()
		err := s.Update(b.Context(), func(tx store.Tx) error { return tx.Entries().Put(p.e, doc) })
		ours += time.Since(began)
		began = time.Now()
		failed := s.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bare).Put([]byte(p.e.ID), doc.Packed) })
		theirs += time.Since(began)
		if err := errors.Join(err, failed); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(theirs)/float64(ours), "share")
}
