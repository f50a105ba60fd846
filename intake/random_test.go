package intake_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rapport/matcher"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
	"rapport/store/boltstore"
)

// TestAnyHistoryGivesTheSameContent makes random changes of records, decisions,
// rules and mail in random order, with passes in between. What is stored in the
// end is what a store that knew all of it from the start holds, and judging
// everything again changes nothing.
func TestAnyHistoryGivesTheSameContent(t *testing.T) {
	t.Parallel()
	var related atomic.Int64
	t.Cleanup(func() {
		if related.Load() == 0 && !t.Failed() {
			t.Error("no relation came of any history: the test tries nothing")
		}
	})
	for _, seed := range seeds() {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			h := &history{world: newWorld(t), rules: rules()}
			if n := int(seed % 4); n > 0 {
				h.SetMergeAtOnce(n)
			}
			if err := h.Recover(context.Background()); err != nil {
				t.Fatal(err)
			}
			h.rnd = rand.New(rand.NewPCG(seed, 11))
			for range 50 {
				h.step()
			}
			h.sync()
			got := comparable(h.dump())
			h.relationsHold(got)
			related.Add(int64(strings.Count(got, "\nrelation to ")))
			fresh := h.fresh()
			fresh.sync()
			if d := cmp.Diff(comparable(fresh.dump()), got); d != "" {
				t.Fatalf("content depends on the history %q (-fresh +lived):\n%s", h.did, d)
			}
			r, err := h.Rematch(context.Background(), nil)
			if err != nil || r.Gained+r.Lost+r.Moved+r.Removed != 0 {
				t.Errorf("Rematch() = %+v, %v; want nothing changed", r, err)
			}
			if d := cmp.Diff(got, comparable(h.dump())); d != "" {
				t.Errorf("rematch changed the content (-was +is):\n%s", d)
			}
		})
	}
}

// relationsHold demands that what was kept of relations while things came and
// went is what the entries make of it anew.
func (h *history) relationsHold(dump string) {
	h.t.Helper()
	s := h.store.(*boltstore.Store)
	faults, err := s.Check(context.Background())
	if err != nil || len(faults) > 0 {
		h.t.Fatalf("after the history %q the store has faults: %q, %v", h.did, faults, err)
	}
	if err := s.Reindex(context.Background(), nil); err != nil {
		h.t.Fatal(err)
	}
	if d := cmp.Diff(dump, comparable(h.dump())); d != "" {
		h.t.Errorf("reindex changes the content (-was +is):\n%s", d)
	}
}

// comparable leaves out of a dump what is history by itself: decisions that
// were undone, which message a decision was said of, suggestions, which are
// hints of who wrote before it was known who they are, and which of two reasons
// a skipped copy was first skipped for where both hold.
func comparable(dump string) string {
	var out []string
	skipped := map[string]message.UIDSet{}
	for line := range strings.SplitSeq(dump, "\n") {
		if strings.HasPrefix(line, "decision ") || strings.HasPrefix(line, "suggestion ") {
			continue
		}
		folder, rest, found := strings.Cut(line, " skipped ")
		reason, uids, _ := strings.Cut(rest, " ")
		if !found || !strings.HasPrefix(line, "folder ") || reason == "excluded" || reason == "internal" {
			out = append(out, line)
			continue
		}
		set, err := message.ParseUIDSet(uids)
		if err != nil {
			panic(err)
		}
		kind := map[string]string{"no_match": "nobody's", "not_ours": "nobody's", "erased": "nobody's"}[reason]
		key := folder + " skipped as " + kind
		skipped[key] = skipped[key].Union(set)
	}
	for key, set := range skipped {
		out = append(out, key+" "+set.String())
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// history is a world with a life.
type history struct {
	*world
	rules matcher.Rules
	did   []string
	mails int
}

var outside = []string{
	"cleo@client.example", "cleo+news@client.example", "dan@client.example", "zoe@stranger.example",
	"yan@elsewhere.example", "sam@shared.example", "eve@gone.example", "x@lawyer.example",
}

func pick[T any](r *rand.Rand, list []T) (T, bool) {
	var none T
	if len(list) == 0 {
		return none, false
	}
	return list[r.IntN(len(list))], true
}

func (h *history) step() {
	ops := []struct {
		weight int
		name   string
		do     func() error
	}{
		{12, "deliver", h.deliverSome}, {12, "pass", h.passSome}, {3, "add", h.add}, {3, "edit", h.edit},
		{1, "merge", h.merge}, {2, "undo", h.undoSome}, {1, "erase", h.erase}, {2, "company", h.addCompany},
		{1, "edit company", h.editCompany}, {1, "merge companies", h.mergeCompanies}, {3, "decide", h.decide},
		{1, "renumber", h.renumberSome}, {1, "rules", h.change},
	}
	total := 0
	for _, o := range ops {
		total += o.weight
	}
	n := h.rnd.IntN(total)
	for _, o := range ops {
		if n -= o.weight; n < 0 {
			err := o.do()
			if err == nil {
				h.did = append(h.did, o.name)
			} else if !errors.Is(err, store.ErrExists) && !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNotFound) {
				h.t.Fatalf("%s: %v", o.name, err)
			}
			return
		}
	}
}

func (h *history) address() contact.Address {
	return contact.Address(outside[h.rnd.IntN(len(outside))])
}

func (h *history) deliverSome() error {
	h.mails++
	id := fmt.Sprintf("m%02d", h.mails)
	ours, theirs := []string{ada, bob}[h.rnd.IntN(2)], string(h.address())
	from, to, folder := theirs, ours, "INBOX"
	if h.rnd.IntN(3) == 0 {
		from, to, folder = ours, theirs, "Sent"
	}
	var more []string
	if h.rnd.IntN(2) == 0 {
		more = append(more, "Cc: "+string(h.address()))
	}
	if h.mails > 1 && h.rnd.IntN(3) > 0 {
		refs := []string{fmt.Sprintf("<m%02d@test>", 1+h.rnd.IntN(h.mails-1))}
		if h.rnd.IntN(3) == 0 {
			refs = append(refs, fmt.Sprintf("<m%02d@test>", 1+h.rnd.IntN(h.mails-1)))
		}
		more = append(more, "In-Reply-To: "+refs[0], "References: "+strings.Join(refs, " "))
	}
	subject := "Subject " + id
	if h.rnd.IntN(3) == 0 { // what only hints tell to be of one conversation
		n := h.rnd.IntN(3)
		subject = fmt.Sprint("Re: Shared", n)
		if h.rnd.IntN(2) == 0 {
			more = append(more, fmt.Sprint("X-Thread: ", 1+h.rnd.IntN(2)))
		}
		if h.rnd.IntN(2) == 0 {
			more = append(more, "Thread-Index: "+index(byte(n), 1))
		}
	}
	raw := strings.Replace(mail(id, from, to, subject, more...), ":11:00 +0000", fmt.Sprintf(":%02d:00 +0000", h.mails%60), 1)
	box := map[string]string{ada: "ada", bob: "bob"}[ours]
	h.deliver(box, folder, raw)
	switch h.rnd.IntN(8) {
	case 0: // a copy in the other mailbox, with more to tell
		h.deliver(map[string]string{"ada": "bob", "bob": "ada"}[box], "INBOX", strings.Replace(raw, "Subject:", "Bcc: "+string(h.address())+"\nSubject:", 1))
	case 1:
		h.deliver(box, "Other", raw)
	case 2:
		if h.rnd.IntN(3) == 0 {
			h.deliver(box, "Private", raw)
		}
	}
	return nil
}

func (h *history) passSome() error {
	if f, ok := pick(h.rnd, h.folders); ok {
		h.pass(f)
	}
	return nil
}

func (h *history) renumberSome() error {
	if f, ok := pick(h.rnd, h.folders); ok {
		h.renumber(f.Mailbox, f.Name)
	}
	return nil
}

func (h *history) people(merged bool) []contact.Contact {
	var out []contact.Contact
	h.view(func(tx store.Tx) error {
		page, err := tx.Contacts().List(store.Filter{Merged: merged}, store.Slice{Limit: 1000})
		out = page.Items
		return err
	})
	return out
}

func (h *history) companies(merged bool) []contact.Organisation {
	var out []contact.Organisation
	h.view(func(tx store.Tx) error {
		page, err := tx.Organisations().List(store.Filter{Merged: merged}, store.Slice{Limit: 1000})
		out = page.Items
		return err
	})
	return out
}

func (h *history) view(fn func(store.Tx) error) {
	h.t.Helper()
	if err := h.store.View(context.Background(), fn); err != nil {
		h.t.Fatal(err)
	}
}

func (h *history) add() error {
	c := contact.Contact{Name: fmt.Sprintf("P%d", len(h.did)), Addresses: []contact.Address{h.address()}, Kind: contact.Customer}
	if o, ok := pick(h.rnd, h.companies(false)); ok && h.rnd.IntN(2) == 0 {
		c.Affiliations = []contact.Affiliation{{Organisation: o.ID}}
	}
	_, err := h.AddContact(context.Background(), "test", c)
	return err
}

func (h *history) edit() error {
	c, ok := pick(h.rnd, h.people(false))
	if !ok {
		return store.ErrNotFound
	}
	c.Addresses, c.Affiliations = []contact.Address{h.address()}, nil
	if h.rnd.IntN(2) == 0 {
		c.Addresses = append(c.Addresses, h.address())
	}
	if o, ok := pick(h.rnd, h.companies(false)); ok && h.rnd.IntN(2) == 0 {
		c.Affiliations = []contact.Affiliation{{Organisation: o.ID}}
	}
	_, err := h.EditContact(context.Background(), "test", c)
	return err
}

func (h *history) merge() error {
	a, _ := pick(h.rnd, h.people(false))
	b, _ := pick(h.rnd, h.people(false))
	_, err := h.MergeContacts(context.Background(), "test", a.ID, b.ID)
	return err
}

func (h *history) erase() error {
	c, ok := pick(h.rnd, h.people(false))
	if !ok {
		return store.ErrNotFound
	}
	_, err := h.Erase(context.Background(), "test", c.ID)
	return err
}

func (h *history) undoSome() error {
	var ids []string
	h.view(func(tx store.Tx) error {
		ids = nil
		page, err := tx.Audit().List("", store.Slice{Limit: 1000})
		for _, r := range page.Items {
			if len(r.Before) > 0 {
				ids = append(ids, r.ID)
			}
		}
		return err
	})
	id, ok := pick(h.rnd, ids)
	if !ok {
		return store.ErrNotFound
	}
	return h.Undo(context.Background(), "test", id)
}

func (h *history) domains() []contact.Domain {
	all := []contact.Domain{{Name: "client.example"}, {Name: "elsewhere.example"}, {Name: "shared.example", Shared: true}}
	h.rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:1+h.rnd.IntN(2)]
}

func (h *history) addCompany() error {
	_, err := h.AddOrganisation(context.Background(), "test", contact.Organisation{Name: fmt.Sprintf("O%d", len(h.did)), Domains: h.domains()})
	return err
}

func (h *history) editCompany() error {
	o, ok := pick(h.rnd, h.companies(false))
	if !ok {
		return store.ErrNotFound
	}
	o.Domains = h.domains()
	_, err := h.EditOrganisation(context.Background(), "test", o)
	return err
}

func (h *history) mergeCompanies() error {
	a, _ := pick(h.rnd, h.companies(false))
	b, _ := pick(h.rnd, h.companies(false))
	_, err := h.MergeOrganisations(context.Background(), "test", a.ID, b.ID)
	return err
}

func (h *history) decide() error {
	ctx := context.Background()
	var ms []message.Message
	h.view(func(tx store.Tx) error {
		ms = nil
		page, err := tx.Messages().List(store.Slice{Limit: 1000})
		for _, id := range page.Items {
			m, err := tx.Messages().Get(id)
			if err != nil {
				return err
			}
			ms = append(ms, m)
		}
		return err
	})
	m, ok := pick(h.rnd, ms)
	if !ok {
		return store.ErrNotFound
	}
	var err error
	switch h.rnd.IntN(5) {
	case 0:
		_, err = h.Withdraw(ctx, "test", m.ID)
	case 1:
		_, err = h.Private(ctx, "test", m.Thread)
	case 2:
		if len(m.Matches) > 0 {
			x := m.Matches[0]
			if x.Contact != "" {
				x.Organisation = ""
			}
			_, err = h.Unfile(ctx, "test", m.ID, store.Subject{Contact: x.Contact, Organisation: x.Organisation})
		}
	default:
		if c, ok := pick(h.rnd, h.people(false)); ok {
			_, err = h.File(ctx, "test", m.ID, store.Subject{Contact: c.ID})
		}
	}
	return err
}

func (h *history) change() error {
	r := rules()
	switch h.rnd.IntN(3) {
	case 0:
		r.Exclusions = append(r.Exclusions, matcher.Exclusion{Address: h.address(), Mode: matcher.Blocked})
	case 1:
		r.Exclusions = append(r.Exclusions, matcher.Exclusion{Address: h.address(), Mode: matcher.Protected})
	}
	h.rules = r
	return h.Reconfigure(context.Background(), r, true, boxes)
}

// fresh is a world that knows from the start what this one has come to know.
func (h *history) fresh() *world {
	h.t.Helper()
	w := newWorld(h.t)
	ctx := context.Background()
	if err := w.Reconfigure(ctx, h.rules, true, boxes); err != nil {
		h.t.Fatal(err)
	}
	people, companies := h.people(true), h.companies(true)
	var decisions []store.Decision
	var gone []store.Digest
	h.view(func(tx store.Tx) error {
		gone = nil
		for _, a := range outside {
			d := store.Digest(contact.AddressDigest([]byte("0123456789abcdef0123456789abcdef"), contact.Address(a).Folded()))
			if has, err := tx.Tombstones().Has(d); err != nil {
				return err
			} else if has {
				gone = append(gone, d)
			}
		}
		page, err := tx.Decisions().List(store.Slice{Limit: 1000})
		decisions = page.Items
		return err
	})
	err := w.store.Update(ctx, func(tx store.Tx) error {
		var errs []error
		for _, c := range people {
			errs = append(errs, tx.Contacts().Put(c))
		}
		for _, o := range companies {
			errs = append(errs, tx.Organisations().Put(o))
		}
		for _, d := range decisions {
			errs = append(errs, tx.Decisions().Put(d))
		}
		for _, d := range gone {
			errs = append(errs, tx.Tombstones().Put(d, start))
		}
		return errors.Join(errs...)
	})
	if err != nil {
		h.t.Fatal(err)
	}
	w.folders = h.folders
	return w
}

// seeds are the histories to try, or the one RAPPORT_SEED names.
func seeds() []uint64 {
	if s, err := strconv.ParseUint(os.Getenv("RAPPORT_SEED"), 10, 64); err == nil {
		return []uint64{s}
	}
	out := make([]uint64, histories)
	for n := range out {
		out[n] = uint64(n)
	}
	return out
}
