package layer

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
)

// The ring is large enough to keep a connection busy while one run is inflated,
// and small enough to stay in the processor's cache.
const (
	runBytes = 256 << 10
	runCount = 4
)

// readAhead reads a stored stream in a goroutine of its own, some buffers ahead,
// so that fetching and hashing overlap with unpacking.
type readAhead struct {
	pool   *sync.Pool // of *[runBytes]byte
	cancel context.CancelFunc
	ended  chan struct{} // closed when the goroutine is gone

	full  chan []byte // closed when the stream has ended
	free  chan *[runBytes]byte
	count atomic.Int64 // bytes read

	err  error  // why the stream ended; valid once full is closed
	run  []byte // what is left of the run in hand
	hold *[runBytes]byte
	made []*[runBytes]byte // of the goroutine until ended
}

// newReadAhead reads rc, which was opened under ctx; cancel ends ctx.
func newReadAhead(ctx context.Context, cancel context.CancelFunc, pool *sync.Pool, rc io.ReadCloser, told func(int)) *readAhead {
	r := &readAhead{
		pool: pool, cancel: cancel, ended: make(chan struct{}),
		full: make(chan []byte, runCount), free: make(chan *[runBytes]byte, runCount),
	}
	go func() {
		defer close(r.ended)
		defer rc.Close()
		defer close(r.full)
		r.err = r.pump(ctx, rc, told)
	}()
	return r
}

// pump never blocks on full, which has room for all buffers that there are.
func (r *readAhead) pump(ctx context.Context, in io.Reader, told func(int)) error {
	for {
		b, err := r.buffer(ctx)
		if err != nil {
			return err
		}
		n, err := fill(in, b[:])
		r.count.Add(int64(n))
		if n > 0 {
			told(n)
			r.full <- b[:n]
		}
		if err != nil {
			return err
		}
	}
}

func (r *readAhead) buffer(ctx context.Context) (*[runBytes]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(r.made) < runCount {
		select {
		case b := <-r.free:
			return b, nil
		default:
		}
		b, ok := r.pool.Get().(*[runBytes]byte)
		if !ok {
			b = new([runBytes]byte)
		}
		r.made = append(r.made, b)
		return b, nil
	}
	select {
	case b := <-r.free:
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// fill reads until b is full or the stream ends.
func fill(in io.Reader, b []byte) (n int, err error) {
	for empty := 0; n < len(b) && err == nil; {
		var more int
		more, err = in.Read(b[n:])
		n += more
		if more > 0 {
			empty = 0
		} else if empty++; empty == 100 && err == nil {
			err = io.ErrNoProgress
		}
	}
	return n, err
}

// peek gives the run in hand, or the next one, without taking it.
func (r *readAhead) peek() ([]byte, error) {
	if len(r.run) > 0 {
		return r.run, nil
	}
	if r.hold != nil {
		r.free <- r.hold
		r.hold = nil
	}
	run, ok := <-r.full
	if !ok {
		return nil, r.err
	}
	r.run, r.hold = run, (*[runBytes]byte)(run[:runBytes])
	return run, nil
}

// next takes the run in hand; it is valid until the next call.
func (r *readAhead) next() ([]byte, error) {
	run, err := r.peek()
	r.run = nil
	return run, err
}

// Read copies from the run in hand.
func (r *readAhead) Read(p []byte) (int, error) {
	run, err := r.peek()
	if err != nil {
		return 0, err
	}
	n := copy(p, run)
	r.run = run[n:]
	return n, nil
}

// drain reads to the end, which verifies the stream, and says what is wrong
// with it.
func (r *readAhead) drain() error {
	for {
		if _, err := r.next(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// close ends the goroutine, waits for it and gives the buffers back.
func (r *readAhead) close() {
	r.cancel()
	<-r.ended
	for _, b := range r.made {
		r.pool.Put(b)
	}
}
