package main

import (
	"context"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rapport/internal/mailtest"
)

// unit is the service's unit file with the program that was just built.
func unit(t *testing.T, bin string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(moduleRoot(t), "packaging", "rapport.service"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rapport.service")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), "/usr/local/bin/rapport", bin)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestServiceUnit lets systemd read the unit: it has no fault, and takes from
// the service what it does not need.
func TestServiceUnit(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		mailtest.SkipOrFail(t, "the unit is checked with systemd-analyze, which is not installed (Debian: apt-get install systemd)")
	}
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	path := unit(t, bin)
	if out, err := exec.Command("systemd-analyze", "verify", "--man=no", path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v: %s", err, out)
	}
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", path).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze security: exposed above 2.0: %v\n%s", err, out)
	}
}

// TestServiceSystemCalls traces the daemon at work and wants no system call
// that the unit's filter forbids, except those that a refusal does not hurt.
func TestServiceSystemCalls(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"strace", "systemd-analyze"} {
		if _, err := exec.LookPath(tool); err != nil {
			mailtest.SkipOrFail(t, "the unit's filter of system calls is compared by "+tool+", which is not installed")
		}
	}
	w := small(77)
	d := mailtest.StartDovecotWith(t, mailtest.DovecotOptions{Users: w.Accounts()})
	if err := w.DeliverTo(d); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, w, d)
	s.know(w)
	s.setting("web: {listen: \"off\"}", "web: {listen: \"127.0.0.1:0\"}")
	trace := filepath.Join(s.dir, "trace")
	p := s.starts(func(cmd *exec.Cmd) {
		strace, _ := exec.LookPath("strace") // found above
		cmd.Args = append([]string{"strace", "-D", "-f", "-qq", "-o", trace, cmd.Path}, cmd.Args[1:]...)
		cmd.Path = strace
	})
	p.inSync()
	s.run("store", "compact")
	s.run("store", "backup", filepath.Join(s.dir, "b.backup"))
	p.stop()
	made := calls(t, trace)
	forbidden := maps.Clone(made)
	for _, name := range filter(t, "@system-service") {
		delete(forbidden, name)
	}
	for _, group := range []string{"@privileged", "@resources"} {
		for _, name := range filter(t, group) {
			if n := made[name]; n > 0 {
				forbidden[name] = n
			}
		}
	}
	// The runtime raises its limit of open files, which LimitNOFILE does already.
	for _, harmless := range []string{"setrlimit", "prlimit64", "execve"} {
		delete(forbidden, harmless)
	}
	if len(forbidden) > 0 {
		t.Errorf("the unit forbids what the daemon calls: %v", forbidden)
	}
}

// calls counts the system calls of a trace by name.
func calls(t *testing.T, trace string) map[string]int {
	t.Helper()
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^\d+ +(\w+)\(`).FindAllStringSubmatch(string(text), -1) {
		out[m[1]]++
	}
	if len(out) < 20 {
		t.Fatalf("the trace has %d system calls only", len(out))
	}
	return out
}

// filter lists the system calls of a group, those of groups in it included.
func filter(t *testing.T, group string) []string {
	t.Helper()
	out, err := exec.Command("systemd-analyze", "syscall-filter", "--no-pager", group).Output()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.SplitSeq(string(out), "\n") {
		name := strings.TrimSpace(line)
		switch {
		case name == "" || strings.HasPrefix(name, "#") || name == group:
		case strings.HasPrefix(name, "@"):
			names = append(names, filter(t, name)...)
		default:
			names = append(names, name)
		}
	}
	return names
}

// TestServiceNotifies listens as systemd does: the daemon says when it is
// ready, that it lives, that it reloads and that it stops, and ends in time.
func TestServiceNotifies(t *testing.T) {
	w := small(78)
	d := mailtest.StartDovecotWith(t, mailtest.DovecotOptions{Users: w.Accounts()})
	s := newSite(t, w, d)
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(s.dir, "notify"), Net: "unixgram"})
	s.must(err)
	defer l.Close()
	said := make(chan string, 100)
	go func() {
		defer close(said)
		buf := make([]byte, 4096)
		for {
			n, err := l.Read(buf)
			if err != nil {
				return
			}
			said <- string(buf[:n])
		}
	}()
	hears := func(want ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for len(want) > 0 {
			select {
			case got := <-said:
				want = slices.DeleteFunc(want, func(w string) bool { return strings.Contains(got, w) })
			case <-ctx.Done():
				t.Fatalf("the service manager was not told %v", want)
			}
		}
	}
	p := s.starts(func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+l.LocalAddr().String(), "WATCHDOG_USEC=300000")
	})
	hears("READY=1", "WATCHDOG=1")
	hears("WATCHDOG=1")
	s.must(p.cmd.Process.Signal(syscall.SIGHUP))
	hears("RELOADING=1", "READY=1")
	began := time.Now()
	s.must(p.cmd.Process.Signal(syscall.SIGTERM))
	hears("STOPPING=1")
	<-p.ended
	if took := time.Since(began); took > 30*time.Second || p.err != nil {
		t.Errorf("ended %v after SIGTERM with %v", took, p.err)
	}
}
