package watch

import (
	"os"
	"testing"
)

// What the kernel makes up is not read: /proc/kmsg, which root may open, has no end until there is another message. A link
// from there to a file is one.
func TestReaderReadsNothingMadeUp(t *testing.T) {
	var r Reader
	for _, path := range []string{"/proc/self/status", "/proc/version", "/proc/mounts"} {
		if got := r.ReadFile(path); got != Unreadable {
			t.Errorf("%s holds %s", path, got)
		}
	}
	if _, err := os.Stat("/proc/kmsg"); err == nil {
		if got := r.ReadFile("/proc/kmsg"); got != Unreadable {
			t.Errorf("/proc/kmsg holds %s", got)
		}
	}
	self, err := os.Executable()
	must(t, err)
	if got, want := r.ReadFile("/proc/self/exe"), r.ReadFile(self); got != want || want == Unreadable {
		t.Errorf("/proc/self/exe holds %s, want %s as %s", got, want, self)
	}
}
