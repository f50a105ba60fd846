package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"rapport/internal/mailtest"
)

// controls are what a terminal obeys, or what turns the order of what is read.
var controls = []string{
	"\x1b[31mred\x1b[0m", "\x1b]0;owned\x07", "\x1b]8;;http://evil.example\x1b\\click", "\x1bP1$r\x1b\\", "\x1b[2J\x1b[H", "\x1bc", "\x07\x08\x08\x7f", "\u009b31m", "\u009d0;x\u009c", "\u0090", "\u202egnp.exe", "\u2066x", "\ufeff", "\r\roverwritten", "a\x0bb\x0c", "\U000e0041", "\x00\x01\x02",
}

// TestS20_NothingSteersTheTerminal lets mail, file names, folder names and
// error texts of a server hold every control there is, and looks at each byte
// every command prints about it, for people and as JSON.
func TestS20_NothingSteersTheTerminal(t *testing.T) {
	w := mailtest.NewBulk(20, 4, 2, 0.01)
	s, server := controlled(t, w)
	s.run("contact", "import", s.write("contacts.jsonl", w.ContactsJSON()))
	who := w.Contacts[0].Addresses[0]
	file := s.write("\u202ehostile.eml", controlMail(w, 0, strings.Join(controls, " ")))
	id := "ada/INBOX/1"
	if name := mailtest.ShortName(w.Accounts()[0].Name); name != "ada" {
		id = name + "/INBOX/1"
	}
	commands := [][]string{
		{"sync"}, {"status"}, {"status", "--json"}, {"reconcile"}, {"reconcile", "--json"}, {"doctor"}, {"doctor", "--json"}, {"check"},
		{"timeline", who}, {"timeline", who, "--json"}, {"search", "red"}, {"search", "red", "--json"}, {"search", "\x1b[31mx\u202e"}, {"search", "from:\u009b"},
		{"message", "show", id}, {"message", "show", id, "--json"}, {"explain", id}, {"explain", id, "--json"}, {"parse", file}, {"parse", file, "--json"},
		{"message", "show", "\x1b[31mno such\u202e"}, {"timeline", "\x1b]0;x\x07"}, {"contact", "show", "\u009b31m"}, {"contact", "add", "--name", "\x1b[31mEve", "--email", "eve@evil.example", "--kind", "customer"},
		{"contact", "list"}, {"contact", "list", "--json"}, {"contact", "show", who}, {"contact", "show", who, "--json"}, {"organisation", "list"}, {"discover"}, {"discover", "--json"},
		{"suggestion", "list"}, {"suggestion", "list", "--json"}, {"review", "list"}, {"review", "list", "--json"}, {"note", who, "a \x1b[31mnote\x07"}, {"timeline", who},
		{"file", id, "\x1b[31mnobody"}, {"file", id, w.Contacts[1].Addresses[0]}, {"unfile", id, w.Contacts[1].Addresses[0]}, {"audit"}, {"audit", "--json"}, {"audit", who},
		{"member", "list"}, {"rematch"}, {"store", "check"}, {"export", filepath.Join(s.dir, "out")}, {"\x1b[31mno-command"}, {"sync", "--\x1b[31mno-flag"}, {"version"},
	}
	tries := 0
	for _, args := range commands {
		tries++
		s.looksPlain(t, args)
	}
	server.refuse.Store(true) // and now it answers everything with controls
	for _, args := range [][]string{{"sync"}, {"status"}, {"status", "--json"}, {"doctor"}, {"doctor", "--json"}, {"reconcile"}, {"reconcile", "--json"}} {
		tries++
		s.looksPlain(t, args)
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// looksPlain runs the program and judges what it prints on both streams.
func (s *site) looksPlain(t *testing.T, args []string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := s.command(args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	began := time.Now()
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatalf("rapport %q: %v", args, err)
	}
	if took := time.Since(began); took > time.Second {
		t.Logf("rapport %q: %v", args, took.Round(time.Millisecond))
	}
	if cmd.ProcessState.ExitCode() == 2 && strings.Contains(errs.String(), "goroutine ") {
		t.Errorf("rapport %q: %s", args, errs.String())
	}
	for stream, text := range map[string]string{"output": out.String(), "errors": errs.String()} {
		if at := steeredAt(text); at >= 0 {
			t.Errorf("rapport %q: its %s hold %q in %q", args, stream, text[at:min(len(text), at+4)], text[max(0, at-60):min(len(text), at+20)])
		}
	}
}

// steeredAt returns where text holds what may steer a terminal, -1 if nowhere.
func steeredAt(text string) int {
	for i, r := range text {
		bad := r != '\n' && r != '\t' && unicode.IsControl(r) || r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD")
		bad = bad || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\ufeff' || r >= 0xe0000 && r <= 0xe007f
		if bad {
			return i
		}
	}
	return -1
}

// hostileServer is a server that names folders and words refusals with
// controls.
type hostileServer struct {
	*mailtest.ScriptIMAP
	refuse atomic.Bool // every command but signing in
}

// controlMail is a mail of a contact's with controls wherever there is text.
func controlMail(w *mailtest.World, n int, c string) []byte {
	word := fmt.Sprintf("=?utf-8?b?%s?=", base64.StdEncoding.EncodeToString([]byte(c)))
	flat := strings.NewReplacer("\r", " ", "\n", " ").Replace(c)
	return fmt.Appendf(nil, "Message-ID: <c%d%s@evil.example>\r\nDate: %s\r\nFrom: \"%s %s\" <%s>\r\nTo: %s <%s>\r\nCc: %s <stranger%d@evil.example>, %s\r\nSubject: red %s %s\r\nAuthentication-Results: mx.example; spf=fail %s\r\n"+
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nred %s text\r\n--b\r\nContent-Type: application/x%s; name=\"%s.pdf\"\r\nContent-Disposition: attachment; filename*=utf-8''%%1B%%5B31m%%C2%%9Bx.pdf\r\n\r\nx\r\n--b--\r\n",
		n, flat, w.Now.Add(-time.Duration(n)*time.Hour).Format(time.RFC1123Z), flat, word, w.Contacts[0].Addresses[0], word, w.Members[0].Addresses[0], flat, n, flat, flat, word, flat, c, flat, flat)
}

// controlled is a site on a server whose mail and names hold controls.
func controlled(t *testing.T, w *mailtest.World) (*site, *hostileServer) {
	t.Helper()
	h := &hostileServer{ScriptIMAP: &mailtest.ScriptIMAP{Greeting: "* OK \x1b[31mhello\u202e", Folders: []*mailtest.ScriptFolder{
		{Name: "INBOX", UIDValidity: 1}, {Name: "\x1b[31mred", UIDValidity: 1}, {Name: "refused \u202e", UIDValidity: 1}, {Name: "c1 \u009b31m", UIDValidity: 1},
	}}}
	for n, c := range append(controls, strings.Join(controls, " ")) {
		h.Folders[0].Messages = append(h.Folders[0].Messages, mailtest.ScriptMessage{UID: uint32(n + 1), Raw: controlMail(w, n, c), Received: w.Now, Flags: "red\x1b[31m"})
	}
	h.Hook = func(c *mailtest.ScriptConn, command string) bool {
		verb, _, _ := strings.Cut(strings.ToUpper(command), " ")
		switch {
		case verb == "EXAMINE" && strings.Contains(command, "refused"), h.refuse.Load() && verb != "CAPABILITY" && verb != "LOGIN" && verb != "AUTHENTICATE" && verb != "LOGOUT":
			c.Send("* NO [ALERT] \x1b]0;owned\x07 alert\r\n")
			c.No("\x1b[31mno " + strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(strings.Join(controls, " ")))
			return true
		}
		return false
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { h.Serve(l); close(served) }()
	t.Cleanup(func() { h.Close(); l.Close(); <-served })
	return siteOn(t, w, mailtest.Server{Addr: l.Addr().String(), TLS: "none"}), h
}
