package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mail is one file of the corpora.
type mail struct {
	name string // path below the corpora
	raw  []byte
}

// noMail are the endings of files that hold truth or programs, not mail.
var noMail = []string{".json", ".xml", ".out", ".tsv", ".py", ".rb", ".go", ".ts", ".golden", ".disabled", ".html", ".md"}

// eachMail calls f with every mail below a folder of the corpora, in the order
// of their names.
func (r *Report) eachMail(folder string, f func(m mail)) error {
	err := filepath.WalkDir(filepath.Join(r.Corpora, folder), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || slices.Contains(noMail, filepath.Ext(path)) || strings.Contains(path, "_decoded") {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(strings.TrimPrefix(path, r.Corpora), string(filepath.Separator))
		f(mail{name: filepath.ToSlash(name), raw: raw})
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the mails of %s: %w", folder, err)
	}
	return nil
}
