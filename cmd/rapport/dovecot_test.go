package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/message"
)

// worldSize is the full world. The race detector would slow the test's own reading
// of it down tenfold, and the program that it tries is built without.
var worldSize = flag.Int("world", 10000, "messages in the world of TestDovecotFiling")

// TestDovecotFiling is the whole way on a real server: import whom we know,
// sync, and let the oracle judge what is filed, and what is not kept.
func TestDovecotFiling(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector is on; it runs once more without")
	}
	t.Parallel()
	w := mailtest.NewWorld(mailtest.Options{Seed: 1, Messages: *worldSize})
	d := mailtest.StartDovecot(t, w.Accounts()...)
	if err := w.DeliverTo(d); err != nil {
		t.Fatal(err)
	}
	t.Log(w.Summary())
	s := newSite(t, w, d)
	s.run("check")
	s.run("contact", "import", s.write("contacts.jsonl", w.ContactsJSON()))
	began := time.Now()
	s.run("sync")
	t.Logf("filed %d copies in %v", len(w.Mails), time.Since(began).Round(time.Millisecond))

	var originals bytes.Buffer
	snap := s.snapshot(func(_ message.ID, raw []byte) { originals.Write(raw); originals.WriteByte('\n') })
	leaks, err := w.LeakCheck("originals", &originals, true)
	if err != nil {
		t.Fatal(err)
	}
	reportFaults(t, leaks)
	t.Logf("%d messages filed, %d for review", len(snap.Entries), len(snap.Reviews))
	reportFaults(t, mailtest.Check(w, snap))
	leakFree(t, w, s)
	inSync(t, s.run("reconcile", "--json"), s.run("status", "--json"))

	before := s.dump()
	s.run("sync")
	if s.dump() != before {
		t.Error("a second sync changed the content")
	}
	onlyReading(t, w, d)
}

// reportFaults lists the first few of each kind.
func reportFaults(t testing.TB, faults []mailtest.Fault) {
	t.Helper()
	kinds := map[mailtest.FaultKind]int{}
	for _, f := range faults {
		if kinds[f.Kind]++; kinds[f.Kind] <= 8 {
			t.Error(f)
		}
	}
	for kind, n := range kinds {
		if n > 8 {
			t.Errorf("%s: %d in all", kind, n)
		}
	}
}

// leakFree looks for words of mail that must not be kept: in the files of the
// data directory as they lie, in an export, and through search.
func leakFree(t *testing.T, w *mailtest.World, s *site) {
	t.Helper()
	out := filepath.Join(s.dir, "export")
	s.run("export", out)
	for _, dir := range []string{s.dataDir, out} {
		leaks, err := w.LeakCheckDir(dir, false)
		if err != nil {
			t.Fatal(err)
		}
		reportFaults(t, leaks)
	}
	canaries := w.Canaries()
	for n := 0; n < len(canaries); n += 1 + len(canaries)/20 {
		if got := s.run("search", canaries[n].Word, "--json"); strings.TrimSpace(got) != "" {
			t.Errorf("search finds %q of message %d, which nobody may keep: %s", canaries[n].Word, canaries[n].Message, clipText(got))
		}
	}
}

// inSync wants every folder proven, and the counts to add up.
func inSync(t *testing.T, reconciled, status string) {
	t.Helper()
	var st message.SyncStatus
	if err := json.Unmarshal([]byte(status), &st); err != nil {
		t.Fatalf("status --json: %v: %s", err, clipText(status))
	}
	folders := 0
	for _, m := range st.Mailboxes {
		for _, f := range m.Folders {
			folders++
			sum := f.Stored + f.Quarantined
			for _, n := range f.Skipped {
				sum += n
			}
			if !f.InSync || sum != f.Exists || f.Quarantined > 0 {
				t.Errorf("%s/%s: %+v; want in sync, adding up, nothing quarantined", m.Name, f.Name, f)
			}
		}
	}
	if folders == 0 {
		t.Error("status shows no folder")
	}
	if strings.Contains(reconciled, `"agrees":false`) || !strings.Contains(reconciled, `"agrees":true`) {
		t.Errorf("reconcile does not agree: %s", clipText(reconciled))
	}
}

// onlyReading wants nothing on the server changed: no command in any session
// that could, and no message marked seen.
func onlyReading(t *testing.T, w *mailtest.World, d *mailtest.Dovecot) {
	t.Helper()
	commands := 0
	for _, u := range w.Accounts() {
		logs, err := d.Rawlog(u.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, log := range logs {
			for line := range strings.SplitSeq(log, "\n") {
				commands++
				mayChange(t, line)
			}
		}
	}
	if commands == 0 {
		t.Error("the server has no record of what was said")
	}
}

// mayChange fails for a command of a client that could change a mailbox.
func mayChange(t *testing.T, line string) {
	t.Helper()
	words := strings.Fields(strings.ToUpper(line))
	if len(words) < 2 {
		return
	}
	for n, word := range words[:min(len(words), 4)] {
		switch word {
		case "SELECT", "STORE", "APPEND", "COPY", "MOVE", "EXPUNGE", "CREATE", "DELETE", "RENAME", "SETACL", "SUBSCRIBE", "CLOSE":
			if n > 0 {
				t.Errorf("the client said %q", strings.TrimSpace(line))
			}
		}
	}
	if strings.Contains(strings.ToUpper(line), "BODY[") {
		t.Errorf("the client fetched without PEEK: %q", strings.TrimSpace(line))
	}
}

// TestDovecotOrder files a smaller world twice: newest first with all mailboxes
// side by side, and one mailbox after the other in the opposite order.
func TestDovecotOrder(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector is on; it runs once more without")
	}
	t.Parallel()
	w := mailtest.NewWorld(mailtest.Options{Seed: 2, Messages: 800})
	d := mailtest.StartDovecot(t, w.Accounts()...)
	if err := w.DeliverTo(d); err != nil {
		t.Fatal(err)
	}
	first := newSite(t, w, d)
	first.run("contact", "import", first.write("contacts.jsonl", w.ContactsJSON()))
	first.run("sync")
	reportFaults(t, mailtest.Check(w, first.snapshot(nil)))

	// The other way round: mail first, then whom we know; mailboxes last to first.
	second := newSite(t, w, d)
	accounts := w.Accounts()
	for n := len(accounts) - 1; n >= 0; n-- {
		second.run("sync", mailtest.ShortName(accounts[n].Name))
	}
	second.run("contact", "import", second.write("contacts.jsonl", w.ContactsJSON()))
	second.run("sync")
	reportFaults(t, mailtest.Check(w, second.snapshot(nil)))
	a, b := withoutSuggestions(first.dump()), withoutSuggestions(second.dump())
	if a != b {
		t.Errorf("the content depends on the order:\n%s", firstDifference(a, b))
	}
}

// withoutSuggestions leaves out the rows about correspondents nobody knows,
// which say what was seen before somebody became known.
func withoutSuggestions(dump string) string {
	var out []string
	for line := range strings.SplitSeq(dump, "\n") {
		if !strings.HasPrefix(line, "suggestion ") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

func firstDifference(a, b string) string {
	in := func(s string) map[string]bool {
		set := map[string]bool{}
		for line := range strings.SplitSeq(s, "\n") {
			set[line] = true
		}
		return set
	}
	as, bs := in(a), in(b)
	var out []string
	for line := range as {
		if !bs[line] {
			out = append(out, "- "+line)
		}
	}
	for line := range bs {
		if !as[line] {
			out = append(out, "+ "+line)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(a[2:], b[2:]) }) // what belongs together stands together
	return strings.Join(out[:min(len(out), 12)], "\n")
}
