package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rapport/internal/app"
	"rapport/internal/mailtest"
)

// crew is a site of many mailboxes on a server in this process.
type crew struct {
	*site
	imap  *mailtest.IMAP
	addr  string
	users []mailtest.User
	names []string
	mails int
}

func newCrew(t *testing.T, n int) *crew {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := &crew{site: &site{t: t, bin: bin, dir: dir, dataDir: filepath.Join(dir, "data"), config: filepath.Join(dir, "config.yaml")}}
	var boxes strings.Builder
	for i := range n {
		name := fmt.Sprintf("m%d", i)
		c.names = append(c.names, name)
		c.users = append(c.users, mailtest.User{Name: name + "@example.com", Password: "geheim"})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	c.must(err)
	c.addr = l.Addr().String()
	c.must(l.Close()) // until serve
	for _, name := range c.names {
		fmt.Fprintf(&boxes, "  - {name: %s, host: %q, tls: none, user: %s@example.com, password_env: RAPPORT_TEST_SECRET}\n", name, c.addr, name)
	}
	c.must(os.WriteFile(c.config, fmt.Appendf(nil, "data_dir: %q\nteam: {name: Example, domains: [example.com]}\nweb: {listen: \"127.0.0.1:0\"}\nmailboxes:\n%s", c.dataDir, boxes.String()), 0o600))
	t.Setenv("RAPPORT_TEST_SECRET", "geheim")
	c.run("organisation", "add", "--name", "Acme", "--domain", "acme.example", "--kind", "customer")
	return c
}

// serve starts the mail server.
func (c *crew) serve() {
	c.t.Helper()
	l, err := net.Listen("tcp", c.addr)
	c.must(err)
	c.imap, err = mailtest.ServeIMAP(l, c.users...)
	c.must(err)
	c.t.Cleanup(func() { c.imap.Close() })
}

// arrive delivers one mail to every mailbox.
func (c *crew) arrive() {
	c.t.Helper()
	for _, name := range c.names {
		c.mails++
		raw := fmt.Sprintf("Date: %s\r\nFrom: carla@acme.example\r\nTo: %s@example.com\r\nSubject: mail %d\r\nMessage-ID: <%d@test.example>\r\n\r\nHello.\r\n",
			time.Now().Format(time.RFC1123Z), name, c.mails, c.mails)
		c.must(c.imap.Append(name+"@example.com", "INBOX", []byte(raw), time.Now()))
	}
}

// filed waits until all mail is filed and every mailbox watches.
func (c *crew) filed(d *daemon) {
	c.t.Helper()
	d.until(fmt.Sprintf("all %d mails are filed", c.mails), func(ctx context.Context) bool {
		st, err := d.client.Status(ctx)
		return err == nil && st.Totals.InSync && st.Totals.Stored == c.mails
	})
}

// stored asks the metrics how many mails are filed; those who crowd the socket
// are not in its way.
func (c *crew) stored(ctx context.Context, d *daemon) (n int) {
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+d.listens()+"/metrics", nil)
	c.must(err)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	c.must(err)
	for _, m := range regexp.MustCompile(`rapport_mailsync_copies\{[^}]*state="stored"\} (\d+)`).FindAllSubmatch(text, -1) {
		one, err := strconv.Atoi(string(m[1]))
		c.must(err)
		n += one
	}
	return n
}

// ulimit starts the program with a limit of open files.
func ulimit(n int) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		cmd.Args = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -n %d; exec "$0" "$@"`, n), cmd.Path}, cmd.Args[1:]...)
		cmd.Path = "/bin/sh"
	}
}

// TestM84_TooFewFiles has fewer files than mailboxes: the daemon lives, says
// which mailboxes it cannot call and what to raise, and goes on by itself once
// it may have more.
func TestM84_TooFewFiles(t *testing.T) {
	for _, files := range fileLimits {
		c := newCrew(t, 20)
		d := c.starts()
		d.until("the server is called", func(ctx context.Context) bool { return strings.Contains(d.said(), "refuses the connection") })
		var had unix.Rlimit
		c.must(unix.Prlimit(d.cmd.Process.Pid, unix.RLIMIT_NOFILE, nil, &had))
		c.must(unix.Prlimit(d.cmd.Process.Pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(files), Max: had.Max}, nil))
		c.serve()
		c.arrive()
		d.until("some mailbox cannot be called", func(ctx context.Context) bool { return strings.Contains(d.said(), "no more files open") })
		c.must(unix.Prlimit(d.cmd.Process.Pid, unix.RLIMIT_NOFILE, &had, nil))
		c.filed(d)
		d.stop()
	}
	t.Attr("tries", strconv.Itoa(len(fileLimits)*20))
}

// memoryGroup makes a control group that may use so much memory.
func memoryGroup(t *testing.T, bytes int) (join func(pid int)) {
	t.Helper()
	for _, group := range []struct{ dir, limit string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, {"/sys/fs/cgroup", "memory.max"},
	} {
		dir := filepath.Join(group.dir, "rapport-test-"+strconv.Itoa(os.Getpid()))
		if err := os.Mkdir(dir, 0o755); err != nil {
			continue
		}
		t.Cleanup(func() { _ = os.Remove(dir) }) // empty once the daemon has ended
		if err := os.WriteFile(filepath.Join(dir, group.limit), []byte(strconv.Itoa(bytes)), 0o644); err != nil {
			continue
		}
		return func(pid int) {
			if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Skip("limiting memory needs the right to make a control group")
	return nil
}

// TestM84_MemoryLimit reads mailboxes in 256 MB, with a mail of 60 MB among
// them: the kernel ends nothing.
func TestM84_MemoryLimit(t *testing.T) {
	t.Parallel()
	join := memoryGroup(t, 256<<20)
	w := mailtest.NewWorld(mailtest.Options{Seed: 84, Messages: memoryMails})
	s := dovecotSite(t, w)
	d := s.starts()
	join(d.cmd.Process.Pid)
	d.inSync()
	d.alive()
	t.Attr("tries", strconv.Itoa(memoryMails))
}

// dovecotSite is a site whose world knows everybody, with one huge mail.
func dovecotSite(t *testing.T, w *mailtest.World) *site {
	t.Helper()
	server := mailtest.StartDovecotWith(t, mailtest.DovecotOptions{Users: w.Accounts()})
	if err := w.DeliverTo(server); err != nil {
		t.Fatal(err)
	}
	user := w.Accounts()[0].Name
	raw := fmt.Appendf(nil, "From: %s\r\nTo: %s\r\nSubject: huge\r\nDate: %s\r\nMessage-ID: <huge@x.example>\r\n\r\n", w.Contacts[0].Addresses[0], user, w.Now.Format(time.RFC1123Z))
	if _, err := server.Deliver(user, "INBOX", append(raw, noise(60<<20)...), w.Now); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, w, server)
	s.know(w)
	return s
}

// TestM84_FewFiles runs 20 mailboxes in a process that may have 64 files open:
// all are read, also while more ask the daemon than it can bear, and it says
// what to raise.
func TestM84_FewFiles(t *testing.T) {
	c := newCrew(t, 20)
	c.serve()
	c.arrive()
	d := c.starts(ulimit(64))
	c.filed(d)
	if said := d.said(); !strings.Contains(said, "LimitNOFILE") {
		t.Errorf("the log names no limit: %s", said)
	}
	socket, err := app.SocketPath(c.dataDir)
	c.must(err)
	for range askRounds {
		var held []net.Conn
		for range 200 {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
			cancel()
			if err != nil { // the kernel holds no more
				break
			}
			held = append(held, conn)
		}
		c.arrive()
		d.until("the mail is filed meanwhile", func(ctx context.Context) bool { return c.stored(ctx, d) == c.mails })
		for _, conn := range held {
			conn.Close()
		}
		t.Logf("%d connections were held", len(held))
		c.filed(d)
	}
	t.Attr("tries", strconv.Itoa(len(c.names)*(1+askRounds)))
}
