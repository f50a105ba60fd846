package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
)

func TestSupervise(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var starts []time.Duration
		began := time.Now()
		panics := 0
		s := newSupervisor("x", slog.New(slog.DiscardHandler), func(ctx context.Context) error {
			starts = append(starts, time.Since(began))
			switch len(starts) {
			case 2:
				panic("boom")
			case 12:
				time.Sleep(healthyRun)
			case 14:
				<-ctx.Done()
			}
			return errors.New("trouble")
		})
		s.count = func(panicked bool) {
			if panicked {
				panics++
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { s.supervise(ctx); close(done) }()
		time.Sleep(2 * time.Hour)
		cancel()
		<-done
		if panics != 1 || len(starts) != 14 {
			t.Fatalf("%d starts, %d panics; want 14 and 1", len(starts), panics)
		}
		wait := firstWait
		for i := 1; i < 12; i++ {
			got := starts[i] - starts[i-1]
			if got > wait || got < wait*3/4 {
				t.Errorf("wait %d = %v, want about %v", i, got, wait)
			}
			wait = min(2*wait, lastWait)
		}
		if got := starts[12] - starts[11] - healthyRun; got > firstWait {
			t.Errorf("after a healthy run the wait is %v, want %v at most", got, firstWait)
		}
	})
}

func TestSuperviseHurryAndRestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		s := newSupervisor("x", slog.New(slog.DiscardHandler), func(ctx context.Context) error {
			if runs.Add(1) <= 8 {
				return errors.New("trouble")
			}
			<-ctx.Done()
			return ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { s.supervise(ctx); close(done) }()
		time.Sleep(100 * time.Second) // in a wait of more than a minute
		before := runs.Load()
		s.hurry()
		synctest.Wait()
		if runs.Load() != before+1 {
			t.Errorf("%d runs after hurry, want %d", runs.Load(), before+1)
		}
		time.Sleep(10 * time.Minute)
		before = runs.Load()
		s.restart(errStuck)
		synctest.Wait()
		if got := s.standing(); got.phase != waiting || !errors.Is(got.err, errStuck) {
			t.Errorf("standing after restart = %+v, want a wait because it was stuck", got)
		}
		time.Sleep(time.Minute)
		if runs.Load() != before+1 {
			t.Errorf("%d runs after restart, want %d", runs.Load(), before+1)
		}
		cancel()
		<-done
	})
}

// TestSecondSignal ends the process at the second signal alone, whether the
// first was heard as one or as the end of a context.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		heard bool
		got   []os.Signal
		ends  bool
	}{
		{true, []os.Signal{syscall.SIGHUP, syscall.SIGTERM}, true},
		{true, []os.Signal{syscall.SIGHUP}, false},
		{false, []os.Signal{syscall.SIGTERM}, false},
		{false, []os.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT}, true},
	} {
		signals := make(chan os.Signal, len(tt.got))
		for _, s := range tt.got {
			signals <- s
		}
		close(signals)
		ended := false
		impatient(signals, tt.heard, func(int) { ended = true })
		if ended != tt.ends {
			t.Errorf("after %v, the first heard: %v, the process ends: %v", tt.got, tt.heard, ended)
		}
	}
}

func TestAcceptance(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	s := store.Suggestion{Exchange: 3, In: 5, Out: 2, Domain: "sales.acme.example", Last: now.AddDate(0, 0, -40)}
	for _, tt := range []struct {
		rule string
		want bool
	}{
		{"exchanges >= 3", true},
		{"exchanges>3", false},
		{"exchanges >= 3 and out > 0", true},
		{"exchanges = 3 AND NOT (in < 5 or out == 0)", true},
		{"in > 9 or messages == 7", true},
		{"in > 9 || messages == 7 && out != 2", false},
		{"last <= 90d", true},
		{"last > 6w", false},
		{"last < 1y and last > 1m", true},
		{"domain == sales.acme.example", true},
		{`domain = "*.example"`, true},
		{"domain == *acme*", true},
		{"domain != acme.example", true},
		{"not not exchanges < 1", false},
	} {
		accept, err := parseAcceptance(tt.rule)
		if err != nil {
			t.Errorf("parseAcceptance(%q): %v", tt.rule, err)
			continue
		}
		if got := accept(s, now); got != tt.want {
			t.Errorf("%q holds = %v, want %v", tt.rule, got, tt.want)
		}
	}
}

func TestAcceptanceFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ rule, column string }{
		{"", "column 1:"},
		{"exchange >= 3", "column 1:"},
		{"exchanges 3", "column 11:"},
		{"exchanges >= ", "column 14:"},
		{"exchanges >= three", "column 14:"},
		{"exchanges >= 3 and", "column 19:"},
		{"exchanges >= 3 out > 0", "column 16:"},
		{"(exchanges >= 3", "column 16:"},
		{"exchanges >= 3)", "column 15:"},
		{"last > soon", "column 8:"},
		{"last > 90", "column 8:"},
		{"domain > acme", "column 8:"},
		{"domain == 'acme", "column 11:"},
		{"ün ≥ 3", "column 4:"},
		{"exchanges ==! 3", "column 11:"},
		{strings.Repeat("(", 200) + "in > 1", "column 102:"},
		{strings.Repeat("not ", 200) + "in > 1", "nested"},
		{strings.Repeat("x", 2000), "longer"},
	} {
		_, err := parseAcceptance(tt.rule)
		if err == nil || !strings.Contains(err.Error(), tt.column) {
			t.Errorf("parseAcceptance(%.30q) = %v; want %s", tt.rule, err, tt.column)
		}
	}
}

func FuzzAcceptance(f *testing.F) {
	f.Add(`exchanges >= 3 and (domain == "*.example" or not last < 90d)`)
	f.Fuzz(func(t *testing.T, rule string) {
		if accept, err := parseAcceptance(rule); err == nil {
			accept(store.Suggestion{Domain: "a.example"}, time.Unix(1e9, 0))
		}
	})
}

// letters builds copies for the tally.
type letters struct {
	t    *tally
	next int
}

func (l *letters) mail(from, to, subject, answers string, change ...func(*message.Head)) string {
	l.next++
	id := fmt.Sprintf("m%d@x.example", l.next)
	h := message.Head{
		MessageID: id, Subject: subject, Date: time.Date(2026, 1, l.next, 9, 0, 0, 0, time.UTC),
		From: []message.Party{{Name: "N " + from, Address: contact.Address(from)}}, To: []message.Party{{Address: contact.Address(to)}},
	}
	if answers != "" {
		h.InReplyTo = []string{answers}
	}
	for _, c := range change {
		c(&h)
	}
	l.t.add(message.Copy{UID: uint32(l.next), Head: h})
	l.t.add(message.Copy{UID: uint32(l.next), Head: h}) // every mail is seen twice
	return id
}

func TestTally(t *testing.T) {
	t.Parallel()
	ours := func(a contact.Address) bool { return a.Domain() == "us.example" }
	l := &letters{t: newTally(ours, time.Time{})}
	const ada, bob = "ada@us.example", "bob@us.example"

	a := l.mail("c@acme.example", ada, "Hello", "") // answered by reference, across mailboxes
	b := l.mail(bob, "c@acme.example", "Re: Hello", a)
	l.mail("c@acme.example", ada, "Re: Hello", b)

	l.mail("d@dot.example", ada, "Offer", "") // answered by subject alone
	l.mail(ada, "d@dot.example", "AW: Re[2]: offer", "")

	o := l.mail("s@stranger.example", ada, "Who sells tea?", "") // answered, but to somebody else
	l.mail(ada, "c@acme.example", "Re: Who sells tea?", o)
	l.mail("s@stranger.example", ada, "Buy!", "") // never answered
	l.mail(ada, "quiet@acme.example", "Are you there?", "")
	l.mail(ada, bob, "Lunch", "")
	list := func(h *message.Head) { h.Auto.ListID = "x" }
	n := l.mail("news@list.example", ada, "News", "", list)
	l.mail(ada, "news@list.example", "Re: News", n)
	away := func(h *message.Head) { h.Auto.Submitted = "auto-replied" }
	l.mail("c@acme.example", ada, "Away", b, away)
	l.mail("noreply@shop.example", ada, "Receipt", "")
	l.mail("x@list.example", "everybody@list.example", "to a list we read", "")

	var got []string
	for _, p := range l.t.proposals(map[contact.Address]bool{"quiet@acme.example": true}) {
		got = append(got, fmt.Sprintf("%s in=%d out=%d exchanges=%d %s", p.Address, p.In, p.Out, p.Exchange, p.Name))
	}
	want := []string{
		"c@acme.example in=2 out=2 exchanges=2 N c@acme.example",
		"d@dot.example in=1 out=1 exchanges=1 N d@dot.example",
		"s@stranger.example in=2 out=0 exchanges=0 N s@stranger.example",
	}
	for i := range want { // names with an @ are no names
		want[i] = want[i][:strings.LastIndex(want[i], " N ")+1]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("proposals (-want +got):\n%s", diff)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"Ada Byron", "Ada Byron"}, {`"Byron, Ada"`, "Ada Byron"}, {"Byron, Ada (Sales)", "Ada Byron"},
		{"Acme, Inc.", "Acme, Inc."}, {"Müller GmbH, Team", "Müller GmbH, Team"}, {"ada@x.example", ""},
		{"'Ada Byron' via Forms", "Ada Byron'"}, {"12345", ""}, {"", ""}, {"নুসরাত জাহান", "নুসরাত জাহান"},
	} {
		if got := cleanName(message.Party{Name: tt.in, Address: "ada@x.example"}); strings.Trim(got, "'") != strings.Trim(tt.want, "'") {
			t.Errorf("cleanName(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestFaultsAreLoggedOnce(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	f := newFaults(newLogger(&b, "text", slog.LevelInfo), time.Now)
	for _, err := range []error{nil, errors.New("one"), errors.New("one"), errors.New("one"), errors.New("two"), nil, nil} {
		f.report("mailbox ada", err)
	}
	if got := strings.Count(b.String(), "\n"); got != 3 {
		t.Errorf("%d lines, want 3:\n%s", got, b.String())
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, keyFile)
	if _, err := secretKey(dir, true); err == nil || !strings.Contains(err.Error(), "backup") {
		t.Errorf("secretKey with a store and no key = %v; want a refusal", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a key was made beside an existing store")
	}
	key, err := secretKey(dir, false)
	if err != nil || len(key) != keySize {
		t.Fatalf("secretKey = %d bytes, %v", len(key), err)
	}
	again, err := secretKey(dir, true)
	if err != nil || !bytes.Equal(key, again) {
		t.Errorf("secretKey again = another one, %v", err)
	}
	left := filepath.Join(dir, ".key-123") // by a process that was killed
	if err := errors.Join(os.WriteFile(left, key, 0o600), sweepKeys(dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a second name of the key stays: %v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := secretKey(dir, true); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("secretKey that others read = %v; want a refusal", err)
	}
	if err := errors.Join(os.Chmod(path, 0o600), os.Truncate(path, 7)); err != nil {
		t.Fatal(err)
	}
	if _, err := secretKey(dir, false); err == nil {
		t.Error("secretKey of 7 bytes = nil error")
	}
}

func TestSocketPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if got, err := SocketPath(dir); err != nil || got != filepath.Join(dir, socketFile) {
		t.Errorf("SocketPath(%s) = %s, %v", dir, got, err)
	}
	long := filepath.Join(dir, strings.Repeat("long/", 30))
	if err := os.MkdirAll(long, 0o700); err != nil {
		t.Fatal(err)
	}
	a, err := SocketPath(long)
	if err != nil || len(a) > maxSocketPath || strings.HasPrefix(a, dir) {
		t.Errorf("SocketPath(long) = %s, %v; want one in the runtime directory", a, err)
	}
	if b, _ := SocketPath(filepath.Join(long, "x")); a == b {
		t.Error("two directories share a socket")
	}
	l, err := listenSocket(a)
	if err != nil {
		t.Fatalf("listenSocket(%s): %v", a, err)
	}
	l.Close()
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	got := commandLine([]string{"/usr/bin/rapport", "-c", "/etc/rapport/config.yaml", "search", "it's late"})
	if want := `rapport -c /etc/rapport/config.yaml search 'it'\''s late'`; got != want {
		t.Errorf("commandLine = %s, want %s", got, want)
	}
}

func TestForeignDataIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make a directory of another user's")
	}
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chown(dir, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	err := checkOwner(dir, []string{"rapport", "status"})
	if err == nil || !strings.Contains(err.Error(), "sudo -u #12345 rapport status") {
		t.Errorf("checkOwner = %v; want the command to use instead", err)
	}
}

func TestHousekeeping(t *testing.T) {
	t.Parallel()
	s := openTestStore(t)
	clock := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
	var done []string
	keeper := func() *housekeeper {
		log := slog.New(slog.DiscardHandler)
		return &housekeeper{
			store: s, now: func() time.Time { return clock }, log: log, faults: newFaults(log, time.Now), count: func(string, string) {}, clock: &wallClock{now: func() time.Time { return clock }},
			jobs: []job{
				{name: "often", every: time.Hour, do: func(context.Context) error { done = append(done, "often"); return nil }},
				{name: "nightly", every: 24 * time.Hour, night: true, do: func(context.Context) error {
					done = append(done, fmt.Sprintf("nightly at %d", clock.Hour()))
					return nil
				}},
				{name: "broken", every: time.Hour, do: func(context.Context) error { panic("boom") }},
			},
		}
	}
	h := keeper()
	for range 6 * 24 * 2 { // two days in steps of ten minutes
		if wait := h.turn(t.Context()); wait < time.Second || wait > lookAgain {
			t.Fatalf("turn waits %v", wait)
		}
		clock = clock.Add(10 * time.Minute)
		if clock.Minute() == 0 {
			h = keeper() // a restart changes nothing
		}
	}
	nights, often := 0, 0
	for _, d := range done {
		switch {
		case d == "often":
			often++
		case d == "nightly at 2", d == "nightly at 3", d == "nightly at 4":
			nights++
		default:
			t.Errorf("done at the wrong time: %s", d)
		}
	}
	if nights != 2 || often < 46 || often > 60 {
		t.Errorf("two days: %d nights, %d hours", nights, often)
	}
	done = nil
	clock = clock.AddDate(-1, 0, 0) // the clock was a year ahead
	h.turn(t.Context())
	clock = clock.Add(2 * time.Hour)
	h.turn(t.Context())
	if len(done) == 0 {
		t.Error("nothing is done after the clock was set back")
	}
}

func TestJournal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := store.Digest{1}, store.Digest{2}
	for _, d := range []store.Digest{a, b} {
		if err := (journal{dataDir: dir}).add([]store.Digest{d}, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.OpenFile(filepath.Join(dir, journalFile), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("2026-01-01T00:00:00Z 0303") // a crash in the middle
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	got, err := readJournal(filepath.Join(dir, journalFile))
	if err != nil || len(got) != 2 || !got[a] || !got[b] {
		t.Errorf("readJournal = %v, %v; want both", got, err)
	}
	c := store.Digest{3}
	if err := (journal{dataDir: dir}).add([]store.Digest{c}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if got, err = readJournal(filepath.Join(dir, journalFile)); err != nil || len(got) != 3 || !got[c] {
		t.Errorf("readJournal = %v, %v; want the one after the torn line, too", got, err)
	}
}
