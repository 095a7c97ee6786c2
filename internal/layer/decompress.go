package layer

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/inflate"
)

// A decompressor gives a stored stream as it was before compression, in runs.
type decompressor interface {
	// next gives the next run of at least one byte, valid until the call after.
	// io.EOF comes when the stream has ended and its checksums were right.
	next() ([]byte, error)

	// close gives back what it holds.
	close()
}

// damage says in what way a stream is not what it should be.
type damage struct {
	what        string
	err         error
	unsupported bool // it may be whole, but is of no use here
}

func (d *damage) Error() string { return d.what }
func (d *damage) Unwrap() error { return d.err }

// unpackedBytes is large enough for a whole zstd block, and for writes that are
// worth a system call.
const unpackedBytes = 128 << 10

// decompress looks at the first bytes, not at the media type: some tools write
// one and mean the other, and what a container engine does goes by the bytes.
func (a *Analyser) decompress(in *readAhead, b Blob) (decompressor, error) {
	head, err := in.peek()
	if err == io.EOF {
		return plain{in}, nil // an empty layer
	}
	if err != nil {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return newInflater(&a.inflaters, in), nil
	case isZstd(head):
		return newUnzstd(in, a.Limits, "a zstd frame of layer "+b.Digest.Short())
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		return nil, &damage{what: "it is compressed with xz", unsupported: true}
	case bytes.HasPrefix(head, []byte("BZh")) && (len(head) < tarBlock || !looksLikeTar(head[:tarBlock])):
		return nil, &damage{what: "it is compressed with bzip2", unsupported: true}
	case strings.HasSuffix(b.MediaType, "+encrypted"):
		return nil, &damage{what: "it is encrypted", unsupported: true}
	}
	return plain{in}, nil
}

// isZstd knows frames and the skippable frames that may come first.
func isZstd(head []byte) bool {
	if len(head) < 4 {
		return false
	}
	return bytes.Equal(head[:4], []byte{0x28, 0xb5, 0x2f, 0xfd}) ||
		head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18})
}

// plain is a stream that is not compressed.
type plain struct{ in *readAhead }

func (p plain) next() ([]byte, error) { return p.in.next() }
func (p plain) close()                {}

// inflater reads gzip of one or more members.
type inflater struct {
	pool   *sync.Pool
	reader inflate.Reader
}

func newInflater(pool *sync.Pool, in *readAhead) *inflater {
	z, ok := pool.Get().(*inflater)
	if !ok {
		z = &inflater{pool: pool}
	}
	z.reader.Reset(in.next)
	return z
}

func (z *inflater) next() ([]byte, error) {
	run, err := z.reader.Next()
	if err != nil && err != io.EOF {
		return nil, gzipDamage(err)
	}
	return run, err
}

func (z *inflater) close() {
	z.reader.Reset(nil)
	z.pool.Put(z)
}

func gzipDamage(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &damage{what: "its gzip stream ends early", err: err}
	case errors.Is(err, inflate.ErrChecksum):
		return &damage{what: "the checksum of its gzip stream is wrong", err: err}
	}
	return &damage{what: "its gzip stream is damaged", err: err}
}

// unzstd reads zstd frames. It is not pooled, since a frame may have made its
// window large.
type unzstd struct {
	zstd *zstd.Decoder
	over *seaworthy.LimitError // the error of a window that is too large
	buf  [unpackedBytes]byte
}

func newUnzstd(in io.Reader, l seaworthy.Limits, what string) (*unzstd, error) {
	window := min(max(uint64(l.ZstdWindow), zstd.MinWindowSize), 1<<40)
	d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(window), zstd.WithDecoderMaxMemory(1<<63))
	z := &unzstd{zstd: d, over: l.Exceeded(seaworthy.LimitZstdWindow, what)}
	if err != nil {
		return nil, z.damage(err)
	}
	return z, nil
}

func (z *unzstd) next() ([]byte, error) {
	for {
		n, err := z.zstd.Read(z.buf[:])
		if n > 0 {
			return z.buf[:n], nil
		}
		if err == io.EOF {
			return nil, err
		}
		if err != nil {
			return nil, z.damage(err)
		}
	}
}

func (z *unzstd) close() { z.zstd.Close() }

func (z *unzstd) damage(err error) error {
	switch {
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return z.over
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &damage{what: "its zstd stream ends early", err: err}
	case errors.Is(err, zstd.ErrCRCMismatch):
		return &damage{what: "the checksum of its zstd stream is wrong", err: err}
	}
	return &damage{what: "its zstd stream is damaged", err: err}
}
