package main

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// measuredOnce holds today's figures, which take seconds to measure.
var measuredOnce = sync.OnceValues(func() (*Report, error) {
	return measured(os.Getenv("RAPPORT_CORPORA"), func(m measure) bool { return !m.slow })
})

func today(t *testing.T) *Report {
	t.Helper()
	r, err := measuredOnce()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestBaseline fails where a figure fell below the committed one.
func TestBaseline(t *testing.T) {
	if os.Getenv("RAPPORT_CORPORA") == "" {
		t.Log("RAPPORT_CORPORA names no directory of test mail: only the figures that need none are measured")
	}
	r := today(t)
	base, err := readBaseline(baselineText)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range r.worse(base) {
		t.Error(w)
	}
	var table strings.Builder
	r.print(&table, base)
	t.Log("\n" + table.String())
}

func TestFigures(t *testing.T) {
	r := &Report{notes: map[string]note{"a\tx": {except: true, why: "the table is wrong"}}}
	f := r.Figure("a", 50)
	f.Hit()
	f.Miss("x", "excepted")
	if f.Percent() != 100 {
		t.Errorf("an excepted case counts: %v %%", f.Percent())
	}
	f.Miss("y", "wrong")
	if f.Percent() != 50 || !f.Reached() {
		t.Errorf("one of two agrees: %v %%, reached %v", f.Percent(), f.Reached())
	}
	m := r.AtMost("b", 10)
	m.Hit()
	m.Miss("z", "wrong")
	if m.Percent() != 50 || m.Reached() {
		t.Errorf("one of two is wrong: %v %%, reached %v", m.Percent(), m.Reached())
	}
	if w := r.worse(map[string]float64{"a": 50, "b": 40}); len(w) != 1 || !strings.HasPrefix(w[0], "b ") {
		t.Errorf("worse = %q, want b alone", w)
	}
	if w := r.worse(map[string]float64{"a": 51}); len(w) != 2 {
		t.Errorf("worse = %q, want a, which fell, and b, which has no baseline", w)
	}
}

func TestBaselineIsWrittenAsItIsRead(t *testing.T) {
	r := &Report{}
	r.Figure("a.b", 1).Hit()
	path := filepath.Join(t.TempDir(), "baseline.tsv")
	if err := writeBaseline(path, map[string]float64{"old": 12.5}, r); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readBaseline(string(text))
	if err != nil || got["a.b"] != 100 || got["old"] != 12.5 {
		t.Errorf("read back %v, %v", got, err)
	}
	if _, err := readNotes("a\tb\tperhaps\twhy\n"); err == nil {
		t.Error("a note that is neither ours nor missing is taken")
	}
}

// TestDisagreementsAreExplained fails where a case counts against a figure and
// no note says why, or a note speaks of a case that agrees.
func TestDisagreementsAreExplained(t *testing.T) {
	if os.Getenv("RAPPORT_CORPORA") == "" {
		t.Skip("RAPPORT_CORPORA names no directory of test mail")
	}
	r := today(t)
	for _, u := range r.unexplained() {
		t.Errorf("notes.tsv does not explain %s", u)
	}
	for _, s := range r.stale() {
		t.Errorf("notes.tsv explains %s, which agrees", s)
	}
}
