package pages

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

//go:embed static
var staticFiles embed.FS

// asset is one of our own files, in every form a browser may ask for. Its
// address holds a hash of its content, so that it may be kept for ever.
type asset struct {
	path    string
	kind    string
	plain   []byte
	encoded map[string][]byte // by content coding
}

var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// readAssets compresses the files once for the whole process.
var readAssets = sync.OnceValue(func() map[string]*asset {
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		panic(err) // embedded: it is there
	}
	packer, err := zstd.NewWriter(nil, zstd.WithWindowSize(128<<10), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err)
	}
	all := map[string]*asset{}
	for _, e := range entries {
		raw, err := staticFiles.ReadFile("static/" + e.Name())
		if err != nil {
			panic(err)
		}
		ext := path.Ext(e.Name())
		if kinds[ext] == "" {
			continue // a licence
		}
		sum := sha256.Sum256(raw)
		var zipped bytes.Buffer
		z, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
		_, _ = z.Write(raw) // to memory
		_ = z.Close()
		all[e.Name()] = &asset{
			path:    "/assets/" + strings.TrimSuffix(e.Name(), ext) + "." + hex.EncodeToString(sum[:8]) + ext,
			kind:    kinds[ext],
			plain:   raw,
			encoded: map[string][]byte{"gzip": zipped.Bytes(), "zstd": packer.EncodeAll(raw, nil)},
		}
	}
	return all
})

// assetPath returns the address of a file below static.
func assetPath(name string) (string, error) {
	a, ok := readAssets()[name]
	if !ok {
		return "", fmt.Errorf("no file %s of our own", name)
	}
	return a.path, nil
}

// assets serves the files by the addresses that hold their hashes.
func assets() http.Handler {
	byPath := map[string]*asset{}
	for _, a := range readAssets() {
		byPath[a.path] = a
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := byPath[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		body, h := a.plain, w.Header()
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("Content-Type", a.kind)
		h.Set("Vary", "Accept-Encoding")
		for _, coding := range []string{"zstd", "gzip"} {
			if accepts(r, coding) {
				h.Set("Content-Encoding", coding)
				body = a.encoded[coding]
				break
			}
		}
		_, _ = w.Write(body) // whoever is gone does not read it
	})
}
