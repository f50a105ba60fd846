package app

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rapport/delivery"
	"rapport/internal/config"
	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/store/boltstore"
	"rapport/web"
)

// post takes mail, or does not.
type post struct {
	mails []delivery.Mail
	away  error  // of Check
	crash func() // in place of Send
}

func (p *post) Check(context.Context) error { return p.away }

func (p *post) Send(_ context.Context, m delivery.Mail) error {
	if p.crash != nil {
		p.crash()
	}
	p.mails = append(p.mails, m)
	return nil
}

// TestDailyMail lets days pass: each member gets one mail on a day of work,
// from the hour on, and never two, whatever happens in between.
func TestDailyMail(t *testing.T) {
	s, err := boltstore.Open(filepath.Join(t.TempDir(), "data"), boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	cfg := &config.Config{
		Ours: config.Ours{Members: []config.Member{
			{Name: "Ada", Addresses: []string{"ada@ours.example"}},
			{Name: "Bob", Addresses: []string{"bob@ours.example"}, Digest: "off"},
			{Name: "Eve", Addresses: []string{"eve@ours.example"}, Digest: "09:00"},
		}},
		Hours: config.BusinessHours{TimeZone: "UTC", From: "09:00", To: "17:00"}, Holidays: config.List{"03-04"},
		Digest: config.Digest{At: "07:30", Quiet: "tue"},
	}
	clock := time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC) // a Monday
	sink := &post{}
	nothing := false
	fresh := func() *digester {
		return &digester{
			store: s, now: func() time.Time { return clock }, log: newLogger(&syncBuffer{}, "text", nil), faults: newFaults(newLogger(&syncBuffer{}, "text", nil), time.Now),
			count: func(string) {}, config: func() *config.Config { return cfg },
			sender: func(*config.Config) (digestMail, error) { return sink, nil },
			today: func(_ context.Context, m contact.Address) (web.Today, error) {
				var out web.Today
				if !nothing && m == "ada@ours.example" {
					out.FollowUps.Items = []web.FollowUpItem{{Name: "Cleo\r\nBcc: x@y.example", FollowUp: followup.FollowUp{Due: "2026-03-02", Note: "call"}}}
				}
				out.Quiet.Items = []web.QuietItem{{Name: "Dan", Last: clock.AddDate(0, -3, 0)}}
				return out, nil
			},
		}
	}
	d := fresh()
	for _, step := range []struct {
		what  string
		at    string
		do    func()
		mails int // sent in all
		fails bool
	}{
		{"before the hour", "2026-03-02 07:29", nil, 0, false},
		{"the server is away", "2026-03-02 07:30", func() { sink.away = errors.New("away") }, 0, true},
		{"it is back", "2026-03-02 07:35", func() { sink.away = nil }, 1, false},
		{"a minute later", "2026-03-02 07:36", nil, 1, false},
		{"after a restart", "2026-03-02 08:00", func() { d = fresh() }, 1, false},
		{"who has nothing to do gets none", "2026-03-02 09:00", nil, 1, false},
		{"the clock is set back", "2026-03-01 23:00", nil, 1, false},
		{"the next day, with what is quiet", "2026-03-03 09:00", nil, 3, false},
		{"a holiday", "2026-03-04 09:00", nil, 3, false},
		{"a crash as the mail is handed over", "2026-03-05 07:30", func() { sink.crash = func() { panic("killed") } }, 3, true},
		{"after it", "2026-03-05 07:31", func() { sink.crash, d = nil, fresh() }, 3, false},
		{"nothing to do", "2026-03-06 09:30", func() { nothing = true }, 3, false},
		{"something to do later that day", "2026-03-06 10:00", func() { nothing = false }, 3, false},
		{"a weekend", "2026-03-07 10:00", nil, 3, false},
		{"monday", "2026-03-09 07:30", nil, 4, false},
	} {
		at, err := time.Parse("2006-01-02 15:04", step.at)
		if err != nil {
			t.Fatal(err)
		}
		clock = at
		if step.do != nil {
			step.do()
		}
		failed := func() (failed bool) {
			defer func() { failed = recover() != nil || failed }()
			return d.turn(t.Context()) != nil
		}()
		if failed != step.fails || len(sink.mails) != step.mails {
			t.Fatalf("%s: failed %v, %d mails in all; want %v and %d", step.what, failed, len(sink.mails), step.fails, step.mails)
		}
	}
	first := sink.mails[0]
	if first.To != "ada@ours.example" || strings.Contains(first.Text, "Dan") || !strings.Contains(first.Text, "call") {
		t.Errorf("the first mail: %+v", first)
	}
	if strings.Contains(first.Text, "\r") || strings.Contains(first.Text, "\nBcc") {
		t.Errorf("a name broke a line: %q", first.Text)
	}
	if !strings.Contains(sink.mails[1].Text, "Dan, last contact") {
		t.Errorf("the mail of the day for quiet relations: %s", sink.mails[1].Text)
	}
	if first.MessageID == sink.mails[1].MessageID || first.MessageID == "" {
		t.Errorf("Message-IDs %q and %q", first.MessageID, sink.mails[1].MessageID)
	}
}
