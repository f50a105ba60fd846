package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the .want files")

// TestBadFiles loads one file per rule and compares all fault lines with the
// .want file beside it. Warnings stand there too, marked.
func TestBadFiles(t *testing.T) {
	t.Setenv("PW", "s3cret")
	dir := badDir(t)
	files, err := filepath.Glob(filepath.Join(dir, "bad", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad files: %v", err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			faults, warnings := Check(file)
			if len(faults) == 0 {
				t.Fatal("no fault found")
			}
			got := faults.Error() + "\n"
			for _, w := range warnings {
				got += "warning " + w.String() + "\n"
			}
			got = strings.ReplaceAll(got, dir+string(filepath.Separator), "")
			golden := filepath.Join("testdata", "bad", strings.TrimSuffix(name, ".yaml")+".want")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("Check(%s) differs (-want +got):\n%s", name, diff)
			}
			if strings.Contains(got, "S3CRET") {
				t.Error("a fault prints a password")
			}
			if c, err := Load(file); err == nil || c != nil {
				t.Errorf("Load = %v, %v; want the faults alone", c, err)
			}
		})
	}
}

// badDir copies the bad files into a directory with the secrets they name,
// whose modes a repository does not keep.
func badDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "bad"), os.DirFS(filepath.Join("testdata", "bad"))); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]struct {
		text string
		mode os.FileMode
	}{
		"pw": {"s3cret\n", 0o600}, "open": {"s3cret\n", 0o644}, "empty": {"\n", 0o600}, "lines": {"a\nb\n", 0o600},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(s.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, s.mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
