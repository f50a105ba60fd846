package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"rapport/internal/link"
	"rapport/internal/mailtest"
)

var (
	stormSeed  = flag.Uint64("storm", 0, "seed of TestM70_Storm; 0 takes a new one")
	stormBlows = flag.Int("blows", defaultBlows, "how many faults a storm of TestM70_Storm has")
)

// storm is a daemon's life with everything going wrong that may: kills, lines
// that break, a server that restarts, re-numbers and renames, mail that moves,
// records that change. A quiet installation later gets the same mail and the
// same changes of records, and must hold the same.
type storm struct {
	t        *testing.T
	r        *rand.Rand
	w        *mailtest.World
	d        *mailtest.Dovecot
	line     *link.Link
	s        *site
	daemon   *exec.Cmd
	log      io.WriteCloser
	toCome   []mailtest.Mail
	contacts []mailtest.Contact // not imported yet
	changes  [][]string         // commands that changed records, to be done again
	known    []mailtest.Contact
	renamed  map[string]bool   // whose folder bears its other name
	changed  map[string]bool   // who was merged or erased, by address
	notes    map[string]string // text of each acknowledged note -> about whom
	noted    int
	count    map[string]int
}

// TestM70_Storm is the kill at a random moment among all the other faults.
func TestM70_Storm(t *testing.T) {
	seed := *stormSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("go test -run TestM70_Storm -storm %d -blows %d", seed, *stormBlows)
	m := newStorm(t, seed)
	m.start()
	for range *stormBlows {
		m.blow()
	}
	m.calm()
	t.Logf("blows: %v", m.count)

	quiet := newSite(t, m.w, m.d)
	for _, change := range m.changes {
		quiet.run(change...)
	}
	quiet.run("sync")
	m.judge(quiet)
	for text := range m.notes {
		if n := strings.Count(m.s.run("search", text, "--json"), "\n"); n != 1 {
			t.Errorf("the note %s is there %d times, want once", text, n)
		}
	}
	m.s.run("store", "check")
	inSync(t, m.s.run("reconcile", "--json"), m.s.run("status", "--json"))
	before := m.s.dump()
	m.s.run("sync")
	if after := m.s.dump(); after != before {
		t.Errorf("one more sync changed the content:\n%s", firstDifference(before, after))
	}
	onlyReading(t, m.w, m.d)
	t.Attr("tries", strconv.Itoa(m.count["kill"]))
}

func newStorm(t *testing.T, seed uint64) *storm {
	w := mailtest.NewWorld(mailtest.Options{Seed: seed, Messages: 400, Scale: 0.2})
	d := mailtest.StartDovecotWith(t, mailtest.DovecotOptions{Users: w.Accounts(), Rawlog: true})
	line, err := link.New(d.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(line.Close)
	m := &storm{
		t: t, r: rand.New(rand.NewPCG(seed, 70)), w: w, d: d, line: line,
		s:       siteOn(t, w, mailtest.Server{Addr: line.Addr, TLS: "implicit", CAFile: d.CAFile}),
		renamed: map[string]bool{}, changed: map[string]bool{}, notes: map[string]string{}, count: map[string]int{},
	}
	m.contacts = slices.Clone(w.Contacts)
	m.r.Shuffle(len(m.contacts), func(i, j int) { m.contacts[i], m.contacts[j] = m.contacts[j], m.contacts[i] })
	var first []mailtest.Mail
	for _, mail := range w.Mails {
		// What the first look leaves out as too old must be there at the first look.
		if mail.InternalDate.Before(w.Since) || m.r.IntN(2) == 0 {
			first = append(first, mail)
		} else {
			m.toCome = append(m.toCome, mail)
		}
	}
	for _, u := range w.Accounts() {
		for _, folder := range []string{"Archive", tidied} {
			m.must(d.CreateFolder(u.Name, folder))
		}
	}
	m.must(d.DeliverAll(first))
	m.know(len(m.contacts) / 2)
	t.Cleanup(func() {
		if m.daemon != nil {
			m.end(os.Kill)
		}
		if b, err := os.ReadFile(filepath.Join(m.s.dir, "daemon.log")); err == nil && t.Failed() {
			t.Logf("the end of the daemon's log:\n%s", b[max(0, len(b)-6000):])
		}
	})
	return m
}

func (m *storm) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// know imports some of the contacts that are left.
func (m *storm) know(n int) {
	n = min(n, len(m.contacts))
	if n == 0 {
		return
	}
	name := fmt.Sprintf("contacts-%d.csv", len(m.changes))
	path := m.s.write(name, m.w.ContactsCSVOf(m.contacts[:n]))
	m.known, m.contacts = append(m.known, m.contacts[:n]...), m.contacts[n:]
	m.change("contact", "import", path)
}

// change does what changes records, and notes it for the quiet installation.
func (m *storm) change(args ...string) {
	m.t.Helper()
	m.s.run(args...)
	m.changes = append(m.changes, args)
}

func (m *storm) start() {
	log, err := os.OpenFile(filepath.Join(m.s.dir, "daemon.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	m.must(err)
	m.daemon, m.log = m.s.command("run"), log
	m.daemon.Stdout, m.daemon.Stderr = log, log
	m.must(m.daemon.Start())
}

func (m *storm) end(how os.Signal) {
	_ = m.daemon.Process.Signal(how) // it may have ended by itself, which Wait tells
	err := m.daemon.Wait()
	m.must(m.log.Close())
	// One that is asked to stop while it starts ends by the signal, or with its code.
	if how != os.Kill && err != nil && err.Error() != "signal: interrupt" && m.daemon.ProcessState.ExitCode() != 130 {
		m.t.Errorf("the daemon ended with %v", err)
	}
	m.daemon = nil
}

// blow is one fault, and a moment for it to do its work.
func (m *storm) blow() {
	blows := map[string]func(){
		"kill":     func() { m.end(os.Kill); m.start() },
		"stop":     func() { m.end(os.Interrupt); m.start() },
		"sleep":    m.sleep,
		"line":     m.badLine,
		"clear":    func() { m.must(m.line.Change()) },
		"restart":  func() { m.must(m.d.Restart()) },
		"arrive":   func() { m.arrive(1 + m.r.IntN(20)) },
		"move":     m.move,
		"renumber": func() { m.must(m.d.ResetUIDValidity(m.somebody(), "INBOX")) },
		"know":     func() { m.know(1 + m.r.IntN(len(m.w.Contacts)/8)) },
		"sync":     m.hurry,
		"rename":   m.rename,
		"merge":    m.merge,
		"erase":    m.erase,
		"note":     m.note,
		"reload":   func() { m.must(m.daemon.Process.Signal(syscall.SIGHUP)) },
		"backup": func() {
			m.s.run("store", "backup", filepath.Join(m.s.dir, fmt.Sprintf("%d.backup", m.count["backup"])))
		},
		"compact": func() { m.s.run("store", "compact") },
		"rematch": func() { m.s.run("rematch") },
	}
	names := slices.Sorted(maps.Keys(blows))
	name := names[m.r.IntN(len(names))]
	if m.r.IntN(4) == 0 {
		name = "kill"
	}
	m.count[name]++
	blows[name]()
	time.Sleep(time.Duration(m.r.IntN(300)) * time.Millisecond) // the next one strikes at any moment of the work
}

func (m *storm) somebody() string { return m.w.Accounts()[m.r.IntN(len(m.w.Accounts()))].Name }

func (m *storm) sleep() {
	m.must(m.daemon.Process.Signal(syscall.SIGSTOP))
	time.Sleep(time.Duration(m.r.IntN(200)) * time.Millisecond)
	m.must(m.daemon.Process.Signal(syscall.SIGCONT))
}

func (m *storm) badLine() {
	lines := []link.Toxic{
		link.CutAfter(m.r.Int64N(200_000)), link.Slices(1+m.r.Int64N(600), time.Duration(m.r.IntN(2000))*time.Microsecond),
		link.Bandwidth(20_000 + m.r.Int64N(1<<20)), link.ResetAfter(time.Duration(m.r.IntN(500)) * time.Millisecond), link.Silence(),
	}
	m.must(m.line.Change(lines[m.r.IntN(len(lines))]))
}

func (m *storm) arrive(n int) {
	n = min(n, len(m.toCome))
	for user := range m.renamed { // where it arrives the folder has its own name
		m.must(m.d.Rename(user, tidier, tidied))
		delete(m.renamed, user)
	}
	m.must(m.d.DeliverAll(m.toCome[:n]))
	m.toCome = m.toCome[n:]
}

// move files mail away and back, as people do; what is older than the first
// look goes stays where it is.
func (m *storm) move() {
	from, to := "INBOX", "Archive"
	if m.r.IntN(3) == 0 {
		from, to = to, from
	}
	lo := 1 + m.r.IntN(60)
	m.must(m.d.Move(m.somebody(), from, to, "UID", fmt.Sprintf("%d:%d", lo, lo+m.r.IntN(10)), "SAVEDSINCE", "1970-01-01", "SINCE", m.w.Since.AddDate(0, 0, 2).Format("2006-01-02")))
}

// The folder that changes its name, as somebody tidies up, and that name.
const (
	tidied = "Archive/2024"
	tidier = "Older"
)

func (m *storm) rename() {
	user := m.somebody()
	if !m.renamed[user] {
		m.must(m.d.Rename(user, tidied, tidier))
		m.renamed[user] = true
		return
	}
	m.must(m.d.Rename(user, tidier, tidied))
	delete(m.renamed, user)
}

// take picks somebody known whom no further change will name.
func (m *storm) take() string {
	i := m.r.IntN(len(m.known))
	who := m.known[i].Addresses[0]
	m.known = slices.Delete(m.known, i, i+1)
	m.changed[who] = true
	return who
}

// few says that too few people are left to merge or erase.
func (m *storm) few() bool { return len(m.known) < 4 }

// erase forgets somebody, and the notes about nobody else.
func (m *storm) erase() {
	if m.few() {
		return
	}
	who := m.take()
	m.change("contact", "erase", "--yes", who)
	maps.DeleteFunc(m.notes, func(_, about string) bool { return about == who })
}

// merge makes one of two people; who is left is changed no more.
func (m *storm) merge() {
	if !m.few() {
		m.change("contact", "merge", m.take(), m.take())
	}
}

// note writes one down; once the command has said so, nothing may lose it, not
// even a kill at once.
func (m *storm) note() {
	m.noted++
	text, who := fmt.Sprintf("noted%dafter", m.noted), m.known[m.r.IntN(len(m.known))].Addresses[0]
	m.s.run("note", who, text)
	m.notes[text] = who
	if m.r.IntN(2) == 0 {
		m.count["kill"]++
		m.end(os.Kill)
		m.start()
	}
}

// hurry asks for a pass; whether it can succeed in this weather does not matter.
func (m *storm) hurry() {
	cmd := m.s.command("sync")
	m.must(cmd.Start())
	time.Sleep(time.Duration(m.r.IntN(300)) * time.Millisecond)
	_ = cmd.Process.Kill() // it may be done
	_ = cmd.Wait()
}

// calm ends all faults and lets the daemon catch up by itself.
func (m *storm) calm() {
	m.must(m.line.Change())
	m.arrive(len(m.toCome))
	m.know(len(m.contacts))
	deadline := time.Now().Add(2 * time.Minute)
	for {
		out, err := m.s.command("sync").CombinedOutput()
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("the daemon is not in sync two minutes after the storm: %v\n%s", err, clipText(string(out)))
		}
	}
	m.end(os.Interrupt)
	m.s.run("sync") // and a process of its own finds nothing left to do
}

// judge wants what the quiet installation holds, message by message with its
// copies, and what the oracle knows of every message: whose it is, its very
// bytes, and that nothing else is there.
func (m *storm) judge(quiet *site) {
	m.t.Helper()
	snap, still := m.s.snapshot(nil), quiet.snapshot(nil)
	have, want := copiesOf(snap), copiesOf(still)
	for what := range want {
		if missing := minus(want[what], have[what]); len(missing) > 0 {
			m.t.Errorf("%s: the copies in %v are missing", what, missing)
		}
		for _, p := range minus(have[what], want[what]) { // where mail was before it moved stays as history
			if !slices.Contains([]string{"INBOX", "Archive", tidied, tidier}, p.Folder) {
				m.t.Errorf("%s: a copy in %v, where nothing moved", what, p)
			}
		}
	}
	if a, b := held(still), held(snap); a != b {
		m.t.Errorf("- quiet, + storm:\n%s", firstDifference(a, b))
	}
	reportFaults(m.t, slices.DeleteFunc(mailtest.Check(m.w, snap), func(f mailtest.Fault) bool {
		// The oracle knows neither what moved nor who was merged or erased.
		return f.Kind == mailtest.WrongHoldings || f.Message >= 0 && slices.ContainsFunc(m.w.Truth[f.Message].Records, func(r string) bool { return m.changed[r] })
	}))
}

// copiesOf says where the copies of each message are; some look the same.
func copiesOf(snap mailtest.Snapshot) map[string][]mailtest.Place {
	out := map[string][]mailtest.Place{}
	for _, e := range append(snap.Entries, snap.Reviews...) {
		out[inWords(e)] = append(out[inWords(e)], e.Holdings...)
	}
	return out
}

// minus returns the places in a that are not in b.
func minus(a, b []mailtest.Place) []mailtest.Place {
	return slices.DeleteFunc(slices.Clone(a), func(p mailtest.Place) bool { return slices.Contains(b, p) })
}

// held writes a snapshot down, one line a message.
func held(snap mailtest.Snapshot) string {
	var lines []string
	for _, e := range snap.Entries {
		lines = append(lines, "filed "+inWords(e))
	}
	for _, e := range snap.Reviews {
		lines = append(lines, "for review "+inWords(e))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func inWords(e mailtest.Entry) string {
	records := slices.Sorted(slices.Values(e.Records))
	return fmt.Sprintf("<%s> %s of %s from %s under %v, texts: %d", e.MessageID, e.Subject, e.Date.UTC().Format(time.DateTime), e.From, records, len(e.Raws))
}
