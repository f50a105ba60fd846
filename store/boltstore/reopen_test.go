package boltstore

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"rapport/store"
)

// TestCompactionThatCannotReopen: the compacted file is damaged before it is
// opened again. The store is closed then, and says so, but nobody is locked out
// until the process ends.
func TestCompactionThatCannotReopen(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s, err := Open(dir, Options{Step: func(name string) {
		if name == "compact.renamed" {
			if err := os.WriteFile(filepath.Join(dir, fileDB), make([]byte, 8192), 0o600); err != nil {
				t.Error(err)
			}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Compact(t.Context()); err == nil {
		t.Error("Compact of a file that cannot be opened again = nil")
	}
	if err := s.View(t.Context(), func(store.Tx) error { return nil }); !errors.Is(err, errClosed) {
		t.Errorf("View afterwards: %v, want %v", err, errClosed)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	again, err := Open(dir, Options{})
	if err == nil {
		t.Error("the damaged file was opened")
		again.Close()
	}
	if errors.Is(err, store.ErrLocked) {
		t.Errorf("Open afterwards: %v", err)
	}
}
