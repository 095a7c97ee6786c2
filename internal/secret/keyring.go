package secret

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"sync"
	"time"
)

const keyBytes = 32

// KeyWrapper encrypts the keys of a keyring before they are written, and
// decrypts them when they are read, as a key management service does. Both are
// called while a keyring is opened or rotated, never for a single secret.
type KeyWrapper interface {
	Wrap(ctx context.Context, key []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped []byte) ([]byte, error)
}

// Keyring holds the active key, which seals, and the older ones, which still
// open. It may be used by several goroutines, and its file by several processes.
type Keyring struct {
	path    string
	wrapper KeyWrapper

	mu     sync.RWMutex
	latest string
	keys   map[string][]byte
}

// Open reads the keyring at path, and makes one with a new key if there is none;
// of several processes that do so at once, one makes it and the others read it.
// The directory is made with mode 0700, the file with 0600; wider modes are
// refused. wrapper nil leaves the keys as they are.
func Open(ctx context.Context, path string, wrapper KeyWrapper) (*Keyring, error) {
	k := &Keyring{path: path, wrapper: wrapper}
	err := k.Reload(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		if err = k.create(ctx); err == nil {
			err = k.Reload(ctx)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("keyring %s: %w", path, err)
	}
	return k, nil
}

// Reload reads the file again, for keys that another process has added.
func (k *Keyring) Reload(ctx context.Context) error {
	f, err := readFile(k.path)
	if err != nil {
		return err
	}
	keys, err := k.unwrap(ctx, f)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.latest, k.keys = f.Active, keys
	return nil
}

// Rotate adds a key and makes it the active one. What is sealed under older keys
// opens as before, until [Sealer.Reseal] has moved it. Other processes seal with
// the older key until they reload.
func (k *Keyring) Rotate(ctx context.Context) (id string, err error) {
	unlock, err := lock(k.path)
	if err != nil {
		return "", fmt.Errorf("rotate keyring %s: %w", k.path, err)
	}
	defer unlock()
	f, err := readFile(k.path) // another process may have rotated since
	if err == nil {
		id, err = k.add(ctx, &f)
	}
	if err == nil {
		err = f.replace(k.path)
	}
	if err == nil {
		err = k.Reload(ctx)
	}
	if err != nil {
		return "", fmt.Errorf("rotate keyring %s: %w", k.path, err)
	}
	return id, nil
}

// Active is the id of the key that seals.
func (k *Keyring) Active() string {
	id, _ := k.active()
	return id
}

// Format prints where the keyring is, whatever the verb: never a key.
func (k *Keyring) Format(w fmt.State, _ rune) {
	_, _ = io.WriteString(w, "keyring "+k.path)
}

func (k *Keyring) create(ctx context.Context) error {
	f := file{Version: fileVersion, Wrapped: k.wrapper != nil}
	if _, err := k.add(ctx, &f); err != nil {
		return err
	}
	return f.create(k.path)
}

func (k *Keyring) add(ctx context.Context, f *file) (id string, err error) {
	if f.Wrapped != (k.wrapper != nil) {
		return "", errWrapper(f.Wrapped)
	}
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // never fails: it ends the process instead
	if id, err = identify(key); err != nil {
		return "", err
	}
	kept := key
	if k.wrapper != nil {
		if kept, err = k.wrapper.Wrap(ctx, key); err != nil {
			return "", fmt.Errorf("wrap key %s: %w", id, err)
		}
	}
	f.Keys = append(f.Keys, fileKey{ID: id, Created: time.Now().UTC().Truncate(time.Second), Key: kept})
	f.Active = id
	return id, nil
}

func (k *Keyring) unwrap(ctx context.Context, f file) (map[string][]byte, error) {
	if f.Wrapped != (k.wrapper != nil) {
		return nil, errWrapper(f.Wrapped)
	}
	keys := map[string][]byte{}
	for _, one := range f.Keys {
		key := one.Key
		if k.wrapper != nil {
			var err error
			if key, err = k.wrapper.Unwrap(ctx, one.Key); err != nil {
				return nil, fmt.Errorf("unwrap key %s: %w", one.ID, err)
			}
		}
		id, err := identify(key)
		if err != nil {
			return nil, err
		}
		if len(key) != keyBytes || id != one.ID {
			return nil, errors.New("a key does not fit its id: the file is damaged, bring it back from a backup")
		}
		keys[id] = key
	}
	if keys[f.Active] == nil {
		return nil, errors.New("its active key is missing: the file is damaged, bring it back from a backup")
	}
	return keys, nil
}

func errWrapper(wrapped bool) error {
	if wrapped {
		return errors.New("its keys are wrapped by a key service, and none is set")
	}
	return errors.New("its keys are not wrapped, and a key service is set")
}

func (k *Keyring) active() (id string, key []byte) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.latest, k.keys[k.latest]
}

func (k *Keyring) lookup(id string) ([]byte, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	key, ok := k.keys[id]
	return key, ok
}

// identify derives a key's id from it, so that a damaged key is noticed before
// it seals anything.
func identify(key []byte) (string, error) {
	b, err := hkdf.Key(sha256.New, key, nil, "seaworthy key id v1", 8)
	return hex.EncodeToString(b), err
}

var idPattern = regexp.MustCompile(`^[0-9a-f]{16}$`)

func isID(s string) bool { return idPattern.MatchString(s) }
