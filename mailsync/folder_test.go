package mailsync

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rapport/records/message"
)

func TestChooseFolders(t *testing.T) {
	t.Parallel()
	list := func(lines ...string) (out []listed) {
		for _, l := range lines {
			name, attrs, _ := strings.Cut(l, "|")
			delim := "/"
			if strings.Contains(name, ".") {
				delim = "."
			}
			out = append(out, listed{raw: name, delim: delim, attrs: strings.Fields(attrs)})
		}
		return out
	}
	for name, tt := range map[string]struct {
		policy policy
		lists  []listed
		want   []string // in order: name (role)
	}{
		"special use": {policy{}, list("Customers", "Sent|\\Sent", "INBOX", "Trash|\\Trash", "Bulk|\\Junk", "Entwürfe|\\Drafts", "Old|\\Archive", "Public|\\Noselect"),
			[]string{"INBOX (inbox)", "Sent (sent)", "Customers (other)", "Old (archive)"}},
		"names": {policy{}, list("INBOX", "Gesendete Objekte", "Papierkorb", "Entw&APw-rfe", "Junk-E-Mail", "Projekte", "Projekte/Sent", "Papierkorb/2024"),
			[]string{"INBOX (inbox)", "Gesendete Objekte (sent)", "Projekte (other)", "Projekte/Sent (other)"}},
		"Courier": {policy{}, list("INBOX", "INBOX.Sent", "INBOX.Trash", "INBOX.Drafts", "INBOX.Kunden.Private", "INBOX.Kunden"),
			[]string{"INBOX (inbox)", "INBOX.Sent (sent)", "INBOX.Kunden.Private (private)", "INBOX.Kunden (other)"}},
		"French":       {policy{}, list("INBOX", "&AMk-l&AOk-ments envoy&AOk-s", "Brouillons", "Corbeille", "Courrier ind&AOk-sirable"), []string{"INBOX (inbox)", "Éléments envoyés (sent)"}},
		"private":      {policy{}, list("INBOX", "Private", "Private/Doctor", "privat"), []string{"INBOX (inbox)", "Private (private)", "Private/Doctor (private)", "privat (private)"}},
		"include":      {policy{include: []string{"inbox", "Lists/*"}}, list("INBOX", "Lists", "Lists/a", "Lists/a/b", "Sent|\\Sent", "Other"), []string{"INBOX (inbox)", "Lists/a (other)", "Lists/a/b (other)"}},
		"exclude":      {policy{exclude: []string{"Lists", "INBOX/Pri*"}}, list("INBOX", "Lists", "Lists/a", "INBOX/Prints", "Sent"), []string{"INBOX (inbox)", "Sent (sent)"}},
		"junk by name": {policy{include: []string{"*"}}, list("INBOX", "Junk|\\Junk"), []string{"INBOX (inbox)", "Junk (junk)"}},
		"dots":         {policy{include: []string{"Kunden/*"}}, list("INBOX", "Kunden.A", "Andere.B"), []string{"Kunden.A (other)"}},
		"Gmail with labels": {policy{labels: true}, list("INBOX", "Kunde", "[Gmail]|\\Noselect", "[Gmail]/All Mail|\\All", "[Gmail]/Spam|\\Junk", "[Gmail]/Sent Mail|\\Sent"),
			[]string{"[Gmail]/All Mail (all)"}},
		"Gmail without": {policy{}, list("INBOX", "Kunde", "[Gmail]|\\Noselect", "[Gmail]/All Mail|\\All", "[Gmail]/Spam|\\Junk", "[Gmail]/Sent Mail|\\Sent", "[Gmail]/Bin|\\Trash"),
			[]string{"INBOX (inbox)", "[Gmail]/Sent Mail (sent)", "Kunde (other)"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read, all := tt.policy.choose(tt.lists)
			var got []string
			for _, f := range read {
				got = append(got, f.name+" ("+string(f.role)+")")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("choose (-want +got):\n%s", diff)
			}
			if len(all) != len(tt.lists) {
				t.Errorf("%d folders are known of %d", len(all), len(tt.lists))
			}
		})
	}
}

func TestMatchPath(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"INBOX", "inbox", true}, {"inbox/x", "INBOX/x", true}, {"Lists/*", "Lists/a", true}, {"Lists/*", "Lists", false}, {"Lists/*", "Lists/a/b", true},
		{"Lists", "Lists/a/b", true}, {"lists", "Lists", false}, {"*", "anything/deep", true}, {"A?", "AB", true}, {"A?", "ABC", false}, {"[", "[", true}, {"", "x", false}, {"[Gmail]/Spam", "[Gmail]/Spam", true},
	} {
		if got := matchPath(tt.pattern, tt.name); got != tt.want {
			t.Errorf("matchPath(%q, %q) = %v, want %v", tt.pattern, tt.name, got, tt.want)
		}
	}
}

func FuzzDecodeName(f *testing.F) {
	for _, s := range []string{"INBOX", "&APw-", "R&D", "&-", "&2D3cqQ-", "\xff", "&AAA-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		name := decodeName(raw)
		if strings.ContainsAny(name, "\x00\r\n") || !strings.EqualFold(strings.ToValidUTF8(name, ""), name) {
			t.Errorf("decodeName(%q) = %q", raw, name)
		}
	})
}

func FuzzFetchResponse(f *testing.F) {
	f.Add("(UID 5 FLAGS (\\Seen) BODY[HEADER] {3}\r\nabc)\r\n")
	f.Add("(BODY[] {3}\r\nabc UID 5)\r\n")
	f.Add("(UID 5 X-GM-LABELS (\"a b\" {2}\r\nxx \\Inbox) BODY[]<0> \"q\")\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		w := newWire(&memConn{strings.NewReader("* 1 FETCH " + text)}, nil)
		req := &fetchRequest{asked: message.UIDs(5), section: sectionBody, offset: -1, got: map[uint32]*part{}}
		w.fetches = []*fetchRequest{req}
		for w.response() == nil {
		}
		for uid, p := range req.got {
			if uid != 5 || int64(len(p.data)) != p.length {
				t.Errorf("UID %d: %d bytes of %d", uid, len(p.data), p.length)
			}
		}
	})
}
