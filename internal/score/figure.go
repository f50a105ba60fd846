package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Report gathers the figures of one run.
type Report struct {
	Corpora string // the directory of the corpora, "" where there is none
	figures []*Figure
	notes   map[string]note
	left    []string // measures left out for want of the corpora
}

// Figure is a share of cases: those that agree with the truth or, where Most
// is set, those that should not happen.
type Figure struct {
	Name      string
	Limit     float64 // percent; at least, or with Most at most
	Most      bool
	Good, All int
	Timed     bool // depends on the machine: held against its limit, never against the baseline
	Text      string
	misses    []miss
	excepted  int
	report    *Report
}

// miss is one case that counts against a figure.
type miss struct {
	item string // the case's name, by which notes.tsv explains it
	what string
}

// note explains a disagreement.
type note struct {
	except bool // the table is wrong, so the case does not count
	why    string
}

// Figure returns the figure of that name, which is made at its first use.
// Limit is the share in percent that is wanted: at least.
func (r *Report) Figure(name string, limit float64) *Figure {
	for _, f := range r.figures {
		if f.Name == name {
			return f
		}
	}
	f := &Figure{Name: name, Limit: limit, report: r}
	r.figures = append(r.figures, f)
	return f
}

// AtMost is Figure for a share that is to be small.
func (r *Report) AtMost(name string, limit float64) *Figure {
	f := r.Figure(name, limit)
	f.Most = true
	return f
}

// Hit counts a case in which all is well.
func (f *Figure) Hit() {
	f.All++
	if !f.Most {
		f.Good++
	}
}

// Miss counts a case that is not well. Item names it as in notes.tsv; a case
// that is excepted there is not counted at all.
func (f *Figure) Miss(item, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	f.misses = append(f.misses, miss{item, what})
	if n, ok := f.note(item); ok && n.except {
		f.excepted++
		return
	}
	f.All++
	if f.Most {
		f.Good++
	}
}

// note finds what explains a case.
func (f *Figure) note(item string) (note, bool) {
	n, ok := f.report.notes[f.noteKey(item)]
	return n, ok
}

// noteKey returns the key of the note on a case: on the figure, or else on its
// group. The mutated copies share the notes of the mails.
func (f *Figure) noteKey(item string) string {
	name := f.Name
	if rest, ok := strings.CutPrefix(name, "mutated."); ok {
		name = "bounce." + rest
	}
	if _, ok := f.report.notes[name+"\t"+item]; ok {
		return name + "\t" + item
	}
	group, _, _ := strings.Cut(name, ".")
	return group + ".*\t" + item
}

// unexplained names the cases that no note explains.
func (r *Report) unexplained() []string {
	var out []string
	for _, f := range r.figures {
		for _, m := range f.misses {
			if _, ok := f.note(m.item); !ok {
				out = append(out, f.Name+"\t"+m.item)
			}
		}
	}
	return out
}

// stale names the notes on cases that agree by now.
func (r *Report) stale() []string {
	used := map[string]bool{}
	for _, f := range r.figures {
		for _, m := range f.misses {
			used[f.noteKey(m.item)] = true
		}
	}
	var out []string
	for key := range r.notes {
		if !used[key] {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// Count calls Hit or Miss.
func (f *Figure) Count(ok bool, item, format string, args ...any) {
	if ok {
		f.Hit()
		return
	}
	f.Miss(item, format, args...)
}

// Percent returns the share; 100, or 0 with Most, of no cases at all.
func (f *Figure) Percent() float64 {
	switch {
	case f.All > 0:
		return 100 * float64(f.Good) / float64(f.All)
	case f.Most:
		return 0
	}
	return 100
}

// Reached reports whether the figure keeps its limit.
func (f *Figure) Reached() bool {
	if f.Most {
		return f.Percent() <= f.Limit
	}
	return f.Percent() >= f.Limit
}

// worseThan reports whether the figure is worse than was.
func (f *Figure) worseThan(was float64) bool {
	const rounding = 0.005 // of the two digits the baseline has
	if f.Most {
		return f.Percent() > was+rounding
	}
	return f.Percent() < was-rounding
}

// worse says which figures fell below the baseline.
func (r *Report) worse(base map[string]float64) []string {
	var out []string
	for _, f := range r.figures {
		was, known := base[f.Name]
		switch {
		case f.Timed && !f.Reached():
			out = append(out, fmt.Sprintf("%s is %.2f, the limit is %.2f", f.Name, f.Percent(), f.Limit))
		case f.Timed:
		case !known:
			out = append(out, fmt.Sprintf("%s is not in %s: write it with -update", f.Name, baselineFile))
		case f.worseThan(was):
			out = append(out, fmt.Sprintf("%s is %.2f %%, it was %.2f %%", f.Name, f.Percent(), was))
		}
	}
	return out
}

// print writes the figures as a table.
func (r *Report) print(w io.Writer, base map[string]float64) {
	fmt.Fprintf(w, "%-28s %7s %7s %9s %9s %9s\n", "figure", "cases", "agree", "percent", "limit", "baseline")
	for _, f := range r.figures {
		sign, was, mark := "≥", "", ""
		if f.Most {
			sign = "≤"
		}
		if p, ok := base[f.Name]; ok {
			was = fmt.Sprintf("%.2f", p)
		}
		if !f.Reached() {
			mark = "  below its limit"
			if f.Most {
				mark = "  above its limit"
			}
		}
		if f.excepted > 0 {
			mark += fmt.Sprintf("  (%d excepted)", f.excepted)
		}
		fmt.Fprintf(w, "%-28s %7d %7d %9.2f %9s %9s%s%s\n", f.Name, f.All, f.Good, f.Percent(), fmt.Sprintf("%s %.4g", sign, f.Limit), was, mark, f.Text)
	}
	if len(r.left) > 0 {
		fmt.Fprintf(w, "left out, as RAPPORT_CORPORA names no directory of test mail: %s\n", strings.Join(r.left, ", "))
	}
}

// list writes what disagrees in the figures whose name begins with prefix.
func (r *Report) list(w io.Writer, prefix string) {
	for _, f := range r.figures {
		if prefix != "all" && !strings.HasPrefix(f.Name, prefix) {
			continue
		}
		for _, m := range f.misses {
			fmt.Fprintf(w, "%s\t%s\n\t%s\n", f.Name, m.item, strings.ReplaceAll(m.what, "\n", "\n\t"))
			if n, ok := f.note(m.item); ok {
				fmt.Fprintf(w, "\t%s: %s\n", n.word(), n.why)
			}
		}
	}
}
