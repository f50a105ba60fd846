//go:build !linux

package boltstore

import (
	"io/fs"
	"path/filepath"
)

// syncTree makes everything below a directory durable.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return syncDir(name)
		}
		return syncFile(name)
	})
}
