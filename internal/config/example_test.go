package config

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// withSecrets writes the file into a directory that has what the example names.
func withSecrets(t *testing.T, text []byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"config.yaml": text, "secrets/ada": []byte("a"), "secrets/bob": []byte("b"), "secrets/alerts": []byte("c")} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "config.yaml")
}

func TestExampleLoads(t *testing.T) {
	c, err := Load(withSecrets(t, Example()))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("the example has warnings:\n%v", c.Warnings)
	}
	if s := c.AlertSender(); s == nil || s.Name != "alerts" {
		t.Errorf("AlertSender = %v, want alerts", s)
	}
	if got := c.LogAddresses(); len(got) != 1 || got[0] != "log@example.com" {
		t.Errorf("LogAddresses = %v", got)
	}
}

// TestExampleUpkeep removes the "#" before what the example leaves to choose:
// backups and the retention. As it stands, whoever uses it whole loses nothing.
func TestExampleUpkeep(t *testing.T) {
	before, rest, _ := strings.Cut(string(Example()), "\nbackup:\n")
	upkeep, after, found := strings.Cut(rest, "\n# Mail to the administrators")
	if !found {
		t.Fatal("the sections are not where this test looks for them")
	}
	for set, text := range map[bool]string{false: upkeep, true: regexp.MustCompile(`(?m)^  # ([a-z]+: )`).ReplaceAllString(upkeep, "  $1")} {
		c, err := Load(withSecrets(t, []byte(before+"\nbackup:\n"+text+"\n# Mail to the administrators"+after)))
		if err != nil {
			t.Fatal(err)
		}
		if kinds := len(c.Retention.Spans()); c.Backup.Enabled() != set || (kinds == 12) != set || (len(c.Retention.Hold) == 1) != set {
			t.Errorf("uncommented %v: backups %v, %d kinds, held %v", set, c.Backup, kinds, c.Retention.Hold)
		}
	}
}

// TestExampleAtTheRoot compares the embedded example with the file people find.
func TestExampleAtTheRoot(t *testing.T) {
	root, err := os.ReadFile("../../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(root, Example()) {
		t.Error("config.example.yaml and internal/config/example.yaml differ: copy the one you changed over the other")
	}
}

// TestExampleHoldsEveryKey looks for each key below the key of its section,
// commented out or not, with a sentence before it or in its section.
func TestExampleHoldsEveryKey(t *testing.T) {
	text := string(Example())
	walk(reflect.TypeFor[Config](), "", func(path string, section reflect.Type) {
		body := text
		if strings.HasPrefix(path, "mailbox_groups[].template") {
			return // its keys are those of mailboxes
		}
		if strings.HasPrefix(path, "purchases") {
			return // its keys are those of sales
		}
		if path == "senders[].oauth" {
			return // as of mailboxes
		}
		if top, _, _ := strings.Cut(strings.ReplaceAll(path, "[]", ""), "."); top != "" {
			block := regexp.MustCompile(`(?ms)^` + top + `:\n(.*?)(^[a-z]|\z)`).FindStringSubmatch(text)
			if block == nil {
				t.Errorf("section %s is not in the example", path)
				return
			}
			body = block[1]
		}
		for _, f := range fields(reflect.New(section).Elem()) {
			if !regexp.MustCompile(`(?m)(^|[ {#-])`+f.key+`: `).MatchString(body+" ") &&
				!regexp.MustCompile(`(?m)(^|[ -])`+f.key+`:$`).MatchString(body) {
				t.Errorf("%s is not in the example", join(path, f.key))
			}
		}
	})
}

// TestExampleStatesTheDefaults uncomments nothing: keys with a default that
// the example sets stand there with that default, unless it is an illustration.
func TestExampleStatesTheDefaults(t *testing.T) {
	illustrated := map[string]bool{"mailboxes[].since": true, "mailbox_groups[].template.since": true}
	text := string(Example())
	walk(reflect.TypeFor[Config](), "", func(path string, section reflect.Type) {
		for _, f := range fields(reflect.New(section).Elem()) {
			def := f.tag.Get("default")
			if def == "" || illustrated[join(path, f.key)] {
				continue
			}
			if !strings.Contains(text, f.key+": "+def) {
				t.Errorf("%s: the example does not show its default %s", join(path, f.key), def)
			}
		}
	})
}

func TestInit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := Init(dir); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]fs.FileMode{"secrets": 0o700, "data": 0o700} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v; want a directory with mode %o", name, info, err, mode)
		}
	}
	file := filepath.Join(dir, "config.yaml")
	if _, err := Load(file); err == nil || !strings.Contains(err.Error(), "secrets/ada") || len(err.(Faults)) != 1 {
		t.Errorf("a fresh file: %v; want the missing password as its only fault", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "secrets", "ada"), []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(file)
	if err != nil || len(c.Warnings) > 0 {
		t.Fatalf("Load = %v, %v", err, c.Warnings)
	}
	if c.DataDir != filepath.Join(dir, "data") {
		t.Errorf("data_dir = %s", c.DataDir)
	}
	before, _ := os.ReadFile(file)
	if err := Init(dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("second Init = %v, want fs.ErrExist", err)
	}
	if after, _ := os.ReadFile(file); !bytes.Equal(before, after) {
		t.Error("Init overwrote the file")
	}
	if steps := NextSteps(dir); !strings.Contains(steps, "rapport check -c "+file) {
		t.Errorf("next steps do not name the file: %s", steps)
	}
}

// TestInitUncommented reads the commented parts of the first file as well.
func TestInitUncommented(t *testing.T) {
	dir := t.TempDir()
	if err := Init(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	commented := regexp.MustCompile(`(?m)^( *)# ( *(- |[a-z_]+:))`)
	whole := commented.ReplaceAllString(string(text), "$1$2")
	c, err := Load(withSecrets(t, []byte(whole)))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Mailboxes) != 2 || len(c.Ours.Members) != 1 || c.AlertSender() == nil || len(c.Policy.Exclude) != 1 {
		t.Errorf("not everything was read: %+v", c)
	}
}
