package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	faultRow  = regexp.MustCompile(`(?m)^\| *([MS][0-9]+) *\|`)
	faultTest = regexp.MustCompile(`(?m)^func Test([MS][0-9]+)_`)
)

// TestEveryFaultHasItsTest compares the rows of docs/reliability.md with the
// tests named after them: what is promised there is tried, and what is tried is
// written there. make faults says how often and with which result.
func TestEveryFaultHasItsTest(t *testing.T) {
	root := moduleRoot(t)
	doc, err := os.ReadFile(filepath.Join(root, "docs", "reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	promised, tried := found(faultRow, doc), map[string]bool{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for row := range found(faultTest, text) {
			tried[row] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if missing := without(promised, tried); len(missing) > 0 {
		t.Errorf("rows of docs/reliability.md without a test of their name: %s", strings.Join(missing, " "))
	}
	if silent := without(tried, promised); len(silent) > 0 {
		t.Errorf("tested, but not in docs/reliability.md: %s", strings.Join(silent, " "))
	}
}

func found(pattern *regexp.Regexp, text []byte) map[string]bool {
	rows := map[string]bool{}
	for _, m := range pattern.FindAllSubmatch(text, -1) {
		rows[string(m[1])] = true
	}
	return rows
}

func without(a, b map[string]bool) []string {
	var rows []string
	for row := range a {
		if !b[row] {
			rows = append(rows, row)
		}
	}
	slices.Sort(rows)
	return rows
}
