package mailsync

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rapport/internal/mailtest"
)

// answers are the words by which a transcript's name tells what it answers.
var answers = []struct{ name, command string }{
	{"greeting", "greeting"}, {"capability", "CAPABILITY"}, {"authenticate", "AUTHENTICATE"}, {"list", "LIST"}, {"lsub", "LIST"}, {"xlist", "LIST"},
	{"select", "EXAMINE"}, {"examine", "EXAMINE"}, {"status", "STATUS"}, {"search", "UID SEARCH"}, {"getbody", "UID FETCH"}, {"getmessage", "UID FETCH"}, {"getstream", "UID FETCH"}, {"fetch", "UID FETCH"},
	{"headers", "UID FETCH"}, {"precise", "UID FETCH"}, {"idle", "IDLE"}, {"noop", "NOOP"}, {"expunge", "NOOP"},
}

var tagOf = regexp.MustCompile(`(?m)^[A-Z][0-9]{8} `)

// TestTranscripts has real servers' words answer each kind of command, as they
// were written down, in front of a folder of ours: nothing crashes or hangs,
// the folder beside it is read, and once the server speaks plainly again all
// mail is there or, in the one odd folder, quarantined with its reason.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	root := os.Getenv("RAPPORT_CORPORA")
	if root == "" {
		t.Skip("RAPPORT_CORPORA is not set: it names the directory of recorded server sessions")
	}
	files, err := filepath.Glob(filepath.Join(root, "imap", "*", "*", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts in %s: %v", root, err)
	}
	replayed := 0
	for _, file := range files {
		command := ""
		for _, a := range answers {
			if strings.HasPrefix(filepath.Base(file), a.name) {
				command = a.command
			}
		}
		if command == "" {
			continue // what we never ask
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		replayed++
		t.Run(filepath.Base(file), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { replay(t, strings.TrimPrefix(file, root), command, string(text)) })
		})
	}
	if replayed < 100 {
		t.Errorf("only %d transcripts were replayed", replayed)
	}
	t.Logf("%d transcripts of %d are answers to what we ask", replayed, len(files))
}

// replay gives one transcript as the answer to the first few commands of a kind.
func replay(t *testing.T, name, command, text string) {
	f, beside := inbox(5), inbox(4)
	f.Name, beside.Name, beside.UIDValidity = "Odd", "Beside", 77
	s := &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{f, beside}}
	var plain atomic.Bool
	if command == "greeting" {
		s.Greeting = strings.TrimRight(text, "\r\n")
	}
	s.Hook = func(c *mailtest.ScriptConn, said string) bool {
		if plain.Load() || !strings.HasPrefix(said, command) || strings.Contains(said, `"Beside"`) || c.Selected == beside {
			return false
		}
		if command == "AUTHENTICATE" && strings.Contains(text, "\n+ ") {
			return false
		}
		words := tagOf.ReplaceAllString(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n"), c.Tag+" ")
		if !strings.Contains(words, c.Tag+" ") {
			words += c.Tag + " OK done\r\n"
		}
		if command == "IDLE" { // its end is due with DONE
			return false
		}
		c.Send(words)
		return true
	}
	sink, _, o := scripted(t, s)
	y := runs(t, o)
	time.Sleep(time.Hour)
	synctest.Wait()
	plain.Store(true)
	y.Nudge()
	time.Sleep(12 * time.Hour)
	synctest.Wait()
	y.stop()
	for folder, want := range map[string]int{"Odd": 5, "Beside": 4} {
		got, odd := len(sink.digests(folder)), 0
		sink.mu.Lock()
		for k, p := range sink.progress {
			if k.name == folder {
				odd += p.Quarantined.Len()
			}
		}
		sink.mu.Unlock()
		if folder == "Beside" && got < want || got+odd < want {
			t.Errorf("%s as the answer to %s: %s has %d of %d, %d quarantined", name, command, folder, got, want, odd)
		}
	}
}
