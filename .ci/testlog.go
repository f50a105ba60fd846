// Command testlog runs go test and says at the end what passed, what failed
// and what was skipped, and why. Packages are reported as go test reports
// them, tests that fail with their whole output.
//
//	go run .ci/testlog.go -race ./... -- -run Limits ./records/message
//	go run .ci/testlog.go -rows docs/reliability.md -run '^Test[MS][0-9]+_' ./...
//
// Arguments are those of go test; -- begins those of a further run. With -rows,
// first, every row of that file's tables that begins with a fault's number (M26,
// S12) must have a test of its name that passed, and is printed with how often
// it was tried: the attribute "tries" of its tests. The exit
// status is 1 as soon as one run fails. A race detector that this machine
// lacks is left out and listed as skipped, unless RAPPORT_REQUIRE_SERVERS=1,
// which demands everything.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// event is one line of go test -json.
type event struct {
	Action     string
	Package    string
	ImportPath string // of a build
	Test       string
	Output     string
	Key, Value string // of an attribute
}

// test is the output of one test so far.
type test struct{ lines []string }

// log gathers what the end of the output needs.
type log struct {
	passed, failed, skipped int
	failures                []string
	reasons                 map[string][]string // reason -> tests
	owed                    map[string]bool     // skipped for the race detector, and not yet passed without
	tests                   map[string]*test    // by package and name
	packages                map[string][]string // lines of the package itself
	faults                  *faults             // nil: not asked for
}

func main() {
	l := &log{reasons: map[string][]string{}, owed: map[string]bool{}}
	args := os.Args[1:]
	if len(args) > 1 && args[0] == "-rows" {
		var err error
		if l.faults, err = readFaults(args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		args = args[2:]
	}
	ok, runs := true, split(args)
	for run := range slices.Values(runs) {
		if !l.run(run) {
			ok = false
		}
	}
	if len(runs) > 1 { // the further ones are for these
		for name := range l.owed {
			ok = false
			l.failures = append(l.failures, name+" (skipped for the race detector, and in no run without)")
		}
	}
	if l.faults != nil && !l.faults.table() {
		ok = false
	}
	l.summary(ok)
	if !ok {
		os.Exit(1)
	}
}

func split(args []string) [][]string {
	runs := [][]string{{}}
	for _, a := range args {
		if a == "--" {
			runs = append(runs, nil)
			continue
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], a)
	}
	return runs
}

// run executes go test once and reports whether it succeeded.
func (l *log) run(args []string) bool {
	l.tests, l.packages = map[string]*test{}, map[string][]string{}
	if i := slices.Index(args, "-race"); i >= 0 && !raceWorks() {
		why := "the race detector needs a C compiler (install gcc)"
		if os.Getenv("RAPPORT_REQUIRE_SERVERS") == "1" {
			fmt.Println("FAIL: " + why)
			l.failures = append(l.failures, why)
			return false
		}
		args = slices.Delete(slices.Clone(args), i, i+1)
		l.reasons[why] = append(l.reasons[why], "-race")
	}
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "run go test:", err)
		return false
	}
	fmt.Println("go test " + strings.Join(args, " "))
	l.read(out)
	return cmd.Wait() == nil
}

func raceWorks() bool {
	out, err := exec.Command("go", "env", "CGO_ENABLED").Output()
	return err == nil && strings.TrimSpace(string(out)) == "1"
}

func (l *log) read(out io.Reader) {
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				os.Stdout.Write(line) // not of go test: show it
			} else {
				l.event(e)
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				fmt.Fprintln(os.Stderr, "read the output of go test:", err)
			}
			return
		}
	}
}

func (l *log) event(e event) {
	switch {
	case e.Action == "build-output":
		fmt.Print(e.Output)
	case e.Test == "":
		l.packageEvent(e)
	default:
		l.testEvent(e)
	}
}

// packageEvent shows of a package that passed its last line only.
func (l *log) packageEvent(e event) {
	switch e.Action {
	case "output":
		l.packages[e.Package] = append(l.packages[e.Package], e.Output)
	case "pass", "skip":
		for _, line := range l.packages[e.Package] {
			if strings.HasPrefix(line, "ok ") || strings.HasPrefix(line, "? ") {
				fmt.Print(line)
			}
		}
	case "fail":
		for _, name := range l.unfinished(e.Package) {
			fmt.Print(strings.Join(l.tests[name].lines, ""))
			l.failures = append(l.failures, strings.Replace(name, "\x00", " ", 1)+" (did not end)")
		}
		fmt.Print(strings.Join(l.packages[e.Package], ""))
		l.failures = append(l.failures, e.Package)
	}
}

// unfinished lists the tests of a package that a panic or a time limit cut off.
func (l *log) unfinished(pkg string) []string {
	var names []string
	for name := range l.tests {
		if strings.HasPrefix(name, pkg+"\x00") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (l *log) testEvent(e event) {
	key := e.Package + "\x00" + e.Test
	if l.tests[key] == nil {
		l.tests[key] = &test{}
	}
	t := l.tests[key]
	switch e.Action {
	case "output":
		t.lines = append(t.lines, e.Output)
		return
	case "attr":
		l.faults.tried(e)
		return
	case "pass":
		l.passed++
		delete(l.owed, e.Package+" "+e.Test)
	case "skip":
		l.skipped++
		why := reason(t.lines)
		l.reasons[why] = append(l.reasons[why], e.Package+" "+e.Test)
		if strings.Contains(why, "the race detector is on") || strings.HasSuffix(why, "under the race detector") {
			l.owed[e.Package+" "+e.Test] = true
		}
	case "fail":
		l.failed++
		l.failures = append(l.failures, e.Package+" "+e.Test)
		fmt.Print(strings.Join(t.lines, ""))
	default:
		return
	}
	l.faults.ended(e)
	delete(l.tests, key)
}

// reason takes the sentence out of the lines of a skipped test: what stands
// behind FILE:LINE: and the lines that continue it.
func reason(lines []string) string {
	var words []string
	for _, line := range lines {
		text := strings.TrimSpace(line)
		if strings.HasPrefix(text, "=== ") || strings.HasPrefix(text, "--- ") || text == "" {
			continue
		}
		if file, rest, found := strings.Cut(text, ".go:"); found && !strings.ContainsAny(file, " \t") {
			if _, said, found := strings.Cut(rest, ": "); found {
				words, text = nil, said // the last such line is that of the skip
			}
		}
		words = append(words, text)
	}
	if len(words) == 0 {
		return "(no reason given)"
	}
	return strings.Join(words, " ")
}

// shown is how many tests are named for one reason.
const shown = 3

func (l *log) summary(ok bool) {
	if len(l.reasons) > 0 {
		fmt.Println("\nSkipped, and why:")
	}
	var reasons []string
	for why := range l.reasons {
		reasons = append(reasons, why)
	}
	slices.Sort(reasons)
	for _, why := range reasons {
		tests := l.reasons[why]
		fmt.Printf("  %s\n", why)
		for _, name := range tests[:min(shown, len(tests))] {
			fmt.Printf("      %s\n", name)
		}
		if more := len(tests) - shown; more > 0 {
			fmt.Printf("      and %d more\n", more)
		}
	}
	if len(l.failures) > 0 {
		fmt.Println("\nFailed:")
		for _, name := range l.failures {
			fmt.Println("  " + name)
		}
	}
	word := "ok"
	if !ok {
		word = "FAIL"
	}
	fmt.Printf("\n%s: %d tests passed, %d failed, %d skipped\n", word, l.passed, l.failed, l.skipped)
}

// faults are the rows of the fault matrix and what their tests showed.
type faults struct {
	order []string
	rows  map[string]*fault
}

// fault is one row.
type fault struct {
	what                  string
	tests, tries, skipped int
	failed                []string
}

// A fault's number in a table's row and in a test's name.
var (
	rowLine = regexp.MustCompile(`^\| *([MS][0-9]+) *\| *([^|]*)`)
	rowTest = regexp.MustCompile(`^Test([MS][0-9]+)_`)
)

func readFaults(file string) (*faults, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the rows: %w", err)
	}
	f := &faults{rows: map[string]*fault{}}
	for line := range strings.Lines(string(b)) {
		m := rowLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if f.rows[m[1]] != nil {
			return nil, fmt.Errorf("%s: row %s stands there twice", file, m[1])
		}
		f.order = append(f.order, m[1])
		f.rows[m[1]] = &fault{what: strings.TrimSpace(m[2])}
	}
	if len(f.order) == 0 {
		return nil, fmt.Errorf("%s: no row begins with a fault's number", file)
	}
	return f, nil
}

// of is the row a test belongs to, nil for others. A test of a row that no
// table names makes one, so that it shows.
func (f *faults) of(e event) *fault {
	m := rowTest.FindStringSubmatch(e.Test)
	if f == nil || m == nil {
		return nil
	}
	if f.rows[m[1]] == nil {
		f.order = append(f.order, m[1])
		f.rows[m[1]] = &fault{what: "(in no table)", failed: []string{e.Test}}
	}
	return f.rows[m[1]]
}

func (f *faults) tried(e event) {
	if row := f.of(e); row != nil && e.Key == "tries" {
		n, err := strconv.Atoi(e.Value)
		if err != nil {
			row.failed = append(row.failed, e.Test+" (tries: "+e.Value+")")
		}
		row.tries += n
	}
}

func (f *faults) ended(e event) {
	row := f.of(e)
	if row == nil || strings.Contains(e.Test, "/") {
		return // of a subtest the whole test tells
	}
	row.tests++
	switch e.Action {
	case "fail":
		row.failed = append(row.failed, e.Test)
	case "skip":
		row.skipped++
	}
}

// table prints every row and reports whether each has passed.
func (f *faults) table() bool {
	ok, tries := true, 0
	fmt.Printf("\n%-5s %5s %8s  %-9s %s\n", "row", "tests", "tries", "result", "fault")
	for _, name := range f.order {
		row, result := f.rows[name], "pass"
		switch {
		case len(row.failed) > 0:
			result = "FAIL"
		case row.tests == 0:
			result = "NO TEST"
		case row.skipped == row.tests:
			result = "skipped"
		case row.tries == 0:
			result = "NO TRIES"
		}
		ok = ok && (result == "pass" || result == "skipped") // of those skipped the summary gives the reason
		tries += row.tries
		fmt.Printf("%-5s %5d %8d  %-9s %s\n", name, row.tests, row.tries, result, row.what)
	}
	fmt.Printf("%d rows, %d tries\n", len(f.order), tries)
	return ok
}
