package storetest

import (
	"testing"
	"time"

	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/message"
	"rapport/records/relation"
	"rapport/records/timeline"
	"rapport/store"
)

// spoken is an entry of a conversation with a contact and an organisation.
func spoken(id timeline.ID, n int, thread message.ThreadID, way message.Direction, turn timeline.Turn, who contact.ID) timeline.Entry {
	return timeline.Entry{
		ID: id, Time: at(n), Kind: timeline.Message, Direction: way, Message: message.ID("m" + id), Thread: thread,
		Contacts: []contact.ID{who}, Organisations: []contact.OrganisationID{"firm"}, Turn: turn, Members: []contact.Address{"ada@ours.example"},
	}
}

func testRelations(t *testing.T, s store.Store) {
	put := func(es ...timeline.Entry) {
		t.Helper()
		update(t, s, func(tx store.Tx) error {
			for _, e := range es {
				if err := tx.Entries().Put(e, nil); err != nil {
					return err
				}
			}
			return nil
		})
	}
	who := store.Subject{Contact: "cleo"}
	get := func(who store.Subject) relation.Record {
		return view(t, s, func(tx store.Tx) (relation.Record, error) { return tx.Relations().Get(who) })
	}
	open := func(who store.Subject, side relation.Side) []timeline.ID {
		var out []timeline.ID
		for _, w := range view(t, s, func(tx store.Tx) ([]store.Waiting, error) {
			return tx.Relations().Open(who, side, time.Time{}, 10)
		}) {
			out = append(out, w.Entry)
		}
		return out
	}
	equal(t, "Get of nobody", get(who), relation.Record{})
	asked, again := spoken("a", 1, "t1", message.In, timeline.Asks, "cleo"), spoken("c", 3, "t1", message.In, timeline.Asks, "cleo")
	answered := spoken("b", 2, "t1", message.Out, timeline.Asks, "cleo")
	put(again)
	put(answered, asked) // whatever the order
	r := get(who)
	equal(t, "times", []relation.Span{r.In, r.Out}, []relation.Span{{First: at(1), Last: at(3)}, {First: at(2), Last: at(2)}})
	equal(t, "counts", r.Months, []relation.Month{{Month: relation.MonthOf(start), In: 2, Out: 1}})
	equal(t, "ties", r.Ties, []relation.Tie{{Member: "ada@ours.example", Year: 2026, In: 2, Out: 1}})
	equal(t, "the organisation's", get(store.Subject{Organisation: "firm"}), r)
	equal(t, "who waits for us", open(who, relation.Us), []timeline.ID{"c"})
	equal(t, "whom we wait for", open(who, relation.Them), nil)
	answers := func(side relation.Side) []relation.Answer {
		return view(t, s, func(tx store.Tx) ([]relation.Answer, error) { return tx.Relations().Answers(who, side, 10) })
	}
	equal(t, "our answers", answers(relation.Us), []relation.Answer{{Side: relation.Us, Asked: at(1), Answered: at(2), Entry: "b"}})
	equal(t, "their answers", answers(relation.Them), []relation.Answer{{Side: relation.Them, Asked: at(2), Answered: at(3), Entry: "c"}})

	update(t, s, func(tx store.Tx) error { return tx.Entries().Delete("c") })
	r = get(who)
	equal(t, "the last one after Delete", r.In, relation.Span{First: at(1), Last: at(1)})
	equal(t, "whom we wait for after Delete", open(who, relation.Them), []timeline.ID{"b"})
	equal(t, "their answers after Delete", answers(relation.Them), nil)

	call := timeline.Entry{ID: "d", Time: at(5), Kind: timeline.Call, Contacts: []contact.ID{"cleo"}}
	put(call)
	equal(t, "whom we wait for after a call", open(who, relation.Them), nil)
	protected := spoken("e", 9, "t2", message.In, timeline.Asks, "cleo")
	protected.Private = true
	put(protected)
	r = get(who)
	equal(t, "the last contact, protected mail aside", r.Last(), at(5))
	testWaiting(t, s)
}

// testWaiting asks for the lists over everybody.
func testWaiting(t *testing.T, s store.Store) {
	update(t, s, func(tx store.Tx) error {
		if err := tx.Entries().Put(spoken("f", 20, "t3", message.In, timeline.Asks, "dan"), nil); err != nil {
			return err
		}
		return tx.Entries().Put(spoken("g", 10, "t4", message.In, timeline.Asks, "eve"), nil)
	})
	waiting := func(of store.Kind, from time.Time, at store.Slice) store.Page[store.Waiting] {
		return view(t, s, func(tx store.Tx) (store.Page[store.Waiting], error) {
			return tx.Relations().Waiting(of, relation.Us, from, at)
		})
	}
	eve := store.Waiting{Who: store.Subject{Contact: "eve"}, Thread: "t4", Open: relation.Open{Side: relation.Us, Since: at(10), Entry: "g"}}
	dan := store.Waiting{Who: store.Subject{Contact: "dan"}, Thread: "t3", Open: relation.Open{Side: relation.Us, Since: at(20), Entry: "f"}}
	first := waiting(store.OfContacts, time.Time{}, store.Slice{Limit: 1})
	equal(t, "the first of Waiting", first.Items, []store.Waiting{eve})
	equal(t, "the rest of Waiting", waiting(store.OfContacts, time.Time{}, store.Slice{Limit: 1, Cursor: first.Next}).Items, []store.Waiting{dan})
	equal(t, "Waiting from a time", waiting(store.OfContacts, at(10).Add(time.Microsecond), store.Slice{}).Items, []store.Waiting{dan})
	firm := waiting(store.OfOrganisations, time.Time{}, store.Slice{}).Items
	if len(firm) != 2 || firm[0].Who.Organisation != "firm" {
		t.Errorf("Waiting of organisations = %+v, want two of firm", firm)
	}
	testOrders(t, s)
}

// testOrders lists contacts and organisations by contact.
func testOrders(t *testing.T, s store.Store) {
	update(t, s, func(tx store.Tx) error {
		for _, id := range []contact.ID{"cleo", "dan", "eve", "never"} {
			if err := tx.Contacts().Put(contact.Contact{ID: id, Name: string(id)}); err != nil {
				return err
			}
		}
		return tx.Organisations().Put(contact.Organisation{ID: "firm", Name: "Firm"})
	})
	list := func(f store.Filter) string {
		out := ""
		for at := (store.Slice{Limit: 1}); ; {
			p := view(t, s, func(tx store.Tx) (store.Page[contact.Contact], error) { return tx.Contacts().List(f, at) })
			for _, c := range p.Items {
				out += string(c.ID) + " "
			}
			if at.Cursor = p.Next; at.Cursor == "" {
				return out
			}
		}
	}
	for _, tt := range []struct {
		f    store.Filter
		want string
	}{
		{store.Filter{}, "cleo dan eve never "},
		{store.Filter{Order: store.ByContact}, "dan eve cleo never "},
		{store.Filter{Order: store.ByQuiet}, "cleo eve dan never "},
		{store.Filter{Order: store.ByContact, Text: "e"}, "eve "},
		{store.Filter{QuietSince: at(20)}, "cleo eve "},
		{store.Filter{QuietSince: at(20), Order: store.ByContact}, "eve cleo "},
		{store.Filter{Waiting: relation.Us}, "eve dan "},
		{store.Filter{Waiting: relation.Us, Order: store.ByContact}, "dan eve "},
		{store.Filter{Waiting: relation.Us, WaitingFrom: at(11)}, "dan "},
		{store.Filter{Waiting: relation.Us, QuietSince: at(20)}, "eve "},
		{store.Filter{Waiting: relation.Them}, ""},
	} {
		equal(t, "list "+plain(tt.f), list(tt.f), tt.want)
	}
	firms := view(t, s, func(tx store.Tx) (store.Page[contact.Organisation], error) {
		return tx.Organisations().List(store.Filter{Waiting: relation.Us}, store.Slice{})
	})
	if len(firms.Items) != 1 {
		t.Errorf("organisations that wait: %+v, want firm once", firms.Items)
	}
}

func testFollowUps(t *testing.T, s store.Store) {
	one := followup.FollowUp{ID: newID[followup.ID](0), Contact: "cleo", Due: "2026-05-02", Owner: "ada@x", Note: "call", By: "eve", Created: at(0), Updated: at(0)}
	two := followup.FollowUp{ID: newID[followup.ID](1), Message: "m", Due: "2026-04-30", Owner: "bob@x", By: "eve", Created: at(0), Updated: at(0)}
	done := followup.FollowUp{ID: newID[followup.ID](2), Organisation: "firm", Due: "2026-04-01", Owner: "ada@x", By: "eve", Created: at(0), Updated: at(0), Done: at(2), DoneBy: "ada"}
	update(t, s, func(tx store.Tx) error {
		for _, f := range []followup.FollowUp{one, two, done} {
			if err := tx.FollowUps().Put(f); err != nil {
				return err
			}
		}
		return nil
	})
	list := func(f store.FollowUpFilter) []followup.FollowUp {
		return view(t, s, func(tx store.Tx) (store.Page[followup.FollowUp], error) {
			return tx.FollowUps().List(f, store.Slice{})
		}).Items
	}
	for _, tt := range []struct {
		what string
		f    store.FollowUpFilter
		want []followup.FollowUp
	}{
		{"all to do", store.FollowUpFilter{}, []followup.FollowUp{two, one}},
		{"done", store.FollowUpFilter{Done: true}, []followup.FollowUp{done}},
		{"of an owner", store.FollowUpFilter{Owner: "ada@x"}, []followup.FollowUp{one}},
		{"until a day", store.FollowUpFilter{Until: "2026-04-30"}, []followup.FollowUp{two}},
		{"about a contact", store.FollowUpFilter{Who: store.Subject{Contact: "cleo"}}, []followup.FollowUp{one}},
		{"about a message", store.FollowUpFilter{Message: "m"}, []followup.FollowUp{two}},
		{"about a message of somebody else", store.FollowUpFilter{Message: "m", Owner: "ada@x"}, nil},
		{"about an organisation, done", store.FollowUpFilter{Who: store.Subject{Organisation: "firm"}, Done: true}, []followup.FollowUp{done}},
	} {
		equal(t, tt.what, list(tt.f), tt.want)
	}
	one.Due = "2026-04-02"
	update(t, s, func(tx store.Tx) error { return tx.FollowUps().Put(one) })
	equal(t, "put off", list(store.FollowUpFilter{}), []followup.FollowUp{one, two})
	one.Kind = followup.Complaint
	update(t, s, func(tx store.Tx) error { return tx.FollowUps().Put(one) })
	for _, done := range []bool{false, true} {
		got := view(t, s, func(tx store.Tx) (store.Page[followup.FollowUp], error) {
			return tx.FollowUps().List(store.FollowUpFilter{Cases: true, Done: done}, store.Slice{})
		})
		if want := one.Open() != done; len(got.Items) > 1 || (len(got.Items) == 1) != want {
			t.Errorf("cases, done %v: %+v", done, got.Items)
		}
	}
	update(t, s, func(tx store.Tx) error { return tx.FollowUps().Delete(one.ID) })
	missing(t, s, "Get of a deleted one", func(tx store.Tx) (followup.FollowUp, error) { return tx.FollowUps().Get(one.ID) })
	equal(t, "after Delete", list(store.FollowUpFilter{Owner: "ada@x"}), nil)
}

func testFeeds(t *testing.T, s store.Store) {
	a := store.Feed{Token: store.Digest{1}, Member: "ada@x", By: "ada", Created: at(0)}
	b := store.Feed{Token: store.Digest{2}, Member: "bob@x", By: "bob", Created: at(1)}
	update(t, s, func(tx store.Tx) error {
		if err := tx.Feeds().Put(a); err != nil {
			return err
		}
		return tx.Feeds().Put(b)
	})
	of := func(m contact.Address) []store.Feed {
		return view(t, s, func(tx store.Tx) ([]store.Feed, error) { return tx.Feeds().Of(m) })
	}
	equal(t, "Of", of("ada@x"), []store.Feed{a})
	equal(t, "Of everybody", of(""), []store.Feed{a, b})
	update(t, s, func(tx store.Tx) error { return tx.Feeds().Delete(a.Token) })
	missing(t, s, "Get of a deleted one", func(tx store.Tx) (store.Feed, error) { return tx.Feeds().Get(a.Token) })
	equal(t, "Get", view(t, s, func(tx store.Tx) (store.Feed, error) { return tx.Feeds().Get(b.Token) }), b)
}
