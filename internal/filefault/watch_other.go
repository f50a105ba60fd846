//go:build !linux

package filefault

import (
	"errors"
	"os/exec"
)

var errUnsupported = errors.New("only Linux lets one process decide over another's file operations")

// Supported returns why programs cannot be watched here.
func Supported() error { return errUnsupported }

// Watched is a program under watch.
type Watched struct{}

// Start fails.
func Start(*exec.Cmd, string, func(Op) Verdict) (*Watched, error) { return nil, errUnsupported }

// Wait fails.
func (*Watched) Wait() (ops int, err error) { return 0, errUnsupported }

// Killed is never true.
func (*Watched) Killed() bool { return false }
