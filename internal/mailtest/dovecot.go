package mailtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// ErrNoDovecot says that Dovecot is not installed.
var ErrNoDovecot = errors.New("dovecot is not installed (Debian: apt-get install dovecot-imapd)")

// mailUID owns the mail when the server runs as root: Dovecot refuses to open
// mail as root.
const mailUID = 65534

// DovecotOptions say how a Dovecot is set up. The zero value is a server
// without accounts.
type DovecotOptions struct {
	Users          []User
	Rawlog         bool   // keep what each signed-in session said, see Dovecot.Rawlog
	MaxConnections int    // of one user from one address; 0: 50
	Capability     string // replaces the IMAP capabilities, e.g. "IMAP4rev1 UIDPLUS"; empty: Dovecot's own
	NoSpecialUse   bool   // create the usual folders, but without special-use attributes
	Extra          string // lines appended to dovecot.conf
}

// Dovecot is a real Dovecot with a configuration of its own in a temporary
// directory, on free loopback ports. It runs as the current user, or with the
// mail owned by an unprivileged one when that is root. Methods may be used
// concurrently, except Restart and Close.
type Dovecot struct {
	Addr      string // host:port with implicit TLS
	PlainAddr string // host:port with STARTTLS, and without TLS for loopback
	CA        *CA
	CAFile    string // the authority's certificate as PEM
	Users     []User

	dir  string
	opts DovecotOptions
	seq  sequence

	mu   sync.Mutex // guards stop and keywords files
	stop func() error
}

// StartDovecot starts a Dovecot with the users for the length of the test,
// with Rawlog. Where Dovecot is missing the test is skipped, or fails with
// RAPPORT_REQUIRE_SERVERS=1.
func StartDovecot(t testing.TB, users ...User) *Dovecot {
	t.Helper()
	return StartDovecotWith(t, DovecotOptions{Users: users, Rawlog: true})
}

// StartDovecotWith is [StartDovecot] with options.
func StartDovecotWith(t testing.TB, opts DovecotOptions) *Dovecot {
	t.Helper()
	d, err := NewDovecot(opts)
	if errors.Is(err, ErrNoDovecot) {
		SkipOrFail(t, err.Error())
	}
	if err != nil {
		t.Fatalf("start dovecot: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("dovecot's log:\n%s", tail(d.Logs(), 4000))
		}
		if err := d.Close(); err != nil {
			t.Errorf("stop dovecot: %v", err)
		}
	})
	return d
}

// SkipOrFail ends a test that lacks something on this machine: by a skip with
// the sentence, or by a failure where RAPPORT_REQUIRE_SERVERS is 1.
func SkipOrFail(t testing.TB, sentence string) {
	t.Helper()
	if os.Getenv("RAPPORT_REQUIRE_SERVERS") == "1" {
		t.Fatalf("%s, and RAPPORT_REQUIRE_SERVERS=1 forbids to skip", sentence)
	}
	t.Skip(sentence)
}

// NewDovecot starts a Dovecot; [Dovecot.Close] stops it and removes its
// directory. The error is [ErrNoDovecot] where it is not installed.
func NewDovecot(opts DovecotOptions) (*Dovecot, error) {
	binary, err := findDaemon("dovecot")
	if err != nil {
		return nil, ErrNoDovecot
	}
	// Not below t.TempDir: the path must stay short (sockets) and be passable
	// for the mail user.
	dir, err := os.MkdirTemp("", "rapport-dovecot")
	if err != nil {
		return nil, fmt.Errorf("make dovecot's directory: %w", err)
	}
	d := &Dovecot{dir: dir, opts: opts, Users: opts.Users, CAFile: filepath.Join(dir, "ca.pem")}
	if err := d.prepare(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	// Somebody may take a port between finding it free and using it.
	for try := 0; ; try++ {
		if err = d.choosePorts(); err == nil {
			err = d.start(binary)
		}
		if err == nil {
			return d, nil
		}
		if try == 4 || !strings.Contains(d.Logs(), "Address already in use") {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
}

// Close stops the server and removes everything it held.
func (d *Dovecot) Close() error {
	return errors.Join(d.halt(), removeAll(d.dir))
}

// Restart stops the server, ending all sessions, and starts it again on the
// same ports with the same mail.
func (d *Dovecot) Restart() error {
	if err := d.Stop(); err != nil {
		return err
	}
	return d.Start()
}

// Stop ends the server and all sessions; the mail stays.
func (d *Dovecot) Stop() error { return d.halt() }

// Start starts a stopped server again.
func (d *Dovecot) Start() error {
	binary, err := findDaemon("dovecot")
	if err != nil {
		return ErrNoDovecot
	}
	return d.start(binary)
}

// Logs returns what Dovecot logged so far.
func (d *Dovecot) Logs() string {
	b, _ := os.ReadFile(filepath.Join(d.dir, "dovecot.log")) // absent before the first line
	return string(b)
}

// Config returns the path of the configuration file, for doveadm.
func (d *Dovecot) Config() string { return filepath.Join(d.dir, "dovecot.conf") }

// Doveadm runs a doveadm command and returns what it printed.
func (d *Dovecot) Doveadm(args ...string) (string, error) {
	binary, err := findDaemon("doveadm")
	if err != nil {
		return "", ErrNoDovecot
	}
	out, err := exec.Command(binary, append([]string{"-c", d.Config()}, args...)...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("doveadm %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

func (d *Dovecot) start(binary string) error {
	cmd := exec.Command(binary, "-F", "-c", d.Config())
	cmd.Dir = d.dir
	// A file, not a buffer: a pipe would keep Wait waiting for the last child.
	out, err := os.Create(filepath.Join(d.dir, "output"))
	if err != nil {
		return fmt.Errorf("make dovecot's output: %w", err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	stop, exited, err := startTied(cmd)
	if err != nil {
		return fmt.Errorf("start %s: %w", binary, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// Both ports are one service's; the greeting comes when sign-in is possible.
	if err := awaitGreeting(ctx, d.PlainAddr, exited); err != nil {
		said, _ := os.ReadFile(out.Name())
		return errors.Join(fmt.Errorf("wait for dovecot at %s: %w: %s%s", d.PlainAddr, err, said, tail(d.Logs(), 1000)), stop())
	}
	d.mu.Lock()
	d.stop = stop
	d.mu.Unlock()
	return nil
}

func (d *Dovecot) halt() error {
	d.mu.Lock()
	stop := d.stop
	d.stop = nil
	d.mu.Unlock()
	if stop == nil {
		return nil
	}
	return stop()
}

// awaitGreeting dials until a server says its first line or the process is gone.
func awaitGreeting(ctx context.Context, addr string, exited <-chan struct{}) error {
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			defer conn.Close()
			deadline, _ := ctx.Deadline()
			_ = conn.SetReadDeadline(deadline) // fails only on a closed connection
			if _, err := conn.Read(make([]byte, 1)); err != nil {
				return fmt.Errorf("read greeting: %w", err)
			}
			return nil
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return err
		}
		select {
		case <-exited:
			return errors.New("it exited")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func findDaemon(name string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} { // not on every user's PATH
		if p, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return p, nil
		}
	}
	return "", exec.ErrNotFound
}

func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return "…" + s[len(s)-n:]
}
