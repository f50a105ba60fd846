package main

import (
	"os"
	"path/filepath"
	"strings"

	"rapport/internal/demo"
)

type demoCommand struct {
	Once bool
}

// Run shows the product with everything around it embedded and fake.
func (c *demoCommand) Run(s *session) error {
	executable, _ := os.Executable() // without it the name serves
	err := demo.Run(s.ctx, demo.Options{
		Once: c.Once, Out: s.out, Version: buildVersion(), Command: called(os.Args[0], executable),
	})
	if s.ctx.Err() != nil && !c.Once {
		return nil // interrupting is how it ends
	}
	return err
}

// called writes how to call this program from another terminal: by name where
// the shell found it so, else by its path. What `go run` built is gone as soon
// as it ends, so that is called the same way again.
func called(arg0, executable string) string {
	switch {
	case strings.Contains(filepath.ToSlash(executable), "/go-build"):
		return "go run ./cmd/rapport"
	case !strings.ContainsRune(arg0, filepath.Separator) || executable == "":
		return arg0
	case strings.ContainsAny(executable, " '\"\\$`"):
		return "'" + strings.ReplaceAll(executable, "'", `'\''`) + "'"
	}
	return executable
}
