package filefault

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// call says which arguments of a system call name the file it changes: fd, or
// a directory and the address of a path below it.
type call struct {
	kind Kind
	fd   int // argument with the file, -1 where it has a path
	dir  int // arguments with the directory and the path
	path int
}

func byFile(k Kind, fd int) call     { return call{kind: k, fd: fd} }
func byPath(k Kind, dir, p int) call { return call{kind: k, fd: -1, dir: dir, path: p} }

// calls are those by which Go programs change files.
var calls = map[int32]call{
	unix.SYS_WRITE: byFile(Write, 0), unix.SYS_PWRITE64: byFile(Write, 0), unix.SYS_WRITEV: byFile(Write, 0),
	unix.SYS_SENDFILE: byFile(Write, 0), unix.SYS_COPY_FILE_RANGE: byFile(Write, 2), unix.SYS_SPLICE: byFile(Write, 2),
	unix.SYS_FSYNC: byFile(Sync, 0), unix.SYS_FDATASYNC: byFile(Sync, 0),
	unix.SYS_FTRUNCATE: byFile(Size, 0), unix.SYS_FALLOCATE: byFile(Size, 0), unix.SYS_FCHMOD: byFile(Mode, 0),
	unix.SYS_OPENAT: byPath(Create, 0, 1), unix.SYS_FCHMODAT: byPath(Mode, 0, 1), unix.SYS_MKDIRAT: byPath(Dir, 0, 1),
	unix.SYS_UNLINKAT: byPath(Remove, 0, 1), unix.SYS_LINKAT: byPath(Link, 2, 3), unix.SYS_SYMLINKAT: byPath(Link, 1, 2),
	unix.SYS_RENAMEAT: byPath(Rename, 2, 3), unix.SYS_RENAMEAT2: byPath(Rename, 2, 3),
}

// creating are the flags with which openat changes something.
const creating = unix.O_CREAT | unix.O_TRUNC

// filter is the classic BPF program that hands these calls over. Its input is
// struct seccomp_data: the number at 0, arguments of 8 bytes from 16.
var filter = buildFilter()

func buildFilter() []unix.SockFilter {
	const load, equal, anyBit, end = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K,
		unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	out := []unix.SockFilter{{Code: load, K: 0}}
	for nr := range calls {
		if nr == unix.SYS_OPENAT {
			continue
		}
		out = append(out, unix.SockFilter{Code: equal, Jf: 1, K: uint32(nr)}, unix.SockFilter{Code: end, K: unix.SECCOMP_RET_USER_NOTIF})
	}
	return append(out,
		unix.SockFilter{Code: equal, Jf: 3, K: unix.SYS_OPENAT},
		unix.SockFilter{Code: load, K: 16 + 2*8}, // flags, the low half on little-endian machines
		unix.SockFilter{Code: anyBit, Jf: 1, K: creating},
		unix.SockFilter{Code: end, K: unix.SECCOMP_RET_USER_NOTIF},
		unix.SockFilter{Code: end, K: unix.SECCOMP_RET_ALLOW})
}

// operation says what a call is about to do; false where it changes no file.
func operation(n notice) (Op, bool) {
	c := calls[n.nr]
	op := Op{Kind: c.kind}
	var err error
	if c.fd >= 0 {
		op.Path, err = os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", n.pid, int32(n.args[c.fd])))
	} else {
		op.Path, err = pathArgument(n.pid, int32(n.args[c.dir]), n.args[c.path])
	}
	if err != nil || !filepath.IsAbs(op.Path) {
		return op, false // a socket or pipe, or a file that is gone
	}
	if c.kind == Create && n.args[2]&unix.O_TRUNC == 0 {
		_, err := os.Lstat(op.Path)
		return op, err != nil // opening what is there changes nothing
	}
	return op, true
}

// pathArgument reads a path from a program's memory.
func pathArgument(pid uint32, dir int32, at uint64) (string, error) {
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return "", err
	}
	defer mem.Close()
	buf := make([]byte, unix.PathMax)
	n, err := mem.ReadAt(buf, int64(at))
	name, _, ended := strings.Cut(string(buf[:n]), "\x00")
	if !ended {
		return "", fmt.Errorf("read a path of process %d: %w", pid, err)
	}
	if filepath.IsAbs(name) {
		return filepath.Clean(name), nil
	}
	base := fmt.Sprintf("/proc/%d/cwd", pid)
	if dir != unix.AT_FDCWD {
		base = fmt.Sprintf("/proc/%d/fd/%d", pid, dir)
	}
	if base, err = os.Readlink(base); err != nil {
		return "", err
	}
	return filepath.Join(base, name), nil
}
