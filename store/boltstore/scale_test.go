package boltstore

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
)

// TestDocSet compares sets of documents with maps, on both sides of the size
// at which a list becomes a bitmap.
func TestDocSet(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(3, 4))
	random := func() (docSet, map[uint32]bool) {
		var s docSet
		m := map[uint32]bool{}
		span := uint32(1) << (4 + rnd.IntN(18))
		for range rnd.IntN(4) {
			docs := make([]uint32, rnd.IntN(maxListed))
			for i := range docs {
				docs[i] = rnd.Uint32N(span) + 1
				m[docs[i]] = true
			}
			s.add(docs)
		}
		s.seal()
		return s, m
	}
	same := func(what string, s docSet, m map[uint32]bool) {
		t.Helper()
		all := s.all()
		if !slices.IsSorted(all) || len(all) != len(m) || s.size() != len(m) {
			t.Fatalf("%s: %d numbers, size %d, sorted %v; want %d", what, len(all), s.size(), slices.IsSorted(all), len(m))
		}
		for _, d := range all {
			if !m[d] || !s.has(d) {
				t.Fatalf("%s: %d: in the map %v, has %v", what, d, m[d], s.has(d))
			}
		}
		if d := rnd.Uint32(); s.has(d) != m[d] {
			t.Fatalf("%s: has(%d) = %v", what, d, s.has(d))
		}
	}
	for range 60 {
		a, am := random()
		b, bm := random()
		same("filled", a, am)
		both, either := map[uint32]bool{}, map[uint32]bool{}
		for d := range am {
			either[d] = true
			if bm[d] {
				both[d] = true
			}
		}
		for d := range bm {
			either[d] = true
		}
		same("common", a.common(b), both)
		var u docSet
		u.join(a)
		u.join(b)
		u.seal()
		same("joined", u, either)
		same("after it was joined", a, am)
	}
}

const (
	busyID  = contact.ID("01KDVDNA00V4QWH59W00000001") // takes part in everything
	quietID = contact.ID("01KDVDNA00V4QWH59W00000002") // in every third
	firmID  = contact.OrganisationID("01KDVDNA00V4QWH59WBYTB4R93")
)

// grown fills a store with n entries whose properties follow from their number.
func grown(t testing.TB, n int) *Store {
	s := openTest(t, Options{NoSync: true, NoMerge: true, bounds: grownBounds})
	for from := 0; from < n; from += 500 {
		err := s.update(t.Context(), func(tx *Tx) error {
			if err := tx.Organisations().Put(contact.Organisation{ID: firmID, Name: "Firm"}); err != nil {
				return err
			}
			for _, c := range []contact.Contact{{ID: busyID, Name: "Busy Bee"}, {ID: quietID, Name: "Quiet Quill"}} {
				if err := tx.Contacts().Put(c); err != nil {
					return err
				}
			}
			for i := from; i < min(n, from+500); i++ {
				m, e, text := grownEntry(i, n)
				doc := store.NewDocument(store.Fields{Subject: e.Subject, Text: text})
				if err := tx.Messages().Put(m, nil); err != nil {
					return err
				}
				if err := tx.Entries().Put(e, doc); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.mergeTier(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	return s
}

// grownEntry is entry i of n. What lies in Archive is the oldest third.
func grownEntry(i, n int) (message.Message, timeline.Entry, string) {
	at := epoch.Add(time.Duration(i) * time.Minute)
	id := store.NewID(at)
	folder := "INBOX"
	switch {
	case i < n/3:
		folder = "Old/Archive"
	case i%4 == 0:
		folder = "Sent"
	}
	m := message.Message{ID: message.ID(id), Thread: message.ThreadID(id), Time: at, Received: at,
		Holdings: []message.Holding{{Mailbox: "m" + strconv.Itoa(i%3), Folder: folder, UIDValidity: 1, UID: uint32(i + 1)}}}
	e := timeline.Entry{ID: timeline.ID(id), Time: at, Kind: timeline.Message, Subject: "number " + strconv.Itoa(i), Message: m.ID, Thread: m.Thread,
		Contacts: []contact.ID{busyID}, Organisations: []contact.OrganisationID{firmID}, Attachment: i%5 == 0}
	if i%3 == 0 {
		e.Contacts = append(e.Contacts, quietID)
	}
	text := "always"
	for _, k := range []int{2, 3, 40, 1000} {
		if i%k == 0 {
			text += " by" + strconv.Itoa(k)
		}
	}
	return m, e, text
}

// TestM38_SearchAtSize demands of searches that go through lists, bitmaps, one
// history or entry by entry what a scan of all entries finds, and of pages
// that they cost the same whatever the store's size.
func TestM38_SearchAtSize(t *testing.T) { // alone: it counts allocations
	s := grown(t, grownEntries)
	tries := compareAtSize(t, s, grownEntries) + allocationsAtSize(t, grown(t, grownEntries/4), s)
	t.Attr("tries", strconv.Itoa(tries))
}

// compareAtSize returns how many searches it made.
func compareAtSize(t *testing.T, s *Store, n int) int {
	t.Helper()
	day := func(d int) string { return epoch.AddDate(0, 0, d).Format(time.DateOnly) }
	by := func(k int) func(int) bool { return func(i int) bool { return i%k == 0 } }
	archive := func(i int) bool { return i < n/3 }
	sent := func(i int) bool { return !archive(i) && i%4 == 0 }
	always := func(int) bool { return true }
	and := func(a, b func(int) bool) func(int) bool { return func(i int) bool { return a(i) && b(i) } }
	or := func(a, b func(int) bool) func(int) bool { return func(i int) bool { return a(i) || b(i) } }
	not := func(a func(int) bool) func(int) bool { return func(i int) bool { return !a(i) } }
	asked := []struct {
		query string
		holds func(int) bool
	}{
		{"always", always}, {"by2", by(2)}, {"by2 by3", by(6)}, {"by40 by1000", by(1000)}, {"by2 by1000", by(1000)},
		{"by2 OR by3", or(by(2), by(3))}, {"-by2", not(by(2))}, {"by3 -by2", and(by(3), not(by(2)))}, {"by*", or(by(2), by(3))},
		{`"always by2"`, by(2)}, {`"by2 by3"`, by(6)}, {`"by3 by2"`, not(always)}, {"has:attachment by3", by(15)},
		{"with:" + string(busyID), always}, {"with:" + string(quietID), by(3)}, {"with:" + string(firmID) + " by40", by(40)},
		{"with:" + string(busyID) + " by3", by(3)}, {"-with:" + string(busyID), not(always)}, {"-with:" + string(quietID), not(by(3))},
		{"with:" + string(busyID) + " with:" + string(quietID), by(3)}, {"with:busy OR by2", always}, {`with:"quiet quill" by2`, by(6)},
		{"in:sent", sent}, {"in:archive", archive}, {"in:archive by40", and(archive, by(40))}, {"in:inbox", not(or(archive, sent))},
		{"in:m1", func(i int) bool { return i%3 == 1 }}, {"in:m0 by2", by(6)}, {"-in:archive by3", and(not(archive), by(3))},
		{"in:archive OR in:sent", or(archive, sent)}, {"in:nowhere", not(always)}, {"in:archive with:" + string(busyID), archive},
		{"before:" + day(2) + " with:" + string(busyID), func(i int) bool { return i < 2*1440 }},
		{"after:" + day(1) + " before:" + day(3) + " by3", func(i int) bool { return i >= 1440 && i < 3*1440 && i%3 == 0 }},
	}
	for k, a := range asked {
		q, err := store.ParseQuery(a.query)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for i := n - 1; i >= 0; i-- {
			if a.holds(i) {
				want = append(want, "number "+strconv.Itoa(i))
			}
		}
		if k > 0 { // of the first the whole, of the others some pages
			want = want[:min(len(want), 4*grownPage/3)]
		}
		got := searchSubjects(t, s, q, len(want))
		if !slices.Equal(got[:min(len(got), max(len(want), 1))], want) {
			t.Errorf("search %s finds %d, want %d; first %v", a.query, len(got), len(want), got[:min(3, len(got))])
		}
	}
	return len(asked)
}

// grownPage is the page size of searches over it.
const grownPage = 600

// searchSubjects reads pages until there are enough, or no more.
func searchSubjects(t testing.TB, s *Store, q store.Query, enough int) (out []string) {
	t.Helper()
	for sl := (store.Slice{Limit: grownPage}); ; {
		err := s.View(t.Context(), func(tx store.Tx) error {
			p, err := tx.Entries().Search(q, sl)
			for _, e := range p.Items {
				out = append(out, e.Subject)
			}
			sl.Cursor = p.Next
			return err
		})
		if err != nil {
			t.Fatalf("Search %s: %v", q, err)
		}
		if sl.Cursor == "" || len(out) > enough {
			return out
		}
	}
}

// allocationsAtSize measures what a page costs in allocations, which the
// machine's other work does not touch: four times the entries must not cost
// much more. It returns how many pages it compared.
func allocationsAtSize(t *testing.T, small, large *Store) (tries int) {
	t.Helper()
	search := func(text string) func(tx store.Tx) error {
		q, err := store.ParseQuery(text)
		if err != nil {
			t.Fatal(err)
		}
		return func(tx store.Tx) error {
			_, err := tx.Entries().Search(q, store.Slice{Limit: 50})
			return err
		}
	}
	// A page costs the same whatever the size; where a short list becomes a
	// long history on the way, somewhat more.
	const maxGrowth = 1.2
	for _, c := range []struct {
		name string
		grow float64 // exponent
		ask  func(tx store.Tx) error
	}{
		{"recent", 0.1, func(tx store.Tx) error { _, err := tx.Entries().Recent(store.Slice{Limit: 50}); return err }},
		{"history", 0.1, func(tx store.Tx) error {
			_, err := tx.Entries().Of(store.Subject{Contact: busyID}, store.Slice{Limit: 50})
			return err
		}},
		{"a word of all", 0.1, search("always")}, {"two words", 0.1, search("by2 by3")}, {"beginnings", 0.1, search("by*")},
		{"a phrase", 0.1, search(`"always by2"`)}, {"with", 0.3, search("with:" + string(busyID))},
		{"with and a word", 0.3, search("with:" + string(busyID) + " by3")}, {"in", 0.1, search("in:sent")},
		{"in and a word", maxGrowth, search("in:m1 by2")}, {"attachments", 0.1, search("has:attachment")}, {"no such word", 0.1, search("nothing")},
	} {
		tries++
		count := func(s *Store) float64 {
			return testing.AllocsPerRun(3, func() {
				if err := s.View(t.Context(), c.ask); err != nil {
					t.Fatal(err)
				}
			})
		}
		a, b := count(small), count(large)
		if grow := math.Log(b/a) / math.Log(4); grow > c.grow {
			t.Errorf("%s: %.0f allocations, with four times the entries %.0f: exponent %.2f, want at most %.1f", c.name, a, b, grow, c.grow)
		}
	}
	return tries
}

// TestListIsScan compares lists of people and organisations, narrowed by the
// beginnings of words in many scripts, with a scan that judges each record: with
// all that may fit put in order, and with the whole index gone through.
func TestListIsScan(t *testing.T) {
	t.Parallel()
	few := usualBounds
	few.named, few.dated = 5, 3
	t.Run("in order", func(t *testing.T) { t.Parallel(); listIsScan(t, usualBounds, 150) })
	t.Run("gone through", func(t *testing.T) { t.Parallel(); listIsScan(t, few, 150) })
}

func listIsScan(t *testing.T, bounds searchBounds, rounds int) {
	s := openTest(t, Options{NoSync: true, bounds: bounds})
	rnd := rand.New(rand.NewPCG(5, 6))
	word := func() string {
		w := []rune(vocabulary[rnd.IntN(len(vocabulary))][rnd.IntN(2)])
		return string(w[:1+rnd.IntN(len(w))])
	}
	var people []contact.Contact
	var firms []contact.Organisation
	for i := range 150 {
		c := contact.Contact{ID: contact.ID(store.NewID(epoch)), Name: word() + "  " + word()}
		if i%60 == 0 {
			c.Name += strings.Repeat(" "+word(), 200) // longer than a key
		}
		for range rnd.IntN(3) {
			c.Addresses = append(c.Addresses, contact.Address(fmt.Sprintf("%s.%d@%s.example", strings.ToLower(word()), rnd.IntN(50), strings.ToLower(word()))))
		}
		if i%9 == 8 {
			c.MergedInto = people[0].ID
		}
		c.Kind, c.Stage, c.Role = pick(rnd, kindsOf), pick(rnd, []contact.Stage{"", contact.Active, contact.Former}), pick(rnd, []string{"", "Supplier", "supplıer", "SUPPLIER", "reſeller"})
		c.Owner, c.Tags = pick(rnd, []contact.Address{"", "ada@example.com", "bob@example.com"}), pick(rnd, [][]string{nil, {"vip"}, {"vip", "a\x01b"}, {strings.Repeat("long", 200)}})
		o := contact.Organisation{ID: contact.OrganisationID(store.NewID(epoch)), Name: c.Name, Domains: []contact.Domain{{Name: fmt.Sprintf("%s%d.example", strings.ToLower(word()), i)}},
			Kind: pick(rnd, kindsOf), Stage: c.Stage, Role: c.Role, Owner: c.Owner, Tags: c.Tags}
		if i%7 == 6 {
			o.MergedInto = firms[0].ID
		}
		for n := range rnd.IntN(3) {
			if i > n {
				c.Affiliations = append(c.Affiliations, contact.Affiliation{Organisation: pick(rnd, firms).ID})
			}
		}
		people, firms = append(people, c), append(firms, o)
	}
	err := s.update(t.Context(), func(tx *Tx) error {
		for i := range people {
			if err := errors.Join(tx.Contacts().Put(people[i]), tx.Organisations().Put(firms[i])); err != nil {
				return err
			}
			if rnd.IntN(2) == 0 {
				continue
			}
			e := someEntry(rnd, rnd.IntN(100), 1, timeline.Asks)
			e.Contacts, e.Organisations = []contact.ID{people[i].ID}, []contact.OrganisationID{firms[i].ID}
			if err := tx.Entries().Put(e, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for range rounds {
		f := store.Filter{Text: pick(rnd, []string{"", word()}), Merged: rnd.IntN(4) == 0, Kind: pick(rnd, append(kindsOf, "")), Stage: pick(rnd, []contact.Stage{"", "", contact.Active}),
			Role: pick(rnd, []string{"", "", "supplier", "RESELLER"}), Owner: pick(rnd, []contact.Address{"", "", "bob@example.com", "nobody@example.com"}),
			Tag: pick(rnd, []string{"", "", "vip", "a\x01b", "none", strings.Repeat("long", 200)})}
		for range rnd.IntN(3) {
			f.Text += " " + pick(rnd, []string{word(), word() + "@", strconv.Itoa(rnd.IntN(50)), "example"})
		}
		compareLists(t, s, f, people, firms)
	}
}

// kindsOf are the kinds a record may have.
var kindsOf = []contact.Kind{"", contact.Customer, contact.Partner, contact.Both, contact.Other}

func compareLists(t *testing.T, s *Store, f store.Filter, people []contact.Contact, firms []contact.Organisation) {
	t.Helper()
	words, want, got := filterWords(f.Text), map[string]bool{}, map[string]bool{}
	f.Order = []store.Order{store.ByName, store.ByContact, store.ByQuiet}[len(f.Text)%3]
	for i := range people {
		judged := people[i]
		for _, at := range judged.Affiliations {
			if o := firms[slices.IndexFunc(firms, func(o contact.Organisation) bool { return o.ID == at.Organisation })]; judged.Kind == "" {
				judged.Kind = o.Kind
			}
		}
		if contactFits(&judged, f, words) {
			want[string(people[i].ID)] = true
		}
		if organisationFits(&firms[i], f, words) {
			want[string(firms[i].ID)] = true
		}
	}
	err := s.View(t.Context(), func(tx store.Tx) error {
		cs := inPages(t, f, tx.Contacts().List)
		sortedAs(t, tx, f, "contacts", cs, func(c contact.Contact) (string, string, store.Subject) {
			return c.Name, string(c.ID), store.Subject{Contact: c.ID}
		})
		for _, c := range cs {
			got[string(c.ID)] = true
		}
		os := inPages(t, f, tx.Organisations().List)
		sortedAs(t, tx, f, "organisations", os, func(o contact.Organisation) (string, string, store.Subject) {
			return o.Name, string(o.ID), store.Subject{Organisation: o.ID}
		})
		for _, o := range os {
			got[string(o.ID)] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got, want) {
		t.Errorf("List(%+v) finds %d, the scan %d", f, len(got), len(want))
	}
}

// inPages reads a list in small pages.
func inPages[T any](t *testing.T, f store.Filter, list func(store.Filter, store.Slice) (store.Page[T], error)) (out []T) {
	t.Helper()
	for slice := (store.Slice{Limit: 7}); ; {
		page, err := list(f, slice)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, page.Items...)
		if slice.Cursor = page.Next; slice.Cursor == "" {
			return out
		}
	}
}

// sortedAs checks the order of a list: by the last contact where that is asked
// for, those without one last; by name and id.
func sortedAs[T any](t *testing.T, tx store.Tx, f store.Filter, what string, list []T, of func(T) (name, id string, who store.Subject)) {
	t.Helper()
	keys, once := make([]string, len(list)), map[string]bool{}
	for i, v := range list {
		name, id, who := of(v)
		once[id] = true
		r, err := tx.Relations().Get(who)
		if err != nil {
			t.Fatal(err)
		}
		switch last := r.Last().Unix(); {
		case f.Order == store.ByName, r.Empty():
			keys[i] = "name " + nameKey(name) + "\x00" + id
		case f.Order == store.ByContact:
			keys[i] = fmt.Sprintf("last %020d", 1<<40-last)
		default:
			keys[i] = fmt.Sprintf("last %020d", last)
		}
	}
	if !slices.IsSorted(keys) || len(once) != len(list) {
		t.Errorf("List(%+v): the %s are out of order or there twice: %q", f, what, keys)
	}
}
