package confined

import (
	"bytes"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"

	"golang.org/x/sys/unix"
)

// confine limits what this process may spend: processor time, memory, and what
// it leaves behind. Its address space and its data may grow by so much: a Go
// program reserves far more than it uses, how much differs from build to build.
func confine() error {
	size, data, err := held()
	if err != nil {
		return err
	}
	debug.SetMemoryLimit(maxHeap / 2)
	for _, l := range []struct {
		what  int
		limit uint64
	}{
		{unix.RLIMIT_CPU, maxCPU},
		{unix.RLIMIT_AS, size + 2*maxHeap},
		{unix.RLIMIT_DATA, data + maxHeap},
		{unix.RLIMIT_FSIZE, 0},
		{unix.RLIMIT_CORE, 0},
	} {
		if err := unix.Setrlimit(l.what, &unix.Rlimit{Cur: l.limit, Max: l.limit}); err != nil {
			return fmt.Errorf("limit %d: %w", l.what, err)
		}
	}
	return nil
}

// closeDoors keeps this process from opening anything, file or connection. What
// is open goes on: the streams it was given.
func closeDoors() error {
	return unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{})
}

// held is how much address space and data this process has, in bytes.
func held() (size, data uint64, err error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0, err
	}
	for line := range bytes.Lines(status) {
		f := bytes.Fields(line)
		if len(f) < 2 {
			continue
		}
		kb, _ := strconv.ParseUint(string(f[1]), 10, 64)
		switch string(f[0]) {
		case "VmSize:":
			size = kb << 10
		case "VmData:":
			data = kb << 10
		}
	}
	if size == 0 || data == 0 {
		return 0, 0, fmt.Errorf("how much memory is held is not told")
	}
	return size, data, nil
}
