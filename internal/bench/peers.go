package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"rapport/internal/mailtest"
)

// mirror is a local copy of a mailbox as mbsync keeps it.
type mirror struct{ dir, conf string }

// mirror prepares mbsync for a world's mailbox at addr; noSync switches fsync off.
func (l *lab) mirror(w *mailtest.World, noSync bool, addr string) (*mirror, error) {
	dir, err := l.fresh("mbsync")
	if err != nil {
		return nil, err
	}
	m := &mirror{dir: filepath.Join(dir, "mail"), conf: filepath.Join(dir, "mbsyncrc")}
	if err := os.MkdirAll(m.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make mirror: %w", err)
	}
	return m, m.configure(l, w, noSync, addr)
}

func (m *mirror) configure(l *lab, w *mailtest.World, noSync bool, addr string) error {
	u, global := l.account(w), ""
	if noSync {
		global = "FSync no\n"
	}
	_, port, _ := net.SplitHostPort(addr) // our own server's
	conf := fmt.Sprintf(`%sIMAPAccount a
Host localhost
Port %s
User %q
Pass %q
SSLType IMAPS
CertificateFile %q

IMAPStore far
Account a

MaildirStore near
Path %q
Inbox %q

Channel c
Far :far:
Near :near:
Patterns INBOX
Create Near
Sync Pull
SyncState *
`, global, port, u.Name, u.Password, l.server.CAFile, m.dir+"/", m.dir+"/INBOX")
	if err := os.WriteFile(m.conf, []byte(conf), 0o600); err != nil {
		return fmt.Errorf("write mbsyncrc: %w", err)
	}
	return nil
}

func (m *mirror) sync(ctx context.Context) (time.Duration, error) {
	return timed(ctx, "mbsync", "-q", "-c", m.conf, "-a")
}

// index makes a new index of the mirror with mu.
func (m *mirror) index(ctx context.Context) (time.Duration, error) {
	home := m.dir + "-mu"
	if err := os.RemoveAll(home); err != nil {
		return 0, fmt.Errorf("remove mu's index: %w", err)
	}
	if _, err := timed(ctx, "mu", "init", "--quiet", "--muhome="+home, "--maildir="+m.dir); err != nil {
		return 0, err
	}
	return timed(ctx, "mu", "index", "--quiet", "--muhome="+home)
}

func timed(ctx context.Context, name string, args ...string) (time.Duration, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%s: %w: %s", name, err, out.Bytes())
	}
	return time.Since(began), nil
}

// fetchFrom is a bare client: it connects and reads every message from a UID on.
func (l *lab) fetchFrom(ctx context.Context, w *mailtest.World, first imap.UID) (took time.Duration, n int, err error) {
	u := l.account(w)
	began := time.Now()
	c, err := imapclient.DialTLS(l.server.Addr, &imapclient.Options{TLSConfig: l.server.CA.ClientTLS()})
	if err != nil {
		return 0, 0, fmt.Errorf("dial: %w", err)
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	if err := c.Login(u.Name, u.Password).Wait(); err != nil {
		return 0, 0, fmt.Errorf("sign in: %w", err)
	}
	if _, err := c.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		return 0, 0, fmt.Errorf("examine: %w", err)
	}
	var set imap.UIDSet
	set.AddRange(first, 0)
	fetch := c.Fetch(set, &imap.FetchOptions{UID: true, InternalDate: true, BodySection: []*imap.FetchItemBodySection{{Peek: true}}})
	for m := fetch.Next(); m != nil; m = fetch.Next() {
		n++
		for item := m.Next(); item != nil; item = m.Next() {
			if body, ok := item.(imapclient.FetchItemDataBodySection); ok && body.Literal != nil {
				if _, err := io.Copy(io.Discard, body.Literal); err != nil {
					return 0, n, fmt.Errorf("read body: %w", err)
				}
			}
		}
	}
	if err := fetch.Close(); err != nil {
		return 0, n, fmt.Errorf("fetch: %w", err)
	}
	return time.Since(began), n, nil
}
