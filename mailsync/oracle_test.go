package mailsync

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/message"
)

// oracle judges the invariants of the fault matrix after a row, for every
// folder the server has:
//
//	I1 every UID is in exactly one state: stored with its own bytes, skipped
//	   with a reason, or quarantined with a reason;
//	I2 nothing was settled twice, and nothing marked complete that was not.
//
// I6, that nothing is left behind, is judged when the row ends: the bubble
// fails where a goroutine is left, and scripted where a connection or a file is.
func oracle(t *testing.T, sink *memSink, folders ...*mailtest.ScriptFolder) {
	t.Helper()
	sink.mu.Lock()
	defer sink.mu.Unlock()
	for _, fault := range sink.broken {
		t.Error(fault)
	}
	for _, f := range folders {
		k := folderKey{"ada", f.Name, f.UIDValidity}
		p := sink.progress[k]
		if p == nil {
			t.Errorf("folder %s in numbering %d was never asked for", f.Name, f.UIDValidity)
			continue
		}
		for _, m := range f.Messages {
			states := statesOf(p, m.UID)
			if len(states) != 1 {
				t.Errorf("%s: UID %d is in the states %q, want one", f.Name, m.UID, states)
				continue
			}
			switch sum, ok := sink.bodies[k][m.UID]; {
			case states[0] == "stored" && ok && sum != sha256.Sum256(m.Raw):
				t.Errorf("%s: UID %d is stored with bytes not its own: %q", f.Name, m.UID, sink.texts[k][m.UID])
			case states[0] == "quarantined" && sink.reasons[k][m.UID] == "", states[0] == "skipped: ":
				t.Errorf("%s: UID %d is %s without a reason", f.Name, m.UID, states[0])
			}
		}
	}
}

// statesOf names every state a UID is in.
func statesOf(p *message.Progress, uid uint32) (states []string) {
	if p.Stored.Has(uid) {
		states = append(states, "stored")
	}
	if p.Quarantined.Has(uid) {
		states = append(states, "quarantined")
	}
	for reason, set := range p.Skipped {
		if set.Has(uid) {
			states = append(states, "skipped: "+string(reason))
		}
	}
	return states
}

// allStored wants nothing quarantined or skipped: the fault cost time only.
func allStored(t *testing.T, sink *memSink, f *mailtest.ScriptFolder) {
	t.Helper()
	oracle(t, sink, f)
	if p := sink.state(t, f.Name); p.Stored.Len() < len(f.Messages) || !p.Quarantined.Empty() {
		t.Errorf("%s: %d of %d are stored, quarantined %v", f.Name, p.Stored.Len(), len(f.Messages), sink.reasons)
	}
}

// counted counts the cases of a row and tells their number when all are done.
func counted(t *testing.T) (try func()) {
	t.Helper()
	var n atomic.Int64
	t.Cleanup(func() { t.Attr("tries", strconv.FormatInt(n.Load(), 10)) })
	return func() { n.Add(1) }
}

// line counts the connections of a mailbox.
type line struct {
	mu         sync.Mutex // guards the rest
	open, most int
}

// lineConn is one connection of a line.
type lineConn struct {
	net.Conn
	closed func()
}

func (c lineConn) Close() error {
	c.closed()
	return c.Conn.Close()
}

func (l *line) dial(ctx context.Context, dial func(context.Context) (net.Conn, error)) (net.Conn, error) {
	conn, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	l.count(1)
	return lineConn{conn, sync.OnceFunc(func() { l.count(-1) })}, nil
}

func (l *line) count(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open += n
	l.most = max(l.most, l.open)
}

// quiet wants no connection left open, and never more of them than allowed.
func (l *line) quiet(t *testing.T, allowed int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open != 0 || l.most > allowed {
		t.Errorf("%d connections are left open, and there were %d at once; want none and %d at most", l.open, l.most, allowed)
	}
}

// scripted serves a scripted server in memory and returns what a syncer for
// it needs. It is to be called inside a bubble.
func scripted(t *testing.T, s *mailtest.ScriptIMAP) (*memSink, *transcript, Options) {
	t.Helper()
	l := mailtest.NewPipeListener()
	go s.Serve(l)
	sink, sent, wire := newSink(), &transcript{}, &line{}
	sink.spool = t.TempDir()
	t.Cleanup(func() {
		synctest.Wait()
		wire.quiet(t, 3)
		s.Close()
		sent.harmless(t)
		if left, err := os.ReadDir(sink.spool); err != nil || len(left) > 0 {
			t.Errorf("%d files of bodies are left (%v)", len(left), err)
		}
	})
	return sink, sent, Options{
		Mailbox: Mailbox{Name: "ada", Host: "127.0.0.1:143", TLS: TLSNone, User: "ada@example.org", Password: password("geheim")},
		Sink:    sink, SpoolDir: sink.spool, Transcript: sent.add,
		Dial: func(ctx context.Context, _ string) (net.Conn, error) { return wire.dial(ctx, l.Dial) },
	}
}

// inbox returns a folder of n messages.
func inbox(n int) *mailtest.ScriptFolder {
	f := &mailtest.ScriptFolder{Name: "INBOX", UIDValidity: 7}
	for i := 1; i <= n; i++ {
		f.Messages = append(f.Messages, letter(uint32(i)))
	}
	return f
}

func letter(uid uint32) mailtest.ScriptMessage {
	raw := mail(int(uid), "bob@customer.example", "ada@example.org", fmt.Sprintf("mail %d", uid), fmt.Sprintf("body of %d", uid))
	return mailtest.ScriptMessage{UID: uid, Raw: raw, Received: time.Date(2026, 1, 1, 0, 0, int(uid), 0, time.UTC)}
}

// faulty runs a test in a bubble against a scripted server with one folder.
func faulty(t *testing.T, messages int, run func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := inbox(messages)
		s := &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{f}}
		sink, _, o := scripted(t, s)
		run(t, s, f, sink, o)
	})
}

// running is a syncer at work in a bubble.
type running struct {
	*Syncer
	stop func()
}

// runs starts a syncer; stop ends it and waits.
func runs(t *testing.T, o Options) running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	y := syncer(t, o)
	go func() { done <- y.Run(ctx) }()
	return running{y, func() { cancel(); <-done }}
}
