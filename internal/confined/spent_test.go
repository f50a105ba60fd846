//go:build unix

package confined

import (
	"syscall"
	"testing"
	"time"
)

// cost is what processes that have ended cost.
type cost struct {
	cpu    time.Duration // of all of them
	memory int64         // bytes the largest of them held
}

func spent(t *testing.T) cost {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u); err != nil {
		t.Fatal(err)
	}
	return cost{time.Duration(u.Utime.Nano() + u.Stime.Nano()), int64(u.Maxrss) << 10}
}
