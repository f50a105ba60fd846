package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/klauspost/compress/zstd"

	"rapport/internal/mailtest"
)

// canaries are secrets that may be nowhere but where they belong.
type canaries struct {
	t     *testing.T
	words map[string]string // form -> what it is
	seen  int               // places looked at
}

// add looks for a secret as it is, and as encodings show it.
func (c *canaries) add(what, secret string) {
	c.words[secret] = what
	c.words[hex.EncodeToString([]byte(secret))] = what + " in hexadecimal"
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		c.words[strings.TrimRight(enc.EncodeToString([]byte(secret)), "=")] = what + " in base64"
	}
}

// clean fails the test where a text holds a secret.
func (c *canaries) clean(where, text string) {
	c.t.Helper()
	c.seen++
	for word, what := range c.words {
		if i := strings.Index(text, word); i >= 0 {
			c.t.Errorf("%s holds %s: …%q…", where, what, text[max(0, i-60):min(len(text), i+len(word)+20)])
		}
	}
}

// cleanDir looks into every file, backups unpacked, and wants all of them for
// their owner alone.
func (c *canaries) cleanDir(dir string, but ...string) {
	c.t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if mode := info.Mode(); mode.Perm()&0o077 != 0 {
			c.t.Errorf("%s has mode %v with umask 0", path, mode)
		}
		for _, b := range but {
			if e.Name() == b {
				return nil
			}
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		c.clean(path, string(b))
		if z, err := zstd.NewReader(bytes.NewReader(b)); err == nil {
			if plain, err := io.ReadAll(z); err == nil {
				c.clean(path+" unpacked", string(plain))
			}
			z.Close()
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

const (
	filePassword    = "S3CRET-file-xyz"
	envPassword     = "S3CRET-env-xyz"
	commandPassword = "S3CRET-command-xyz"
	senderPassword  = "S3CRET-sender-xyz"
)

// newSecretSite has mailboxes that get their passwords from a file, the
// environment and a command, and a sender with one, and logs everything.
func newSecretSite(t *testing.T) (*site, *mailtest.World) {
	w := small(19)
	users := w.Accounts()
	for i := range users {
		users[i].Password = []string{filePassword, envPassword, commandPassword}[min(i, 2)]
	}
	d := mailtest.StartDovecotWith(t, mailtest.DovecotOptions{Users: users})
	if err := w.DeliverTo(d); err != nil {
		t.Fatal(err)
	}
	sink, err := mailtest.NewSink()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sink.Close() })
	s := newSite(t, w, d)
	secret := func(i int) string { return filepath.Join(s.dir, "secrets", users[i].Name) }
	for i, u := range users {
		s.must(os.WriteFile(secret(i), []byte(u.Password+"\n"), 0o600))
	}
	s.must(os.WriteFile(filepath.Join(s.dir, "secrets", "sender"), []byte(senderPassword+"\n"), 0o600))
	s.setting(fmt.Sprintf("password_file: %q", secret(1)), "password_env: RAPPORT_TEST_SECRET")
	s.setting(fmt.Sprintf("password_file: %q", secret(2)), fmt.Sprintf("password_command: [cat, %q]", secret(2)))
	s.setting(`web: {listen: "off"}`, `web: {listen: "127.0.0.1:0"}`)
	s.setting("log_address:", "log: {level: debug}\nalerts: {to: [ada@quillon.example], weekly: true}\nsenders:\n"+
		fmt.Sprintf("  - {name: news, host: %q, tls: none, user: news@quillon.example, password_file: %q, from: news@quillon.example}\n", sink.Addr, filepath.Join(s.dir, "secrets", "sender"))+"log_address:")
	return s, w
}

// TestS19_SecretsStayWhereTheyBelong takes passwords and the key through
// everything the product does, logging all it can, and looks for them in all
// that comes out: logs, answers, metrics, files, backups, process tables and
// the dump of a crash. All runs with umask 0.
func TestS19_SecretsStayWhereTheyBelong(t *testing.T) {
	s, w := newSecretSite(t)
	c := &canaries{t: t, words: map[string]string{}}
	for what, secret := range map[string]string{"a password of a file": filePassword, "a password of the environment": envPassword,
		"a password of a command": commandPassword, "the sender's password": senderPassword} {
		c.add(what, secret)
	}
	open := func(args ...string) *exec.Cmd {
		cmd := s.command(args...)
		cmd.Args = append([]string{"sh", "-c", `umask 0; exec "$0" "$@"`, s.bin}, cmd.Args[1:]...)
		cmd.Path = "/bin/sh"
		cmd.Env = append(cmd.Env, "RAPPORT_TRACE=1", "RAPPORT_TEST_SECRET="+envPassword, "GOTRACEBACK=all")
		return cmd
	}
	command := func(args ...string) string {
		t.Helper()
		got := s.try(open(args...))
		c.clean("rapport "+strings.Join(args, " "), got.out+got.err)
		return got.out
	}
	command("contact", "import", s.write("contacts.csv", w.ContactsCSV()))
	key, err := os.ReadFile(filepath.Join(s.dataDir, "key"))
	s.must(err)
	c.add("the key", string(key))

	d := s.starts(func(cmd *exec.Cmd) { *cmd = *open("run"); out := logFile(t, s); cmd.Stdout, cmd.Stderr = out, out })
	d.log = filepath.Join(s.dir, "debug.log")
	d.inSync()
	for _, args := range [][]string{{"status", "--json"}, {"doctor", "--json"}, {"check"}, {"reconcile", "--json"}, {"config", "plan", s.config},
		{"search", "the", "--json"}, {"search", filePassword}, {"audit", "--json"}, {"timeline", w.Contacts[0].Addresses[0], "--json"}, {"version"}, {"config", "schema"}} {
		command(args...)
	}
	s.pages(c, d)
	// A sign-in that is refused, and a secret that cannot be read.
	first := filepath.Join(s.dir, "secrets", w.Accounts()[0].Name)
	c.add("a wrong password", "S3CRET-wrong-xyz")
	s.must(os.WriteFile(first, []byte("S3CRET-wrong-xyz\n"), 0o600))
	command("doctor")
	s.must(os.WriteFile(first, []byte(strings.Repeat("S3CRET-wrong-xyz\n", 3)), 0o600))
	command("doctor")
	s.must(os.WriteFile(first, []byte(filePassword+"\n"), 0o600))
	command("store", "backup", filepath.Join(s.dir, "out", "b.backup"))
	s.must(os.MkdirAll(filepath.Join(s.dir, "out"), 0o700))
	command("store", "backup", filepath.Join(s.dir, "out", "b.backup"))
	command("export", filepath.Join(s.dir, "out", "export"))
	s.process(c, d)

	s.must(d.cmd.Process.Signal(syscall.SIGQUIT)) // a crash, with every goroutine's stack
	<-d.ended
	if said := d.said(); !strings.Contains(said, "goroutine 1") || !strings.Contains(said, "msg=imap") {
		t.Errorf("the log holds no dump or no trace: %s", clipText(said))
	}
	c.clean("the log", d.said())
	c.cleanDir(s.dataDir, "key")
	c.cleanDir(filepath.Join(s.dir, "out"))
	t.Attr("tries", strconv.Itoa(c.seen*len(c.words)))
}

func logFile(t *testing.T, s *site) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(s.dir, "debug.log"))
	s.must(err)
	t.Cleanup(func() { f.Close() })
	return f
}

// pages looks at what the local listener and the socket answer; there are no
// profiles.
func (s *site) pages(c *canaries, d *daemon) {
	t := c.t
	t.Helper()
	listens := d.listens()
	for _, path := range []string{"/metrics", "/healthz", "/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/"} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		req, err := http.NewRequestWithContext(ctx, "GET", "http://"+listens+path, nil)
		s.must(err)
		resp, err := http.DefaultClient.Do(req)
		s.must(err)
		body, err := io.ReadAll(resp.Body)
		s.must(err)
		resp.Body.Close()
		cancel()
		c.clean(path, string(body))
		if known := path == "/metrics" || path == "/healthz" || path == "/"; known != (resp.StatusCode == http.StatusOK) {
			t.Errorf("GET %s: %s", path, resp.Status)
		}
	}
	for _, path := range []string{"/api/v1/status", "/api/v1/version", "/api/v1/contacts", "/api/v1/audit", "/debug/pprof/goroutine?debug=2"} {
		resp := s.ask(d, "GET", path)
		body, err := io.ReadAll(resp.Body)
		s.must(err)
		c.clean(path, string(body))
	}
}

// process looks at what every user of the machine sees of the process, and at
// what its own user sees: there is what a password_env was given, and nothing
// else.
func (s *site) process(c *canaries, d *daemon) {
	c.t.Helper()
	proc := fmt.Sprintf("/proc/%d/", d.cmd.Process.Pid)
	for _, name := range []string{"cmdline", "comm", "status", "environ"} {
		b, err := os.ReadFile(proc + name)
		s.must(err)
		text := string(b)
		if name == "environ" {
			text = strings.ReplaceAll(text, "RAPPORT_TEST_SECRET="+envPassword, "")
		}
		c.clean(proc+name, text)
	}
}

// TestS2_NothingTurnsVerificationOff looks for every way in crypto/tls to take
// certificates unseen or to speak an old version.
func TestS2_NothingTurnsVerificationOff(t *testing.T) {
	forbidden := regexp.MustCompile(`InsecureSkipVerify|VerifyPeerCertificate|VersionTLS10|VersionTLS11|VersionSSL30|RenegotiateFreely|InsecureCipherSuites`)
	files := 0
	root := moduleRoot(t)
	for _, f := range parseAll(t, root) {
		files++
		text, err := os.ReadFile(filepath.Join(root, f.file))
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if word := forbidden.FindString(line); word != "" {
				t.Errorf("%s:%d: %s", f.file, i+1, word)
			}
		}
	}
	t.Attr("tries", strconv.Itoa(files))
}

// TestS24_NothingIsFetchedFromElsewhere wants of build files no address but
// those Go and Debian are installed from.
func TestS24_NothingIsFetchedFromElsewhere(t *testing.T) {
	root := moduleRoot(t)
	address := regexp.MustCompile(`(?:https?|git|ftp)://[^\s"'` + "`" + `)>]+|\b(?:curl|wget)\b`)
	files := []string{"Makefile", ".ci/run", "packaging/Containerfile", "packaging/rapport.service", "go.mod"}
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if found := address.FindString(line); found != "" {
				t.Errorf("%s:%d fetches from %s", name, i+1, found)
			}
			if from, ok := strings.CutPrefix(line, "FROM "); ok && !strings.HasPrefix(from, "golang:") && !strings.HasPrefix(from, "scratch") {
				t.Errorf("%s:%d is built from %s", name, i+1, from)
			}
		}
	}
	for _, s := range parseAll(t, root) {
		for _, comment := range s.ast.Comments {
			if strings.Contains(comment.Text(), "\ngo:generate") {
				t.Errorf("%s runs a generator", s.file)
			}
		}
	}
	t.Attr("tries", strconv.Itoa(len(files)))
}
