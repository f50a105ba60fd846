package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"rapport/intake"
	"rapport/internal/config"
	"rapport/matcher"
	"rapport/store"
	"rapport/store/boltstore"
	"rapport/store/storetest"
)

// TestOlderStoresGetTheirRelations opens a store of before there were
// relations, stops telling its entries halfway and goes on: what comes of it is
// what judging everything anew makes.
func TestOlderStoresGetTheirRelations(t *testing.T) {
	ctx := context.Background()
	s := siteOf(t, filepath.Join("testdata", "upgrade", "e90b6b2.tar.zst"))
	cfg, err := config.Load(s.config)
	s.must(err)
	st, err := boltstore.Open(s.dataDir, boltstore.Options{NoSync: true})
	s.must(err)
	defer st.Close()
	engine, err := intake.New(intake.Options{Store: st, Rules: matcher.Rules{Team: cfg.Team()}, Key: make([]byte, 32)})
	s.must(err)
	related := func() (int, string) {
		t.Helper()
		faults, err := st.Check(ctx)
		s.must(err)
		if len(faults) > 0 {
			t.Fatalf("faults: %q", faults)
		}
		dump, err := storetest.Dump(ctx, st)
		s.must(err)
		return strings.Count(dump, "\nrelation to "), dump
	}
	if n, _ := related(); n != 0 {
		t.Fatalf("%d facts of relations before any entry was told", n)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if err := engine.Relate(stopped); err == nil {
		t.Error("Relate of a context that ended returned no error")
	}
	if err := engine.Relate(ctx); err != nil {
		t.Fatal(err)
	}
	n, told := related()
	if n < 20 {
		t.Errorf("%d facts of relations, want those of 24 mails", n)
	}
	s.must(st.View(ctx, func(tx store.Tx) error {
		if left, err := tx.State().Get(store.StateUntold); err != nil || left != nil {
			t.Errorf("left to tell: %q, %v", left, err)
		}
		return nil
	}))
	s.must(st.Reindex(ctx, nil))
	if _, again := related(); again != told {
		t.Errorf("reindex changes the content:\n%s", firstDifference(told, again))
	}
}
