package mailtest

import (
	"bytes"
	"fmt"
	"io"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func newSmallWorld() *World { return NewWorld(Options{Seed: 7, Messages: 600, Scale: 0.1}) }

// smallWorld is one world for all tests, which only read it.
var smallWorld = sync.OnceValue(newSmallWorld)

func TestWorldIsTheSameForTheSameSeed(t *testing.T) {
	t.Parallel()
	a, b := newSmallWorld(), newSmallWorld()
	for i := range a.Mails {
		if !bytes.Equal(a.Mails[i].Raw(), b.Mails[i].Raw()) || !bytes.Equal(a.Mails[i].Raw(), a.Mails[i].Raw()) {
			t.Fatalf("mail %d differs", i)
		}
	}
	if !bytes.Equal(a.ContactsCSV(), b.ContactsCSV()) || fmt.Sprint(a.Truth) != fmt.Sprint(b.Truth) {
		t.Error("contacts or truth differ")
	}
	if other := NewWorld(Options{Seed: 8, Messages: 600}); bytes.Equal(other.ContactsCSV(), a.ContactsCSV()) {
		t.Error("another seed makes the same world")
	}
}

func TestWorldHoldsEveryCase(t *testing.T) {
	t.Parallel()
	w := smallWorld()
	for _, want := range []string{
		"filed (address)", "filed (domain)", "filed (thread)", "filed (forward)", "filed (bounce)", "review (shared domain)", "skipped (blocked)",
		"skipped (private)", "skipped (draft)", "skipped (old)", "skipped (internal)", "skipped (nobody known)", "unread (nobody known)",
	} {
		if !strings.Contains(w.Summary(), want) {
			t.Errorf("no %s in %s", want, w.Summary())
		}
	}
	ids := map[string]int{}
	missing, shared := 0, 0
	for _, tr := range w.Truth {
		if tr.Expected == Filed && tr.MessageID == "" {
			missing++
		}
		ids[tr.MessageID]++
	}
	for id, n := range ids {
		if id != "" && n > 1 {
			shared += n
		}
	}
	if missing < 2 || shared < 4 {
		t.Errorf("%d without and %d with shared Message-IDs, want 2 and 4 at least", missing, shared)
	}
}

func TestWorldFull(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector is on; it runs once more without")
	}
	if testing.Short() {
		t.Skip("the full world takes seconds")
	}
	t.Parallel()
	began := time.Now()
	w := NewWorld(Options{Seed: 1})
	t.Logf("made in %v: %s", time.Since(began), w.Summary())
	began = time.Now()
	total := 0
	for _, m := range w.Mails {
		raw := m.Raw()
		total += len(raw)
		if _, err := mail.ReadMessage(bytes.NewReader(raw)); err != nil && !strings.Contains(err.Error(), "malformed header line") {
			t.Fatalf("mail %d cannot be read: %v", m.Message, err)
		}
	}
	t.Logf("rendered in %v, %d bytes on average", time.Since(began), total/len(w.Mails))
	if n := len(w.Mails); n < 10000 || n > 10100 {
		t.Errorf("%d mails, want 10,000", n)
	}
	if mean := total / len(w.Mails); mean < 20_000 || mean > 45_000 {
		t.Errorf("%d bytes a mail, want about 32,000", mean)
	}
	if n := len(w.Contacts); n < 540 {
		t.Errorf("%d contacts, want 540", n)
	}
}

func TestWorldOnServers(t *testing.T) {
	t.Parallel()
	w := smallWorld()
	d := StartDovecotWith(t, DovecotOptions{Users: w.Accounts()})
	began := time.Now()
	if err := w.DeliverTo(d); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d mails delivered in %v", len(w.Mails), time.Since(began))
	mem, err := NewIMAP(nil, w.Accounts()...)
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	if err := w.AppendTo(mem); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	for _, m := range w.Mails {
		want[m.Mailbox+" "+m.Folder]++
	}
	for _, u := range w.Accounts() {
		for _, f := range append(u.Folders, "INBOX", "Sent", "Junk") {
			s, err := dialTLS(t, d.Addr, d.CA, u, nil).Select(f, nil).Wait()
			if err != nil || int(s.NumMessages) != want[u.Name+" "+f] {
				t.Errorf("%s of %s holds %+v, %v; want %d", f, u.Name, s, err, want[u.Name+" "+f])
			}
		}
	}
	if conf := w.Config("/data", Server{Addr: d.Addr, TLS: "implicit", CAFile: d.CAFile, Passwords: "/secrets"}); !strings.Contains(conf, "latimer-law.example") {
		t.Errorf("Config lacks the exclusions:\n%s", conf)
	}
}

// rawsOf are the digests of each message's copies.
func rawsOf(w *World) map[int][][32]byte {
	raws := map[int][][32]byte{}
	for _, m := range w.Mails {
		if !unread(m.Folder) {
			raws[m.Message] = append(raws[m.Message], rawSum(m.Raw()))
		}
	}
	return raws
}

// perfect is what a product without faults holds.
func perfect(w *World, raws map[int][][32]byte) Snapshot {
	var s Snapshot
	for i, t := range w.Truth {
		e := Entry{MessageID: t.MessageID, Date: t.Date, From: t.From, Subject: t.Subject, Records: slices.Clone(t.Records),
			Holdings: slices.Clone(t.Holdings), Raws: slices.Clone(raws[i][:min(t.Texts, len(raws[i]))]), Text: t.Sample + "\r\n  Ref. " + t.Marker}
		switch t.Expected {
		case Filed:
			s.Entries = append(s.Entries, e)
		case Review:
			s.Reviews = append(s.Reviews, e)
		}
	}
	return s
}

func TestOracleAcceptsWhatIsRight(t *testing.T) {
	t.Parallel()
	w := smallWorld()
	if faults := Check(w, perfect(w, rawsOf(w))); len(faults) > 0 {
		t.Error(Explain(faults))
	}
}

func TestOracleSeesEachFault(t *testing.T) {
	t.Parallel()
	w := smallWorld()
	raws := rawsOf(w)
	entryOf := func(i int, s Snapshot) Entry {
		for _, m := range w.Mails {
			if m.Message == i {
				return Entry{Raws: [][32]byte{rawSum(m.Raw())}, Records: s.Entries[0].Records}
			}
		}
		panic("no copy")
	}
	first := func(match func(Truth) bool) int { return slices.IndexFunc(w.Truth, match) }
	variant := func(s Snapshot) int {
		return slices.IndexFunc(s.Entries, func(e Entry) bool { return len(e.Raws) > 1 })
	}
	for _, tt := range []struct {
		name    string
		corrupt func(*Snapshot)
		want    FaultKind
	}{
		{"message lost", func(s *Snapshot) { s.Entries = s.Entries[1:] }, Missing},
		{"review lost", func(s *Snapshot) { s.Reviews = s.Reviews[1:] }, Missing},
		{"twice", func(s *Snapshot) { s.Entries = append(s.Entries, s.Entries[3]) }, Duplicate},
		{"record lost", func(s *Snapshot) { s.Entries[0].Records = nil }, Misfiled},
		{"record too many", func(s *Snapshot) { s.Entries[0].Records = append(s.Entries[0].Records, "x@y.example") }, Misfiled},
		{"other record", func(s *Snapshot) { s.Entries[0].Records[0] = "x@y.example" }, Misfiled},
		{"review filed", func(s *Snapshot) { s.Entries = append(s.Entries, s.Reviews[0]); s.Reviews = s.Reviews[1:] }, Misfiled},
		{"holding lost", func(s *Snapshot) { s.Entries[0].Holdings = s.Entries[0].Holdings[1:] }, WrongHoldings},
		{"holding twice", func(s *Snapshot) { s.Entries[0].Holdings = append(s.Entries[0].Holdings, s.Entries[0].Holdings[0]) }, WrongHoldings},
		{"other folder", func(s *Snapshot) { s.Entries[0].Holdings[0].Folder = "Other" }, WrongHoldings},
		{"bytes changed", func(s *Snapshot) { s.Entries[0].Raws = [][32]byte{{1}} }, Altered},
		{"bytes lost", func(s *Snapshot) { s.Entries[0].Raws = nil }, Altered},
		{"two in one", func(s *Snapshot) { s.Entries[0].Raws = append(slices.Clone(s.Entries[0].Raws), s.Entries[1].Raws...) }, Misfiled},
		{"subject", func(s *Snapshot) { s.Entries[0].Subject += "?" }, Misread},
		{"date", func(s *Snapshot) { s.Entries[0].Date = s.Entries[0].Date.Add(time.Hour) }, Misread},
		{"author", func(s *Snapshot) { s.Entries[0].From = "x@y.example" }, Misread},
		{"text", func(s *Snapshot) { s.Entries[0].Text = "nothing" }, Misread},
		{"variant", func(s *Snapshot) { i := variant(*s); s.Entries[i].Raws = s.Entries[i].Raws[:1] }, LostVariant},
		{"stranger", func(s *Snapshot) {
			s.Entries = append(s.Entries, entryOf(first(func(t Truth) bool { return t.Rule == "nobody known" && t.Expected == Skipped }), *s))
		}, Extra},
		{"spam", func(s *Snapshot) {
			s.Entries = append(s.Entries, entryOf(first(func(t Truth) bool { return t.Expected == Unread }), *s))
		}, Extra},
		{"private", func(s *Snapshot) {
			s.Entries = append(s.Entries, entryOf(first(func(t Truth) bool { return t.Rule == "private" }), *s))
		}, Extra},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := perfect(w, raws)
			tt.corrupt(&s)
			faults := Check(w, s)
			if len(faults) == 0 || !slices.ContainsFunc(faults, func(f Fault) bool { return f.Kind == tt.want }) {
				t.Errorf("Check = %s; want %s", Explain(faults), tt.want)
			}
		})
	}
}

func TestLeakCheck(t *testing.T) {
	t.Parallel()
	w := smallWorld()
	var word, name string
	for _, c := range w.Canaries() {
		if c.Name {
			name = c.Word
		} else {
			word = c.Word
		}
	}
	if word == "" || name == "" {
		t.Fatalf("no canaries: %q, %q", word, name)
	}
	pad := strings.Repeat("x", 1<<20-5) // so that the word crosses a block's end
	for _, tt := range []struct {
		text  string
		names bool
		want  int
	}{
		{"nothing zqkother", true, 0}, {pad + strings.ToUpper(word), false, 1}, {name, false, 0}, {name, true, 1}, {word[:8], true, 0},
	} {
		faults, err := w.LeakCheck("text", strings.NewReader(tt.text), tt.names)
		if err != nil || len(faults) != tt.want {
			t.Errorf("LeakCheck(%.20q…, %v) = %v, %v; want %d", tt.text, tt.names, faults, err, tt.want)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte(word+"\n"+word), 0o600); err != nil {
		t.Fatal(err)
	}
	if faults, err := w.LeakCheckDir(dir, false); err != nil || len(faults) != 1 {
		t.Errorf("LeakCheckDir = %v, %v; want one", faults, err)
	}
}

// TestCanariesStandInTheirMessagesOnly proves that no stored message bears a
// word by which a leak is told.
func TestCanariesStandInTheirMessagesOnly(t *testing.T) {
	t.Parallel()
	w := smallWorld()
	var stored bytes.Buffer
	for _, m := range w.Mails {
		tr := w.Truth[m.Message]
		if tr.Expected == Filed || tr.Expected == Review {
			stored.Write(m.Raw())
			stored.WriteString(tr.Subject + tr.Sample)
			continue
		}
		l := w.letters[m.Message]
		if raw := m.Raw(); !bytes.Contains(raw, []byte(l.titleCanary)) && isASCII(l.subject) {
			t.Errorf("message %d lacks its canary in the subject", m.Message)
		}
	}
	faults, err := w.LeakCheck("stored mail", io.Reader(&stored), true)
	if err != nil || len(faults) > 0 {
		t.Errorf("LeakCheck of what may be stored: %s, %v", Explain(faults), err)
	}
}

func TestExchangesTellContactsFromStrangers(t *testing.T) {
	t.Parallel()
	w := NewWorld(Options{Seed: 3, Messages: 3000, Scale: 0.1})
	often := 0
	for addr, n := range w.Exchanges() {
		if n < 3 {
			continue
		}
		often++
		if !w.Knows(addr) {
			t.Errorf("%s has %d exchanges and is nobody we know", addr, n)
		}
	}
	if often < 20 {
		t.Errorf("%d addresses with three exchanges, want 20 at least", often)
	}
	if w.Knows("ada@"+teamDomain) || w.Knows("x@private-abc.example") || w.Knows("somebody@gmail.com") {
		t.Error("a colleague or stranger is known")
	}
}
