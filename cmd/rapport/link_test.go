package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rapport/internal/app"
	"rapport/internal/config"
)

// TestFaultyFileBesideARunningSystem talks to whoever still works with what
// the file said before, and refuses where nobody does or can be found.
func TestFaultyFileBesideARunningSystem(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", dir)
	file := filepath.Join(dir, "config.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const good = "data_dir: data\nteam: {domains: [example.com]}\n"
	status := func() (int, string) {
		var errs strings.Builder
		s := &session{ctx: t.Context(), in: strings.NewReader(""), out: io.Discard, err: &errs, env: os.Getenv, now: time.Now, loc: time.UTC}
		return s.report(s.command([]string{"status", "-c", file})), errs.String()
	}
	write(good)
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := app.Connect(t.Context(), cfg, app.ConnectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	write(good + "colour: red\n")
	if code, said := status(); code != exitDone || !strings.Contains(said, "warning: "+file+":3:1: ") || !strings.Contains(said, "runs on") {
		t.Errorf("beside a running system: code %d, %q; want it used and the fault a warning", code, said)
	}
	for name, text := range map[string]string{"no YAML": good + "\t- [\n", "bad data_dir": "data_dir: [data]\n", "another data_dir": good[len("data_dir: data"):] + "data_dir: other\ncolour: red\n"} {
		write(text)
		if code, said := status(); code != exitUsage || strings.Contains(said, "warning") {
			t.Errorf("%s: code %d, %q; want it refused", name, code, said)
		}
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	write(good + "colour: red\n")
	if code, said := status(); code != exitUsage || strings.Contains(said, "warning") {
		t.Errorf("where nobody runs: code %d, %q; want it refused", code, said)
	}
}
