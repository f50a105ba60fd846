package mailsync

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/message"
)

// poison is what a server says of one message so that it cannot be had.
type poison func(c *mailtest.ScriptConn, m mailtest.ScriptMessage, usual string) string

// unreadable answers cost nothing but the message: the connection goes on.
var unreadable = map[string]poison{
	"left out": func(*mailtest.ScriptConn, mailtest.ScriptMessage, string) string { return "" },
	"no parenthesis": func(_ *mailtest.ScriptConn, m mailtest.ScriptMessage, _ string) string {
		return fmt.Sprintf("* %d FETCH UID %d\r\n", m.UID, m.UID)
	},
	"open parenthesis": func(_ *mailtest.ScriptConn, m mailtest.ScriptMessage, _ string) string {
		return fmt.Sprintf("* %d FETCH (UID %d\r\n", m.UID, m.UID)
	},
	"flags that do not end": func(_ *mailtest.ScriptConn, _ mailtest.ScriptMessage, usual string) string {
		return strings.Replace(usual, "(UID", "(FLAGS (\\Seen (((( UID", 1)
	},
	"endless flags": func(_ *mailtest.ScriptConn, _ mailtest.ScriptMessage, usual string) string {
		return strings.Replace(usual, "(UID", "(FLAGS ("+strings.Repeat("flag ", 2000)+") UID", 1)
	},
	"broken envelope": func(_ *mailtest.ScriptConn, _ mailtest.ScriptMessage, usual string) string {
		return strings.Replace(usual, "(UID", "(ENVELOPE (NIL \"subject\" ((\"a\" NIL {3}\r\nbob \"x\") UID", 1)
	},
	"broken structure": func(_ *mailtest.ScriptConn, _ mailtest.ScriptMessage, usual string) string {
		return strings.Replace(usual, "(UID", "(BODYSTRUCTURE "+strings.Repeat("(", 3000)+" UID", 1)
	},
	"no name": func(_ *mailtest.ScriptConn, _ mailtest.ScriptMessage, usual string) string {
		return strings.Replace(usual, "(UID", "({4}\r\nname UID", 1)
	},
	"UID 0": func(_ *mailtest.ScriptConn, m mailtest.ScriptMessage, usual string) string {
		return strings.Replace(usual, fmt.Sprintf("UID %d ", m.UID), "UID 0 ", 1)
	},
	"another's UID": func(_ *mailtest.ScriptConn, m mailtest.ScriptMessage, usual string) string {
		return strings.Replace(usual, fmt.Sprintf("UID %d ", m.UID), "UID 4000000 ", 1)
	},
}

// deadly answers end the connection, one way or another.
var deadly = map[string]poison{
	"closed": func(c *mailtest.ScriptConn, _ mailtest.ScriptMessage, _ string) string { c.Close(); return "" },
	"closed midway": func(c *mailtest.ScriptConn, _ mailtest.ScriptMessage, usual string) string {
		c.Send(usual[:len(usual)/2])
		c.Close()
		return ""
	},
	"BYE": func(c *mailtest.ScriptConn, _ mailtest.ScriptMessage, _ string) string {
		c.Send("* BYE internal trouble\r\n")
		c.Close()
		return ""
	},
	"literal too long":  func(_ *mailtest.ScriptConn, m mailtest.ScriptMessage, usual string) string { return lied(usual, 9) },
	"literal too short": func(_ *mailtest.ScriptConn, m mailtest.ScriptMessage, usual string) string { return lied(usual, -9) },
	"huge literal":      func(_ *mailtest.ScriptConn, m mailtest.ScriptMessage, usual string) string { return lied(usual, 1<<40) },
	"no response":       func(*mailtest.ScriptConn, mailtest.ScriptMessage, string) string { return "this is no IMAP at all\r\n" },
	"silence": func(c *mailtest.ScriptConn, _ mailtest.ScriptMessage, _ string) string {
		time.Sleep(2 * silence)
		c.Close()
		return ""
	},
}

// lied changes the length of the last literal announced.
func lied(usual string, by int64) string {
	at := strings.LastIndex(usual[:strings.Index(usual, "}\r\n")], "{")
	var n int64
	fmt.Sscanf(usual[at:], "{%d}", &n)
	return strings.Replace(usual, fmt.Sprintf("{%d}", n), fmt.Sprintf("{%d}", n+by), 1)
}

// poisoned reads a folder in which messages are poisoned, when their header is
// asked for or their body, and wants exactly those quarantined.
func poisoned(t *testing.T, messages int, bad []uint32, stage string, spoil poison, connections int) {
	t.Helper()
	faulty(t, messages, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		s.Fetch = func(c *mailtest.ScriptConn, _ *mailtest.ScriptFolder, m mailtest.ScriptMessage, items, usual string) string {
			for _, uid := range bad {
				if uid == m.UID && strings.Contains(items, stage) {
					return spoil(c, m, usual)
				}
			}
			return usual
		}
		err := syncer(t, o).Sync(t.Context())
		oracle(t, sink, f)
		p := sink.state(t, "INBOX")
		if want := message.UIDs(bad...); err != nil || !p.Quarantined.Equal(want) || p.Stored.Len() != messages-len(bad) {
			t.Errorf("%s of %v: %v; stored %d, quarantined %s, want %s alone", stage, bad, err, p.Stored.Len(), p.Quarantined, want)
		}
		if n := s.Opened(); n > connections {
			t.Errorf("%s of %v: %d connections, want %d at most", stage, bad, n, connections)
		}
	})
}

// TestM27_PoisonAtEachPosition poisons one message at each position of a batch,
// in each way, in its header and in its body.
func TestM27_PoisonAtEachPosition(t *testing.T) {
	t.Parallel()
	try := counted(t)
	const messages = headChunk + 30 // more than one batch
	for _, stage := range []string{"HEADER", "[]"} {
		for name, spoil := range unreadable {
			t.Run(stage+" "+name, func(t *testing.T) {
				t.Parallel()
				for uid := uint32(1); uid <= messages; uid += 5 * poisonStep {
					try()
					poisoned(t, messages, []uint32{uid}, stage, spoil, 1)
				}
			})
		}
		for name, spoil := range deadly {
			t.Run(stage+" deadly: "+name, func(t *testing.T) {
				t.Parallel()
				for uid := uint32(1); uid <= messages; uid += 5 * poisonStep {
					try()
					poisoned(t, messages, []uint32{uid}, stage, spoil, 26)
				}
			})
		}
	}
}

// TestM27_SeveralPoisons poisons several messages of a batch, next to each
// other and apart.
func TestM27_SeveralPoisons(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for _, bad := range [][]uint32{{1, 2}, {279, 280}, {1, 140, 280}, {30, 31, 32, 33}, {10, 60, 110, 160, 210}} {
		for _, stage := range []string{"HEADER", "[]", "UID"} {
			for _, kind := range []map[string]poison{unreadable, deadly} {
				for name, spoil := range kind {
					if poisonStep > 1 && name != "left out" && name != "closed" && name != "literal too long" {
						continue
					}
					t.Run(fmt.Sprint(bad, stage, name), func(t *testing.T) {
						t.Parallel()
						try()
						poisoned(t, 280, bad, stage, spoil, 20*len(bad)+5)
					})
				}
			}
		}
	}
}
