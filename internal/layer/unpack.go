package layer

import "io"

// unpacker is the unpacked stream, taken piece by piece. What is skipped is
// never copied.
type unpacker struct {
	from  decompressor
	run   []byte
	total int64             // bytes unpacked
	admit func(int64) error // asked for each run: whether to go on with that total
}

// more makes run not empty.
func (u *unpacker) more() error {
	for len(u.run) == 0 {
		run, err := u.from.next()
		if err != nil {
			return err
		}
		u.run = run
		u.total += int64(len(run))
		if err := u.admit(u.total); err != nil {
			return err
		}
	}
	return nil
}

// take gives at least 1 and at most n bytes, valid until the next call of any
// method.
func (u *unpacker) take(n int64) ([]byte, error) {
	if err := u.more(); err != nil {
		return nil, err
	}
	run := u.run[:min(n, int64(len(u.run)))]
	u.run = u.run[len(run):]
	return run, nil
}

// full fills p. At the end of the stream it gives io.EOF if nothing was read,
// io.ErrUnexpectedEOF if a part was.
func (u *unpacker) full(p []byte) error {
	for n := 0; n < len(p); {
		run, err := u.take(int64(len(p) - n))
		if err == io.EOF && n > 0 {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		n += copy(p[n:], run)
	}
	return nil
}

// skip passes over n bytes and gives io.EOF if there are fewer.
func (u *unpacker) skip(n int64) error {
	for n > 0 {
		run, err := u.take(n)
		if err != nil {
			return err
		}
		n -= int64(len(run))
	}
	return nil
}

// drain goes to the end, so that all checksums are looked at.
func (u *unpacker) drain() error {
	for {
		u.run = nil
		if err := u.more(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}
