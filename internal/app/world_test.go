package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport/internal/config"
	"rapport/internal/mailtest"
	"rapport/web"
)

// world is a configuration on a mail server in this process.
type world struct {
	t    *testing.T
	dir  string
	imap *mailtest.IMAP
	log  *syncBuffer

	boxes  []string
	extra  string // more lines of the configuration
	policy string
	listen string
	next   int
	now    func() time.Time // of the daemon; nil: time.Now
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

const worldPassword = "S3CRET-xyz"

// newWorld makes a world with mailboxes of these names at example.com.
func newWorld(t *testing.T, boxes ...string) *world {
	t.Helper()
	var users []mailtest.User
	for _, b := range boxes {
		users = append(users, mailtest.User{Name: b + "@example.com", Password: worldPassword})
	}
	server, err := mailtest.NewIMAP(nil, users...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	w := &world{t: t, dir: t.TempDir(), imap: server, log: &syncBuffer{}, boxes: boxes, listen: "127.0.0.1:0"}
	w.write(filepath.Join(w.dir, "password"), worldPassword+"\n")
	w.configure()
	t.Cleanup(func() {
		if strings.Contains(w.log.String(), worldPassword) {
			t.Errorf("the log holds the password:\n%s", w.log)
		}
		if t.Failed() {
			t.Logf("the log:\n%s", w.log)
		}
	})
	return w
}

func (w *world) write(path, content string) {
	w.t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) file() string { return filepath.Join(w.dir, "config.yaml") }

func (w *world) dataDir() string { return filepath.Join(w.dir, "data") }

// configure writes the configuration as the world's fields say.
func (w *world) configure() {
	w.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "data_dir: data\nteam: {name: Example, domains: [example.com], members: [{name: Ada, addresses: [ada@example.com]}]}\nmailboxes:\n")
	for _, box := range w.boxes {
		fmt.Fprintf(&b, "  - {name: %s, host: %q, tls: none, user: %s@example.com, password_file: password}\n", box, w.imap.Addr, box)
	}
	fmt.Fprintf(&b, "web: {listen: %q}\nlog: {level: debug}\n%s%s", w.listen, w.policy, w.extra)
	w.write(w.file(), b.String())
}

func (w *world) config() *config.Config {
	w.t.Helper()
	cfg, err := config.Load(w.file())
	if err != nil {
		w.t.Fatal(err)
	}
	return cfg
}

// arrives delivers a mail to a mailbox.
func (w *world) arrives(box, from, subject string, more ...string) {
	w.t.Helper()
	w.next++
	at := time.Now().Add(-time.Hour)
	raw := fmt.Sprintf("Date: %s\r\nFrom: %s\r\nTo: %s@example.com\r\nSubject: %s\r\nMessage-ID: <%d.%s@test.example>\r\n%s\r\nHello.\r\n",
		at.Format(time.RFC1123Z), from, box, subject, w.next, filepath.Base(w.dir), strings.Join(more, ""))
	if err := w.imap.Append(box+"@example.com", "INBOX", []byte(raw), at); err != nil {
		w.t.Fatal(err)
	}
}

// live is a daemon under test.
type live struct {
	*world
	Listening
	client *web.Client
	stop   context.CancelFunc
	ended  chan error
}

// runs starts a daemon and waits until it is ready.
func (w *world) runs() *live {
	w.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &live{world: w, stop: stop, ended: make(chan error, 1)}
	ready := make(chan Listening, 1)
	go func() {
		r.ended <- Run(ctx, w.file(), RunOptions{Version: "test", Log: w.log, Now: w.now, Signals: make(chan os.Signal), Ready: func(l Listening) { ready <- l }})
	}()
	select {
	case r.Listening = <-ready:
	case err := <-r.ended:
		w.t.Fatalf("Run: %v", err)
	}
	r.client = web.NewSocketClient(r.Socket, "test")
	w.t.Cleanup(func() { r.end() })
	return r
}

// end stops the daemon; ending twice does nothing.
func (r *live) end() {
	r.t.Helper()
	if r.ended == nil {
		return
	}
	r.client.Close()
	r.stop()
	select {
	case err := <-r.ended:
		if err != nil {
			r.t.Errorf("Run: %v", err)
		}
	case <-time.After(stopWithin):
		r.t.Errorf("the daemon did not stop within %v", stopWithin)
	}
	r.ended = nil
}

// patience is how long what must come may take on a machine that is busy with
// other things; nothing waits for it that goes well.
const patience = 2 * time.Minute

// eventually waits for something that another goroutine brings about.
func eventually(t *testing.T, what string, holds func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := holds()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		case <-tick.C:
		}
	}
}

// has waits until a history has a line with this subject.
func (r *live) has(who, subject string) {
	r.t.Helper()
	eventually(r.t, "timeline of "+who, func() error { return hasLine(r.t.Context(), r.client, who, subject) })
}

func hasLine(ctx context.Context, c *web.Client, who, subject string) error {
	page, err := c.Timeline(ctx, who, web.Slice{})
	if err != nil {
		return err
	}
	var have []string
	for _, e := range page.Items {
		if e.Subject == subject {
			return nil
		}
		have = append(have, e.Subject)
	}
	return fmt.Errorf("no line %q among %q", subject, have)
}

// knows adds a contact.
func knows(t *testing.T, c *web.Client, name, email string) {
	t.Helper()
	if _, err := c.AddContact(t.Context(), web.ContactInput{Name: name, Emails: []string{email}, Kind: "customer"}); err != nil {
		t.Fatalf("AddContact(%s): %v", email, err)
	}
}

// silentServer accepts connections and never answers.
func silentServer(t *testing.T) (address string, calls func() int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var conns []net.Conn
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		err := l.Close()
		<-done
		for _, c := range conns {
			err = errors.Join(err, c.Close())
		}
		if err != nil && !errors.Is(err, net.ErrClosed) {
			t.Log(err)
		}
	})
	return l.Addr().String(), func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(conns)
	}
}

// built is the system of the world's configuration, not running; stop takes
// down what was built.
func (w *world) built(run RunOptions) (s *system, stop func()) {
	w.t.Helper()
	cfg := w.config()
	run.Log = w.log
	o, err := run.options(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	undo := &stops{log: o.log}
	stop = func() {
		if err := undo.unwind(context.WithoutCancel(w.t.Context())); err != nil {
			w.t.Error(err)
		}
	}
	if s, err = build(w.t.Context(), cfg, o, undo); err != nil {
		stop()
		w.t.Fatal(err)
	}
	return s, stop
}
