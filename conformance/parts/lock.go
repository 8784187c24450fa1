package parts

import (
	"fmt"
	"os"
	"syscall"
)

// Exclusive does something while it holds the lock of a file that is there: the suites, which run at the same time as
// processes of their own, do it one after the other.
func Exclusive(file string, do func() error) error {
	lock, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("lock file: %w", err)
	}
	defer lock.Close() // which gives the lock back
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock file: %w", err)
	}
	return do()
}
