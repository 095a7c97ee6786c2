package extractor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
)

// javaArchive reads Java archives and those within them. What an archive is, its
// pom.properties say, one for each artifact that was put into it; without any,
// its file name and its manifest give one, with a group that is a guess
// (see guessArtifact).
func javaArchive(l seaworthy.Limits) layer.Extractor {
	return &parser{
		format: FormatJar,
		named:  isJavaArchive,
		parse: func(ctx context.Context, f *layer.File) (seaworthy.Record, error) {
			if f.Size == 0 {
				return seaworthy.Record{}, nil // an installer's placeholder
			}
			j := &jarReader{ctx: ctx, c: collect(l), left: l.ArchiveBytes}
			err := j.read(f.Content, f.Size, f.Path, 1)
			if errors.Is(err, errZip) && !javaAlone(f.Path) && !looksZipped(f.Content) {
				return seaworthy.Record{}, nil // the name is used for other things too
			}
			r, partly := j.c.done()
			if err != nil {
				return r, err
			}
			return r, partly
		},
	}
}

func isJavaArchive(file string) bool {
	if i := len(file) - 5; i < 0 || strings.IndexByte(file[i:], '.') < 0 {
		return false // most files, at little cost
	}
	switch strings.ToLower(path.Ext(file)) {
	case ".jar", ".war", ".ear", ".jmod", ".par", ".sar", ".jpi", ".hpi", ".lpkg", ".nar":
		return true
	}
	return false
}

// javaAlone reports whether only Java uses the file's extension.
func javaAlone(file string) bool {
	switch strings.ToLower(path.Ext(file)) {
	case ".jar", ".war", ".ear", ".jmod", ".jpi", ".hpi":
		return true
	}
	return false
}

// jarReader reads one archive with all within it.
type jarReader struct {
	ctx  context.Context
	c    *collector
	left int64 // of the bytes that may be unpacked
}

// read adds the packages of an archive. What is wrong with a part of it is a
// fault; an error is of the whole archive.
func (j *jarReader) read(r io.ReaderAt, size int64, name string, depth int64) error {
	if depth > j.c.limits.ArchiveDepth {
		return j.c.limits.Exceeded(seaworthy.LimitArchiveDepth, "the archive")
	}
	var (
		poms      int
		manifests []manifest
	)
	for e, err := range zipEntries(r, size) {
		if err == nil {
			err = j.ctx.Err()
		}
		if err != nil {
			return err
		}
		if j.c.full() {
			return nil
		}
		switch base := path.Base(e.name); {
		case base == "pom.properties":
			poms += j.pom(e, r, size)
		case strings.EqualFold(base, "MANIFEST.MF"):
			if m, ok := j.manifest(e, r, size); ok {
				manifests = append(manifests, m)
			}
		case isJavaArchive(e.name) && e.size > 0:
			if err := j.nested(e, r, size, depth); err != nil {
				j.c.fault(fmt.Errorf("%.120q in it: %w", e.name, err))
			}
		}
	}
	if poms == 0 {
		for _, a := range guessArtifact(name, manifests) {
			j.c.add(a.pkg())
		}
	}
	return nil
}

// pom adds what a pom.properties names, and gives the number of packages.
func (j *jarReader) pom(e zipEntry, r io.ReaderAt, size int64) int {
	in, err := j.open(e, r, size)
	if err != nil {
		j.c.fault(fmt.Errorf("%.120q in it: %w", e.name, err))
		return 0
	}
	a, err := readPomProperties(in, e.size)
	switch {
	case err != nil:
		j.c.fault(fmt.Errorf("%.120q in it: %w", e.name, err))
		return 0
	case !a.whole():
		return 0
	}
	j.c.add(a.pkg())
	return 1
}

func (j *jarReader) manifest(e zipEntry, r io.ReaderAt, size int64) (manifest, bool) {
	in, err := j.open(e, r, size)
	if err != nil {
		j.c.fault(fmt.Errorf("%.120q in it: %w", e.name, err))
		return nil, false
	}
	m, err := readManifest(in, e.size)
	if err != nil {
		j.c.fault(fmt.Errorf("%.120q in it: %w", e.name, err))
		return nil, false
	}
	return m, true
}

// unzip reads an entry, within what may be unpacked of the whole archive.
func (j *jarReader) unzip(e zipEntry, r io.ReaderAt, size int64) (io.Reader, error) {
	in, err := e.open(r, size)
	if err != nil {
		return nil, err
	}
	return &boundedReader{ctx: j.ctx, r: in, left: &j.left, over: j.overBytes()}, nil
}

func (j *jarReader) overBytes() error {
	return j.c.limits.Exceeded(seaworthy.LimitArchiveBytes, "what is packed in it")
}

// open reads a text in the archive.
func (j *jarReader) open(e zipEntry, r io.ReaderAt, size int64) (io.Reader, error) {
	in, err := j.unzip(e, r, size)
	if err != nil {
		return nil, err
	}
	return bounded(j.ctx, in, j.c.limits), nil
}

// nested reads an archive within. One that is only stored is read in its place;
// others are unpacked first, because a directory stands at the end.
func (j *jarReader) nested(e zipEntry, r io.ReaderAt, size, depth int64) error {
	if e.method == zipStored && !e.locked {
		s, err := e.section(r, size)
		if err != nil {
			return err
		}
		// It costs nothing to lay many entries over the same bytes, so they count as unpacked.
		if j.left -= s.Size(); j.left < 0 {
			return j.overBytes()
		}
		return j.read(s, s.Size(), e.name, depth+1)
	}
	in, err := j.unzip(e, r, size)
	if err != nil {
		return err
	}
	s, err := unpack(in, e.size)
	if err != nil {
		return err
	}
	defer s.close()
	return j.read(s, s.size, e.name, depth+1)
}

// unpacked is content in memory or, if it is large, in a file without a name.
type unpacked struct {
	io.ReaderAt
	size int64
	file *os.File
}

func (u *unpacked) close() {
	if u.file != nil {
		u.file.Close()
	}
}

// inMemory is how large an archive within an archive is kept in memory.
const inMemory = 1 << 20

func unpack(in io.Reader, size int64) (*unpacked, error) {
	var b bytes.Buffer
	b.Grow(int(min(size+bytes.MinRead, inMemory+bytes.MinRead)))
	n, err := io.Copy(&b, io.LimitReader(in, inMemory+1))
	if err != nil {
		return nil, err
	}
	if n <= inMemory {
		return &unpacked{ReaderAt: bytes.NewReader(b.Bytes()), size: n}, nil
	}
	file, err := os.CreateTemp("", "seaworthy-jar-*")
	if err != nil {
		return nil, fmt.Errorf("cannot be unpacked: %w", err)
	}
	// Without a name it is gone with the process, however that ends.
	err = os.Remove(file.Name())
	if err == nil {
		n, err = io.Copy(file, io.MultiReader(&b, in))
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return &unpacked{ReaderAt: file, size: n, file: file}, nil
}
