package phrase_test

import (
	"encoding/json"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rapport/records/phrase"
)

// tongues are the languages beside English that say whatever the program says.
var tongues = []string{"de", "bn"}

// holesOf finds the names of a sentence's holes.
var holesOf = regexp.MustCompile(`\{([a-z_]+)(?:\|[^{}|]*\|[^{}|]*)?\}`)

// TestEveryLanguageSaysEveryPhrase holds the catalogues against every form of
// the source: each has its sentence in each language, with the same holes, and
// no catalogue has a sentence that nothing says.
func TestEveryLanguageSaysEveryPhrase(t *testing.T) {
	t.Parallel()
	said := saidIn(t)
	if len(said) < 40 {
		t.Fatalf("only %d phrases found: the search is broken", len(said))
	}
	for _, tongue := range tongues {
		have := sentences(t, filepath.Join("../../web/pages/locale", tongue+".said.json"))
		for _, form := range slices.Sorted(maps.Keys(said)) {
			sentence, ok := have[string(form)]
			if !ok {
				t.Errorf("%s: %s has no sentence for %q", said[form], tongue, form)
				continue
			}
			for way, text := range sentence {
				if want, got := holeNames(string(form)), holeNames(text); text == "" || !slices.Equal(want, got) {
					t.Errorf("%s: %q (%s) has the holes %v, want %v", tongue, text, way, got, want)
				}
			}
		}
		for form := range have {
			if _, ok := said[phrase.Form(form)]; !ok {
				t.Errorf("%s: nothing says %q any more", tongue, form)
			}
		}
	}
}

func holeNames(s string) []string {
	var out []string
	for _, m := range holesOf.FindAllStringSubmatch(s, -1) {
		out = append(out, m[1])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// sentences reads a catalogue of phrases: the ways each is counted.
func sentences(t *testing.T, file string) map[string]map[string]string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var found map[string]json.RawMessage
	if err := json.Unmarshal(raw, &found); err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]string{}
	for form, raw := range found {
		var one string
		ways := map[string]string{}
		if json.Unmarshal(raw, &one) == nil {
			ways["other"] = one
		} else if err := json.Unmarshal(raw, &ways); err != nil {
			t.Fatalf("%s: %s: %v", file, form, err)
		}
		out[form] = ways
	}
	return out
}

// saidIn finds every constant of type phrase.Form in the product, and where it
// stands. A form that is made when the program runs is none a catalogue can
// have, so it is a fault.
func saidIn(t *testing.T) map[phrase.Form]string {
	t.Helper()
	list := builtPackages(t)
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(list[path].export) })
	out := map[phrase.Form]string{}
	for name, about := range list {
		if !about.speaks {
			continue
		}
		var files []*ast.File
		for _, file := range about.files {
			f, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
		info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
		config := types.Config{Importer: imports}
		if _, err := config.Check(name, fset, files, info); err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			ast.Inspect(file, func(node ast.Node) bool {
				expr, ok := node.(ast.Expr)
				if !ok {
					return true
				}
				if call, ok := expr.(*ast.CallExpr); ok && len(call.Args) == 1 && isForm(info.Types[call.Fun].Type) && info.Types[call.Fun].IsType() &&
					info.Types[call.Args[0]].Value == nil && name != "rapport/web/pages" {
					t.Errorf("%s: a form is a constant, so that every language can have it", fset.Position(call.Pos()))
				}
				tv := info.Types[expr]
				if tv.Value == nil || tv.Value.Kind() != constant.String || !isForm(tv.Type) {
					return true
				}
				if form := phrase.Form(constant.StringVal(tv.Value)); form != "" && out[form] == "" {
					out[form] = fset.Position(expr.Pos()).String()
				}
				return false // not the parts it is put together of
			})
		}
	}
	return out
}

func isForm(t types.Type) bool {
	named, ok := t.(*types.Named)
	return ok && named.Obj().Name() == "Form" && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "rapport/records/phrase"
}

// built is a package as the compiler knows it.
type built struct {
	export string // what the compiler keeps of it for whoever imports it
	files  []string
	speaks bool // it is ours and says phrases
}

// raced is how the packages are built where the tests look for races.
var raced []string

// builtPackages lists our packages, and whatever they import, by their paths.
func builtPackages(t *testing.T) map[string]built {
	t.Helper()
	args := append([]string{"list", "-export", "-deps",
		"-f", "{{.ImportPath}}\t{{.Export}}\t{{range .Imports}}{{.}} {{end}}\t{{range .GoFiles}}{{$.Dir}}/{{.}}\t{{end}}"}, raced...)
	cmd := exec.CommandContext(t.Context(), "go", append(args, "rapport/cmd/rapport")...)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, problems.String())
	}
	list := map[string]built{}
	for line := range strings.Lines(string(out)) {
		if parts := strings.Split(strings.TrimSpace(line), "\t"); len(parts) > 2 {
			list[parts[0]] = built{export: parts[1], files: parts[3:],
				speaks: strings.HasPrefix(parts[0], "rapport/") && slices.Contains(strings.Fields(parts[2]), "rapport/records/phrase")}
		}
	}
	return list
}
