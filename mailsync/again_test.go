package mailsync

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"rapport/internal/mailtest"
	"rapport/records/message"
)

// TestM29_QuarantinedAreAskedForAgain has messages that cannot be had, in each
// way, when their header is asked for or their body: reconciling asks for them
// again, which harms nothing while they cannot be had, and has them when they
// can.
func TestM29_QuarantinedAreAskedForAgain(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for _, stage := range []string{"HEADER", "[]"} {
		for _, all := range []map[string]poison{unreadable, deadly} {
			for name, spoil := range all {
				t.Run(stage+" "+name, func(t *testing.T) {
					t.Parallel()
					try()
					comesLater(t, stage, spoil)
				})
			}
		}
	}
}

func comesLater(t *testing.T, stage string, spoil poison) {
	bad := message.UIDs(3, 17, 40)
	faulty(t, 40, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		var healed atomic.Bool
		s.Fetch = func(c *mailtest.ScriptConn, _ *mailtest.ScriptFolder, m mailtest.ScriptMessage, items, usual string) string {
			if !healed.Load() && bad.Has(m.UID) && strings.Contains(items, stage) {
				return spoil(c, m, usual)
			}
			return usual
		}
		y := syncer(t, o)
		if err := y.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := s.Opened()
		st, missing, err := y.Reconcile(t.Context())
		if err != nil || len(missing) > 0 || len(st) != 1 || st[0].Quarantined != 3 || !st[0].InSync {
			t.Errorf("Reconcile while they cannot be had = %+v, %v, %v; want three quarantined and in sync", st, missing, err)
		}
		if n := s.Opened() - before; n > 2+bad.Len() {
			t.Errorf("%d connections for asking again for %d messages", n, bad.Len())
		}
		if y.troubled("INBOX") {
			t.Error("asking again is a trouble of the folder")
		}
		oracle(t, sink, f)
		healed.Store(true)
		st, missing, err = y.Reconcile(t.Context())
		if err != nil || len(missing) > 0 || len(st) != 1 || st[0].Stored != 40 || st[0].Quarantined != 0 || !st[0].InSync {
			t.Errorf("Reconcile when they can be had = %+v, %v, %v; want all stored", st, missing, err)
		}
		allStored(t, sink, f)
	})
}

// TestM29_AskingAgainIsBounded has a folder of nothing but quarantined mail: a
// round asks for so many and no more, or ends so many connections and no more,
// and the rounds have them all in the end.
func TestM29_AskingAgainIsBounded(t *testing.T) {
	t.Parallel()
	try := counted(t)
	const messages = againAtOnce + 50
	for name, kills := range map[string]bool{"left out": false, "closed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faulty(t, messages, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
				try()
				quarantineAll(sink, f)
				var mu sync.Mutex // guards the rest
				asked, healed := map[uint32]bool{}, false
				s.Fetch = func(c *mailtest.ScriptConn, _ *mailtest.ScriptFolder, m mailtest.ScriptMessage, items, usual string) string {
					mu.Lock()
					defer mu.Unlock()
					asked[m.UID] = true
					if healed || !kills {
						return map[bool]string{true: usual}[healed]
					}
					c.Close()
					return ""
				}
				y := syncer(t, o)
				reconciled(t, y, messages)
				want := map[bool]int{false: againAtOnce, true: againDeaths}[kills]
				mu.Lock()
				if len(asked) != want {
					t.Errorf("%d messages were asked for in one round, want %d", len(asked), want)
				}
				if n := s.Opened(); n > 2+againDeaths {
					t.Errorf("%d connections in one round", n)
				}
				healed = true
				mu.Unlock()
				reconciled(t, y, messages-againAtOnce)
				reconciled(t, y, 0)
				allStored(t, sink, f)
			})
		})
	}
}

func quarantineAll(sink *memSink, f *mailtest.ScriptFolder) {
	sink.mu.Lock()
	defer sink.mu.Unlock()
	k := folderKey{"ada", f.Name, f.UIDValidity}
	p := sink.of(k)
	p.Scanned = true
	for _, m := range f.Messages {
		p.Quarantined = p.Quarantined.Union(message.UIDs(m.UID))
		sink.reasons[k][m.UID] = "for this test"
	}
}

// reconciled asks again and wants so many left in quarantine, and in sync.
func reconciled(t *testing.T, y *Syncer, left int) {
	t.Helper()
	st, missing, err := y.Reconcile(t.Context())
	if err != nil || len(missing) > 0 || len(st) != 1 || st[0].Quarantined != left || !st[0].InSync {
		t.Errorf("Reconcile = %+v, %v, %v; want %d quarantined and in sync", st, missing, err, left)
	}
}
