package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"rapport/internal/mailtest"
	"rapport/records/message"
	"rapport/store"
)

// TestM38_LargeMailboxIsResumed kills the first sync of a large mailbox at
// random messages: the next goes on where the last commit was, every message
// is filed once, a further run changes nothing, and the memory of none of them
// grows with the mailbox.
func TestM38_LargeMailboxIsResumed(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the program several times")
	}
	const memory = 160 << 20 // anonymous; of the size of the mailbox it knows nothing
	flow := mailtest.NewFlow(6, 1, largeMailbox, 20)
	server, err := mailtest.ServeFlow(flow, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	s := flowSiteOn(t, flow, server.Addr)
	s.run("contact", "import", s.write("contacts.csv", flow.ContactsCSV()))

	rnd := rand.New(rand.NewPCG(6, 7))
	var peak atomic.Int64
	killed := 0
	for try := range largeKills + 1 {
		cmd := s.command("sync")
		after, first := 1+rnd.IntN(largeMailbox/largeKills), atomic.Int64{}
		started := make(chan struct{})
		server.Watch(func(sent int) {
			<-started
			first.CompareAndSwap(0, int64(sent))
			peak.Store(max(peak.Load(), anonymousOf(cmd.Process.Pid)))
			if try < largeKills && sent >= int(first.Load())+after {
				_ = cmd.Process.Kill() // over already, perhaps
			}
		})
		s.must(cmd.Start())
		close(started)
		if err := cmd.Wait(); err != nil {
			killed++
		}
	}
	server.Watch(nil)
	everyUIDStored(t, s, flow)
	before := s.dump()
	s.run("sync")
	if after := s.dump(); after != before {
		t.Errorf("a further sync changed something: %s", firstDifference(before, after))
	}
	if killed == 0 || killed > largeKills {
		t.Errorf("%d syncs of %d ended before their end", killed, largeKills+1)
	}
	if got := peak.Load(); got > memory {
		t.Errorf("a sync took %d MB of anonymous memory, want at most %d", got>>20, memory>>20)
	}
	t.Logf("%d messages, %d syncs killed, at most %d MB of anonymous memory", flow.Inbox+flow.Sent, killed, peak.Load()>>20)
	t.Attr("tries", strconv.Itoa(killed))
}

// flowSiteOn writes the configuration of a flow's mailboxes.
func flowSiteOn(t *testing.T, f *mailtest.Flow, addr string) *site {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &site{t: t, bin: bin, dir: dir, dataDir: filepath.Join(dir, "data"), config: filepath.Join(dir, "config.yaml")}
	for i := range f.Mailboxes {
		s.write(f.Account(i).Name, []byte(f.Account(i).Password))
	}
	s.write("config.yaml", []byte(f.Config(s.dataDir, mailtest.Server{Addr: addr, TLS: "none", Passwords: dir}, "")))
	return s
}

// everyUIDStored demands that each message of a flow is stored, and once.
func everyUIDStored(t *testing.T, s *site, f *mailtest.Flow) {
	t.Helper()
	s.view(func(tx store.Tx) error {
		n, err := tx.Messages().Count()
		if err == nil && n != f.Mailboxes*(f.Inbox+f.Sent) {
			err = fmt.Errorf("%d messages are stored of %d", n, f.Mailboxes*(f.Inbox+f.Sent))
		}
		for name, want := range map[string]int{"INBOX": f.Inbox, "Sent": f.Sent} {
			p, perr := tx.Folders().Progress(message.Folder{Mailbox: "m0", Name: name, UIDValidity: 7})
			if err == nil {
				err = perr
			}
			if err == nil && (p.Stored.Len() != want || p.Settled().Len() != want) {
				err = fmt.Errorf("%s: %d UIDs are stored and %d settled of %d", name, p.Stored.Len(), p.Settled().Len(), want)
			}
		}
		return err
	})
}

// anonymousOf is the anonymous memory of a process; 0 where the system does
// not tell.
func anonymousOf(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "RssAnon:")
	kb, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, _ := strconv.ParseInt(kb, 10, 64)
	return n << 10
}
