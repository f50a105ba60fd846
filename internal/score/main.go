// Command score says how well mail is read: it reads test mail whose truth is
// known and prints, for each figure, how many cases agree.
//
//	go run ./internal/score                   every figure, with its limit and the baseline
//	go run ./internal/score -list bounce      what disagrees in figures whose name begins with bounce
//	go run ./internal/score -update           take today's figures as the baseline
//
// The mail lies in the directory that RAPPORT_CORPORA names, which is not part
// of the project, and below testdata. A figure that fell below the baseline,
// or below its limit where the baseline had reached it, makes the command and
// TestBaseline fail.
//
// Who adds a figure writes a measure (see measures) and calls [Report.Figure].
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

// measure fills figures of one kind. Corpora says that it reads the corpora
// and is left out without them; slow that it measures time, so that it is left
// out of the test, whose machine may be busy.
type measure struct {
	name    string
	corpora bool
	slow    bool
	run     func(r *Report) error
}

// measures are all there are, in the order they are printed.
var measures = []measure{
	{name: "mime", corpora: true, run: usable},
	{name: "header", corpora: true, run: tables},
	{name: "stalwart", corpora: true, run: whole},
	{name: "mime4j", corpora: true, run: structure},
	{name: "bounce", corpora: true, run: bounces},
	{name: "report", run: freshBounces},
	{name: "reply.golden", run: golden},
	{name: "reply", corpora: true, run: replies},
	{name: "away", run: absences},
	{name: "speed", slow: true, run: speed},
}

func main() {
	list := flag.String("list", "", "print what disagrees in the figures whose name begins with this; all: in every figure")
	update := flag.Bool("update", false, "write the figures to "+baselineFile)
	only := flag.String("only", "", "run the measures whose name begins with this alone")
	flag.Parse()
	if err := run(os.Getenv("RAPPORT_CORPORA"), *only, *list, *update); err != nil {
		fmt.Fprintln(os.Stderr, "score:", err)
		os.Exit(1)
	}
}

func run(corpora, only, list string, update bool) error {
	r, err := measured(corpora, func(m measure) bool { return strings.HasPrefix(m.name, only) })
	if err != nil {
		return err
	}
	if list != "" {
		r.list(os.Stdout, list)
	}
	base, err := readBaseline(baselineText)
	if err != nil {
		return err
	}
	r.print(os.Stdout, base)
	if update {
		return writeBaseline(baselineFile, base, r)
	}
	if worse := r.worse(base); len(worse) > 0 {
		return fmt.Errorf("worse than the baseline:\n  %s", strings.Join(worse, "\n  "))
	}
	return nil
}

// measured runs the measures that want approves.
func measured(corpora string, want func(measure) bool) (*Report, error) {
	notes, err := readNotes(notesText)
	if err != nil {
		return nil, err
	}
	r := &Report{Corpora: corpora, notes: notes}
	for _, m := range measures {
		if !want(m) {
			continue
		}
		if m.corpora && corpora == "" {
			r.left = append(r.left, m.name)
			continue
		}
		if err := m.run(r); err != nil {
			return nil, fmt.Errorf("measure %s: %w", m.name, err)
		}
	}
	return r, nil
}
