package config

import (
	"io/fs"
	"strings"
	"testing"
)

// TestSecretHint sends whoever may not read a password to the user who may,
// rather than to overwrite it.
func TestSecretHint(t *testing.T) {
	t.Parallel()
	if got := secretHint(pathless(&fs.PathError{Op: "open", Path: "secrets/ada", Err: fs.ErrPermission})); !strings.Contains(got, "sudo -u") {
		t.Errorf("secretHint(permission denied) = %q; want another user", got)
	}
	if got := secretHint(fs.ErrNotExist); !strings.Contains(got, "write the password into it") {
		t.Errorf("secretHint(missing) = %q; want it written", got)
	}
}
