package main

import (
	_ "embed"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// baselineFile is what -update writes, seen from the project's root.
const baselineFile = "internal/score/baseline.tsv"

// baselineText holds the percentage of each figure as it was committed.
//
//go:embed baseline.tsv
var baselineText string

// notesText explains disagreements: figure, item, "ours" (we are right, or the
// truth cannot be told: the case does not count) or "missing" (what we cannot
// do), and why.
//
//go:embed notes.tsv
var notesText string

func (n note) word() string {
	if n.except {
		return "ours"
	}
	return "missing"
}

func readBaseline(text string) (map[string]float64, error) {
	out := map[string]float64{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok {
			continue
		}
		p, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, fmt.Errorf("read the baseline of %s: %w", name, err)
		}
		out[name] = p
	}
	return out, nil
}

// writeBaseline writes the figures of r and, for what r did not measure, those
// of old.
func writeBaseline(path string, old map[string]float64, r *Report) error {
	for _, f := range r.figures {
		if !f.Timed {
			old[f.Name] = f.Percent()
		}
	}
	var lines []string
	for name, p := range old {
		lines = append(lines, fmt.Sprintf("%s\t%.2f\n", name, p))
	}
	slices.Sort(lines)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o644); err != nil {
		return fmt.Errorf("write the baseline: %w", err)
	}
	return nil
}

func readNotes(text string) (map[string]note, error) {
	out := map[string]note{}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 4 || f[2] != "ours" && f[2] != "missing" {
			return nil, fmt.Errorf("read notes.tsv: %q is not figure, item, ours or missing, why", line)
		}
		out[f[0]+"\t"+f[1]] = note{except: f[2] == "ours", why: f[3]}
	}
	return out, nil
}
