// Package filefault runs a program so that a test decides over each of its file
// operations: it is done, it fails, or the program is killed just before it.
//
// The program is the real one, unaltered. The kernel hands each system call
// that changes a file to this process and waits for its answer (seccomp user
// notification, Linux 5.9 and later); so every write, sync, rename and removal
// is a place to stop at, also those of libraries. See [Supported].
//
// A process that imports this package is its own launcher: it runs itself
// again, lays the filter on that and becomes the program.
package filefault

import "syscall"

// Kind says what an operation does.
type Kind string

// The kinds of operations.
const (
	Write  Kind = "write"  // into a file
	Sync   Kind = "sync"   // of a file or directory
	Size   Kind = "size"   // a file grows or shrinks
	Create Kind = "create" // a new file, or one emptied
	Rename Kind = "rename"
	Link   Kind = "link"
	Remove Kind = "remove" // of a file or directory
	Dir    Kind = "mkdir"
	Mode   Kind = "mode" // who may read it
)

// Op is one operation that is about to happen.
type Op struct {
	N    int // which one it is, from 1
	Kind Kind
	Path string // the file, absolute; the new name of a rename
}

// Verdict is what becomes of an operation.
type Verdict struct {
	fault syscall.Errno
	kill  bool
}

// Do lets an operation happen.
func Do() Verdict { return Verdict{} }

// Fail lets it fail with an error and not happen.
func Fail(with syscall.Errno) Verdict { return Verdict{fault: with} }

// Kill ends the program as kill -9 does; the operation does not happen.
func Kill() Verdict { return Verdict{kill: true} }
