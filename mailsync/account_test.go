package mailsync

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"rapport/internal/mailtest"
)

// TestM23_AnotherAccount reads another account under the name of a mailbox,
// with a folder of the same numbers, or of numbers that lie beside those whose
// fingerprints are kept: its mail is read, and the same account under another
// name of the server costs no message twice.
func TestM23_AnotherAccount(t *testing.T) {
	t.Parallel()
	try := counted(t)
	others := func(first int) *mailtest.ScriptFolder {
		f := inbox(30)
		for i := range f.Messages {
			f.Messages[i].Raw = mail(first+i, "eve@other.example", "eve@example.org", "another", fmt.Sprint("other body ", i))
		}
		return f
	}
	beside := others(2000)
	beside.Messages = beside.Messages[:14] // the last 16 of the other account are fingerprinted
	beside.UIDNext = 31
	for name, tt := range map[string]struct {
		folder  *mailtest.ScriptFolder
		user    string
		fetched bool // bodies are, by the second syncer
	}{
		"another account with the same numbers": {others(1000), "eve@example.org", true},
		"another account with fewer messages":   {beside, "eve@example.org", true},
		"the same mail after a wedding":         {inbox(30), "ada.king@example.org", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			try()
			first := &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{inbox(30)}}
			sink, _, o := scripted(t, first)
			if err := syncer(t, o).Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			second := &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{tt.folder}}
			_, _, now := scripted(t, second)
			o.Dial, o.Mailbox.User = now.Dial, tt.user
			for range 2 {
				if err := syncer(t, o).Sync(t.Context()); err != nil {
					t.Fatal(err)
				}
				oracle(t, sink, tt.folder)
			}
			fetched := slices.ContainsFunc(second.Commands(), func(c string) bool { return strings.Contains(c, "BODY.PEEK[]") })
			if fetched != tt.fetched {
				t.Errorf("%s: bodies are fetched: %v", name, fetched)
			}
			sums := sink.digests("INBOX")
			for _, m := range tt.folder.Messages {
				if sums[m.UID] != sha256.Sum256(m.Raw) {
					t.Errorf("%s: UID %d holds another message", name, m.UID)
				}
			}
		})
	}
}
