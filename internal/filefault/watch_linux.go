package filefault

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Supported returns why programs cannot be watched here, nil where they can.
func Supported() error {
	var sizes [3]uint16
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_NOTIF_SIZES, 0, uintptr(unsafe.Pointer(&sizes))); errno != 0 {
		return fmt.Errorf("the kernel has no seccomp user notification: %w", errno)
	}
	if int(sizes[0]) > int(unsafe.Sizeof(notice{})) || int(sizes[1]) > int(unsafe.Sizeof(answer{})) {
		return errors.New("the kernel's seccomp notices are larger than known")
	}
	return nil
}

// Watched is a program under watch.
type Watched struct {
	cmd      *exec.Cmd
	below    string
	decide   func(Op) Verdict
	listener int
	n        int
	killed   bool
	done     chan error
}

// Start starts a command that was not started yet, of which every operation on
// files below a directory asks decide first. decide is called by one goroutine
// at a time; the program waits meanwhile. The command's Path must be absolute,
// and it must have no ExtraFiles.
func Start(cmd *exec.Cmd, below string, decide func(Op) Verdict) (*Watched, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", cmd.Path, err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", cmd.Path, err)
	}
	defer unix.Close(pair[0])
	theirs := os.NewFile(uintptr(pair[1]), "launcher")
	defer theirs.Close()
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, launchEnv+"="+cmd.Path)
	cmd.Path, cmd.ExtraFiles = self, []*os.File{theirs}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	theirs.Close() // so that the end of the launcher is seen
	w := &Watched{cmd: cmd, below: strings.TrimSuffix(below, "/") + "/", decide: decide, done: make(chan error, 1)}
	if w.listener, err = receive(pair[0]); err != nil {
		_ = cmd.Process.Kill()
		return nil, errors.Join(fmt.Errorf("watch %s: %w", cmd.Args[0], err), cmd.Wait())
	}
	go func() { w.done <- w.serve() }()
	return w, nil
}

// Wait waits for the program's end and returns how many operations there were.
// The error is that of [exec.Cmd.Wait]; a program that was killed by a verdict
// has none.
func (w *Watched) Wait() (ops int, err error) {
	err = w.cmd.Wait()
	watching := <-w.done
	unix.Close(w.listener)
	if w.killed {
		err = nil
	}
	return w.n, errors.Join(err, watching)
}

// Killed reports, after Wait, whether a verdict killed the program.
func (w *Watched) Killed() bool { return w.killed }

// receive takes the listener from the launcher.
func receive(socket int) (int, error) {
	buf, control := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(socket, buf, control, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return 0, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil || len(messages) == 0 {
		return 0, errors.Join(errors.New("the launcher ended early"), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return 0, err
	}
	return fds[0], nil
}

// notice is struct seccomp_notif, answer struct seccomp_notif_resp.
type notice struct {
	id    uint64
	pid   uint32
	flags uint32
	nr    int32
	arch  uint32
	ip    uint64
	args  [6]uint64
}

type answer struct {
	id    uint64
	val   int64
	errno int32
	flags uint32
}

// serve answers until no process is left under the filter.
func (w *Watched) serve() error {
	for {
		ready := []unix.PollFd{{Fd: int32(w.listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(ready, -1); err != nil {
			if errors.Is(err, unix.EINTR) {
				continue
			}
			return err
		}
		if ready[0].Revents&unix.POLLIN == 0 {
			return nil
		}
		var n notice
		switch err := control(w.listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)); {
		case errors.Is(err, unix.ENOENT), errors.Is(err, unix.EINTR):
			continue // a signal took it back, or the thread is gone
		case err != nil:
			return err
		}
		if err := w.reply(n); err != nil {
			return err
		}
	}
}

// reply decides over one call.
func (w *Watched) reply(n notice) error {
	a := answer{id: n.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	if op, ok := operation(n); ok && strings.HasPrefix(op.Path, w.below) && !w.killed {
		w.n++
		op.N = w.n
		switch v := w.decide(op); {
		case v.kill:
			w.killed = true
			return w.cmd.Process.Kill()
		case v.fault != 0:
			a.flags, a.errno = 0, -int32(v.fault)
		}
	}
	if w.killed {
		return nil // it dies waiting
	}
	err := control(w.listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&a))
	if errors.Is(err, unix.ENOENT) {
		return nil // the thread died meanwhile
	}
	return err
}

func control(fd int, request uint, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}

// launchEnv names the program that this process is to become.
const launchEnv = "FILEFAULT_LAUNCH"

func init() {
	if program := os.Getenv(launchEnv); program != "" {
		fmt.Fprintln(os.Stderr, launch(program))
		os.Exit(125)
	}
}

// launch lays the filter on this thread, hands the listener to the parent and
// becomes the program; it returns only where it cannot.
func launch(program string) error {
	const parent = 3 // the first of ExtraFiles
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up privileges: %w", err)
	}
	listener, errno := uintptr(0), syscall.Errno(0)
	for _, extra := range []uintptr{unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, 0} { // Linux 5.19 has it
		listener, _, errno = unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
			unix.SECCOMP_FILTER_FLAG_NEW_LISTENER|extra, uintptr(unsafe.Pointer(&prog)))
		if errno != unix.EINVAL {
			break
		}
	}
	if errno != 0 {
		return fmt.Errorf("lay the filter: %w", errno)
	}
	if err := unix.Sendmsg(parent, []byte{0}, unix.UnixRights(int(listener)), nil, 0); err != nil {
		return fmt.Errorf("hand over the listener: %w", err)
	}
	unix.Close(parent)
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, launchEnv+"=") {
			env = append(env, e)
		}
	}
	return syscall.Exec(program, os.Args, env)
}
