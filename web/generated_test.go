package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/access"
)

// tools is where .ci/run installs the public tools that judge the document.
const tools = "../.ci/openapi"

// tool runs one of them in dir.
func tool(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	program, err := filepath.Abs(filepath.Join(tools, "node_modules", ".bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if name == "node" {
		program = name
	} else if _, err := os.Stat(program); err != nil {
		mailtest.SkipOrFail(t, "the document is judged by tools that are not installed (npm ci --prefix .ci/openapi)")
	}
	if _, err := exec.LookPath("node"); err != nil {
		mailtest.SkipOrFail(t, "the document is judged by tools that want node, which is not installed (Debian: apt-get install nodejs npm)")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true", "NO_COLOR=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// writeDocument writes the document as it is served.
func writeDocument(t *testing.T, f *filed, dir string) string {
	t.Helper()
	got := f.ask(access.Principal{}, "GET", "/openapi.json", "")
	if got.Code != http.StatusOK {
		t.Fatalf("the document: %d %s", got.Code, got.Body)
	}
	file := filepath.Join(dir, "openapi.json")
	if err := os.WriteFile(file, got.Body.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestTheDocumentIsSound has a public linter read the document: no error, no
// warning.
func TestTheDocumentIsSound(t *testing.T) {
	t.Parallel()
	file := writeDocument(t, newFiled(t), t.TempDir())
	config, err := filepath.Abs(filepath.Join(tools, "redocly.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if out := tool(t, filepath.Dir(file), "redocly", "lint", "--config", config, file); !strings.Contains(out, "is valid") || strings.Contains(out, "warning.") || strings.Contains(out, "warnings.") {
		t.Errorf("the linter says:\n%s", out)
	}
}

// TestAGeneratedClientWorks makes a client of the document with a public
// generator, and works with it against a server.
func TestAGeneratedClientWorks(t *testing.T) {
	t.Parallel()
	f := newFiled(t)
	dir := t.TempDir()
	file := writeDocument(t, f, dir)
	script, err := os.ReadFile(filepath.Join(tools, "client.ts"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "client.ts"), script, 0o600); err != nil {
		t.Fatal(err)
	}
	tool(t, dir, "openapi-ts", "-i", file, "-o", filepath.Join(dir, "gen"))
	tool(t, dir, "tsc", "--outDir", "js", "--module", "commonjs", "--target", "es2022", "--lib", "es2022,dom,dom.iterable", "--strict", "--skipLibCheck", "client.ts")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := access.Principal{}
		if r.Header.Get("Authorization") == "Bearer secret" {
			p = access.Principal{Kind: access.Token, ID: "t", Name: "a program", Role: access.Administrator, Scopes: []access.Need{access.Write}}
		}
		f.handler.ServeHTTP(w, r.WithContext(WithPrincipal(r.Context(), p)))
	}))
	defer server.Close()
	if out := tool(t, dir, "node", "js/client.js", server.URL, "secret"); !strings.Contains(out, "all is well") {
		t.Errorf("the client says:\n%s", out)
	}
}
