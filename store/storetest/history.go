package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
)

func subjects(p store.Page[timeline.Entry]) []string {
	var out []string
	for _, e := range p.Items {
		out = append(out, e.Subject)
	}
	return out
}

func testEntries(t *testing.T, s store.Store) {
	ada, acme := newID[contact.ID](0), newID[contact.OrganisationID](0)
	var es []timeline.Entry
	for i := range 4 {
		es = append(es, timeline.Entry{ID: newID[timeline.ID](i), Time: at(10 - i), Kind: timeline.Message, Subject: fmt.Sprint("s", i),
			Message: newID[message.ID](i), Contacts: []contact.ID{ada}})
	}
	es[3].Contacts, es[3].Organisations = nil, []contact.OrganisationID{acme}
	es[2].Time = es[1].Time // ties are broken by id
	update(t, s, func(tx store.Tx) error {
		for i, e := range es {
			if err := tx.Entries().Put(e, store.NewDocument(store.Fields{Text: fmt.Sprint("text ", i)})); err != nil {
				return err
			}
		}
		return nil
	})
	of := func(who store.Subject) []string {
		return subjects(view(t, s, func(tx store.Tx) (store.Page[timeline.Entry], error) { return tx.Entries().Of(who, store.Slice{}) }))
	}
	recent := func() []string {
		return subjects(view(t, s, func(tx store.Tx) (store.Page[timeline.Entry], error) { return tx.Entries().Recent(store.Slice{}) }))
	}
	text := func(tx store.Tx) (string, error) { return tx.Entries().Text(es[1].ID) }
	equal(t, "Get", view(t, s, func(tx store.Tx) (timeline.Entry, error) { return tx.Entries().Get(es[1].ID) }), es[1])
	equal(t, "OfMessage", view(t, s, func(tx store.Tx) (timeline.Entry, error) { return tx.Entries().OfMessage(es[1].Message) }), es[1])
	missing(t, s, "OfMessage", func(tx store.Tx) (timeline.Entry, error) { return tx.Entries().OfMessage("none") })
	equal(t, "Of contact", of(store.Subject{Contact: ada}), []string{"s0", "s2", "s1"})
	equal(t, "Of organisation", of(store.Subject{Organisation: acme}), []string{"s3"})
	equal(t, "Recent", recent(), []string{"s0", "s2", "s1", "s3"})
	equal(t, "Text", view(t, s, text), "text 1")
	before := func(when time.Time, c store.Cursor) store.Page[timeline.Entry] {
		return view(t, s, func(tx store.Tx) (store.Page[timeline.Entry], error) {
			return tx.Entries().Before(when, store.Slice{Limit: 2, Cursor: c})
		})
	}
	equal(t, "Before", subjects(before(es[0].Time, "")), []string{"s2", "s1"})
	equal(t, "Before goes on", subjects(before(es[0].Time, before(es[0].Time, "").Next)), []string{"s3"})
	equal(t, "Before the first", len(before(es[3].Time, "").Items), 0)

	es[1].Contacts, es[1].Organisations = nil, []contact.OrganisationID{acme}
	es[1].Time = at(20)
	update(t, s, func(tx store.Tx) error { return tx.Entries().Put(es[1], nil) })
	equal(t, "Of contact after a move", of(store.Subject{Contact: ada}), []string{"s0", "s2"})
	equal(t, "Of organisation after a move", of(store.Subject{Organisation: acme}), []string{"s1", "s3"})
	equal(t, "Recent after a move", recent(), []string{"s1", "s0", "s2", "s3"})
	equal(t, "Text after Put with nil", view(t, s, text), "text 1")

	update(t, s, func(tx store.Tx) error {
		return errors.Join(tx.Entries().Delete(es[1].ID), tx.Entries().Delete("none"))
	})
	missing(t, s, "Get of a deleted one", func(tx store.Tx) (timeline.Entry, error) { return tx.Entries().Get(es[1].ID) })
	missing(t, s, "Text of a deleted one", text)
	equal(t, "Of organisation after Delete", of(store.Subject{Organisation: acme}), []string{"s3"})
	equal(t, "Recent after Delete", recent(), []string{"s0", "s2", "s3"})
}

// found returns the subjects of the entries a search finds.
func found(t *testing.T, s store.Store, query string) []string {
	t.Helper()
	q, err := store.ParseQuery(query)
	if err != nil {
		t.Fatalf("ParseQuery(%q): %v", query, err)
	}
	return subjects(view(t, s, func(tx store.Tx) (store.Page[timeline.Entry], error) { return tx.Entries().Search(q, store.Slice{}) }))
}

func testSearch(t *testing.T, s store.Store) {
	acme := contact.Organisation{ID: newID[contact.OrganisationID](0), Name: "Acme Ltd", Domains: []contact.Domain{{Name: "acme.example"}}}
	ada := contact.Contact{ID: newID[contact.ID](0), Name: "Ada Byron", Addresses: []contact.Address{"ada@acme.example"}}
	docs := []store.Fields{
		{Subject: "A", Text: "Die Straße nach München, 50 % Rabatt.", From: []string{"Ada Byron", "ada@mail.acme.example"}, To: []string{"info@our.example"}},
		{Subject: "B", Text: "résumé of the strasse; don't delay", From: []string{"Bob", "bob@x.example"}, To: []string{"Ada Byron", "ada@acme.example"}},
		{Subject: "C", Text: "東京の会議について。全部 ＦＵＬＬ", From: []string{"佐藤", "sato@jp.example"}},
		{Subject: "D", Text: "আমাদের দামের তালিকা চাই", From: []string{"রহিম", "rahim@bd.example"}, Attachments: []string{"price-list.pdf", "Größe_7.docx"},
			Files: []store.FileText{{Name: "price-list.pdf", Text: "Anvils: twelve, at 4711 each.\nStraße"}}},
	}
	update(t, s, func(tx store.Tx) error {
		if err := errors.Join(tx.Contacts().Put(ada), tx.Organisations().Put(acme)); err != nil {
			return err
		}
		for i, f := range docs {
			m := message.Message{ID: newID[message.ID](i), Time: at(24 * i), Holdings: []message.Holding{{Mailbox: []string{"info", "sales"}[i%2], Folder: []string{"INBOX", "Archive/2026"}[i/2], UIDValidity: 1, UID: uint32(i + 1)}}}
			e := timeline.Entry{ID: newID[timeline.ID](i), Time: m.Time, Subject: f.Subject, Message: m.ID, Attachment: len(f.Attachments) > 0}
			if i < 2 {
				e.Contacts = []contact.ID{ada.ID}
			}
			if i == 0 {
				e.Organisations = []contact.OrganisationID{acme.ID}
			}
			if err := errors.Join(tx.Messages().Put(m, nil), tx.Entries().Put(e, documents[i%2](f))); err != nil {
				return err
			}
		}
		return nil
	})
	for query, want := range searches {
		equal(t, "Search "+query, found(t, s, query), want)
	}
	equal(t, "Search by id", found(t, s, "with:"+string(ada.ID)), []string{"B", "A"})

	e := view(t, s, func(tx store.Tx) (store.Page[timeline.Entry], error) { return tx.Entries().Recent(store.Slice{}) }).Items
	update(t, s, func(tx store.Tx) error {
		return errors.Join(tx.Entries().Put(e[0], store.LaterDocument(store.Fields{Text: "something else"})), tx.Entries().Delete(e[3].ID))
	})
	equal(t, "Search for a replaced text", found(t, s, "তালিকা"), nil)
	equal(t, "Search for the new text", found(t, s, `"something else"`), []string{"D"})
	equal(t, "Search without the deleted", found(t, s, "strasse"), []string{"B"})
	equal(t, "Search for what is left", found(t, s, "-nothing"), []string{"D", "C", "B"})
}

// searches are questions to the documents of testSearch, with the subjects
// that answer them.
var searches = map[string][]string{
	"":                                    {"D", "C", "B", "A"},
	"strasse":                             {"D", "B", "A"},
	"STRASSE münchen":                     {"A"},
	"munchen":                             {"A"},
	"mün*":                                {"A"},
	"mun":                                 nil,
	"Résumé OR münchen":                   {"B", "A"},
	"strasse -rabatt -4711":               {"B"},
	"-strasse":                            {"C"},
	"-(strasse OR 会議)":                    nil,
	`"twelve at 4711"`:                    {"D"},
	`"4711 each strasse"`:                 {"D"},
	"subject:d":                           {"D"},
	"subject:D OR subject:a*":             {"D", "A"},
	"subject:strasse":                     nil,
	"-subject:b -subject:c":               {"D", "A"},
	"file:price":                          {"D"},
	"file:PRICE-list.pdf":                 {"D"},
	"file:pdf":                            {"D"},
	"file:grosse_7*":                      {"D"},
	"file:anvils":                         nil,
	"file:d":                              nil,
	`file:"list.pdf price"`:               nil,
	`file:"price list.pdf"`:               {"D"},
	"-file:pdf strasse":                   {"B", "A"},
	"on:2026-03-02":                       {"B"},
	"-on:2026-03-02":                      {"D", "C", "A"},
	"on:2026":                             {"D", "C", "B", "A"},
	"on:2025":                             nil,
	`"die straße"`:                        {"A"},
	`"straße die"`:                        nil,
	`"nach mün"*`:                         {"A"},
	`-"die straße" strasse`:               {"D", "B"},
	"東京":                                  {"C"},
	"京の会":                                 {"C"},
	"東会":                                  nil,
	"京":                                   {"C"},
	"議":                                   {"C"},
	"full":                                {"C"},
	"তালিকা":                              {"D"},
	"দামের":                               {"D"},
	"দাম":                                 nil,
	"দাম*":                                {"D"},
	"don't":                               {"B"},
	"from:ada":                            {"A"},
	"from:byr*":                           {"A"},
	"from:acme.example":                   {"A"},
	"from:@acme.example":                  {"A"},
	"from:ada@mail.acme.example":          {"A"},
	"from:ada@acme.example":               nil,
	`to:"ada byron"`:                      {"B"},
	"to:ada":                              {"B"},
	"to:info@our.example":                 {"A"},
	"ada":                                 {"B", "A"},
	"ada@acme.example":                    {"B"},
	"price":                               {"D"},
	"in:info":                             {"C", "A"},
	"in:inbox":                            {"B", "A"},
	"in:Archive/2026":                     {"D", "C"},
	"in:2026 in:sales":                    {"D"},
	"in:nowhere":                          nil,
	"with:ada@acme.example":               {"B", "A"},
	"with:acme.example":                   {"A"},
	`with:"acme ltd"`:                     {"A"},
	"with:byron":                          {"B", "A"},
	"with:nobody":                         nil,
	"has:attachment":                      {"D"},
	"-has:attachment in:sales":            {"B"},
	"before:2026-03-02":                   {"A"},
	"after:2026-03-03":                    {"D", "C"},
	"after:2026-03-02 before:2026-03-04":  {"C", "B"},
	"after:2026":                          {"D", "C", "B", "A"},
	"before:2026-03":                      nil,
	"before:2026-03-02 OR has:attachment": {"D", "A"},
	"-after:2026-03-02":                   {"A"},
	"...":                                 {"D", "C", "B", "A"},
}

// documents are the two ways to make one: with its terms, or for later. What
// is found does not depend on it.
var documents = []func(store.Fields) *store.Document{store.NewDocument, store.LaterDocument}

func testSearchPages(t *testing.T, s store.Store) {
	const n = 57
	var want []string
	for i := range n {
		update(t, s, func(tx store.Tx) error {
			e := timeline.Entry{ID: newID[timeline.ID](i), Time: at(i / 3), Subject: fmt.Sprint(i)}
			return tx.Entries().Put(e, documents[i/2%2](store.Fields{Text: fmt.Sprint("common ", []string{"odd", "even"}[i%2], " number", i)}))
		})
		want = append([]string{fmt.Sprint(i)}, want...)
	}
	for _, query := range []string{"common", "", "after:2000", "common -absent", `"odd number1" OR common`} {
		q, err := store.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for sl := (store.Slice{Limit: 10}); ; {
			p := view(t, s, func(tx store.Tx) (store.Page[timeline.Entry], error) { return tx.Entries().Search(q, sl) })
			got = append(got, subjects(p)...)
			if sl.Cursor = p.Next; sl.Cursor == "" {
				break
			}
		}
		equal(t, "pages of "+query, got, want)
	}
}
