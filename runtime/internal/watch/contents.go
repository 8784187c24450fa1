package watch

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
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

// ReadFile reads one file, or a Listing.
func (r *Reader) ReadFile(name string) Content {
	if isListing(name) {
		return list(name)
	}
	began := r.time()
	f, info, err := openFile(name)
	if err != nil {
		return contentOf(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	stamp, ok := stampOf(info)
	if ok = ok && info.Size() > large; ok {
		if content, kept := r.kept(name, stamp); kept {
			return content
		}
	}
	content := sumTo(f, io.Discard)
	if ok && content != Unreadable && stamp.settled(began) {
		r.keep(name, sum{stamp, content})
	}
	return content
}

// Taken is a file as it was read once.
type Taken struct {
	// Content is what ReadFile says of these bytes.
	Content Content
	// Data is nil with an error.
	Data []byte
	// Shared says that others than its owner may read or change the file.
	Shared bool
	// Err says why there is no Data, and does not name the file. It is fs.ErrNotExist where Content is Missing.
	Err error
}

// Take reads one file of at most limit bytes.
func (r *Reader) Take(name string, limit int) Taken {
	f, info, err := openFile(name)
	if err != nil {
		return Taken{Content: contentOf(err), Err: err}
	}
	defer func() { _ = f.Close() }() // it was only read
	data := head{limit: limit + 1}
	t := Taken{Content: sumTo(f, &data), Shared: shared(info)}
	switch {
	case t.Content == Unreadable:
		t.Err = errors.New("cannot be read to its end")
	case len(data.bytes) > limit:
		t.Err = fmt.Errorf("holds more than %d KiB", limit>>10)
	default:
		t.Data = data.bytes
	}
	return t
}

// openFile opens what is a file. An error does not name it, and is fs.ErrNotExist if there is none.
func openFile(name string) (*os.File, fs.FileInfo, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, fs.ErrNotExist
	case err != nil:
		return nil, nil, unnamed(err)
	case !info.Mode().IsRegular(): // opening a pipe would wait for its other end
		return nil, nil, errors.New("is no regular file")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, unnamed(err)
	}
	info, err = f.Stat() // of what was opened: the name may lead elsewhere by now
	switch {
	case err != nil:
		err = unnamed(err)
	case madeUp(f): // reading that may wait (/proc/kmsg until there is a message), and no deadline ends it
		err = errors.New("is made up by the kernel")
	case info.Size() > largest:
		err = errors.New("is too large")
	default:
		return f, info, nil
	}
	_ = f.Close() // it was not read
	return nil, nil, err
}

func unnamed(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		err = at.Err
	}
	return fmt.Errorf("cannot be read: %w", err)
}

// contentOf is what a file holds that could not be opened.
func contentOf(err error) Content {
	if errors.Is(err, fs.ErrNotExist) {
		return Missing
	}
	return Unreadable
}

// sumTo reads a file to its end, and answers its sum. It is also written elsewhere.
func sumTo(f *os.File, elsewhere io.Writer) Content {
	h := sha256.New()
	if n, err := io.Copy(io.MultiWriter(h, elsewhere), io.LimitReader(f, largest+1)); err != nil || n > largest {
		return Unreadable
	}
	return Content(hex.EncodeToString(h.Sum(nil)))
}

// head keeps the first bytes that are written to it.
type head struct {
	bytes []byte
	limit int
}

// Write implements io.Writer.
func (h *head) Write(p []byte) (int, error) {
	h.bytes = append(h.bytes, p[:min(len(p), h.limit-len(h.bytes))]...)
	return len(p), nil
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
