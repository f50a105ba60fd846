package mailsync

import (
	"strings"
	"testing"

	"rapport/internal/mailtest"
	"rapport/records/message"
)

// TestM31_FlagsWithoutEnd has every message bear as many flags as are read of one:
// all mail arrives, a little at a time.
func TestM31_FlagsWithoutEnd(t *testing.T) {
	t.Parallel()
	try := counted(t)
	faulty(t, 300, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		try()
		s.Fetch = func(_ *mailtest.ScriptConn, _ *mailtest.ScriptFolder, _ mailtest.ScriptMessage, items, usual string) string {
			if strings.Contains(items, "HEADER") {
				return strings.Replace(usual, " FLAGS ()", fullFlags(), 1)
			}
			return usual
		}
		sink.light = true
		if err := syncer(t, o).Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		allStored(t, sink, f)
	})
}

// TestM31_FlagsOfARequest gives one request the flags of many messages.
func TestM31_FlagsOfARequest(t *testing.T) {
	t.Parallel()
	try := counted(t)
	try()
	flags := make([]string, 990)
	for i := range flags {
		flags[i] = strings.Repeat("k", 64)
	}
	req := &fetchRequest{asked: message.UIDRanges(message.UIDRange{Lo: 1, Hi: 250}), section: sectionHeader, offset: -1, got: map[uint32]*part{}}
	w := &wire{fetches: []*fetchRequest{req}}
	for uid := uint32(1); uid <= 250; uid++ {
		for range 3 { // said again, it weighs nothing
			w.deliver(&answer{uid: uid, flags: flags, hasFlags: true, bodies: []content{{section: sectionHeader, offset: -1, data: []byte("x"), length: 1}}})
		}
	}
	kept := int64(0)
	for _, p := range req.got {
		kept += weight(p.flags)
	}
	if kept > maxHeaders || kept < maxHeaders/2 {
		t.Errorf("%d KB of flags are kept, want at most %d", kept>>10, maxHeaders>>10)
	}
	if missing := req.missing().Len(); missing != 250-len(req.got) {
		t.Errorf("%d are missing, of which %d are to be asked for again", missing, 250-len(req.got))
	}
}
