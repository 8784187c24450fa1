package watch

import (
	"os"
	"syscall"
)

// madeUp tells whether a file lies on a file system of what the kernel makes up as it is read: such a file says that it is
// a regular one of no bytes, and reading it may wait, or never end. It asks of what was opened: a link in /proc may lead to
// a file that is one. The numbers are f_type's (statfs(2)).
func madeUp(f *os.File) bool {
	conn, err := f.SyscallConn()
	if err != nil {
		return false
	}
	var s syscall.Statfs_t
	var failed error
	if err := conn.Control(func(fd uintptr) { failed = syscall.Fstatfs(int(fd), &s) }); err != nil || failed != nil {
		return false
	}
	switch uint32(s.Type) { // as in mute
	case 0x9fa0, // procfs
		0x62656572,             // sysfs
		0x64626720, 0x74726163, // debugfs, tracefs
		0x0027e0eb, 0x63677270, // cgroups, of both versions
		0x62656570, // configfs
		0x73636673, // securityfs
		0xf97cff8c, // SELinux
		0x43415d53, // Smack
		0xcafe4a11, // bpf
		0xde5e81e4, // efivarfs
		0x6165676c, // pstore
		0x42494e4d, // binfmt_misc
		0x65735543, // fusectl
		0x19800202, // mqueue
		0x6e736673: // namespaces
		return true
	}
	return false
}
