package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"rapport/internal/mailtest"
)

// way is one way to set a mailbox up, as a guide in docs tells it.
type way struct {
	file, title string
	text        string
	steps       []string
	said        [2]int // pages and commands, as the guide counts them
}

var (
	numbered   = regexp.MustCompile(`^\d+\. (.*)`)
	countedWay = regexp.MustCompile(`\*\*(\d+) pages?, (\d+) commands?\*\*|\*\*(\d+) pages?, (\d+) commands?\.\*\*`)
	inTicks    = regexp.MustCompile("^`([^`]+)`")
	blocks     = regexp.MustCompile("(?ms)^ *```(\\w*)\n(.*?)^ *```$")
)

// ways reads the ways of a guide: the sections that count themselves.
func ways(t *testing.T, file string) (out []way) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(moduleRoot(t), "docs", file))
	if err != nil {
		t.Fatal(err)
	}
	for _, section := range strings.Split(string(raw), "\n## ")[1:] {
		n := countedWay.FindStringSubmatch(section)
		if n == nil {
			continue
		}
		w := way{file: file, text: section}
		w.title, _, _ = strings.Cut(section, "\n")
		w.said[0], _ = strconv.Atoi(n[1] + n[3])
		w.said[1], _ = strconv.Atoi(n[2] + n[4])
		for line := range strings.Lines(section) {
			if m := numbered.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
				w.steps = append(w.steps, m[1])
			}
		}
		out = append(out, w)
	}
	return out
}

// block is what stands in the way's block of a language, without its indent.
func (w way) block(language string) string {
	for _, m := range blocks.FindAllStringSubmatch(w.text, -1) {
		if m[1] == language {
			return strings.ReplaceAll("\n"+m[2], "\n   ", "\n")
		}
	}
	return ""
}

// commands are the lines to type, in their order.
func (w way) commands() (out []string) {
	for _, step := range w.steps {
		if m := inTicks.FindStringSubmatch(step); m != nil {
			out = append(out, m[1])
		} else if strings.HasSuffix(step, ":") && strings.Contains(step, "certificate") {
			out = append(out, strings.Split(strings.TrimSpace(w.block("sh")), "\n")...)
		}
	}
	return out
}

func (w way) pages() (n int) {
	for _, step := range w.steps {
		if strings.HasPrefix(step, "*") || strings.HasPrefix(step, "[") {
			n++
		}
	}
	return n
}

// guideFakes are the provider that a guide leads to.
type guideFakes struct {
	*site
	issuer   *mailtest.Issuer
	provider *mailtest.Provider
	address  string
	waiting  func() // called once somebody is asked to sign in; may be nil
	extra    string // of a mailbox: keys that only the fakes need
	secret   string // what is pasted
	users    []string
}

// fakes starts a provider in whose mailboxes the password or the issuer's
// tokens let in.
func fakes(t *testing.T, style mailtest.Style, secret string, users ...string) *guideFakes {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	f := &guideFakes{site: &site{t: t, bin: bin, dir: dir, dataDir: filepath.Join(dir, "data"), config: filepath.Join(dir, "config.yaml")},
		issuer: mailtest.NewIssuer(), extra: ", tls: none", secret: secret, users: users}
	t.Cleanup(f.issuer.Close)
	f.issuer.Microsoft, f.issuer.AtOnce, f.issuer.Person = style == mailtest.StyleMicrosoft, true, users[0]
	p := mailtest.NewProvider(style)
	p.Takes = func(mailbox, said string) bool {
		return secret != "" && said == secret || f.issuer.Takes(mailbox, said)
	}
	f.provider = p
	for _, u := range users {
		p.Account(u)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.address = l.Addr().String()
	done := make(chan struct{})
	go func() { defer close(done); p.Serve(l) }()
	t.Cleanup(func() { p.Close(); <-done })
	return f
}

var (
	aProvider = regexp.MustCompile(`(?m)provider: (gmail|outlook)(,?)`)
	aHost     = regexp.MustCompile(`host: "[^"]+"`)
	aLine     = regexp.MustCompile(`(?m)^( +)provider: (gmail|outlook)$`)
)

// configured is the guide's configuration with the addresses of the fakes.
func (f *guideFakes) configured(w way) {
	text := w.block("yaml")
	at := fmt.Sprintf("host: %q%s", f.address, f.extra)
	text = aHost.ReplaceAllString(text, at)
	text = aLine.ReplaceAllString(text, "${1}provider: ${2}\n${1}"+strings.ReplaceAll(at, ", ", "\n${1}"))
	text = aProvider.ReplaceAllStringFunc(text, func(m string) string {
		if strings.HasSuffix(m, ",") {
			return m + " " + at + ","
		}
		return m
	})
	text = strings.ReplaceAll(text, "oauth: {", fmt.Sprintf("oauth: {token_url: %q, auth_url: %q, device_url: %q, ", f.issuer.URL+"/token", f.issuer.URL+"/authorize", f.issuer.URL+"/device"))
	f.write("config.yaml", []byte("data_dir: data\nteam: {domains: [example.com]}\nweb: {listen: \"127.0.0.1:0\"}\n"+text))
}

// types runs one line as somebody types it, with the browser of whoever signs
// in beside it, and returns what it prints.
func (f *guideFakes) types(line string) string {
	f.t.Helper()
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = f.dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(f.bin)+":"+os.Getenv("PATH"), "RAPPORT_CONFIG="+f.config, "XDG_RUNTIME_DIR="+f.dir, "TZ=UTC")
	cmd.Stdin = strings.NewReader(f.secret + "\n")
	if strings.HasPrefix(line, "rapport auth login") { // the keyboard stays open, and nobody types
		keyboard, hand, err := os.Pipe()
		f.must(err)
		defer hand.Close()
		defer keyboard.Close()
		cmd.Stdin = keyboard
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	f.must(err)
	f.must(cmd.Start())
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if f.waiting != nil && strings.HasPrefix(lines.Text(), "Sign in for") {
			f.waiting()
		}
		if strings.HasPrefix(lines.Text(), f.issuer.URL+"/authorize") {
			if _, err := f.issuer.Browse(lines.Text(), true); err != nil {
				f.t.Errorf("the browser: %v", err)
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		f.t.Fatalf("%s: %v\n%s\n%s", line, err, said.String(), errs.String())
	}
	return said.String()
}

// follow does what a way says, and wants every mailbox to be read at its end.
func (f *guideFakes) follow(w way) {
	f.t.Helper()
	f.configured(w)
	f.issuer.Lock()
	f.issuer.Clients["APPLICATION_ID"], f.issuer.Clients["1234.apps.googleusercontent.com"] = "", f.secret
	f.issuer.Unlock()
	doctor := ""
	for _, line := range w.commands() {
		if line == "doveadm reload" {
			continue // it was started with what the guide says
		}
		said := f.types(line)
		switch {
		case line == "rapport doctor":
			doctor = said
		case line == "rapport auth guide":
			for _, user := range f.users {
				if want := "Add-MailboxPermission -Identity " + user; !strings.Contains(said, want) {
					f.t.Errorf("the guide prints no %s:\n%s", want, said)
				}
			}
		}
		if raw, err := os.ReadFile(filepath.Join(f.dir, "cert.pem")); err == nil { // it is uploaded
			block, _ := pem.Decode(raw)
			cert, err := x509.ParseCertificate(block.Bytes)
			f.must(err)
			f.issuer.Lock()
			f.issuer.Certificates = map[string]*x509.Certificate{"APPLICATION_ID": cert}
			f.issuer.Unlock()
		}
	}
	if n := strings.Count(doctor, " are read: INBOX") + strings.Count(doctor, " are read: [Gmail]/All Mail"); n != len(f.users) {
		f.t.Errorf("%s, %s: %d of %d mailboxes are read:\n%s", w.file, w.title, n, len(f.users), doctor)
	}
}

// serviceFile is what a console hands out for a service account.
func (f *guideFakes) serviceFile() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	f.must(err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	f.must(err)
	const email = "rapport@project.iam.example"
	raw, err := json.Marshal(map[string]string{"type": "service_account", "client_email": email, "private_key_id": "k1", "client_id": "107",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))})
	f.must(err)
	f.write("downloaded.json", raw)
	f.issuer.Services, f.issuer.Delegated = map[string]*rsa.PublicKey{email: &key.PublicKey}, f.users
}

// TestGuides counts the pages and commands of every guide and follows its own
// commands and configuration against a provider that behaves as the one it is
// about: at their end every mailbox is read.
func TestGuides(t *testing.T) {
	t.Parallel()
	const bob, carol, dora, emil = "bob@example.com", "carol@example.com", "dora@example.com", "emil@example.com"
	follows := map[string]func(*testing.T) *guideFakes{
		"gmail.md An app password: its owner does it":                      func(t *testing.T) *guideFakes { return fakes(t, mailtest.StyleGmail, "abcdefghijklmnop", bob) },
		"gmail.md A sign-in with the browser: without a password anywhere": func(t *testing.T) *guideFakes { return fakes(t, mailtest.StyleGmail, "GOCSPX-secret", bob) },
		"fastmail.md An app password: its owner does it":                   func(t *testing.T) *guideFakes { return fakes(t, mailtest.StyleMicrosoft, "fmpass", dora) },
		"imap.md With a password":                                          func(t *testing.T) *guideFakes { return fakes(t, mailtest.StyleMicrosoft, "its own", emil) },
		"microsoft-365.md A code: one mailbox, its owner signs in":         func(t *testing.T) *guideFakes { return fakes(t, mailtest.StyleMicrosoft, "", carol) },
		"microsoft-365.md The app by itself: a whole team, nobody signs in": func(t *testing.T) *guideFakes {
			return fakes(t, mailtest.StyleMicrosoft, "", carol, "dave@example.com")
		},
		"google-workspace.md A service account: a whole organisation": func(t *testing.T) *guideFakes {
			f := fakes(t, mailtest.StyleGmail, "", "ada@example.com", bob)
			f.serviceFile()
			return f
		},
		"dovecot.md A master user: a whole team": nil, // TestGuideOfDovecot
	}
	most := map[string]int{"gmail.md": 10, "microsoft-365.md": 20}
	for _, file := range []string{"gmail.md", "google-workspace.md", "fastmail.md", "imap.md", "microsoft-365.md", "dovecot.md"} {
		found := ways(t, file)
		if len(found) == 0 {
			t.Errorf("%s counts no way", file)
		}
		for _, w := range found {
			name := file + " " + w.title
			if got := [2]int{w.pages(), len(w.commands())}; got != w.said {
				t.Errorf("%s: %d pages and %d commands, and it says %v: %q", name, got[0], got[1], w.said, w.commands())
			}
			if limit, ok := most[file]; ok && w.said[0]+w.said[1] > limit {
				t.Errorf("%s takes more than %d pages and commands", name, limit)
			}
			start, known := follows[name]
			if !known {
				t.Errorf("%s: nobody follows it", name)
			}
			if start != nil {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					if strings.Contains(w.text, "openssl") {
						if _, err := exec.LookPath("openssl"); err != nil {
							mailtest.SkipOrFail(t, "openssl is not installed")
						}
					}
					start(t).follow(w)
				})
			}
		}
	}
}

// TestGuideOfDovecot follows the guide with a real Dovecot.
func TestGuideOfDovecot(t *testing.T) {
	t.Parallel()
	w := ways(t, "dovecot.md")[0]
	f := fakes(t, mailtest.StyleGmail, "", "ada@example.com", "bob@example.com")
	conf := strings.ReplaceAll(w.block(""), "/etc/dovecot/master-users", filepath.Join(f.dir, "master-users"))
	d := mailtest.StartDovecotWith(t, mailtest.DovecotOptions{Extra: conf, Users: []mailtest.User{{Name: "ada@example.com", Password: "hers"}, {Name: "bob@example.com", Password: "his"}}})
	f.must(os.Chmod(f.dir, 0o755)) // Dovecot's user passes through
	f.must(os.Chmod(filepath.Dir(f.dir), 0o755))
	f.address, f.extra = d.Addr, fmt.Sprintf(", ca_file: %q", d.CAFile)
	f.follow(w)
}
