package watch

import (
	"io/fs"
	"syscall"
	"testing"
	"time"
)

// fileInfo is a file of a mode and an owner.
type fileInfo struct {
	mode fs.FileMode
	uid  uint32
}

func (f fileInfo) Name() string       { return "" }
func (f fileInfo) Size() int64        { return 0 }
func (f fileInfo) Mode() fs.FileMode  { return f.mode }
func (f fileInfo) ModTime() time.Time { return time.Time{} }
func (f fileInfo) IsDir() bool        { return false }
func (f fileInfo) Sys() any           { return &syscall.Stat_t{Uid: f.uid} }

func TestShared(t *testing.T) {
	for _, row := range []struct {
		name string
		file fileInfo
		want bool
	}{
		{"its owner's alone", fileInfo{0o600, 1000}, false},
		{"its owner's alone, to read", fileInfo{0o400, 0}, false},
		{"everybody's", fileInfo{0o644, 0}, true},
		{"everybody's to change", fileInfo{0o602, 0}, true},
		{"a group's", fileInfo{0o640, 1000}, true},
		{"a group's, by root's hand", fileInfo{0o640, 0}, false},
		{"a group's to change, by root's hand", fileInfo{0o660, 0}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := shared(row.file); got != row.want {
				t.Errorf("mode %04o of %d is shared: %v", row.file.mode, row.file.uid, got)
			}
		})
	}
}
