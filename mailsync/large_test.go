package mailsync

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime/debug"
	"testing"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/message"
)

// killed ends a connection for good after so many bytes, and the work with it.
type killed struct {
	net.Conn
	left int
	end  context.CancelFunc
}

func (k *killed) Read(p []byte) (int, error) {
	n, err := k.Conn.Read(p)
	if k.left -= n; k.left <= 0 {
		k.end()
	}
	return n, err
}

// TestM38_LargeFolderBounded reads a mailbox of very many messages in many folders,
// killed again and again on the way: each start resumes, nothing is fetched
// twice that was settled, and memory stays bounded.
func TestM38_LargeFolderBounded(t *testing.T) {
	if raced {
		t.Skip("the race detector is on; it runs once more without")
	}
	try := counted(t)
	big := &mailtest.ScriptFolder{Name: "INBOX", UIDValidity: 7}
	for n := range largeFolder {
		big.Messages = append(big.Messages, mailtest.ScriptMessage{UID: uint32(n + 1), Received: time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC),
			Raw: mail(n, "bob@customer.example", "ada@example.org", fmt.Sprint("mail ", n), "hello")})
	}
	s := &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{big}}
	for n := range manyFolders {
		f := inbox(2)
		f.Name = fmt.Sprint("folder ", n)
		s.Folders = append(s.Folders, f)
	}
	dial := inMemory(t, s)
	sink := newSink()
	sink.spool = t.TempDir()
	sink.light = true
	sink.judge = func(f message.Folder, c message.Copy) message.Decision { // a tenth is wanted
		if f.Name == "INBOX" && c.UID%10 != 0 {
			return message.Decision{Action: message.Skip, Reason: message.NoMatch}
		}
		return message.Decision{Action: message.Log}
	}
	o := Options{Sink: sink, SpoolDir: sink.spool, Mailbox: Mailbox{Name: "ada", Host: "127.0.0.1:143", TLS: TLSNone, User: "ada", Password: password("x")}}
	debug.FreeOSMemory()
	base, watch := rssAnon(t), watchMemory(t)
	before := message.UIDSet{}
	for range largeKills {
		try()
		ctx, cancel := context.WithCancel(t.Context())
		o.Dial = func(ctx context.Context, a string) (net.Conn, error) {
			conn, err := dial(ctx, a)
			return &killed{conn, 1 + rand.IntN(largeFolder*60), cancel}, err
		}
		err := syncer(t, o).Sync(ctx)
		cancel()
		now := sink.state(t, "INBOX").Settled()
		if !before.Minus(now).Empty() {
			t.Errorf("%s was settled and is no longer", before.Minus(now))
		}
		if before = now; err == nil {
			break
		}
	}
	try()
	o.Dial = dial
	if err := syncer(t, o).Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	grew := watch() - base
	oracle(t, sink, s.Folders...)
	if p := sink.state(t, "INBOX"); p.Stored.Len() != largeFolder/10 {
		t.Errorf("%d are stored, want a tenth of %d", p.Stored.Len(), largeFolder)
	}
	for uid, sum := range sink.digests("INBOX") {
		if sum != sha256.Sum256(big.Messages[uid-1].Raw) {
			t.Fatalf("UID %d has other bytes", uid)
		}
	}
	if grew > 64<<20 {
		t.Errorf("anonymous memory grew by %d MB, want 64 at most", grew>>20)
	}
	t.Logf("%d messages in %d folders; anonymous memory grew by %d MB, the server in the same process included", largeFolder, manyFolders+1, grew>>20)
}
