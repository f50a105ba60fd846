package pages_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport/internal/app"
	"rapport/internal/mailtest"
	"rapport/web"
)

// site is a daemon with its pages, on a mail server in this process.
type site struct {
	t      testing.TB
	imap   *mailtest.IMAP
	origin string // of its pages
	client *web.Client
}

const sitePassword = "S3CRET-xyz"

// newSite starts a daemon whose members have mailboxes of these names at
// kestrel.example; it ends with the test.
func newSite(t testing.TB, boxes ...string) *site {
	t.Helper()
	return newSiteWith(t, "", boxes...)
}

// newSiteWith is newSite with further lines of the configuration.
func newSiteWith(t testing.TB, lines string, boxes ...string) *site {
	t.Helper()
	dir := t.TempDir()
	var users []mailtest.User
	for _, b := range boxes {
		users = append(users, mailtest.User{Name: b + "@kestrel.example", Password: sitePassword})
	}
	server, err := mailtest.NewIMAP(nil, users...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	var b strings.Builder
	b.WriteString("data_dir: data\nteam:\n  name: Kestrel & Finch\n  domains: [kestrel.example]\n  members:\n")
	for _, box := range boxes {
		fmt.Fprintf(&b, "    - {name: %s, addresses: [%s@kestrel.example]}\n", strings.ToUpper(box[:1])+box[1:], box)
	}
	b.WriteString("mailboxes:\n")
	for _, box := range boxes {
		fmt.Fprintf(&b, "  - {name: %s, host: %q, tls: none, user: %[1]s@kestrel.example, password_file: password}\n", box, server.Addr)
	}
	b.WriteString("web: {listen: \"127.0.0.1:0\"}\n" + lines)
	for name, content := range map[string]string{"config.yaml": b.String(), "password": sitePassword + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &site{t: t, imap: server}
	s.run(filepath.Join(dir, "config.yaml"))
	return s
}

// run runs the daemon of a configuration until the test ends.
func (s *site) run(file string) {
	s.t.Helper()
	log := &syncBuffer{}
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan app.Listening, 1), make(chan error, 1)
	go func() {
		ended <- app.Run(ctx, file, app.RunOptions{
			Version: "test", Log: log, Signals: make(chan os.Signal), Ready: func(l app.Listening) { ready <- l },
		})
	}()
	select {
	case at := <-ready:
		s.origin, s.client = "http://"+at.TCP, web.NewSocketClient(at.Socket, "test")
	case err := <-ended:
		stop()
		s.t.Fatalf("Run: %v", err)
	}
	s.t.Cleanup(func() {
		s.client.Close()
		stop()
		if err := <-ended; err != nil {
			s.t.Errorf("Run: %v", err)
		}
		if s.t.Failed() {
			s.t.Logf("the log:\n%s", log)
		}
	})
}

// syncBuffer is a log that can be read while it is written.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// put delivers a mail into a folder of a mailbox.
func (s *site) put(box, folder string, raw []byte, at time.Time) {
	s.t.Helper()
	if err := s.imap.Append(box+"@kestrel.example", folder, raw, at); err != nil {
		s.t.Fatal(err)
	}
}

// sync reads every mailbox to its end.
func (s *site) sync() web.Status {
	s.t.Helper()
	st, err := s.client.Sync(context.Background(), nil, nil)
	if err != nil {
		s.t.Fatalf("sync: %v", err)
	}
	return st
}
