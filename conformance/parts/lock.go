package parts

import (
	"fmt"
	"os"
	"syscall"
)

// Exclusive does something while it holds the lock of a file, which it makes if it is not there: the suites, which run
// at the same time as processes of their own, do it one after the other.
func Exclusive(file string, do func() error) error {
	lock, err := os.OpenFile(file, os.O_RDONLY|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("lock file: %w", err)
	}
	defer lock.Close() // which gives the lock back
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock file: %w", err)
	}
	return do()
}
