package mailsync

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/message"
)

// modSeqLies are what servers say at the n-th EXAMINE of a folder, and whether
// two of them are ever the same.
var modSeqLies = map[string]struct {
	say    func(n int) string
	steady bool
}{
	"constant":  {func(int) string { return "HIGHESTMODSEQ 5" }, true},
	"zero":      {func(int) string { return "HIGHESTMODSEQ 0" }, true},
	"absent":    {func(int) string { return "" }, true},
	"none":      {func(int) string { return "NOMODSEQ" }, true},
	"too high":  {func(int) string { return "HIGHESTMODSEQ 18446744073709551615" }, true},
	"no number": {func(int) string { return "HIGHESTMODSEQ 99999999999999999999999" }, true},
	"shrinking": {func(n int) string { return fmt.Sprint("HIGHESTMODSEQ ", 1_000_000-n) }, false},
	"growing":   {func(n int) string { return fmt.Sprint("HIGHESTMODSEQ ", 1+n) }, false},
}

// What a folder may do that HIGHESTMODSEQ should tell. Its highest UID is 40.
var happenings = map[string]struct {
	do     func(f *mailtest.ScriptFolder)
	shows  bool // in UIDNEXT or EXISTS
	silent bool // it is no change of what there is
}{
	"a mail comes": {func(f *mailtest.ScriptFolder) { f.Messages = append(f.Messages, letter(41)) }, true, false},
	"a mail goes":  {func(f *mailtest.ScriptFolder) { f.Messages = slices.Delete(f.Messages, 4, 5) }, true, false},
	"one comes, one goes": {func(f *mailtest.ScriptFolder) {
		f.Messages = append(slices.Delete(f.Messages, 4, 5), letter(41))
	}, true, false},
	"a mail takes a hole": {func(f *mailtest.ScriptFolder) {
		f.Messages = slices.Insert(f.Messages, 20, letter(30))
	}, true, false},
	"one goes, one takes a hole": {func(f *mailtest.ScriptFolder) { // the numbers stay
		f.Messages = slices.Insert(slices.Delete(f.Messages, 4, 5), 19, letter(30))
	}, false, false},
	"flags": {func(f *mailtest.ScriptFolder) {
		for i := range f.Messages {
			f.Messages[i].Flags = `\Seen \Deleted`
		}
	}, false, true},
}

// lying is a folder of UIDs 1 to 20 and 40 on a server that lies of HIGHESTMODSEQ.
func lying(s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, say func(n int) string) {
	f.Messages = append(f.Messages, letter(40))
	n := 0
	s.Hook = func(c *mailtest.ScriptConn, command string) bool {
		if strings.HasPrefix(command, "EXAMINE") {
			s.Lock()
			n++
			code := say(n)
			s.Unlock()
			if code != "" {
				c.Send("* OK [" + code + "] highest\r\n")
			}
		}
		return false
	}
}

// known tells whether the last complete pass saw what the folder holds.
func known(s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink) bool {
	var uids []uint32
	s.Lock()
	for _, m := range f.Messages {
		uids = append(uids, m.UID)
	}
	s.Unlock()
	sink.mu.Lock()
	defer sink.mu.Unlock()
	last := sink.reports[len(sink.reports)-1]
	return last.Err == "" && last.Listed.Equal(message.UIDs(uids...)) && last.Listed.Minus(sink.of(keyOf(last.Folder)).Settled()).Empty()
}

// TestM25_LyingModSeq changes a watched folder of which nothing is announced,
// and whose HIGHESTMODSEQ lies. Whatever it says, what moves UIDNEXT or EXISTS is
// found by the next poll, and what moves neither by the full listing that is due
// after [listAgain]; sooner only where HIGHESTMODSEQ moves by itself, since then
// every poll lists. Flags are no state: nothing is fetched for them.
func TestM25_LyingModSeq(t *testing.T) {
	t.Parallel()
	try := counted(t)
	const poll = 15 * time.Minute
	for lie, told := range modSeqLies {
		for what, change := range happenings {
			t.Run(lie+", "+what, func(t *testing.T) {
				t.Parallel()
				faulty(t, 20, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
					try()
					lying(s, f, told.say)
					o.Mailbox.Poll, o.Mailbox.Connections = poll, 1
					start := time.Now() // when it is listed first
					y := runs(t, o)
					time.Sleep(time.Hour)
					synctest.Wait()
					before := len(fetches(s))
					s.Lock()
					change.do(f)
					s.Unlock()
					found := time.Duration(0)
					for found == 0 && time.Since(start) < 24*time.Hour {
						time.Sleep(time.Minute)
						synctest.Wait()
						if known(s, f, sink) {
							found = time.Since(start)
						}
					}
					switch slack := poll + time.Minute; {
					case found == 0:
						t.Errorf("not found within a day: %+v", y.Status())
					case change.silent:
						time.Sleep(24 * time.Hour)
						synctest.Wait()
						if after := fetches(s); len(after) > before {
							t.Errorf("fetched because flags changed: %q", after[before:])
						}
					case change.shows || !told.steady:
						if found > time.Hour+slack {
							t.Errorf("found %s after the change, want within a poll of %s", found-time.Hour, poll)
						}
					case found < listAgain || found > listAgain+slack:
						t.Errorf("found %s after the last full listing, want %s to %s", found, listAgain, listAgain+slack)
					}
					y.stop()
					allStored(t, sink, f)
				})
			})
		}
	}
}

// fetches are the commands that brought headers or bodies of mail, in order.
func fetches(s *mailtest.ScriptIMAP) (all []string) {
	for _, c := range s.Commands() {
		if strings.Contains(c, "BODY.PEEK[]") {
			all = append(all, c)
		}
	}
	return all
}

// TestM25_BetweenPasses makes single passes, as after a restart each, while
// HIGHESTMODSEQ lies and flags, mail and holes change: the counts decide.
func TestM25_BetweenPasses(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for lie, told := range modSeqLies {
		for what, change := range happenings {
			if !change.shows {
				continue
			}
			t.Run(lie+", "+what, func(t *testing.T) {
				t.Parallel()
				faulty(t, 20, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
					try()
					lying(s, f, told.say)
					for range 2 {
						if err := syncer(t, o).Sync(t.Context()); err != nil {
							t.Fatal(err)
						}
						if !known(s, f, sink) {
							t.Errorf("the pass did not see what changed")
						}
						allStored(t, sink, f)
						change.do(f)
						f.Messages = slices.CompactFunc(f.Messages, func(a, b mailtest.ScriptMessage) bool { return a.UID == b.UID })
					}
				})
			})
		}
	}
}
