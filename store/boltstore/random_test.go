package boltstore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/outbox"
	"rapport/records/timeline"
	"rapport/store"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// crowd does random things to a store; what it puts refers to what it put.
type crowd struct {
	rnd      *rand.Rand
	contacts []contact.ID
	orgs     []contact.OrganisationID
	mails    []message.ID
	entries  []timeline.ID
	mailings []outbox.ID
}

func pick[T any](r *rand.Rand, from []T) (v T) {
	if len(from) > 0 {
		v = from[r.IntN(len(from))]
	}
	return v
}

func (c *crowd) when() time.Time { return epoch.Add(time.Duration(c.rnd.IntN(1e6)) * time.Second) }

func (c *crowd) address() contact.Address {
	return contact.Address(fmt.Sprintf("p%d@%sd%d.example", c.rnd.IntN(20), pick(c.rnd, []string{"", "mail."}), c.rnd.IntN(5)))
}

func (c *crowd) text() string {
	var words []string
	for range c.rnd.IntN(30) {
		words = append(words, pick(c.rnd, []string{"straße", "東京都", "দাম", "offer", "order"})+fmt.Sprint(c.rnd.IntN(50)))
	}
	return strings.Join(words, " ")
}

func (c *crowd) message(id message.ID) message.Message {
	m := message.Message{ID: id, Time: c.when(), Thread: message.ThreadID(fmt.Sprint("t", c.rnd.IntN(9))), Raw: message.Sum{1}, Head: message.Head{MessageID: fmt.Sprint(c.rnd.IntN(50)),
		From: []message.Party{{Address: c.address()}}, To: []message.Party{{Address: c.address()}, {Address: c.address()}}}}
	m.Holdings = []message.Holding{{Mailbox: "m", Folder: fmt.Sprint("f", c.rnd.IntN(3)), UIDValidity: uint32(c.rnd.IntN(2)), UID: c.rnd.Uint32()}}
	return m
}

// act does one random thing. Ids are made outside of transactions, so that an
// aborted one leaves nothing to refer to.
func (c *crowd) act(tx *Tx) error {
	switch c.rnd.IntN(12) {
	case 0:
		id := contact.ID(store.NewID(epoch))
		c.contacts = append(c.contacts, id)
		return tx.Contacts().Put(contact.Contact{ID: id, Name: fmt.Sprint("N", c.rnd.IntN(9)), Addresses: []contact.Address{c.address(), c.address()}, Affiliations: []contact.Affiliation{{Organisation: pick(c.rnd, c.orgs)}}})
	case 1:
		if len(c.contacts) == 0 {
			return nil
		}
		return tx.Contacts().Put(contact.Contact{ID: pick(c.rnd, c.contacts), Name: "again", Addresses: []contact.Address{c.address()}, MergedInto: pick(c.rnd, []contact.ID{"", "x"})})
	case 2:
		return tx.Contacts().Delete(pick(c.rnd, c.contacts))
	case 3:
		id := contact.OrganisationID(store.NewID(epoch))
		c.orgs = append(c.orgs, id)
		return tx.Organisations().Put(contact.Organisation{ID: id, Name: fmt.Sprint("O", c.rnd.IntN(9)), Domains: []contact.Domain{{Name: c.address().Domain()}}})
	case 4, 5:
		id := message.ID(store.NewID(epoch))
		c.mails = append(c.mails, id)
		return tx.Messages().Put(c.message(id), []message.Sum{{byte(c.rnd.Uint32())}})
	case 6:
		if len(c.mails) == 0 {
			return nil
		}
		return tx.Messages().Put(c.message(pick(c.rnd, c.mails)), nil)
	case 7:
		return tx.Messages().Delete(pick(c.rnd, c.mails))
	case 8, 9:
		id := timeline.ID(store.NewID(epoch))
		c.entries = append(c.entries, id)
		return c.entry(tx, id, pick(c.rnd, []func(store.Fields) *store.Document{store.NewDocument, store.LaterDocument})(store.Fields{Text: c.text(), Subject: c.text(), From: []string{string(c.address())}}))
	case 10:
		if len(c.entries) == 0 {
			return nil
		}
		return c.entry(tx, pick(c.rnd, c.entries), pick(c.rnd, []*store.Document{nil, store.NewDocument(store.Fields{Text: c.text()}), store.LaterDocument(store.Fields{Text: c.text()})}))
	}
	return c.rest(tx)
}

func (c *crowd) entry(tx *Tx, id timeline.ID, d *store.Document) error {
	return tx.Entries().Put(timeline.Entry{ID: id, Time: c.when(), Message: pick(c.rnd, c.mails), Attachment: c.rnd.IntN(2) == 0,
		Contacts: []contact.ID{pick(c.rnd, c.contacts)}, Organisations: []contact.OrganisationID{pick(c.rnd, c.orgs)}}, d)
}

func (c *crowd) rest(tx *Tx) error {
	switch c.rnd.IntN(7) {
	case 0:
		return tx.Entries().Delete(pick(c.rnd, c.entries))
	case 1:
		return tx.Suggestions().Put(store.Suggestion{Address: c.address(), Exchange: c.rnd.IntN(5), Ignored: c.rnd.IntN(3) == 0, Expires: c.when()})
	case 2:
		_, err := tx.Suggestions().Expire(c.when())
		return err
	case 3:
		return tx.Decisions().Put(store.Decision{ID: fmt.Sprint(c.rnd.IntN(20)), Identity: []message.Sum{{byte(c.rnd.IntN(9))}}, Thread: []string{"x"}, Undone: pick(c.rnd, []time.Time{{}, epoch})})
	case 4, 5:
		return c.deliver(tx)
	}
	return tx.Audit().Add(store.AuditRecord{ID: store.NewID(epoch), At: c.when(), Object: fmt.Sprint(c.rnd.IntN(5))})
}

// deliver adds a delivery or has something happen to one.
func (c *crowd) deliver(tx *Tx) error {
	if c.rnd.IntN(2) == 0 || len(c.mailings) == 0 {
		id := outbox.ID(store.NewID(epoch))
		c.mailings = append(c.mailings, id)
		err := tx.Outbox().Add(outbox.Delivery{ID: id, Run: campaign.RunID(fmt.Sprint(c.rnd.IntN(3))), Address: c.address(), Sender: "news", State: outbox.Frozen, Due: c.when()})
		if errors.Is(err, store.ErrExists) {
			return nil
		}
		return errors.Join(err, tx.Outbox().Freeze(id, []byte(c.text())))
	}
	d, err := tx.Outbox().Get(pick(c.rnd, c.mailings))
	if errors.Is(err, store.ErrNotFound) { // its transaction was aborted
		return nil
	} else if err != nil {
		return err
	}
	e := outbox.Event{What: pick(c.rnd, []outbox.What{outbox.Commit, outbox.Accept, outbox.Defer, outbox.Lose, outbox.Find, outbox.Suppress}), Until: c.when()}
	if d, err = d.Apply(e, c.when()); err != nil {
		return nil // it does not fit
	}
	return tx.Outbox().Put(d)
}

// TestRebuiltIsMaintained does random things and demands that the derived rows
// are those a reindex makes.
func TestRebuiltIsMaintained(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true})
	c := &crowd{rnd: rand.New(rand.NewPCG(3, 4))}
	blob, err := s.Pack(t.Context(), message.Bytes("raw"))
	if err != nil {
		t.Fatal(err)
	}
	blob.Sum = message.Sum{1} // what the messages name; only Check would read it
	for range 60 {
		err := s.update(t.Context(), func(tx *Tx) error {
			for range 1 + c.rnd.IntN(60) {
				if err := c.act(tx); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	before := indexRows(t, s)
	q := store.Node{Op: store.OpWord, Value: "offer1", Tokens: store.Tokens("offer1"), Prefix: true}
	hits := searchAll(t, s, store.Query{Root: q})
	if len(before) < 1000 || len(hits) == 0 {
		t.Fatalf("only %d rows and %d hits: the test does not do enough", len(before), len(hits))
	}
	calls := 0
	if err := s.Reindex(t.Context(), func(done, total int) { calls++ }); err != nil || calls == 0 {
		t.Fatalf("Reindex: %v, %d calls of progress", err, calls)
	}
	if after := indexRows(t, s); !slices.Equal(before, after) {
		t.Errorf("rebuilt index differs from the maintained one (-maintained +rebuilt):\n%s", gocmp.Diff(before, after))
	}
	if again := searchAll(t, s, store.Query{Root: q}); !slices.Equal(hits, again) {
		t.Errorf("search finds %d after Reindex, %d before", len(again), len(hits))
	}
	noFaults(t, s, "raw mail")
}

// indexRows lists every derived row but those of the search segments, whose
// cut depends on transactions, with the counts.
func indexRows(t *testing.T, s *Store) []string {
	t.Helper()
	var out []string
	err := s.view(t.Context(), func(tx *Tx) error {
		add := func(name string) func(k, v []byte) error {
			return func(k, v []byte) error {
				out = append(out, fmt.Sprintf("%s %x %x", name, k, v))
				return nil
			}
		}
		for _, name := range indexBuckets {
			if name != indexSegment && name != indexLater { // how far the index has come
				if err := tx.indexBucket(name).ForEach(add(name)); err != nil {
					return err
				}
			}
		}
		return tx.bolt.Bucket([]byte(tableCount)).ForEach(add(tableCount))
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func searchAll(t testing.TB, s *Store, q store.Query) []timeline.ID {
	t.Helper()
	var out []timeline.ID
	for sl := (store.Slice{Limit: 1000}); ; {
		var p store.Page[timeline.Entry]
		if err := s.View(t.Context(), func(tx store.Tx) (err error) {
			p, err = tx.Entries().Search(q, sl)
			return err
		}); err != nil {
			t.Fatalf("Search %s: %v", q, err)
		}
		for _, e := range p.Items {
			out = append(out, e.ID)
		}
		if sl.Cursor = p.Next; sl.Cursor == "" {
			return out
		}
	}
}

// noFaults demands that Check finds nothing but what begins with except.
func noFaults(t *testing.T, s *Store, except ...string) {
	t.Helper()
	faults, err := s.Check(t.Context())
	if err != nil {
		t.Fatalf("Check: %v", err)
	}
	for _, f := range faults {
		if !slices.ContainsFunc(except, func(e string) bool { return strings.Contains(f, e) }) {
			t.Errorf("Check: %s", f)
		}
	}
}

// TestCheckFindsFaults makes one fault of each kind.
func TestCheckFindsFaults(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true, NoMerge: true})
	c := &crowd{rnd: rand.New(rand.NewPCG(5, 6))}
	if err := s.update(t.Context(), func(tx *Tx) error {
		for range 300 {
			if err := c.act(tx); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		want string
		harm func(tx *Tx) error
	}{
		{"contact.address", func(tx *Tx) error { return deleteFirst(tx.indexBucket(indexContactAddress)) }},
		{"message.domain", func(tx *Tx) error { return tx.indexBucket(indexDomain).Put([]byte("x"), nil) }},
		{"counted", func(tx *Tx) error { tx.count(tableMessage, 1); return nil }},
		{"waits for an entry", func(tx *Tx) error { return tx.indexBucket(indexLater).Put([]byte{0, 0, 0, 1}, []byte("none")) }},
		{"the terms of entry", func(tx *Tx) error { return deletePrefix(tx.indexBucket(indexSegment), []byte{rowManifest}) }},
		{"raw mail", func(tx *Tx) error { return nil }},
		{"has no entry", func(tx *Tx) error { return tx.data(bucketText).Put([]byte("none"), packText([]byte("{}"))) }},
		{"unknown format", func(tx *Tx) error { return tx.data(tableContact).Put([]byte("none"), []byte{9}) }},
	} {
		if err := s.update(t.Context(), tt.harm); err != nil {
			t.Fatal(err)
		}
		faults, err := s.Check(t.Context())
		if err != nil || !strings.Contains(strings.Join(faults, "\n"), tt.want) {
			t.Errorf("Check after harm to %s: %q, %v", tt.want, faults, err)
		}
	}
}

func deleteFirst(b *bolt.Bucket) error {
	k, _ := b.Cursor().First()
	return b.Delete(k)
}
