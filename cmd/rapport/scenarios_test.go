package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rapport/internal/mailtest"
)

// knowing are the commands before most scenarios: people imported, mail filed.
var (
	importing = []string{"contact", "import", "people.csv"}
	syncing   = []string{"sync"}
	knowing   = [][]string{importing, syncing}
)

// scenarios are what the product does that changes its store.
var scenarios = []scenario{
	{name: "first start", do: typing(syncing)},
	{name: "first import", do: typing(importing), settle: [][]string{syncing}},
	{name: "initial sync", before: [][]string{importing}, do: typing(syncing)},
	{name: "incremental", before: knowing, do: typing(syncing), change: func(o *office, _ *site) {
		o.alter(func() {
			o.inbox.Messages = append(o.inbox.Messages, letter(20, carla, ada, "Re: Offer", "nachzug zimtstern", "In-Reply-To: <5@office.example>\r\n"),
				letter(21, emil, ada, "Large", bulky(2)), letter(22, "x@nobody.example", ada, "Buy", "nachzug pillenmarkt"))
			o.bobs.Messages = append(o.bobs.Messages[1:], letter(23, dora, bob, "Bob again", "nachzug"))
		})
	}},
	{name: "renumbered, same mail", before: knowing, do: typing(syncing), change: func(o *office, _ *site) {
		o.alter(func() { renumber(o.inbox, 100); renumber(o.bobs, 200) })
	}},
	{name: "renumbered, other mail", before: knowing, do: typing(syncing), change: func(o *office, _ *site) {
		o.alter(func() {
			o.inbox.UIDValidity++
			o.inbox.Messages = []mailtest.ScriptMessage{withUID(1, letter(30, carla, ada, "Umzug", "umzug")), withUID(2, letter(31, emil, ada, "Umzug auch", bulky(3)))}
		})
	}},
	{name: "UIDs used twice", before: knowing, do: typing(syncing), change: func(o *office, _ *site) {
		o.alter(func() {
			for i := range o.inbox.Messages {
				o.inbox.Messages[i] = withUID(o.inbox.Messages[i].UID, letter(40+i, carla, ada, "Umzug", "umzug"))
			}
			o.inbox.Messages = append(o.inbox.Messages, letter(60, carla, ada, "Umzug zuletzt", "umzug")) // else nothing shows
		})
	}},
	{name: "backfill", before: knowing, do: typing([]string{"contact", "add", "--name", "Frank Zeman", "--email", "frank@fresh.example", "--kind", "customer"}, syncing)},
	{name: "folder renamed and gone", before: knowing, do: typing(syncing), change: func(o *office, _ *site) {
		o.alter(func() {
			o.archive.Name = "Old"
			o.ada.Folders = []*mailtest.ScriptFolder{o.inbox, o.archive}
		})
	}},
	{name: "quarantine", before: [][]string{importing}, do: typing(syncing), change: func(o *office, _ *site) {
		o.alter(func() {
			o.ada.Fetch = func(_ *mailtest.ScriptConn, _ *mailtest.ScriptFolder, m mailtest.ScriptMessage, items, usual string) string {
				if m.UID == 8 {
					return "" // no header, no body
				}
				return usual
			}
		})
	}},
	{name: "import of CSV and vCard", before: knowing, do: typing([]string{"contact", "import", "more.csv", "--tag", "fair"}, []string{"contact", "import", "frank.vcf"}, syncing),
		change: func(_ *office, s *site) { s.write("more.csv", []byte(moreCSV)); s.write("frank.vcf", []byte(frankVCF)) }},
	{name: "discover and accept", before: knowing, do: typing([]string{"discover", "--accept", "exchanges >= 1", "--since", "2026-01-01"}, syncing)},
	{name: "suggestions", policy: "policy: {unmatched: suggest}\n", before: knowing,
		do: typing([]string{"suggestion", "accept", "frank@fresh.example"}, []string{"suggestion", "ignore", "s@nobody.example"}, syncing)},
	{name: "merge", before: homely(), do: typing([]string{"contact", "merge", "carla@acme.example", "carla@home.example"}), settle: [][]string{syncing}},
	{name: "merge undone", before: append(homely(), []string{"contact", "merge", "carla@acme.example", "carla@home.example"}), do: undoing, change: remembering},
	{name: "erase", before: knowing, do: typing([]string{"contact", "erase", "emil@other.example", "--now", "--yes"}),
		settle: [][]string{{"store", "compact"}, syncing}, gone: []string{"emil roth", "emil@other", "quittung"}},
	{name: "organisation erased", before: knowing, do: typing([]string{"organisation", "erase", "other.example", "--now", "--yes"}), settle: [][]string{{"store", "compact"}, syncing}},
	{name: "withdrawn", before: knowing, do: typing([]string{"withdraw", "ada/INBOX/1"})},
	{name: "filed elsewhere", before: knowing, do: typing([]string{"file", "ada/INBOX/8", "emil@other.example"}, []string{"unfile", "ada/INBOX/3", "emil@other.example"})},
	{name: "decision undone", before: append(slices.Clone(knowing), []string{"withdraw", "ada/INBOX/1"}), do: undoing, change: remembering},
	{name: "thread private", before: knowing, do: typing([]string{"private", "ada/INBOX/1"})},
	{name: "owner leaves", before: append(slices.Clone(knowing), []string{"contact", "edit", "emil@other.example", "--set", "owner=ada@example.com"}), do: typing([]string{"member", "leave", "ada", "--to", "bob"})},
	{name: "rematch after new rules", before: knowing, do: typing([]string{"rematch"}, syncing), change: reconfigured("policy: {exclude: [{domain: other.example, mode: blocked}]}\n", "ada", "bob")},
	{name: "mailbox removed", before: knowing, do: typing(syncing), change: reconfigured("", "ada")},
	{name: "backup", before: knowing, do: typing([]string{"store", "backup", "copy.backup"}), also: restoredFrom("copy.backup")},
	{name: "scheduled backup", policy: "backup: {dir: backups}\n", before: append(slices.Clone(knowing), []string{"backup", "now"}),
		do: typing([]string{"backup", "now"}), also: soundBackups},
	{name: "work of the night", policy: "policy: {unmatched: suggest}\n", before: append(slices.Clone(knowing), []string{"contact", "erase", "emil@other.example", "--yes"}),
		change: atNight, until: nightIsOver, gone: []string{"emil roth", "emil@other", "quittung"}},
	{name: "retention", before: knowing, do: typing([]string{"retention", "enforce"}), settle: [][]string{{"store", "compact"}, syncing},
		change: reconfigured("retention: {personal: 30d}\n", "ada", "bob"), gone: []string{"zimtstern", "quittung"}},
	{name: "restore", alone: true, before: append(slices.Clone(knowing), []string{"store", "backup", "copy.backup"}), do: typing([]string{"store", "restore", "copy.backup"}),
		settle: [][]string{syncing}, change: func(_ *office, s *site) { lose(s) }},
	{name: "compaction", before: append(slices.Clone(knowing), []string{"contact", "erase", "emil@other.example", "--yes"}), do: typing([]string{"store", "compact"})},
	{name: "reindex", before: knowing, do: typing([]string{"store", "reindex"}, []string{"store", "reindex", "--search"})},
	{name: "export", before: knowing, do: typing([]string{"export", "out"}), again: typing([]string{"export", "out2"}), tidy: secondIsFirst("out", "out2"), also: bytesBelow("out")},
}

// reconfigured writes another configuration.
func reconfigured(policy string, boxes ...string) func(*office, *site) {
	return func(o *office, s *site) { s.write("config.yaml", []byte(o.config(policy, boxes...))) }
}

// homely is knowing with Carla's second address as a contact of its own.
func homely() [][]string {
	return append(slices.Clone(knowing), []string{"contact", "add", "--name", "Carla at home", "--email", "carla@home.example", "--kind", "customer"}, syncing)
}

// renumber gives the messages of a folder other UIDs in a new numbering.
func renumber(f *mailtest.ScriptFolder, by uint32) {
	f.UIDValidity++
	for i := range f.Messages {
		f.Messages[i].UID += by
	}
}

func withUID(uid uint32, m mailtest.ScriptMessage) mailtest.ScriptMessage {
	m.UID = uid
	return m
}

const moreCSV = `name,email,organisation,domain,kind,title
Emil Roth,emil@other.example;emil.roth@other.example,Other,other.example,partner,Director
Gerda Blau,gerda@else.example,Else,else.example,customer,
`

const frankVCF = "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Frank Zeman\r\nEMAIL:frank@fresh.example\r\nORG:Fresh\r\nEND:VCARD\r\n"

// remembering writes down the id of the newest thing in the trail that can be
// undone; undoing takes it back.
func remembering(_ *office, s *site) {
	s.t.Helper()
	for line := range strings.Lines(s.run("audit", "--json")) {
		var a struct{ ID, Action string }
		s.must(json.Unmarshal([]byte(line), &a))
		if a.Action == "contact.merge" || a.Action == "message.withdraw" {
			s.write("audit", []byte(a.ID))
			return
		}
	}
	s.t.Fatal("the trail has nothing to undo")
}

func undoing(s *site) [][]string {
	s.t.Helper()
	id, err := os.ReadFile(filepath.Join(s.dir, "audit"))
	s.must(err)
	return [][]string{{"undo", string(id)}, syncing}
}

// lose takes the store away, as a broken disk does, and leaves what people are
// told to keep: the key and the journal of erasures.
func lose(s *site) {
	s.t.Helper()
	for _, name := range []string{"rapport.db", "rapport.id", "rapport.lock", "blobs", "spool"} {
		s.must(os.RemoveAll(filepath.Join(s.dataDir, name)))
	}
}

// restoredFrom lays a backup out beside and returns what it holds.
func restoredFrom(file string) func(*site) string {
	return func(s *site) string {
		s.t.Helper()
		_ = os.Remove(filepath.Join(s.dataDir, "rapport.sock")) // of a killed process; it cannot be copied
		c := s.copied("restored")
		defer os.RemoveAll(c.dir)
		lose(c)
		if out, err := c.command("store", "restore", file).CombinedOutput(); err != nil {
			s.t.Errorf("restore %s: %v: %s", file, err, out)
		}
		if !filepath.IsAbs(file) {
			c.must(os.Remove(filepath.Join(c.dir, file)))
		}
		return "restored:\n" + c.content()
	}
}

// secondIsFirst gives what was written under a second name, as the first was
// taken, the first one.
func secondIsFirst(first, second string) func(*site) {
	return func(s *site) {
		s.t.Helper()
		s.must(os.RemoveAll(filepath.Join(s.dir, first)))
		s.must(os.Rename(filepath.Join(s.dir, second), filepath.Join(s.dir, first)))
	}
}

// bytesBelow describes the files of a directory.
func bytesBelow(name string) func(*site) string {
	return func(s *site) string {
		s.t.Helper()
		var b strings.Builder
		s.must(filepath.WalkDir(filepath.Join(s.dir, name), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			raw, err := os.ReadFile(path)
			fmt.Fprintf(&b, "%s: %d bytes, %x\n", d.Name(), len(raw), sha256.Sum256(raw))
			return err
		}))
		return b.String()
	}
}
