package main

import (
	"archive/tar"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestS16_NoArchiveWritesElsewhere unpacks what a server that is not ours could
// send for an export: nothing of it lies outside the directory, and whatever
// would is refused.
func TestS16_NoArchiveWritesElsewhere(t *testing.T) {
	t.Parallel()
	file := func(name string) []tar.Header { return []tar.Header{{Typeflag: tar.TypeReg, Name: name, Mode: 0o600}} }
	link := func(kind byte, to, through string) []tar.Header {
		return []tar.Header{{Typeflag: kind, Name: "link", Linkname: to, Mode: 0o777}, {Typeflag: tar.TypeReg, Name: through, Mode: 0o600}}
	}
	tries := 0
	for what, entries := range map[string][]tar.Header{
		"above": file("../out"), "far above": file("a/../../../out"), "absolute": file("/out"), "the directory itself": file("."),
		"two dots": file(".."), "dots within": file("a/./b"), "a slash at the end": file("a/"), "two slashes": file("a//b"),
		"a link above": link(tar.TypeSymlink, "..", "link/out"), "an absolute link": link(tar.TypeSymlink, "/", "link/out"),
		"a hard link": link(tar.TypeLink, "../secret", "link"), "a directory": {{Typeflag: tar.TypeDir, Name: "../out", Mode: 0o700}},
		"a device": {{Typeflag: tar.TypeChar, Name: "null", Devmajor: 1, Devminor: 3}}, "a pipe": {{Typeflag: tar.TypeFifo, Name: "pipe"}},
		"the same twice": {file("a")[0], file("a")[0]},
	} {
		tries++
		outer := t.TempDir()
		if err := os.WriteFile(filepath.Join(outer, "secret"), []byte("as it was"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := unpackInto(t, filepath.Join(outer, "in"), entries)
		if err == nil {
			t.Errorf("%s is unpacked", what)
		}
		if got := below(t, outer); slices.ContainsFunc(got, func(p string) bool { return p != "secret" && p != "in" && !strings.HasPrefix(p, "in/") }) {
			t.Errorf("%s: there is %q", what, got)
		}
		if raw, err := os.ReadFile(filepath.Join(outer, "secret")); err != nil || string(raw) != "as it was" {
			t.Errorf("%s: the file beside is %q, %v", what, raw, err)
		}
	}
	outer := t.TempDir() // a backslash separates nothing here, and names a file within
	result, err := unpackInto(t, filepath.Join(outer, "in"), []tar.Header{file(`..\out`)[0], file("a/b.jsonl")[0]})
	if got := below(t, outer); err != nil || result.Files != 2 || !slices.Equal(got, []string{"in", `in/..\out`, "in/a", "in/a/b.jsonl"}) {
		t.Errorf("an archive that means no harm leaves %q, %v", got, err)
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// unpackInto unpacks an archive of files that hold a word each.
func unpackInto(t *testing.T, dir string, entries []tar.Header) (exported, error) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	return untar(root, func(w io.Writer) error {
		archive := tar.NewWriter(w)
		for _, h := range entries {
			content := ""
			if h.Typeflag == tar.TypeReg && !strings.HasSuffix(h.Name, "/") { // the writer takes that for a directory
				content = "word"
			}
			h.Size = int64(len(content))
			if err := archive.WriteHeader(&h); err != nil {
				return err
			}
			if _, err := io.WriteString(archive, content); err != nil {
				return err
			}
		}
		return archive.Close()
	})
}

// below are all files and directories below one.
func below(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, _ fs.DirEntry, err error) error {
		if path != "." {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
