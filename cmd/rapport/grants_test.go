package main

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/internal/filefault"
	"rapport/internal/mailtest"
)

// tokenSite is an installation whose one mailbox takes access tokens.
func tokenSite(t *testing.T) (*site, *mailtest.Issuer) {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	issuer := mailtest.NewIssuer()
	t.Cleanup(issuer.Close)
	issuer.Microsoft, issuer.Rotate, issuer.Person, issuer.AtOnce = true, true, "ada@example.com", true
	at := time.Now().Add(-time.Hour)
	raw := "Date: " + at.Format(time.RFC1123Z) + "\r\nFrom: carl@press.example\r\nTo: ada@example.com\r\nSubject: Hello\r\nMessage-ID: <1@press.example>\r\n\r\nHello.\r\n"
	server := &mailtest.ScriptIMAP{Capabilities: "IMAP4rev1 SASL-IR AUTH=XOAUTH2",
		Folders: []*mailtest.ScriptFolder{{Name: "INBOX", UIDValidity: 7, Messages: []mailtest.ScriptMessage{{UID: 1, Raw: []byte(raw), Received: at}}}}}
	server.Hook = func(c *mailtest.ScriptConn, command string) bool {
		words, ok := strings.CutPrefix(command, "AUTHENTICATE XOAUTH2 ")
		if user, token, said := mailtest.Bearer(words); ok && (!said || !issuer.Takes(user, token)) {
			c.No("AUTHENTICATE failed.")
			return true
		}
		return false
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); server.Serve(l) }()
	t.Cleanup(func() { server.Close(); <-done })
	dir := t.TempDir()
	s := &site{t: t, bin: bin, dir: dir, dataDir: filepath.Join(dir, "data"), config: filepath.Join(dir, "config.yaml")}
	s.write("config.yaml", fmt.Appendf(nil, "data_dir: data\nteam: {domains: [example.com]}\nweb: {listen: \"127.0.0.1:0\"}\nmailboxes:\n"+
		"  - {name: ada, host: %q, tls: none, user: ada@example.com, oauth: {issuer: microsoft, client_id: app, token_url: %q, device_url: %q}}\n",
		l.Addr(), issuer.URL+"/token", issuer.URL+"/device"))
	return s, issuer
}

// TestM8_KilledWhileRotating kills the program at each change of a file after
// the issuer has given a new refresh token in the place of the one before: the
// next run signs in all the same.
func TestM8_KilledWhileRotating(t *testing.T) {
	t.Parallel()
	if err := filefault.Supported(); err != nil {
		mailtest.SkipOrFail(t, err.Error())
	}
	s, issuer := tokenSite(t)
	out := s.run("auth", "login", "ada")
	if !strings.Contains(out, issuer.URL+"/code") || !strings.Contains(out, "Signed in as ada@example.com") || !strings.Contains(out, "are read: INBOX") {
		t.Errorf("auth login says:\n%s", out)
	}
	if out := s.run("auth", "status"); !strings.Contains(out, "mailbox ada") || !strings.Contains(out, "good") {
		t.Errorf("auth status says:\n%s", out)
	}
	issuer.Lock()
	issuer.Life = 30 * time.Second // so short that each run renews it
	issuer.Unlock()
	s.run("auth", "logout", "ada", "-y")
	s.run("auth", "login", "ada")
	kills := 0
	for k := 1; k <= rotationKills; k++ {
		before, after := issuer.Asked("refresh_token"), 0
		w, err := filefault.Start(s.command("sync"), s.dir, func(filefault.Op) filefault.Verdict {
			if issuer.Asked("refresh_token") > before {
				if after++; after == k {
					return filefault.Kill()
				}
			}
			return filefault.Do()
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Wait()
		if !w.Killed() {
			if err != nil {
				t.Errorf("undisturbed: %v", err)
			}
			break
		}
		kills++
		s.run("sync")
	}
	if kills < 4 {
		t.Errorf("only %d kills after a rotation", kills)
	}
	for _, secret := range issuer.Tokens() {
		if found := s.traces([]string{secret}); len(found) > 0 {
			t.Errorf("a token lies in the store: %s", secret)
		}
	}
	t.Attr("tries", strconv.Itoa(kills))
}

// rotationKills bounds at how many changes of a file the program is killed.
const rotationKills = 10
