package matcher_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"rapport/internal/mailtest"
	"rapport/matcher"
	"rapport/records/contact"
	"rapport/records/message"
)

// generated is the generator's people as the matcher asks for them.
type generated struct {
	contacts []contact.Contact
	orgs     map[contact.OrganisationID]contact.Organisation
}

func newGenerated(t *testing.T, w *mailtest.World) *generated {
	d := &generated{orgs: map[contact.OrganisationID]contact.Organisation{}}
	for _, o := range w.Organisations {
		rec := contact.Organisation{ID: contact.OrganisationID(o.Name), Name: o.Name}
		for _, name := range o.Domains {
			a, err := contact.ParseAddress("x@" + name)
			if err != nil {
				t.Fatal(err)
			}
			rec.Domains = append(rec.Domains, contact.Domain{Name: a.Domain(), Shared: o.Shared})
		}
		d.orgs[rec.ID] = rec
	}
	for _, p := range w.Contacts {
		rec := contact.Contact{ID: contact.ID(p.Addresses[0]), Name: p.Name}
		for _, a := range p.Addresses {
			addr, err := contact.ParseAddress(a)
			if err != nil {
				t.Fatal(err)
			}
			rec.Addresses = append(rec.Addresses, addr)
		}
		if p.Organisation != "" {
			rec.Affiliations = []contact.Affiliation{{Organisation: contact.OrganisationID(p.Organisation)}}
		}
		d.contacts = append(d.contacts, rec)
	}
	return d
}

func (d *generated) ByAddress(a contact.Address) ([]contact.Contact, error) {
	return d.where(func(x contact.Address) bool { return x == a }), nil
}

func (d *generated) ByFolded(a contact.Address) ([]contact.Contact, error) {
	return d.where(func(x contact.Address) bool { return x.Folded() == a.Folded() }), nil
}

func (d *generated) where(match func(contact.Address) bool) (found []contact.Contact) {
	for _, c := range d.contacts {
		if slices.ContainsFunc(c.Addresses, match) {
			found = append(found, c)
		}
	}
	return found
}

func (d *generated) ByDomain(domain string) (found []contact.Organisation, err error) {
	for _, o := range d.orgs {
		if slices.ContainsFunc(o.Domains, func(x contact.Domain) bool { return x.Name == domain }) {
			found = append(found, o)
		}
	}
	return found, nil
}

func (d *generated) Erased(contact.Address) (bool, error) { return false, nil }

// TestReaderAndMatcherAgreeWithTheGenerator reads every copy of a world and
// judges it alone: whatever does not need a thread must come out as the
// generator means it.
func TestReaderAndMatcherAgreeWithTheGenerator(t *testing.T) {
	t.Parallel()
	w := mailtest.NewWorld(mailtest.Options{Seed: 11, Messages: 1500, Scale: 0.2})
	dir := newGenerated(t, w)
	rules := matcher.Rules{Team: contact.Team{Domains: w.TeamDomains}, LogAddress: []contact.Address{contact.Address(w.LogAddress)}}
	for _, m := range w.Members {
		member := contact.Member{Name: m.Name}
		for _, a := range m.Addresses {
			member.Addresses = append(member.Addresses, contact.Address(a))
		}
		rules.Team.Members = append(rules.Team.Members, member)
	}
	for _, b := range w.Blocked {
		e := matcher.Exclusion{Domain: b, Mode: matcher.Blocked}
		if strings.Contains(b, "@") {
			e = matcher.Exclusion{Address: contact.Address(b), Mode: matcher.Blocked}
		}
		rules.Exclusions = append(rules.Exclusions, e)
	}
	judge := matcher.New(rules)
	wrong := map[string]int{}
	complain := func(m mailtest.Mail, what, format string, args ...any) {
		if wrong[what]++; wrong[what] <= 5 {
			tr := w.Truth[m.Message]
			t.Errorf("%s of message %d (%s, %s) in %s: %s\n%.1200s", what, m.Message, tr.Expected, tr.Rule, m.Folder, fmt.Sprintf(format, args...), m.Raw())
		}
	}
	got := map[int]map[string]bool{}
	for _, m := range w.Mails {
		tr := w.Truth[m.Message]
		if tr.Expected == mailtest.Unread || slices.Contains([]string{"Junk", "Trash", "Drafts"}, m.Folder) || m.InternalDate.Before(w.Since) {
			continue
		}
		p, err := message.Parse(bytes.NewReader(m.Raw()), message.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		checkRead(complain, m, tr, p)
		if head, ok := p.About(); ok { // what a report is about counts as passed on, as intake does it
			p.Inner = append(p.Inner, message.Inner{Head: head})
		}
		known := matcher.Known{Flags: m.Flags, Inner: p.Inner, BodyRead: true, Folder: message.Folder{Name: m.Folder}}
		if m.Folder == "Private" {
			known.Folder.Role = message.RolePrivate
		}
		v, err := judge.Judge(dir, p.Head, known)
		if err != nil {
			t.Fatal(err)
		}
		if tr.Rule == "thread" {
			continue
		}
		want := map[mailtest.Expected]bool{mailtest.Filed: v.Action == message.Log && v.Review == "", mailtest.Review: v.Review != "", mailtest.Skipped: v.Action == message.Skip}
		if !want[tr.Expected] {
			complain(m, "verdict", "%s %s by %s, review %q, matches %v", v.Action, v.Reason, v.Rule, v.Review, v.Matches)
			continue
		}
		if got[m.Message] == nil {
			got[m.Message] = map[string]bool{}
		}
		if tr.Expected == mailtest.Filed {
			for _, x := range v.Matches {
				got[m.Message][string(x.Contact)] = true
				got[m.Message][string(x.Organisation)] = true
			}
		}
	}
	for i, set := range got {
		delete(set, "")
		if have := slices.Sorted(maps.Keys(set)); !slices.Equal(have, w.Truth[i].Records) {
			if wrong["records"]++; wrong["records"] <= 5 {
				t.Errorf("message %d (%s) under %v, want %v", i, w.Truth[i].Rule, have, w.Truth[i].Records)
			}
		}
	}
	t.Logf("%d messages judged alone; wrong: %v", len(got), wrong)
}

func checkRead(complain func(mailtest.Mail, string, string, ...any), m mailtest.Mail, tr mailtest.Truth, p message.Parsed) {
	h := p.Head
	if h.MessageID != tr.MessageID || !tr.Date.IsZero() && !h.Date.Equal(tr.Date) || len(h.From) != 1 || string(h.From[0].Address) != tr.From {
		complain(m, "header", "%q %v %v, want %q %v %s", h.MessageID, h.Date, h.From, tr.MessageID, tr.Date, tr.From)
	}
	fold := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	if fold(h.Subject) != fold(tr.Subject) {
		complain(m, "subject", "%q, want %q", h.Subject, tr.Subject)
	}
	if text := fold(p.Text); !strings.Contains(text, fold(tr.Sample)) || !strings.Contains(text, tr.Marker) {
		complain(m, "text", "%.300q lacks %q or %q", text, tr.Sample, tr.Marker)
	}
}
