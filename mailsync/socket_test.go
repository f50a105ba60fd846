package mailsync

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"rapport/internal/link"
	"rapport/internal/mailtest"
)

// onSocket serves a scripted server on a socket and returns what a syncer for
// it needs. The first so many connections go over a line with those toxics.
func onSocket(t *testing.T, s *mailtest.ScriptIMAP, over int, toxics ...link.Toxic) (*memSink, Options) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { defer close(served); s.Serve(l) }()
	bad, err := link.New(l.Addr().String(), toxics...)
	if err != nil {
		t.Fatal(err)
	}
	sink, wire := newSink(), &line{}
	sink.spool = t.TempDir()
	t.Cleanup(func() {
		wire.quiet(t, 3)
		bad.Close()
		s.Close()
		<-served
	})
	return sink, Options{
		Mailbox: Mailbox{Name: "ada", Host: l.Addr().String(), TLS: TLSNone, User: "ada@example.org", Password: password("geheim")},
		Sink:    sink, SpoolDir: sink.spool,
		Dial: func(ctx context.Context, address string) (net.Conn, error) {
			if over--; over >= 0 {
				address = bad.Addr
			}
			return wire.dial(ctx, func(ctx context.Context) (net.Conn, error) { return dialTCP(ctx, address) })
		},
	}
}

// TestM3_CutOnARealLine cuts real connections after random amounts.
func TestM3_CutOnARealLine(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for n := range 4 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			for range cutOnLine / 4 {
				try()
				k := 1 + rand.Int64N(cutEvery+10<<10)
				f := inbox(12)
				transcriptOf(f)
				sink, o := onSocket(t, &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{f}}, 1, link.CutAfter(k))
				if err := syncer(t, o).Sync(t.Context()); err != nil {
					t.Fatalf("cut after %d bytes: %v", k, err)
				}
				allStored(t, sink, f)
				if t.Failed() {
					t.Fatalf("cut after %d bytes", k)
				}
			}
		})
	}
}

// TestM4_SlicedLine reads over lines that hand on a few bytes at a time.
func TestM4_SlicedLine(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for _, size := range []int64{1, 7, 100} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			try()
			f := inbox(10)
			sink, o := onSocket(t, &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{f}}, 1, link.Slices(size, 20*time.Microsecond))
			if err := syncer(t, o).Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			allStored(t, sink, f)
		})
	}
}

// TestM5_LargeMailOverARealLine is the row on a socket, scaled: a mail of two
// ranges over a thin line arrives; over one that breaks in it each time it is
// quarantined with its size, and the others arrive.
func TestM5_LargeMailOverARealLine(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for name, toxic := range map[string]link.Toxic{"thin": link.Bandwidth(8 << 20), "breaking": link.CutAfter(rangeBody)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			try()
			f := inbox(10)
			f.Messages[4].Raw = append(f.Messages[4].Raw, bytes.Repeat([]byte("0123456789abcde\n"), (rangeBody+rangeBody/2)/16)...)
			sink, o := onSocket(t, &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{f}}, 100, toxic)
			if err := syncer(t, o).Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			if name == "thin" {
				allStored(t, sink, f)
				return
			}
			oracle(t, sink, f)
			p := sink.state(t, "INBOX")
			if reason := sink.reasons[folderKey{"ada", "INBOX", 7}][5]; p.Stored.Len() != 9 || !strings.Contains(reason, "of 12 MB") {
				t.Errorf("stored %s, quarantined %s because %q", p.Stored, p.Quarantined, reason)
			}
		})
	}
}
