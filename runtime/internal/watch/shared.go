package watch

import (
	"io/fs"
	"syscall"
)

// shared tells whether others on this machine than the owner of a file may read or change it. That root's file may be read
// by its group does not count: it is how root hands a key to a service (Debian's ssl-cert, fsGroup in Kubernetes).
func shared(info fs.FileInfo) bool {
	mode := info.Mode().Perm()
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid == 0 {
		mode &^= 0o040
	}
	return mode&0o077 != 0
}
