package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
)

// Load reads, completes and checks the file. Where anything is wrong the
// error is [Faults], holding all of it; a file that cannot be read is an error
// that wraps the system's.
func Load(path string) (*Config, error) {
	abs, data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	c, faults, warnings := parse(path, abs, data)
	if len(faults) > 0 {
		return nil, faults
	}
	c.Warnings = warnings
	return c, nil
}

// Draft reads a file as far as it goes, faults or not, for advice on what it
// still lacks: nothing may run by it. The error says that nothing can be read.
func Draft(path string) (*Config, error) {
	abs, data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	c, faults, _ := parse(path, abs, data)
	if _, read := c.places[""]; !read {
		return nil, faults
	}
	return c, nil
}

// Check returns everything there is to say about the file: faults, with which
// [Load] refuses it, and warnings; where it has no faults, those of the
// campaigns, too. A file that cannot be read is a fault too.
func Check(path string) (faults, warnings Faults) {
	abs, data, err := readFile(path)
	if err != nil {
		return Faults{{File: path, What: "cannot be read: " + cause(err), Hint: "rapport init DIR writes one to begin with"}}, nil
	}
	c, faults, warnings := parse(path, abs, data)
	if len(faults) > 0 {
		return faults, warnings
	}
	all, err := c.ReadCampaigns()
	if err != nil {
		return Faults{{File: path, What: err.Error()}}, warnings
	}
	for _, one := range all {
		faults, warnings = append(faults, one.Faults...), append(warnings, one.Warnings...)
	}
	return faults, warnings
}

// DataDir returns the data directory a file names, or the default, even where
// other things in the file are wrong: by it a daemon is found that still runs
// with what the file said before. It is false where the file is no YAML, or
// its data_dir is what is wrong.
func DataDir(path string) (string, bool) {
	abs, data, err := readFile(path)
	if err != nil {
		return "", false
	}
	c := &Config{File: abs}
	r := &reader{file: path, places: map[string]place{}, bad: map[string]bool{}}
	r.read(data, c)
	absolute(reflect.ValueOf(c).Elem(), filepath.Dir(abs))
	if _, read := r.places[""]; !read || r.bad[""] || r.bad["data_dir"] {
		return "", false
	}
	return c.DataDir, c.DataDir != ""
}

// readFile returns the absolute path beside the content, so that paths in the
// file keep their meaning when the process changes its directory.
func readFile(path string) (abs string, data []byte, err error) {
	abs, err = filepath.Abs(path)
	if err != nil {
		return "", nil, fmt.Errorf("read configuration %s: %w", path, err)
	}
	if info, err := os.Stat(abs); err == nil && info.IsDir() {
		return "", nil, fmt.Errorf("read configuration %s: %w", path, errDirectory)
	}
	f, err := os.Open(abs)
	if err != nil {
		return "", nil, fmt.Errorf("read configuration %s: %w", path, pathless(err))
	}
	defer f.Close()
	data, err = io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return "", nil, fmt.Errorf("read configuration %s: %w", path, pathless(err))
	}
	if len(data) > maxBytes {
		return "", nil, fmt.Errorf("read configuration %s: larger than %d bytes", path, maxBytes)
	}
	return abs, data, nil
}

var errDirectory = errors.New("it is a directory")

// pathless drops the path that a system error repeats.
func pathless(err error) error {
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		return pe.Err
	}
	return err
}

func cause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// parse does everything after reading. shown is the file's name in faults.
func parse(shown, abs string, data []byte) (*Config, Faults, Faults) {
	c := &Config{File: abs}
	r := &reader{file: shown, places: map[string]place{}, bad: map[string]bool{}}
	c.places = r.places
	r.read(data, c)
	absolute(reflect.ValueOf(c).Elem(), filepath.Dir(abs))
	// Rules look even at a file with faults, so that one run shows all; but
	// where the text is no YAML they would only report everything as missing.
	if _, read := r.places[""]; read {
		v := &validator{reader: r, dir: filepath.Dir(abs)}
		v.config(c)
	}
	return c, r.faults.sorted(), r.warnings.sorted()
}

// absolute resolves every key marked as a path.
func absolute(section reflect.Value, dir string) {
	for _, f := range fields(section) {
		switch {
		case f.tag.Get("path") != "":
			if p := f.value.String(); p != "" && !filepath.IsAbs(p) {
				f.value.SetString(filepath.Join(dir, p))
			}
		case f.value.Kind() == reflect.Struct && !isText(f.value):
			absolute(f.value, dir)
		case f.value.Kind() == reflect.Slice && f.value.Type().Elem().Kind() == reflect.Struct:
			for i := range f.value.Len() {
				absolute(f.value.Index(i), dir)
			}
		}
	}
}

// validator checks what no single value shows. It reports through the reader,
// which knows the places.
type validator struct {
	*reader
	dir    string
	sketch bool // of a template filled with an example: files it names need not exist
}

// at returns where the value of a path stands, or its section when it is
// not in the file.
func (v *validator) at(path string) place {
	for {
		if p, ok := v.places[path]; ok {
			return p
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return v.places[""]
		}
		path = path[:i]
	}
}

// known reports whether the path, or what it is part of, already has a fault,
// of which whatever a rule finds there would be an echo.
func (v *validator) known(path string) bool {
	for !v.bad[path] {
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return v.bad[""]
		}
		path = path[:i]
	}
	return true
}

func (v *validator) wrong(path, what, hint string) {
	if len(v.faults) < maxFaults && !v.known(path) {
		p := v.at(path)
		v.faults = append(v.faults, Fault{v.file, p.line, p.col, path + ": " + what, hint})
	}
}

func (v *validator) warn(path, what, hint string) {
	if len(v.warnings) < maxFaults && !v.known(path) {
		p := v.at(path)
		v.warnings = append(v.warnings, Fault{v.file, p.line, p.col, path + ": " + what, hint})
	}
}

// given reports whether the file has the key.
func (v *validator) given(path string) bool {
	_, ok := v.places[path]
	return ok
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
