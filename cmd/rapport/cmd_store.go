package main

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"rapport/internal/rescue"
	"rapport/web"
)

type storeCheckCommand struct{}

// Run looks for faults in the store.
func (c *storeCheckCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		stop := s.busy("checking the store")
		found, err := api.CheckStore(s.ctx)
		stop()
		if err != nil {
			return err
		}
		err = s.show(found, func() {
			for _, f := range found.Faults {
				s.printf("%s\n", plain(f))
			}
			if len(found.Faults) == 0 {
				s.printf("the store is sound\n")
			}
		})
		if err == nil && len(found.Faults) > 0 {
			return failed()
		}
		return err
	})
}

type storeBackupCommand struct {
	File string `arg:""`
}

// Run writes a consistent copy of the store. It has its name only when it is
// whole and on the disk.
func (c *storeBackupCommand) Run(s *session) error {
	if _, err := os.Lstat(c.File); err == nil {
		return usage("%s exists already, give another name", c.File)
	}
	return s.online(func(api *web.Client) error {
		stop := s.busy("copying the store")
		err := writeWhole(c.File, func(f *os.File) error { return api.Backup(s.ctx, f) })
		stop()
		if err != nil {
			return fmt.Errorf("make backup %s: %w", c.File, err)
		}
		info, err := os.Stat(c.File)
		if err != nil {
			return err
		}
		return s.show(map[string]any{"file": c.File, "bytes": info.Size()}, func() {
			s.printf("%s, %s\n", plain(c.File), bytesText(info.Size()))
			s.note("keep the file named key from the data directory with it: without that it cannot be used")
		})
	})
}

type storeReindexCommand struct {
	Search bool
}

// Run rebuilds everything derived, or the search index alone.
func (c *storeReindexCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		meter := s.meter("reindex")
		again := api.Reindex
		if c.Search {
			again = api.ReindexSearch
		}
		err := again(s.ctx, meter.update)
		meter.close()
		if err != nil {
			return err
		}
		return s.show(map[string]bool{"reindexed": true}, func() { s.printf("reindexed\n") })
	})
}

type storeCompactCommand struct{}

// Run makes the store as small as it can be.
func (c *storeCompactCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		stop := s.busy("compacting the store")
		r, err := api.Compact(s.ctx)
		stop()
		if err != nil {
			return err
		}
		return s.show(r, func() { s.printf("%s before, %s after\n", bytesText(r.Before), bytesText(r.After)) })
	})
}

type exportCommand struct {
	Dir string `arg:""`
}

// Run writes everything to a directory.
func (c *exportCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		return s.unpack(c.Dir, func(w io.Writer) error { return api.Export(s.ctx, w) })
	})
}

// exported is what an export wrote.
type exported struct {
	Dir   string `json:"dir"`
	Files int    `json:"files"`
	Bytes int64  `json:"bytes"`
}

// unpack writes the archive that fetch hands over to a directory, which must
// be empty or not there yet.
func (s *session) unpack(dir string, fetch func(io.Writer) error) error {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return usage("%s is not empty, give another directory", dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return usage("%w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make %s: %w", dir, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	stop := s.busy("exporting")
	result, err := untar(root, fetch)
	stop()
	if err != nil {
		return fmt.Errorf("export to %s: %w", filepath.Clean(dir), err)
	}
	result.Dir = dir
	return s.show(result, func() { s.printf("%s: %s files, %s\n", plain(dir), number(result.Files), bytesText(result.Bytes)) })
}

// piped hands over what fetch writes as a reader; the channel then gets the
// error it ended with.
func piped(fetch func(io.Writer) error) (*io.PipeReader, <-chan error) {
	pr, pw := io.Pipe()
	fetched := make(chan error, 1)
	go func() {
		defer pw.Close() // where fetch did not get to say how it ended
		fetched <- rescue.Do(func() error {
			err := fetch(pw)
			pw.CloseWithError(err)
			return err
		})
	}()
	return pr, fetched
}

func untar(root *os.Root, fetch func(io.Writer) error) (result exported, err error) {
	pr, fetched := piped(fetch)
	archive := tar.NewReader(bufio.NewReader(pr))
	for {
		var h *tar.Header
		if h, err = archive.Next(); err != nil {
			break
		}
		if h.Typeflag != tar.TypeReg || !fs.ValidPath(h.Name) {
			err = fmt.Errorf("unexpected %q in the archive", h.Name)
			break
		}
		if err = writeFile(root, h.Name, archive); err != nil {
			break
		}
		result.Files++
		result.Bytes += h.Size
	}
	if errors.Is(err, io.EOF) { // what follows the archive's end is padding
		_, err = io.Copy(io.Discard, pr)
	}
	pr.CloseWithError(err)
	if ferr := <-fetched; ferr != nil {
		err = ferr
	}
	return result, err
}

func writeFile(root *os.Root, name string, from io.Reader) error {
	if dir := path.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}
