package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rapport/internal/mailtest"
	"rapport/web"
)

// nobody is the user that owns no file of ours.
const nobody = 65534

// lair is a directory that another user can reach, with the program, a
// configuration of one mailbox whose server counts who calls, and a data
// directory of its user's. It is the user nobody where the test may change
// users, and the test's own otherwise.
type lair struct {
	t     *testing.T
	dir   string
	bin   string
	uid   int
	calls atomic.Int32
}

func newLair(t *testing.T) *lair {
	t.Helper()
	built, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "rapport-lair")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l := &lair{t: t, dir: dir, bin: filepath.Join(dir, "rapport"), uid: os.Geteuid()}
	if l.uid == 0 {
		l.uid = nobody
	}
	l.must(os.Chmod(dir, 0o755))
	l.must(copyFile(built, l.bin, 0o755))
	l.must(os.Mkdir(l.path("home"), 0o755))
	l.must(os.Chown(l.path("home"), l.uid, -1))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	l.must(err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			l.calls.Add(1)
			c.Close()
		}
	}()
	l.configure("config.yaml", l.path("home/data"), listener.Addr().String())
	return l
}

func (l *lair) configure(name, dataDir, host string) {
	l.t.Helper()
	text := fmt.Sprintf("data_dir: %q\nteam: {name: Example, domains: [example.com], members: [{name: Ada, addresses: [ada@example.com]}]}\n"+
		"mailboxes:\n  - {name: ada, host: %q, tls: none, user: ada@example.com, password_env: RAPPORT_TEST_PASSWORD}\nweb: {listen: \"off\"}\n", dataDir, host)
	l.must(os.WriteFile(l.path(name), []byte(text), 0o644))
}

func (l *lair) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *lair) path(name string) string { return filepath.Join(l.dir, name) }

// run runs a command as the user and returns how it ended; what does not end
// with patience is a fault.
func (l *lair) run(args ...string) outcome {
	l.t.Helper()
	cmd := l.command(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	l.must(cmd.Start())
	late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	_ = cmd.Wait() // its code says how it ended
	if !late.Stop() {
		l.t.Errorf("rapport %v did not end within %v", args, patience)
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), errs.String(), time.Since(began)}
}

func (l *lair) command(args ...string) *exec.Cmd {
	if !slices.Contains(args, "-c") {
		args = append(args, "-c", l.path("config.yaml"))
	}
	cmd := exec.Command(l.bin, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"HOME=" + l.path("home"), "RAPPORT_TEST_PASSWORD=geheim", "TZ=UTC", "PATH=/usr/bin:/bin"}
	if l.uid != os.Geteuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(l.uid), Gid: uint32(l.uid)}}
	}
	return cmd
}

// refuses wants commands to end with code 1 and one line that has the words.
func (l *lair) refuses(what string, words ...string) (tries int) {
	l.t.Helper()
	return l.ends(1, what, words...)
}

func (l *lair) ends(code int, what string, words ...string) (tries int) {
	l.t.Helper()
	for _, command := range [][]string{{"run"}, {"sync"}, {"contact", "list"}} {
		tries++
		got := l.run(command...)
		lines := strings.Split(strings.TrimSpace(got.err), "\n")
		if got.code != code || len(lines) != 1 || got.out != "" {
			l.t.Errorf("%s: rapport %v ends with %d after %v:\n%s%s\nwant %d and one line", what, command, got.code, got.took, got.out, got.err, code)
		}
		for _, w := range words {
			if !strings.Contains(got.err, w) {
				l.t.Errorf("%s: rapport %v says %q, want %q in it", what, command, got.err, w)
			}
		}
	}
	return tries
}

// filled makes a store by letting the daemon's user look at it once.
func (l *lair) filled() {
	l.t.Helper()
	if got := l.run("contact", "add", "--name", "Carla", "--email", "carla@acme.example", "--kind", "customer"); got.code != 0 {
		l.t.Fatalf("contact add: %d %s", got.code, got.err)
	}
}

// TestM74_DataDirectory starts with a data directory that cannot be used: one
// line says why and what to do, and nothing is changed or asked of a server.
func TestM74_DataDirectory(t *testing.T) {
	l := newLair(t)
	data := l.path("home/data")
	l.filled()
	tries := 0
	chmod := func(name string, mode os.FileMode) func() {
		was, err := os.Stat(name)
		l.must(err)
		l.must(os.Chmod(name, mode))
		return func() { l.must(os.Chmod(name, was.Mode().Perm())) }
	}

	back := chmod(data, 0o500)
	unlock := chmod(filepath.Join(data, "rapport.lock"), 0o400)
	tries += l.refuses("read-only directory", data, "writ")
	unlock()
	back()
	for _, file := range []string{"rapport.db", "key", "rapport.lock"} {
		back := chmod(filepath.Join(data, file), 0)
		tries += l.refuses(file+" of mode 0", file)
		back()
		if os.Geteuid() == 0 {
			l.must(os.Chown(filepath.Join(data, file), 0, 0))
			l.must(os.Chmod(filepath.Join(data, file), 0o600))
			tries += l.refuses(file+" of root", file, "chown")
			l.must(os.Chown(filepath.Join(data, file), l.uid, l.uid))
		}
	}
	l.must(os.Rename(data, data+".real"))
	l.must(os.Symlink(data+".real", data))
	tries += l.refuses("a symbolic link", "symbolic link", "data_dir")
	l.must(os.RemoveAll(data))
	l.must(os.Symlink(data+".gone", data))
	tries += l.refuses("a dangling symbolic link", "symbolic link", "data_dir")
	l.must(os.Remove(data))
	l.must(os.WriteFile(data, nil, 0o600))
	l.must(os.Chown(data, l.uid, -1))
	tries += l.ends(2, "a file", "not a directory", "data_dir")
	l.must(os.Remove(data))
	back = chmod(l.path("home"), 0o555)
	tries += l.refuses("cannot be made", "make", "data_dir", "permission denied")
	back()
	if os.Geteuid() == 0 {
		l.must(os.Mkdir(data, 0o700))
		tries += l.refuses("somebody else's", "belongs to root", "sudo -u root")
		l.must(os.Remove(data))
		tries += l.readOnlyMount(data)
	}
	l.must(os.Rename(data+".real", data))
	if got := l.run("contact", "list"); got.code != 0 || !strings.Contains(got.out, "Carla") {
		t.Errorf("afterwards: %d %s%s", got.code, got.out, got.err)
	}
	if n := l.calls.Load(); n != 0 {
		t.Errorf("the mail server was called %d times", n)
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// readOnlyMount puts the store on a file system that is mounted read-only.
func (l *lair) readOnlyMount(data string) int {
	l.must(os.Mkdir(data, 0o700))
	if err := unix.Mount("rapport-test", data, "tmpfs", 0, "size=16m"); err != nil {
		l.t.Logf("no read-only mount tried: %v", err)
		l.must(os.Remove(data))
		return 0
	}
	defer func() {
		l.must(unix.Unmount(data, unix.MNT_DETACH))
		l.must(os.Remove(data))
	}()
	copyDir(l.t, data+".real", data)
	l.must(filepath.WalkDir(data, func(name string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(name, l.uid, l.uid)
	}))
	l.must(os.Chmod(data, 0o700))
	l.must(unix.Mount("rapport-test", data, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, "size=16m"))
	return l.refuses("read-only mount", "read-only", data)
}

// TestM76_TwoInstances starts a second daemon on the data of the first: it ends
// within 5 s, says who has it, and asks no server.
func TestM76_TwoInstances(t *testing.T) {
	l := newLair(t)
	l.filled()
	first, calls := l.daemon()
	tries := 0
	second := func(what string, config string) {
		t.Helper()
		tries++
		got := l.run("run", "-c", config)
		if got.code != 1 || got.took > 5*time.Second+4*l.run("version").took || !strings.Contains(got.err, strconv.Itoa(first.Process.Pid)) || strings.Count(got.err, "\n") != 1 {
			t.Errorf("%s: code %d after %v, %q; want 1 within 5 s and one line that names process %d", what, got.code, got.took, got.err, first.Process.Pid)
		}
		if n := calls(); n != 0 {
			t.Errorf("%s: called its server %d times", what, n)
		}
	}
	second("the same directory", l.path("other.yaml"))
	l.must(os.Symlink(l.path("home"), l.path("link")))
	l.configure("linked.yaml", l.path("link/data"), "127.0.0.1:1")
	second("the same through a link", l.path("linked.yaml"))
	l.must(os.Remove(l.path("home/data/rapport.sock")))
	second("its socket is gone", l.path("other.yaml"))

	// Killed, it leaves a lock and a socket that keep nobody out.
	l.must(first.Process.Signal(syscall.SIGKILL))
	_ = first.Wait() // killed
	for range 3 {
		tries++
		next, _ := l.daemon()
		l.must(next.Process.Signal(syscall.SIGKILL))
		_ = next.Wait()
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// daemon starts one and waits until it answers. other.yaml is a configuration
// of the same data with a server of its own; calls counts who calls that.
func (l *lair) daemon() (cmd *exec.Cmd, calls func() int32) {
	l.t.Helper()
	cmd = l.command("run")
	log, err := os.CreateTemp("", "rapport-daemon")
	l.must(err)
	l.t.Cleanup(func() { os.Remove(log.Name()) })
	cmd.Stderr = log
	l.must(cmd.Start())
	l.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		log.Close()
	})
	client := web.NewSocketClient(l.path("home/data/rapport.sock"), "test")
	defer client.Close()
	await(l.t, "the daemon answers", func(ctx context.Context) bool {
		_, err := client.Version(ctx)
		return err == nil
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	l.must(err)
	l.t.Cleanup(func() { listener.Close() })
	var n atomic.Int32
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			n.Add(1)
			c.Close()
		}
	}()
	l.configure("other.yaml", l.path("home/data"), listener.Addr().String())
	return cmd, n.Load
}

// TestM76_CommandsBesideADaemon runs commands while a daemon has the store, and
// while it has it and does not answer: they go through it, or say why not.
func TestM76_CommandsBesideADaemon(t *testing.T) {
	w := small(76)
	d := mailtest.StartDovecotWith(t, mailtest.DovecotOptions{Users: w.Accounts()})
	s := newSite(t, w, d)
	s.know(w)
	backup := filepath.Join(s.dir, "one.backup")
	s.run("store", "backup", backup)
	own := s.starts()
	own.answers()
	tries := 0
	for i, command := range [][]string{{"sync"}, {"status"}, {"store", "check"}, {"store", "backup", backup + "2"}, {"store", "reindex"},
		{"store", "compact"}, {"export", filepath.Join(s.dir, "out")}, {"reconcile"}} {
		tries++
		if got := s.try(s.command(command...)); got.code != 0 {
			t.Errorf("%d: rapport %v beside a daemon: %d %s", i, command, got.code, got.err)
		}
	}
	tries++
	if got := s.try(s.command("store", "restore", backup)); got.code == 0 || !strings.Contains(got.err, "stop") {
		t.Errorf("restore beside a daemon: %d %q; want a refusal that says what to do", got.code, got.err)
	}
	s.must(own.cmd.Process.Signal(syscall.SIGSTOP))
	for _, command := range [][]string{{"status"}, {"run"}} {
		tries++
		got := s.try(s.command(command...))
		if got.code != 1 || got.took > 15*time.Second+4*s.pace() || !strings.Contains(got.err, strconv.Itoa(own.cmd.Process.Pid)) {
			t.Errorf("rapport %v beside a daemon that is stopped: %d after %v, %q", command, got.code, got.took, got.err)
		}
	}
	s.must(own.cmd.Process.Signal(syscall.SIGCONT))
	own.inSync()

	// A copy of the data is a store of its own; both may run.
	tries++
	other := filepath.Join(s.dir, "copy")
	own.stop()
	copyDir(t, s.dataDir, other)
	first := s.starts()
	first.inSync()
	s.moveTo(other)
	second := s.starts()
	second.inSync()
	first.alive()
	t.Attr("tries", strconv.Itoa(tries))
}
