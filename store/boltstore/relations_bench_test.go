package boltstore

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/relation"
	"rapport/records/timeline"
	"rapport/store"
)

var relationsStart = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// someEntry is a message of a conversation of three with one of many contacts.
func someEntry(r *rand.Rand, n, contacts int, turn timeline.Turn) timeline.Entry {
	thread := n / 3
	who := thread * 7919 % contacts
	e := timeline.Entry{
		ID: timeline.ID(store.NewID(relationsStart)), Time: relationsStart.Add(-time.Duration(n)*time.Minute + time.Duration(r.IntN(60))*time.Second),
		Kind: timeline.Message, Direction: message.In, Subject: "Re: the offer of the new press", Snippet: "Dear Ada, thank you for the offer, we would like to",
		Message: message.ID(store.NewID(relationsStart)), Thread: message.ThreadID(idOf(thread)),
		Contacts: []contact.ID{contact.ID(idOf(who))}, Organisations: []contact.OrganisationID{contact.OrganisationID(idOf(1e6 + who/5))}, Turn: turn,
	}
	if n%3 == 1 {
		e.Direction = message.Out
	}
	if turn != "" {
		e.Members = []contact.Address{"ada@ours.example"}
	}
	return e
}

func idOf(n int) string { return fmt.Sprintf("01KA%022d", n) }

// BenchmarkRelations puts entries, newest first, a hundred in a transaction:
// what they cost when relations follow, and when they do not.
func BenchmarkRelations(b *testing.B) {
	for name, turn := range map[string]timeline.Turn{"followed": timeline.Asks, "not": ""} {
		b.Run(name, func(b *testing.B) {
			s, err := Open(b.TempDir(), Options{NoSync: true, NoMerge: true})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			r := rand.New(rand.NewPCG(1, 1))
			for n := 0; n < b.N; n += 100 {
				err := s.Update(b.Context(), func(tx store.Tx) error {
					for k := range 100 {
						if err := tx.Entries().Put(someEntry(r, n+k, 2000, turn), nil); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRelationLists asks lists of 100,000 contacts by what is known of
// relations.
func BenchmarkRelationLists(b *testing.B) {
	const contacts = 100_000
	s, err := Open(b.TempDir(), Options{NoSync: true, NoMerge: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	r := rand.New(rand.NewPCG(1, 1))
	for n := 0; n < contacts; n += 1000 {
		err := s.Update(b.Context(), func(tx store.Tx) error {
			for k := n; k < n+1000; k++ {
				c := contact.Contact{ID: contact.ID(idOf(k)), Name: fmt.Sprint("Person ", k), Addresses: []contact.Address{contact.Address(fmt.Sprintf("p%d@c%d.example", k, k%5000))}}
				if err := tx.Contacts().Put(c); err != nil {
					return err
				}
				if err := tx.Entries().Put(someEntry(r, 3*k, contacts, timeline.Asks), nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	middle := relationsStart.Add(-contacts * 3 / 2 * time.Minute)
	for name, f := range map[string]store.Filter{
		"contact": {Order: store.ByContact}, "quiet": {Order: store.ByQuiet}, "waiting": {Waiting: relation.Us},
		"quiet since": {QuietSince: middle}, "waiting and quiet": {Waiting: relation.Us, QuietSince: middle, Order: store.ByContact},
		"contact with text": {Order: store.ByContact, Text: "person 77"},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				err := s.View(b.Context(), func(tx store.Tx) error {
					page, err := tx.Contacts().List(f, store.Slice{Limit: 50})
					if err == nil && len(page.Items) != 50 {
						b.Errorf("%d contacts, want 50", len(page.Items))
					}
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
