//go:build unix

package mailtest

import (
	"syscall"
	"time"
)

// CPUTime returns the processor time this process has used: what something
// costs however busy the machine is, where nothing else runs in the process.
func CPUTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return time.Duration(time.Now().UnixNano())
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
