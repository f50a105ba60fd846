package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rapport/internal/mailtest"
)

// office is a small firm of two people whose mail servers a test alters at
// will: Ada with Inbox, Sent and an archive, Bob with an Inbox.
type office struct {
	ada, bob                   *mailtest.ScriptIMAP
	adaAddr, bobAddr           string
	inbox, sent, archive, bobs *mailtest.ScriptFolder
}

// officeDay is when the office's mail begins; each mail is a minute later.
var officeDay = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func newOffice(t testing.TB) *office {
	t.Helper()
	o := &office{
		inbox:   &mailtest.ScriptFolder{Name: "INBOX", UIDValidity: 11},
		sent:    &mailtest.ScriptFolder{Name: "Sent", Attributes: `\Sent`, UIDValidity: 12},
		archive: &mailtest.ScriptFolder{Name: "Archive", Attributes: `\Archive`, UIDValidity: 13},
		bobs:    &mailtest.ScriptFolder{Name: "INBOX", UIDValidity: 21},
	}
	o.ada = &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{o.inbox, o.sent, o.archive}}
	o.bob = &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{o.bobs}}
	o.adaAddr, o.bobAddr = serveScript(t, o.ada), serveScript(t, o.bob)
	o.fill()
	return o
}

func serveScript(t testing.TB, s *mailtest.ScriptIMAP) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { s.Serve(l); close(done) }()
	t.Cleanup(func() { s.Close(); <-done })
	return l.Addr().String()
}

// letter makes a mail; n makes its Message-ID and its time.
func letter(n int, from, to, subject, body string, more ...string) mailtest.ScriptMessage {
	at := officeDay.Add(time.Duration(n) * time.Minute)
	raw := fmt.Sprintf("Date: %s\r\nFrom: %s\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <%d@office.example>\r\n%s\r\n%s\r\n",
		at.Format(time.RFC1123Z), from, to, subject, n, strings.Join(more, ""), body)
	return mailtest.ScriptMessage{UID: uint32(n), Raw: []byte(raw), Received: at, Flags: `\Seen`}
}

// bulky is a body that stays large however it is compressed.
func bulky(seed uint64) string {
	raw := make([]byte, 240<<10)
	r := rand.NewChaCha8([32]byte{byte(seed)})
	_, _ = io.ReadFull(r, raw) // never fails
	text := base64.StdEncoding.EncodeToString(raw)
	var b strings.Builder
	for ; len(text) > 76; text = text[76:] {
		b.WriteString(text[:76] + "\r\n")
	}
	return b.String() + text
}

const (
	carla = "Carla Novak <carla@acme.example>"
	dora  = "Dora Ilic <dora@acme.example>"
	emil  = "Emil Roth <emil@other.example>"
	frank = "Frank Zeman <frank@fresh.example>"
	ada   = "Ada <ada@example.com>"
	bob   = "Bob <bob@example.com>"
)

// fill puts in what is there from the start.
func (o *office) fill() {
	reply := func(n int) string { return fmt.Sprintf("In-Reply-To: <%d@office.example>\r\n", n) }
	o.inbox.Messages = []mailtest.ScriptMessage{
		letter(1, carla, ada, "Offer", "zimtstern offer for the mill"),
		letter(2, carla, ada+", "+dora, "Re: Offer", "zimtstern second thoughts", reply(5)),
		letter(3, emil, ada, "Visit", "quittung for the visit"),
		letter(4, "Spam <s@nobody.example>", ada, "Buy", "pillenmarkt"),
		letter(6, frank, ada, "Hello", "neuanfang with a letter"),
		letter(7, "Carla <carla@home.example>", ada, "From home", "gartenlaube"),
		letter(8, carla, ada, "Drawing", bulky(1), "Content-Type: application/octet-stream; name=drawing.bin\r\nContent-Transfer-Encoding: base64\r\n"),
		letter(12, dora, ada, "Plan", "zimtstern plan", reply(2)),
		letter(13, "News <news@list.example>", ada, "News", "rundbrief", "List-Id: <news.list.example>\r\nPrecedence: bulk\r\n"),
	}
	o.sent.Messages = []mailtest.ScriptMessage{
		letter(5, ada, carla, "Re: Offer", "zimtstern answer", reply(1)),
		letter(9, ada, frank, "Re: Hello", "neuanfang answer", reply(6)),
	}
	o.archive.Messages = []mailtest.ScriptMessage{
		letter(3, emil, ada, "Visit", "quittung for the visit"),
		letter(10, emil, ada, "Old visit", "quittung of last year"),
	}
	o.bobs.Messages = []mailtest.ScriptMessage{
		letter(2, carla, ada+", "+dora, "Re: Offer", "zimtstern second thoughts", reply(5)),
		letter(11, emil, bob, "For Bob", "quittung for bob"),
		letter(14, carla, bob, "Only Bob", "zimtstern for bob"),
	}
}

// alter changes the servers.
func (o *office) alter(change func()) {
	o.ada.Lock()
	defer o.ada.Unlock()
	o.bob.Lock()
	defer o.bob.Unlock()
	change()
}

// bodies counts how often a whole body or a part of one was asked for.
func (o *office) bodies() int {
	n := 0
	for _, c := range append(o.ada.Commands(), o.bob.Commands()...) {
		n += strings.Count(c, "BODY.PEEK[]")
	}
	return n
}

const officePeople = `name,email,organisation,domain,kind
Carla Novak,carla@acme.example,Acme,acme.example,customer
Dora Ilic,dora@acme.example,Acme,acme.example,customer
Emil Roth,emil@other.example,Other,other.example,partner
`

// officeConfig is the configuration; policy holds whole lines.
func (o *office) config(policy string, boxes ...string) string {
	var b strings.Builder
	b.WriteString("data_dir: data\nteam: {name: Example, domains: [example.com], members: [{name: Ada, addresses: [ada@example.com]}, {name: Bob, addresses: [bob@example.com]}]}\nmailboxes:\n")
	for _, box := range boxes {
		addr := o.adaAddr
		if box == "bob" {
			addr = o.bobAddr
		}
		fmt.Fprintf(&b, "  - {name: %s, host: %q, tls: none, user: %s@example.com, password_file: password}\n", box, addr, box)
	}
	b.WriteString("web: {listen: \"\"}\n" + policy)
	return b.String()
}

// newOfficeSite is an installation for an office. Its directory is short, as
// the socket's path must be.
func newOfficeSite(t testing.TB, o *office) *site {
	t.Helper()
	s := emptySite(t)
	s.write("password", []byte("secret\n"))
	s.write("people.csv", []byte(officePeople))
	s.write("config.yaml", []byte(o.config("", "ada", "bob")))
	return s
}

// emptySite is an installation without a configuration.
func emptySite(t testing.TB) *site {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/dev/shm", "st") // in memory, where a sync costs nothing
	if err != nil {
		dir, err = os.MkdirTemp("", "st")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return &site{t: t, bin: bin, dir: dir, dataDir: filepath.Join(dir, "data"), config: filepath.Join(dir, "config.yaml")}
}

// copied is the same installation in another directory.
func (s *site) copied(name string) *site {
	s.t.Helper()
	c := *s
	c.dir = s.dir + "-" + name
	c.dataDir, c.config = filepath.Join(c.dir, "data"), filepath.Join(c.dir, "config.yaml")
	s.must(os.CopyFS(c.dir, os.DirFS(s.dir)))
	// What CopyFS makes, others may read.
	s.must(filepath.WalkDir(c.dir, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return os.Chmod(path, 0o700)
		}
		return os.Chmod(path, 0o600)
	}))
	return &c
}
