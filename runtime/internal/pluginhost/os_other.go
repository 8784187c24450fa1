//go:build unix && !linux

package pluginhost

import (
	"os"
	"syscall"
)

// selfPath leads to the file this process was started from; whether it still holds the same bytes must be checked.
func selfPath() (path string, pinned bool, err error) {
	path, err = os.Executable()
	return path, false, err
}

// attributes give the process a group of its own, so that a terminal's Ctrl-C does not reach it and so that it can be
// killed with its children. That it ends with the host is left to its lifeline. There are no cgroups.
func attributes(*os.File) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// delegatedBySystemd is false: there is no systemd.
func delegatedBySystemd(string) bool { return false }
