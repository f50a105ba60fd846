package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rapport/delivery"
	"rapport/internal/mailtest"
	"rapport/store/boltstore"
)

func TestJudgeTroubles(t *testing.T) {
	t.Parallel()
	t0 := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	dark := trouble{Object: "mailbox ada", Text: "unreachable", Since: t0}
	refused := trouble{Object: "mailbox bob", Text: "sign-in refused", Since: t0, Urgent: true}
	book := alertBook{Open: map[string]trouble{}}
	step := func(name string, after time.Duration, current []trouble, wantBegun, wantEnded string) {
		t.Helper()
		begun, ended, _ := book.judge(current, t0.Add(after))
		book.told(begun, ended, t0.Add(after))
		if got := objects(begun); got != wantBegun {
			t.Errorf("%s: begun = %q, want %q", name, got, wantBegun)
		}
		if got := objects(ended); got != wantEnded {
			t.Errorf("%s: ended = %q, want %q", name, got, wantEnded)
		}
	}
	step("a short outage is nobody's business", time.Minute, []trouble{dark}, "", "")
	step("and passes", 2*time.Minute, nil, "", "")
	step("a refused sign-in is told at once", 3*time.Minute, []trouble{dark, refused}, "mailbox bob", "")
	step("once", 4*time.Minute, []trouble{dark, refused}, "", "")
	restarted := dark
	restarted.Since = t0.Add(50 * time.Minute) // the daemon began anew and counts from there
	step("a restart does not start the hour over", 64*time.Minute, []trouble{restarted, refused}, "mailbox ada", "")
	step("nor tell again", 65*time.Minute, []trouble{restarted, refused}, "", "")
	unproven := trouble{Object: "mailbox bob", state: unsure}
	step("who has just begun is not well yet", 69*time.Minute, []trouble{restarted, unproven}, "", "")
	fine := trouble{Object: "mailbox bob", state: well}
	step("the end is told once", 70*time.Minute, []trouble{restarted, fine}, "", "mailbox bob")
	step("really once", 71*time.Minute, []trouble{restarted, fine}, "", "")
	step("a mailbox that is gone needs no word", 72*time.Minute, nil, "", "")
	if len(book.Open) != 0 {
		t.Errorf("still open: %+v", book.Open)
	}
}

func objects(ts []trouble) string {
	var out []string
	for _, t := range ts {
		out = append(out, t.Object)
	}
	return strings.Join(out, ",")
}

// bench is an alerter over a real store with everything else by hand.
type alertBench struct {
	*alerter
	clock   time.Time
	wrong   []trouble
	sent    []delivery.Mail
	refuses error
}

func newAlertBench(t *testing.T, s *boltstore.Store) *alertBench {
	b := &alertBench{clock: time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)}
	log := slog.New(slog.DiscardHandler)
	b.alerter = &alerter{
		store: s, now: func() time.Time { return b.clock }, log: log, faults: newFaults(log, time.Now),
		count: func(string) {}, current: func() []trouble { return b.wrong }, summary: func() string { return "figures\n" },
		poke: make(chan struct{}, 1),
		route: alertRoute{to: []string{"ada@example.com"}, weekly: true, team: "Example", send: func(_ context.Context, m delivery.Mail) error {
			if b.refuses != nil {
				return b.refuses
			}
			b.sent = append(b.sent, m)
			return nil
		}},
	}
	return b
}

func openTestStore(t *testing.T) *boltstore.Store {
	t.Helper()
	s, err := boltstore.Open(filepath.Join(t.TempDir(), "data"), boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestAlertsSurviveRestartAndRefusal(t *testing.T) {
	t.Parallel()
	s := openTestStore(t)
	turn := func(b *alertBench) error { return b.turn(t.Context()) }
	a := newAlertBench(t, s)
	a.wrong = []trouble{{Object: "mailbox ada", Text: "sign-in refused\x1b[2J – put the right password into secrets/ada", Since: a.clock, Urgent: true}}
	a.refuses = errors.New("451 later")
	if err := turn(a); err == nil {
		t.Error("turn without a server = nil; want the error, so that it is tried again")
	}
	a.refuses = nil
	if err := turn(a); err != nil || len(a.sent) != 1 {
		t.Fatalf("turn = %v, %d mails; want one", err, len(a.sent))
	}
	if m := a.sent[0]; !strings.Contains(m.Text, "put the right password") || strings.Contains(m.Text, "\x1b") || m.Subject != "Rapport: mailbox ada needs a hand (Example)" {
		t.Errorf("the alert is %q:\n%s", m.Subject, m.Text)
	}
	b := newAlertBench(t, s) // the daemon after a restart
	b.wrong = a.wrong
	if err := turn(b); err != nil || len(b.sent) != 0 {
		t.Errorf("after a restart: %v, %d mails; want none", err, len(b.sent))
	}
	b.wrong = []trouble{{Object: "mailbox ada", state: well}}
	if err := turn(b); err != nil || len(b.sent) != 1 || !strings.Contains(b.sent[0].Subject, "well again") {
		t.Errorf("at the end: %v, %+v; want one that says so", err, b.sent)
	}
}

func TestWeekly(t *testing.T) {
	t.Parallel()
	b := newAlertBench(t, openTestStore(t))
	for day := range 22 {
		b.clock = b.clock.Add(24 * time.Hour)
		if day == 16 {
			b.wrong = []trouble{{Object: "mailbox ada", Text: "dark", Since: b.clock}}
		}
		if err := b.turn(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var subjects []string
	for _, m := range b.sent {
		subjects = append(subjects, m.Subject)
	}
	want := "Rapport: all is well (Example)|Rapport: all is well (Example)|Rapport: mailbox ada needs a hand (Example)|Rapport: open faults: 1 (Example)"
	if got := strings.Join(subjects, "|"); got != want {
		t.Errorf("the mails of three weeks are %s, want %s", got, want)
	}
}

// From the refused sign-in to the mail, and back, over real sockets.
func TestAlertByMail(t *testing.T) {
	t.Parallel()
	sink, err := mailtest.NewSink()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sink.Close() })
	w := newWorld(t, "ada")
	w.extra = fmt.Sprintf("senders: [{name: out, host: %q, tls: none, from: Rapport <rapport@example.com>}]\nalerts: {to: [boss@example.com], weekly: false}\n", sink.Addr)
	w.write(filepath.Join(w.dir, "password"), "wrong\n")
	w.configure()
	r := w.runs()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	got, err := sink.Wait(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	text := string(got[0].Data)
	for _, want := range []string{"Auto-Submitted: auto-generated", "mailbox ada needs a hand", "To: <boss@example.com>"} {
		if !strings.Contains(text, want) {
			t.Errorf("the alert lacks %q:\n%s", want, text)
		}
	}
	st, err := r.client.Status(ctx)
	if err != nil || st.Mailboxes[0].State != "stopped" || st.Totals.InSync {
		t.Errorf("Status = %+v, %v; want stopped and not in sync", st, err)
	}
	w.write(filepath.Join(w.dir, "password"), worldPassword+"\n")
	if err := r.client.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	if got, err = sink.Wait(ctx, 2); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(got[1].Data), "well again") {
		t.Errorf("the second mail is\n%s", got[1].Data)
	}
}
