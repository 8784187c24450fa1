package pluginhost

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

const (
	// longestSocket is the longest path of a Unix socket that every supported system can bind: macOS has 104 bytes with
	// the final zero, Linux 108.
	longestSocket = 103
	// socketTail is the longest thing that follows the host's folder: "/plugin-dir4294967295/plugin4294967295".
	socketTail = 38
	// hostFolder is the longest name of a host's folder, with its slash: "/h4294967295".
	hostFolder = 12
	lockName   = "lock"
)

// runDir is the host's folder for sockets. It is the host's as long as its lock is held, which a kill ends too: so what
// is unlocked is stale. A run folder may be shared by any number of hosts.
type runDir struct {
	path string
	lock *os.File
}

// openRunDir makes a folder below base, or below a short one in the system's temporary folder if sockets below base
// would have too long names. It removes what hosts that are gone have left there.
func openRunDir(base string, logger *slog.Logger) (*runDir, error) {
	base, err := filepath.Abs(base)
	if err != nil {
		return nil, fmt.Errorf("find run folder: %w", err)
	}
	fallback := "durward-" + strconv.Itoa(os.Getuid())
	for _, candidate := range []string{base, filepath.Join(os.TempDir(), fallback), filepath.Join("/tmp", fallback)} {
		if len(candidate)+hostFolder+socketTail > longestSocket {
			continue
		}
		if candidate != base {
			logger.Info("run folder has too long a name for sockets: using another", "dir", base, "instead", candidate)
		}
		return makeRunDir(candidate, logger)
	}
	return nil, fmt.Errorf("run folder %s has too long a name for sockets", base)
}

func makeRunDir(base string, logger *slog.Logger) (*runDir, error) {
	if err := os.MkdirAll(base, 0o700); err != nil {
		return nil, fmt.Errorf("make run folder: %w", err)
	}
	if err := checkPrivate(base); err != nil {
		return nil, err
	}
	sweep(base, logger)
	path, err := os.MkdirTemp(base, "h")
	if err != nil {
		return nil, fmt.Errorf("make run folder: %w", err)
	}
	// The lock gets its name when it is held, so that nobody's sweep can take it first.
	unnamed := filepath.Join(path, lockName+".new")
	lock, err := takeLock(unnamed, os.O_CREATE)
	if err == nil {
		err = os.Rename(unnamed, filepath.Join(path, lockName))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock run folder: %w", err), os.RemoveAll(path))
	}
	return &runDir{path, lock}, nil
}

// checkPrivate refuses a folder that others may write to or that is somebody else's: in a shared temporary folder
// anybody could have made it first.
func checkPrivate(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("check run folder: %w", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(owner.Uid) != os.Getuid() || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("run folder %s is not a folder that only this user can write to", path)
	}
	return nil
}

// sweep removes the folders of hosts that hold their lock no longer. A folder whose lock is not there yet is being made.
func sweep(base string, logger *slog.Logger) {
	folders, err := filepath.Glob(filepath.Join(base, "h*"))
	if err != nil {
		return
	}
	for _, folder := range folders {
		lock, err := takeLock(filepath.Join(folder, lockName), 0)
		if err != nil {
			continue
		}
		err = os.RemoveAll(folder)
		_ = lock.Close()
		if err != nil {
			logger.Warn("the run folder of a host that is gone cannot be removed", "dir", folder, "error", err)
			continue
		}
		logger.Info("removed the run folder of a host that is gone", "dir", folder)
	}
}

func takeLock(path string, flags int) (*os.File, error) {
	lock, err := os.OpenFile(path, os.O_RDWR|flags, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return lock, nil
}

func (d *runDir) close() error {
	return errors.Join(os.RemoveAll(d.path), d.lock.Close())
}
