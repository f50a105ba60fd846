package app

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// TestDeafDaemonDoesNotAnswer listens without ever accepting, as a daemon does
// that is stopped or stuck: the kernel takes the connection all the same.
func TestDeafDaemonDoesNotAnswer(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if answers(ctx, path) {
		t.Error("answers = true where nobody answers; a command would wait for ever")
	}
}
