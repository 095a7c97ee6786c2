package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bounds of resuming: a try must bring something, and this many are enough for
// a connection that is cut every few megabytes.
const (
	maxResumes  = 100
	resumeDelay = 100 * time.Millisecond
)

var (
	errStalled = errors.New("no more bytes came in time")
	errShort   = errors.New("the stream ended before its size")
)

// blobReader streams a blob. When the connection breaks it goes on where it was,
// through the registry again: the place that the registry redirected to may have
// expired. Close may be called while Read runs.
type blobReader struct {
	ctx      context.Context
	stop     context.CancelFunc
	fetch    func(ctx context.Context, offset int64) (*http.Response, error)
	classify func(error) error
	clock    clock
	timeout  time.Duration

	mu       sync.Mutex
	verifier *verifier
	body     io.ReadCloser
	attempt  context.Context // of the connection that body comes from
	stall    *time.Timer     // ends attempt
	end      context.CancelCauseFunc
	since    int64 // offset at which it began
	resumes  int
	err      error // sticky
}

// Read resumes as needed and verifies.
func (b *blobReader) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.err == nil && len(p) > 0 {
		n, err := b.read(p)
		if tooLong := b.verifier.take(p[:n]); tooLong != nil {
			b.fail(tooLong)
			break
		}
		if errors.Is(err, io.EOF) && b.verifier.want.Size > b.verifier.n {
			err = errShort
		}
		switch {
		case errors.Is(err, io.EOF):
			err = b.verifier.end()
			if err == nil {
				err = io.EOF
			}
			b.fail(err)
			return n, err
		case err != nil:
			if err := b.resume(err); err != nil {
				b.fail(err)
				return n, err
			}
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, b.err
}

// read is one read from the connection, given up when nothing comes.
func (b *blobReader) read(p []byte) (int, error) {
	b.stall.Reset(b.timeout)
	n, err := b.body.Read(p)
	b.stall.Stop()
	if err != nil && err != io.EOF && context.Cause(b.attempt) == errStalled {
		err = errStalled
	}
	return n, err
}

// resume connects again after cause, if that promises anything.
func (b *blobReader) resume(cause error) error {
	b.disconnect()
	switch {
	case b.ctx.Err() != nil:
		return b.classify(errors.Join(cause, b.ctx.Err()))
	case b.verifier.n == b.since && cause == errShort:
		return b.verifier.end()
	case b.verifier.n == b.since || b.resumes == maxResumes:
		return b.classify(cause)
	}
	b.resumes++
	if err := b.clock.Sleep(b.ctx, resumeDelay); err != nil {
		return b.classify(errors.Join(cause, err))
	}
	return b.connect()
}

// connect asks for what is left.
func (b *blobReader) connect() error {
	b.attempt, b.end = context.WithCancelCause(b.ctx)
	end := b.end
	b.stall = time.AfterFunc(b.timeout, func() { end(errStalled) })
	b.stall.Stop()
	offset := b.verifier.n
	resp, err := b.fetch(b.attempt, offset) //nolint:bodyclose // Close, or the next connect, closes it
	if err != nil {
		end(nil)
		if s, ok := errors.AsType[*statusError](err); ok && s.status == http.StatusRequestedRangeNotSatisfiable && offset > 0 {
			return b.verifier.end() // all that is there was read
		}
		return b.classify(err)
	}
	b.body, b.since = resp.Body, offset
	switch {
	case offset == 0 && resp.StatusCode == http.StatusOK:
		return nil
	case resp.StatusCode == http.StatusOK:
		return b.skip(offset)
	case resp.StatusCode == http.StatusPartialContent && rangeStart(resp.Header.Get("Content-Range")) == offset:
		return nil
	}
	return b.classify(&protocolError{fmt.Sprintf("it answered %s to a request for the bytes from %d on", resp.Status, offset)})
}

// skip reads over what was read before, from a server that knows no ranges.
func (b *blobReader) skip(n int64) error {
	buffer := make([]byte, 64<<10)
	for n > 0 {
		m, err := b.read(buffer[:min(n, int64(len(buffer)))])
		n -= int64(m)
		if err != nil && n > 0 {
			return b.classify(err)
		}
	}
	return nil
}

// rangeStart reads the 3 of "bytes 3-9/100"; -1 if there is none.
func rangeStart(s string) int64 {
	rest, ok := strings.CutPrefix(s, "bytes ")
	start, _, dash := strings.Cut(rest, "-")
	n, err := strconv.ParseInt(start, 10, 64)
	if !ok || !dash || err != nil {
		return -1
	}
	return n
}

func (b *blobReader) fail(err error) {
	b.err = err
	b.disconnect()
	b.stop()
}

func (b *blobReader) disconnect() {
	if b.end != nil {
		b.end(nil)
		b.stall.Stop()
	}
	if b.body != nil {
		b.body.Close()
	}
}

// Close frees the connection.
func (b *blobReader) Close() error {
	b.stop() // ends a Read that waits
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = errors.New("read of a closed blob")
	}
	b.disconnect()
	return nil
}
