package watch

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// Content is what a file held at one time: the SHA-256 of its bytes in hex, Missing or Unreadable.
type Content string

// What a file that cannot be read holds.
const (
	Missing Content = "missing"
	// Unreadable is also what is no file (a folder, a pipe, a device), what the kernel makes up as it is read (/proc, /sys)
	// and a file of more than 512 MiB: the name of a file may come with a candidate that is only asked about, and must not
	// keep everybody else waiting.
	Unreadable Content = "unreadable"
)

// Contents is what some files held at one time, by name.
type Contents map[string]Content

// agrees says that known has the same of each file in c.
func (c Contents) agrees(known Contents) bool {
	for name, now := range c {
		if then, ok := known[name]; !ok || then != now {
			return false
		}
	}
	return true
}

// Reader reads what files hold. Files up to 1 MiB, such as configurations, are read each time. Of a larger one, such as
// an executable, the sum is kept for as long as nothing in its stamp has changed: hashing 60 MB costs about 50 ms where
// the processor has instructions for SHA-256 and four times that where it has not, which is too much for each event in a
// busy folder. The zero value is ready for use, by any number of goroutines.
type Reader struct {
	now  func() time.Time // nil: time.Now
	mu   sync.Mutex
	sums map[string]sum
}

const (
	// large is the size in bytes above which a sum is kept.
	large = 1 << 20
	// settledFine and settledCoarse are how long before it was read a file must have been changed last for its stamp to
	// tell it from a later change: two changes within one tick of a file system's clock look alike. The tick is some
	// milliseconds where times have a fraction of a second, and up to 2 s (FAT) where they have none.
	settledFine, settledCoarse = 100 * time.Millisecond, 3 * time.Second
	// largest is the size in bytes up to which a file is read.
	largest = 512 << 20
	// maxSums bounds how many sums are kept.
	maxSums = 100
)

// sum is what a large file held when its stamp was this one.
type sum struct {
	stamp   stamp
	content Content
}

// Read reads files. Missing and unreadable ones are contents too.
func (r *Reader) Read(files []string) Contents {
	c := make(Contents, len(files))
	for _, name := range files {
		c[name] = r.ReadFile(name)
	}
	return c
}

// ReadFile reads one file.
func (r *Reader) ReadFile(name string) Content {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Missing
	case err != nil || !info.Mode().IsRegular(): // opening a pipe would wait for its other end
		return Unreadable
	}
	f, err := os.Open(name)
	if err != nil {
		return Unreadable
	}
	defer func() { _ = f.Close() }() // it was only read
	// Reading what is made up may wait (/proc/kmsg until there is a message), and no deadline ends that.
	if madeUp(f) {
		return Unreadable
	}
	began := r.time()
	if info, err = f.Stat(); err != nil || info.Size() > largest { // of what was opened: the name may lead elsewhere by now
		return Unreadable
	}
	stamp, ok := stampOf(info)
	if ok = ok && info.Size() > large; ok {
		if content, kept := r.kept(name, stamp); kept {
			return content
		}
	}
	h := sha256.New()
	if n, err := io.Copy(h, io.LimitReader(f, largest+1)); err != nil || n > largest {
		return Unreadable
	}
	content := Content(hex.EncodeToString(h.Sum(nil)))
	if ok && stamp.settled(began) {
		r.keep(name, sum{stamp, content})
	}
	return content
}

// settled tells whether a change after now would make another stamp.
func (s stamp) settled(now time.Time) bool {
	if s.changed.Nanosecond() == 0 {
		return now.Sub(s.changed) > settledCoarse
	}
	return now.Sub(s.changed) > settledFine
}

func (r *Reader) time() time.Time {
	if r.now != nil {
		return r.now()
	}
	return time.Now()
}

func (r *Reader) kept(name string, now stamp) (Content, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	then, ok := r.sums[name]
	return then.content, ok && then.stamp == now
}

func (r *Reader) keep(name string, s sum) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sums == nil || len(r.sums) >= maxSums {
		r.sums = make(map[string]sum)
	}
	r.sums[name] = s
}
