package store

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// The files of the data folder.
const (
	databaseName = "durward.db"
	keyName      = "store.key"
	lockName     = "store.lock"
)

// folder is the data folder, locked for this process.
type folder struct {
	dir  string
	lock *os.File
}

// openFolder makes the data folder if it is not there, checks that nobody else can look into it, and locks it.
//
// A folder that is open to others is refused, not tightened: it was made by somebody for something, and it may be the
// home folder or /tmp, named by mistake.
func openFolder(dir string) (*folder, error) {
	if dir == "" {
		return nil, errors.New("no data folder is named")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find data folder: %w", err)
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make data folder: %w", err)
		}
		if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a folder; the umask may have taken bits away
			return nil, fmt.Errorf("make data folder: %w", err)
		}
	case err != nil:
		return nil, fmt.Errorf("find data folder: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("the data folder %s is not a folder", dir)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("the data folder %s is open to other users (mode %04o): if it is durward's alone, run "+
			"chmod 700 on it, else name a folder in it that does not exist yet", dir, info.Mode().Perm())
	}
	f := &folder{dir: dir}
	return f, f.acquire()
}

// acquire takes the lock. The kernel gives it free when the process ends, however it ends.
func (f *folder) acquire() error {
	lock, err := os.OpenFile(f.path(lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("lock data folder: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("the data folder %s is in use by another durward: stop it, or give this one a folder of "+
				"its own", f.dir)
		}
		return fmt.Errorf("lock data folder: %w", err)
	}
	f.lock = lock
	return nil
}

// release gives the lock free. The file stays: removing it would let two processes lock two files of one name.
func (f *folder) release() error {
	if f.lock == nil {
		return nil
	}
	err := f.lock.Close()
	f.lock = nil
	return err
}

func (f *folder) path(name string) string {
	return filepath.Join(f.dir, name)
}

// prepare makes the database file, so that SQLite finds the permissions which its -wal and -shm files take over, and
// narrows those of files that came from elsewhere (a backup). It must not be called while SQLite has the file open:
// closing any descriptor of it gives SQLite's own locks free.
func (f *folder) prepare() error {
	database, err := os.OpenFile(f.path(databaseName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("make database: %w", err)
	}
	if err := database.Close(); err != nil {
		return fmt.Errorf("make database: %w", err)
	}
	for _, name := range []string{databaseName, databaseName + "-wal", databaseName + "-shm", keyName, lockName} {
		if err := os.Chmod(f.path(name), 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("narrow permissions: %w", err)
		}
	}
	return nil
}

// key answers the key that was given, or else the one in the key file, which it makes if there is no database yet.
func (f *folder) key(given []byte) ([]byte, error) {
	if given != nil {
		if len(given) != keySize {
			return nil, fmt.Errorf("the store key has %d bytes, not %d", len(given), keySize)
		}
		return given, nil
	}
	text, err := os.ReadFile(f.path(keyName))
	if errors.Is(err, fs.ErrNotExist) {
		return f.makeKey()
	}
	if err != nil {
		return nil, fmt.Errorf("read store key: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != keySize { // the text of err would quote the key
		return nil, fmt.Errorf("%s is not a store key (%d hexadecimal digits): put the right file there",
			f.path(keyName), hex.EncodedLen(keySize))
	}
	return key, nil
}

// makeKey writes a new key file. A half-written one never has the name, and one that is there is never overwritten:
// Link does not replace.
func (f *folder) makeKey() ([]byte, error) {
	if _, err := os.Stat(f.path(databaseName)); err == nil {
		return nil, fmt.Errorf("the database %s is there, but the key of its values, %s, is not: put the key back (from a "+
			"backup, or as the configured store key), or move the database away to begin anew, which signs everybody out",
			f.path(databaseName), f.path(keyName))
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("find database: %w", err)
	}
	key := newKey()
	unfinished := f.path(keyName + ".new")
	if err := os.Remove(unfinished); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("make store key: %w", err)
	}
	if err := writeSynced(unfinished, hex.EncodeToString(key)+"\n"); err != nil {
		return nil, fmt.Errorf("make store key: %w", err)
	}
	if err := os.Link(unfinished, f.path(keyName)); err != nil {
		return nil, fmt.Errorf("make store key: %w", err)
	}
	if err := os.Remove(unfinished); err != nil {
		return nil, fmt.Errorf("make store key: %w", err)
	}
	dir, err := os.Open(f.dir)
	if err != nil {
		return nil, fmt.Errorf("make store key: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil { // the name must last as the contents do
		return nil, fmt.Errorf("make store key: %w", err)
	}
	return key, nil
}

// writeSynced writes a new file that only this user can read, down to the disk.
func writeSynced(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Chmod(0o600), file.Sync(), file.Close())
}
