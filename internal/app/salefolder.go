package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rapport/internal/rescue"
	"rapport/records/contact"
	"rapport/records/sale"
	"rapport/web"
)

// Where files of a watched directory go: taken as their turn comes, and then
// by how it went. What was wrong with one lies beside it.
const (
	folderTaken  = "taken"
	folderDone   = "done"
	folderFailed = "failed"
	errorsEnd    = ".errors.txt"
)

const (
	// saleLook is how often the directories are looked at. A file that has not
	// changed for saleStill is taken to be whole.
	saleLook  = 2 * time.Second
	saleStill = 5 * time.Second
	// mostListed bounds how many files of a directory are looked at at once.
	mostListed = 10_000
	// byFolder is who is said to have imported a file of the directory.
	byFolder = "watched directory"
)

// saleFolder is one watched directory. Its files are moved to taken, imported
// whole or not at all, and moved on: a kill in between has the file imported
// again at the next start, which changes nothing, since sales are known by
// their numbers.
type saleFolder struct {
	dir       string
	direction sale.Direction
	log       *slog.Logger
	// bring imports a file.
	bring func(ctx context.Context, name string, file io.Reader) (sale.ImportResult, error)
	// note keeps how an import went.
	note  func(ctx context.Context, r web.SaleImported) error
	now   func() time.Time
	step  func(name string)   // hears of each durable step, for tests; may be nil
	still time.Duration       // saleStill but in tests
	seen  map[string]fileMark // of the last look
}

// fileMark tells whether a file has changed.
type fileMark struct {
	size     int64
	modified time.Time
	since    time.Time // when it was first seen so
}

// look takes what has come, one file after the other. An error is the
// directory's or the store's own; what is wrong with a file is written beside it.
func (f *saleFolder) look(ctx context.Context) error {
	for _, sub := range []string{folderTaken, folderDone, folderFailed} {
		if err := os.MkdirAll(filepath.Join(f.dir, sub), 0o700); err != nil {
			return fmt.Errorf("make the directories of sales: %w", err)
		}
	}
	left, err := f.files(folderTaken)
	if err != nil {
		return err
	}
	for _, e := range left { // what a kill left there
		if err := f.take(ctx, e.Name()); err != nil {
			return err
		}
	}
	waits, err := f.files("")
	if err != nil {
		return err
	}
	seen := map[string]fileMark{}
	for _, e := range waits {
		info, err := e.Info()
		if err != nil {
			continue // it has gone
		}
		is, was := fileMark{info.Size(), info.ModTime(), time.Now()}, f.seen[e.Name()]
		whole := was.size == is.size && was.modified.Equal(is.modified)
		if whole {
			is.since = was.since
		}
		if seen[e.Name()] = is; !whole || time.Since(is.since) < f.still {
			continue
		}
		err = os.Rename(filepath.Join(f.dir, e.Name()), filepath.Join(f.dir, folderTaken, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("take a file of sales: %w", err)
		}
		f.did("taken")
		if err := f.take(ctx, e.Name()); err != nil {
			return err
		}
	}
	f.seen = seen
	return nil
}

// files lists the files of the directory, or of one in it, that are of a kind
// that is read, by name.
func (f *saleFolder) files(sub string) ([]fs.DirEntry, error) {
	d, err := os.Open(filepath.Join(f.dir, sub))
	if err != nil {
		return nil, fmt.Errorf("look for files of sales: %w", err)
	}
	defer d.Close()
	all, err := d.ReadDir(mostListed)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("look for files of sales: %w", err)
	}
	all = slices.DeleteFunc(all, func(e fs.DirEntry) bool { return !e.Type().IsRegular() || !ofSales(e.Name()) })
	slices.SortFunc(all, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return all, nil
}

// ofSales reports whether a name is that of a file to be read: others, such as
// those under which programs write what they rename later, are left alone.
func ofSales(name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~") || strings.HasSuffix(name, errorsEnd) {
		return false
	}
	return slices.Contains([]string{".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json"}, strings.ToLower(filepath.Ext(name)))
}

// take imports a file that was taken, and moves it to where it belongs.
func (f *saleFolder) take(ctx context.Context, name string) error {
	from := filepath.Join(f.dir, folderTaken, name)
	said := web.SaleImported{File: name, At: f.now().UTC()}
	result, err := f.read(ctx, name, from)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(result.Errors) > 0:
		said.Failed = true
		f.log.Warn("a file of sales is not imported", "file", name, "errors", len(result.Errors), "first_line", result.Errors[0].Line)
		return errors.Join(f.fail(from, name, result.Errors), f.note(ctx, said))
	}
	said.Added, said.Updated, said.Unchanged, said.Skipped = result.Added, result.Updated, result.Unchanged, result.Skipped
	f.log.Info("a file of sales is imported", "file", name, "added", result.Added, "updated", result.Updated, "unchanged", result.Unchanged, "skipped", result.Skipped)
	if err := f.move(from, unusedName(filepath.Join(f.dir, folderDone), name)); err != nil {
		return err
	}
	return f.note(ctx, said)
}

func (f *saleFolder) read(ctx context.Context, name, from string) (sale.ImportResult, error) {
	file, err := os.Open(from)
	if err != nil {
		return sale.ImportResult{}, fmt.Errorf("read a file of sales: %w", err)
	}
	defer file.Close()
	result, err := f.bring(ctx, name, file)
	if err == nil {
		f.did("imported")
	}
	return result, err
}

// did says that something is done which a kill does not undo.
func (f *saleFolder) did(step string) {
	if f.step != nil {
		f.step(step)
	}
}

// fail moves a file to the failed, the errors before it: a kill in between has
// both made again.
func (f *saleFolder) fail(from, name string, faults []contact.RowError) error {
	to := unusedName(filepath.Join(f.dir, folderFailed), name)
	var b strings.Builder
	fmt.Fprintf(&b, "%s is not imported, and nothing of it is stored. Mend it and put it into %s again.\n\n", filepath.Base(to), f.dir)
	for _, e := range faults {
		fmt.Fprintf(&b, "line %d: %s\n", e.Line, escape(e.What))
	}
	if err := writeDurably(to+errorsEnd, b.String()); err != nil {
		return fmt.Errorf("say what is wrong with a file of sales: %w", err)
	}
	f.did("errors written")
	return f.move(from, to)
}

func (f *saleFolder) move(from, to string) error {
	err := os.Rename(from, to)
	if err == nil {
		err = errors.Join(syncDir(filepath.Dir(to)), syncDir(filepath.Dir(from)))
	}
	if err != nil {
		return fmt.Errorf("put a file of sales away: %w", err)
	}
	f.did("put away")
	return nil
}

// unusedName is the path of a name in a directory, with a number where there is
// such a file already.
func unusedName(dir, name string) string {
	ext := filepath.Ext(name)
	for n := 1; ; n++ {
		numbered := name
		if n > 1 {
			numbered = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), n, ext)
		}
		if _, err := os.Lstat(filepath.Join(dir, numbered)); err != nil {
			return filepath.Join(dir, numbered)
		}
	}
}

// writeDurably writes a small file whole or not at all.
func writeDurably(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".errors-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(filepath.Dir(path))
}

// stateSaleFolder is where the store keeps how the last import of a directory
// went, by direction.
func stateSaleFolder(d sale.Direction) string { return "sale-folder-" + string(d) }

// saleFolder is the watched directory of a direction, nil where there is none.
func (s *system) saleFolder(d sale.Direction) *saleFolder {
	dir := s.saleSection(d).Watch
	if dir == "" {
		return nil
	}
	return &saleFolder{
		dir: dir, direction: d, log: s.log.With("component", "sales"), now: s.now, step: s.step, still: saleStill,
		bring: func(ctx context.Context, name string, file io.Reader) (none sale.ImportResult, err error) {
			settings := s.saleSettings(d)
			rows, faults := web.ReadSales(name, file, settings.Read)
			if len(faults) > 0 {
				return sale.ImportResult{Errors: faults}, nil
			}
			return s.intake.ImportSales(ctx, byFolder, rows, settings.Import)
		},
		note: func(ctx context.Context, r web.SaleImported) error {
			return keepBook(ctx, s.store, stateSaleFolder(d), r)
		},
	}
}

// watchSales looks at the directories of sales and of purchases until ctx ends.
func (d *daemonRun) watchSales(ctx context.Context) {
	folders := map[sale.Direction]*saleFolder{}
	tick := time.NewTicker(saleLook)
	defer tick.Stop()
	for {
		for _, direction := range []sale.Direction{sale.Sold, sale.Bought} {
			f := d.saleFolder(direction)
			if was := folders[direction]; f != nil && was != nil && was.dir == f.dir {
				f = was
			}
			folders[direction] = f
			if f == nil {
				continue
			}
			err := rescue.Do(func() error { return f.look(ctx) })
			if ctx.Err() != nil {
				return
			}
			d.faults.report("watched directory of "+string(direction)+"s", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// saleFolders say how the watched directories are.
func (s *system) saleFolders(ctx context.Context) (out []web.SaleFolder, err error) {
	for _, d := range []sale.Direction{sale.Sold, sale.Bought} {
		f := s.saleFolder(d)
		if f == nil {
			continue
		}
		one := web.SaleFolder{Dir: f.dir, Direction: string(d)}
		if one.Last, err = upkeepBook[web.SaleImported](ctx, s.store, stateSaleFolder(d)); err != nil {
			return nil, err
		}
		waits, wrong := f.files("")
		failed, wrongFailed := f.files(folderFailed)
		if wrong = cmp.Or(wrong, wrongFailed); wrong != nil && !errors.Is(wrong, fs.ErrNotExist) {
			one.Error = escape(wrong.Error())
		}
		one.Waiting, one.Failed = len(waits), len(failed)
		out = append(out, one)
	}
	return out, nil
}

// saleFolderTrouble says that files wait for somebody to mend them.
func saleFolderTrouble(all []web.SaleFolder) trouble {
	t := trouble{Object: "sales", state: well}
	for _, f := range all {
		switch {
		case f.Error != "":
			t.state, t.Text = wrong, "the watched directory "+f.Dir+" cannot be read: "+f.Error+"."
		case f.Failed > 0:
			t.state, t.Since = wrong, f.Last.At
			t.Text = fmt.Sprintf("%d files of %s are not imported. What is wrong stands beside each in %s; the file is to be mended and put in again, and taken away from there.",
				f.Failed, f.Dir, filepath.Join(f.Dir, folderFailed))
		}
	}
	return t
}
