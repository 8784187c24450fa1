package pluginhost

import (
	"os"
	"syscall"
)

// selfPath leads to the running bytes even when the file has been replaced or deleted.
func selfPath() (path string, pinned bool, err error) { return "/proc/self/exe", true, nil }

// attributes give the process a group of its own, so that a terminal's Ctrl-C does not reach it and so that it can be
// killed with its children, and have the kernel kill it when the thread that started it ends. That thread is the
// starter's, which lives as long as the host has processes. With a cgroup's folder, the process begins in that cgroup.
func attributes(cgroup *os.File) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if cgroup != nil {
		a.UseCgroupFD, a.CgroupFD = true, int(cgroup.Fd())
	}
	return a
}

// delegatedBySystemd reports whether systemd has given the cgroup to whoever runs in it (Delegate=): it marks such a
// folder with an extended attribute, whose "trusted" form only root can read.
func delegatedBySystemd(dir string) bool {
	value := make([]byte, 8)
	for _, name := range []string{"user.delegate", "trusted.delegate"} {
		if n, err := syscall.Getxattr(dir, name, value); err == nil && string(value[:n]) == "1" {
			return true
		}
	}
	return false
}
