package mailsync

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rapport/internal/mailtest"
	"rapport/internal/rescue"
	"rapport/records/message"
)

// panicky is a sink with bugs: each field says when a method panics.
type panicky struct {
	Sink
	wanted func(uid uint32) bool
	take   func(uid uint32) bool
	method string // this one always panics
	calls  atomic.Int32
}

func (p *panicky) bug(method string) {
	if p.method == method {
		p.calls.Add(1)
		panic("bug in " + method)
	}
}

func (p *panicky) Resume(ctx context.Context, f message.Folder) (message.Progress, error) {
	p.bug("Resume")
	return p.Sink.Resume(ctx, f)
}

func (p *panicky) Listed(ctx context.Context, mailbox string, folders []string) error {
	p.bug("Listed")
	return p.Sink.Listed(ctx, mailbox, folders)
}

func (p *panicky) Pending(ctx context.Context, mailbox string) ([]message.Search, error) {
	p.bug("Pending")
	return p.Sink.Pending(ctx, mailbox)
}

func (p *panicky) Report(ctx context.Context, r message.Report) (message.FolderStatus, error) {
	p.bug("Report")
	return p.Sink.Report(ctx, r)
}

func (p *panicky) Wanted(ctx context.Context, f message.Folder, copies []message.Copy) ([]message.Wish, error) {
	p.bug("Wanted")
	for _, c := range copies {
		if p.wanted != nil && p.wanted(c.UID) {
			panic(fmt.Sprintf("bug in judging %d", c.UID))
		}
	}
	return p.Sink.Wanted(ctx, f, copies)
}

func (p *panicky) Take(ctx context.Context, b message.Batch) error {
	p.bug("Take")
	for _, it := range b.Items {
		if p.take != nil && it.Quarantine == "" && p.take(it.UID) {
			panic(fmt.Sprintf("bug in filing %d", it.UID))
		}
	}
	return p.Sink.Take(ctx, b)
}

// TestM83_PoisonedMail has one mail that makes filing or judging panic, at
// every place of a folder: that mail is settled with a reason, and all others
// are stored.
func TestM83_PoisonedMail(t *testing.T) {
	t.Parallel()
	tries := 0
	for uid := uint32(1); uid <= 20; uid++ {
		for _, where := range []string{"judging", "filing", "both"} {
			tries++
			faulty(t, 20, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
				bug := &panicky{Sink: sink}
				culprit := func(u uint32) bool { return u == uid }
				if where != "filing" {
					bug.wanted = culprit
				}
				if where != "judging" {
					bug.take = culprit
				}
				heard := 0
				o.Sink, o.Panicked = bug, func(error) { heard++ }
				if err := syncer(t, o).Sync(t.Context()); err != nil {
					t.Fatalf("UID %d, %s: %v", uid, where, err)
				}
				oracle(t, sink, f)
				p := sink.state(t, "INBOX")
				if where == "judging" {
					if p.Stored.Len() != 20 || heard != 0 {
						t.Errorf("UID %d cannot be judged: stored %s, quarantined %s", uid, p.Stored, p.Quarantined)
					}
				} else if p.Quarantined.Len() != 1 || !p.Quarantined.Has(uid) || heard != 1 {
					t.Errorf("UID %d cannot be filed: quarantined %s, heard of %d", uid, p.Quarantined, heard)
				}
				if why := sink.reasons[keyOf(message.Folder{Mailbox: "ada", Name: "INBOX", UIDValidity: 7})][uid]; where != "judging" && !strings.Contains(why, "bug in filing") {
					t.Errorf("quarantined for %q", why)
				}
			})
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestM83_BugOfOurs makes a method of the sink panic every time: the run ends
// with the panic for its supervisor, nothing is quarantined for it beyond a
// few, no goroutine is left, and another mailbox syncs meanwhile.
func TestM83_BugOfOurs(t *testing.T) {
	t.Parallel()
	methods := []string{"Resume", "Listed", "Pending", "Report", "Wanted", "Take"}
	for _, method := range methods {
		faulty(t, 20, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
			bug := &panicky{Sink: sink, method: method}
			o.Sink = bug
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			err := syncer(t, o).Run(ctx)
			p := rescue.Of(err)
			if method == "Wanted" { // asked with the body instead
				if p != nil || sink.state(t, "INBOX").Stored.Len() != 20 {
					t.Errorf("Run with a bug in %s = %v", method, err)
				}
				return
			}
			if p == nil || p.Value != "bug in "+method || !strings.Contains(string(p.Stack), "panicky") {
				t.Fatalf("Run with a bug in %s = %v, want the panic with its stack", method, err)
			}
			if n := bug.calls.Load(); n > 100 {
				t.Errorf("%s was called %d times", method, n)
			}
			o.Sink = sink
			if err := syncer(t, o).Sync(t.Context()); err != nil {
				t.Errorf("after the bug in %s is gone: %v", method, err)
			}
			oracle(t, sink, f)
			if q := sink.state(t, "INBOX").Quarantined; q.Len() > 0 {
				t.Errorf("quarantined %s for a bug in %s", q, method)
			}
		})
	}
	t.Attr("tries", strconv.Itoa(len(methods)))
}

// TestM83_NotEverythingIsPoison quarantines a few for panics in a row and then
// waits instead: the mails are not to blame.
func TestM83_NotEverythingIsPoison(t *testing.T) {
	t.Parallel()
	faulty(t, 50, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		o.Sink, o.Log = &panicky{Sink: sink, take: func(uint32) bool { return true }}, slog.New(slog.DiscardHandler)
		y := syncer(t, o)
		for range 5 {
			if err := y.Sync(t.Context()); rescue.Of(err) == nil {
				t.Fatalf("Sync = %v, want the panic", err)
			}
		}
		if q := sink.state(t, "INBOX").Quarantined; q.Len() != maxPoison {
			t.Errorf("quarantined %s, want %d", q, maxPoison)
		}
		t.Attr("tries", "5")
	})
}

// TestM83_SeriesOfPoison has the newest mails of a folder all make filing
// panic, more in a row than are set aside at once: none of the others waits
// for them, and in the end each is settled.
func TestM83_SeriesOfPoison(t *testing.T) {
	t.Parallel()
	faulty(t, 20, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		o.Sink = &panicky{Sink: sink, take: func(u uint32) bool { return u > 12 && u <= 20 }}
		sync := syncer(t, o)
		if err := sync.Sync(t.Context()); rescue.Of(err) == nil {
			t.Errorf("eight bugs in a row are told as %v", err)
		}
		// How much of what waits behind them is taken before the first try ends,
		// and how many more had their turn, is a matter of time; the oracle sees
		// that all of it is in the end.
		if p := sink.state(t, "INBOX"); p.Quarantined.Len() < maxPoison {
			t.Errorf("after the first try stored %s, quarantined %s", p.Stored, p.Quarantined)
		}
		for n := uint32(21); sink.state(t, "INBOX").Quarantined.Len() < 8; n++ {
			if n == 26 {
				t.Fatalf("after %d more mails quarantined %s", n-20, sink.state(t, "INBOX").Quarantined)
			}
			s.Add(f, letter(n))
			sync.Sync(t.Context()) // it fails until each has had its turn
		}
		oracle(t, sink, f)
	})
	t.Attr("tries", "1")
}
