package boltstore

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncTree makes everything below a directory durable. One call for the file
// system is much faster than one for each of thousands of files.
func syncTree(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return os.NewSyscallError("syncfs", unix.Syncfs(int(d.Fd())))
}
