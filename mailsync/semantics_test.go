package mailsync

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/message"
)

func TestM21_OtherNumbering(t *testing.T) {
	t.Parallel()
	try := counted(t)
	faulty(t, 20, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		try()
		o.Mailbox.Since = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC) // nothing is as new as that
		if err := syncer(t, o).Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p := sink.state(t, "INBOX"); p.Skipped[message.BeforeSince].Len() != 20 {
			t.Errorf("before since: %s", p.Skipped[message.BeforeSince])
		}
		f.UIDValidity = 9
		if err := syncer(t, o).Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p := sink.state(t, "INBOX"); p.Stored.Len() != 20 {
			t.Errorf("after re-numbering %s were shown to the sink, want all", p.Stored)
		}
	})
}

func TestM22_RenumberedMidway(t *testing.T) {
	t.Parallel()
	try := counted(t)
	faulty(t, 600, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		try()
		fetches := 0
		s.Hook = func(c *mailtest.ScriptConn, command string) bool {
			if strings.HasPrefix(command, "UID FETCH") {
				if fetches++; fetches == 2 {
					s.Lock()
					f.UIDValidity = 8
					s.Unlock()
					c.Send("* OK [UIDVALIDITY 8] changed\r\n")
				}
			}
			return false
		}
		if err := syncer(t, o).Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		oracle(t, sink, f)
		if p := sink.state(t, "INBOX"); p.Stored.Len() != 600 {
			t.Errorf("stored %s in the new numbering", p.Stored)
		}
	})
}

func TestM23_ReusedUIDs(t *testing.T) {
	t.Parallel()
	try := counted(t)
	faulty(t, 30, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		try()
		y := syncer(t, o)
		if err := y.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i := range f.Messages {
			f.Messages[i].Raw = mail(1000+i, "eve@other.example", "ada@example.org", "another", fmt.Sprint("other body ", i))
		}
		f.Messages = append(f.Messages, letter(31)) // something has changed
		if err := y.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		oracle(t, sink, f)
	})
}

// TestM23_ReusedAcrossSince: the numbers of mail too old to be read go to newer
// mail and the other way round; the first must be read, the other not.
func TestM23_ReusedAcrossSince(t *testing.T) {
	t.Parallel()
	faulty(t, 40, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		o.Mailbox.Since = time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC)
		for i := range 20 {
			f.Messages[i].Received = time.Date(2020, 1, 1, 0, i, 0, 0, time.UTC)
		}
		y := syncer(t, o)
		for range 2 {
			if err := y.Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			oracle(t, sink, f)
			p := sink.state(t, "INBOX")
			for _, m := range f.Messages {
				if recent := m.Received.After(o.Mailbox.Since); recent != p.Stored.Has(m.UID) || recent == p.Skipped[message.BeforeSince].Has(m.UID) {
					t.Errorf("UID %d received %s: in the states %q", m.UID, m.Received.Format(time.DateOnly), statesOf(&p, m.UID))
				}
			}
			slices.Reverse(f.Messages) // the mail stays, the numbers are others
			for i := range f.Messages {
				f.Messages[i].UID = uint32(i + 1)
			}
			f.Messages = append(f.Messages, letter(41)) // something has changed
		}
		t.Attr("tries", strconv.Itoa(len(f.Messages)))
	})
}

func TestM24_NoNumbers(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for name, spoil := range map[string]func(f *mailtest.ScriptFolder, pass int){
		"no UIDVALIDITY": func(f *mailtest.ScriptFolder, _ int) { f.UIDValidity = 0 },
		"no UIDNEXT":     func(f *mailtest.ScriptFolder, _ int) { f.UIDNext = math.MaxUint32 },
		"neither":        func(f *mailtest.ScriptFolder, _ int) { f.UIDValidity, f.UIDNext = 0, math.MaxUint32 },
		"low UIDNEXT":    func(f *mailtest.ScriptFolder, _ int) { f.UIDNext = 2 },
		"backwards":      func(f *mailtest.ScriptFolder, pass int) { f.UIDNext = uint32(300 - 50*pass) },
	} {
		for _, messages := range []int{0, 20} {
			t.Run(fmt.Sprint(name, messages), func(t *testing.T) {
				t.Parallel()
				faulty(t, messages, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
					for n := range 4 {
						try()
						spoil(f, n)
						if err := syncer(t, o).Sync(t.Context()); err != nil {
							t.Fatal(err)
						}
						oracle(t, sink, f)
						if p := sink.state(t, "INBOX"); p.Mark == (message.Mark{}) {
							t.Error("the folder is not known to be complete")
						}
						if messages > 0 {
							f.Messages = append(f.Messages[:n], f.Messages[n+1:]...)
						}
						f.Messages = append(f.Messages, letter(uint32(21+n)), letter(uint32(100+n)))
					}
				})
			})
		}
	}
}

func TestM26_FewerResponsesThanAsked(t *testing.T) {
	t.Parallel()
	try := counted(t)
	faulty(t, 300, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		try()
		seen := map[string]bool{}
		s.Fetch = func(c *mailtest.ScriptConn, f *mailtest.ScriptFolder, m mailtest.ScriptMessage, items, usual string) string {
			key := fmt.Sprint(m.UID, strings.Contains(items, "HEADER"))
			first := !seen[key]
			seen[key] = true
			switch {
			case m.UID == 13, m.UID == 14 && !strings.Contains(items, "HEADER"): // never
				return ""
			case m.UID%7 == 0 && first: // at first not
				return ""
			}
			return usual
		}
		if err := syncer(t, o).Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		oracle(t, sink, f)
		if p := sink.state(t, "INBOX"); !p.Quarantined.Equal(message.UIDs(13, 14)) {
			t.Errorf("quarantined %s, want 13:14; reasons %v", p.Quarantined, sink.reasons)
		}
	})
}

func TestM27_OddResponses(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for name, odd := range map[string]func(m mailtest.ScriptMessage, items, usual string) string{
		"twice": func(_ mailtest.ScriptMessage, _, usual string) string { return usual + usual },
		"unasked": func(m mailtest.ScriptMessage, items, usual string) string {
			return letter(m.UID+500).Response(9, items) + usual
		},
		"flags only": func(m mailtest.ScriptMessage, _, usual string) string {
			return "* 1 FETCH (FLAGS (\\Seen))\r\n" + usual
		},
		"UID last": func(m mailtest.ScriptMessage, items, usual string) string {
			uid := fmt.Sprintf("UID %d", m.UID)
			return strings.TrimSuffix(strings.Replace(usual, uid+" ", "", 1), ")\r\n") + " " + uid + ")\r\n"
		},
		"unknown items": func(m mailtest.ScriptMessage, _, usual string) string {
			return strings.Replace(usual, "(UID", "(X-ODD (a (b \"c)\") {3}\r\n))) d) MODSEQ (5) X-ATOM NIL UID", 1)
		},
		"in parts": func(m mailtest.ScriptMessage, _, usual string) string {
			return fmt.Sprintf("* 1 FETCH (UID %d RFC822.SIZE 77)\r\n", m.UID) + usual
		},
		"bad date": func(_ mailtest.ScriptMessage, _, usual string) string {
			return strings.Replace(usual, "INTERNALDATE \"", "INTERNALDATE \"never ", 1)
		},
		"huge size": func(_ mailtest.ScriptMessage, _, usual string) string {
			return strings.Replace(usual, "RFC822.SIZE ", "RFC822.SIZE 99999999999999999999", 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faulty(t, 30, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
				try()
				s.Fetch = func(_ *mailtest.ScriptConn, _ *mailtest.ScriptFolder, m mailtest.ScriptMessage, items, usual string) string {
					return odd(m, items, usual)
				}
				if err := syncer(t, o).Sync(t.Context()); err != nil {
					t.Fatal(err)
				}
				oracle(t, sink, f)
				if p := sink.state(t, "INBOX"); p.Stored.Len() != 30 {
					t.Errorf("stored %s, quarantined %v", p.Stored, sink.reasons)
				}
			})
		})
	}
}

func TestM29_EmptyBodies(t *testing.T) {
	t.Parallel()
	try := counted(t)
	faulty(t, 6, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		try()
		s.Fetch = func(_ *mailtest.ScriptConn, _ *mailtest.ScriptFolder, m mailtest.ScriptMessage, items, usual string) string {
			if strings.Contains(items, "HEADER") {
				return usual
			}
			switch m.UID {
			case 1:
				return "* 1 FETCH (UID 1 BODY[] NIL)\r\n"
			case 2:
				return "* 2 FETCH (UID 2 BODY[] {0}\r\n)\r\n"
			case 3:
				return "* 3 FETCH (UID 3 BODY[] \"\")\r\n"
			}
			return usual
		}
		if err := syncer(t, o).Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p := sink.state(t, "INBOX"); p.Stored.Len() != 6 {
			t.Errorf("stored %s, want all, the empty ones as empty", p.Stored)
		}
	})
}

func TestM30_LiteralLengths(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for name, wrong := range map[string]func(m mailtest.ScriptMessage) string{
		"longer":  func(m mailtest.ScriptMessage) string { return fmt.Sprintf("BODY[] {%d}", len(m.Raw)-9) },
		"shorter": func(m mailtest.ScriptMessage) string { return fmt.Sprintf("BODY[] {%d}", len(m.Raw)+9) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faulty(t, 40, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
				try()
				f.Messages[3].Size, f.Messages[4].Size = 7, 1<<33 // RFC822.SIZE alone may lie
				s.Fetch = func(_ *mailtest.ScriptConn, _ *mailtest.ScriptFolder, m mailtest.ScriptMessage, items, usual string) string {
					if m.UID == 20 {
						return strings.Replace(usual, fmt.Sprintf("BODY[] {%d}", len(m.Raw)), wrong(m), 1)
					}
					return usual
				}
				if err := syncer(t, o).Sync(t.Context()); err != nil {
					t.Fatal(err)
				}
				oracle(t, sink, f)
				if p := sink.state(t, "INBOX"); !p.Quarantined.Equal(message.UIDs(20)) {
					t.Errorf("quarantined %s, want 20; %v", p.Quarantined, sink.reasons)
				}
			})
		})
	}
}

// raced is set under the race detector, where memory says nothing.
var raced bool

func TestM31_HostileServer(t *testing.T) {
	try := counted(t)
	for name, attack := range map[string]func(c *mailtest.ScriptConn){
		"huge literal":  func(c *mailtest.ScriptConn) { c.Send("* 1 FETCH (UID 5 BODY[HEADER] {9223372036854775807}\r\n") },
		"huger literal": func(c *mailtest.ScriptConn) { c.Send("* 1 FETCH (UID 5 BODY[HEADER] {99999999999999999999999}\r\n") },
		"huge atom": func(c *mailtest.ScriptConn) {
			c.Send("* ")
			for c.Send(strings.Repeat("A", 1<<16)) == nil {
			}
		},
		"parentheses": func(c *mailtest.ScriptConn) {
			c.Send("* 1 FETCH (UID 5 FLAGS " + strings.Repeat("(", 20_000) + "\r\n" + c.Tag + " OK done\r\n")
		},
		"flags": func(c *mailtest.ScriptConn) {
			c.Send("* FLAGS (")
			for c.Send(strings.Repeat("flag ", 10_000)) == nil {
			}
		},
		"untagged": func(c *mailtest.ScriptConn) {
			for range 1000 {
				c.Send(strings.Repeat("* 1 FETCH (FLAGS ())\r\n", 1000))
			}
			c.OK()
		},
	} {
		t.Run(name, func(t *testing.T) {
			faulty(t, 5, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
				try()
				s.Hook = func(c *mailtest.ScriptConn, command string) bool {
					if strings.HasPrefix(command, "UID FETCH") && strings.Contains(command, "5") {
						attack(c)
						return true
					}
					return false
				}
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				start := time.Now()
				_ = syncer(t, o).Sync(t.Context())
				runtime.ReadMemStats(&after)
				if grew := int64(after.HeapSys) - int64(before.HeapSys); grew > 64<<20 && !raced {
					t.Errorf("the heap grew by %d MB", grew>>20)
				}
				if took := time.Since(start); took > 10*time.Minute {
					t.Errorf("took %s", took)
				}
			})
		})
	}
}

func TestM32_FolderNames(t *testing.T) {
	t.Parallel()
	try := counted(t)
	synctest.Test(t, func(t *testing.T) {
		try()
		names := map[string]string{ // quoted in LIST: readable
			`"R&D"`: `"R&D"`, `"Bad &AAA name"`: `"Bad &AAA name"`, "\"Gr\xfc\xdfe\"": `"Gr\xfc\xdfe"`, `"Gr&APwA3w-e"`: "Grüße", `"日本"`: "日本",
			`"../../etc/passwd"`: "../../etc/passwd", `"INBOX/INBOX"`: "INBOX/INBOX", `"A\"B\\C"`: `A"B\C`, `"` + strings.Repeat("x", 10<<10) + `"`: strings.Repeat("x", 10<<10),
			`"Tab	name"`: `"Tab\tname"`, "{5}\r\na b c": "a b c", `plain`: "plain", `"R&-D"`: "R&D",
		}
		s := &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{inbox(3)}}
		for quoted := range names {
			raw := strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(strings.Trim(quoted, `"`))
			if strings.HasPrefix(quoted, "{") {
				raw = "a b c"
			}
			if quoted == `"A\"B\\C"` {
				raw = `A"B\C`
			}
			f := inbox(2)
			f.Name, f.Quoted = raw, quoted
			s.Folders = append(s.Folders, f)
		}
		s.Folders = append(s.Folders, &mailtest.ScriptFolder{Name: "", Quoted: `""`})
		refused := inbox(1)
		refused.Name = "Refused"
		s.Folders = append(s.Folders, refused)
		s.Hook = func(c *mailtest.ScriptConn, command string) bool {
			if strings.Contains(command, `EXAMINE "Refused"`) {
				c.No("[NOPERM] not for you")
				return true
			}
			return false
		}
		sink, _, o := scripted(t, s)
		err := syncer(t, o).Sync(t.Context())
		if err == nil || !strings.Contains(err.Error(), "Refused") || strings.Contains(err.Error(), "INBOX") {
			t.Errorf("Sync returned %v, want an error that names only the refused folder", err)
		}
		for quoted, name := range names {
			if p := sink.state(t, name); p.Stored.Len() != 2 {
				t.Errorf("folder %.40s: stored %s", quoted, p.Stored)
			}
		}
	})
}

func TestM36_MessageIDs(t *testing.T) {
	t.Parallel()
	try := counted(t)
	faulty(t, 4, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		try()
		f.Messages[0].Raw = []byte("Subject: none\r\n\r\nx")
		f.Messages[1].Raw = []byte("Message-ID: <" + strings.Repeat("a", 10<<10) + "@x>\r\nMessage-ID: <b@x>\r\n\r\nx")
		f.Messages[2].Raw = []byte("Message-ID: <b@x>\r\n\r\nother")
		f.Messages[3].Raw = []byte("\r\n\r\nno header at all")
		if err := syncer(t, o).Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		oracle(t, sink, f)
		if p := sink.state(t, "INBOX"); p.Stored.Len() != 4 {
			t.Errorf("stored %s; %v", p.Stored, sink.reasons)
		}
	})
}

func TestM40_Idle(t *testing.T) {
	t.Parallel()
	try := counted(t)
	watch := func(t *testing.T, hook func(s *mailtest.ScriptIMAP, c *mailtest.ScriptConn, command string) bool, act func(s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder), within time.Duration) {
		faulty(t, 3, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
			try()
			s.Hook = func(c *mailtest.ScriptConn, command string) bool { return hook(s, c, command) }
			sink.took = make(chan string, 100)
			o.Mailbox.Connections = 1
			y := syncer(t, o)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- y.Run(ctx) }()
			for range 3 {
				<-sink.took
			}
			synctest.Wait()
			start := time.Now()
			act(s, f)
			select {
			case <-sink.took:
			case <-time.After(time.Hour):
				t.Errorf("not found within an hour: %+v", y.Status())
			}
			if took := time.Since(start); took > within {
				t.Errorf("found after %s, want within %s", took, within)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			cancel()
			<-done
			oracle(t, sink, f)
		})
	}
	honest := func(*mailtest.ScriptIMAP, *mailtest.ScriptConn, string) bool { return false }
	t.Run("at once", func(t *testing.T) {
		t.Parallel()
		watch(t, honest, func(s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder) { s.Add(f, letter(9)) }, time.Millisecond)
	})
	t.Run("dead", func(t *testing.T) {
		t.Parallel()
		watch(t, honest, func(s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder) {
			s.Lock()
			f.Messages = append(f.Messages, letter(9)) // and nobody is told
			s.Unlock()
		}, 15*time.Minute+time.Second)
	})
	t.Run("DONE unanswered", func(t *testing.T) {
		t.Parallel()
		watch(t, func(_ *mailtest.ScriptIMAP, c *mailtest.ScriptConn, command string) bool {
			return command == "DONE" && c.N == 1
		},
			func(s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder) { s.Add(f, letter(9)) }, 2*time.Minute)
	})
	t.Run("no IDLE", func(t *testing.T) {
		t.Parallel()
		watch(t, func(_ *mailtest.ScriptIMAP, c *mailtest.ScriptConn, command string) bool {
			if command == "IDLE" {
				c.Send(c.Tag + " BAD what?\r\n")
				return true
			}
			return false
		}, func(s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder) { s.Add(f, letter(9)) }, 2*time.Minute)
	})
	t.Run("storm", func(t *testing.T) {
		t.Parallel()
		watch(t, honest, func(s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder) {
			for i := range 50 {
				s.Add(f, letter(uint32(10+i)))
			}
		}, time.Second)
	})
}
