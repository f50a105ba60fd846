package storetest

import (
	"errors"
	"slices"
	"testing"

	"rapport/records/contact"
	"rapport/store"
)

func names(p store.Page[contact.Contact]) []string {
	var out []string
	for _, c := range p.Items {
		out = append(out, c.Name)
	}
	return out
}

func testContacts(t *testing.T, s store.Store) {
	ada := contact.Contact{ID: newID[contact.ID](0), Name: "Ada", Addresses: []contact.Address{"ada@example.org", "a@example.com"},
		Kind: contact.Customer, Custom: map[string]string{"k": "v"}, Created: at(0)}
	bob := contact.Contact{ID: newID[contact.ID](0), Name: "Bob", Addresses: []contact.Address{"bob@example.org"}}
	update(t, s, func(tx store.Tx) error {
		return errors.Join(tx.Contacts().Put(ada), tx.Contacts().Put(bob))
	})
	get := func(id contact.ID) func(store.Tx) (contact.Contact, error) {
		return func(tx store.Tx) (contact.Contact, error) { return tx.Contacts().Get(id) }
	}
	by := func(a contact.Address) []contact.Contact {
		return view(t, s, func(tx store.Tx) ([]contact.Contact, error) { return tx.Contacts().ByAddress(a) })
	}
	equal(t, "Get", view(t, s, get(ada.ID)), ada)
	missing(t, s, "Get of nobody", get("nobody"))
	equal(t, "ByAddress", by("a@example.com"), []contact.Contact{ada})
	equal(t, "ByAddress of nobody", by("x@example.com"), nil)
	equal(t, "ByAddress of a beginning", by("ada@example.or"), nil)
	folded := view(t, s, func(tx store.Tx) ([]contact.Contact, error) { return tx.Contacts().ByFolded("bob@example.org") })
	equal(t, "ByFolded", folded, []contact.Contact{bob})

	ada.Addresses = []contact.Address{"ada@example.net"}
	update(t, s, func(tx store.Tx) error { return tx.Contacts().Put(ada) })
	equal(t, "ByAddress of the old address", by("ada@example.org"), nil)
	equal(t, "ByAddress of the new address", by("ada@example.net"), []contact.Contact{ada})

	bob.MergedInto = ada.ID
	update(t, s, func(tx store.Tx) error { return tx.Contacts().Put(bob) })
	equal(t, "ByAddress of a merged one", by("bob@example.org"), nil)
	equal(t, "Get of a merged one", view(t, s, get(bob.ID)), bob)

	update(t, s, func(tx store.Tx) error {
		return errors.Join(tx.Contacts().Delete(ada.ID), tx.Contacts().Delete("nobody"))
	})
	missing(t, s, "Get of a deleted one", get(ada.ID))
	equal(t, "ByAddress of a deleted one", by("ada@example.net"), nil)
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Contacts().Put(contact.Contact{Name: "x"}) }); err == nil {
		t.Error("Put without an id was accepted")
	}
}

func testContactLists(t *testing.T, s store.Store) {
	acme := contact.Organisation{ID: newID[contact.OrganisationID](0), Name: "Acme", Kind: contact.Partner}
	in := []contact.Affiliation{{Organisation: acme.ID}}
	people := []contact.Contact{
		{Name: "chris Ångström", Affiliations: in, Tags: []string{"vip"}, Owner: "me@example.net"},
		{Name: "Ada Byron", Kind: contact.Both, Affiliations: in, Stage: contact.Active},
		{Name: "Bob", Kind: contact.Customer, Role: "Buyer", Addresses: []contact.Address{"robert.smith@mail.example.org"}},
		{Name: "Ada Byron", Kind: contact.Other},
		{Name: "Zoe", Kind: contact.Customer, Affiliations: in, MergedInto: "someone"},
	}
	for i := range people {
		people[i].ID = newID[contact.ID](i)
	}
	update(t, s, func(tx store.Tx) error {
		err := tx.Organisations().Put(acme)
		for _, c := range people {
			err = errors.Join(err, tx.Contacts().Put(c))
		}
		return err
	})
	of := view(t, s, func(tx store.Tx) (store.Page[contact.Contact], error) {
		return tx.Contacts().Of(acme.ID, store.Slice{})
	})
	equal(t, "Of", names(of), []string{"Ada Byron", "chris Ångström"})
	for name, want := range map[string][]contact.Contact{" ada  BYRON": {people[1], people[3]}, "ada": nil, "zoe": nil} {
		equal(t, "ByName of "+name, view(t, s, func(tx store.Tx) ([]contact.Contact, error) { return tx.Contacts().ByName(name) }), want)
	}
	// What a transaction has written stands among what was there.
	update(t, s, func(tx store.Tx) error {
		third := contact.Contact{ID: newID[contact.ID](9), Name: "Ada Byron"}
		if err := errors.Join(tx.Contacts().Put(third), tx.Contacts().Delete(people[1].ID)); err != nil {
			return err
		}
		now, err := tx.Contacts().ByName("Ada Byron")
		equal(t, "ByName of what was just written", now, []contact.Contact{people[3], third})
		return errors.Join(err, tx.Contacts().Delete(third.ID), tx.Contacts().Put(people[1]))
	})
	for _, tt := range []struct {
		name string
		f    store.Filter
		want []string
	}{
		{"all", store.Filter{}, []string{"Ada Byron", "Ada Byron", "Bob", "chris Ångström"}},
		{"merged too", store.Filter{Merged: true}, []string{"Ada Byron", "Ada Byron", "Bob", "chris Ångström", "Zoe"}},
		{"customers", store.Filter{Kind: contact.Customer}, []string{"Ada Byron", "Bob"}},
		{"partners, one by organisation", store.Filter{Kind: contact.Partner}, []string{"Ada Byron", "chris Ångström"}},
		{"stage", store.Filter{Stage: contact.Active}, []string{"Ada Byron"}},
		{"role", store.Filter{Role: "buyer"}, []string{"Bob"}},
		{"owner", store.Filter{Owner: "me@example.net"}, []string{"chris Ångström"}},
		{"tag", store.Filter{Tag: "vip"}, []string{"chris Ångström"}},
		{"beginning of a word", store.Filter{Text: "byr"}, []string{"Ada Byron", "Ada Byron"}},
		{"not inside a word", store.Filter{Text: "yron"}, nil},
		{"accents", store.Filter{Text: "angst"}, []string{"chris Ångström"}},
		{"address", store.Filter{Text: "smith"}, []string{"Bob"}},
		{"domain", store.Filter{Text: "example.org"}, []string{"Bob"}},
		{"two words", store.Filter{Text: "bo mail"}, []string{"Bob"}},
		{"two words of two", store.Filter{Text: "bo ada"}, nil},
	} {
		got := view(t, s, func(tx store.Tx) (store.Page[contact.Contact], error) {
			return tx.Contacts().List(tt.f, store.Slice{})
		})
		equal(t, "List of "+tt.name, names(got), tt.want)
		var paged []string
		for sl := (store.Slice{Limit: 1}); ; {
			p := view(t, s, func(tx store.Tx) (store.Page[contact.Contact], error) { return tx.Contacts().List(tt.f, sl) })
			paged = append(paged, names(p)...)
			if sl.Cursor = p.Next; sl.Cursor == "" {
				break
			}
		}
		equal(t, "List in pages of "+tt.name, paged, tt.want)
	}
}

func testOrganisations(t *testing.T, s store.Store) {
	acme := contact.Organisation{ID: newID[contact.OrganisationID](0), Name: "Acme  Ltd", Domains: []contact.Domain{{Name: "acme.example"}, {Name: "shared.example", Shared: true}}}
	beta := contact.Organisation{ID: newID[contact.OrganisationID](0), Name: "Beta", Domains: []contact.Domain{{Name: "shared.example", Shared: true}}}
	update(t, s, func(tx store.Tx) error {
		return errors.Join(tx.Organisations().Put(acme), tx.Organisations().Put(beta))
	})
	by := func(d string) []contact.Organisation {
		return view(t, s, func(tx store.Tx) ([]contact.Organisation, error) { return tx.Organisations().ByDomain(d) })
	}
	equal(t, "ByDomain", by("acme.example"), []contact.Organisation{acme})
	equal(t, "ByDomain shared", by("shared.example"), []contact.Organisation{acme, beta})
	equal(t, "ByDomain of a subdomain", by("x.acme.example"), nil)
	named := func(n string) []contact.Organisation {
		return view(t, s, func(tx store.Tx) ([]contact.Organisation, error) { return tx.Organisations().ByName(n) })
	}
	equal(t, "ByName", named(" ACME ltd"), []contact.Organisation{acme})
	equal(t, "ByName of a beginning", named("acme"), nil)
	missing(t, s, "Get", func(tx store.Tx) (contact.Organisation, error) { return tx.Organisations().Get("none") })
	list := view(t, s, func(tx store.Tx) (store.Page[contact.Organisation], error) {
		return tx.Organisations().List(store.Filter{Text: "acme.ex"}, store.Slice{})
	})
	equal(t, "List", list.Items, []contact.Organisation{acme})
	acme.MergedInto = beta.ID
	update(t, s, func(tx store.Tx) error { return tx.Organisations().Put(acme) })
	equal(t, "ByDomain without the merged", by("shared.example"), []contact.Organisation{beta})
	equal(t, "ByName of the merged", named("acme ltd"), nil)
	update(t, s, func(tx store.Tx) error { return tx.Organisations().Delete(beta.ID) })
	equal(t, "ByDomain of a deleted one", by("shared.example"), nil)
}

func testMembers(t *testing.T, s store.Store) {
	eve := contact.Member{Name: "Eve", Addresses: []contact.Address{"eve@our.example", "e@our.example"}, Away: &contact.Away{Until: at(3), Deputy: "max@our.example"}}
	update(t, s, func(tx store.Tx) error { return tx.Members().Put(eve) })
	for _, a := range eve.Addresses {
		got := view(t, s, func(tx store.Tx) (contact.Member, error) { return tx.Members().Get(a) })
		equal(t, "Get by "+string(a), got, eve)
	}
	missing(t, s, "Get", func(tx store.Tx) (contact.Member, error) { return tx.Members().Get("no@our.example") })
	equal(t, "List", view(t, s, func(tx store.Tx) ([]contact.Member, error) { return tx.Members().List() }), []contact.Member{eve})
}

func testSuggestions(t *testing.T, s store.Store) {
	var all []store.Suggestion
	for i, a := range []contact.Address{"c@x.example", "a@x.example", "b@x.example", "d@x.example"} {
		all = append(all, store.Suggestion{Address: a, Domain: "x.example", Exchange: []int{2, 5, 2, 9}[i], In: []int{7, 1, 9, 0}[i],
			First: at(0), Last: at(i), Expires: at(10 * (i + 1)), Ignored: a == "d@x.example", Seen: []store.Digest{{byte(i)}}})
	}
	update(t, s, func(tx store.Tx) error {
		for _, v := range all {
			if err := tx.Suggestions().Put(v); err != nil {
				return err
			}
		}
		return nil
	})
	list := func() []contact.Address {
		var out []contact.Address
		for sl := (store.Slice{Limit: 2}); ; {
			p := view(t, s, func(tx store.Tx) (store.Page[store.Suggestion], error) { return tx.Suggestions().List(sl) })
			for _, v := range p.Items {
				out = append(out, v.Address)
			}
			if sl.Cursor = p.Next; sl.Cursor == "" {
				return out
			}
		}
	}
	equal(t, "List", list(), []contact.Address{"a@x.example", "b@x.example", "c@x.example"})
	got := view(t, s, func(tx store.Tx) (store.Suggestion, error) { return tx.Suggestions().Get("d@x.example") })
	equal(t, "Get of an ignored one", got, all[3])
	all[0].Exchange = 6
	update(t, s, func(tx store.Tx) error { return tx.Suggestions().Put(all[0]) })
	equal(t, "List after more exchanges", list(), []contact.Address{"c@x.example", "a@x.example", "b@x.example"})
	var n int
	update(t, s, func(tx store.Tx) (err error) {
		n, err = tx.Suggestions().Expire(at(20))
		return err
	})
	equal(t, "Expire", n, 1)
	equal(t, "List after Expire", list(), []contact.Address{"a@x.example", "b@x.example"})
	update(t, s, func(tx store.Tx) error { return tx.Suggestions().Delete("a@x.example") })
	missing(t, s, "Get of a deleted one", func(tx store.Tx) (store.Suggestion, error) { return tx.Suggestions().Get("a@x.example") })
	if i := slices.Index(list(), "a@x.example"); i >= 0 {
		t.Error("a deleted suggestion is listed")
	}
}
