package intake_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rapport/matcher"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
	"rapport/store/storetest"
)

const (
	ada  = "ada@ours.example"
	bob  = "bob@ours.example"
	cleo = "Cleo <cleo@client.example>"
	zoe  = "Zoe <zoe@stranger.example>"
)

// scenario fills both mailboxes with what makes order matter: threads that
// cross mailboxes, strangers inside and outside of them, copies, drafts.
func scenario(w *world) {
	w.deliver("ada", "INBOX", mail("c1", cleo, ada, "Question", "Cc: "+zoe))
	w.deliver("ada", "Sent", mail("a1", ada, cleo, "Answer", "In-Reply-To: <c1@test>", "References: <c1@test>"))
	w.deliver("bob", "INBOX", mail("z1", zoe, bob, "Zoe joins in", "In-Reply-To: <a1@test>", "References: <c1@test> <a1@test>"))
	w.deliver("bob", "Sent", mail("b1", bob, zoe, "Bob to Zoe", "In-Reply-To: <z1@test>", "References: <c1@test> <a1@test> <z1@test>"))
	w.deliver("bob", "INBOX", mail("y1", "yan@elsewhere.example", bob, "Yan breaks in", "In-Reply-To: <z1@test>"))
	w.deliver("ada", "INBOX", mail("s1", zoe, ada, "A stranger's own matter"))
	w.deliver("ada", "INBOX", mail("i1", bob, ada, "Between us"))
	w.deliver("bob", "Sent", mail("i1", bob, ada, "Between us"))
	w.deliver("bob", "INBOX", mail("d1", "Somebody <new@client.example>", bob, "From the domain"))
	w.deliver("bob", "INBOX", mail("l1", "x@lawyer.example", bob, "Blocked", "Cc: "+cleo))
	both := mail("g1", cleo, ada+", "+bob, "To both of us")
	w.deliver("ada", "INBOX", "Received: from a\n"+both)
	w.deliver("bob", "INBOX", "Received: from somewhere else\n"+both)
	w.deliver("bob", "INBOX", mail("v1", cleo, bob, "Variant"))
	w.deliver("ada", "INBOX", mail("v1", cleo, bob, "Variant")+"A footer that a list added.\n")
	w.deliver("ada", "INBOX", strings.Replace(mail("g1", cleo, ada, "Same id, other date"), "2026", "2025", 1))
	w.deliver("ada", "INBOX", strings.Replace(mail("", cleo, ada, "No id"), "Message-ID: <@test>\n", "", 1))
	w.deliver("bob", "INBOX", strings.Replace(mail("", cleo, ada, "No id"), "Message-ID: <@test>\n", "", 1))
	w.deliver("ada", "INBOX", mail("h1", bob, ada, "Hidden copy"))
	w.deliver("bob", "Sent", mail("h1", bob, ada, "Hidden copy", "Bcc: "+cleo))
	w.deliver("ada", "INBOX", mail("p1", cleo, ada, "Moved to private"))
	w.deliver("bob", "Private", mail("p1", cleo, ada, "Moved to private"))
}

func filled(t *testing.T) (*world, contact.Contact, contact.Organisation) {
	w := newWorld(t)
	o := w.company("Client", "client.example")
	c, err := w.AddContact(context.Background(), "test", contact.Contact{
		Name: "Cleo", Addresses: []contact.Address{"cleo@client.example"}, Kind: contact.Customer,
		Affiliations: []contact.Affiliation{{Organisation: o.ID}},
	})
	if err != nil {
		t.Fatal(err)
	}
	scenario(w)
	w.sync()
	return w, c, o
}

func TestFiling(t *testing.T) {
	w, c, o := filled(t)
	want := []string{"Answer", "Bob to Zoe", "Hidden copy", "No id", "Question", "Same id, other date", "To both of us", "Variant", "Zoe joins in"}
	got := w.of(c)
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Cleo's timeline (-want +got):\n%s", d)
	}
	got = w.timeline(store.Subject{Organisation: o.ID})
	slices.Sort(got)
	want = append(want, "From the domain")
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Client's timeline (-want +got):\n%s", d)
	}
	if ms := w.find("To both of us"); len(ms) != 1 || len(ms[0].Holdings) != 2 {
		t.Errorf("To both of us: %d messages; want one with two holdings: %+v", len(ms), ms)
	}
	if ms := w.find("Variant"); len(ms) != 1 || len(ms[0].Variants) != 1 || len(ms[0].Holdings) != 2 {
		t.Errorf("Variant: want one message with one variant and two holdings, got %+v", ms)
	}
	if ms := w.find("No id"); len(ms) != 1 || len(ms[0].Holdings) != 2 {
		t.Errorf("No id: want one message with two holdings, got %d", len(ms))
	}
}

// TestOrderDoesNotMatter files the same mail in many orders, with the contacts
// added before, between and after, and wants the same content each time.
func TestOrderDoesNotMatter(t *testing.T) {
	first, _, _ := filled(t)
	want := first.dump()
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.rnd = rand.New(rand.NewPCG(seed, 7))
			scenario(w)
			steps := []func(){
				func() { w.company("Client", "client.example") },
				func() { w.person("Cleo", "cleo@client.example") },
			}
			for _, step := range steps {
				if w.rnd.IntN(2) == 0 {
					w.sync()
				} else if w.rnd.IntN(2) == 0 {
					w.pass(w.folders[w.rnd.IntN(len(w.folders))])
				}
				step()
			}
			affiliate(w)
			w.sync()
			if d := cmp.Diff(want, w.dump()); d != "" {
				t.Errorf("content depends on the order (-want +got):\n%s", d)
			}
		})
	}
}

// affiliate makes Cleo belong to Client.
func affiliate(w *world) {
	w.t.Helper()
	var c contact.Contact
	var o contact.Organisation
	err := w.store.View(context.Background(), func(tx store.Tx) error {
		cs, err := tx.Contacts().ByAddress("cleo@client.example")
		if err != nil {
			return err
		}
		os, err := tx.Organisations().ByDomain("client.example")
		if err != nil {
			return err
		}
		c, o = cs[0], os[0]
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	c.Affiliations = []contact.Affiliation{{Organisation: o.ID}}
	if _, err := w.EditContact(context.Background(), "test", c); err != nil {
		w.t.Fatal(err)
	}
}

func TestTakeTwiceChangesNothing(t *testing.T) {
	w, _, _ := filled(t)
	want := w.dump()
	for _, f := range w.folders {
		for uid := range f.mails {
			w.take(f, []uint32{uid})
		}
	}
	w.sync()
	if d := cmp.Diff(want, w.dump()); d != "" {
		t.Errorf("taking everything again changed the content (-want +got):\n%s", d)
	}
}

func TestUpdatesMayRunTwice(t *testing.T) {
	first, _, _ := filled(t)
	w := newWorldWith(t, storetest.Twice)
	w.company("Client", "client.example")
	w.person("Cleo", "cleo@client.example")
	affiliate(w)
	scenario(w)
	w.sync()
	if d := cmp.Diff(first.dump(), w.dump()); d != "" {
		t.Errorf("a transaction that ran twice left its mark (-want +got):\n%s", d)
	}
}

func TestRenumberedFolderIsMapped(t *testing.T) {
	w, c, _ := filled(t)
	before := w.of(c)
	w.renumber("ada", "INBOX")
	w.sync()
	if d := cmp.Diff(before, w.of(c)); d != "" {
		t.Errorf("re-numbering changed the timeline (-before +after):\n%s", d)
	}
	for _, m := range w.find("Question") {
		if len(m.Holdings) != 1 || m.Holdings[0].UIDValidity != 2 {
			t.Errorf("Question: holdings %+v; want one, under UIDVALIDITY 2", m.Holdings)
		}
	}
	st, err := w.Status(context.Background(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range st {
		if !s.InSync || s.Name == "INBOX" && s.Renumbered.IsZero() {
			t.Errorf("status %+v; want in sync, INBOX re-numbered", s)
		}
	}
}

func TestRematchEqualsMaintained(t *testing.T) {
	w, _, _ := filled(t)
	want := w.dump()
	r, err := w.Rematch(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Gained+r.Lost+r.Moved+r.Removed != 0 || r.Messages == 0 {
		t.Errorf("Rematch() = %+v; want messages judged and nothing changed", r)
	}
	if d := cmp.Diff(want, w.dump()); d != "" {
		t.Errorf("rematch changed the content (-want +got):\n%s", d)
	}
}

func TestMergeAndUndo(t *testing.T) {
	w, c, _ := filled(t)
	ctx := context.Background()
	other := w.person("Cleopatra", "zoe@stranger.example")
	if _, err := w.Note(ctx, "ada", store.Subject{Contact: other.ID}, timeline.Note, "Met at the fair", start); err != nil {
		t.Fatal(err)
	}
	w.sync()
	want := w.dump()
	id, err := w.MergeContacts(ctx, "ada", c.ID, other.ID)
	if err != nil {
		t.Fatal(err)
	}
	w.sync()
	if got := w.of(c); !slices.Contains(got, "A stranger's own matter") || !slices.Contains(got, "Met at the fair") {
		t.Errorf("after the merge Cleo's timeline is %q; want the other's mail and note in it", got)
	}
	if got := w.of(other); len(got) != 0 {
		t.Errorf("the merged contact still has %q", got)
	}
	if err := w.Undo(ctx, "ada", id); err != nil {
		t.Fatal(err)
	}
	w.sync()
	if d := cmp.Diff(want, w.dump()); d != "" {
		t.Errorf("undoing the merge did not restore the content (-want +got):\n%s", d)
	}
}

func TestEraseLeavesNothingAndNothingReturns(t *testing.T) {
	w, c, _ := filled(t)
	ctx := context.Background()
	r, err := w.Erase(ctx, "ada", c.ID)
	if err != nil {
		t.Fatal(err)
	}
	if r.Messages == 0 {
		t.Errorf("Erase() = %+v; want messages removed", r)
	}
	w.renumber("ada", "INBOX")
	w.renumber("bob", "INBOX")
	w.sync()
	if got := w.dump(); strings.Contains(got, "cleo@client.example") {
		t.Errorf("the erased address is still in the store:\n%s", got)
	}
}

func TestByHand(t *testing.T) {
	w, c, o := filled(t)
	ctx := context.Background()
	z := w.person("Zoe", "zoe@stranger.example")
	w.sync()
	m := w.find("From the domain")[0]
	before := w.dump()

	id, err := w.File(ctx, "ada", m.ID, store.Subject{Contact: z.ID})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.of(z); !slices.Contains(got, "From the domain") {
		t.Errorf("filed by hand, but Zoe's timeline is %q", got)
	}
	if _, err := w.Rematch(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if got := w.timeline(store.Subject{Organisation: o.ID}); slices.Contains(got, "From the domain") {
		t.Errorf("the domain rule won over the hand: %q", got)
	}
	undo(t, w, id, before)

	id, err = w.Withdraw(ctx, "ada", w.find("Question")[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	w.sync()
	if got := w.of(c); slices.Contains(got, "Question") {
		t.Errorf("withdrawn, but still on the timeline: %q", got)
	}
	undo(t, w, id, before)

	id, err = w.Private(ctx, "ada", w.find("Question")[0].Thread)
	if err != nil {
		t.Fatal(err)
	}
	w.deliver("ada", "INBOX", mail("c9", cleo, ada, "Later in the thread", "In-Reply-To: <a1@test>"))
	w.sync()
	for _, s := range []string{"Question", "Answer", "Later in the thread"} {
		if got := w.of(c); slices.Contains(got, s) {
			t.Errorf("%q is in a private thread, but on the timeline %q", s, got)
		}
	}
	if err := w.Undo(ctx, "ada", id); err != nil {
		t.Fatal(err)
	}
	if got := w.of(c); !slices.Contains(got, "Question") || !slices.Contains(got, "Later in the thread") {
		t.Errorf("shown again, but the timeline is %q", got)
	}
}

// standing leaves out of a dump the decisions that were undone.
func standing(dump string) string {
	lines := strings.Split(dump, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool {
		return strings.HasPrefix(l, "decision ") && strings.HasSuffix(l, "undone true")
	}), "\n")
}

func undo(t *testing.T, w *world, id, before string) {
	t.Helper()
	if err := w.Undo(context.Background(), "ada", id); err != nil {
		t.Fatal(err)
	}
	w.sync()
	if d := cmp.Diff(before, standing(w.dump())); d != "" {
		t.Errorf("undoing did not restore the content (-before +after):\n%s", d)
	}
}

func TestNewRulesAreAdopted(t *testing.T) {
	w, c, _ := filled(t)
	ctx := context.Background()
	if err := w.Recover(ctx); err != nil {
		t.Fatal(err)
	}
	r := rules()
	r.Exclusions = append(r.Exclusions, matcher.Exclusion{Address: "cleo@client.example", Mode: matcher.Blocked})
	plan, err := w.Plan(ctx, r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Removed == 0 {
		t.Errorf("Plan() = %+v; want messages that would go", plan)
	}
	before := w.dump()
	if err := w.Reconfigure(ctx, r, true, boxes); err != nil {
		t.Fatal(err)
	}
	w.sync()
	if got := w.of(c); len(got) != 0 {
		t.Errorf("blocked now, but the timeline is %q", got)
	}
	if err := w.Reconfigure(ctx, rules(), true, boxes); err != nil {
		t.Fatal(err)
	}
	w.sync()
	if d := cmp.Diff(before, w.dump()); d != "" {
		t.Errorf("rules there and back again changed the content (-before +after):\n%s", d)
	}
}

func TestContactAddedBetweenJudgementAndFiling(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.deliver("ada", "INBOX", mail("c1", cleo, ada, "Question"))
	f := w.folder("ada", "INBOX")
	raw := f.mails[1]
	c := message.Copy{UID: 1, Size: int64(len(raw)), Head: message.ParseHead([]byte(raw))}
	wishes, err := w.Wanted(ctx, f.Folder, []message.Copy{c})
	if err != nil {
		t.Fatal(err)
	}
	who := w.person("Cleo", "cleo@client.example")
	err = w.Take(ctx, message.Batch{Folder: f.Folder, Items: []message.Item{{Copy: c, Wish: wishes[0]}}})
	if err != nil {
		t.Fatal(err)
	}
	w.sync()
	if got := w.of(who); len(got) != 1 {
		t.Errorf("timeline %q; want the message that was judged just before", got)
	}
}

// switched is a store that can be exchanged for another.
type switched struct{ store.Store }

// TestFailingStoreLosesNothing fails the n-th call of the store.
func TestFailingStoreLosesNothing(t *testing.T) {
	first, _, _ := filled(t)
	want := first.dump()
	for n := 1; n < 200; n += 3 {
		w := newWorldWith(t, func(s store.Store) store.Store { return &switched{s} })
		w.company("Client", "client.example")
		w.person("Cleo", "cleo@client.example")
		affiliate(w)
		scenario(w)
		healthy := w.store.(*switched)
		sound := healthy.Store
		healthy.Store = storetest.Failing(sound, n)
		failed := w.tryPass()
		healthy.Store = sound
		w.sync()
		if d := cmp.Diff(want, w.dump()); d != "" {
			t.Fatalf("call %d failed; after a further sync (-want +got):\n%s", n, d)
		}
		if !failed {
			break // the scenario is shorter than n calls
		}
	}
}

// tryPass passes over every folder once and reports whether a call failed.
func (w *world) tryPass() (failed bool) {
	ctx := context.Background()
	for _, f := range w.folders {
		var copies []message.Copy
		for _, uid := range slices.Sorted(mapKeys(f.mails)) {
			raw := f.mails[uid]
			copies = append(copies, message.Copy{
				UID: uid, Received: start, Size: int64(len(raw)),
				Header: int64(strings.Index(raw, "\r\n\r\n") + 4), Head: message.ParseHead([]byte(raw)),
			})
		}
		wishes, err := w.Wanted(ctx, f.Folder, copies)
		if err != nil {
			failed = true
			continue
		}
		b := message.Batch{Folder: f.Folder}
		for n, c := range copies {
			it := message.Item{Copy: c, Wish: wishes[n]}
			if it.Wish.Action == message.Log || it.Wish.Action == message.Inspect {
				it.Body = message.Bytes(f.mails[c.UID])
			}
			b.Items = append(b.Items, it)
		}
		if err := w.Take(ctx, b); err != nil {
			if !errors.Is(err, storetest.ErrInjected) {
				w.t.Fatal(err)
			}
			failed = true
		}
	}
	return failed
}

func TestEraseOrganisation(t *testing.T) {
	w, c, o := filled(t)
	ctx := context.Background()
	if _, err := w.Note(ctx, "ada", store.Subject{Organisation: o.ID}, timeline.Note, "Only about the firm", start); err != nil {
		t.Fatal(err)
	}
	before := w.of(c)
	r, err := w.EraseOrganisation(ctx, "ada", o.ID)
	if err != nil {
		t.Fatal(err)
	}
	w.sync()
	if r.Messages != 1 || r.Entries != 1 {
		t.Errorf("EraseOrganisation() = %+v; want the one message its domain filed and the note gone", r)
	}
	if d := cmp.Diff(before, w.of(c)); d != "" {
		t.Errorf("its person's timeline changed (-before +after):\n%s", d)
	}
	if got := w.dump(); strings.Contains(got, "Only about the firm") || len(w.find("From the domain")) != 0 {
		t.Errorf("something of the organisation is left:\n%s", got)
	}
}
