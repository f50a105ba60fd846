package boltstore

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"rapport/records/timeline"
	"rapport/store"
)

// TestLongTexts keeps what attachments say at length in little room, and reads
// it as it was; a row that came under another entry's key is refused.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true})
	var table strings.Builder
	for rnd := rand.New(rand.NewPCG(1, 2)); table.Len() < 64<<10; {
		fmt.Fprintf(&table, "%d;valve;2024-%02d-%02d;%d,%02d\r\n", 1000+rnd.IntN(9000), 1+rnd.IntN(12), 1+rnd.IntN(28), rnd.IntN(500), rnd.IntN(100))
	}
	texts := []store.Fields{
		{Subject: "Short", Text: "as agreed"},
		{Subject: "Long", Text: "as agreed", Attachments: []string{"table.csv"}, Files: []store.FileText{{Name: "table.csv", Text: table.String()}}},
	}
	for i, f := range texts {
		for _, packed := range []bool{true, false} { // by who made the document, by the store
			d := store.LaterDocument(f)
			if !packed {
				d.Packed = nil
			}
			id := timeline.ID(store.NewID(epoch.Add(time.Duration(i) * time.Hour)))
			key := appendID(nil, string(id))
			err := s.update(t.Context(), func(tx *Tx) error {
				return tx.Entries().Put(timeline.Entry{ID: id, Time: epoch, Subject: f.Subject}, d)
			})
			if err != nil {
				t.Fatal(err)
			}
			err = s.view(t.Context(), func(tx *Tx) error {
				got, err := tx.Entries().Fields(id)
				if err != nil || !reflect.DeepEqual(got, f) {
					t.Errorf("%s, packed %v: %v, or other texts", f.Subject, packed, err)
				}
				row := tx.data(bucketText).Get(key)
				if n := textSize(row); n < len(f.Text)+table.Len()*i || n > len(f.Text)+table.Len()*i*11/10+200 {
					t.Errorf("%s, packed %v: said to be of %d bytes", f.Subject, packed, n)
				}
				if n := len(f.Text) + table.Len()*i; len(row) > n*2/5+100 {
					t.Errorf("%s, packed %v: %d bytes take %d", f.Subject, packed, n, len(row))
				}
				other := appendID(nil, string(store.NewID(epoch)))
				if _, err := unpackFields(other, row); err == nil {
					t.Errorf("%s, packed %v: read under another key", f.Subject, packed)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestLongTextsFewAtATime has long texts wait to be indexed: what is taken of
// them at a time is bounded by what they unpack to.
func TestLongTextsFewAtATime(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true, NoMerge: true})
	long := strings.Repeat("the same words again and again ", 64<<10/31)
	err := s.update(t.Context(), func(tx *Tx) error {
		for i := range 10 {
			id := timeline.ID(store.NewID(epoch.Add(time.Duration(i) * time.Hour)))
			if err := tx.Entries().Put(timeline.Entry{ID: id, Time: epoch}, store.LaterDocument(store.Fields{Text: long})); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.view(t.Context(), func(tx *Tx) error {
		docs, more, err := tx.waiting(1000, 3*len(long))
		if len(docs) != 3 || !more {
			t.Errorf("%d of ten texts are taken at a time, more %v, want 3", len(docs), more)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
