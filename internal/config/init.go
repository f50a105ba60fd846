package config

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed example.yaml
var example []byte

//go:embed start.yaml
var start []byte

// Example returns the annotated file that holds every key; it is the same as
// config.example.yaml.
func Example() []byte { return append([]byte(nil), example...) }

// Init lays out dir for a first start: a commented config.yaml, secrets/ for
// the passwords and data/ for the store, both for their owner only. It never
// overwrites: a config.yaml that exists is an error that wraps fs.ErrExist,
// and then nothing is changed.
func Init(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("lay out %s: %w", dir, err)
	}
	file := filepath.Join(dir, "config.yaml")
	if _, err := os.Lstat(file); err == nil {
		return fmt.Errorf("write %s: %w", file, fs.ErrExist)
	}
	for _, sub := range []string{"secrets", "data"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("lay out %s: %w", dir, err)
		}
	}
	// O_EXCL is what promises not to overwrite; the look above only spares
	// somebody who repeats the command two empty directories.
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write %s: %w", file, pathless(err))
	}
	_, err = f.Write(start)
	if err := errors.Join(err, f.Close()); err != nil {
		os.Remove(file) // half a file would be in the way of the next try
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}

// NextSteps says in words what to do after [Init], for people.
func NextSteps(dir string) string {
	file := filepath.Join(dir, "config.yaml")
	return fmt.Sprintf(`Wrote %[1]s

Next:
  1. Edit %[1]s: your domains, your server, your mailbox.
  2. Put the mailbox's password into %[2]s:
       (umask 077; cat > %[2]s)      then type it, Enter, Ctrl-D
  3. rapport check -c %[1]s       names every mistake with its line
  4. rapport doctor -c %[1]s      signs in to each server
  5. rapport discover -c %[1]s    proposes your customers from the mail you have
  6. rapport run -c %[1]s
`, file, filepath.Join(dir, "secrets", "ada"))
}
