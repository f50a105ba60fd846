package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rapport/internal/app"
	"rapport/internal/mailtest"
	"rapport/store"
	"rapport/web"
)

// smallDisk mounts a file system in memory, of a size and with a number of
// files, for the length of the test.
func smallDisk(t testing.TB, options string) string {
	t.Helper()
	dir := t.TempDir()
	if os.Geteuid() != 0 {
		t.Skip("a small disk needs root, to mount a tmpfs")
	}
	if err := unix.Mount("rapport-test", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		t.Skipf("a small disk needs the right to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// used is how many bytes files take.
func used(t testing.TB, dir string) (n int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			n += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// room is how many bytes are free.
func room(t testing.TB, dir string) int64 {
	t.Helper()
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	return int64(fs.Bavail) * int64(fs.Bsize)
}

// fill leaves only so many bytes free.
func fill(t testing.TB, dir string, leave int64) (filler string) {
	t.Helper()
	filler = filepath.Join(dir, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	chunk := make([]byte, 64<<10)
	for n := room(t, dir) - leave; n > 0; n = room(t, dir) - leave {
		if _, err := f.Write(chunk[:min(n, int64(len(chunk)))]); err != nil {
			if errors.Is(err, syscall.ENOSPC) {
				break
			}
			t.Fatal(err)
		}
	}
	return filler
}

// crowd makes empty files until no more than so many are left to be made.
func crowd(t testing.TB, dir string, leave int) (remove func()) {
	t.Helper()
	sub := filepath.Join(dir, "crowd")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := 0; ; i++ {
		name := filepath.Join(sub, strconv.Itoa(i))
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			break
		}
		names = append(names, name)
	}
	for _, n := range names[max(0, len(names)-leave):] {
		if err := os.Remove(n); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.RemoveAll(sub); err != nil {
			t.Fatal(err)
		}
	}
}

// fullSite is a site on a small disk. There are two large mails among its
// small ones, which pass through the spool and lie in files of their own.
type fullSite struct {
	*site
	w    *mailtest.World
	disk string
	base string // a data directory in which everybody is known and nothing filed
	want string // what an undisturbed run holds
	need int64  // bytes that filing everything takes
}

func newFullSite(t *testing.T, options string) *fullSite {
	t.Helper()
	disk := smallDisk(t, options)
	w := small(73)
	d := mailtest.StartDovecotWith(t, mailtest.DovecotOptions{Users: w.Accounts()})
	if err := w.DeliverTo(d); err != nil {
		t.Fatal(err)
	}
	s := &fullSite{site: newSite(t, w, d), w: w, disk: disk}
	s.know(w)
	who := w.Contacts[0].Addresses[0]
	for i, size := range []int{300 << 10, 1500 << 10} {
		raw := fmt.Appendf(nil, "From: %s\r\nTo: %s\r\nSubject: large %d\r\nDate: %s\r\nMessage-ID: <large-%d@x.example>\r\n\r\n",
			who, w.Accounts()[0].Name, i, w.Now.Add(-time.Hour).Format(time.RFC1123Z), i)
		if _, err := d.Deliver(w.Accounts()[0].Name, "INBOX", append(raw, noise(size)...), w.Now); err != nil {
			t.Fatal(err)
		}
	}
	s.base = filepath.Join(s.dir, "base")
	copyDir(t, s.dataDir, s.base)
	s.run("sync")
	s.want = withoutSuggestions(s.dump())
	s.need = used(t, s.dataDir) - used(t, s.base)
	s.moveTo(filepath.Join(disk, "data"))
	return s
}

// noise is text that does not compress.
func noise(n int) []byte {
	out := make([]byte, 0, n+80)
	x := uint64(88172645463325252)
	for len(out) < n {
		for range 12 {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			out = append(out, fmt.Sprintf("%06x", x&0xffffff)...)
		}
		out = append(out, "\r\n"...)
	}
	return out[:n]
}

// begin lays the site's data out afresh on the small disk.
func (s *fullSite) begin() {
	s.t.Helper()
	s.must(os.RemoveAll(s.dataDir))
	copyDir(s.t, s.base, s.dataDir)
}

// marker is in the name of what is written while the disk is full.
const marker = "written-while-full"

// whileFull wants reading to go on, and writing to say the truth.
func (s *fullSite) whileFull(d *daemon) (added []string) {
	t := s.t
	t.Helper()
	ctx := context.Background()
	who := s.w.Contacts[0].Addresses[0]
	if _, err := d.client.Timeline(ctx, who, web.Slice{}); err != nil {
		t.Errorf("timeline while full: %v", err)
	}
	if _, err := d.client.Search(ctx, "the", web.Slice{}); err != nil {
		t.Errorf("search while full: %v", err)
	}
	if _, err := d.client.Contacts(ctx, web.Filter{}, web.Slice{}); err != nil {
		t.Errorf("contacts while full: %v", err)
	}
	for i := range 3 {
		address := fmt.Sprintf("%s-%d@nobody.example", marker, i)
		_, err := d.client.AddContact(ctx, web.ContactInput{Name: "Z", Emails: []string{address}, Kind: "other"})
		var p *web.Problem
		switch {
		case err == nil:
			added = append(added, address)
		case !errors.Is(err, store.ErrFull):
			t.Errorf("writing while full = %v, want a refusal for want of room", err)
		case errors.As(err, &p) && p.Status != 503:
			t.Errorf("writing while full: status %d, want 503", p.Status)
		}
	}
	return added
}

// asIf wants what an undisturbed run holds, and of what was written meanwhile
// exactly what was said to be.
func (s *fullSite) asIf(what string, added []string) {
	s.t.Helper()
	dump := s.dump()
	for i := range 3 {
		address := fmt.Sprintf("%s-%d@nobody.example", marker, i)
		said := false
		for _, a := range added {
			said = said || a == address
		}
		if is := strings.Contains(dump, address); is != said {
			s.t.Errorf("%s: %s is there: %v, was said to be: %v", what, address, is, said)
		}
	}
	var kept []string
	for line := range strings.SplitSeq(withoutSuggestions(dump), "\n") {
		if !strings.Contains(line, marker) {
			kept = append(kept, line)
		}
	}
	if got := strings.Join(kept, "\n"); got != s.want {
		s.t.Errorf("%s: not what an undisturbed run holds:\n%s", what, firstDifference(s.want, got))
	}
}

// TestM73_DiskFull lets the disk run full at some point of the first sync, and
// makes room again: while it is full everything can be read and nothing is
// said to be done that is not; then it goes on by itself. The log lies on the
// same disk.
func TestM73_DiskFull(t *testing.T) {
	s := newFullSite(t, "size=48m")
	tries := 0
	for i := range diskSizes {
		leave := int64(i) * s.need / diskSizes
		filler := ""
		full := s.suffers(fmt.Sprintf("full with %d bytes left", leave), func() { filler = fill(t, s.disk, leave) },
			func(*daemon) {}, func(*daemon) { s.must(os.Remove(filler)) })
		if full {
			tries++
		}
	}
	if tries == 0 {
		t.Error("the disk was never full")
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestM73_NoMoreFiles does so for a disk on which no more files can be made.
func TestM73_NoMoreFiles(t *testing.T) {
	t.Parallel()
	s := newFullSite(t, "size=48m,nr_inodes=300")
	tries := 0
	for i := range fileCounts {
		var remove func()
		if s.suffers(fmt.Sprintf("%d files left", i), func() { remove = crowd(t, s.disk, 4+i%2) }, func(*daemon) {}, func(*daemon) { remove() }) {
			tries++
		}
	}
	if tries == 0 {
		t.Error("there were always enough files")
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestM73_FileSizeLimit does so for a limit on the size of files, which shows
// in no figure of the disk; the signal that comes with it ends nothing.
func TestM73_FileSizeLimit(t *testing.T) {
	t.Parallel()
	s := newFullSite(t, "size=48m")
	limit := func(n uint64) func(*daemon) {
		return func(d *daemon) {
			s.must(unix.Prlimit(d.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: n, Max: unix.RLIM_INFINITY}, nil))
		}
	}
	for i := range sizeLimits {
		n := uint64(i) * 1 << 20 / sizeLimits
		if !s.suffers(fmt.Sprintf("files up to %d bytes", n), func() {}, limit(n), limit(unix.RLIM_INFINITY)) {
			t.Errorf("files up to %d bytes: no fault", n)
		}
	}
	t.Attr("tries", strconv.Itoa(sizeLimits))
}

// suffers runs a daemon while something makes writing fail, and ends that; it
// reports whether the daemon noticed.
func (s *fullSite) suffers(what string, before func(), begin, end func(*daemon)) (full bool) {
	t := s.t
	t.Helper()
	s.begin()
	log := filepath.Join(s.disk, "log")
	before()
	d := s.starts(func(c *exec.Cmd) {
		if f, err := os.Create(log); err == nil { // where even that is possible
			c.Stdout, c.Stderr = f, f
			t.Cleanup(func() { f.Close() })
		}
	})
	started := time.Now()
	begin(d)
	d.answers()
	d.until(what, func(ctx context.Context) bool {
		full = strings.Contains(d.fault(ctx), "no space left in "+s.dataDir)
		st, err := d.client.Status(ctx)
		return full || err == nil && st.Totals.InSync
	})
	var added []string
	t.Logf("%s: noticed %v after %v", what, full, time.Since(started).Round(time.Millisecond))
	if full {
		if text := d.fault(t.Context()); !strings.Contains(text, "free") && !strings.Contains(text, "files can be made") {
			t.Errorf("%s: the fault is %q, want what is left", what, text)
		}
		added = s.whileFull(d)
	}
	end(d)
	began := time.Now()
	d.inSync()
	t.Logf("%s: in sync %v after there was room", what, time.Since(began).Round(time.Millisecond))
	d.stop()
	s.asIf(what, added)
	return full
}

// TestM73_FullElsewhere has no room for what a command writes: it says so, leaves
// nothing half done behind, and the same command works once there is room.
func TestM73_FullElsewhere(t *testing.T) {
	s := newFullSite(t, "size=16m")
	s.moveTo(s.base) // the store lies elsewhere
	s.run("sync")
	out := filepath.Join(s.disk, "out")
	commands := [][]string{{"store", "backup", out}, {"export", out}}
	tries := 0
	for _, command := range commands {
		for i := range elsewhereSizes {
			tries++
			filler := fill(t, s.disk, int64(i)*(256<<10)/elsewhereSizes)
			got := s.try(s.command(command...))
			if got.code != 1 || !strings.Contains(got.err, "no space left") {
				t.Errorf("%v on a full disk: code %d, %q", command, got.code, got.err)
			}
			if command[0] == "store" {
				if left, _ := filepath.Glob(out + "*"); len(left) > 0 {
					t.Errorf("%v on a full disk leaves %v", command, left)
				}
			}
			s.must(os.Remove(filler))
			s.must(os.RemoveAll(out))
			if i == 0 {
				s.run(command...)
				s.must(os.RemoveAll(out))
			}
		}
	}
	filler := fill(t, s.disk, 0)
	for _, run := range []int{1, 0} {
		tries++
		cmd := exec.Command(s.bin, "init", out)
		if got := s.try(cmd); got.code != run {
			t.Errorf("init: code %d, want %d: %s", got.code, run, got.err)
		}
		if run == 1 {
			if b, err := os.ReadFile(filepath.Join(out, "config.yaml")); err == nil {
				t.Errorf("init on a full disk leaves a configuration of %d bytes", len(b))
			}
			s.must(os.Remove(filler))
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestM73_BackupNeedsRoom has no room beside the store for the copy that a
// backup begins with, with a daemon and without: the answer is a refusal that
// says when to come again.
func TestM73_BackupNeedsRoom(t *testing.T) {
	s := newFullSite(t, "size=48m")
	s.begin()
	fill(t, s.disk, 64<<10)
	backup := filepath.Join(s.dir, "b.backup")
	for _, running := range []bool{false, true} {
		if running {
			d := s.starts()
			d.answers()
			resp := s.ask(d, "GET", "/api/v1/store/backup")
			if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
				t.Errorf("backup: %s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
			}
			resp = s.ask(d, "GET", "/api/v1/export")
			if resp.StatusCode != http.StatusServiceUnavailable && resp.StatusCode != http.StatusOK {
				t.Errorf("export: %s", resp.Status)
			}
		}
		got := s.try(s.command("store", "backup", backup))
		if got.code != 1 || !strings.Contains(got.err, "no space left") {
			t.Errorf("backup, daemon %v: code %d, %q", running, got.code, got.err)
		}
		if left, _ := filepath.Glob(backup + "*"); len(left) > 0 {
			t.Errorf("backup leaves %v", left)
		}
	}
	t.Attr("tries", "3")
}

// ask sends a bare request over the daemon's socket.
func (s *site) ask(d *daemon, method, path string) *http.Response {
	s.t.Helper()
	socket, err := app.SocketPath(s.dataDir)
	s.must(err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	req, err := http.NewRequestWithContext(s.t.Context(), method, "http://rapport"+path, nil)
	s.must(err)
	resp, err := client.Do(req)
	s.must(err)
	s.t.Cleanup(func() { resp.Body.Close() })
	return resp
}
