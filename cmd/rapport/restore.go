package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"rapport/internal/app"
)

type storeRestoreCommand struct {
	File     string `arg:""`
	Identity string `placeholder:"ID"`
}

// Run lays a backup out as the store of the configuration's data directory.
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
	o := app.RestoreOptions{Beside: filepath.Dir(c.File)}
	if c.Identity != "" {
		raw, err := os.ReadFile(c.Identity)
		if err != nil {
			return usage("read the identity: %w", err)
		}
		o.Identity = strings.TrimSpace(string(raw))
	}
	stop := s.busy("restoring")
	r, err := app.Restore(s.ctx, cfg, f, o)
	stop()
	if err != nil {
		return fmt.Errorf("restore %s: %w", c.File, err)
	}
	return s.show(r, func() {
		s.printf("restored to %s", plain(r.DataDir))
		if !r.Created.IsZero() {
			s.printf(", the state of %s", s.local(r.Created))
		}
		s.printf("\n")
		if r.Erasures > 0 {
			s.printf("whoever was erased since is erased again at the first start (addresses in the journal: %s)\n", number(r.Erasures))
		}
		if !r.Key {
			s.printf("the key is missing: copy the file named key from the data directory the backup was made of to\n" +
				"that one, mode 600, before the first start; or restore with --identity where it was sealed in\n")
		}
	})
}
