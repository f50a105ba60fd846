package app

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// keyFile lies beside the store. What the store keeps as keyed digests —
// tombstones above all — is worthless without it, so it is made together with
// the store and never replaced.
const (
	keyFile = "key"
	keySize = 32
)

// secretKey reads the key of a data directory. Where there is no store yet it
// makes one; where there is a store and no key it refuses.
func secretKey(dir string, storeExists bool) ([]byte, error) {
	path := filepath.Join(dir, keyFile)
	key, err := readKey(path)
	switch {
	case err == nil:
		return key, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case storeExists:
		return nil, fmt.Errorf("read key %s: the file is missing though the store exists (put it back, or restore a backup with --identity; a new key would bring erased people's mail back)", path)
	}
	return makeKey(path)
}

func readKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("read key %s: others can read it, mode %04o (chmod 600 %s)", path, mode, path)
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	if len(key) != keySize {
		return nil, fmt.Errorf("read key %s: %d bytes instead of %d (put it back from where it is kept)", path, len(key), keySize)
	}
	return key, nil
}

// makeKey makes a new key.
func makeKey(path string) ([]byte, error) {
	key := make([]byte, keySize)
	rand.Read(key) // never fails: crypto/rand ends the program instead
	err := placeKey(path, key)
	// Whoever made a key in between keeps it, and may have swept ours up.
	if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return readKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("make key %s: %w", path, err)
	}
	return key, nil
}

// placeKey writes a key durably under a temporary name first, so that a crash
// leaves a whole key or none. It replaces none.
func placeKey(path string, key []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), unfinishedKeys)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // the name that was given is another link
	_, err = f.Write(key)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Link(f.Name(), path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	return err
}

// unfinishedKeys are the temporary names of keys.
const unfinishedKeys = ".key-*"

// sweepKeys removes what a killed process left of making the key: a second
// name of it, perhaps. Whoever calls it holds the store.
func sweepKeys(dir string) error {
	left, err := fs.Glob(os.DirFS(dir), unfinishedKeys)
	if err != nil {
		return fmt.Errorf("sweep up keys: %w", err)
	}
	for _, name := range left {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("sweep up keys: %w", err)
		}
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
