package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"rapport/internal/app"
	"rapport/store/boltstore"
)

type storeRestoreCommand struct {
	File string `arg:""`
}

// Run lays a backup out as the store of the configuration's data directory.
// The key and the journal of erasures there are not part of a backup and stay.
func (c *storeRestoreCommand) Run(s *session) error {
	cfg, err := s.load()
	if err != nil {
		return err
	}
	if conn := app.Reach(s.ctx, cfg.DataDir, app.ConnectOptions{}); conn != nil {
		return errors.Join(fmt.Errorf("restore into %s: a daemon is at work there, stop it first", cfg.DataDir), conn.Close())
	}
	f, err := s.open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("make %s: %w", cfg.DataDir, err)
	}
	part := filepath.Join(cfg.DataDir, "restoring")
	if err := os.RemoveAll(part); err != nil { // what a broken-off restore left
		return err
	}
	defer os.RemoveAll(part)
	if err := boltstore.Restore(s.ctx, f, part); err != nil {
		return fmt.Errorf("restore %s: %w", c.File, err)
	}
	if err := moveStore(part, cfg.DataDir); err != nil {
		return fmt.Errorf("restore %s: %w", c.File, err)
	}
	return s.show(map[string]string{"data_dir": cfg.DataDir}, func() {
		s.printf("restored to %s\n", plain(cfg.DataDir))
		if _, err := os.Stat(filepath.Join(cfg.DataDir, "key")); errors.Is(err, fs.ErrNotExist) {
			s.printf("the backup does not hold the key: copy the file named key from the data directory the backup\n" +
				"was made of to that one, mode 600, before the first start\n")
		}
	})
}

// moveStore moves what was unpacked to its place: directories first, so that
// the database, with which the directory is a store, comes last. It replaces
// nothing.
func moveStore(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, err := os.Lstat(filepath.Join(to, e.Name())); err == nil {
			return fmt.Errorf("%s holds %s already, move it away", to, e.Name())
		}
	}
	for _, directories := range []bool{true, false} {
		for _, e := range entries {
			if e.IsDir() != directories {
				continue
			}
			if err := os.Rename(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
				return err
			}
		}
	}
	return syncDir(to)
}
