package advisory

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"

	"github.com/seaworthy-dev/seaworthy"
)

// files are records that can be read in any order and at once.
type files interface {
	len() int
	name(i int) string // without a directory
	// read gives a file's bytes, in buf's space where that does. A malformedError
	// is about this file alone; any other means that none can be trusted.
	read(i int, buf []byte) ([]byte, error)
}

// malformedError is why one record is skipped.
type malformedError struct{ error }

func (e malformedError) Unwrap() error { return e.error }

// maxDirectory bounds a zip's list of entries, which is read whole: it has room
// for about a million.
const maxDirectory = 64 << 20

// archive is the records in a zip.
type archive struct {
	entries []*zip.File
	limits  seaworthy.Limits
}

// openArchive reads the list of r's entries. With flat, only those at the top
// are records, as in a bucket's all.zip.
func openArchive(r io.ReaderAt, size int64, flat bool, l seaworthy.Limits) (*archive, error) {
	if size > l.AdvisoryFile {
		return nil, l.Exceeded(seaworthy.LimitAdvisoryFile, "the zip")
	}
	list := &budget{r: r, left: maxDirectory}
	z, err := zip.NewReader(list, size)
	if err != nil {
		return nil, fmt.Errorf("it is no whole zip: %w", err)
	}
	list.left = -1
	z.RegisterDecompressor(zip.Deflate, inflate(&sync.Pool{}))
	a := &archive{limits: l, entries: z.File[:0]}
	var total uint64
	for _, f := range z.File {
		base, ok := strings.CutSuffix(path.Base(f.Name), ".json")
		if !ok || !f.Mode().IsRegular() || !validID(base) || flat && strings.ContainsAny(f.Name, `/\`) {
			continue
		}
		if total += f.UncompressedSize64; total > uint64(l.AdvisoryFile) {
			return nil, l.Exceeded(seaworthy.LimitAdvisoryFile, "the zip unpacked")
		}
		a.entries = append(a.entries, f)
	}
	return a, nil
}

// budget bounds the bytes that may be read; with left below zero they are free.
type budget struct {
	r    io.ReaderAt
	left int64
}

func (b *budget) ReadAt(p []byte, off int64) (int, error) {
	if b.left >= 0 {
		if b.left -= int64(len(p)); b.left < 0 {
			return 0, fmt.Errorf("its list of entries has more than %d bytes", maxDirectory)
		}
	}
	return b.r.ReadAt(p, off)
}

// inflate makes decompressors that are used again.
func inflate(pool *sync.Pool) zip.Decompressor {
	return func(r io.Reader) io.ReadCloser {
		fr, ok := pool.Get().(io.ReadCloser)
		if !ok {
			return &pooled{flate.NewReader(r), pool}
		}
		if err := fr.(flate.Resetter).Reset(r, nil); err != nil {
			return io.NopCloser(errorReader{err})
		}
		return &pooled{fr, pool}
	}
}

type errorReader struct{ err error }

func (e errorReader) Read([]byte) (int, error) { return 0, e.err }

type pooled struct {
	io.ReadCloser
	pool *sync.Pool
}

func (p *pooled) Close() error {
	if p.ReadCloser == nil {
		return nil
	}
	err := p.ReadCloser.Close()
	p.pool.Put(p.ReadCloser)
	p.ReadCloser = nil
	return err
}

func (a *archive) len() int { return len(a.entries) }

func (a *archive) name(i int) string { return path.Base(a.entries[i].Name) }

func (a *archive) read(i int, buf []byte) ([]byte, error) {
	f := a.entries[i]
	if f.UncompressedSize64 > uint64(a.limits.AdvisoryBytes) {
		return buf, malformedError{a.limits.Exceeded(seaworthy.LimitAdvisoryBytes, "an advisory record")}
	}
	r, err := f.Open()
	if err != nil {
		return buf, fmt.Errorf("its entry %.80q: %w", f.Name, err)
	}
	defer r.Close()
	buf, err = readAll(r, buf, a.limits)
	if err != nil {
		if _, ok := errors.AsType[malformedError](err); ok {
			return buf, err
		}
		return buf, fmt.Errorf("its entry %.80q is damaged: %w", f.Name, err)
	}
	return buf, nil
}

// readAll reads a record of bounded size into buf's space.
func readAll(r io.Reader, buf []byte, l seaworthy.Limits) ([]byte, error) {
	buf = buf[:0]
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > l.AdvisoryBytes {
			return buf, malformedError{l.Exceeded(seaworthy.LimitAdvisoryBytes, "an advisory record")}
		}
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

// folder is records that are files of their own.
type folder struct {
	fsys   fs.FS
	paths  []string
	limits seaworthy.Limits
}

func (d *folder) len() int { return len(d.paths) }

func (d *folder) name(i int) string { return path.Base(d.paths[i]) }

func (d *folder) read(i int, buf []byte) ([]byte, error) {
	f, err := d.fsys.Open(d.paths[i])
	if err != nil {
		return buf, malformedError{err}
	}
	defer func() { _ = f.Close() }()
	if buf, err = readAll(f, buf, d.limits); err != nil {
		return buf, malformedError{err}
	}
	return buf, nil
}

// some are the files of others at some indexes.
type some struct {
	files
	at []int
}

func (s some) len() int { return len(s.at) }

func (s some) name(i int) string { return s.files.name(s.at[i]) }

func (s some) read(i int, buf []byte) ([]byte, error) { return s.files.read(s.at[i], buf) }
