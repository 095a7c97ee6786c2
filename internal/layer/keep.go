package layer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// Files up to this size are kept in memory, which costs nothing in speed and
// little memory; larger ones go to a temporary file.
const memoryBytes = 1 << 20

// errTemporary marks failures of this machine, not of the layer: they end the
// analysis, so that no contents are stored that lack what the disk had no room
// for.
var errTemporary = errors.New("temporary file")

// kept is the content of one file while extractors read it.
type kept struct {
	content io.ReaderAt
	memory  *[]byte
	pool    *sync.Pool
	file    *os.File
	unlink  string // where a file in use cannot be removed: its path
	left    bool   // an extractor that was left behind still reads it
}

// keep takes size bytes: head, which was read before, and the rest of in.
func (a *Analyser) keep(head []byte, in *tarReader, size int64) (*kept, error) {
	if size <= memoryBytes {
		k := a.remember(size)
		n := copy(*k.memory, head)
		if _, err := io.ReadFull(in, (*k.memory)[n:]); err != nil {
			k.release()
			return nil, err
		}
		return k, nil
	}
	k, err := a.spill()
	if err != nil {
		return nil, err
	}
	err = k.write(head)
	for err == nil && in.left > 0 {
		var run []byte
		if run, err = in.take(); err == nil {
			err = k.write(run)
		}
	}
	if err != nil {
		k.release()
		return nil, err
	}
	return k, nil
}

// keepAll takes what in gives up to its end, which is at most size bytes.
func (a *Analyser) keepAll(in io.Reader, size int64) (*kept, error) {
	k, err := a.spill()
	if err != nil {
		return nil, err
	}
	n, err := io.Copy(writer{k}, io.LimitReader(in, size))
	if err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		k.release()
		return nil, err
	}
	return k, nil
}

func (a *Analyser) remember(size int64) *kept {
	b, ok := a.memory.Get().(*[]byte)
	if !ok {
		b = new([]byte)
	}
	if int64(cap(*b)) < size {
		*b = make([]byte, max(size, min(2*int64(cap(*b)), memoryBytes), 64<<10))
	}
	*b = (*b)[:size]
	return &kept{content: bytes.NewReader(*b), memory: b, pool: &a.memory}
}

// spill makes a temporary file that has no name, so that nothing is left of it
// however the process ends.
func (a *Analyser) spill() (*kept, error) {
	f, err := os.CreateTemp(a.TempDir, "seaworthy-*")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errTemporary, err)
	}
	k := &kept{content: f, file: f}
	if err := os.Remove(f.Name()); err != nil {
		k.unlink = f.Name()
	}
	return k, nil
}

// writer is a kept file to be filled.
type writer struct{ k *kept }

func (w writer) Write(b []byte) (int, error) {
	if err := w.k.write(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (k *kept) write(b []byte) error {
	if _, err := k.file.Write(b); err != nil {
		return fmt.Errorf("%w: %w", errTemporary, err)
	}
	return nil
}

// release gives the memory back for reuse, or closes the file. Memory that may
// still be read is never used again.
func (k *kept) release() {
	if k.memory != nil && !k.left {
		k.pool.Put(k.memory)
	}
	if k.file == nil {
		return
	}
	_ = k.file.Close() // nothing of it is of use any more
	if k.unlink != "" {
		_ = os.Remove(k.unlink)
	}
}
