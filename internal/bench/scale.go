package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scaleOptions are the sizes of a run of `bench scale`.
type scaleOptions struct {
	Parts   []string // idle, entries, pages, restore
	Idle    []int    // mailboxes
	Entries []int    // messages, over 20 mailboxes
	Pages   []int    // entries, ten a person
	Restore []int    // megabytes of raw mail
	Rounds  int      // of each query
	Window  time.Duration
	Binary  string
	Dir     string // where to work; empty: a temporary directory
	JSON    string // file for the figures; empty: none
	Keep    bool
	Reuse   bool // take the stores that an earlier run left in Dir
}

// scaleLab is the place of one run.
type scaleLab struct {
	scaleOptions
	out     io.Writer
	figures []*figure
}

// figure is one quantity at several sizes.
type figure struct {
	Part   string  `json:"part"`
	Name   string  `json:"name"`
	Unit   string  `json:"unit"` // s, ms, MB, KB, ""
	Aim    float64 `json:"aim,omitempty"`
	AimAt  int     `json:"aim_at,omitempty"` // the size the aim is for; 0: every one
	Points []point `json:"points"`
	// Grows asks for an exponent of at most 1.1.
	Grows    bool    `json:"grows,omitempty"`
	Exponent float64 `json:"exponent"`
}

// point is a quantity at one size.
type point struct {
	Size  int     `json:"size"`
	Value float64 `json:"value"`
}

// maxExponent is how fast time, memory and size may grow.
const maxExponent = 1.1

// scaleMain is the command `bench scale`.
func scaleMain(ctx context.Context, args []string) error {
	o := scaleOptions{}
	set := flag.NewFlagSet("bench scale", flag.ContinueOnError)
	parts := set.String("parts", "idle,entries,pages,restore", "what to measure")
	idle := set.String("idle", "20,200,1000", "idle mailboxes")
	entries := set.String("entries", "10000,100000,1000000", "messages over 20 mailboxes")
	pages := set.String("pages", "10000,100000,1000000", "messages, of a tenth as many people, whose pages are opened")
	restore := set.String("restore", "500,1500,5000", "megabytes of raw mail in a store that is restored")
	quick := set.Bool("quick", false, "small sizes, a minute in all")
	set.IntVar(&o.Rounds, "rounds", 15, "rounds of each query; the median counts")
	set.DurationVar(&o.Window, "window", time.Minute, "how long idle mailboxes are watched")
	set.StringVar(&o.Binary, "rapport", "", "binary to measure; it is built when empty")
	set.StringVar(&o.Dir, "dir", "", "where to work; a temporary directory when empty")
	set.StringVar(&o.JSON, "json", "", "file for the figures as JSON")
	set.BoolVar(&o.Keep, "keep", false, "leave the directory behind")
	set.BoolVar(&o.Reuse, "reuse", false, "measure on the stores an earlier run left in -dir")
	if err := set.Parse(args); err != nil {
		return err
	}
	if *quick {
		*idle, *entries, *pages, *restore, o.Rounds, o.Window = "5,10,20", "1000,2000,4000", "1000,2000,4000", "10,20,40", 5, 5*time.Second
	}
	o.Parts = strings.Split(*parts, ",")
	var err error
	for list, text := range map[*[]int]string{&o.Idle: *idle, &o.Entries: *entries, &o.Pages: *pages, &o.Restore: *restore} {
		if *list, err = sizes(text); err != nil {
			return err
		}
	}
	return runScale(ctx, os.Stdout, o)
}

// sizes reads ascending numbers with commas between them.
func sizes(text string) ([]int, error) {
	var out []int
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 1 {
			return nil, fmt.Errorf("read sizes %q: %q is no number above 0", text, word)
		}
		out = append(out, n)
	}
	slices.Sort(out)
	return out, nil
}

// runScale measures the parts and prints their tables.
func runScale(ctx context.Context, out io.Writer, o scaleOptions) (err error) {
	l := &scaleLab{scaleOptions: o, out: out}
	if l.Dir == "" {
		if l.Dir, err = os.MkdirTemp("", "rapport-scale"); err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
	} else if err := os.MkdirAll(l.Dir, 0o700); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	defer func() {
		if !l.Keep {
			err = errors.Join(err, os.RemoveAll(l.Dir))
		}
	}()
	if l.Binary == "" {
		l.Binary = filepath.Join(l.Dir, "rapport")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", l.Binary, "rapport/cmd/rapport").CombinedOutput(); err != nil {
			return fmt.Errorf("build rapport: %w: %s", err, out)
		}
	}
	latency, err := syncLatency(l.Dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s/%s, %d CPUs; fsync of 4 KB: %v (median of 200)\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), latency.Round(time.Microsecond))
	for _, part := range o.Parts {
		do, ok := map[string]func(context.Context) error{"idle": l.idle, "entries": l.entries, "pages": l.pages, "restore": l.restore}[part]
		if !ok {
			return fmt.Errorf("measure %q: the parts are idle, entries, pages and restore", part)
		}
		err := do(ctx)
		l.table(part) // what was measured before an error, too
		if err != nil {
			return fmt.Errorf("measure %s: %w", part, err)
		}
	}
	return l.save()
}

// note adds a figure's value at one size; the first mention says what it is.
func (l *scaleLab) note(f figure, size int, value float64) {
	i := slices.IndexFunc(l.figures, func(have *figure) bool { return have.Part == f.Part && have.Name == f.Name })
	if i < 0 {
		l.figures = append(l.figures, &f)
		i = len(l.figures) - 1
	}
	l.figures[i].Points = append(l.figures[i].Points, point{size, value})
}

// exponent fits value = a * size^b by least squares of the logarithms and
// returns b; NaN for fewer than two points.
func exponent(points []point) float64 {
	var n, sx, sy, sxx, sxy float64
	for _, p := range points {
		if p.Size <= 0 || p.Value <= 0 {
			continue
		}
		x, y := math.Log(float64(p.Size)), math.Log(p.Value)
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	if n < 2 || n*sxx == sx*sx {
		return math.NaN()
	}
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}

// table prints the figures of a part.
func (l *scaleLab) table(part string) {
	header := false
	for _, f := range l.figures {
		if f.Part != part {
			continue
		}
		if !header {
			header = true
			fmt.Fprintf(l.out, "\n%-46s", part)
			for _, p := range f.Points {
				fmt.Fprintf(l.out, " %12d", p.Size)
			}
			fmt.Fprintf(l.out, "  %8s  %s\n", "exponent", "aim")
		}
		f.Exponent = exponent(f.Points)
		fmt.Fprintf(l.out, "%-46s", f.Name)
		for _, p := range f.Points {
			fmt.Fprintf(l.out, " %12s", strings.TrimSpace(fmt.Sprintf("%.4g %s", p.Value, f.Unit)))
		}
		fmt.Fprintf(l.out, "  %8s  %s\n", exponentText(f.Exponent), f.verdict())
	}
}

func exponentText(e float64) string {
	if math.IsNaN(e) {
		return "-"
	}
	return fmt.Sprintf("%.2f", e)
}

// verdict says which aims there are and whether they are met.
func (f *figure) verdict() string {
	var out []string
	if f.Aim > 0 {
		met, judged := true, false
		for _, p := range f.Points {
			if f.AimAt == 0 || p.Size == f.AimAt {
				judged, met = true, met && p.Value <= f.Aim
			}
		}
		if judged {
			out = append(out, strings.TrimSpace(fmt.Sprintf("%g %s", f.Aim, f.Unit))+" "+verdict(met))
		}
	}
	if f.Grows && len(f.Points) > 1 {
		out = append(out, fmt.Sprintf("exponent %g %s", maxExponent, verdict(!(f.Exponent > maxExponent))))
	}
	return strings.Join(out, ", ")
}

// save writes all figures as JSON.
func (l *scaleLab) save() error {
	if l.JSON == "" {
		return nil
	}
	for _, f := range l.figures {
		if math.IsNaN(f.Exponent) {
			f.Exponent = 0 // which JSON can hold
		}
	}
	raw, err := json.MarshalIndent(l.figures, "", "  ")
	if err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	if err := os.WriteFile(l.JSON, append(raw, '\n'), 0o644); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	return nil
}
