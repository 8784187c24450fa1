package pluginhost

import "syscall"

// selfPath leads to the running bytes even when the file has been replaced or deleted.
func selfPath() (path string, pinned bool, err error) { return "/proc/self/exe", true, nil }

// attributes give the process a group of its own, so that a terminal's Ctrl-C does not reach it and so that it can be
// killed with its children, and have the kernel kill it when the thread that started it ends. That thread is the
// starter's, which lives as long as the host has processes.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
