package intake_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/message"
)

// TestAReusedNumberNamesOneMessage: a server gives a UID to another mail and
// says nothing; what becomes of the first message later leaves the second be.
func TestAReusedNumberNamesOneMessage(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	w.person("Cleo", "cleo@client.example")
	uid := w.deliver("ada", "INBOX", mail("c1", cleo, ada, "First"))
	w.sync()
	f := w.folder("ada", "INBOX")
	f.mails[uid] = strings.ReplaceAll(mail("c2", cleo, ada, "Second"), "\n", "\r\n")
	if err := w.Reopen(ctx, f.Folder, message.UIDs(uid)); err != nil {
		t.Fatal(err)
	}
	w.sync()
	if _, err := w.Withdraw(ctx, "test", w.find("First")[0].ID); err != nil {
		t.Fatal(err)
	}
	p, err := w.Resume(ctx, f.Folder)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Stored.Has(uid) {
		t.Errorf("UID %d is %v; want stored: it is the second message's", uid, p.Skipped)
	}
}

// TestThousandsOfCopies of one message cost no more than as many messages.
func TestThousandsOfCopies(t *testing.T) { // alone: it measures
	w := newWorld(t)
	w.person("Cleo", "cleo@client.example")
	const n = 3000
	for range n {
		w.deliver("ada", "INBOX", mail("same", cleo, ada, "Again and again"))
	}
	f := w.folder("ada", "INBOX")
	began := mailtest.CPUTime()
	for uid := uint32(1); uid < n; uid += 250 {
		var some []uint32
		for u := uid; u < uid+250 && u <= n; u++ {
			some = append(some, u)
		}
		w.take(f, some)
	}
	w.sync()
	if ms := w.find("Again and again"); len(ms) != 1 || len(ms[0].Holdings) != n {
		t.Fatalf("%d messages; want one with %d copies", len(ms), n)
	}
	if took := mailtest.CPUTime() - began; took > 15*time.Second && !raceEnabled {
		t.Errorf("%d copies took %v", n, took)
	}
}
