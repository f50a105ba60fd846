package filefault

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rapport/internal/mailtest"
)

const childDir = "FILEFAULT_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(dir); err != nil {
			fmt.Print(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child changes files in every way that is watched.
func child(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "a")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	for _, do := range []func() error{
		func() error { _, err := f.WriteString("one"); return err },
		func() error { _, err := f.WriteAt([]byte("two"), 3); return err },
		f.Sync,
		func() error { return f.Truncate(4) },
		f.Close,
		func() error { return os.Chmod(path, 0o600) },
		func() error { return os.Mkdir(filepath.Join(dir, "d"), 0o700) },
		func() error { return os.Link(path, filepath.Join(dir, "d", "b")) },
		func() error { return root.Rename("a", "d/c") },
		func() error { return os.WriteFile(filepath.Join(dir, "..", "outside"), []byte("not watched"), 0o600) },
		func() error { return os.Remove(filepath.Join(dir, "d", "b")) },
		func() error { return os.Remove(filepath.Join(dir, "d", "c")) },
		root.Close,
	} {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

// steps are the operations of child.
var steps = []string{"create a", "write a", "write a", "sync a", "size a", "mode a", "mkdir d", "link d/b", "rename d/c", "remove d/b", "remove d/c"}

func watch(t *testing.T, decide func(Op) Verdict) (dir, out string, w *Watched, err error) {
	t.Helper()
	if err := Supported(); err != nil {
		mailtest.SkipOrFail(t, err.Error())
	}
	dir = filepath.Join(t.TempDir(), "watched")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stdout = &said
	if w, err = Start(cmd, dir, decide); err != nil {
		t.Fatal(err)
	}
	n, err := w.Wait()
	if err == nil && !w.Killed() && n != len(steps) {
		t.Errorf("%d operations, want %d", n, len(steps))
	}
	return dir, said.String(), w, err
}

func TestEveryOperationIsSeen(t *testing.T) {
	t.Parallel()
	var got []string
	var paths []string
	dir, _, _, err := watch(t, func(op Op) Verdict {
		got = append(got, string(op.Kind))
		paths = append(paths, op.Path)
		return Do()
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range steps {
		kind, name, _ := strings.Cut(want, " ")
		if i < len(got) && (got[i] != kind || paths[i] != filepath.Join(dir, name)) {
			t.Errorf("operation %d is %s of %s, want %s", i+1, got[i], paths[i], want)
		}
	}
}

func TestKilledBeforeEachOperation(t *testing.T) {
	t.Parallel()
	for k := range steps {
		dir, out, w, err := watch(t, func(op Op) Verdict {
			if op.N == k+1 {
				return Kill()
			}
			return Do()
		})
		if err != nil || !w.Killed() || out != "" {
			t.Errorf("killed at %d: killed %v, %v, %s", k+1, w.Killed(), err, out)
		}
		raw, err := os.ReadFile(filepath.Join(dir, "a"))
		want := []string{"", "", "one", "onetwo", "onetwo", "onet", "onet", "onet", "onet"}
		if k == 0 || k >= len(want) {
			if !errors.Is(err, os.ErrNotExist) {
				t.Errorf("killed at %d: the file is there", k+1)
			}
		} else if string(raw) != want[k] {
			t.Errorf("killed at %d: the file holds %q, %v; want %q", k+1, raw, err, want[k])
		}
	}
}

func TestEachOperationFails(t *testing.T) {
	t.Parallel()
	for k, step := range steps {
		_, out, _, err := watch(t, func(op Op) Verdict {
			if op.N == k+1 {
				return Fail(syscall.ENOSPC)
			}
			return Do()
		})
		if err == nil || !strings.Contains(out, syscall.ENOSPC.Error()) {
			t.Errorf("%s fails: %v, it said %q", step, err, out)
		}
	}
}
