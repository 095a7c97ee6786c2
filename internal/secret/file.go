package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

const (
	fileVersion = 1
	maxFile     = 1 << 20
)

// file is the keyring as it is written.
type file struct {
	Version int       `json:"version"`
	Wrapped bool      `json:"wrapped"` // by a KeyWrapper
	Active  string    `json:"active"`
	Keys    []fileKey `json:"keys"`
}

type fileKey struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Key     []byte    `json:"key"`
}

// readFile reads a keyring that nobody but its owner can read, in a directory
// that nobody but its owner can change.
func readFile(path string) (file, error) {
	r, err := os.Open(path)
	if err != nil {
		return file{}, err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return file{}, err
	}
	if !info.Mode().IsRegular() {
		return file{}, errors.New("it is not a regular file")
	}
	if err := private(info, 0o077, "chmod 600 "+path); err != nil {
		return file{}, err
	}
	if err := privateDirectory(path); err != nil {
		return file{}, err
	}
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return file{}, err
	}
	return parseFile(b)
}

func parseFile(b []byte) (file, error) {
	var f file
	d := json.NewDecoder(bytes.NewReader(b))
	// The decoder's own error could show a piece of a key.
	if len(b) > maxFile || d.Decode(&f) != nil {
		return file{}, errors.New("it is not a keyring: the file is damaged, bring it back from a backup")
	}
	if f.Version != fileVersion {
		return file{}, fmt.Errorf("its version is %d, and this program reads %d", f.Version, fileVersion)
	}
	return f, nil
}

func privateDirectory(path string) error {
	directory := filepath.Dir(path)
	info, err := os.Stat(directory)
	if err != nil {
		return err
	}
	return private(info, 0o022, "chmod 700 "+directory)
}

// private refuses a mode that lets others in. Windows has no such modes: there
// the directory's access list decides.
func private(info fs.FileInfo, others fs.FileMode, mend string) error {
	if runtime.GOOS == "windows" || info.Mode().Perm()&others == 0 {
		return nil
	}
	return fmt.Errorf("others on this machine have access to %s (mode %04o): run %s", info.Name(), info.Mode().Perm(), mend)
}

// create writes the file unless there is one. The link, like O_EXCL, is made by
// one process only; unlike an open file, it is never seen half written.
func (f file) create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := privateDirectory(path); err != nil {
		return err
	}
	temporary, err := f.write(path)
	if err != nil {
		return err
	}
	defer os.Remove(temporary) //nolint:errcheck // at worst a file with an unused key stays
	if err := os.Link(temporary, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDirectory(path)
}

// replace writes the file in the place of the one there is; the caller holds the
// lock.
func (f file) replace(path string) error {
	temporary, err := f.write(path)
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return syncDirectory(path)
}

// write puts the file, synced, beside path; os.CreateTemp gives it mode 0600.
func (f file) write(path string) (temporary string, err error) {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return "", err
	}
	w, err := os.CreateTemp(filepath.Dir(path), ".keyring-*")
	if err != nil {
		return "", err
	}
	_, err = w.Write(append(b, '\n'))
	if err = errors.Join(err, w.Sync(), w.Close()); err != nil {
		return "", errors.Join(err, os.Remove(w.Name()))
	}
	return w.Name(), nil
}

// syncDirectory makes a name last through a power cut: a key that seals and is
// then gone would take the secrets along.
func syncDirectory(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// lock keeps two rotations apart: the one that wrote last would lose the other's
// key, and with it what that key sealed.
func lock(path string) (unlock func(), err error) {
	name := path + ".lock"
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("another rotation is under way; if it is not, one was interrupted: remove %s", name)
	}
	if err != nil {
		return nil, err
	}
	return func() { _ = os.Remove(name) }, f.Close()
}
