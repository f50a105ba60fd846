package intake_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rapport/intake"
	"rapport/matcher"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
	"rapport/store/boltstore"
	"rapport/store/storetest"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

var boxes = []intake.Mailbox{{Name: "ada"}, {Name: "bob"}}

// rules are those of a small team at ours.example.
func rules() matcher.Rules {
	return matcher.Rules{
		Team: contact.Team{
			Domains: []string{"ours.example"},
			Members: []contact.Member{
				{Name: "Ada", Addresses: []contact.Address{"ada@ours.example"}},
				{Name: "Bob", Addresses: []contact.Address{"bob@ours.example", "bob@private.example"}},
			},
		},
		Exclusions: []matcher.Exclusion{{Domain: "lawyer.example", Mode: matcher.Blocked}},
		LogAddress: []contact.Address{"log@ours.example"},
	}
}

// world is an Intake with servers that a test fills: what mailsync would see.
type world struct {
	opts       intake.Options
	unfinished int // calls of Unfinished
	*intake.Intake
	t       *testing.T
	store   store.Store
	folders []*folder
	rnd     *rand.Rand // nil: oldest first, one batch a folder
	ticks   atomic.Int64
}

// now is a clock that goes on by a second each time it is looked at.
func (w *world) now() time.Time {
	return start.AddDate(0, 1, 0).Add(time.Duration(w.ticks.Add(1)) * time.Second)
}

type folder struct {
	message.Folder
	mails map[uint32]string
	next  uint32
}

func newWorld(t *testing.T) *world { return newWorldWith(t, nil) }

func newWorldWith(t *testing.T, wrap func(store.Store) store.Store) *world {
	t.Helper()
	s, err := boltstore.Open(t.TempDir(), boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	w := &world{t: t, store: s}
	if wrap != nil {
		w.store = wrap(s)
	}
	w.opts = intake.Options{
		Store: w.store, Rules: rules(), Key: []byte("0123456789abcdef0123456789abcdef"), Suggest: true,
		Mailboxes: boxes,
		Now:       w.now, Unfinished: func() { w.unfinished++ },
	}
	if w.Intake, err = intake.New(w.opts); err != nil {
		t.Fatal(err)
	}
	return w
}

// readDocuments has office files read from now on.
func (w *world) readDocuments(by intake.Documents) {
	w.t.Helper()
	w.opts.Documents = by
	var err error
	if w.Intake, err = intake.New(w.opts); err != nil {
		w.t.Fatal(err)
	}
}

// deliver puts a mail into a folder and returns its UID.
func (w *world) deliver(mailbox, name, raw string) uint32 {
	f := w.folder(mailbox, name)
	uid := f.next
	f.next++
	f.mails[uid] = strings.ReplaceAll(raw, "\n", "\r\n")
	return uid
}

func (w *world) folder(mailbox, name string) *folder {
	for _, f := range w.folders {
		if f.Mailbox == mailbox && f.Name == name {
			return f
		}
	}
	role := map[string]message.Role{"INBOX": message.RoleInbox, "Sent": message.RoleSent, "Private": message.RolePrivate}[name]
	f := &folder{
		Folder: message.Folder{Mailbox: mailbox, Name: name, UIDValidity: 1, Role: role},
		mails:  map[uint32]string{}, next: 1,
	}
	w.folders = append(w.folders, f)
	return f
}

// renumber gives a folder new UIDs under a new UIDVALIDITY.
func (w *world) renumber(mailbox, name string) {
	f := w.folder(mailbox, name)
	f.UIDValidity++
	mails := map[uint32]string{}
	next := uint32(100)
	for _, uid := range slices.Sorted(mapKeys(f.mails)) {
		mails[next] = f.mails[uid]
		next++
	}
	f.mails, f.next = mails, next
}

func mapKeys(m map[uint32]string) func(func(uint32) bool) {
	return func(yield func(uint32) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// sync does what mailsync does until nothing is unsettled.
func (w *world) sync() {
	w.t.Helper()
	for range 50 {
		work := false
		order := slices.Clone(w.folders)
		if w.rnd != nil {
			w.rnd.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		}
		for _, f := range order {
			work = w.pass(f) || work
		}
		if !work {
			return
		}
	}
	w.t.Fatal("syncing does not come to an end")
}

// pass settles one folder's unsettled UIDs, in batches of random size and
// order where the test wants that. It reports whether there was work.
func (w *world) pass(f *folder) bool {
	w.t.Helper()
	ctx := context.Background()
	w.searches(f)
	p, err := w.Resume(ctx, f.Folder)
	if err != nil {
		w.t.Fatal(err)
	}
	var open []uint32
	for uid := range f.mails {
		if !p.Settled().Has(uid) {
			open = append(open, uid)
		}
	}
	slices.Sort(open)
	work := len(open) > 0
	if w.rnd != nil {
		w.rnd.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
	}
	for len(open) > 0 {
		n := len(open)
		if w.rnd != nil {
			n = 1 + w.rnd.IntN(n)
		}
		w.take(f, open[:n])
		open = open[n:]
	}
	var listed []uint32
	for uid := range f.mails {
		listed = append(listed, uid)
	}
	st, err := w.Report(ctx, message.Report{Folder: f.Folder, Listed: message.UIDs(listed...), At: w.now()})
	if err != nil {
		w.t.Fatal(err)
	}
	return work || !st.InSync
}

// copies are what the header pass yields.
func (w *world) copies(f *folder, uids []uint32) []message.Copy {
	var copies []message.Copy
	for _, uid := range uids {
		raw := f.mails[uid]
		_, thread, _ := strings.Cut(raw, "\r\nX-Thread: ") // what the server would say
		thread, _, _ = strings.Cut(thread, "\r\n")
		copies = append(copies, message.Copy{
			UID: uid, Received: start, Size: int64(len(raw)), Thread: thread,
			Header: int64(strings.Index(raw, "\r\n\r\n") + 4), Head: message.ParseHead([]byte(raw)),
		})
	}
	return copies
}

func (w *world) take(f *folder, uids []uint32) {
	w.t.Helper()
	ctx := context.Background()
	copies := w.copies(f, uids)
	wishes, err := w.Wanted(ctx, f.Folder, copies)
	if err != nil {
		w.t.Fatal(err)
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
		w.t.Fatal(err)
	}
}

// searches does a mailbox's pending searches the way a server would that
// answers with everything: intake judges again whatever is reopened.
func (w *world) searches(f *folder) {
	w.t.Helper()
	ctx := context.Background()
	pending, err := w.Pending(ctx, f.Mailbox)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range pending {
		for _, g := range w.folders {
			if g.Mailbox != f.Mailbox {
				continue
			}
			p, err := w.Resume(ctx, g.Folder)
			if err != nil {
				w.t.Fatal(err)
			}
			again := p.Skipped[message.NoMatch].Union(p.Skipped[message.NotOurs]).Union(p.Skipped[message.Internal]).Union(p.Skipped[message.Erased])
			if err := w.Reopen(ctx, g.Folder, again); err != nil {
				w.t.Fatal(err)
			}
		}
		if err := w.Searched(ctx, f.Mailbox, s.ID); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) dump() string {
	w.t.Helper()
	d, err := storetest.Dump(context.Background(), w.store)
	if err != nil {
		w.t.Fatal(err)
	}
	return fmt.Sprint(d)
}

// person adds a contact.
func (w *world) person(name string, addresses ...contact.Address) contact.Contact {
	w.t.Helper()
	c, err := w.AddContact(context.Background(), "test", contact.Contact{Name: name, Addresses: addresses, Kind: contact.Customer})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) company(name string, domains ...string) contact.Organisation {
	w.t.Helper()
	o := contact.Organisation{Name: name, Kind: contact.Customer}
	for _, d := range domains {
		o.Domains = append(o.Domains, contact.Domain{Name: d})
	}
	o, err := w.AddOrganisation(context.Background(), "test", o)
	if err != nil {
		w.t.Fatal(err)
	}
	return o
}

// timeline lists the subjects on somebody's timeline, oldest first.
func (w *world) timeline(who store.Subject) []string {
	w.t.Helper()
	var out []string
	err := w.store.View(context.Background(), func(tx store.Tx) error {
		page, err := tx.Entries().Of(who, store.Slice{Limit: 1000})
		out = nil
		for _, e := range page.Items {
			out = append(out, e.Subject)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Reverse(out)
	return out
}

func (w *world) of(c contact.Contact) []string { return w.timeline(store.Subject{Contact: c.ID}) }

// find returns the stored messages with a subject.
func (w *world) find(subject string) []message.Message {
	w.t.Helper()
	return slices.DeleteFunc(w.all(), func(m message.Message) bool { return m.Head.Subject != subject })
}

// all returns the stored messages.
func (w *world) all() (out []message.Message) {
	w.t.Helper()
	err := w.store.View(context.Background(), func(tx store.Tx) error {
		out = nil
		page, err := tx.Messages().List(store.Slice{Limit: 1000})
		if err != nil {
			return err
		}
		for _, id := range page.Items {
			m, err := tx.Messages().Get(id)
			if err != nil {
				return err
			}
			out = append(out, m)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// mail writes a minimal mail; more are further header lines.
func mail(id, from, to, subject string, more ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Message-ID: <%s@test>\nDate: Mon, 02 Mar 2026 09:%02d:00 +0000\nFrom: %s\nTo: %s\nSubject: %s\n",
		id, len(subject)%60, from, to, subject)
	for _, m := range more {
		b.WriteString(m + "\n")
	}
	fmt.Fprintf(&b, "\nText of %s.\n", subject)
	return b.String()
}

// protects is an exclusion whose mail its owner alone sees.
func protects(domain string) matcher.Exclusion {
	return matcher.Exclusion{Domain: domain, Mode: matcher.Protected}
}
