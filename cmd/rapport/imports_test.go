package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The module's name, in front of every import path of our own.
const module = "rapport"

var (
	recordPackages = []string{
		"records/contact", "records/message", "records/sale", "records/campaign",
		"records/survey", "records/outbox", "records/timeline",
		"records/access", "records/relation", "records/followup", "records/event", "records/hook", "records/phrase",
	}
)

// may says which of our own packages each package may import: the table of
// docs/architecture.md. A package that is not here may not exist.
var may = map[string][]string{
	"records/contact":    {},
	"records/message":    {"records/contact", "records/phrase"},
	"records/sale":       {"records/contact", "records/followup", "records/phrase"},
	"records/survey":     {"records/contact"},
	"records/campaign":   {"records/contact", "records/sale", "records/survey"},
	"records/outbox":     {"records/contact", "records/campaign", "records/message"},
	"records/timeline":   recordPackages,
	"records/access":     {"records/contact"},
	"records/relation":   {"records/contact", "records/message", "records/timeline"},
	"records/event":      {"records/contact", "records/message", "records/followup", "records/sale"},
	"records/followup":   {"records/contact", "records/message"},
	"records/hook":       {"records/event", "records/phrase"},
	"records/phrase":     {},
	"matcher":            {"records/contact", "records/message", "records/phrase"},
	"store":              recordPackages,
	"store/boltstore":    with(recordPackages, "store", "internal/rescue"),
	"store/storetest":    with(recordPackages, "store"),
	"store/veil":         with(recordPackages, "store"),
	"mailsync":           {"records/message", "records/phrase", "internal/rescue"},
	"intake":             with(recordPackages, "matcher", "store", "internal/rescue"),
	"planner":            with(recordPackages, "store"),
	"web":                with(recordPackages, "store", "store/veil", "internal/rescue"),
	"delivery":           {"records/contact", "records/campaign", "records/outbox", "records/timeline", "store", "internal/rescue"},
	"internal/config":    {"records/contact", "records/campaign", "records/survey", "internal/rescue"},
	"web/pages":          with(recordPackages, "web", "internal/rescue"),
	"web/public":         {"records/outbox", "records/survey"},
	"internal/oauth":     {"records/phrase", "internal/rescue", "internal/seal"},
	"internal/auth":      {"records/contact", "records/access", "records/phrase", "store", "internal/rescue", "internal/seal"},
	"internal/seal":      {},
	"internal/mailauth":  {},
	"internal/outside":   {"records/phrase"},
	"internal/officexml": {},
	"internal/pdftext":   {},
	"internal/confined":  {"internal/pdftext"},
	"internal/webhook":   with(recordPackages, "store", "internal/rescue", "internal/seal", "internal/outside", "internal/news"),
	"internal/news":      with(recordPackages, "store", "internal/rescue"),
	"internal/filefault": {},
	"internal/mailtest":  {},
	"internal/browser":   {},
	"internal/link":      {},
	"internal/rescue":    {},
	"internal/demo":      {"internal/app", "internal/config", "internal/mailtest", "internal/rescue", "web"},
	"internal/bench":     {"*"},
	"internal/score":     with(recordPackages, "internal/mailtest"),
	"internal/app": with(recordPackages, "matcher", "store", "store/boltstore", "store/veil",
		"mailsync", "intake", "planner", "delivery", "web", "web/pages", "web/public", "internal/config", "internal/auth", "internal/mailauth", "internal/oauth", "internal/news", "internal/officexml", "internal/pdftext", "internal/confined", "internal/rescue", "internal/seal", "internal/webhook"),
	"cmd/rapport": {"internal/app", "internal/demo", "internal/config", "internal/rescue", "web", "records/contact", "records/followup", "records/message", "records/sale", "records/timeline", "store", "store/boltstore"},
}

// only says which packages may import a library; a path covers what is below
// it. Libraries that are not here are free.
var only = map[string][]string{
	"go.etcd.io/bbolt":              {"store/boltstore", "internal/bench"},
	"github.com/emersion/go-imap":   {"mailsync", "internal/mailtest", "internal/bench"},
	"github.com/emersion/go-smtp":   {"internal/mailtest", "internal/bench"},
	"github.com/wneessen/go-mail":   {"planner", "delivery", "internal/app", "internal/bench"},
	"go.yaml.in/yaml":               {"internal/config"},
	"gopkg.in/yaml.v3":              {},
	"gopkg.in/yaml.v2":              {},
	"github.com/invopop/jsonschema": {"internal/config"},
	"github.com/alecthomas/kong":    {"cmd/rapport"},
	"github.com/danielgtaylor/huma": {"web"},
	"github.com/yuin/goldmark":      {"records/campaign"},
	"github.com/expr-lang/expr":     {"records/campaign"},
	"github.com/microcosm-cc":       {"web/pages"},
	"github.com/pdfcpu":             {"internal/pdftext"},
	"github.com/coreos/go-oidc":     {"internal/auth"},
	"github.com/go-webauthn":        {"internal/auth"},
	"github.com/go-jose":            {"internal/oauth"},
	"golang.org/x/oauth2":           {"internal/auth", "internal/oauth"},
	"github.com/pquerna/otp":        {"internal/auth"},
	"github.com/Shopify/toxiproxy":  {"internal/link"},
	"github.com/rs/zerolog":         {"internal/link"},
	"github.com/chromedp":           {"internal/browser"},
	"C":                             {},
}

// pure packages do no I/O, read no clock and do not log.
var (
	purePackages  = append(slices.Clone(recordPackages), "matcher")
	impureImports = []string{
		"os", "net", "net/http", "net/smtp", "log", "log/slog", "io/ioutil", "syscall", "math/rand", "math/rand/v2",
		"crypto/rand", "database/sql", "testing", "go.etcd.io/bbolt",
	}
	// What of package time reads the clock or waits.
	clockCalls = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
)

func with(list []string, more ...string) []string { return append(slices.Clone(list), more...) }

// source is one non-test file.
type source struct {
	pkg  string // folder below the root: records/contact
	file string
	ast  *ast.File
	fset *token.FileSet
}

// TestImports compares every import clause of the project with the table.
// Files are parsed here rather than by go list, whose answer the test cache
// would keep after a file changed.
func TestImports(t *testing.T) {
	root := moduleRoot(t)
	sources := parseAll(t, root)
	if len(sources) < 5 {
		t.Fatalf("only %d files found below %s: the walk is broken", len(sources), root)
	}
	for _, s := range sources {
		for _, complaint := range judge(s) {
			t.Error(complaint)
		}
	}
}

// judge lists what one file imports or calls and may not.
func judge(s source) []string {
	var out []string
	complain := func(pos token.Pos, format string, args ...any) {
		p := s.fset.Position(pos)
		out = append(out, fmt.Sprintf("%s:%d: %s", p.Filename, p.Line, fmt.Sprintf(format, args...)))
	}
	allowed, known := may[s.pkg]
	if !known {
		complain(s.ast.Pos(), "package %s is not in the table: add it to docs/architecture.md and here, or move the file", s.pkg)
		return out
	}
	for _, spec := range s.ast.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			complain(spec.Pos(), "import path %s is malformed", spec.Path.Value)
			continue
		}
		if own, ok := ours(path); ok {
			if !slices.Contains(allowed, own) && !slices.Contains(allowed, "*") {
				complain(spec.Pos(), "%s may not import %s; it may import %s", s.pkg, own, orNothing(allowed))
			}
			continue
		}
		for library, who := range only {
			if covers(library, path) && !slices.Contains(who, s.pkg) {
				complain(spec.Pos(), "%s may not import %s; only %s may", s.pkg, path, orNothing(who))
			}
		}
		if slices.Contains(purePackages, s.pkg) && slices.Contains(impureImports, path) {
			complain(spec.Pos(), "%s is pure and may not import %s", s.pkg, path)
		}
	}
	if slices.Contains(purePackages, s.pkg) {
		for _, call := range clockUses(s.ast) {
			complain(call.Pos(), "%s is pure and may not use time.%s: the time is an argument", s.pkg, call.Sel.Name)
		}
	}
	for _, use := range insecure(s.ast) {
		complain(use.Pos(), "certificates are always verified: no InsecureSkipVerify")
	}
	return out
}

// covers reports whether path is the library or a package or version of it.
func covers(library, path string) bool {
	return path == library || strings.HasPrefix(path, library+"/")
}

func ours(path string) (string, bool) {
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

func orNothing(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

// clockUses finds time.Now and its like, under whatever name time is imported.
func clockUses(f *ast.File) []*ast.SelectorExpr {
	name := ""
	for _, spec := range f.Imports {
		if spec.Path.Value == `"time"` {
			name = "time"
			if spec.Name != nil {
				name = spec.Name.Name
			}
		}
	}
	if name == "" {
		return nil
	}
	var out []*ast.SelectorExpr
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && slices.Contains(clockCalls, sel.Sel.Name) {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == name {
				out = append(out, sel)
			}
		}
		return true
	})
	return out
}

// insecure finds every mention of the field that turns verification off.
func insecure(f *ast.File) []*ast.Ident {
	var out []*ast.Ident
	ast.Inspect(f, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == "InsecureSkipVerify" {
			out = append(out, id)
		}
		return true
	})
	return out
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
	}
}

// parseAll parses every non-test file of the module, whatever its build tags.
func parseAll(t *testing.T, root string) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		s, err := parseSource(filepath.ToSlash(rel), text)
		if err == nil {
			out = append(out, s)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func parseSource(rel string, text []byte) (source, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, rel, text, parser.SkipObjectResolution)
	if err != nil {
		return source{}, err
	}
	return source{pkg: filepath.ToSlash(filepath.Dir(rel)), file: rel, ast: f, fset: fset}, nil
}

// TestImportRulesBite shows that each rule finds what it forbids.
func TestImportRulesBite(t *testing.T) {
	for _, tt := range []struct {
		file, code string
		want       string // part of the complaint; "" means none
	}{
		{"mailsync/a.go", `import "rapport/store"`, "may not import store"},
		{"mailsync/a.go", `import "rapport/intake"`, "may not import intake"},
		{"mailsync/a.go", `import "rapport/records/message"`, ""},
		{"mailsync/a.go", `import _ "rapport/internal/config"`, "may not import internal/config"},
		{"internal/mailtest/a.go", `import "rapport/records/message"`, "may not import records/message"},
		{"intake/a.go", `import "go.etcd.io/bbolt"`, "only store/boltstore"},
		{"store/boltstore/a.go", `import bolt "go.etcd.io/bbolt"`, ""},
		{"internal/demo/a.go", `import "github.com/emersion/go-imap/v2/imapserver"`, "only mailsync"},
		{"internal/app/a.go", `import "github.com/wneessen/go-mail"`, ""},
		{"web/a.go", `import "github.com/wneessen/go-mail"`, "may not import github.com/wneessen/go-mail"},
		{"internal/app/a.go", `import "go.yaml.in/yaml/v4"`, "only internal/config"},
		{"internal/app/a.go", `import "rapport/internal/mailtest"`, "may not import internal/mailtest"},
		{"records/message/a.go", `import "os"`, "is pure"},
		{"records/message/a.go", `import "net/mail"`, ""},
		{"records/timeline/a.go", "import \"time\"\nvar x = time.Now()", "time.Now"},
		{"records/timeline/a.go", "import clock \"time\"\nvar x = clock.Now", "time.Now"},
		{"matcher/a.go", "import \"time\"\nvar x = time.Time{}", ""},
		{"mailsync/a.go", "import \"crypto/tls\"\nvar x = tls.Config{InsecureSkipVerify: true}", "always verified"},
		{"helpers/a.go", ``, "not in the table"},
	} {
		s, err := parseSource(tt.file, []byte("package p\n"+tt.code+"\n"))
		if err != nil {
			t.Fatalf("%s: %v", tt.code, err)
		}
		got := strings.Join(judge(s), "\n")
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s with %s: got %q, want %q", tt.file, tt.code, got, tt.want)
		}
	}
}

// TestImportTable finds cycles in the table itself.
func TestImportTable(t *testing.T) {
	for _, pkg := range slices.Sorted(maps.Keys(may)) {
		for _, to := range may[pkg] {
			if _, known := may[to]; !known && to != "*" {
				t.Errorf("%s may import %s, which is not in the table", pkg, to)
			}
			if to != pkg && slices.Contains(may[to], pkg) && !slices.Contains(recordPackages, pkg) {
				t.Errorf("%s and %s may import each other", pkg, to)
			}
		}
	}
}
