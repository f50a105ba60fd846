package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/internal/mailtest"
)

// TestM58_LargeMailLimit takes a mail of 100 MB, and many of 25 MB, the whole
// way on a real server: fetched, read, filed, stored, shown and exported it
// adds at most 32 MB of anonymous memory to what the same commands need
// without it, and comes out as it went in.
func TestM58_LargeMailLimit(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("needs /proc, where a process's anonymous memory stands")
	}
	if raceEnabled {
		t.Skip("the race detector is on; it runs once more without")
	}
	w := mailtest.NewBulk(58, 20, 5, 0.1)
	d := mailtest.StartDovecot(t, w.Accounts()...)
	if err := w.DeliverTo(d); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, w, d)
	s.run("contact", "import", s.write("contacts.jsonl", w.ContactsJSON()))
	account, from := w.Accounts()[0].Name, w.Contacts[0].Addresses[0]
	base := s.peakOf(io.Discard, "sync")
	first := w.Truth[0].MessageID
	baseShow, baseExport := s.peakOf(io.Discard, "message", "show", first, "--raw"), s.peakOf(io.Discard, "export", filepath.Join(s.dir, "small"))

	large := bulkyMail(from, w.Members[0].Addresses[0], "large", 100<<20)
	if _, err := d.Deliver(account, "INBOX", large, w.Now); err != nil {
		t.Fatal(err)
	}
	t.Logf("without: sync %d MB, show %d MB, export %d MB", base>>20, baseShow>>20, baseExport>>20)
	sum := sha256.New()
	added := map[string]int64{
		"sync":   s.peakOf(io.Discard, "sync") - base,
		"show":   s.peakOf(sum, "message", "show", "large@client.example", "--raw") - baseShow,
		"export": s.peakOf(io.Discard, "export", filepath.Join(s.dir, "one")) - baseExport,
	}
	if want := sha256.Sum256(large); !bytes.Equal(sum.Sum(nil), want[:]) {
		t.Error("what is shown is not what was sent")
	}
	for n := range manyLarge {
		if _, err := d.Deliver(account, "INBOX", bulkyMail(from, w.Members[0].Addresses[0], fmt.Sprintf("many%d", n), 25<<20), w.Now); err != nil {
			t.Fatal(err)
		}
	}
	added[fmt.Sprintf("sync of %d of 25 MB", manyLarge)] = s.peakOf(io.Discard, "sync") - base
	for what, bytes := range added {
		t.Logf("%s: %+d MB", what, bytes>>20)
		if bytes > 32<<20 {
			t.Errorf("%s adds %d MB of anonymous memory, want at most 32", what, bytes>>20)
		}
	}
	var m struct {
		Size        int64
		Attachments []struct{ Size int64 }
	}
	s.must(json.Unmarshal([]byte(s.run("message", "show", "large@client.example", "--json")), &m))
	if len(m.Attachments) != 1 || m.Size != int64(len(large)) {
		t.Errorf("the large mail has %d bytes and %d attachments, want %d and 1", m.Size, len(m.Attachments), len(large))
	}
	t.Attr("tries", strconv.Itoa(1+manyLarge))
}

// bulkyMail has about size bytes, most of them in an attachment.
func bulkyMail(from, to, id string, size int) []byte {
	var b bytes.Buffer
	b.Grow(size + 1<<10)
	fmt.Fprintf(&b, "Message-ID: <%s@client.example>\r\nDate: %s\r\nFrom: %s\r\nTo: %s\r\nSubject: Drawings\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHere they are.\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n",
		id, time.Now().Add(-time.Hour).Format(time.RFC1123Z), from, to)
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	state := uint64(len(id)) + 1
	for line := make([]byte, 78); b.Len() < size; {
		for i := range 76 { // as little compressible as real attachments
			state = state*6364136223846793005 + 1442695040888963407
			line[i] = letters[state>>58]
		}
		copy(line[76:], "\r\n")
		b.Write(line)
	}
	b.WriteString("--b--\r\n")
	return b.Bytes()
}

// peakOf runs the program and returns the most anonymous memory it had.
func (s *site) peakOf(out io.Writer, args ...string) int64 {
	s.t.Helper()
	var errs bytes.Buffer
	cmd := s.command(args...)
	cmd.Stdout, cmd.Stderr = out, &errs
	began := time.Now()
	s.must(cmd.Start())
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	var peak int64
	for {
		select {
		case err := <-done:
			if err != nil {
				s.t.Fatalf("rapport %s: %v\n%s", strings.Join(args, " "), err, errs.String())
			}
			if peak == 0 {
				s.t.Fatalf("rapport %s: its memory was never seen", strings.Join(args, " "))
			}
			s.t.Logf("rapport %s: %v, %v of processor time", args[0], time.Since(began).Round(time.Millisecond), (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Round(time.Millisecond))
			return peak
		case <-tick.C:
			peak = max(peak, anonymousOf(cmd.Process.Pid))
		}
	}
}
