package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport/internal/filefault"
	"rapport/internal/mailtest"
	"rapport/web"
)

var (
	stepsTried = flag.Int("steps", stepsEach, "steps of each scenario before which the program is killed, at most")
	opsFailing = flag.Int("failures", failuresEach, "file operations of each scenario that fail, each in two ways, at most")
	killsTried = flag.Int("moments", randomKills, "random moments of each scenario at which the program is killed")
)

// A scenario is something the program does to a store in some state. The
// program is killed in the midst of it, and has to come to the same end.
type scenario struct {
	name   string
	policy string               // lines of the configuration
	before [][]string           // commands that make the state
	change func(*office, *site) // what happens before it goes on, outside or by hand
	do     func(*site) [][]string
	// until, in the place of do, lets a daemon run until it has done by itself
	// what is waited for.
	until func(context.Context, *site, *web.Client) bool
	// again is what people type after a kill, do where it is nil. A command of
	// it may fail because it was done already.
	again func(*site) [][]string
	// settle follows do and again.
	settle [][]string
	// tidy follows again, for what people do with other programs.
	tidy func(*site)
	// also is content of this scenario's own, from what it wrote besides.
	also func(*site) string
	// alone says that no daemon may run meanwhile.
	alone bool
	// gone are words that must not be anywhere in the data directory.
	gone []string
}

func typing(list ...[]string) func(*site) [][]string {
	return func(*site) [][]string { return list }
}

// rehearsal is a scenario with its state made.
type rehearsal struct {
	scenario
	t      *testing.T
	office *office
	site   *site
	want   string
	took   time.Duration
	n      int
}

// rehearse makes the state and lets the scenario go through undisturbed. ops
// are the file operations there were.
func rehearse(t *testing.T, sc scenario) (r *rehearsal, ops []filefault.Op) {
	t.Helper()
	if err := filefault.Supported(); err != nil {
		mailtest.SkipOrFail(t, err.Error())
	}
	r = &rehearsal{scenario: sc, t: t, office: newOffice(t)}
	r.site = newOfficeSite(t, r.office)
	r.site.write("config.yaml", []byte(r.office.config(sc.policy, "ada", "bob")))
	for _, args := range sc.before {
		r.site.run(args...)
	}
	if sc.change != nil {
		sc.change(r.office, r.site)
	}
	s := r.try()
	began := time.Now()
	killed := r.watched(s, func(op filefault.Op) filefault.Verdict {
		ops = append(ops, op)
		return filefault.Do()
	})
	r.took = time.Since(began)
	if killed {
		t.Fatal("killed though nobody did")
	}
	r.settled(s)
	r.want = r.content(s)
	r.nothingMore(s, "undisturbed")
	r.over(s)
	return r, ops
}

// try is a copy of the state to be spoilt.
func (r *rehearsal) try() *site {
	r.n++
	return r.site.copied(strconv.Itoa(r.n))
}

func (r *rehearsal) over(s *site) {
	if !r.t.Failed() || os.Getenv("RAPPORT_KEEP") == "" {
		s.must(os.RemoveAll(s.dir))
	}
}

// watched runs the scenario's commands while decide decides over each file
// operation, counted over all of them.
func (r *rehearsal) watched(s *site, decide func(filefault.Op) filefault.Verdict) (killed bool) {
	r.t.Helper()
	if r.until != nil {
		return r.attended(s, decide)
	}
	before := 0
	for _, args := range r.do(s) {
		var said strings.Builder
		cmd := s.command(args...)
		cmd.Stdout, cmd.Stderr = &said, &said
		w, err := filefault.Start(cmd, s.dir, func(op filefault.Op) filefault.Verdict {
			op.N += before
			return decide(op)
		})
		if err != nil {
			r.t.Fatal(err)
		}
		n, err := w.Wait()
		if before += n; w.Killed() {
			return true
		}
		if err != nil {
			r.t.Fatalf("rapport %s: %v\n%s", strings.Join(args, " "), err, said.String())
		}
	}
	return false
}

// resumed goes on after a kill.
func (r *rehearsal) resumed(s *site) {
	r.t.Helper()
	list := r.again
	if list == nil {
		list = r.do
	}
	if r.until != nil {
		r.attended(s, func(filefault.Op) filefault.Verdict { return filefault.Do() })
		list = typing()
	}
	for _, args := range list(s) {
		_ = s.command(args...).Run() // whether it may fail is seen by what it leads to
	}
	if r.tidy != nil {
		r.tidy(s)
	}
	r.settled(s)
}

func (r *rehearsal) settled(s *site) {
	r.t.Helper()
	for _, args := range r.settle {
		s.run(args...)
	}
}

func (r *rehearsal) content(s *site) string {
	r.t.Helper()
	out := s.content()
	if r.also != nil {
		out += r.also(s)
	}
	if found := s.traces(r.gone); len(found) > 0 {
		r.t.Errorf("still there: %s", strings.Join(found, ", "))
	}
	return out
}

// nothingMore wants one pass more to change nothing and fetch nothing.
func (r *rehearsal) nothingMore(s *site, when string) {
	r.t.Helper()
	bodies := r.office.bodies()
	s.run("sync")
	if got := s.content(); !strings.HasPrefix(r.want, got) {
		r.t.Errorf("%s: one more pass changed the content:\n%s", when, firstDifference(r.want, got))
	}
	if more := r.office.bodies() - bodies; more > 0 {
		r.t.Errorf("%s: one more pass fetched %d bodies", when, more)
	}
}

// compare goes on after a kill and compares the end.
func (r *rehearsal) compare(s *site, when string) {
	r.t.Helper()
	r.resumed(s)
	r.same(s, when)
}

// same compares the end.
func (r *rehearsal) same(s *site, when string) {
	r.t.Helper()
	if got := r.content(s); got != r.want {
		r.t.Errorf("%s, then resumed, the content is another:\n%s", when, firstDifference(r.want, got))
	}
	r.nothingMore(s, when)
	r.over(s)
}

// sample picks at most so many of 1 … n: the first, the last and some between.
func sample(n, most int) []int {
	if n <= most {
		most = n
	}
	var out []int
	for i := range most {
		out = append(out, 1+i*(n-1)/max(most-1, 1))
	}
	return out
}

// between picks at most so many of 1 … n, evenly, and not the ends unless all.
func between(n, most int) []int {
	if n <= most {
		return sample(n, most)
	}
	var out []int
	for i := range most {
		out = append(out, (i+1)*n/(most+1))
	}
	return out
}

// each runs a part of a test for every scenario, or for every so many-th.
func each(t *testing.T, step int, applies func(scenario) bool, try func(*testing.T, scenario) (steps, tries int)) {
	t.Helper()
	apt := slices.DeleteFunc(slices.Clone(scenarios), func(sc scenario) bool { return !applies(sc) })
	var mu sync.Mutex // guards what follows
	var rows []string
	sum := 0
	t.Run("scenarios", func(t *testing.T) {
		for i := len(t.Name()) % step; i < len(apt); i += step {
			sc := apt[i]
			t.Run(sc.name, func(t *testing.T) {
				t.Parallel()
				steps, tries := try(t, sc)
				result := "same end"
				if t.Failed() {
					result = "FAILED"
				}
				mu.Lock()
				defer mu.Unlock()
				sum += tries
				rows = append(rows, fmt.Sprintf("%-28s %6d %6d  %s", sc.name, steps, tries, result))
			})
		}
	})
	t.Logf("\n%-28s %6s %6s\n%s", "scenario", "steps", "tries", strings.Join(rows, "\n"))
	t.Attr("tries", strconv.Itoa(sum))
}

func always(scenario) bool { return true }

// TestM71_KilledAtEachStep kills the program before each of its file operations
// in turn, lets it go on, and compares the end with that of an undisturbed run.
func TestM71_KilledAtEachStep(t *testing.T) {
	each(t, 1, always, func(t *testing.T, sc scenario) (steps, tries int) {
		r, ops := rehearse(t, sc)
		ks := sample(len(ops), *stepsTried)
		for _, k := range ks {
			var at filefault.Op
			s := r.try()
			r.watched(s, func(op filefault.Op) filefault.Verdict {
				if at = op; op.N == k {
					return filefault.Kill()
				}
				return filefault.Do()
			})
			r.compare(s, fmt.Sprintf("killed at step %d, before the %s of %s", k, at.Kind, strings.TrimPrefix(at.Path, s.dir+"/")))
		}
		return len(ops), len(ks)
	})
}

// TestM70_KilledAtRandomMoments kills the program at moments of time.
func TestM70_KilledAtRandomMoments(t *testing.T) {
	each(t, someScenarios, always, func(t *testing.T, sc scenario) (steps, tries int) {
		r, ops := rehearse(t, sc)
		for tries < *killsTried {
			s := r.try()
			after := rand.N(r.took)
			if r.until != nil && r.attendedFor(s, after) || r.until == nil && killedWithin(s, r.do(s), after) {
				tries++
			}
			r.compare(s, fmt.Sprintf("killed after %v", after))
		}
		return len(ops), tries
	})
}

// killedWithin runs commands and kills whichever is at work after some time.
func killedWithin(s *site, list [][]string, after time.Duration) bool {
	var mu sync.Mutex // guards what follows
	killed := false
	var at *exec.Cmd
	timer := time.AfterFunc(after, func() {
		mu.Lock()
		defer mu.Unlock()
		if killed = true; at != nil {
			_ = at.Process.Kill() // over already, perhaps
		}
	})
	defer timer.Stop()
	for _, args := range list {
		cmd := s.command(args...)
		mu.Lock()
		over := killed
		if !over {
			s.must(cmd.Start())
			at = cmd
		}
		mu.Unlock()
		if over {
			break
		}
		_ = cmd.Wait() // it may have been killed
	}
	mu.Lock()
	defer mu.Unlock()
	return killed
}
