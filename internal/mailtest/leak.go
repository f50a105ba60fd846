package mailtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A canary is a word that stands in one message only, all of the same length
// and with the same beginning, so that one scan finds any of them.
const (
	canaryPrefix  = "zqk"
	canaryLetters = 9
)

// Canary is a word of mail of which nothing may be stored.
type Canary struct {
	Word    string
	Message int
	// Name marks the name of a stranger, which a suggestion may show. The others
	// stand in subjects and texts and may be nowhere.
	Name bool
}

// Canaries returns the words of every message that must not be stored, and the
// names of strangers who take part in none that is.
func (w *World) Canaries() []Canary {
	var all []Canary
	seen := map[*person]bool{} // who takes part in stored mail
	for _, l := range w.letters {
		if l.expected == Filed || l.expected == Review {
			for p := range l.everybody() {
				seen[p] = true
			}
			continue
		}
		all = append(all, Canary{l.canary, l.index, false}, Canary{l.titleCanary, l.index, false})
	}
	for _, l := range w.letters {
		for p := range l.everybody() {
			if i := bytes.Index([]byte(p.name), []byte("Zqk")); i >= 0 && !seen[p] {
				seen[p] = true
				all = append(all, Canary{canaryPrefix + p.name[i+len(canaryPrefix):], l.index, true})
			}
		}
	}
	return all
}

// everybody is who is named in a letter or in what it passes on.
func (l *letter) everybody() map[*person]bool {
	all := l.outside()
	if l.inner != nil {
		for p := range l.inner.everybody() {
			all[p] = true
		}
	}
	return all
}

// LeakCheck looks for canaries in what the product holds. Give it bytes a
// person could read: exports, search results, decompressed mail. With names
// false, strangers' names are let pass, as in suggestions.
func (w *World) LeakCheck(where string, r io.Reader, names bool) ([]Fault, error) {
	words := map[string]Canary{}
	for _, c := range w.Canaries() {
		if names || !c.Name {
			words[c.Word] = c
		}
	}
	return leaks(where, r, words)
}

// LeakCheckDir is [World.LeakCheck] over every file below a directory.
func (w *World) LeakCheckDir(dir string, names bool) ([]Fault, error) {
	words := map[string]Canary{}
	for _, c := range w.Canaries() {
		if names || !c.Name {
			words[c.Word] = c
		}
	}
	var faults []Fault
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("look for leaks: %w", err)
		}
		defer f.Close()
		found, err := leaks(path, f, words)
		faults = append(faults, found...)
		return err
	})
	return faults, err
}

// leaks scans a stream in blocks that overlap by a word.
func leaks(where string, r io.Reader, words map[string]Canary) ([]Fault, error) {
	const length = len(canaryPrefix) + canaryLetters
	var faults []Fault
	found := map[string]bool{}
	buf, kept := make([]byte, 1<<20), 0
	for {
		n, err := io.ReadFull(r, buf[kept:])
		block := bytes.ToLower(buf[:kept+n])
		for at := 0; ; {
			i := bytes.Index(block[at:], []byte(canaryPrefix))
			if i < 0 || at+i+length > len(block) {
				break
			}
			at += i
			word := string(block[at : at+length])
			if c, ok := words[word]; ok && !found[word] {
				found[word] = true
				faults = append(faults, Fault{Leak, c.Message, fmt.Sprintf("%s in %s", word, where)})
			}
			at++
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return faults, nil
		}
		if err != nil {
			return faults, fmt.Errorf("look for leaks in %s: %w", where, err)
		}
		kept = copy(buf, buf[len(buf)-length:])
	}
}
