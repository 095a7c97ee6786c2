package oci

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/seaworthy-dev/seaworthy"
)

// compression is how bytes are compressed, by their first ones.
func compression(head []byte) string {
	has := func(magic string) bool { return len(head) >= len(magic) && string(head[:len(magic)]) == magic }
	switch {
	case has("\x1f\x8b"):
		return "gzip"
	case has("\x28\xb5\x2f\xfd"):
		return "zstd"
	case has("\xfd7zXZ\x00"):
		return "xz"
	case has("BZh"):
		return "bzip2"
	}
	return ""
}

// unpacked gives f, or if it is compressed, a temporary file of what is in it
// and closes f. The file has no name, so it is gone when it is closed or we are.
func unpacked(ctx context.Context, f *os.File, typed string, o Options) (*os.File, error) {
	head := make([]byte, 8)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		f.Close()
		return nil, fileError(typed, "the file", err)
	}
	method := compression(head[:n])
	if method == "" {
		return f, nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fileError(typed, "the file", err)
	}
	stream, err := decompress(f, method, o.Limits)
	if err != nil {
		return nil, &seaworthy.Error{Code: seaworthy.CodeInvalid, Public: fmt.Sprintf("%s cannot be unpacked: %v", typed, err), Hint: "unpack it by hand", Err: err}
	}
	defer stream.Close()
	spool, err := newSpool(o.TempDir)
	if err != nil {
		return nil, &seaworthy.Error{Code: seaworthy.CodeInternal, Public: "no temporary file could be made to unpack " + typed, Err: err}
	}
	if err := fill(ctx, spool, stream, info.Size(), typed, o.Limits); err != nil {
		spool.Close()
		return nil, err
	}
	return spool.File, nil
}

func decompress(f io.Reader, method string, l seaworthy.Limits) (io.ReadCloser, error) {
	buffered := bufio.NewReaderSize(f, 256<<10)
	switch method {
	case "gzip":
		return gzip.NewReader(buffered)
	case "zstd":
		d, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(uint64(l.ZstdWindow)), zstd.WithDecoderMaxMemory(uint64(l.ZstdWindow)))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return nil, errors.New("compression by " + method + " is not supported, gzip and zstd are")
}

// spool is a temporary file.
type spool struct{ *os.File }

// newSpool removes the name of the file at once: nothing is left behind, however
// we end.
func newSpool(dir string) (spool, error) {
	f, err := os.CreateTemp(dir, "seaworthy-archive-*")
	if err != nil {
		return spool{}, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return spool{}, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return spool{f}, nil
}

// fill copies within the limits on what one archive may unpack to.
func fill(ctx context.Context, to io.Writer, from io.Reader, stored int64, typed string, l seaworthy.Limits) error {
	const freeRatio = 64 << 20 // as with layers, small ones may shrink well
	buffer := make([]byte, 256<<10)
	for total := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := from.Read(buffer)
		total += int64(n)
		switch {
		case total > l.LayerBytes:
			return l.Exceeded(seaworthy.LimitLayerBytes, "what is packed in "+typed)
		case total > freeRatio && total > stored*l.LayerRatio:
			return l.Exceeded(seaworthy.LimitLayerRatio, "what is packed in "+typed)
		}
		if _, werr := to.Write(buffer[:n]); werr != nil {
			return &seaworthy.Error{Code: seaworthy.CodeInternal, Public: typed + " could not be unpacked into a temporary file" + lastCause(werr), Hint: "set TMPDIR to a directory with more room", Err: werr}
		}
		if err == io.EOF {
			return nil
		}
		if errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
			return l.Exceeded(seaworthy.LimitZstdWindow, "the memory to unpack "+typed)
		}
		if err != nil {
			return &seaworthy.Error{Code: seaworthy.CodeCorrupt, Public: typed + " is damaged or cut short" + lastCause(err), Err: err}
		}
	}
}
