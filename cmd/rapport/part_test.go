package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteWhole(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a")
	text := func(s string) func(*os.File) error {
		return func(f *os.File) error { _, err := f.WriteString(s); return err }
	}
	// What a killed process left is written over.
	if err := os.WriteFile(path+".part", []byte("left behind, and longer"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeWhole(path, text("new")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); string(got) != "new" {
		t.Errorf("the file holds %q, %v", got, err)
	}
	// Of two at a time the second is refused and spoils nothing.
	err := writeWhole(path, func(f *os.File) error {
		if err := writeWhole(path, text("intruder")); err == nil || !strings.Contains(err.Error(), "another process writes") {
			t.Errorf("a second one at a time = %v; want a refusal", err)
		}
		return text("both")(f)
	})
	if got, rerr := os.ReadFile(path); err != nil || string(got) != "both" {
		t.Errorf("writeWhole = %v; the file holds %q, %v", err, got, rerr)
	}
	// One that fails leaves what there was.
	broken := errors.New("broken")
	if err := writeWhole(path, func(*os.File) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("writeWhole of what fails = %v", err)
	}
	if _, err := os.Lstat(path + ".part"); err == nil {
		t.Error("the part stays after a failure")
	}
	if got, err := os.ReadFile(path); string(got) != "both" {
		t.Errorf("the file holds %q, %v", got, err)
	}
}
