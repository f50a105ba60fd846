package config

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

func TestSecretResolve(t *testing.T) {
	t.Setenv("RAPPORT_TEST_PW", "from env")
	dir := t.TempDir()
	file := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct {
		name   string
		secret source
		want   string
		err    string
	}{
		{"file", source{file: file("a", "pa ss\n", 0o600)}, "pa ss", ""},
		{"file of Windows", source{file: file("b", "pass\r\n", 0o400)}, "pass", ""},
		{"one newline only", source{file: file("c", "pass\n\n", 0o600)}, "", "more than one line"},
		{"spaces stay", source{file: file("d", " pass ", 0o600)}, " pass ", ""},
		{"group may read", source{file: file("e", "pass", 0o640)}, "pass", ""},
		{"world may read", source{file: file("f", "pass", 0o604)}, "", "others can read"},
		{"world may write", source{file: file("g", "pass", 0o602)}, "", "others can read"},
		{"missing", source{file: filepath.Join(dir, "none")}, "", "no such file"},
		{"directory", source{file: dir}, "", "not a plain file"},
		{"NUL", source{file: file("h", "pa\x00ss", 0o600)}, "", "more than one line"},
		{"endless", source{file: file("i", strings.Repeat("x", maxSecret+1), 0o600)}, "", "too long"},
		{"env", source{env: "RAPPORT_TEST_PW"}, "from env", ""},
		{"env unset", source{env: "RAPPORT_TEST_NONE"}, "", "RAPPORT_TEST_NONE: it is empty"},
		{"command", source{command: Command{Args: []string{"echo", "$HOME; x"}}}, "$HOME; x", ""},
		{"shell", source{command: Command{Shell: "printf 'a%s' b | tr b c"}}, "ac", ""},
		{"command in the file's directory", source{command: Command{Args: []string{"cat", "a"}}, dir: dir}, "pa ss", ""},
		{"command fails", source{command: Command{Shell: "echo S3CRET-xyz; echo S3CRET-xyz >&2; exit 3"}}, "", "status 3"},
		{"no such program", source{command: Command{Args: []string{"rapport-no-such-program"}}}, "", "not installed"},
		{"command prints nothing", source{command: Command{Args: []string{"true"}}}, "", "empty"},
		{"command floods", source{command: Command{Shell: "yes | head -c 10000000"}}, "", "too long"},
		{"none", source{}, "", "none is configured"},
		{"app password", source{file: file("j", "abcd efgh\u00a0ijkl mnop\n", 0o600), gmail: true}, "abcdefghijklmnop", ""},
		{"no app password", source{file: file("k", "my own pass word\n", 0o600), gmail: true}, "my own pass word", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := secretOf(&tt.secret).Resolve(t.Context())
			if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("Resolve = %q, %v; want %q, %q", got, err, tt.want, tt.err)
			}
			if err != nil && strings.Contains(err.Error(), "S3CRET") {
				t.Error("the error prints the secret")
			}
		})
	}
}

// TestSecretIsReadAnew changes a password between two sign-ins.
func TestSecretIsReadAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw")
	s := secretOf(&source{file: path})
	for _, want := range []string{"first", "second"} {
		if err := os.WriteFile(path, []byte(want+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Resolve(t.Context()); got != want || err != nil {
			t.Errorf("Resolve = %q, %v; want %q", got, err, want)
		}
	}
}

func TestSecretCommandIsStopped(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := (&source{command: Command{Shell: "sleep 60; echo x"}}).resolve(ctx)
	if err == nil || time.Since(begin) > 10*time.Second {
		t.Errorf("Resolve = %v after %v, want an end soon after the deadline", err, time.Since(begin))
	}
}

func TestSecretNeverPrints(t *testing.T) {
	const inside = "S3CRET-xyz"
	s := secretOf(&source{command: Command{Shell: "echo " + inside}, file: inside, env: inside})
	holder := struct {
		S Secret
		s Secret // fmt asks no method of an unexported field
	}{s, s}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T", "%p", "%10s", "%w"} {
		fmt.Fprintf(&out, verb+"\n", s)
		fmt.Fprintf(&out, verb+"\n", &s)
		fmt.Fprintf(&out, verb+"\n", holder)
		fmt.Fprintf(&out, verb+"\n", []Secret{s})
	}
	fmt.Fprintln(&out, s, &s, map[string]Secret{"k": s})
	for _, v := range []any{s, &s, holder, map[string]Secret{"k": s}} {
		j, err := json.Marshal(v)
		y, err2 := yaml.Dump(v)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		out.Write(j)
		out.Write(y)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "secret", s, "pointer", &s, "holder", holder, slog.Group("g", "s", s))
	}
	if strings.Contains(out.String(), inside) || strings.Contains(out.String(), fmt.Sprintf("%x", inside)) {
		t.Errorf("a secret is printed:\n%s", out.String())
	}
	if n := strings.Count(out.String(), redacted); n < 50 {
		t.Errorf("REDACTED stands %d times, want at least 50", n)
	}
}
