package inflate

import (
	"encoding/binary"
	"io"
)

// more takes the next run of input once the one in hand is used up. It is false
// at the end.
func (r *Reader) more() bool {
	for empty := 0; r.pos == len(r.run); empty++ {
		switch {
		case r.ended != nil:
			return false
		case r.source == nil:
			r.ended = io.EOF
			return false
		case empty == 100:
			r.ended = io.ErrNoProgress
			return false
		}
		r.run, r.ended = r.source()
		r.pos = 0
		if r.ended != nil {
			r.run = nil
		}
	}
	return true
}

// fill takes input until at least 56 bits count, or there is no more.
func (r *Reader) fill() {
	if r.count >= 56 {
		return
	}
	if len(r.run)-r.pos >= 8 {
		r.bits |= binary.LittleEndian.Uint64(r.run[r.pos:]) << r.count
		r.pos += int(63-r.count) >> 3
		r.count |= 56
		return
	}
	for r.count < 56 && r.more() {
		r.bits |= uint64(r.run[r.pos]) << r.count
		r.pos++
		r.count += 8
	}
}

// drop uses up n bits, which count.
func (r *Reader) drop(n uint) {
	r.bits >>= n
	r.count -= n
}

// take gives the next n bits, at most 16.
func (r *Reader) take(n uint) (uint, error) {
	if r.count < n {
		if r.fill(); r.count < n {
			return 0, r.short()
		}
	}
	v := uint(r.bits & (1<<n - 1))
	r.drop(n)
	return v, nil
}

// align goes on to a whole byte. From there on, input may be taken from the run
// again once the bits are used up, so none may remain above those that count.
func (r *Reader) align() {
	r.drop(r.count & 7)
	r.bits &= 1<<r.count - 1
}

// read fills p with whole bytes and gives how many there were.
func (r *Reader) read(p []byte) int {
	n := 0
	for ; n < len(p) && r.count > 0; n++ {
		p[n] = byte(r.bits)
		r.drop(8)
	}
	for n < len(p) && r.more() {
		more := copy(p[n:], r.run[r.pos:])
		r.pos += more
		n += more
	}
	return n
}
