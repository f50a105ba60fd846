package web

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestRights compares what every operation takes with a table that a person
// reads: testdata/rights.txt, which go test ./web -run Rights -update writes.
func TestRights(t *testing.T) {
	w := newWorld(t)
	s := New(Options{Records: w.records, Daemon: w.daemon})
	s.Handler()
	var lines []string
	for _, op := range s.operations {
		lines = append(lines, fmt.Sprintf("%-7s %s", op.need, op.pattern))
	}
	slices.Sort(lines)
	got := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.WriteFile("testdata/rights.txt", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/rights.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		for _, line := range lines {
			if !strings.Contains(string(want), line+"\n") {
				t.Errorf("not in the table: %s", line)
			}
		}
		t.Error("testdata/rights.txt is not what the operations take: look at it, then go test ./web -run Rights -update")
	}
}
