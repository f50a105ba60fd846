package boltstore

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/records/timeline"
	"rapport/store"
)

// TestPhrases compares phrases with a scan of the texts: of documents in many
// segments, merged, with the places of some or all gone as before format 4, and
// of documents that wait to be indexed. Where the places are known few others
// than those that hold may be looked at.
func TestPhrases(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true, NoMerge: true})
	rnd := rand.New(rand.NewPCG(11, 12))
	words := []string{"press", "offer", "the", "of", "Straße", "example.org", "東京都", "চিঠি", "and", "we", "take", "it"}
	some := func(n int) string {
		var out []string
		for range n {
			out = append(out, words[rnd.IntN(len(words))])
		}
		return strings.Join(out, " ")
	}
	var texts []store.Fields
	put := func(n int, later bool) {
		err := s.update(t.Context(), func(tx *Tx) error {
			for range n {
				f := store.Fields{Subject: some(2), Text: some(1 + rnd.IntN(30))}
				doc := store.NewDocument(f)
				if later {
					doc = store.LaterDocument(f)
				}
				at := epoch.Add(time.Duration(len(texts)) * time.Minute)
				if err := tx.Entries().Put(timeline.Entry{ID: timeline.ID(store.NewID(at)), Time: at, Subject: fmt.Sprint(len(texts))}, doc); err != nil {
					return err
				}
				texts = append(texts, f)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	compare := func(when string, placed bool) {
		t.Helper()
		held, looked := 0, 0
		for range 60 {
			q, err := store.ParseQuery(`"` + some(2+rnd.IntN(3)) + `"` + []string{"", "*"}[rnd.IntN(2)])
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for i, f := range slices.Backward(texts) {
				if q.Root.Holds(f) {
					want = append(want, fmt.Sprint(i))
				}
			}
			if got := searchSubjects(t, s, q, len(texts)); !slices.Equal(got, want) {
				t.Fatalf("%s: %s finds %d, the scan %d", when, q, len(got), len(want))
			}
			if !q.Root.Prefix { // an open end has no one place
				held, looked = held+len(want), looked+candidatesOf(t, s, q)
			}
		}
		if placed && looked > held*5/4+60 {
			t.Errorf("%s: %d texts are looked at, %d hold", when, looked, held)
		}
		if faults, err := s.Check(t.Context()); err != nil || len(faults) > 0 {
			t.Errorf("%s: Check: %v %q", when, err, faults)
		}
	}
	for range 9 {
		put(40, false)
	}
	compare("in segments", true)
	if _, err := s.mergeTier(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	compare("merged", true)
	if err := s.update(t.Context(), func(tx *Tx) error { return deletePrefix(tx.indexBucket(indexSegment), []byte{rowPlaces}) }); err != nil {
		t.Fatal(err)
	}
	compare("without places", false)
	put(40, false)
	compare("with and without places", false)
	if _, err := s.mergeTier(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	compare("of both, merged", false)
	put(40, true)
	compare("while some wait", false)
	if err := s.Reindex(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	compare("made anew", true)
}

// candidatesOf returns how many documents a search for one phrase looks at.
func candidatesOf(t *testing.T, s *Store, q store.Query) (n int) {
	t.Helper()
	err := s.view(t.Context(), func(tx *Tx) error {
		p, err := (&searching{tx: tx, e: entriesOf{tx}, bounds: usualBounds}).prepare(q.Root)
		n = p.docs.size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestPostingsInAnyOrder compares postings with a map, whatever order they come
// in and whichever have places.
func TestPostingsInAnyOrder(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(13, 14))
	for range 500 {
		var p postings
		want := map[uint32]string{}
		for range rnd.IntN(40) {
			doc, at := rnd.Uint32N(50), ""
			if _, there := want[doc]; there {
				continue
			}
			if rnd.IntN(3) > 0 {
				at = string(store.Fields{Text: strings.Repeat("x ", rnd.IntN(5)) + "word"}.Terms()[0].At)
			}
			want[doc] = at
			p.add(doc, []byte(at))
		}
		got := p.sorted()
		if !slices.IsSorted(got.docs) || len(got.docs) != len(want) {
			t.Fatalf("documents %v of %v", got.docs, want)
		}
		w := walker{got.docs, got.at}
		for i, doc := range got.docs {
			if at := got.of(i); string(at) != want[doc] || !bytes.Equal(at, w.places()) {
				t.Fatalf("places of %d: %x and %x, want %x", doc, at, w.places(), want[doc])
			}
			if err := w.step(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
