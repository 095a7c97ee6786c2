package inflate

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Flags of a member's header.
const (
	flagSum      = 1 << 1
	flagExtra    = 1 << 2
	flagName     = 1 << 3
	flagComment  = 1 << 4
	flagReserved = 7 << 5
)

// textBytes bounds a name or a comment with the zero byte that ends it.
const textBytes = 512

// header reads what comes before the blocks of a member. It is io.EOF if there
// is no member at all.
func (r *Reader) header() error {
	r.align()
	head := r.buf[:10]
	switch n := r.read(head); {
	case n == 0:
		return r.ended
	case n < len(head):
		return r.short()
	}
	if head[0] != 0x1f || head[1] != 0x8b {
		if r.member {
			return fmt.Errorf("%w: what follows the stream is none", ErrHeader)
		}
		return fmt.Errorf("%w: it is not gzip", ErrHeader)
	}
	if head[2] != 8 {
		return fmt.Errorf("%w: compression method %d is unknown", ErrHeader, head[2])
	}
	flags := head[3]
	if flags&flagReserved != 0 {
		return fmt.Errorf("%w: reserved flags are set", ErrHeader)
	}
	if err := r.fields(flags, crc32.ChecksumIEEE(head)); err != nil {
		return err
	}
	r.member = true
	r.base, r.sumAt = r.at, r.at
	r.sum, r.size = 0, 0
	r.stage = atBlock
	return nil
}

// fields goes over the fields that a header may have. sum is the checksum of
// what comes before.
func (r *Reader) fields(flags byte, sum uint32) error {
	buf := r.buf[:]
	if flags&flagExtra != 0 {
		if r.read(buf[:2]) < 2 {
			return r.short()
		}
		sum = crc32.Update(sum, crc32.IEEETable, buf[:2])
		for left := int(binary.LittleEndian.Uint16(buf)); left > 0; {
			part := buf[:min(left, len(buf))]
			if r.read(part) < len(part) {
				return r.short()
			}
			sum = crc32.Update(sum, crc32.IEEETable, part)
			left -= len(part)
		}
	}
	for _, flag := range [...]byte{flagName, flagComment} {
		if flags&flag == 0 {
			continue
		}
		text, err := r.text()
		if err != nil {
			return err
		}
		sum = crc32.Update(sum, crc32.IEEETable, text)
	}
	if flags&flagSum == 0 {
		return nil
	}
	if r.read(buf[:2]) < 2 {
		return r.short()
	}
	if binary.LittleEndian.Uint16(buf) != uint16(sum) {
		return fmt.Errorf("%w: its checksum is wrong", ErrHeader)
	}
	return nil
}

// text reads up to a zero byte.
func (r *Reader) text() ([]byte, error) {
	for i := range r.buf {
		if r.read(r.buf[i:i+1]) < 1 {
			return nil, r.short()
		}
		if r.buf[i] == 0 {
			return r.buf[:i+1], nil
		}
	}
	return nil, fmt.Errorf("%w: a name or comment is too long", ErrHeader)
}

// trailer checks what was unpacked of a member.
func (r *Reader) trailer() error {
	r.addUp()
	r.align()
	tail := r.buf[:8]
	if r.read(tail) < len(tail) {
		return r.short()
	}
	if binary.LittleEndian.Uint32(tail) != r.sum || binary.LittleEndian.Uint32(tail[4:]) != r.size {
		return ErrChecksum
	}
	r.stage = atMember
	return nil
}
