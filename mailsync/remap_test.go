package mailsync_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/internal/mailtest"
)

// numbered is a folder of mails from Cleo.
func numbered(f func([]byte) []byte, validity uint32, first, n int) *mailtest.ScriptFolder {
	out := &mailtest.ScriptFolder{Name: "INBOX", UIDValidity: validity}
	for i := range n {
		out.Messages = append(out.Messages, mailtest.ScriptMessage{UID: uint32(i + 1), Received: time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC),
			Raw: f(raw(fmt.Sprint("m", first+i), "cleo@client.example", fmt.Sprint("mail ", first+i), "hello"))})
	}
	return out
}

// TestM20_SpuriousRenumbering gives a folder new numbers for the same mail, in
// the same order and in another, again and again: nothing comes twice, nothing
// is lost.
func TestM20_SpuriousRenumbering(t *testing.T) {
	t.Parallel()
	s := &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{{Name: "INBOX", UIDValidity: 1}}}
	f := onScript(t, s)
	*s.Folders[0] = *numbered(f.knows, 1, 0, 30)
	f.syncs()
	f.shows("first", 30)
	for try := range 4 {
		s.Lock()
		box := s.Folders[0]
		box.UIDValidity++
		slices.Reverse(box.Messages)
		for i := range box.Messages {
			box.Messages[i].UID = uint32(100*try + i + 1)
		}
		s.Unlock()
		f.syncs()
		f.shows(fmt.Sprint("numbering ", box.UIDValidity), 30)
		for _, m := range f.messages() {
			if len(m.Holdings) != 1 || m.Holdings[0].UIDValidity != box.UIDValidity {
				t.Errorf("%q is held at %+v, want the new number alone", m.Head.Subject, m.Holdings)
			}
		}
	}
	t.Attr("tries", strconv.Itoa(4*30))
}

// TestM21_OtherMail gives a folder new numbers and other mail: what was there
// stays in the log, what is new comes, nothing is taken for something else.
func TestM21_OtherMail(t *testing.T) {
	t.Parallel()
	for overlap := range 3 {
		s := &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{{Name: "INBOX", UIDValidity: 1}}}
		f := onScript(t, s)
		*s.Folders[0] = *numbered(f.knows, 1, 0, 20)
		f.syncs()
		s.Lock()
		*s.Folders[0] = *numbered(f.knows, 2, 20-10*overlap, 20)
		s.Unlock()
		f.syncs()
		f.shows(fmt.Sprintf("%d of 20 the same", 10*overlap), 40-10*overlap)
		subjects := map[string]bool{}
		for _, e := range f.entries() {
			subjects[e.Subject] = true
		}
		if len(subjects) != 40-10*overlap {
			t.Errorf("%d subjects are shown", len(subjects))
		}
	}
	t.Attr("tries", "60")
}

// TestM33_FoldersComeAndGo renames, deletes and makes folders anew between
// passes: the history stays, and nothing comes twice.
func TestM33_FoldersComeAndGo(t *testing.T) {
	t.Parallel()
	f, d := onDovecot(t, "Kunden", "Alt")
	for n := range 5 {
		deliver(t, d, "Kunden", f.knows(raw(fmt.Sprint("k", n), "cleo@client.example", fmt.Sprint("kunde ", n), "hello")))
		deliver(t, d, "Alt", f.knows(raw(fmt.Sprint("a", n), "cleo@client.example", fmt.Sprint("alt ", n), "hello")))
	}
	f.syncs()
	f.shows("before", 10)
	for what, change := range map[string]func() error{
		"renamed": func() error { return d.Rename(account, "Kunden", "Partner") },
		"deleted": func() error { return d.Delete(account, "Alt") },
	} {
		must(t, change())
		f.syncs()
		f.shows(what, 10)
	}
	must(t, d.CreateFolder(account, "Alt")) // another one of that name
	deliver(t, d, "Alt", f.knows(raw("neu", "cleo@client.example", "neu", "hello")))
	must(t, d.Rename(account, "Partner", "Kunden"))
	f.syncs()
	f.shows("made anew and renamed back", 11)
	must(t, d.Move(account, "Kunden", "Alt", "ALL"))
	must(t, d.Delete(account, "Kunden"))
	f.syncs()
	f.shows("moved together", 11)
	t.Attr("tries", "5")
}

// TestM36_OddIdentities has mail without a Message-ID, with one of 10 KB, with
// several, and different mail under the same: all is stored; the same date and
// sender with another text is a variant, anything else an entry of its own.
func TestM36_OddIdentities(t *testing.T) {
	t.Parallel()
	s := &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{{Name: "INBOX", UIDValidity: 1}}}
	f := onScript(t, s)
	const cleo = "cleo@client.example"
	same := func(subject, text string) []byte { return raw("same", cleo, subject, text) }
	mails := [][]byte{
		raw("", cleo, "no id", "hello"),
		raw("", cleo, "no id", "hello"), // the very same
		raw("", cleo, "no id", "another text"),
		raw(strings.Repeat("long", 2500), cleo, "long id", "hello"),
		raw("first", cleo, "two ids", "hello", "Message-ID: <second@mail.example>\r\n"),
		same("same id", "one text"),
		same("same id", "another text"), // a variant
		[]byte(strings.Replace(string(same("other date", "third text")), "05 Feb", "06 Feb", 1)),
		[]byte(strings.Replace(string(same("other sender", "fourth text")), "From: "+cleo, "From: carol@client.example\r\nCc: "+cleo, 1)),
	}
	for i, m := range mails {
		s.Folders[0].Messages = append(s.Folders[0].Messages, mailtest.ScriptMessage{UID: uint32(i + 1), Raw: f.knows(m), Received: time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)})
	}
	f.syncs()
	f.shows("odd identities", 7)
	held, variants := 0, 0
	for _, m := range f.messages() {
		held += len(m.Holdings)
		variants += len(m.Variants)
	}
	if held != len(mails) || variants != 1 {
		t.Errorf("%d copies are held with %d variants, want all %d and one", held, variants, len(mails))
	}
	t.Attr("tries", strconv.Itoa(len(mails)))
}
