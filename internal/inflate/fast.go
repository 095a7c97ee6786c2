package inflate

import "encoding/binary"

// fastInput is what the fast loop may take of the input in one turn and what it
// reads past that.
const fastInput = 16

// fast decodes while there is input enough for a whole turn, until the block
// ends or the window is full.
func (r *Reader) fast() error {
	in, pos := r.run, r.pos
	last := len(in) - fastInput
	bits, count := r.bits, uint64(r.count)
	at, base := r.at, r.base
	err := error(nil)

turns:
	for pos <= last && at < fullAt {
		bits |= binary.LittleEndian.Uint64(in[pos:]) << (count & 63)
		pos += int(63-count&63) >> 3
		count |= 56

		e := r.symbols[bits&(1<<symbolBits-1)]
		if e&isLiteral != 0 {
			binary.LittleEndian.PutUint16(r.window[at:], uint16(e>>16))
			at += int(e >> 8 & 3)
			bits >>= e & 63
			count -= uint64(e & 63)
			e = r.symbols[bits&(1<<symbolBits-1)]
			if e&isLiteral != 0 {
				binary.LittleEndian.PutUint16(r.window[at:], uint16(e>>16))
				at += int(e >> 8 & 3)
				bits >>= e & 63
				count -= uint64(e & 63)
				e = r.symbols[bits&(1<<symbolBits-1)]
				if e&isLiteral != 0 {
					binary.LittleEndian.PutUint16(r.window[at:], uint16(e>>16))
					at += int(e >> 8 & 3)
					bits >>= e & 63
					count -= uint64(e & 63)
					continue
				}
			}
		}
		if e&isSpecial != 0 {
			if e&isFurther != 0 {
				bits >>= symbolBits
				count -= symbolBits
				e = r.symbols[uint64(e>>16)+bits&(1<<symbolMore-1)]
			}
			switch {
			case e&isLiteral != 0:
				r.window[at] = byte(e >> 16)
				at++
				bits >>= e & 63
				count -= uint64(e & 63)
				continue
			case e&isEnd != 0:
				bits >>= e & 63
				count -= uint64(e & 63)
				r.endBlock()
				break turns
			case e&isSpecial != 0:
				err = corrupt("a code does not exist")
				break turns
			}
		}
		length := e.length(bits)
		bits >>= e & 63
		count -= uint64(e & 63)

		if count < 28 {
			bits |= binary.LittleEndian.Uint64(in[pos:]) << (count & 63)
			pos += int(63-count&63) >> 3
			count |= 56
		}
		d := r.distances[bits&(1<<distanceBits-1)]
		if d&isSpecial != 0 {
			if d&isFurther == 0 {
				err = corrupt("a code does not exist")
				break
			}
			bits >>= distanceBits
			count -= distanceBits
			d = r.distances[uint64(d>>16)+bits&(1<<distanceMore-1)]
			if d&isSpecial != 0 {
				err = corrupt("a code does not exist")
				break
			}
		}
		distance := d.distance(bits)
		bits >>= d & 63
		count -= uint64(d & 63)

		from := at - distance
		if from < base {
			err = corrupt("a match begins before the stream")
			break
		}
		copyMatch(&r.window, at, from, length)
		at += length
	}
	r.pos, r.bits, r.count, r.at = pos, bits, uint(count), at
	return err
}

// copyMatch copies length bytes at from to at, byte after byte as it were. It
// may write some bytes more.
func copyMatch(w *[windowBytes]byte, at, from, length int) {
	end := at + length
	distance := at - from
	if distance >= 8 {
		for at < end {
			binary.LittleEndian.PutUint64(w[at:], binary.LittleEndian.Uint64(w[from:]))
			binary.LittleEndian.PutUint64(w[at+8:], binary.LittleEndian.Uint64(w[from+8:]))
			at += 16
			from += 16
		}
		return
	}
	for at < end {
		w[at] = w[from]
		at++
		from++
	}
}
