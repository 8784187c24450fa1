package watch

import (
	"io/fs"
	"syscall"
	"time"
)

// stamp changes whenever a file's bytes do, or another file takes its name. changed is when the system last noted a
// change of the file (st_ctime, stat(3type)), which no program can set: a save that puts the time of modification back
// is seen all the same.
type stamp struct {
	device, inode uint64
	size          int64
	modified      time.Time
	changed       time.Time
}

// stampOf answers the stamp of a file, if the system has one that can be relied on.
func stampOf(info fs.FileInfo) (stamp, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return stamp{}, false
	}
	return stamp{s.Dev, s.Ino, s.Size, info.ModTime(), time.Unix(s.Ctim.Unix())}, true
}
