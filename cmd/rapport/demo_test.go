package main

import (
	"path/filepath"
	"testing"
)

// TestCalled writes a command that works in a second terminal, however this
// one was started.
func TestCalled(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ arg0, executable, want string }{
		{"rapport", "/usr/local/bin/rapport", "rapport"},
		{"./rapport", "/opt/rapport/rapport", "/opt/rapport/rapport"},
		{"/tmp/go-build123/b001/exe/rapport", "/tmp/go-build123/b001/exe/rapport", "go run ./cmd/rapport"},
		{"./rapport", "/opt/my rapport/rapport", "'/opt/my rapport/rapport'"},
		{"./rapport", "", "./rapport"},
	} {
		if got := called(filepath.FromSlash(tt.arg0), filepath.FromSlash(tt.executable)); got != tt.want {
			t.Errorf("called(%q, %q) = %q; want %q", tt.arg0, tt.executable, got, tt.want)
		}
	}
}
