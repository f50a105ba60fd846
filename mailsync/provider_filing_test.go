package mailsync_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"rapport/internal/mailtest"
)

// office is a mailbox at a provider that is read all the way into a store.
type office struct {
	*filing
	server  *mailtest.Provider
	account *mailtest.ProviderAccount
}

func atOffice(t *testing.T, style mailtest.Style) *office {
	t.Helper()
	p := mailtest.NewProvider(style)
	o := &office{server: p, account: p.Account(account)}
	o.filing = onScript(t, &p.ScriptIMAP)
	if o.box.Mailbox.Provider = "gmail"; style == mailtest.StyleMicrosoft {
		o.box.Mailbox.Provider = "outlook"
	}
	return o
}

// comes puts a mail from Cleo into a folder.
func (o *office) comes(folder, id, labels string) {
	o.puts(folder, mailtest.ScriptMessage{Raw: o.knows(raw(id, "cleo@client.example", "mail "+id, "hello")), Received: time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC), Labels: labels})
}

// puts gives a message the next number of a folder.
func (o *office) puts(folder string, m mailtest.ScriptMessage) {
	o.server.Lock()
	defer o.server.Unlock()
	f := o.account.Folder(folder)
	f.UIDNext = max(f.UIDNext, 1)
	m.UID = f.UIDNext
	f.UIDNext++
	f.Messages = append(f.Messages, m)
}

// moves moves all of a folder into another, where it gets new numbers.
func (o *office) moves(from, to string) {
	o.server.Lock()
	f := o.account.Folder(from)
	all := f.Messages
	f.Messages = nil
	o.server.Unlock()
	for _, m := range all {
		o.puts(to, m)
	}
}

// changes has the account's list of folders changed.
func (o *office) changes(change func(folders []*mailtest.ScriptFolder) []*mailtest.ScriptFolder) {
	o.server.Lock()
	defer o.server.Unlock()
	o.account.Folders = change(o.account.Folders)
}

func adding(name string, validity uint32) func([]*mailtest.ScriptFolder) []*mailtest.ScriptFolder {
	return func(fs []*mailtest.ScriptFolder) []*mailtest.ScriptFolder {
		return append(fs, &mailtest.ScriptFolder{Name: name, Attributes: `\HasNoChildren`, UIDValidity: validity})
	}
}

func without(name string) func([]*mailtest.ScriptFolder) []*mailtest.ScriptFolder {
	return func(fs []*mailtest.ScriptFolder) []*mailtest.ScriptFolder {
		return slices.DeleteFunc(slices.Clone(fs), func(f *mailtest.ScriptFolder) bool { return f.Name == name })
	}
}

func renaming(from, to string) func([]*mailtest.ScriptFolder) []*mailtest.ScriptFolder {
	return func(fs []*mailtest.ScriptFolder) []*mailtest.ScriptFolder {
		for _, f := range fs {
			if f.Name == from {
				f.Name = to
			}
		}
		return fs
	}
}

// TestM33_ProvidersFolders renames, deletes and makes anew a folder at
// Exchange, and a label at Gmail: the history stays, and nothing comes twice.
func TestM33_ProvidersFolders(t *testing.T) {
	t.Parallel()
	for _, style := range []mailtest.Style{mailtest.StyleMicrosoft, mailtest.StyleGmail} {
		o := atOffice(t, style)
		folder, labels := "Kunden", ""
		if style == mailtest.StyleGmail {
			folder, labels = "[Gmail]/All Mail", "Kunden"
		}
		o.changes(adding("Kunden", 900))
		for n := range 5 {
			o.comes(folder, fmt.Sprint(n), labels)
		}
		o.syncs()
		o.shows("before", 5)
		o.changes(renaming("Kunden", "Partner"))
		o.syncs()
		o.shows("renamed", 5)
		o.changes(adding("Kunden", 900)) // another one with the numbers of the old
		if style == mailtest.StyleMicrosoft {
			o.comes("Kunden", "new", "")
		} else {
			o.comes(folder, "new", "Kunden")
		}
		o.syncs()
		o.shows("made anew", 6)
		o.changes(without("Partner"))
		o.changes(renaming("Kunden", "Partner"))
		o.syncs()
		o.shows("deleted, and the other in its place", 6)
		o.changes(without("Partner"))
		o.syncs()
		o.shows("all deleted", 6)
	}
	t.Attr("tries", "8")
}

// TestM34_ProvidersMove moves mail about: at Exchange every move gives new
// numbers, at Gmail only what comes back from the bin gets some. One entry each.
func TestM34_ProvidersMove(t *testing.T) {
	t.Parallel()
	tries := 0
	for style, between := range map[mailtest.Style][2]string{
		mailtest.StyleMicrosoft: {"INBOX", "Archive"}, mailtest.StyleGmail: {"[Gmail]/All Mail", "[Gmail]/Trash"},
	} {
		o := atOffice(t, style)
		for n := range 10 {
			o.comes(between[0], fmt.Sprint(n), `\\Inbox`)
		}
		o.syncs()
		o.shows("before", 10)
		for _, synced := range []bool{true, false} {
			for range 2 {
				for _, way := range [][2]string{between, {between[1], between[0]}} {
					o.moves(way[0], way[1])
					tries += 10
					if synced {
						o.syncs()
						o.shows("moved to "+way[1], 10)
					}
				}
			}
			o.syncs()
			o.shows("moved about", 10)
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestM35_ProvidersCopies has the same mail under labels at Gmail, which are
// given and taken, and copied to other folders at Exchange: one entry.
func TestM35_ProvidersCopies(t *testing.T) {
	t.Parallel()
	for _, style := range []mailtest.Style{mailtest.StyleMicrosoft, mailtest.StyleGmail} {
		o := atOffice(t, style)
		holdings := 1
		o.changes(adding("Projekt A", 901))
		for n := range 10 {
			id := fmt.Sprint(n)
			if style == mailtest.StyleGmail {
				o.comes("[Gmail]/All Mail", id, `\\Inbox "Projekt A"`)
			}
			o.comes("INBOX", id, "")
			o.comes("Projekt A", id, "")
		}
		if style == mailtest.StyleMicrosoft {
			holdings = 2
		}
		o.syncs()
		o.shows("under labels", 10)
		for _, m := range o.messages() {
			if len(m.Holdings) != holdings {
				t.Errorf("%s: %q is held at %+v, want %d copies", style, m.Head.Subject, m.Holdings, holdings)
			}
		}
		o.changes(without("Projekt A"))
		o.syncs()
		o.shows("a label taken", 10)
	}
	t.Attr("tries", "40")
}
