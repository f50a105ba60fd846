package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"rapport/internal/config"
	"rapport/records/message"
	"rapport/web"
)

// drawn returns what draw prints on a screen, on 2 March 2026 in Vienna.
func drawn(sc screen, draw func(*session)) string {
	var out bytes.Buffer
	draw(&session{
		ctx: context.Background(), out: &out, err: &out, screen: sc, env: func(string) string { return "" },
		now: func() time.Time { return time.Date(2026, 3, 2, 18, 0, 0, 0, time.UTC) },
		loc: time.FixedZone("CET", 3600),
	})
	return out.String()
}

func mailAt(at, direction, from, subject, snippet string) web.Entry {
	t, err := time.Parse("2006-01-02 15:04", at)
	if err != nil {
		panic(err)
	}
	e := web.Entry{
		ID: "01JE0000000000000000000001", Time: t, Kind: "message", Direction: message.Direction(direction), Subject: subject, Snippet: snippet,
		Message: &web.MessageRef{ID: "01JM0000000000000000000001", Thread: message.ThreadID(strings.TrimPrefix(subject, "Re: ")),
			From: []web.Party{{Name: from, Address: "x@press.example"}}, To: []web.Party{{Name: from}, {Name: "Other"}}},
		Matches: []web.Match{{Rule: "address", Certain: true}},
	}
	return e
}

// entries is a history with everything in it that needs care.
func entries() []web.Entry {
	quoted := mailAt("2026-03-02 13:05", "in", "Carl Weber", "Re: Quotation for the new press, with delivery in June and everything that belongs to it",
		"We accept. Please send the contract by Friday, and mind that the address of the works has changed since the last one.")
	quoted.Message.Attachments = []web.Attachment{{Name: "a.pdf"}, {Name: "b.pdf"}, {Name: "logo.png", Inline: true}}
	hostile := mailAt("2026-03-01 23:30", "in", "\x1b[31mEve\x1b[0m \u202egnp.exe", "Look\x07 \x1b]0;owned\x07here\nand here", "a\x9bc\x1b[2Jb \u009b31mc")
	hostile.Trust, hostile.Matches[0].Certain = "fail", false
	wide := mailAt("2026-02-28 08:00", "in", "田中ゆき", "新茶のサンプルについて、そして秋の注文と配達の予定について詳しくお知らせします", "お世話になっております。")
	bengali := mailAt("2026-02-28 07:00", "out", "নুসরাত জাহান", "শীতের চালান নিয়ে প্রশ্ন", "প্রিয় মিতালি")
	bengali.Protected = true
	away, list := mailAt("2026-02-27 10:00", "in", "Carl Weber", "Out of office", ""), mailAt("2026-02-27 09:00", "in", "Carl Weber", "Newsletter", "")
	away.Auto, list.Auto = true, true
	return []web.Entry{
		{ID: "01JE0000000000000000000002", Time: quoted.Time.Add(time.Hour), Kind: "call", By: "ada@example.com", Text: "Carl rang.\nWants the contract; " + strings.Repeat("soon ", 30)},
		quoted,
		mailAt("2026-03-02 08:00", "out", "Carl Weber", "Quotation for the new press, with delivery in June and everything that belongs to it", "Dear Carl, here is what you asked for."),
		{ID: "01JE0000000000000000000003", Time: hostile.Time, Kind: "outcome", Direction: message.In, Auto: true, Subject: "Carl, the spring letter", Text: "unsubscribed"},
		{ID: "01JE0000000000000000000004", Time: hostile.Time, Kind: "delivery", Direction: message.Out, Auto: true, Subject: "Carl, the spring letter"},
		hostile, wide, bengali, away, list,
		mailAt("2025-12-31 23:59", "internal", "Bob", "", ""),
	}
}

func TestTimeline(t *testing.T) {
	t.Parallel()
	for name, sc := range map[string]screen{
		"file":   {width: fileWidth},
		"narrow": {terminal: true, width: 60},
		"colour": {terminal: true, colour: true, width: 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := drawn(sc, func(s *session) { s.history(entries(), false) })
			golden(t, "testdata/timeline."+name+".golden", got)
			for line := range strings.SplitSeq(got, "\n") {
				if !sc.colour && width(line) > sc.width {
					t.Errorf("%d columns on a screen of %d: %q", width(line), sc.width, line)
				}
			}
		})
	}
}

// TestTableInFile leaves nothing out of what is read by programs, or kept.
func TestTableInFile(t *testing.T) {
	t.Parallel()
	address := strings.Repeat("a", 60) + "@" + strings.Repeat("b", 60) + ".example"
	draw := func(s *session) {
		table := newTable(column{title: "ADDRESS", least: 12}, column{title: "NAME", least: 10})
		table.add(address, "Ada")
		table.print(s)
	}
	if got := drawn(screen{width: fileWidth}, draw); !strings.Contains(got, address) {
		t.Errorf("the address is cut in a file:\n%s", got)
	}
	if got := drawn(screen{terminal: true, width: 80}, draw); strings.Contains(got, address) {
		t.Errorf("the address is not cut on a narrow terminal:\n%s", got)
	}
}

func TestSyncSummary(t *testing.T) {
	t.Parallel()
	st := web.Status{Seconds: 3.21, Mailboxes: []message.MailboxStatus{
		{Name: "ada", State: message.StateWatching, LastPass: time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC), Folders: []message.FolderStatus{
			{Name: "INBOX", Exists: 12345, Stored: 1200, Skipped: map[message.Reason]int{message.NoMatch: 11000, message.Internal: 145}, InSync: true},
			{Name: "Kunden/\x1b[31mÄÖÜ", Exists: 10, Stored: 4, Skipped: map[message.Reason]int{}},
		}},
		{Name: "bob", State: message.StateStopped, Error: "sign-in refused (check the password file)", Folders: nil},
	}, Totals: message.FolderStatus{Exists: 12355, Stored: 1204, Skipped: map[message.Reason]int{message.NoMatch: 11000, message.Internal: 145}}}
	got := drawn(screen{width: 80}, func(s *session) {
		for _, m := range st.Mailboxes {
			s.mailbox(m)
		}
		s.folders(st)
		s.summary(st)
	})
	golden(t, "testdata/sync.golden", got)
	if err := syncedOrNot(st); err == nil || err.(coded).code != exitPartly {
		t.Errorf("syncedOrNot = %v, want partly done", err)
	}
	st.Mailboxes[0].Folders[0].InSync = false
	if err := syncedOrNot(st); err.(coded).code != exitFailed {
		t.Errorf("syncedOrNot = %v, want failed", err)
	}
}

func TestTableGivesWayWhereItIsTooWide(t *testing.T) {
	t.Parallel()
	for _, n := range []int{40, 60, 120} {
		got := drawn(screen{terminal: true, width: n}, func(s *session) {
			tb := newTable(column{title: "NAME", least: 6}, column{title: "N", right: true}, column{title: "WHAT", least: 4})
			tb.add("Acme Maschinenbau und Söhne GmbH & Co. KG", "7", "a long text that can be cut \x1b[31mred")
			tb.add("新茶のサンプルについて", "1,234", "")
			tb.print(s)
		})
		for line := range strings.SplitSeq(got, "\n") {
			if width(line) > n || strings.ContainsRune(line, 0x1b) {
				t.Errorf("at %d columns: %q is %d wide", n, line, width(line))
			}
		}
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain":                                  "plain",
		"  two\r\n lines\tand  tab ":             "two lines and tab",
		"\x1b[31mred\x1b[0m":                     "red",
		"\x1b]8;;http://x\x1b\\link\x1b]8;;\x07": "link",
		"\u009b31mred":                           "red",
		"a\x00b\x07c\x7fd":                       "abcd",
		"\x1bcreset":                             "creset",
		"\x1b[":                                  "",
		"gpj\u202eexe.":                          "gpjexe.",
		"bad \xff\xfe utf":                       "bad \uFFFD utf",
		"Zürich नमस्ते 👩‍👩‍👧":               "Zürich नमस्ते 👩‍👩‍👧",
		"z" + strings.Repeat("\u0301", 500): "z" + strings.Repeat("\u0301", maxMarks),
	} {
		if got := plain(in); got != want {
			t.Errorf("plain(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCutAndWrap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		n    int
		want string
	}{
		{"short", 10, "short"}, {"exactly10!", 10, "exactly10!"}, {"longer than ten", 10, "longer th…"},
		{"新茶のサンプル", 7, "新茶の…"}, {"e\u0301e\u0301e\u0301", 2, "e\u0301…"}, {"x", 0, ""},
	} {
		if got := cut(tt.in, tt.n); got != tt.want || width(got) > tt.n {
			t.Errorf("cut(%q, %d) = %q, want %q", tt.in, tt.n, got, tt.want)
		}
	}
	if got := fmt.Sprint(wrap("a bb ccc 新茶のサンプル dddddddd", 6)); got != "[a bb ccc 新茶の サンプ ル dddddd dd]" && got != "[a bb ccc 新茶の サンプ ル ddddd ddd]" {
		t.Log(got)
		for _, line := range wrap("a bb ccc 新茶のサンプル dddddddd", 6) {
			if width(line) > 6 {
				t.Errorf("wrap gives %q", line)
			}
		}
	}
}

// FuzzPlain holds that nothing of what steers a terminal is left, whatever the
// mail says.
func FuzzPlain(f *testing.F) {
	for _, s := range []string{"\x1b[31mx", "\u009b2J", "\x1b]0;t\x07", "\x1b\x1b[[mm", "\xc2", "a\u202eb", "\x1bP\x1b\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, got := range []string{plain(s), plainLines(s)} {
			if !utf8.ValidString(got) {
				t.Fatalf("%q gives invalid UTF-8 %q", s, got)
			}
			for _, r := range got {
				if r != '\n' && (r < 0x20 || r >= 0x7f && r < 0xa0 || steers(r)) {
					t.Fatalf("%q gives %q with %U in it", s, got, r)
				}
			}
		}
		if n := width(cut(plain(s), 20)); n > 20 {
			t.Fatalf("cut gives %d columns", n)
		}
	})
}

func TestJSONDoesNotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	text := "a\x1b[31m\u009b2J\u202eb\x7f<ü>"
	got := drawn(screen{}, func(s *session) { s.object(map[string]string{"t": text}) })
	if want := `{"t":"a\u001b[31m\u009b2J\u202eb\u007f<ü>"}` + "\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	var back map[string]string
	if err := json.Unmarshal([]byte(got), &back); err != nil || back["t"] != text {
		t.Errorf("reads back as %q, %v", back["t"], err)
	}
}

func TestRawIsSafeOnATerminal(t *testing.T) {
	t.Parallel()
	raw := func(w io.Writer) error { _, err := io.WriteString(w, "Subject: \x1b[31mx\r\n\r\nend"); return err }
	if got := drawn(screen{terminal: true}, func(s *session) { s.raw(raw) }); got != "Subject: x\n\nend" {
		t.Errorf("a terminal gets %q", got)
	}
	if got := drawn(screen{}, func(s *session) { s.raw(raw) }); got != "Subject: \x1b[31mx\r\n\r\nend" {
		t.Errorf("a file gets %q", got)
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	over, cancel := context.WithCancel(context.Background())
	cancel()
	for _, tt := range []struct {
		ctx  context.Context
		err  error
		code int
		says string
	}{
		{context.Background(), nil, 0, ""},
		{context.Background(), errors.New("no \x1b[31mluck"), 1, "rapport: no luck\n"},
		{context.Background(), usage("what?"), 2, "rapport: what?\n"},
		{context.Background(), fmt.Errorf("load: %w", config.Faults{{File: "c.yaml", Line: 3, Col: 1, What: "wrong", Hint: "right"}}), 2, "c.yaml:3:1: wrong (right)\n"},
		{context.Background(), partly(), 3, ""},
		{over, fmt.Errorf("sync: %w", context.Canceled), 130, "rapport: interrupted\n"},
		{over, partly(), 3, ""},
	} {
		var errs bytes.Buffer
		s := &session{ctx: tt.ctx, err: &errs}
		if code := s.report(tt.err); code != tt.code || errs.String() != tt.says {
			t.Errorf("report(%v) = %d, saying %q; want %d, %q", tt.err, code, errs.String(), tt.code, tt.says)
		}
	}
}

// TestUpkeepAfterRestore wants backups that are there not to be denied: the
// restored store knows of none of its own.
func TestUpkeepAfterRestore(t *testing.T) {
	t.Parallel()
	for kept, want := range map[int]string{0: "no backup yet in /b\n", 2: "no backup yet of the store as it is; 2 older in /b\n"} {
		if got := drawn(screen{}, func(s *session) { s.upkeep(web.Upkeep{Backup: &web.BackupState{Dir: "/b", Kept: kept}}) }); got != want {
			t.Errorf("%d kept: %q, want %q", kept, got, want)
		}
	}
}
