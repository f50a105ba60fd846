package storetest

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/phrase"
	"rapport/records/timeline"
	"rapport/store"
)

func testFolders(t *testing.T, s store.Store) {
	inbox := message.Folder{Mailbox: "info", Name: "INBOX", UIDValidity: 7, Role: message.RoleInbox}
	other := message.Folder{Mailbox: "info", Name: "INBOX", UIDValidity: 8}
	progress := func(f message.Folder) message.Progress {
		return view(t, s, func(tx store.Tx) (message.Progress, error) { return tx.Folders().Progress(f) })
	}
	equal(t, "Progress of a folder never seen", progress(inbox), message.Progress{})
	settle := func(uids message.UIDSet, st store.Settlement) {
		t.Helper()
		st.UIDs = uids
		update(t, s, func(tx store.Tx) error { return tx.Folders().Settle(inbox, st) })
	}
	r := func(lo, hi uint32) message.UIDSet { return message.UIDRanges(message.UIDRange{Lo: lo, Hi: hi}) }
	settle(r(1, 10000), store.Settlement{Skipped: message.NoMatch})
	settle(r(4000, 4200), store.Settlement{Stored: true})
	settle(message.UIDs(5, math.MaxUint32), store.Settlement{Quarantined: "too odd"})
	settle(message.UIDs(5000), store.Settlement{Skipped: message.Draft})
	why := func(f message.Folder, at store.Slice) store.Page[store.Quarantine] {
		return view(t, s, func(tx store.Tx) (store.Page[store.Quarantine], error) { return tx.Folders().Quarantined(f, at) })
	}
	first := why(inbox, store.Slice{Limit: 1})
	equal(t, "the first of Quarantined", first.Items, []store.Quarantine{{UID: 5, Why: "too odd"}})
	equal(t, "the rest of Quarantined", why(inbox, store.Slice{Limit: 1, Cursor: first.Next}).Items, []store.Quarantine{{UID: math.MaxUint32, Why: "too odd"}})
	equal(t, "Quarantined of a folder never seen", why(other, store.Slice{}).Items, nil)
	fp := []message.Fingerprint{{UID: 3, Sum: [16]byte{1}}}
	update(t, s, func(tx store.Tx) error {
		f := tx.Folders()
		return errors.Join(f.SetScanned(inbox, at(1)), f.SetFingerprints(inbox, fp), f.SetMark(inbox, message.Mark{UIDNext: 4, Exists: 5, ModSeq: 6}))
	})
	mark := func(f message.Folder) message.Mark {
		return view(t, s, func(tx store.Tx) (message.Mark, error) { return tx.Folders().Mark(f) })
	}
	equal(t, "Mark", mark(inbox), message.Mark{UIDNext: 4, Exists: 5, ModSeq: 6})
	equal(t, "Mark of a folder never seen", mark(other), message.Mark{})
	p := progress(inbox)
	equal(t, "Progress", p, message.Progress{
		Stored: r(4000, 4200), Quarantined: message.UIDs(5, math.MaxUint32),
		Skipped: map[message.Reason]message.UIDSet{message.Draft: message.UIDs(5000), message.NoMatch: r(1, 10000).Minus(r(4000, 4200)).Minus(message.UIDs(5, 5000))},
		Scanned: true, Since: at(1), Fingerprints: fp, Mark: message.Mark{UIDNext: 4, Exists: 5, ModSeq: 6},
	})
	equal(t, "Progress of another numbering", progress(other), message.Progress{})
	update(t, s, func(tx store.Tx) error { return tx.Folders().Unsettle(inbox, r(1, 4100)) })
	p = progress(inbox)
	equal(t, "settled after Unsettle", p.Settled(), r(4101, 10000).Union(message.UIDs(math.MaxUint32)))
	equal(t, "mark after Unsettle", []message.Mark{p.Mark, mark(inbox)}, []message.Mark{{}, {}})
	equal(t, "Quarantined after Unsettle", why(inbox, store.Slice{}).Items, []store.Quarantine{{UID: math.MaxUint32, Why: "too odd"}})
	for _, bad := range []store.Settlement{{}, {Stored: true, Skipped: message.Draft}} {
		if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Folders().Settle(inbox, bad) }); err == nil {
			t.Errorf("Settle(%+v) was accepted", bad)
		}
	}
	testFolderList(t, s, inbox, other)
}

func testFolderList(t *testing.T, s store.Store, inbox, other message.Folder) {
	sales := message.Folder{Mailbox: "sales", Name: "A", UIDValidity: 1}
	st := message.FolderStatus{Name: "INBOX", UIDValidity: 7, Exists: 3, Stored: 1, Skipped: map[message.Reason]int{message.NoMatch: 2}, InSync: true, At: at(0)}
	update(t, s, func(tx store.Tx) error {
		f := tx.Folders()
		return errors.Join(f.SetScanned(sales, at(0)), f.SetScanned(other, at(0)), f.SetStatus("info", st))
	})
	list := func(mailbox string) []message.Folder {
		return view(t, s, func(tx store.Tx) ([]message.Folder, error) { return tx.Folders().List(mailbox) })
	}
	status := func() []message.FolderStatus {
		return view(t, s, func(tx store.Tx) ([]message.FolderStatus, error) { return tx.Folders().Status("info") })
	}
	equal(t, "List", list(""), []message.Folder{inbox, other, sales})
	equal(t, "List of one mailbox", list("sales"), []message.Folder{sales})
	equal(t, "Status", status(), []message.FolderStatus{st})
	update(t, s, func(tx store.Tx) error { return tx.Folders().Forget(inbox) })
	equal(t, "List after Forget", list("info"), []message.Folder{other})
	equal(t, "Status after Forget", status(), nil)
	never := message.Folder{Mailbox: "info", Name: "never opened"}
	update(t, s, func(tx store.Tx) error {
		return tx.Folders().SetStatus("info", message.FolderStatus{Name: never.Name, Error: "gone"})
	})
	update(t, s, func(tx store.Tx) error { return tx.Folders().Forget(never) })
	equal(t, "Status of a folder that was never opened, after Forget", status(), nil)
	p := view(t, s, func(tx store.Tx) (message.Progress, error) { return tx.Folders().Progress(inbox) })
	equal(t, "Progress after Forget", p, message.Progress{})
}

// testFolderSets moves random sets and compares with sets kept in memory.
func testFolderSets(t *testing.T, s store.Store) {
	f := message.Folder{Mailbox: "m", Name: "f", UIDValidity: 1}
	rnd := rand.New(rand.NewPCG(1, 2))
	reasons := []message.Reason{message.NoMatch, message.Draft, message.Internal}
	want := message.Progress{Skipped: map[message.Reason]message.UIDSet{}}
	for range 40 {
		var ranges []message.UIDRange
		for range 1 + rnd.IntN(200) {
			lo := 1 + rnd.Uint32N(20000)
			ranges = append(ranges, message.UIDRange{Lo: lo, Hi: lo + rnd.Uint32N(1+rnd.Uint32N(50))})
		}
		set := message.UIDRanges(ranges...)
		want.Stored, want.Quarantined = want.Stored.Minus(set), want.Quarantined.Minus(set)
		for r := range want.Skipped {
			want.Skipped[r] = want.Skipped[r].Minus(set)
		}
		st := store.Settlement{UIDs: set}
		switch k := rnd.IntN(6); k {
		case 0:
			st.Stored, want.Stored = true, want.Stored.Union(set)
		case 1:
			st.Quarantined, want.Quarantined = "why", want.Quarantined.Union(set)
		case 2:
			update(t, s, func(tx store.Tx) error { return tx.Folders().Unsettle(f, set) })
			continue
		default:
			st.Skipped = reasons[k-3]
			want.Skipped[st.Skipped] = want.Skipped[st.Skipped].Union(set)
		}
		update(t, s, func(tx store.Tx) error { return tx.Folders().Settle(f, st) })
	}
	got := view(t, s, func(tx store.Tx) (message.Progress, error) { return tx.Folders().Progress(f) })
	equal(t, "stored", got.Stored.String(), want.Stored.String())
	equal(t, "quarantined", got.Quarantined.String(), want.Quarantined.String())
	for r, set := range want.Skipped {
		equal(t, "skipped "+string(r), got.Skipped[r].String(), set.String())
	}
}

func testHints(t *testing.T, s store.Store) {
	f := message.Folder{Mailbox: "m", Name: "f", UIDValidity: 1}
	d1, d2 := store.Digest{1}, store.Digest{2}
	update(t, s, func(tx store.Tx) error {
		fs := tx.Folders()
		return errors.Join(fs.Settle(f, store.Settlement{UIDs: message.UIDs(1, 2, 3), Skipped: message.NoMatch}),
			fs.Hint(f, 1, []store.Digest{d1, d2}), fs.Hint(f, 2, []store.Digest{d1}), fs.Hint(f, 3, []store.Digest{d1}))
	})
	hinted := func(d store.Digest) []uint32 {
		var out []uint32
		for _, k := range view(t, s, func(tx store.Tx) ([]store.Skipped, error) { return tx.Folders().Hinted(d) }) {
			equal(t, "folder", k.Folder, f)
			out = append(out, k.UID)
		}
		return out
	}
	equal(t, "Hinted", hinted(d1), []uint32{1, 2, 3})
	equal(t, "Hinted by the other", hinted(d2), []uint32{1})
	update(t, s, func(tx store.Tx) error {
		fs := tx.Folders()
		return errors.Join(fs.Settle(f, store.Settlement{UIDs: message.UIDs(1), Stored: true}),
			fs.Settle(f, store.Settlement{UIDs: message.UIDs(2), Skipped: message.Draft}), fs.Unsettle(f, message.UIDs(3)))
	})
	equal(t, "Hinted after Settle", hinted(d1), []uint32{2})
	equal(t, "Hinted by the other after Settle", hinted(d2), nil)
	update(t, s, func(tx store.Tx) error { return tx.Folders().Forget(f) })
	equal(t, "Hinted after Forget", hinted(d1), nil)
}

func testReviews(t *testing.T, s store.Store) {
	var all []store.Review
	update(t, s, func(tx store.Tx) error {
		all = nil
		for i := range 3 {
			r := store.Review{Message: newID[message.ID](i), Reason: "shared domain", Candidates: []message.Match{{Organisation: "o", Rule: "domain"}}, At: at(i)}
			all = append(all, r)
			if err := tx.Reviews().Put(r); err != nil {
				return err
			}
		}
		return nil
	})
	list := func() []store.Review {
		return view(t, s, func(tx store.Tx) (store.Page[store.Review], error) { return tx.Reviews().List(store.Slice{}) }).Items
	}
	equal(t, "List", list(), all)
	update(t, s, func(tx store.Tx) error { return tx.Reviews().Delete(all[1].Message) })
	equal(t, "List after Delete", list(), []store.Review{all[0], all[2]})
	missing(t, s, "Get", func(tx store.Tx) (store.Review, error) { return tx.Reviews().Get(all[1].Message) })
	equal(t, "Get", view(t, s, func(tx store.Tx) (store.Review, error) { return tx.Reviews().Get(all[2].Message) }), all[2])
}

func testDecisions(t *testing.T, s store.Store) {
	d := store.Decision{ID: store.NewID(at(0)), Kind: "file", Identity: []message.Sum{{1}, {2}}, Message: "m", Thread: []string{"a@x", "b@x"},
		Who: store.Subject{Contact: "c"}, By: "eve", At: at(0)}
	update(t, s, func(tx store.Tx) error { return tx.Decisions().Put(d) })
	by := func(n byte) []store.Decision {
		return view(t, s, func(tx store.Tx) ([]store.Decision, error) { return tx.Decisions().ByIdentity(message.Sum{n}) })
	}
	thread := func(id string) []store.Decision {
		return view(t, s, func(tx store.Tx) ([]store.Decision, error) { return tx.Decisions().ByMessageID(id) })
	}
	get := func(tx store.Tx) (store.Decision, error) { return tx.Decisions().Get(d.ID) }
	equal(t, "Get", view(t, s, get), d)
	equal(t, "ByIdentity", by(2), []store.Decision{d})
	equal(t, "ByIdentity of none", by(3), nil)
	equal(t, "ByMessageID", thread("b@x"), []store.Decision{d})
	d.Undone = at(1)
	update(t, s, func(tx store.Tx) error { return tx.Decisions().Put(d) })
	equal(t, "ByIdentity of an undone one", by(1), nil)
	equal(t, "ByMessageID of an undone one", thread("a@x"), nil)
	list := view(t, s, func(tx store.Tx) (store.Page[store.Decision], error) { return tx.Decisions().List(store.Slice{}) })
	equal(t, "List", list.Items, []store.Decision{d})
	update(t, s, func(tx store.Tx) error { return tx.Decisions().Delete(d.ID) })
	missing(t, s, "Get of a deleted one", get)
}

func testSearches(t *testing.T, s store.Store) {
	one := message.Search{ID: store.NewID(at(0)), Addresses: []contact.Address{"a@x.example"}, Since: at(0)}
	two := message.Search{ID: store.NewID(at(1)), All: true}
	known := []string{"info", "sales"}
	pending := func(mailbox string) []message.Search {
		return view(t, s, func(tx store.Tx) ([]message.Search, error) { return tx.Searches().Pending(mailbox) })
	}
	done := func(id, mailbox string) {
		t.Helper()
		update(t, s, func(tx store.Tx) error { return tx.Searches().Done(id, mailbox, known) })
	}
	update(t, s, func(tx store.Tx) error { return errors.Join(tx.Searches().Put(two), tx.Searches().Put(one)) })
	equal(t, "Pending, oldest first", pending("info"), []message.Search{one, two})
	done(one.ID, "info")
	equal(t, "Pending of who has done it", pending("info"), []message.Search{two})
	equal(t, "Pending of the other", pending("sales"), []message.Search{one, two})
	done(one.ID, "sales")
	equal(t, "Pending of a third after all have done it", pending("third"), []message.Search{two})
	done(one.ID, "sales")
	done("none", "sales")
}

func testTombstones(t *testing.T, s store.Store) {
	has := func() bool {
		return view(t, s, func(tx store.Tx) (bool, error) { return tx.Tombstones().Has(store.Digest{1}) })
	}
	equal(t, "Has", has(), false)
	update(t, s, func(tx store.Tx) error { return tx.Tombstones().Put(store.Digest{1}, at(0)) })
	equal(t, "Has after Put", has(), true)
	update(t, s, func(tx store.Tx) error { return tx.Tombstones().Delete(store.Digest{1}) })
	equal(t, "Has after Delete", has(), false)
}

func testAudit(t *testing.T, s store.Store) {
	var all []store.AuditRecord
	update(t, s, func(tx store.Tx) error {
		all = nil
		for i := range 4 {
			r := store.AuditRecord{ID: store.NewID(at(i)), At: at(i), Actor: "eve", Action: "contact.add", Object: fmt.Sprint("o", i%2), Detail: "d", Said: phrase.New("the {what}", "what", "d"), Before: []byte("{}"), After: []byte("{}")}
			all = append(all, r)
			if err := tx.Audit().Add(r); err != nil {
				return err
			}
		}
		return nil
	})
	list := func(object string) []store.AuditRecord {
		return view(t, s, func(tx store.Tx) (store.Page[store.AuditRecord], error) {
			return tx.Audit().List(object, store.Slice{})
		}).Items
	}
	equal(t, "List", list(""), []store.AuditRecord{all[3], all[2], all[1], all[0]})
	equal(t, "List of one object", list("o1"), []store.AuditRecord{all[3], all[1]})
	err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Audit().Add(all[0]) })
	if !errors.Is(err, store.ErrExists) {
		t.Errorf("Add of an id that exists: %v, want ErrExists", err)
	}
	update(t, s, func(tx store.Tx) error { return tx.Audit().Redact("o1") })
	for _, r := range list("o1") {
		if r.Detail != "" || !r.Said.Empty() || r.Before != nil || r.After != nil || r.Action == "" {
			t.Errorf("redacted line %+v", r)
		}
	}
	equal(t, "Get of another object's", view(t, s, func(tx store.Tx) (store.AuditRecord, error) { return tx.Audit().Get(all[0].ID) }), all[0])
	for n, want := range []int{1, 1, 0} {
		update(t, s, func(tx store.Tx) error {
			got, err := tx.Audit().Trim(all[2].At, 1)
			if got != want {
				t.Errorf("Trim %d removed %d lines, want %d", n, got, want)
			}
			return err
		})
	}
	equal(t, "List after Trim", len(list("")), 2)
}

// testDump demands that equal content under other ids, in another order,
// dumps the same, and that a difference shows.
func testDump(t *testing.T, s store.Store) {
	fill := func(order []int) {
		ada := contact.Contact{ID: newID[contact.ID](0), Name: "Ada", Addresses: []contact.Address{"ada@x.example"}}
		update(t, s, func(tx store.Tx) error {
			if err := tx.Contacts().Put(ada); err != nil {
				return err
			}
			for _, i := range order {
				m := message.Message{ID: newID[message.ID](0), Thread: newID[message.ThreadID](0), Time: at(i), Head: message.Head{MessageID: fmt.Sprint(i)},
					Holdings: []message.Holding{{Mailbox: "m", Folder: "f", UIDValidity: 1, UID: uint32(i)}}, Matches: []message.Match{{Contact: ada.ID, Rule: "address"}}}
				e := timeline.Entry{ID: newID[timeline.ID](0), Time: at(i), Kind: timeline.Message, Message: m.ID, Contacts: []contact.ID{ada.ID}}
				if err := errors.Join(tx.Messages().Put(m, nil), tx.Entries().Put(e, nil)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	empty := func() {
		update(t, s, func(tx store.Tx) error {
			cs, err1 := tx.Contacts().List(store.Filter{}, store.Slice{})
			ms, err2 := tx.Messages().List(store.Slice{})
			es, err3 := tx.Entries().Recent(store.Slice{})
			err := errors.Join(err1, err2, err3)
			for _, c := range cs.Items {
				err = errors.Join(err, tx.Contacts().Delete(c.ID))
			}
			for _, id := range ms.Items {
				err = errors.Join(err, tx.Messages().Delete(id))
			}
			for _, e := range es.Items {
				err = errors.Join(err, tx.Entries().Delete(e.ID))
			}
			return err
		})
	}
	dump := func() string {
		d, err := Dump(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	nothing := dump()
	fill([]int{1, 2, 3})
	one := dump()
	empty()
	equal(t, "Dump of an emptied store", dump(), nothing)
	fill([]int{3, 1, 2})
	equal(t, "Dump after another order", dump(), one)
	empty()
	fill([]int{1, 2})
	if dump() == one {
		t.Error("Dump does not show a missing message")
	}
}
