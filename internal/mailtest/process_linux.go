package mailtest

import (
	"os/exec"
	"syscall"
)

// tie makes the kernel end the command when we are killed.
func tie(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
