package boltstore

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// TestS16_NoBackupWritesElsewhere restores backups with one file more, whose
// name or kind leads out of the directory: each is refused, and nothing lies
// anywhere.
func TestS16_NoBackupWritesElsewhere(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true})
	must(t, s.writeNumbered(t.Context(), 1))
	var whole bytes.Buffer
	_, err := s.Backup(t.Context(), &whole, nil)
	must(t, err)
	blob := "blobs/ab/" + string(bytes.Repeat([]byte("c"), 62)) + ".zst"
	tries := 0
	for what, h := range map[string]tar.Header{
		"above":                     {Typeflag: tar.TypeReg, Name: "../out"},
		"absolute":                  {Typeflag: tar.TypeReg, Name: "/out"},
		"above, through the blobs":  {Typeflag: tar.TypeReg, Name: "blobs/../../out"},
		"a blob by a way round":     {Typeflag: tar.TypeReg, Name: "blobs/ab/../ab/" + blob[9:]},
		"a blob of another shape":   {Typeflag: tar.TypeReg, Name: "blobs/ab/" + blob[9:] + "/../../../out"},
		"a backslash":               {Typeflag: tar.TypeReg, Name: `blobs\..\..\out`},
		"a link":                    {Typeflag: tar.TypeSymlink, Name: blob, Linkname: "/etc/passwd"},
		"a link in place of blobs":  {Typeflag: tar.TypeSymlink, Name: "blobs", Linkname: ".."},
		"a hard link":               {Typeflag: tar.TypeLink, Name: blob, Linkname: "../out"},
		"a directory":               {Typeflag: tar.TypeDir, Name: "../out", Mode: 0o700},
		"a device":                  {Typeflag: tar.TypeChar, Name: blob, Devmajor: 1, Devminor: 3},
		"a file nobody asked for":   {Typeflag: tar.TypeReg, Name: "config.yaml"},
		"a name that is no name":    {Typeflag: tar.TypeReg, Name: "."},
		"a key that was not sealed": {Typeflag: tar.TypeReg, Name: "key"},
	} {
		tries++
		outer := t.TempDir()
		_, err := Restore(t.Context(), bytes.NewReader(withFile(t, whole.Bytes(), h)), filepath.Join(outer, "in", "r"), RestoreOptions{})
		if err == nil {
			t.Errorf("%s is restored", what)
		}
		for _, dir := range []string{outer, filepath.Join(outer, "in")} {
			entries, err := os.ReadDir(dir)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			for _, e := range entries {
				if e.Name() != "in" {
					t.Errorf("%s: there is %s in %s", what, e.Name(), dir)
				}
			}
		}
	}
	if _, err := Restore(t.Context(), &whole, filepath.Join(t.TempDir(), "r"), RestoreOptions{}); err != nil {
		t.Errorf("the backup as it was made: %v", err)
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// withFile is a backup with one more file in front of its database.
func withFile(t *testing.T, backup []byte, h tar.Header) []byte {
	t.Helper()
	dec, err := zstd.NewReader(bytes.NewReader(backup))
	must(t, err)
	defer dec.Close()
	var out bytes.Buffer
	enc, err := zstd.NewWriter(&out)
	must(t, err)
	in, archive := tar.NewReader(dec), tar.NewWriter(enc)
	for done := false; ; {
		entry, err := in.Next()
		if err == io.EOF {
			break
		}
		must(t, err)
		if entry.Name != fileHead && !done {
			done = true
			must(t, archive.WriteHeader(&h))
		}
		must(t, archive.WriteHeader(entry))
		_, err = io.Copy(archive, in)
		must(t, err)
	}
	must(t, archive.Close())
	must(t, enc.Close())
	return out.Bytes()
}
