package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rapport/internal/filefault"
	"rapport/internal/mailtest"
)

// TestNoNewsLeavesTheDiskAlone lets a sync find nothing: it waits for no disk,
// and writes into nothing but the notes beside the store of who has it open.
func TestNoNewsLeavesTheDiskAlone(t *testing.T) {
	t.Parallel()
	if err := filefault.Supported(); err != nil {
		mailtest.SkipOrFail(t, err.Error())
	}
	o := newOffice(t)
	s := newOfficeSite(t, o)
	s.run(importing...)
	for range 2 {
		s.run("sync")
	}
	var ops []string
	cmd := s.command("sync")
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	w, err := filefault.Start(cmd, s.dir, func(op filefault.Op) filefault.Verdict {
		beside := slices.Contains([]string{"rapport.lock", "rapport.sock", "rapport.stopped", "spool"}, filepath.Base(op.Path))
		if _, err := os.Lstat(op.Path); op.Kind == filefault.Remove && err != nil {
			return filefault.Do() // of what may have been left, and was not
		}
		if op.Kind == filefault.Sync || !beside {
			ops = append(ops, fmt.Sprintf("%s of %s", op.Kind, strings.TrimPrefix(op.Path, s.dir+string(os.PathSeparator))))
		}
		return filefault.Do()
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Wait(); err != nil {
		t.Fatalf("sync: %v\n%s", err, said.String())
	}
	if len(ops) > 0 {
		t.Errorf("a sync without news did to the disk:\n%s", strings.Join(ops, "\n"))
	}
}
