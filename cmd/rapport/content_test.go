package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
	"rapport/store/boltstore"
	"rapport/store/storetest"
)

// asked are the questions whose answers belong to the content.
var asked = []string{
	"zimtstern", "quittung", "neuanfang", "gartenlaube", "pillenmarkt", "rundbrief", "nachzug", "umzug", "offer", "visit", "hello",
	"from:carla", "to:ada", "with:acme.example", "in:Archive", "in:bob", "has:attachment", "visit -quittung", "zimt*",
}

// content is all an installation holds, in a form that two installations with
// the same content agree in: records, histories, settled UIDs, texts, original
// bytes, answers to questions, what is left to do, and the names of the files.
// It demands that the store is sound.
func (s *site) content() string {
	s.t.Helper()
	if _, err := os.Stat(filepath.Join(s.dataDir, "rapport.db")); errors.Is(err, fs.ErrNotExist) {
		return "no store\n" + s.files()
	}
	ctx := context.Background()
	st, err := boltstore.Open(s.dataDir, boltstore.Options{ReadOnly: true})
	s.must(err)
	defer st.Close()
	faults, err := st.Check(ctx)
	s.must(err)
	if len(faults) > 0 {
		s.t.Errorf("the store has faults: %s", strings.Join(faults, "; "))
	}
	out, err := storetest.Dump(ctx, st)
	s.must(err)
	var b strings.Builder
	b.WriteString(out)
	s.must(st.View(ctx, func(tx store.Tx) error {
		return errors.Join(originals(&b, tx), texts(&b, tx), answers(&b, tx), leftToDo(&b, tx))
	}))
	return b.String() + s.files()
}

// originals reads every mail's bytes, which compares them with their digests.
func originals(b *strings.Builder, tx store.Tx) error {
	page, err := tx.Messages().List(store.Slice{Limit: 1000})
	if err != nil {
		return err
	}
	var lines []string
	for _, id := range page.Items {
		m, err := tx.Messages().Get(id)
		if err != nil {
			return err
		}
		if err := eachOriginal(tx, m, func(sum message.Sum, raw []byte) {
			lines = append(lines, fmt.Sprintf("original of <%s>: %d bytes, %x", m.Head.MessageID, len(raw), sum[:8]))
		}); err != nil {
			return err
		}
	}
	slices.Sort(lines)
	fmt.Fprintf(b, "%s\n", strings.Join(lines, "\n"))
	return nil
}

func texts(b *strings.Builder, tx store.Tx) error {
	page, err := tx.Entries().Recent(store.Slice{Limit: 1000})
	if err != nil {
		return err
	}
	var lines []string
	for _, e := range page.Items {
		text, err := tx.Entries().Text(e.ID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		lines = append(lines, fmt.Sprintf("text of %q: %.80q", e.Subject, text))
	}
	slices.Sort(lines)
	fmt.Fprintf(b, "%s\n", strings.Join(lines, "\n"))
	return nil
}

func answers(b *strings.Builder, tx store.Tx) error {
	for _, q := range asked {
		var found []string
		query, err := store.ParseQuery(q)
		if err != nil {
			return err
		}
		page, err := tx.Entries().Search(query, store.Slice{Limit: 1000})
		if err != nil && !errors.Is(err, store.ErrNotFound) { // with: somebody who is gone
			return fmt.Errorf("search %s: %w", q, err)
		}
		for _, e := range page.Items {
			found = append(found, lineOf(e))
		}
		fmt.Fprintf(b, "search %s: %s\n", q, strings.Join(found, ", "))
	}
	return nil
}

func lineOf(e timeline.Entry) string {
	return fmt.Sprintf("%s %q", e.Time.UTC().Format("02T15:04"), e.Subject)
}

func leftToDo(b *strings.Builder, tx store.Tx) error {
	for _, box := range []string{"ada", "bob"} {
		pending, err := tx.Searches().Pending(box)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "%s has %d searches to do\n", box, len(pending))
	}
	jobs, err := tx.State().Get("refile-pending")
	if err != nil {
		return err
	}
	erased, err := tx.State().Get("erased-not-compacted")
	fmt.Fprintf(b, "jobs: %s, bytes to take off the disk: %v\n", jobs, len(erased) > 0)
	return err
}

// transient says whether a file tells of processes and not of content.
func transient(d fs.DirEntry) bool {
	return d.Name() == "rapport.lock" || d.Name() == "rapport.stopped" || d.Type()&fs.ModeSocket != 0
}

// files lists what lies in the installation's directory.
func (s *site) files() string {
	s.t.Helper()
	var names []string
	s.must(filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "backups" {
			return fs.SkipDir // which are named by their time
		}
		if err == nil && path != s.dir && !transient(d) {
			name, _ := filepath.Rel(s.dir, path)
			names = append(names, "file "+name)
		}
		return err
	}))
	return strings.Join(names, "\n") + "\n"
}

// traces lists where words are still found in the data directory, in files as
// they lie and in whatever is compressed in them.
func (s *site) traces(words []string) (found []string) {
	s.t.Helper()
	if len(words) == 0 {
		return nil
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	s.must(err)
	defer dec.Close()
	s.must(filepath.WalkDir(s.dataDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, plain := range append(frames(dec, raw), raw) {
			for _, w := range words {
				if bytes.Contains(bytes.ToLower(plain), []byte(w)) {
					found = append(found, w+" in "+filepath.Base(path))
				}
			}
		}
		return nil
	}))
	slices.Sort(found)
	return slices.Compact(found)
}

// frames decompresses every frame that begins anywhere in a file.
func frames(dec *zstd.Decoder, raw []byte) (out [][]byte) {
	magic := []byte{0x28, 0xb5, 0x2f, 0xfd}
	for {
		i := bytes.Index(raw, magic)
		if i < 0 {
			return out
		}
		raw = raw[i:]
		if plain, _ := dec.DecodeAll(raw, nil); len(plain) > 0 { // what follows the frame is no frame
			out = append(out, plain)
		}
		raw = raw[len(magic):]
	}
}
