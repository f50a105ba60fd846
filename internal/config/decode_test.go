package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rapport/internal/mailtest"
)

func TestRenamedKeyKeepsWorking(t *testing.T) {
	type section struct {
		Size int    `yaml:"size" was:"length" required:"true" min:"1" max:"9" doc:"Size."`
		Word string `yaml:"word" default:"x"`
	}
	for _, tt := range []struct {
		in              string
		size            int
		faults, warning string
	}{
		{"size: 3", 3, "", ""},
		{"length: 3", 3, "", "f:1:1: length: this key is now called size (rename it: the old name goes with the next major version)"},
		{"length: 3\nsize: 4", 3, "f:2:1: size: given twice (keep one of the two)", "f:1:1: length: this key is now called size (rename it: the old name goes with the next major version)"},
		{"length: 12", 12, "f:1:9: size: 12 is out of range (from 1 to 9)", "f:1:1: length: this key is now called size (rename it: the old name goes with the next major version)"},
		{"word: y", 0, "f:1:1: size: is missing (Size)", ""},
	} {
		var s section
		r := &reader{file: "f", places: map[string]place{}, bad: map[string]bool{}}
		r.read([]byte(tt.in), &s)
		if s.Size != tt.size || r.faults.Error() != tt.faults || r.warnings.Error() != tt.warning {
			t.Errorf("%q: size %d, faults %q, warnings %q; want %d, %q, %q", tt.in, s.Size, r.faults.Error(), r.warnings.Error(), tt.size, tt.faults, tt.warning)
		}
	}
}

func TestTextStaysAsWritten(t *testing.T) {
	c, err := Load(write(t, `
team: {name: 012, domains: [example.com]}
mailboxes:
  - {name: 1.10, host: imap.example.com, user: 0123, password_file: pw, folders: {exclude: [1.10, 012, yes, 2024-01-01]}}
web: {listen: off}
`))
	if err != nil {
		t.Fatal(err)
	}
	m := c.Mailboxes[0]
	if got := strings.Join(append([]string{c.Ours.Name, m.Name, m.User}, m.Folders.Exclude...), " "); got != "012 1.10 0123 1.10 012 yes 2024-01-01" {
		t.Errorf("read as %s", got)
	}
	if c.Web.Enabled() {
		t.Error("web.listen: off does not disable the listener")
	}
}

func TestAnchorsAndMerge(t *testing.T) {
	c, err := Load(write(t, `
team: {domains: [example.com]}
mailboxes:
  - &first
    name: ada
    host: imap.example.com
    user: ada
    password_file: pw
    since: 2y
    folders: {exclude: [Private]}
  - <<: *first
    name: bob
    user: bob
    since: all
`))
	if err != nil {
		t.Fatal(err)
	}
	bob := c.Mailboxes[1]
	if bob.Name != "bob" || bob.User != "bob" || bob.Host != "imap.example.com:993" || bob.Since != (Since{}) || len(bob.Folders.Exclude) != 1 {
		t.Errorf("bob = %+v", bob)
	}
}

// TestHostileFiles reads what is made to cost time or memory, one at a time:
// it measures what each costs.
func TestHostileFiles(t *testing.T) {
	var lists strings.Builder
	lists.WriteString("a: &a [x, x, x, x, x, x, x, x, x, x]\n")
	for c := 'b'; c <= 'k'; c++ {
		p := string(c - 1)
		lists.WriteString(string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+p+", ", 9) + "*" + p + "]\n")
	}
	members := "team:\n  members:\n    - &m {name: x, addresses: &a [" + strings.Repeat("a@example.com, ", 2000) + "]}\n" + strings.Repeat("    - *m\n", 20000)
	for name, text := range map[string]string{
		"alias bomb":      lists.String() + "team: {domains: *k}\n",
		"many aliases":    members,
		"alias in itself": "team: &t\n  domains: *t\n",
		"merge in itself": "team: &t {<<: *t, domains: [gmail.com]}\n",
		"deep":            strings.Repeat("[", 200_000),
		"deep mapping":    strings.Repeat("{a: ", 100_000),
		"long key":        strings.Repeat("k", 900_000) + ": 1\n",
		"many keys":       strings.Repeat("k: 1\n", 200_000),
		"many faults":     "mailboxes:\n" + strings.Repeat("  - {}\n", 100_000),
		"many documents":  strings.Repeat("---\n", 200_000),
		"binary":          "\x00\x01\x02\xff\xfe",
		"escape":          "\"\\e[31mred\": 1\n",
		"tagged":          "team: !!binary aGVsbG8=\n",
		"other keys":      "? [a, b]\n: c\n? {d: e}\n: f\n",
	} {
		t.Run(name, func(t *testing.T) {
			begin := mailtest.CPUTime()
			faults, _ := Check(write(t, text))
			if len(faults) == 0 || len(faults) > 2*maxFaults {
				t.Errorf("%d faults", len(faults))
			}
			if took := mailtest.CPUTime() - begin; took > 30*time.Second { // a bound on the kind of growth; the race detector slows it tenfold
				t.Errorf("took %v", took)
			}
			for _, f := range faults {
				if s := f.String(); strings.ContainsAny(s, "\x1b\n\x00") || len(s) > 4000 {
					t.Errorf("a fault of %d bytes: %.200q", len(s), s)
				}
			}
		})
	}
}

func TestUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	big := filepath.Join(dir, "big.yaml")
	if err := os.WriteFile(big, []byte(strings.Repeat("# x\n", maxBytes/4+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none.yaml"): "no such file",
		dir:                             "is a directory",
		big:                             "larger than",
	} {
		faults, _ := Check(path)
		_, err := Load(path)
		if len(faults) != 1 || !strings.Contains(faults.Error(), want) || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: Check %v, Load %v; want %q", path, faults, err, want)
		}
	}
}

func TestContainerSecretsAreAWarning(t *testing.T) {
	if !managed("/run/secrets/ada") || managed("/run/secrets/../ada") || managed("/srv/run/secrets/ada") {
		t.Error("managed is wrong about what lies under /run/secrets")
	}
}

func TestWarnings(t *testing.T) {
	t.Setenv("RAPPORT_TEST_UNSET", "")
	c, err := Load(write(t, `
team: {domains: [example.com]}
mailboxes:
  - {name: a, host: imap.example.com, user: a, password_file: pw, visibility: metadata}
  - {name: b, host: IMAP.example.com, user: a, password_file: pw}
  - {name: c, provider: outlook, user: c@example.com, password_env: RAPPORT_TEST_UNSET}
  - {name: d, host: imap.gmail.com, user: d@example.com, password_file: pw}
web: {listen: ":8025", trusted_proxies: 10.0.0.5}
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"mailboxes[0].visibility", "mailboxes[1].user", "mailboxes[2].provider", "mailboxes[2].password_env", "mailboxes[3].host", "web.listen"} {
		if !strings.Contains(c.Warnings.Error(), want+": ") {
			t.Errorf("no warning at %s", want)
		}
	}
	if len(c.Warnings) != 6 {
		t.Errorf("%d warnings, want 6:\n%v", len(c.Warnings), c.Warnings)
	}
}

func TestNearest(t *testing.T) {
	for _, tt := range []struct{ word, want string }{
		{"hots", "host"}, {"passwordfile", "password_file"}, {"Password-File", "password_file"}, {"pasword_file", "password_file"},
		{"usr", "user"}, {"x", ""}, {"", ""}, {"completely_else", ""}, {"tsl", "tls"},
	} {
		if got := nearest(tt.word, []string{"host", "user", "tls", "password_file", "poll"}); got != tt.want {
			t.Errorf("nearest(%q) = %q, want %q", tt.word, got, tt.want)
		}
	}
}

// FuzzLoad reads anything: no panic, bounded output, and what loads loads
// again the same.
func FuzzLoad(f *testing.F) {
	f.Add(Example())
	f.Add(start)
	f.Add([]byte(small))
	files, _ := filepath.Glob(filepath.Join("testdata", "bad", "*.yaml"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		c, faults, warnings := parse("f", filepath.Join(dir, "f"), text)
		if len(faults) > 2*maxFaults || len(warnings) > 2*maxFaults {
			t.Errorf("%d faults, %d warnings", len(faults), len(warnings))
		}
		for _, x := range append(faults, warnings...) {
			if strings.Contains(x.String(), "\n") || x.Line < 1 || x.Col < 1 {
				t.Errorf("fault %+v", x)
			}
		}
		if len(faults) == 0 && (c.DataDir == "" || c.Team().Domains == nil && c.Team().Members == nil) {
			t.Errorf("accepted: %+v", c)
		}
	})
}
