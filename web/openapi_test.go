package web

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the files that say what the source says anew")

// get asks for a path with an Accept-Encoding header of its own; the answer is
// closed with the test.
func (w *world) get(path, accept string) *http.Response {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.server.URL+"/api/v1"+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", accept)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// TestCommentsAreTheSource holds that what the document says of fields is what
// the comments of the source say: go test ./web -run Comments -update writes it.
func TestCommentsAreTheSource(t *testing.T) {
	found := map[string]string{}
	for _, dir := range []string{".", "../store", "../records/access", "../records/contact", "../records/message", "../records/timeline",
		"../records/relation", "../records/followup"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for _, name := range files {
			if !strings.HasSuffix(name, "_test.go") {
				collectComments(t, name, found)
			}
		}
	}
	shown := shownTypes()
	maps.DeleteFunc(found, func(key, _ string) bool {
		return !shown[strings.Join(strings.SplitN(key, ".", 3)[:2], ".")]
	})
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(found); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("comments.json", want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(commentsFile, want.Bytes()) {
		t.Error("comments.json is not what the source says: go test ./web -run Comments -update")
	}
}

// shownTypes are the types the document has, and those they are made of.
func shownTypes() map[string]bool {
	s := New(Options{Records: &plainRecords{}, Daemon: &quietDaemon{}})
	s.Handler()
	out := map[string]bool{}
	schemas := s.describedAll().Components.Schemas
	for name := range schemas.Map() {
		t := schemas.TypeFromRef("#/components/schemas/" + name)
		if t == nil || t.Kind() != reflect.Struct {
			continue
		}
		out[typeKey(t)] = true
		for _, f := range reflect.VisibleFields(t) {
			out[typeKey(declaring(t, f))] = true
		}
	}
	return out
}

var linkInComment = regexp.MustCompile(`\[([A-Za-z.]+)\]`)

// collectComments adds what a file says of its types and their fields with
// JSON names.
func collectComments(t *testing.T, name string, found map[string]string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	add := func(key string, groups ...*ast.CommentGroup) {
		for _, g := range groups {
			if text := strings.Join(strings.Fields(linkInComment.ReplaceAllString(g.Text(), "$1")), " "); text != "" && found[key] == "" {
				found[key] = text
			}
		}
	}
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range gen.Specs {
			ts, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			st, ok := ts.Type.(*ast.StructType)
			if !ok || !hasJSON(st) {
				continue
			}
			key := file.Name.Name + "." + ts.Name.Name
			add(key, ts.Doc, gen.Doc)
			for _, f := range st.Fields.List {
				for _, n := range f.Names {
					if f.Tag != nil && strings.Contains(f.Tag.Value, `json:"`) && !strings.Contains(f.Tag.Value, `doc:"`) {
						add(key+"."+n.Name, f.Doc, f.Comment)
					}
				}
			}
		}
	}
}

func hasJSON(st *ast.StructType) bool {
	for _, f := range st.Fields.List {
		if len(f.Names) == 0 || f.Tag != nil && strings.Contains(f.Tag.Value, `json:"`) {
			return true
		}
	}
	return false
}

// TestTheDocumentIsAPage holds that the page shows every operation and type,
// and that nothing in it is fetched or run.
func TestTheDocumentIsAPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	resp, body := w.request("GET", "/docs", "", "")
	csp := resp.Header.Get("Content-Security-Policy")
	if resp.StatusCode != 200 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") || !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("GET /docs = %d %q", resp.StatusCode, csp)
	}
	s := New(Options{Records: w.records, Daemon: w.daemon})
	s.Handler()
	for _, op := range s.operations {
		_, path, _ := cutPattern(op.pattern)
		if !strings.Contains(body, `id="`+op.id+`"`) || !strings.Contains(body, "/api/v1"+path) {
			t.Errorf("the page does not show %s", op.pattern)
		}
		if tags[op.tag] == "" {
			t.Errorf("%s: nothing says what %q are about", op.pattern, op.tag)
		}
	}
	for _, link := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(body, -1) {
		if !strings.Contains(body, `id="`+link[1]+`"`) {
			t.Errorf("a link leads to #%s, which is not there", link[1])
		}
	}
	if found := regexp.MustCompile(`<script|src=|https?://|url\(`).FindString(body); found != "" {
		t.Errorf("the page holds %q", found)
	}
}
