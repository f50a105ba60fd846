package mailtest

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// startTied starts a daemon that ends with this process even when that is
// killed (on Linux). The function it returns asks the daemon to end and waits;
// the channel is closed when it has ended.
func startTied(cmd *exec.Cmd) (stop func() error, exited <-chan struct{}, err error) {
	started, done := make(chan error, 1), make(chan struct{})
	tie(cmd)
	go func() {
		// The kernel's death signal follows the thread that started the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(done)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // ended by our signal: the status says nothing
		}
	}()
	if err := <-started; err != nil {
		return nil, nil, err
	}
	return func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM) // fails only when it is gone already
		select {
		case <-done:
			return nil
		case <-time.After(10 * time.Second):
		}
		if err := cmd.Process.Kill(); err != nil {
			return fmt.Errorf("kill %s: %w", cmd.Path, err)
		}
		<-done
		return nil
	}, done, nil
}

// patience is how long what must come may take on a machine that is busy with
// other things; nothing waits for it that goes well.
const patience = 2 * time.Minute

// removeAll removes a tree that a daemon's last children may still write to.
func removeAll(dir string) error {
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if err := os.RemoveAll(dir); err == nil || time.Now().After(end) {
			return err
		}
	}
}

// sequence numbers file names.
type sequence struct{ n atomic.Uint64 }

func (s *sequence) next() uint64 { return s.n.Add(1) }
